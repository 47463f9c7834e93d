//! The world: one thread, a clock of its own, and a queue of what happens next.

mod admins;
mod clocks;
mod faults;
mod insiders;
mod old;
mod people;
mod returns;
mod steps;
mod terms;
mod tree;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use names::TeamId;
use objects::Object;
use relay_core::Input;

use crate::broken::Broken;
use crate::chance::Chance;
use crate::crypto::Sealings;
use crate::device::Device;
use crate::facts::Facts;
use crate::links::{End, Lane, Links};
use crate::profile::Profile;
use crate::relays::RelayNode;
use crate::scenes::Scenes;

pub(crate) use admins::Decision;
pub(crate) use faults::Fault;
pub(crate) use people::Act;
pub(crate) use terms::Scene;

/// Everything there is.
pub(crate) struct World {
    /// The true time, in ms since 1970.
    pub(crate) now: u64,
    /// A rule that nobody keeps.
    pub(crate) broken: Option<Broken>,
    pub(crate) profile: Profile,
    pub(crate) scenes: Scenes,
    pub(crate) chance: Chance,
    pub(crate) devices: Vec<Device>,
    pub(crate) relays: Vec<RelayNode>,
    pub(crate) links: Links,
    /// The relay that the root has named last.
    pub(crate) origin: usize,
    /// The origin before it, until it has taken over from it.
    pub(crate) moving: Option<usize>,
    pub(crate) facts: Facts,
    pub(crate) team: Option<TeamId>,
    /// Another team of the organisation, which nobody judges.
    pub(crate) other: Option<TeamId>,
    /// Faults may happen.
    pub(crate) rough: bool,
    pub(crate) sealings: Arc<Mutex<Sealings>>,
    queue: BTreeMap<(u64, u64), Event>,
    order: u64,
    /// Events handled so far.
    pub(crate) events: u64,
}

/// What happens at some time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A frame arrives.
    Frame {
        link: u64,
        lane: Lane,
        bytes: Vec<u8>,
    },
    /// An end of a link sees that it is gone.
    Lost {
        link: u64,
        end: End,
    },
    /// A device tries to link.
    Connect {
        device: usize,
    },
    /// The proofs of a link are half spent.
    Renew {
        device: usize,
        link: u64,
    },
    /// A subscription was refused a while ago.
    Refused {
        device: usize,
        link: u64,
        id: u32,
    },
    /// A process starts again.
    Restart {
        device: usize,
    },
    RelayRestart {
        relay: usize,
    },
    /// A relay tries to link to its parent.
    RelayConnect {
        relay: usize,
    },
    /// A relay syncs.
    Settle {
        relay: usize,
    },
    /// A person does something.
    Act(Act),
    Fault(Fault),
    Scene(Scene),
    /// Somebody hostile hands an object to an endpoint.
    Inject {
        device: usize,
        object: Box<Object>,
    },
}

impl Event {
    /// As it stands in a trace.
    fn spoken(&self) -> String {
        match self {
            Self::Frame { link, lane: Lane::Up, bytes } => {
                format!("link {link} up {:?}", objects::wire::ToRelay::parse(bytes))
            }
            Self::Frame { link, bytes, .. } => {
                format!("link {link} down {:?}", objects::wire::FromRelay::parse(bytes))
            }
            other => format!("{other:?}"),
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut chance = Chance::new(seed ^ 0x5077_0000_0000_0000);
        let mut profile = Profile::draw(&mut chance);
        let mut scenes = Scenes::draw(seed, profile.people);
        profile.children = profile.children.max(scenes.origin.children());
        if scenes.returns > 0 {
            // What an old vault knows of being in the team is nothing to come back to.
            (profile.restores, profile.poisons, profile.twins) = (0, 0, 0);
        }
        if profile.restores > 0 {
            scenes.decisions = 0;
        }
        if profile.restores > 0 || profile.poisons > 0 {
            scenes.admins = 0;
        }
        Self {
            now: START,
            broken,
            profile,
            scenes,
            chance,
            devices: Vec::new(),
            relays: Vec::new(),
            links: Links::default(),
            origin: 0,
            moving: None,
            facts: Facts::default(),
            team: None,
            other: None,
            rough: false,
            sealings: Arc::default(),
            queue: BTreeMap::new(),
            order: 0,
            events: 0,
        }
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.order = self.order.saturating_add(1);
        self.queue.insert((at.max(self.now), self.order), event);
    }

    pub(crate) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now.saturating_add(delay), event);
    }

    /// Lets the world go on until a time.
    pub(crate) fn run_until(&mut self, until: u64) {
        while self.facts.violations.is_empty() {
            let Some(at) = self.next_time().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            self.events = self.events.saturating_add(1);
            if self.events > MOST_EVENTS {
                self.facts.violate("the world does not come to rest".to_owned());
                return;
            }
            if !self.wake() {
                self.happen();
            }
        }
        self.now = self.now.max(until);
    }

    /// Lets the world go on for at most `most` ms, but no longer than until `done` says so.
    pub(crate) fn run_till(&mut self, most: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.saturating_add(most);
        while self.facts.violations.is_empty() && self.now < end {
            if done(self) {
                return true;
            }
            self.run_until(self.now.saturating_add(1_000).min(end));
        }
        done(self)
    }

    fn next_time(&self) -> Option<u64> {
        let queued = self.queue.keys().next().map(|(at, _)| *at);
        let devices = self.devices.iter().filter_map(Device::wakes).min();
        let relays = self.relays.iter().filter_map(RelayNode::wakes).min();
        [queued, devices, relays].into_iter().flatten().min()
    }

    /// Wakes who wanted to be woken by now.
    fn wake(&mut self) -> bool {
        for index in 0..self.devices.len() {
            if self.devices[index].wakes().is_some_and(|at| at <= self.now) {
                let local = self.devices[index].clock(self.now);
                let device = &mut self.devices[index];
                device.spins = device.spins.saturating_add(1);
                if device.spins > MOST_SPINS {
                    let name = device.name.clone();
                    self.facts.violate(format!("{name} is woken again and again at {local}"));
                }
                self.give(index, mls_core::Input::Tick);
                return true;
            }
        }
        for index in 0..self.relays.len() {
            if self.relays[index].wakes().is_some_and(|at| at <= self.now) {
                let relay = &mut self.relays[index];
                relay.spins = relay.spins.saturating_add(1);
                if relay.spins > MOST_SPINS {
                    self.facts.violate(format!("relay {index} is woken again and again"));
                }
                self.relay_takes(index, Input::Woken);
                return true;
            }
        }
        false
    }

    fn happen(&mut self) {
        let Some(((_, _), event)) = self.queue.pop_first() else {
            return;
        };
        for device in &mut self.devices {
            device.spins = 0;
        }
        for relay in &mut self.relays {
            relay.spins = 0;
        }
        if self.facts.trace {
            eprintln!("{} {}", self.now - START, event.spoken());
        }
        match event {
            Event::Frame { link, lane, bytes } => self.frame(link, lane, &bytes),
            Event::Lost { link, end } => self.lost(link, end),
            Event::Connect { device } => self.connect(device),
            Event::Renew { device, link } => self.renew(device, link),
            Event::Refused { device, link, id } => self.refused(device, link, id),
            Event::Restart { device } => self.restart(device),
            Event::RelayRestart { relay } => self.relay_starts(relay),
            Event::RelayConnect { relay } => self.relay_connects(relay),
            Event::Settle { relay } => {
                if self.relays[relay].unsettled {
                    self.settle(relay);
                }
            }
            Event::Act(act) => self.act(act),
            Event::Fault(fault) => self.fault(fault),
            Event::Scene(scene) => self.scene(scene),
            Event::Inject { device, object } => {
                let again = object.clone();
                let object = *object;
                if !self.give(device, mls_core::Input::Arrived { object, receipt: None }) {
                    // It does not run just now.
                    self.after(1_000, Event::Inject { device, object: again });
                }
            }
        }
    }
}

/// A day in 2026: far enough from zero for clocks that are wrong by 400 days.
const START: u64 = 1_790_000_000_000;
const MOST_EVENTS: u64 = 400_000;
const MOST_SPINS: u32 = 200;
