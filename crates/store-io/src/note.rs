//! Notes beside the objects: what a process wants to remember about its store.

use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError};

impl Store {
    /// What was last noted under `topic`.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn note(&self, topic: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT note FROM notes WHERE topic = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([topic], |row| row.get(0)).optional()?)
    }

    /// Notes something under `topic`, with the next [`Store::commit`].
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn set_note(&mut self, topic: &[u8], note: &[u8]) -> Result<(), StoreError> {
        self.begin()?;
        let sql = "INSERT INTO notes (topic, note) VALUES (?1, ?2)
                   ON CONFLICT (topic) DO UPDATE SET note = excluded.note";
        self.connection.prepare_cached(sql)?.execute(params![topic, note])?;
        Ok(())
    }
}
