//! Expiry: what goes, what is stripped to its header, what stays.

use names::Rest;
use objects::{Millis, Object};
use rusqlite::params;

use crate::store::{Store, parsed, raw, until_key};
use crate::{Kept, StoreError};

impl Store {
    /// When the next object has to be swept.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn next_expiry(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT min(until) FROM objects WHERE until IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let next = statement.query_row([], |row| row.get::<_, Option<i64>>(0))?;
        Ok(next.map(|next| Millis(next.cast_unsigned())))
    }

    /// Sweeps up to `most` objects whose time has come: takes the data of log entries (path 1), and
    /// removes all others.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn sweep(&mut self, now: Millis, most: usize) -> Result<(), StoreError> {
        self.begin()?;
        for kept in self.expired(now, most)? {
            let (name, position) = (kept.object.name(), kept.position.cast_signed());
            let before = kept.object.bytes().len();
            let after = if chained(&kept.object) {
                let header = kept.object.header_only().bytes();
                let sql = "UPDATE objects SET object = ?2, until = NULL WHERE position = ?1";
                self.connection.prepare_cached(sql)?.execute(params![position, header])?;
                header.len()
            } else {
                let sql = "DELETE FROM objects WHERE position = ?1";
                self.connection.prepare_cached(sql)?.execute([position])?;
                0
            };
            let freed = i64::try_from(before.saturating_sub(after)).unwrap_or(0);
            self.count_bytes(name.team(), freed.saturating_neg())?;
        }
        Ok(())
    }

    fn expired(&self, now: Millis, most: usize) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT position, object, receipt, settled, until FROM objects
                   WHERE until IS NOT NULL AND until <= ?1 ORDER BY until LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let now = until_key(now).unwrap_or(i64::MAX);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map([now, most], raw)?;
        rows.map(|row| parsed(row?)).collect()
    }
}

fn chained(object: &Object) -> bool {
    matches!(object.name().place().rest, Rest::Message { .. })
}
