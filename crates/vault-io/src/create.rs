//! The first start: a new vault.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::file::{self, Cause};
use crate::keys::{KeyHold, Keys};
use crate::passphrase::{Cost, LEAST_CHARACTERS, Passphrase};
use crate::vault::Vault;
use crate::wrap::Wrap;

/// Why there is no new vault.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum CreateError {
    /// A vault is there already; it was not touched.
    #[error("there is a vault already; unlock it instead")]
    Exists,
    /// The passphrase is too easy to try.
    #[error("the passphrase is too short; take {least} characters or more")]
    PassphraseTooShort {
        /// Fewest characters.
        least: usize,
    },
    /// No memory for the passphrase's stretching or for the keys.
    #[error("too little memory to protect the vault's key")]
    Memory,
    /// The file could not be written.
    #[error("the vault could not be made: {0}")]
    Store(Cause),
}

/// Makes a new vault at `path` (0600; a missing folder is made 0700) and opens it.
///
/// `random` fills vault key, salt and nonce, and must be the system's generator outside of tests.
/// The file appears under its name only when it is complete and synced.
pub fn create<K: KeyHold>(
    path: &Path,
    passphrase: &Passphrase,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<Vault<K>, CreateError> {
    create_at_cost(path, passphrase, random, Cost::TODAY)
}

/// Whether there is a vault (or anything else) at `path`.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

pub(crate) fn create_at_cost<K: KeyHold>(
    path: &Path,
    passphrase: &Passphrase,
    random: &mut dyn FnMut(&mut [u8]),
    cost: Cost,
) -> Result<Vault<K>, CreateError> {
    if !passphrase.is_long_enough() {
        return Err(CreateError::PassphraseTooShort { least: LEAST_CHARACTERS });
    }
    if exists(path) {
        return Err(CreateError::Exists);
    }
    let (mut vault_key, mut salt, mut nonce) = (Zeroizing::new([0; 32]), [0; 16], [0; 24]);
    random(vault_key.as_mut_slice());
    random(&mut salt);
    random(&mut nonce);
    let wrap = Wrap::new(&vault_key, passphrase, cost, salt, &nonce).ok_or(CreateError::Memory)?;
    let keys = Keys::of(&vault_key).map_err(|_| CreateError::Memory)?;
    let new = unfinished(path);
    make_file(path, &new).map_err(|error| CreateError::Store(Cause::of_io(&error)))?;
    fill(&new, &wrap).map_err(CreateError::Store)?;
    publish(path, &new)?;
    let db = file::open(path).map_err(CreateError::Store)?;
    Ok(Vault::new(db, keys))
}

/// The name of a vault that is being made; one that a crash left behind is made again.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn make_file(path: &Path, new: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(file::folder_of(path))?;
    for left_over in [new.to_path_buf(), suffixed(new, "-wal"), suffixed(new, "-journal")] {
        match fs::remove_file(left_over) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(new).map(drop)
}

fn fill(new: &Path, wrap: &Wrap) -> Result<(), Cause> {
    let mut db = file::open(new)?;
    let step = db.transaction().map_err(|error| Cause::of(&error))?;
    write_first_rows(&step, wrap)?;
    step.commit().map_err(|error| Cause::of(&error))?;
    file::checkpoint(&db)?;
    db.close().map_err(|(_, error)| Cause::of(&error))
}

fn write_first_rows(db: &Connection, wrap: &Wrap) -> Result<(), Cause> {
    file::write_schema(db)?;
    wrap.write(db)?;
    db.execute("INSERT INTO tries (id, failed, at_ms) VALUES (1, 0, 0)", [])
        .map(|_| ())
        .map_err(|error| Cause::of(&error))
}

/// A link, unlike a renaming, never replaces a vault that appeared meanwhile.
fn publish(path: &Path, new: &Path) -> Result<(), CreateError> {
    fs::hard_link(new, path).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            CreateError::Exists
        } else {
            CreateError::Store(Cause::of_io(&error))
        }
    })?;
    fs::remove_file(new)
        .and_then(|()| File::open(file::folder_of(path))?.sync_all())
        .map_err(|error| CreateError::Store(Cause::of_io(&error)))
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
