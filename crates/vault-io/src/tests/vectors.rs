//! Bytes that every release must read and write.

use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{passphrase, put, value};
use crate::keys::{BoxedKey, Keys};
use crate::passphrase::{Cost, stretch};
use crate::seal::{open, seal, tag};
use crate::wrap::{Opening, Wrap};
use crate::{Table, unlock};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/vault")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything of the format that has fixed bytes, one `name = hex` a line.
fn sealing() -> String {
    let vault_key = [0x11; 32];
    let keys: Keys<BoxedKey> = Keys::of(&vault_key).unwrap();
    let words = passphrase("correct horse battery");
    let cost = Cost { memory_kib: 64, passes: 3, lanes: 1 };
    let mut lines = vec![
        format!("vault-key = {}", hex(&vault_key)),
        format!("seal-key = {}", keys.seal_hex()),
        format!("tag-key = {}", keys.tag_hex()),
    ];
    for (table, key, text) in [(0, "", ""), (3, "name", "text"), (255, "schlüssel", "wert")] {
        let row = tag(&keys, Table(table), key.as_bytes());
        let sealed =
            seal(&keys, Table(table), &row, key.as_bytes(), text.as_bytes(), &[0x22; 24]).unwrap();
        let opened = open(&keys, Table(table), &row, &sealed).unwrap();
        assert_eq!((opened.key, opened.value.to_vec()), (key.into(), text.into()));
        lines.push(format!("row = {table} {:?} {:?} {} {}", key, text, hex(&row), hex(&sealed)));
    }
    let wrap = Wrap::new(&vault_key, &words, cost, [0x33; 16], &[0x44; 24]).unwrap();
    assert!(matches!(wrap.unwrap_with(&words), Opening::Right(key) if *key == vault_key));
    lines.push(format!("stretched = {}", hex(&*stretch(&words, &[0x33; 16], cost).unwrap())));
    lines.push(format!("wrapped = {}", hex(wrap.wrapped())));
    lines.join("\n") + "\n"
}

impl Keys<BoxedKey> {
    fn seal_hex(&self) -> String {
        crate::KeyHold::with(&self.seal, |key| hex(key))
    }

    fn tag_hex(&self) -> String {
        crate::KeyHold::with(&self.tag, |key| hex(key))
    }
}

/// `VAULT-10`
#[test]
fn sealing_gives_the_bytes_of_every_earlier_release() {
    let expected = fs::read_to_string(folder().join("sealing-1.txt")).unwrap();
    assert_eq!(sealing(), expected);
}

/// `VAULT-10`
#[test]
fn a_vault_of_every_earlier_release_opens() {
    let here = tempfile::tempdir().unwrap();
    let copy = here.path().join("vault");
    fs::copy(folder().join("vault-1.sqlite"), &copy).unwrap();
    let words = passphrase("correct horse battery");
    let mut vault = unlock::<BoxedKey>(&copy, &words, 0).unwrap();
    let rows = vault.scan(Table(3)).unwrap();
    let rows: Vec<(&[u8], &[u8])> =
        rows.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
    assert_eq!(rows, [(&b"first"[..], &b"one"[..]), (&b"second"[..], &[7; 5_000][..])]);
    assert_eq!(vault.get(Table(4), b""), Ok(Some(Zeroizing::new(Vec::new()))));
    vault.commit(&[put(3, b"third", b"new")]).unwrap();
    assert_eq!(value(&vault, 3, b"third"), Some(b"new".to_vec()));
}
