//! Storing objects and finding them again.

use std::path::Path;

use names::{Name, Prefix, TeamId};
use objects::{Hash, Millis, Object, Receipt};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::schema::{self, Durability};

/// An object as it is stored.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Kept {
    /// Where it stands in the order of storing; from 1, never used twice.
    pub position: u64,
    /// The object; of an expired log entry only the header.
    pub object: Object,
    /// The receipt that came with it.
    pub receipt: Option<Receipt>,
    /// Is that receipt the origin's?
    pub settled: bool,
    /// When it has to be swept; [`Millis::NEVER`] for what stays whole.
    pub until: Millis,
}

/// What is to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// The object. Another one under its name may be stored, and another copy of it.
    pub object: &'a Object,
    /// Its receipt.
    pub receipt: Option<&'a Receipt>,
    /// Is the receipt the origin's?
    pub settled: bool,
    /// When it has to be swept; [`Millis::NEVER`] for what stays whole.
    pub until: Millis,
}

/// A file of sealed objects. What is put can be read at once; it lasts from the next
/// [`Store::commit`] on, and without one all of it is gone at the next opening.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    id: u64,
    pub(crate) durability: Durability,
    /// Below this, positions are never given again, whatever is forgotten.
    pub(crate) kept_free: u64,
}

impl Store {
    /// Opens the store at `path`, and makes it if there is none.
    ///
    /// # Errors
    /// When another process has it, it is damaged, too new, or the disk fails.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let (connection, id) = schema::open(path, durability)?;
        let mut store = Self { connection, id, durability, kept_free: 0 };
        store.start_ahead()?;
        Ok(store)
    }

    /// Drawn at random when the store was made: positions of another store mean nothing here.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The highest position given so far; 0 before the first.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails, as with every other call.
    pub fn newest(&self) -> Result<u64, StoreError> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'objects'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let newest = statement.query_row([], |row| row.get::<_, i64>(0)).optional()?;
        Ok(newest.map_or(0, i64::cast_unsigned))
    }

    /// The first object that was stored under `name`.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn get(&self, name: Name) -> Result<Option<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until FROM objects WHERE name = ?1
                   ORDER BY position LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = statement.query_row([name.bytes()], raw).optional()?;
        row.map(parsed).transpose()
    }

    /// The object under `name` with this entry hash.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn find(&self, name: Name, hash: &Hash) -> Result<Option<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until FROM objects
                   WHERE name = ?1 AND hash = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = statement.query_row(params![name.bytes(), hash.0], raw).optional()?;
        row.map(parsed).transpose()
    }

    /// All copies of an object: the hash covers neither the signature nor whether the data is there,
    /// nor the receipt.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn copies(&self, name: Name, hash: &Hash) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until FROM objects
                   WHERE name = ?1 AND hash = ?2 ORDER BY position";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![name.bytes(), hash.0], raw)?;
        rows.map(|row| parsed(row?)).collect()
    }

    /// Gives an object that is stored without its data another copy's, at the same position.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn restore(&mut self, object: &Object, until: Millis) -> Result<(), StoreError> {
        let (name, hash) = (object.name(), object.entry_hash());
        let Some(before) = self.find(name, &hash)? else {
            return Ok(());
        };
        self.begin()?;
        let bytes = object.bytes();
        let sql = "UPDATE objects SET object = ?2, until = ?3 WHERE position = ?1";
        let values = params![before.position.cast_signed(), bytes, until_key(until)];
        self.connection.prepare_cached(sql)?.execute(values)?;
        let len = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let change = len(&bytes).saturating_sub(len(&before.object.bytes()));
        self.count_bytes(name.team(), change)
    }

    /// The object with the highest name under `prefix`, which does not stand for several paths; of
    /// two under one name the first.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn last(&self, prefix: Prefix) -> Result<Option<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until FROM objects
                   WHERE name BETWEEN ?1 AND ?2 ORDER BY name DESC, position LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (low, high) = range(prefix);
        let row = statement.query_row([low, high], raw).optional()?;
        row.map(parsed).transpose()
    }

    /// The first `most` objects under `prefix` behind `position`, in order of position. The prefix
    /// lies within `team`. Fewer than `most` means that there are no more.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn behind(
        &self,
        team: TeamId,
        prefix: Prefix,
        position: u64,
        most: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until, name FROM objects
                   WHERE team = ?1 AND position > ?2 ORDER BY position";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![team_key(team), position.cast_signed()])?;
        let mut found = Vec::new();
        while found.len() < most {
            let Some(row) = rows.next()? else {
                break;
            };
            let name = Name::from_bytes(row.get(5)?).map_err(|error| damaged(&error))?;
            if prefix.covers(name) {
                found.push(parsed(raw(row)?)?);
            }
        }
        Ok(found)
    }

    /// How many objects there are under `prefix`, which does not stand for several paths.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn count(&self, prefix: Prefix) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM objects WHERE name BETWEEN ?1 AND ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (low, high) = range(prefix);
        let count = statement.query_row([low, high], |row| row.get::<_, i64>(0))?;
        Ok(count.cast_unsigned())
    }

    /// How many bytes the organisation of `team` has stored, over all its teams.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn stored_bytes(&self, team: TeamId) -> Result<u64, StoreError> {
        let sql = "SELECT bytes FROM usage WHERE org = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bytes = statement.query_row([org_key(team)], |row| row.get::<_, i64>(0)).optional()?;
        Ok(bytes.map_or(0, i64::cast_unsigned))
    }

    /// Adds an object and gives its position.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn put(&mut self, put: Put<'_>) -> Result<u64, StoreError> {
        let Put { object, receipt, settled, until } = put;
        self.begin()?;
        let bytes = object.bytes();
        let name = object.name();
        let sql = "INSERT INTO objects (name, hash, team, until, object, receipt, settled)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql)?.execute(params![
            name.bytes(),
            object.entry_hash().0,
            team_key(name.team()),
            until_key(until),
            bytes,
            receipt.map(Receipt::bytes),
            settled,
        ])?;
        let position = self.connection.last_insert_rowid().cast_unsigned();
        self.count_bytes(name.team(), i64::try_from(bytes.len()).unwrap_or(i64::MAX))?;
        Ok(position)
    }

    /// Gives an object another receipt.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn set_receipt(&mut self, receipt: &Receipt, settled: bool) -> Result<(), StoreError> {
        self.begin()?;
        let sql = "UPDATE objects SET receipt = ?3, settled = ?4 WHERE name = ?1 AND hash = ?2";
        let (name, hash) = (receipt.name.bytes(), receipt.hash.0);
        let values = params![name, hash, receipt.bytes(), settled];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Removes an object, if it is there. Its position is not used again.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn remove(&mut self, name: Name, hash: &Hash) -> Result<(), StoreError> {
        self.begin()?;
        let sql = "DELETE FROM objects WHERE name = ?1 AND hash = ?2 RETURNING length(object)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let freed = statement.query_row(params![name.bytes(), hash.0], |row| row.get::<_, i64>(0));
        let freed = freed.optional()?;
        drop(statement);
        self.count_bytes(name.team(), freed.unwrap_or(0).saturating_neg())
    }

    /// Makes everything since the last commit last, as the store's [`Durability`] says: one sync,
    /// however much it is, and none when nothing was put.
    ///
    /// # Errors
    /// When the disk fails; then nothing since the last commit lasts.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            return self.stay_ahead();
        }
        Ok(())
    }

    /// Opens a transaction if none is open.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        }
        Ok(())
    }

    pub(crate) fn count_bytes(&mut self, team: TeamId, change: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO usage (org, bytes) VALUES (?1, ?2)
                   ON CONFLICT (org) DO UPDATE SET bytes = bytes + excluded.bytes";
        self.connection.prepare_cached(sql)?.execute(params![org_key(team), change])?;
        Ok(())
    }
}

type Raw = (i64, Vec<u8>, Option<Vec<u8>>, bool, Option<i64>);

pub(crate) fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

pub(crate) fn parsed(raw: Raw) -> Result<Kept, StoreError> {
    let (position, object, receipt, settled, until) = raw;
    let object = Object::parse(&object).map_err(|error| damaged(&error))?;
    let receipt = receipt.map(|bytes| Receipt::parse(&bytes)).transpose();
    let receipt = receipt.map_err(|error| damaged(&error))?;
    let until = until.map_or(Millis::NEVER, |until| Millis(until.cast_unsigned()));
    Ok(Kept { position: position.cast_unsigned(), object, receipt, settled, until })
}

fn damaged(error: &impl ToString) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// The lowest and the highest name under a prefix of one path.
fn range(prefix: Prefix) -> ([u8; 16], [u8; 16]) {
    let low = prefix.bits();
    let open = u128::MAX.checked_shr(prefix.len()).unwrap_or(0);
    (low.to_be_bytes(), (low | open).to_be_bytes())
}

fn org_key(team: TeamId) -> i64 {
    (team.origin.value() << 18 | team.org.value()).cast_signed()
}

fn team_key(team: TeamId) -> i64 {
    (team.origin.value() << 38 | team.org.value() << 20 | team.team.value()).cast_signed()
}

/// `Millis` as SQLite keeps it; what lies beyond its numbers never comes.
pub(crate) fn until_key(time: Millis) -> Option<i64> {
    i64::try_from(time.0).ok()
}
