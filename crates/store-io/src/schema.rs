//! The tables, and how a file becomes a store.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// What a commit promises.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Durability {
    /// It survives a loss of power: the log is synced before the call returns.
    PowerLoss,
    /// It survives the death of the process; after a loss of power the store is whole, but may
    /// lack the last commits.
    Process,
}

/// Opens or makes the file, and gives the identity of the store.
pub(crate) fn open(path: &Path, durability: Durability) -> Result<(Connection, u64), StoreError> {
    // Made here and not by SQLite, so that nobody else can read it.
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.map_err(|error| StoreError::Disk(error.to_string()))?;
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Whoever has the file keeps it as long as it runs: there is nothing to wait for.
    connection.busy_timeout(Duration::ZERO)?;
    // One process, one connection: no shared memory file, and a second process is told so.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let synchronous = match durability {
        Durability::PowerLoss => "FULL",
        Durability::Process => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))?;
    match found {
        0 => create(&connection)?,
        LAYOUT => {}
        found if found < LAYOUT => return Err(StoreError::TooOld { found, known: LAYOUT }),
        found => return Err(StoreError::TooNew { found, known: LAYOUT }),
    }
    if durability == Durability::PowerLoss {
        sync_folder(path)?;
    }
    let id = connection
        .query_row("SELECT id FROM store", [], |row| row.get::<_, [u8; 8]>(0))
        .optional()?
        .ok_or_else(|| StoreError::Damaged("it has no identity".to_owned()))?;
    Ok((connection, u64::from_be_bytes(id)))
}

/// The names of the files must survive a loss of power as well as what is in them.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StoreError::Disk(error.to_string()))
}

fn create(connection: &Connection) -> Result<(), StoreError> {
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| StoreError::NoRandomness)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute_batch(TABLES)?;
    connection.execute("INSERT INTO store (id) VALUES (?1)", [id])?;
    connection.pragma_update(None, "user_version", LAYOUT)?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

const LAYOUT: u32 = 3;

/// `position` is never used twice, even when the newest row has gone. `team` is origin, org and
/// team as 64 bits: within a team, what came behind a position is one range of an index, however
/// many other teams there are. `until` is NULL for what is never swept; `settled` is 1 when the receipt is
/// the origin's.
const TABLES: &str = "
CREATE TABLE store (id BLOB NOT NULL);
CREATE TABLE objects (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    name BLOB NOT NULL,
    hash BLOB NOT NULL,
    team INTEGER NOT NULL,
    until INTEGER,
    object BLOB NOT NULL,
    receipt BLOB,
    settled INTEGER NOT NULL
);
CREATE INDEX objects_by_name ON objects (name, hash);
CREATE INDEX objects_by_team ON objects (team, position);
CREATE INDEX objects_by_until ON objects (until) WHERE until IS NOT NULL;
CREATE TABLE usage (org INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
CREATE TABLE notes (topic BLOB PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
";
