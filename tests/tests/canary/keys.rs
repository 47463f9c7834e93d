//! Every secret of a person, from a copy of the vault and the passphrase.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vault_io::{KeyHold, NoPage, Passphrase, Table, Vault};
use zeroize::Zeroizing;

/// Secrets by what they are. Under one word there may be many.
pub(crate) type Keys = BTreeMap<String, Vec<Vec<u8>>>;

thread_local! {
    /// What the vault gave to keep, in its order: the key that seals, the key that tags.
    static GIVEN: RefCell<Vec<[u8; 32]>> = const { RefCell::new(Vec::new()) };
}

struct Shown(Zeroizing<[u8; 32]>);

impl KeyHold for Shown {
    fn hold(key: Zeroizing<[u8; 32]>) -> Result<Self, NoPage> {
        GIVEN.with_borrow_mut(|given| given.push(*key));
        Ok(Self(key))
    }

    fn with<R>(&self, f: impl FnOnce(&[u8; 32]) -> R) -> R {
        f(&self.0)
    }
}

/// All secrets in the vault of the data folder `data`, whose process may have it open.
pub(crate) fn of(data: &Path, passphrase: &str, now_ms: u64) -> Keys {
    let copy = tempfile::Builder::new().prefix("sotto-canary-").tempdir().unwrap();
    for file in fs::read_dir(data.join("secure")).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let words = Passphrase::new(Zeroizing::new(passphrase.to_owned()));
    GIVEN.take();
    let vault: Vault<Shown> =
        vault_io::unlock(&copy.path().join("vault.db"), &words, now_ms).unwrap();
    let mut keys = Keys::new();
    let working = ["vault: seal key", "vault: tag key"];
    for (what, key) in working.into_iter().zip(GIVEN.take()) {
        keys.entry(what.to_owned()).or_default().push(key.to_vec());
    }
    for table in 1..64 {
        for (row, value) in vault.scan(Table(table)).unwrap() {
            let place = format!("table {table}");
            let kind = if table == MLS { format!("{place} kind {}", row[0]) } else { place };
            collect(&kind, &value, &mut keys);
        }
    }
    keys
}

fn collect(place: &str, value: &[u8], keys: &mut Keys) {
    let mut reader = Reader { bytes: value, at: 0 };
    reader.item(&mut vec![place.to_owned()], keys);
    assert_eq!(reader.at, value.len(), "a row in {place} is no CBOR");
}

/// Reads CBOR (RFC 8949) and keeps every string of bytes whose path says that it is a secret.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn item(&mut self, path: &mut Vec<String>, keys: &mut Keys) {
        let (major, argument) = self.head();
        match major {
            2 => {
                let bytes = self.take(argument).to_vec();
                keep(path, bytes, keys);
            }
            3 => drop(self.take(argument)),
            4 => self.list(argument, path, keys),
            5 => {
                for _ in 0..argument {
                    let name = self.name();
                    path.push(name);
                    self.item(path, keys);
                    path.pop();
                }
            }
            6 => self.item(path, keys),
            _ => {}
        }
    }

    /// Serde writes `Vec<u8>` as a list of numbers.
    fn list(&mut self, len: usize, path: &mut Vec<String>, keys: &mut Keys) {
        let mut numbers = Vec::new();
        for _ in 0..len {
            let from = self.at;
            let (major, argument) = self.head();
            if major == 0 {
                numbers.extend(u8::try_from(argument));
            } else {
                self.at = from;
                self.item(path, keys);
            }
        }
        if numbers.len() == len {
            keep(path, numbers, keys);
        }
    }

    fn name(&mut self) -> String {
        let from = self.at;
        let (major, argument) = self.head();
        if major == 3 {
            return String::from_utf8(self.take(argument).to_vec()).unwrap();
        }
        self.at = from;
        self.item(&mut vec!["key".to_owned()], &mut Keys::new());
        "key".to_owned()
    }

    fn head(&mut self) -> (u8, usize) {
        let first = self.take(1)[0];
        let (major, short) = (first >> 5, first & 31);
        let long = match short {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return (major, usize::from(short)),
        };
        let argument = self.take(long).iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        (major, usize::try_from(argument).unwrap())
    }

    fn take(&mut self, len: usize) -> &[u8] {
        let from = self.at;
        self.at += len;
        &self.bytes[from..self.at]
    }
}

fn keep(path: &[String], bytes: Vec<u8>, keys: &mut Keys) {
    let names =
        |words: &[&str]| words.iter().any(|word| path.iter().any(|part| part.contains(word)));
    if (16..=64).contains(&bytes.len()) && names(SECRET) && !names(PUBLIC) {
        let kept = keys.entry(path.join("/")).or_default();
        if !kept.contains(&bytes) {
            kept.push(bytes);
        }
    }
}

/// What stands in the path of a secret.
const SECRET: &[&str] =
    &["secret", "private", "psk", "seed", "ratchet", "membership_key", "confirmation_key"];
/// What does not.
const PUBLIC: &[&str] = &["public", "context", "psk_id"];
/// The table that OpenMLS's storage is in; the first byte of a row says what it is.
const MLS: u8 = 2;
