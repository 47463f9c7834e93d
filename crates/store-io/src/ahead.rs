//! Positions of a store that may forget its last commits: none of them is given a second time.

use rusqlite::params;

use crate::{Durability, Store, StoreError};

impl Store {
    /// At the opening: whatever was forgotten had positions below those that were kept free.
    pub(crate) fn start_ahead(&mut self) -> Result<(), StoreError> {
        if self.durability == Durability::PowerLoss {
            return Ok(());
        }
        if let Some(kept_free) = self.note(KEPT_FREE)?.and_then(|note| note.try_into().ok()) {
            let first = u64::from_be_bytes(kept_free);
            if first > self.newest()? {
                self.begin()?;
                let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'objects'";
                if self.connection.execute(sql, params![first.cast_signed()])? == 0 {
                    let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('objects', ?1)";
                    self.connection.execute(sql, params![first.cast_signed()])?;
                }
            }
        }
        self.commit()?;
        self.keep_free()
    }

    /// After a commit: are enough positions kept free for what comes before the next?
    pub(crate) fn stay_ahead(&mut self) -> Result<(), StoreError> {
        let near = self.newest()?.saturating_add(STRIDE / 2) > self.kept_free;
        if near && self.durability == Durability::Process { self.keep_free() } else { Ok(()) }
    }

    /// Keeps positions free, in a commit that survives a loss of power.
    fn keep_free(&mut self) -> Result<(), StoreError> {
        let first = self.newest()?.saturating_add(STRIDE);
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.set_note(KEPT_FREE, &first.to_be_bytes())?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        self.kept_free = first;
        Ok(())
    }
}

const KEPT_FREE: &[u8] = b"\0positions";
/// So many positions are kept free; one commit never uses half of them.
const STRIDE: u64 = 1 << 20;
