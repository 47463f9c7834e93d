//! Links: ordered streams that take time, break, and are cut, in one direction or both.

use std::collections::{BTreeMap, BTreeSet};

/// A place in the network.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Place {
    Device(usize),
    Relay(usize),
}

/// Which way a frame goes, and on which stream.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Lane {
    Up,
    Control,
    Delivery,
}

/// An end of a link.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum End {
    Lower,
    Upper,
}

/// A connection from a device or a relay to a relay above it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) lower: Place,
    pub(crate) upper: usize,
    pub(crate) exporter: [u8; 32],
    /// Which ends still believe in it.
    pub(crate) lower_up: bool,
    pub(crate) upper_up: bool,
    /// Frames are lost: nothing behind them arrives, and both ends will see it.
    pub(crate) doomed: bool,
    /// When the last frame of each lane arrives: streams keep their order.
    arrives: [u64; 3],
}

/// All links, and the directions that are cut.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) all: BTreeMap<u64, Link>,
    next: u64,
    pub(crate) cuts: BTreeSet<(Place, Place)>,
}

impl Links {
    pub(crate) fn open(&mut self, lower: Place, upper: usize, exporter: [u8; 32]) -> u64 {
        self.next = self.next.saturating_add(1);
        let link = Link {
            lower,
            upper,
            exporter,
            lower_up: true,
            upper_up: true,
            doomed: false,
            arrives: [0; 3],
        };
        self.all.insert(self.next, link);
        self.next
    }

    pub(crate) fn cut_between(&self, lower: Place, upper: usize) -> bool {
        let upper = Place::Relay(upper);
        self.cuts.contains(&(lower, upper)) || self.cuts.contains(&(upper, lower))
    }

    /// When a frame that leaves now arrives; `None` when it is lost, with all behind it.
    pub(crate) fn carry(&mut self, now: u64, id: u64, lane: Lane, delay: u64) -> Option<u64> {
        let link = self.all.get_mut(&id)?;
        let upper = Place::Relay(link.upper);
        let way = match lane {
            Lane::Up => (link.lower, upper),
            Lane::Control | Lane::Delivery => (upper, link.lower),
        };
        if self.cuts.contains(&way) {
            link.doomed = true;
        }
        if link.doomed {
            return None;
        }
        let last = match lane {
            Lane::Up => &mut link.arrives[0],
            Lane::Control => &mut link.arrives[1],
            Lane::Delivery => &mut link.arrives[2],
        };
        *last = now.saturating_add(delay).max(*last);
        Some(*last)
    }

    /// One end has given it up.
    pub(crate) fn leave(&mut self, id: u64, end: End) {
        if let Some(link) = self.all.get_mut(&id) {
            match end {
                End::Lower => link.lower_up = false,
                End::Upper => link.upper_up = false,
            }
            if !link.lower_up && !link.upper_up {
                self.all.remove(&id);
            }
        }
    }
}
