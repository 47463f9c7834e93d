//! Notes beside the objects: what a process wants to remember about its store.

use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError};

/// A topic and what is noted there.
pub type Note = (Vec<u8>, Vec<u8>);

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

    /// The first `most` notes whose topics begin with `head` and come after `after`, in the order
    /// of their topics.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn notes(&self, head: &[u8], after: &[u8], most: usize) -> Result<Vec<Note>, StoreError> {
        let sql = "SELECT topic, note FROM notes WHERE topic > ?1 AND topic >= ?2 ORDER BY topic";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![after, head])?;
        let mut found = Vec::new();
        while found.len() < most {
            let Some(row) = rows.next()? else {
                break;
            };
            let topic: Vec<u8> = row.get(0)?;
            if !topic.starts_with(head) {
                break;
            }
            found.push((topic, row.get(1)?));
        }
        Ok(found)
    }

    /// The last note whose topic begins with `head` and is at most 64 bytes longer.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn last_note(&self, head: &[u8]) -> Result<Option<Note>, StoreError> {
        let sql = "SELECT topic, note FROM notes WHERE topic BETWEEN ?1 AND ?2
                   ORDER BY topic DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let highest = [head, &[u8::MAX; 64]].concat();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(statement.query_row(params![head, highest], row).optional()?)
    }

    /// Takes a note away, with the next [`Store::commit`].
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn remove_note(&mut self, topic: &[u8]) -> Result<(), StoreError> {
        self.begin()?;
        let sql = "DELETE FROM notes WHERE topic = ?1";
        self.connection.prepare_cached(sql)?.execute([topic])?;
        Ok(())
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
