//! What lies on the disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::{CHEAP, RIGHT, delete, fresh, open, passphrase, put, system_random, wal};
use crate::create::{create_at_cost, unfinished};
use crate::keys::{BoxedKey, KeyHold};
use crate::seal;
use crate::{CreateError, Table, UnlockError, exists};

/// The bytes of the file and its WAL.
fn raw(path: &std::path::Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes.extend(fs::read(wal(path)).unwrap_or_default());
    bytes
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// `VAULT-03`
#[test]
fn neither_keys_nor_values_nor_names_are_readable_in_the_file() {
    let (_folder, path, mut vault) = fresh();
    let (name, text) = (b"MARKED-NAME-0001", b"MARKED-TEXT-0002");
    vault.commit(&[put(3, name, &text.repeat(500))]).unwrap();
    let working_keys = [vault.keys().seal.with(|key| *key), vault.keys().tag.with(|key| *key)];
    let tag = seal::tag(vault.keys(), Table(3), name);
    for settled in [false, true] {
        if settled {
            vault.checkpoint().unwrap();
        }
        let bytes = raw(&path);
        assert!(holds(&bytes, &tag), "the scanner must find what is there");
        assert!(!holds(&bytes, name));
        assert!(!holds(&bytes, text));
        assert!(!holds(&bytes, RIGHT.as_bytes()));
        assert!(!working_keys.iter().any(|key| holds(&bytes, key)));
    }
}

/// `VAULT-04`
#[test]
fn nothing_of_a_deleted_or_replaced_row_is_left_after_a_checkpoint() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(3, b"gone", &[1; 5_000]), put(3, b"stays", &[2; 5_000])]).unwrap();
    vault.checkpoint().unwrap();
    let sealed: Vec<Vec<u8>> = vault
        .db()
        .prepare("SELECT value FROM kv")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // Overflow pages cut a value into pieces, so pieces are what is looked for.
    let pieces: Vec<&[u8]> = sealed.iter().flat_map(|value| value.chunks(64)).collect();
    let tag = seal::tag(vault.keys(), Table(3), b"gone");
    assert!(holds(&raw(&path), &tag));
    assert!(pieces.iter().filter(|piece| holds(&raw(&path), piece)).count() > 100);
    vault.commit(&[delete(3, b"gone"), put(3, b"stays", b"short")]).unwrap();
    vault.lock().unwrap();
    let bytes = raw(&path);
    assert!(!holds(&bytes, &tag));
    assert!(!pieces.iter().any(|piece| holds(&bytes, piece)));
}

/// `VAULT-04`
#[test]
fn the_wal_is_cut_by_itself_after_enough_steps() {
    let (_folder, path, mut vault) = fresh();
    vault.checkpoint().unwrap();
    assert!(!vault.has_unsettled());
    for step in 0..63_u8 {
        vault.commit(&[put(1, b"a", &[step])]).unwrap();
    }
    assert!(vault.has_unsettled());
    assert!(fs::metadata(wal(&path)).unwrap().len() > 0);
    vault.commit(&[put(1, b"a", b"last")]).unwrap();
    assert!(!vault.has_unsettled());
    assert_eq!(fs::metadata(wal(&path)).unwrap().len(), 0);
    vault.lock().unwrap();
    assert!(!wal(&path).exists());
}

/// `VAULT-02`
#[test]
fn a_small_step_writes_one_transaction_of_few_pages() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    vault.checkpoint().unwrap();
    vault.commit(&[put(1, b"a", b"2")]).unwrap();
    // A WAL header of 32 bytes and one frame of a page and 24 bytes: one commit, one sync.
    assert_eq!(fs::metadata(wal(&path)).unwrap().len(), 32 + 24 + 4_096);
}

/// `VAULT-08`
#[test]
fn file_and_folder_belong_to_the_user_alone_and_no_shared_memory_file_appears() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let inner = path.parent().unwrap();
    assert_eq!(mode(inner), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&wal(&path)), 0o600);
    assert_eq!(fs::read_dir(inner).unwrap().count(), 2);
}

/// `VAULT-08`
#[test]
fn a_second_user_is_refused_at_once() {
    let (_folder, path, vault) = fresh();
    assert_eq!(super::open_with(&path, RIGHT, 0).unwrap_err(), UnlockError::SecondUser);
    drop(vault);
    open(&path);
}

/// `VAULT-09`
#[test]
fn a_vault_is_never_made_over_another_and_a_cut_off_making_is_made_again() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    let again = create_at_cost::<BoxedKey>(&path, &passphrase(RIGHT), &mut system_random, CHEAP);
    assert_eq!(again.unwrap_err(), CreateError::Exists);
    assert_eq!(super::value(&vault, 1, b"a"), Some(b"1".to_vec()));

    let other = path.with_file_name("other");
    fs::write(unfinished(&other), b"half a file").unwrap();
    assert!(!exists(&other));
    create_at_cost::<BoxedKey>(&other, &passphrase(RIGHT), &mut system_random, CHEAP).unwrap();
    assert!(exists(&other));
    assert!(!unfinished(&other).exists());
}

/// `VAULT-09`
#[test]
fn a_second_name_left_by_a_cut_off_making_goes_with_the_next_unlocking() {
    let (_folder, path, vault) = fresh();
    vault.lock().unwrap();
    fs::hard_link(&path, unfinished(&path)).unwrap();
    open(&path);
    assert!(!unfinished(&path).exists());
}

/// `VAULT-05`
#[test]
fn files_that_are_no_vault_of_ours_are_refused() {
    let (folder, path, vault) = fresh();
    vault.lock().unwrap();
    let bad = folder.path().join("bad");
    let damaged = UnlockError::Store(crate::Cause::Damaged);
    assert_eq!(super::open_with(&bad, RIGHT, 0).unwrap_err(), UnlockError::NotThere);
    fs::write(&bad, vec![7; 8_192]).unwrap();
    assert_eq!(super::open_with(&bad, RIGHT, 0).unwrap_err(), damaged);
    let cases = [
        ("CREATE TRIGGER t AFTER INSERT ON kv BEGIN DELETE FROM tries; END", damaged),
        ("PRAGMA user_version = 2", UnlockError::Unsupported { format: 2 }),
        ("DELETE FROM wrap", UnlockError::Store(crate::Cause::Damaged)),
        ("UPDATE wrap SET memory_kib = 4000000000", UnlockError::Store(crate::Cause::Damaged)),
        ("UPDATE wrap SET wrapped = x'00'", UnlockError::Store(crate::Cause::Damaged)),
        ("UPDATE tries SET failed = -1", UnlockError::Store(crate::Cause::Damaged)),
    ];
    for (sql, expected) in cases {
        fs::copy(&path, &bad).unwrap();
        Connection::open(&bad).unwrap().execute_batch(sql).unwrap();
        assert_eq!(super::open_with(&bad, RIGHT, 0).unwrap_err(), expected, "{sql}");
    }
}
