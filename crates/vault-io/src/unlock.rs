//! Opening a vault with its passphrase, and changing that.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::create::{exists, unfinished};
use crate::file::{self, Cause};
use crate::keys::{KeyHold, Keys};
use crate::passphrase::{Cost, LEAST_CHARACTERS, Passphrase};
use crate::tries::{Admission, Tries, wait_after};
use crate::vault::Vault;
use crate::wrap::{Opening, Wrap};

/// Why the vault stays locked.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnlockError {
    /// Not the passphrase (or its wrapped key was damaged, which nobody can tell apart).
    #[error("wrong passphrase, {tries} in a row; next try in {wait_ms} ms")]
    Wrong {
        /// Failed tries in a row, this one counted.
        tries: u32,
        /// How long until the next one is let through.
        wait_ms: u64,
    },
    /// The wait after the last wrong passphrase is not over; nothing was tried.
    #[error("too many wrong passphrases; next try in {wait_ms} ms")]
    TooSoon {
        /// How long until the next one is let through.
        wait_ms: u64,
    },
    /// There is no vault at this place.
    #[error("there is no vault here yet")]
    NotThere,
    /// Another process, or another vault of this one, has the file open.
    #[error("the vault is open elsewhere; close it there first")]
    SecondUser,
    /// The file was written by a later release.
    #[error("the vault has format {format}, which a later release wrote; update first")]
    Unsupported {
        /// The format it has.
        format: u32,
    },
    /// Too little memory to stretch the passphrase or to keep the keys; not counted as wrong.
    #[error("too little memory to unlock the vault")]
    Memory,
    /// The file failed, or is damaged.
    #[error("the vault cannot be read: {0}")]
    Store(Cause),
}

/// Why the passphrase is still the old one.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChangePassphraseError {
    /// The old passphrase was not let through.
    #[error(transparent)]
    Old(UnlockError),
    /// The new passphrase is too easy to try.
    #[error("the new passphrase is too short; take {least} characters or more")]
    NewTooShort {
        /// Fewest characters.
        least: usize,
    },
    /// Too little memory, or no random bytes from the system.
    #[error("too little memory or randomness to protect the vault's key")]
    NoMaterial,
    /// The file could not be written.
    #[error("the vault could not be written: {0}")]
    Store(Cause),
}

/// Opens the vault at `path`; `now_ms` is the wall clock, only used to slow wrong tries.
///
/// The try is counted on disk before it is made, and forgiven when it succeeds. A vault that an
/// older release made cheaper to try is wrapped again at today's cost.
pub fn unlock<K: KeyHold>(
    path: &Path,
    passphrase: &Passphrase,
    now_ms: u64,
) -> Result<Vault<K>, UnlockError> {
    unlock_at_cost(path, passphrase, now_ms, Cost::TODAY)
}

pub(crate) fn unlock_at_cost<K: KeyHold>(
    path: &Path,
    passphrase: &Passphrase,
    now_ms: u64,
    today: Cost,
) -> Result<Vault<K>, UnlockError> {
    if !exists(path) {
        return Err(UnlockError::NotThere);
    }
    let db = file::open(path).map_err(of_cause)?;
    // A second name is left over when making the vault was cut off after it was complete.
    let _ = fs::remove_file(unfinished(path));
    let format = file::format(&db).map_err(of_cause)?;
    if format != file::FORMAT {
        return Err(UnlockError::Unsupported { format });
    }
    file::check_schema(&db).map_err(of_cause)?;
    let (vault_key, cost) = prove(&db, passphrase, now_ms)?;
    if cost.is_below(today)
        && let Some(wrap) = wrap_again(&vault_key, passphrase, today)
    {
        wrap.write(&db).map_err(of_cause)?;
    }
    let keys = Keys::of(&vault_key).map_err(|_| UnlockError::Memory)?;
    Ok(Vault::new(db, keys))
}

impl<K: KeyHold> Vault<K> {
    /// Checks a passphrase without opening anything, for those who must prove it again; counted
    /// and slowed like [`unlock`].
    pub fn check_passphrase(
        &mut self,
        passphrase: &Passphrase,
        now_ms: u64,
    ) -> Result<(), UnlockError> {
        prove(self.db(), passphrase, now_ms).map(drop)
    }

    /// Wraps the vault key under `new` at today's cost; `old` is counted and slowed like
    /// [`unlock`]. Copies of the file made before still open with `old`.
    pub fn change_passphrase(
        &mut self,
        old: &Passphrase,
        new: &Passphrase,
        now_ms: u64,
    ) -> Result<(), ChangePassphraseError> {
        self.change_passphrase_at_cost(old, new, now_ms, Cost::TODAY)
    }

    pub(crate) fn change_passphrase_at_cost(
        &mut self,
        old: &Passphrase,
        new: &Passphrase,
        now_ms: u64,
        today: Cost,
    ) -> Result<(), ChangePassphraseError> {
        if !new.is_long_enough() {
            return Err(ChangePassphraseError::NewTooShort { least: LEAST_CHARACTERS });
        }
        let (vault_key, _) = prove(self.db(), old, now_ms).map_err(ChangePassphraseError::Old)?;
        let wrap = wrap_again(&vault_key, new, today).ok_or(ChangePassphraseError::NoMaterial)?;
        wrap.write(self.db()).map_err(ChangePassphraseError::Store)?;
        // The old wrap must not stay in the WAL.
        file::checkpoint(self.db()).map_err(ChangePassphraseError::Store)
    }
}

/// The vault key, if the tries so far admit one and the passphrase is right.
fn prove(
    db: &Connection,
    passphrase: &Passphrase,
    now_ms: u64,
) -> Result<(Zeroizing<[u8; 32]>, Cost), UnlockError> {
    let wrap = Wrap::read(db).map_err(of_cause)?;
    let before = Tries::read(db).map_err(of_cause)?;
    let counted = match before.admit(now_ms) {
        Admission::Try { counted } => counted,
        Admission::Later { wait_ms, restarted } => {
            if let Some(restarted) = restarted {
                restarted.write(db).map_err(of_cause)?;
            }
            return Err(UnlockError::TooSoon { wait_ms });
        }
    };
    counted.write(db).map_err(of_cause)?;
    match wrap.unwrap_with(passphrase) {
        Opening::Right(vault_key) => {
            Tries { failed: 0, at_ms: 0 }.write(db).map_err(of_cause)?;
            Ok((vault_key, wrap.cost))
        }
        Opening::Wrong => {
            Err(UnlockError::Wrong { tries: counted.failed, wait_ms: wait_after(counted.failed) })
        }
        Opening::NoMemory => {
            before.write(db).map_err(of_cause)?;
            Err(UnlockError::Memory)
        }
    }
}

fn wrap_again(vault_key: &[u8; 32], passphrase: &Passphrase, cost: Cost) -> Option<Wrap> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut nonce).ok()?;
    Wrap::new(vault_key, passphrase, cost, salt, &nonce)
}

fn of_cause(cause: Cause) -> UnlockError {
    if cause == Cause::Busy { UnlockError::SecondUser } else { UnlockError::Store(cause) }
}
