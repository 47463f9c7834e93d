//! What can be wrong with a store.

use rusqlite::ErrorCode;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("another process uses this store; stop it, or choose another folder")]
    InUse,
    /// The file is no store, or damaged.
    #[error("the store is damaged: {0}; restore it from a copy, or start with an empty folder")]
    Damaged(String),
    /// A later version has written it.
    #[error("the store has layout {found}, and this program knows {known}; use a newer program")]
    TooNew {
        /// The layout of the file.
        found: u32,
        /// The layout that we write.
        known: u32,
    },
    /// An earlier version has written it.
    #[error(
        "the store has layout {found}, of an earlier program, and this one knows {known}; move it \
         away and start with an empty folder"
    )]
    TooOld {
        /// The layout of the file.
        found: u32,
        /// The layout that we write.
        known: u32,
    },
    /// The disk or its file system failed, or is full.
    #[error("the store cannot be read or written: {0}")]
    Disk(String),
    /// The system gave no random bytes for the identity of a new store.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(_) => Self::Disk(error.to_string()),
            // Not from SQLite but from reading a column: a value is not what we wrote.
            None => Self::Damaged(error.to_string()),
        }
    }
}
