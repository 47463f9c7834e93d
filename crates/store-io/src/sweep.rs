//! Expiry: what goes, what is stripped to its header, what stays.

use names::Rest;
use objects::{Millis, Object};
use rusqlite::params;

use crate::store::{Store, parsed, raw, time_key};
use crate::{Kept, StoreError};

impl Store {
    /// When the next object that [`Store::sweep`] cares for expires.
    ///
    /// # Errors
    /// When the store is damaged or the disk fails.
    pub fn next_expiry(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT min(expires) FROM objects WHERE expires IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let next = statement.query_row([], |row| row.get::<_, Option<i64>>(0))?;
        Ok(next.map(|next| Millis(next.cast_unsigned())))
    }

    /// Takes the data of up to `most` log entries (path 1) that have expired, and removes expired
    /// key packages, welcome pointers and blob pieces (paths 2, 3, 5). Claims and certificates stay
    /// whole: a revocation that goes away would bring back what it revoked.
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
                let sql = "UPDATE objects SET object = ?2, expires = NULL WHERE position = ?1";
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
        let sql = "SELECT position, object, receipt FROM objects
                   WHERE expires IS NOT NULL AND expires <= ?1 ORDER BY expires LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let now = time_key(now).unwrap_or(i64::MAX);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map([now, most], raw)?;
        rows.map(|row| parsed(row?)).collect()
    }
}

/// When the object has to be swept; `None` for what stays whole.
pub(crate) fn expiry(object: &Object) -> Option<i64> {
    match object.name().place().rest {
        Rest::Message { .. } if object.data().is_none_or(<[u8]>::is_empty) => None,
        Rest::Message { .. }
        | Rest::KeyPackage { .. }
        | Rest::Welcome { .. }
        | Rest::Blob { .. } => time_key(object.expires()),
        Rest::Slot(_) | Rest::Certificate { .. } | Rest::Use(_) | Rest::Code(_) => None,
    }
}

fn chained(object: &Object) -> bool {
    matches!(object.name().place().rest, Rest::Message { .. })
}
