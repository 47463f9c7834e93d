//! Counting and slowing wrong passphrases, across restarts.

use rusqlite::{Connection, params};

use crate::file::Cause;

/// Failed tries in a row, and when the last of them was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tries {
    pub(crate) failed: u32,
    pub(crate) at_ms: u64,
}

/// Whether a passphrase may be tried now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// Yes, once `counted` is on disk: it counts the try as failed until it has succeeded.
    Try { counted: Tries },
    /// No, not for `wait_ms`; `restarted` goes to disk first if the wait began anew.
    Later { wait_ms: u64, restarted: Option<Tries> },
}

impl Tries {
    /// Judges a try at `now_ms`.
    ///
    /// A clock that stands before the last try was set back. Waiting until it has caught up could
    /// lock people out for years, and believing it could shorten the wait, so the whole wait
    /// begins again from the clock as it is now.
    pub(crate) fn admit(self, now_ms: u64) -> Admission {
        let wait = wait_after(self.failed);
        let counted = Self { failed: self.failed.saturating_add(1), at_ms: now_ms };
        if wait == 0 {
            return Admission::Try { counted };
        }
        let Some(passed) = now_ms.checked_sub(self.at_ms) else {
            let restarted = Some(Self { failed: self.failed, at_ms: now_ms });
            return Admission::Later { wait_ms: wait, restarted };
        };
        match wait.checked_sub(passed) {
            Some(left) if left > 0 => Admission::Later { wait_ms: left, restarted: None },
            Some(_) | None => Admission::Try { counted },
        }
    }

    /// Reads the row.
    pub(crate) fn read(db: &Connection) -> Result<Self, Cause> {
        db.query_row("SELECT failed, at_ms FROM tries WHERE id = 1", [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?))
        })
        .map_err(|error| Cause::of(&error))
        .and_then(|(failed, at_ms)| {
            let at_ms = u64::try_from(at_ms).map_err(|_| Cause::Damaged)?;
            Ok(Self { failed, at_ms })
        })
    }

    /// Writes the row durably.
    pub(crate) fn write(self, db: &Connection) -> Result<(), Cause> {
        let at_ms = i64::try_from(self.at_ms).unwrap_or(i64::MAX);
        let rows = db
            .execute(
                "UPDATE tries SET failed = ?1, at_ms = ?2 WHERE id = 1",
                params![self.failed, at_ms],
            )
            .map_err(|error| Cause::of(&error))?;
        if rows == 1 { Ok(()) } else { Err(Cause::Damaged) }
    }
}

/// How long to wait after `failed` failures in a row, in ms: 0, 0, 0, 1 s, 2 s, 4 s, to 5 minutes.
pub(crate) fn wait_after(failed: u32) -> u64 {
    let Some(doublings) = failed.checked_sub(3) else {
        return 0;
    };
    1_u64
        .checked_shl(doublings)
        .and_then(|seconds| seconds.checked_mul(1_000))
        .map_or(LONGEST_MS, |ms| ms.min(LONGEST_MS))
}

const LONGEST_MS: u64 = 5 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// `VAULT-06`
    #[test]
    fn the_wait_doubles_after_three_free_tries_and_ends_at_five_minutes() {
        let waits: Vec<u64> = (0..8).map(wait_after).collect();
        assert_eq!(waits, [0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000]);
        assert_eq!(wait_after(20), 300_000);
        assert_eq!(wait_after(70), 300_000);
        assert_eq!(wait_after(u32::MAX), 300_000);
    }

    /// `VAULT-06`
    #[test]
    fn a_clock_set_back_starts_the_whole_wait_again_and_no_more() {
        let tries = Tries { failed: 5, at_ms: 100_000 };
        let restarted = Tries { failed: 5, at_ms: 7 };
        assert_eq!(tries.admit(7), Admission::Later { wait_ms: 4_000, restarted: Some(restarted) });
        assert_eq!(restarted.admit(4_006), Admission::Later { wait_ms: 1, restarted: None });
        assert_eq!(
            restarted.admit(4_007),
            Admission::Try { counted: Tries { failed: 6, at_ms: 4_007 } }
        );
    }
}
