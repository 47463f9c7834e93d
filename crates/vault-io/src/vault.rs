//! The open vault: steps in, one transaction each.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::change::{Change, MAX_KEY, MAX_VALUE, Table};
use crate::file::{self, Cause};
use crate::keys::{KeyHold, Keys};
use crate::seal::{self, Tag};

/// An open vault. Dropping it forgets the keys and closes the file; [`Vault::lock`] also tells
/// whether everything was put away.
pub struct Vault<K: KeyHold> {
    db: Connection,
    keys: Keys<K>,
    unsettled: Unsettled,
    broken: bool,
}

/// Why a step is not in the vault. None of it is.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommitError {
    /// A key is longer than [`MAX_KEY`] or a value longer than [`MAX_VALUE`].
    #[error("a key or value is too long for the vault")]
    TooLong,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// The file refused the step; what is in memory is now ahead of it and must be loaded again.
    #[error("the step could not be written: {0}")]
    Store(Cause),
    /// An earlier step failed in the middle of being synced, so that only opening the file again
    /// can tell whether it is there.
    #[error("the vault must be opened again after the disk failed")]
    Broken,
}

/// Why the WAL is still there.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("deleted secrets could not be wiped from the vault's log yet: {0}")]
pub struct CheckpointError(pub Cause);

impl<K: KeyHold> Vault<K> {
    pub(crate) fn new(db: Connection, keys: Keys<K>) -> Self {
        Self { db, keys, unsettled: Unsettled::default(), broken: false }
    }

    /// Makes all `changes` or none, in one transaction that is synced when this returns.
    ///
    /// Of several changes of one row the last counts, and only that is written. No changes are no
    /// transaction.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(), CommitError> {
        if self.broken {
            return Err(CommitError::Broken);
        }
        if changes.is_empty() {
            return Ok(());
        }
        let rows = self.sealed(changes)?;
        if let Err(cause) = write(&mut self.db, &rows) {
            self.broken = cause == Cause::Disk;
            return Err(CommitError::Store(cause));
        }
        self.unsettled.count(&rows);
        if self.unsettled.is_much() {
            // The step is durable; if wiping fails now, the next step tries again.
            let _ = self.checkpoint();
        }
        Ok(())
    }

    /// Wipes what was deleted and replaced from the WAL. Happens by itself every 64 steps or
    /// 1 MiB; call it also when there is nothing else to do.
    pub fn checkpoint(&mut self) -> Result<(), CheckpointError> {
        file::checkpoint(&self.db).map_err(CheckpointError)?;
        self.unsettled = Unsettled::default();
        Ok(())
    }

    /// Whether [`Vault::checkpoint`] would do anything.
    pub fn has_unsettled(&self) -> bool {
        self.unsettled.steps > 0
    }

    /// Puts everything into the file, empties and removes the WAL, and forgets the keys, also
    /// when that fails.
    pub fn lock(self) -> Result<(), CheckpointError> {
        let Self { db, keys, .. } = self;
        drop(keys);
        file::checkpoint(&db).map_err(CheckpointError)?;
        db.close().map_err(|(_, error)| CheckpointError(Cause::of(&error)))
    }

    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    pub(crate) fn keys(&self) -> &Keys<K> {
        &self.keys
    }

    fn sealed(&self, changes: &[Change]) -> Result<Vec<Row>, CommitError> {
        let mut last = BTreeMap::new();
        for change in changes {
            let too_long = change.key.len() > MAX_KEY
                || change.value.as_ref().is_some_and(|value| value.len() > MAX_VALUE);
            if too_long {
                return Err(CommitError::TooLong);
            }
            let tag = seal::tag(&self.keys, change.table, &change.key);
            last.insert((change.table, tag), change);
        }
        last.into_iter().map(|((table, tag), change)| self.row(table, tag, change)).collect()
    }

    fn row(&self, table: Table, tag: Tag, change: &Change) -> Result<Row, CommitError> {
        let Some(value) = &change.value else {
            return Ok(Row { table, tag, sealed: None });
        };
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|_| CommitError::NoRandomness)?;
        let sealed = seal::seal(&self.keys, table, &tag, &change.key, value, &nonce)
            .ok_or(CommitError::TooLong)?;
        Ok(Row { table, tag, sealed: Some(sealed) })
    }
}

impl<K: KeyHold> fmt::Debug for Vault<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

struct Row {
    table: Table,
    tag: Tag,
    sealed: Option<Vec<u8>>,
}

/// What was committed since the last checkpoint.
#[derive(Default)]
struct Unsettled {
    steps: usize,
    bytes: usize,
}

impl Unsettled {
    fn count(&mut self, rows: &[Row]) {
        self.steps = self.steps.saturating_add(1);
        let bytes: usize = rows.iter().filter_map(|row| row.sealed.as_ref()).map(Vec::len).sum();
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn is_much(&self) -> bool {
        self.steps >= MOST_STEPS || self.bytes >= MOST_BYTES
    }
}

fn write(db: &mut Connection, rows: &[Row]) -> Result<(), Cause> {
    let step = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| Cause::of(&error))?;
    write_rows(&step, rows).and_then(|()| step.commit()).map_err(|error| Cause::of(&error))
}

fn write_rows(step: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut put =
        step.prepare_cached("INSERT OR REPLACE INTO kv (tbl, tag, value) VALUES (?1, ?2, ?3)")?;
    let mut delete = step.prepare_cached("DELETE FROM kv WHERE tbl = ?1 AND tag = ?2")?;
    for row in rows {
        match &row.sealed {
            Some(sealed) => put.execute(params![row.table.0, row.tag, sealed])?,
            None => delete.execute(params![row.table.0, row.tag])?,
        };
    }
    Ok(())
}

const MOST_STEPS: usize = 64;
const MOST_BYTES: usize = 1 << 20;
