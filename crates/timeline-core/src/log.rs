//! Which numbers of a device's log are here, and which are missing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use names::{Device, Number};

/// Consecutive missing numbers of one log.
pub type Gap = RangeInclusive<u64>;

/// All logs of a channel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Logs {
    logs: BTreeMap<Device, Log>,
}

/// One log: the numbers held, as ranges from first to last that neither touch nor overlap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Log {
    held: BTreeMap<u64, u64>,
    tip: u64,
}

impl Logs {
    /// Counts an entry as here.
    pub(crate) fn hold(&mut self, device: Device, number: Number) {
        self.logs.entry(device).or_default().hold(number.value());
    }

    /// Counts an entry as written, here or not.
    pub(crate) fn hear_of(&mut self, device: Device, tip: Number) {
        let log = self.logs.entry(device).or_default();
        log.tip = log.tip.max(tip.value());
    }

    /// The devices that have a log.
    pub(crate) fn devices(&self) -> impl Iterator<Item = Device> + '_ {
        self.logs.keys().copied()
    }

    /// What is missing between the oldest number here and the newest heard of, oldest first.
    pub(crate) fn gaps(&self, device: Device) -> Vec<Gap> {
        self.logs.get(&device).map(Log::gaps).unwrap_or_default()
    }
}

impl Log {
    fn hold(&mut self, number: u64) {
        let before = self.held.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return;
        }
        let first = before
            .filter(|(_, last)| last.checked_add(1) == Some(number))
            .map_or(number, |(first, _)| first);
        let last = number.checked_add(1).and_then(|next| self.held.remove(&next)).unwrap_or(number);
        self.held.insert(first, last);
        self.tip = self.tip.max(last);
    }

    fn gaps(&self) -> Vec<Gap> {
        let starts = self.held.keys().skip(1).copied().chain(self.tip.checked_add(1));
        self.held
            .values()
            .zip(starts)
            .filter_map(|(last, next)| {
                let gap = last.checked_add(1)?..=next.checked_sub(1)?;
                (!gap.is_empty()).then_some(gap)
            })
            .collect()
    }
}
