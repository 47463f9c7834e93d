#![doc = include_str!("../README.md")]

mod change;
mod create;
mod file;
mod keys;
mod passphrase;
mod read;
mod seal;
mod tries;
mod unlock;
mod vault;
mod wrap;

#[cfg(test)]
mod tests;

pub use change::{Change, MAX_KEY, MAX_VALUE, Table};
pub use create::{CreateError, create, exists};
pub use file::Cause;
pub use keys::{BoxedKey, KeyHold, NoPage};
pub use passphrase::{LEAST_CHARACTERS, Passphrase};
pub use read::{KeyAndValue, ReadError};
pub use unlock::{ChangePassphraseError, UnlockError, unlock};
pub use vault::{CheckpointError, CommitError, Vault};
