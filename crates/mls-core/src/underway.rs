//! What of the outbox is on its way, found fast: in memory, counted anew after each start.

use std::collections::{BTreeMap, BTreeSet};

use names::{Channel, Name, TeamId};

use crate::answered::entry_of;
use crate::state::Purpose;

type Log = (TeamId, Channel);

/// What waits in the outbox.
#[derive(Default)]
pub(crate) struct Underway {
    by_name: BTreeMap<Name, u64>,
    /// Own entries without any receipt.
    unheld: BTreeMap<Log, BTreeSet<u64>>,
    /// Own entries without the origin's receipt.
    unsettled: BTreeMap<Log, BTreeSet<u64>>,
}

impl Underway {
    pub(crate) fn id(&self, name: Name) -> Option<u64> {
        self.by_name.get(&name).copied()
    }

    pub(crate) fn add(&mut self, id: u64, name: Name, held: bool, purpose: Purpose) {
        self.by_name.insert(name, id);
        // What an origin had does not count a second time: no mark goes back.
        let counts = purpose != Purpose::Again;
        if let Some((team, channel, number)) = entry_of(name).filter(|_| counts) {
            self.unsettled.entry((team, channel)).or_default().insert(number);
            if !held {
                self.unheld.entry((team, channel)).or_default().insert(number);
            }
        }
    }

    pub(crate) fn held(&mut self, name: Name) {
        if let Some((team, channel, number)) = entry_of(name)
            && let Some(numbers) = self.unheld.get_mut(&(team, channel))
        {
            numbers.remove(&number);
        }
    }

    pub(crate) fn settled(&mut self, name: Name) {
        self.held(name);
        self.by_name.remove(&name);
        if let Some((team, channel, number)) = entry_of(name)
            && let Some(numbers) = self.unsettled.get_mut(&(team, channel))
        {
            numbers.remove(&number);
        }
    }

    /// Forgets a team.
    pub(crate) fn leave(&mut self, team: TeamId) {
        self.by_name.retain(|name, _| name.team() != team);
        self.unheld.retain(|(of, _), _| *of != team);
        self.unsettled.retain(|(of, _), _| *of != team);
    }

    /// The first own entry of a log that no relay is known to have.
    pub(crate) fn first_unheld(&self, log: Log) -> Option<u64> {
        self.unheld.get(&log).and_then(BTreeSet::first).copied()
    }

    /// Own entries of a channel below these numbers are at the home relay, and at the origin; of
    /// a log that goes on at `next`.
    pub(crate) fn marks(&self, log: Log, next: u64) -> (u64, u64) {
        let mark = |numbers: &BTreeMap<Log, BTreeSet<u64>>| {
            numbers.get(&log).and_then(BTreeSet::first).copied().unwrap_or(next)
        };
        (mark(&self.unheld), mark(&self.unsettled))
    }
}
