//! Clocks that are wrong: from the start, and set while everything runs.

use super::{Event, Fault, World};
use crate::links::Place;

impl World {
    /// Draws when clocks are set, from now until `end`.
    pub(crate) fn plan_clocks(&mut self, count: u64, end: u64) {
        for _ in 0..count {
            let at = self.chance.between(self.now, end);
            let place = if self.chance.happens(250) {
                Place::Relay(self.chance.index(self.relays.len()))
            } else {
                Place::Device(self.chance.index(self.devices.len()))
            };
            self.at(at, Event::Fault(Fault::Skew { place }));
        }
    }

    /// How wrong a clock is from the beginning, in a world where clocks are wrong.
    pub(crate) fn first_skew(&mut self, most: u64) -> i128 {
        if self.profile.skews > 0 && self.chance.happens(300) { self.draw_skew(most) } else { 0 }
    }

    /// Sets a clock: right, or wrong by seconds, minutes, days or a year.
    pub(crate) fn set_clock(&mut self, place: Place) {
        self.facts.counts.skews += 1;
        let right = self.chance.happens(300);
        let skew = match place {
            _ if right => 0,
            Place::Device(_) => self.draw_skew(MOST),
            Place::Relay(_) => self.draw_skew(MOST_RELAY),
        };
        match place {
            Place::Device(device) => self.devices[device].skew = skew,
            Place::Relay(relay) => self.relays[relay].skew = skew,
        }
    }

    /// Faults have stopped: some see that their clock is wrong.
    pub(crate) fn put_some_right(&mut self) {
        for device in 0..self.devices.len() {
            if self.devices[device].skew != 0 && self.chance.happens(500) {
                self.devices[device].skew = 0;
            }
        }
        for relay in 0..self.relays.len() {
            if self.relays[relay].skew != 0 && self.chance.happens(500) {
                self.relays[relay].skew = 0;
            }
        }
    }

    fn draw_skew(&mut self, most: u64) -> i128 {
        let most = self.chance.pick(&[10_000, 600_000, 2 * DAY, most]).unwrap_or(DAY);
        i128::from(self.chance.below(2 * most)) - i128::from(most)
    }
}

/// In ms.
const DAY: u64 = 24 * 3_600_000;
/// The most that the clock of a device is wrong by.
pub(crate) const MOST: u64 = 400 * DAY;
/// A relay forgets by its clock what is older than 91 days: if it is wrong by more, that is as if
/// the time had passed.
pub(crate) const MOST_RELAY: u64 = 30 * DAY;
