//! The SQLite file itself: how it is opened, what must be in it.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// What went wrong below the vault, without paths and contents.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Cause {
    /// Another process, or another vault of this one, has the file open.
    #[error("the vault is open elsewhere")]
    Busy,
    /// The file is not a vault of ours any more.
    #[error("the vault's file is damaged; restore it from a copy")]
    Damaged,
    /// No space is left.
    #[error("the disk is full; make room and try again")]
    Full,
    /// The file or its folder may not be read or written.
    #[error("the vault's file or folder may not be read or written")]
    Denied,
    /// The disk failed.
    #[error("the disk failed; look at the system's log")]
    Disk,
    /// Too little memory.
    #[error("too little memory")]
    Memory,
    /// Any other answer of SQLite, by its extended result code, or 0.
    #[error("the store failed (SQLite result {0})")]
    Other(i32),
}

impl Cause {
    pub(crate) fn of(error: &rusqlite::Error) -> Self {
        if matches!(error, rusqlite::Error::InvalidQuery) {
            // Our own word for a setting that SQLite did not honour.
            return Self::Other(0);
        }
        let Some(failure) = error.sqlite_error() else {
            // Everything else is a row of another shape than ours.
            return Self::Damaged;
        };
        TRANSLATED
            .iter()
            .find(|(code, _)| *code == failure.code)
            .map_or(Self::Other(failure.extended_code), |(_, cause)| *cause)
    }

    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            Self::Denied
        } else if error.kind() == std::io::ErrorKind::StorageFull {
            Self::Full
        } else {
            Self::Disk
        }
    }
}

/// Opens an existing file and takes it for this connection alone.
///
/// While it is open nothing else in this process may open and close the file: POSIX locks belong
/// to the process and would fall.
pub(crate) fn open(path: &Path) -> Result<Connection, Cause> {
    let path = without_links(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    prepare(path, flags).map_err(|error| Cause::of(&error))
}

/// Writes the schema and marks the file as a vault; inside the caller's transaction.
pub(crate) fn write_schema(db: &Connection) -> Result<(), Cause> {
    for (_, sql) in SCHEMA {
        db.execute_batch(sql).map_err(|error| Cause::of(&error))?;
    }
    db.pragma_update(None, "application_id", APPLICATION)
        .and_then(|()| db.pragma_update(None, "user_version", FORMAT))
        .map_err(|error| Cause::of(&error))
}

/// The format number of the file; anything that is no vault at all is damage.
pub(crate) fn format(db: &Connection) -> Result<u32, Cause> {
    let number = |name| {
        db.pragma_query_value(None, name, |row| row.get::<_, u32>(0))
            .map_err(|error| Cause::of(&error))
    };
    if number("application_id")? == APPLICATION {
        number("user_version")
    } else {
        Err(Cause::Damaged)
    }
}

/// Refuses a file with anything but our tables: no trigger, view or index of somebody else.
pub(crate) fn check_schema(db: &Connection) -> Result<(), Cause> {
    let found = db
        .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| Cause::of(&error))?;
    let ours =
        found.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).eq(SCHEMA.iter().copied());
    if ours { Ok(()) } else { Err(Cause::Damaged) }
}

/// Moves everything from the WAL into the file and cuts the WAL to nothing, all synced.
pub(crate) fn checkpoint(db: &Connection) -> Result<(), Cause> {
    let busy = db
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .map_err(|error| Cause::of(&error))?;
    if busy == 0 { Ok(()) } else { Err(Cause::Busy) }
}

fn prepare(path: PathBuf, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, flags)?;
    // A second user is told so at once.
    db.busy_timeout(std::time::Duration::ZERO)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_prepared_statement_cache_capacity(16);
    // Exclusive before the first access, so that the WAL's index stays in memory, not in a file.
    for (name, value) in SETTINGS {
        db.pragma_update(None, name, value)?;
    }
    for (name, expected) in ANSWERS {
        let answer: Value = db.pragma_query_value(None, name, |row| row.get(0))?;
        if answer != expected() {
            return Err(rusqlite::Error::InvalidQuery);
        }
    }
    // Takes the lock now rather than at the first write.
    db.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    Ok(db)
}

/// Links are followed up to the folder and refused for the file.
fn without_links(path: &Path) -> Result<PathBuf, Cause> {
    let name = path.file_name().ok_or(Cause::Denied)?;
    let folder = folder_of(path).canonicalize().map_err(|error| Cause::of_io(&error))?;
    Ok(folder.join(name))
}

/// The folder of `path`; a bare file name lies in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

const SETTINGS: &[(&str, &str)] = &[
    ("locking_mode", "EXCLUSIVE"),
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("secure_delete", "ON"),
    ("temp_store", "MEMORY"),
    ("cell_size_check", "ON"),
    ("mmap_size", "0"),
    ("journal_size_limit", "0"),
    // Checkpoints are ours to time, so that each cuts the WAL.
    ("wal_autocheckpoint", "0"),
];

/// A setting and the answer to a question for it.
type Answer = (&'static str, fn() -> Value);

/// What must have taken effect: SQLite ignores settings that it cannot honour.
const ANSWERS: &[Answer] = &[
    ("locking_mode", || Value::Text("exclusive".into())),
    ("journal_mode", || Value::Text("wal".into())),
    ("synchronous", || Value::Integer(2)),
    ("secure_delete", || Value::Integer(1)),
    ("temp_store", || Value::Integer(2)),
    ("cell_size_check", || Value::Integer(1)),
    ("trusted_schema", || Value::Integer(0)),
    ("journal_size_limit", || Value::Integer(0)),
];

const TRANSLATED: &[(ErrorCode, Cause)] = &[
    (ErrorCode::DatabaseBusy, Cause::Busy),
    (ErrorCode::DatabaseLocked, Cause::Busy),
    (ErrorCode::FileLockingProtocolFailed, Cause::Busy),
    (ErrorCode::DatabaseCorrupt, Cause::Damaged),
    (ErrorCode::NotADatabase, Cause::Damaged),
    (ErrorCode::TypeMismatch, Cause::Damaged),
    (ErrorCode::ConstraintViolation, Cause::Damaged),
    (ErrorCode::DiskFull, Cause::Full),
    (ErrorCode::ReadOnly, Cause::Denied),
    (ErrorCode::PermissionDenied, Cause::Denied),
    (ErrorCode::CannotOpen, Cause::Denied),
    (ErrorCode::SystemIoFailure, Cause::Disk),
    (ErrorCode::OutOfMemory, Cause::Memory),
];

/// Table names and the exact text that SQLite keeps, sorted by name.
const SCHEMA: &[(&str, &str)] = &[
    (
        "kv",
        "CREATE TABLE kv (tbl INTEGER NOT NULL, tag BLOB NOT NULL, value BLOB NOT NULL, \
         PRIMARY KEY (tbl, tag)) STRICT, WITHOUT ROWID",
    ),
    (
        "tries",
        "CREATE TABLE tries (id INTEGER PRIMARY KEY CHECK (id = 1), failed INTEGER NOT NULL, \
         at_ms INTEGER NOT NULL) STRICT",
    ),
    (
        "wrap",
        "CREATE TABLE wrap (kind INTEGER PRIMARY KEY, memory_kib INTEGER NOT NULL, \
         passes INTEGER NOT NULL, lanes INTEGER NOT NULL, salt BLOB NOT NULL, \
         wrapped BLOB NOT NULL) STRICT",
    ),
];

/// "SotV".
const APPLICATION: u32 = 0x536f_7456;
/// The format that this release writes and reads.
pub(crate) const FORMAT: u32 = 1;
