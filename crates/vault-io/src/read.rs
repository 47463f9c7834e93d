//! Reading what steps have written.

use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use crate::change::Table;
use crate::file::Cause;
use crate::keys::KeyHold;
use crate::seal::{self, Opened, Tag};
use crate::vault::Vault;

/// Why something could not be read.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// A row of this table was changed, moved or made by somebody else.
    #[error("a row of table {} was tampered with or damaged", .table.0)]
    Forged {
        /// The table of the row.
        table: Table,
    },
    /// The file failed.
    #[error("the vault could not be read: {0}")]
    Store(Cause),
}

/// A row as it was committed.
pub type KeyAndValue = (Vec<u8>, Zeroizing<Vec<u8>>);

impl<K: KeyHold> Vault<K> {
    /// The value under `key`, if there is one.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let tag = seal::tag(self.keys(), table, key);
        let sealed = self
            .db()
            .prepare_cached("SELECT value FROM kv WHERE tbl = ?1 AND tag = ?2")
            .and_then(|mut select| {
                select.query_row(params![table.0, tag], |row| row.get::<_, Vec<u8>>(0)).optional()
            })
            .map_err(|error| ReadError::Store(Cause::of(&error)))?;
        sealed.map(|sealed| self.open_row(table, &tag, &sealed).map(|row| row.value)).transpose()
    }

    /// All rows of a table, sorted by key.
    pub fn scan(&self, table: Table) -> Result<Vec<KeyAndValue>, ReadError> {
        let mut rows = Vec::new();
        self.for_each(table, |key, value| {
            rows.push((key, value));
            ControlFlow::Continue(())
        })?;
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(rows)
    }

    /// Shows all rows of a table to `visit`, one opened at a time, in an order that means nothing,
    /// until it breaks off.
    pub fn for_each(
        &self,
        table: Table,
        mut visit: impl FnMut(Vec<u8>, Zeroizing<Vec<u8>>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let store = |error| ReadError::Store(Cause::of(&error));
        let mut select =
            self.db().prepare_cached("SELECT tag, value FROM kv WHERE tbl = ?1").map_err(store)?;
        let mut rows = select.query(params![table.0]).map_err(store)?;
        while let Some(row) = rows.next().map_err(store)? {
            let tag = row.get::<_, Tag>(0).map_err(store)?;
            let sealed = row.get::<_, Vec<u8>>(1).map_err(store)?;
            let opened = self.open_row(table, &tag, &sealed)?;
            if visit(opened.key, opened.value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn open_row(&self, table: Table, tag: &Tag, sealed: &[u8]) -> Result<Opened, ReadError> {
        seal::open(self.keys(), table, tag, sealed).ok_or(ReadError::Forged { table })
    }
}
