//! Whole vaults in a temporary folder.

mod disk;
mod kill;
mod model;
mod passphrases;
mod tampering;
mod vectors;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::create::create_at_cost;
use crate::keys::BoxedKey;
use crate::passphrase::{Cost, Passphrase};
use crate::unlock::{UnlockError, unlock_at_cost};
use crate::{Change, Table, Vault};

/// Argon2's least, so that tests may open hundreds of vaults.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
const RIGHT: &str = "correct horse battery";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned()))
}

fn system_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

fn fresh() -> (TempDir, PathBuf, Vault<BoxedKey>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inner").join("vault");
    let vault = create_at_cost(&path, &passphrase(RIGHT), &mut system_random, CHEAP).unwrap();
    (folder, path, vault)
}

fn open(path: &Path) -> Vault<BoxedKey> {
    open_with(path, RIGHT, 0).unwrap()
}

fn open_with(path: &Path, text: &str, now_ms: u64) -> Result<Vault<BoxedKey>, UnlockError> {
    unlock_at_cost(path, &passphrase(text), now_ms, CHEAP)
}

fn put(table: u8, key: &[u8], value: &[u8]) -> Change {
    Change { table: Table(table), key: key.to_vec(), value: Some(Zeroizing::new(value.to_vec())) }
}

fn delete(table: u8, key: &[u8]) -> Change {
    Change { table: Table(table), key: key.to_vec(), value: None }
}

fn value(vault: &Vault<BoxedKey>, table: u8, key: &[u8]) -> Option<Vec<u8>> {
    vault.get(Table(table), key).unwrap().map(|value| value.to_vec())
}

fn wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
