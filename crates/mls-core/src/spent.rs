//! How much is sealed again for whom: one device could have others use up the numbers of a log.

use std::collections::BTreeMap;

use names::{Device, Name, TeamId};
use objects::Millis;

/// In memory: after a start, as much again.
#[derive(Default)]
pub(crate) struct Spent {
    /// Entries that were sealed for a device, less what time has given back, and up to when.
    entries: BTreeMap<(TeamId, Device), (u64, Millis)>,
    /// For whom it is sealed.
    wanters: BTreeMap<Name, Device>,
}

impl Spent {
    /// Notes that a device asks for a message; false when it has got enough for now.
    pub(crate) fn permits(&mut self, now: Millis, device: Device, name: Name) -> bool {
        if self.wanters.len() >= MOST_NAMES {
            // Asked for, and never found in the history.
            self.wanters.clear();
        }
        self.wanters.insert(name, device);
        let enough = self.spend(now, name, 0) >= MOST_ENTRIES;
        self.wanters.insert(name, device);
        !enough
    }

    /// So many entries are sealed for whoever has asked for a message: how many that makes.
    pub(crate) fn spend(&mut self, now: Millis, name: Name, count: u64) -> u64 {
        let Some(device) = self.wanters.remove(&name) else {
            return 0;
        };
        let (used, up_to) = self.entries.entry((name.team(), device)).or_insert((0, now));
        // After a clock that was set back.
        *up_to = now.min(*up_to);
        let back = now.0.saturating_sub(up_to.0) / EACH;
        *used = used.saturating_sub(back).saturating_add(count);
        *up_to = up_to.plus(back.saturating_mul(EACH));
        *used
    }
}

/// Entries for one device at once, and in so many ms one more: a log has numbers for half a year then.
const MOST_ENTRIES: u64 = 4096;
const EACH: u64 = 15_000;
const MOST_NAMES: usize = 4096;

#[cfg(test)]
mod tests {
    use names::{Channel, Number, Org, Origin, Rest, Team};

    use super::*;

    fn name(number: u64) -> Name {
        let team =
            TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) };
        let (channel, device) = (Channel::truncate(4), Device::truncate(5));
        team.name(Rest::Message { channel, device, number: Number::truncate(number) })
    }

    /// `MLS-113`
    #[test]
    fn one_device_has_only_so_many_entries_sealed_for_it_and_later_some_more() {
        let (mut spent, one, other) = (Spent::default(), Device::truncate(7), Device::truncate(8));
        for number in 0..MOST_ENTRIES / 64 {
            assert!(spent.permits(Millis(1), one, name(number)));
            spent.spend(Millis(1), name(number), 64);
        }
        assert!(!spent.permits(Millis(EACH), one, name(5000)));
        assert!(spent.permits(Millis(1), other, name(5000)));
        assert!(spent.permits(Millis(EACH + 1), one, name(5000)));
        spent.spend(Millis(EACH + 1), name(5000), 2);
        assert!(!spent.permits(Millis(2 * EACH), one, name(5001)));
        assert!(!spent.permits(Millis(2 * EACH + 1), one, name(5001)));
        assert!(spent.permits(Millis(3 * EACH + 1), one, name(5001)));
        // Nobody has asked for this one.
        spent.spend(Millis(0), name(9), MOST_ENTRIES);
        assert!(spent.permits(Millis(3 * EACH + 1), other, name(5002)));
    }
}
