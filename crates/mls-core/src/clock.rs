//! Clocks that are wrong: what a clock of yesterday has planned must not wait for years.

use objects::Millis;

use crate::Endpoint;
use crate::state::{IntentRow, TeamRow};
use crate::unsealed::ENTRY_LIFE;

impl Endpoint {
    /// Looks at the clock before anything else is done. One that was set back has planned things
    /// far ahead: those are due now, and nothing was heard or done later than now.
    pub(crate) fn look_at_clock(&mut self, now: Millis) {
        let back = self.clock.0.saturating_sub(now.0);
        self.clock = now;
        if back < A_SECOND {
            return;
        }
        self.quiet_until.clear();
        for guard in self.guards.values_mut() {
            guard.is_due_by(now);
        }
        self.recalls.set_back(now);
        for heard in self.heard.values_mut() {
            *heard = now.min(*heard);
        }
        if let Some(link) = &mut self.link {
            link.set_back(now, back);
        }
    }

    /// A time in a row, which may be of a clock that was ahead: nothing is planned for later than
    /// `most` from now.
    pub(crate) fn planned(&self, at: u64, most: u64) -> Millis {
        if at > self.clock.plus(most).0 { Millis(0) } else { Millis(at) }
    }

    /// Before when a wish is not claimed.
    pub(crate) fn wished_for(&self, wish: &IntentRow) -> Millis {
        self.planned(wish.after, LONGEST)
    }

    /// The time as others have told it: the relay of this link, and the origin in its receipts.
    pub(crate) fn outside(&self, now: Millis, row: &TeamRow) -> Option<Millis> {
        let relay = self.link.as_ref().map(|link| link.theirs(now));
        relay.into_iter().chain(row.origin_time()).max()
    }

    /// When what is sealed now may be dropped: by the latest of all clocks. While none but ours is
    /// known, relays alone decide.
    pub(crate) fn expiry(&self, now: Millis, row: &TeamRow) -> Millis {
        self.outside(now, row).map_or(Millis::NEVER, |outside| now.max(outside).plus(ENTRY_LIFE))
    }
}

impl TeamRow {
    /// The time by which keys are forgotten: our clock alone decides nothing.
    pub(crate) fn surely(&self, now: Millis) -> Millis {
        self.origin_time().map_or(Millis(0), |origin| origin.min(now))
    }
}

/// No wish is put off for longer than for a minute, in ms.
const LONGEST: u64 = 120_000;
/// Clocks are corrected by less all the time.
const A_SECOND: u64 = 1_000;
