//! How much is sealed again for whom: one device could have others use up the numbers of a log.

use std::collections::BTreeMap;

use names::{Device, Name, TeamId};
use objects::Millis;

/// In memory: after a start, as much again.
#[derive(Default)]
pub(crate) struct Spent {
    /// Entries that were sealed for a device, less what time has given back, and up to when.
    entries: BTreeMap<(TeamId, Device), (u64, Millis)>,
    /// How often it has asked for a message, and when first.
    times: BTreeMap<(Device, Name), (u32, Millis)>,
    /// For whom it is sealed.
    wanters: BTreeMap<Name, Device>,
}

impl Spent {
    /// Notes that a device asks for a message; false when it has got enough for now.
    pub(crate) fn permits(&mut self, now: Millis, device: Device, name: Name) -> bool {
        if self.times.len() >= MOST_NAMES {
            self.times.retain(|_, (_, first)| now < first.plus(AN_HOUR));
        }
        let full = self.times.len() >= MOST_NAMES && !self.times.contains_key(&(device, name));
        let (used, up_to) = self.entries.get(&(name.team(), device)).copied().unwrap_or_default();
        let back = now.0.saturating_sub(up_to.0) / EACH;
        if full || used.saturating_sub(back) >= MOST_ENTRIES {
            return false;
        }
        let (times, first) = self.times.entry((device, name)).or_insert((0, now));
        if now >= first.plus(AN_HOUR) {
            (*times, *first) = (0, now);
        }
        *times = times.saturating_add(1);
        if *times > MOST_TIMES {
            return false;
        }
        self.wanters.insert(name, device);
        true
    }

    /// So many entries were sealed for whoever has asked for a message.
    pub(crate) fn spend(&mut self, now: Millis, name: Name, count: u64) {
        let Some(device) = self.wanters.remove(&name) else {
            return;
        };
        let (used, up_to) = self.entries.entry((name.team(), device)).or_insert((0, now));
        let back = now.0.saturating_sub(up_to.0) / EACH;
        *used = used.saturating_sub(back).saturating_add(count);
        // What is left of the time counts next.
        *up_to = up_to.plus(back.saturating_mul(EACH));
    }

    /// The clock was set back to now.
    pub(crate) fn set_back(&mut self, now: Millis) {
        for (_, up_to) in self.entries.values_mut() {
            *up_to = now.min(*up_to);
        }
        for (_, first) in self.times.values_mut() {
            *first = now.min(*first);
        }
    }
}

/// Entries for one device at once, and in so many ms one more: a log has numbers for half a year then.
const MOST_ENTRIES: u64 = 4096;
const EACH: u64 = 15_000;
/// How often one device gets one message within an hour.
const MOST_TIMES: u32 = 8;
const AN_HOUR: u64 = 3_600_000;
const MOST_NAMES: usize = 8192;

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
    fn one_device_gets_one_message_only_so_often_and_others_get_it_too() {
        let (mut spent, one, other) = (Spent::default(), Device::truncate(7), Device::truncate(8));
        for _ in 0..8 {
            assert!(spent.permits(Millis(1), one, name(1)));
        }
        assert!(!spent.permits(Millis(2), one, name(1)));
        assert!(spent.permits(Millis(2), one, name(2)));
        assert!(spent.permits(Millis(2), other, name(1)));
        assert!(spent.permits(Millis(1 + AN_HOUR), one, name(1)));
        spent.set_back(Millis(0));
        assert!(spent.permits(Millis(0), one, name(1)));
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
