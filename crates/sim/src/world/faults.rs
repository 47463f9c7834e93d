//! What goes wrong, and what hostile people do.

use objects::Object;

use super::{Event, World};
use crate::links::Place;

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing passes from one place to another.
    Cut { from: Place, to: Place },
    /// It passes again.
    Heal { from: Place, to: Place },
    /// A link breaks.
    Break,
    /// A clock is set.
    Skew { place: Place },
    /// A `net-proc` loses its cache.
    LoseCache { device: usize },
    /// An endpoint is handed something that nobody sent.
    Hostile { device: usize },
    /// A member spoils its next commit for somebody.
    Poison { device: usize },
    /// A member claims a slot for what is no good commit to anybody.
    Forge { device: usize },
    /// A copy of a vault is put aside.
    Backup { device: usize },
    /// The copy is put back.
    Restore { device: usize },
    /// A copy of a vault speaks as well, past the relays.
    Twin { device: usize },
    /// A process is killed.
    Kill { device: usize },
}

impl World {
    /// Draws when what goes wrong, from now until `end`.
    pub(crate) fn plan_faults(&mut self, end: u64) {
        let profile = self.profile.clone();
        for _ in 0..profile.cuts {
            // Half of the cuts in a tree make an island.
            let island = self.relays.len() > 1 && self.chance.happens(500);
            let (device, relay) = if island {
                let child = self.chance.between(1, self.relays.len() as u64 - 1);
                {
                    let child = usize::try_from(child).unwrap_or(1);
                    let above = self.relays[child].parent.map_or(0, |(above, _)| above);
                    (Place::Relay(child), Place::Relay(above))
                }
            } else {
                let device = self.chance.index(self.devices.len());
                (Place::Device(device), Place::Relay(self.chance.index(self.relays.len())))
            };
            let at = self.chance.between(self.now, end);
            let until = at.saturating_add(self.chance.between(500, 60_000)).min(end);
            let ways = match self.chance.below(3) {
                0 => vec![(device, relay)],
                1 => vec![(relay, device)],
                _ => vec![(device, relay), (relay, device)],
            };
            for (from, to) in ways {
                self.at(at, Event::Fault(Fault::Cut { from, to }));
                self.at(until, Event::Fault(Fault::Heal { from, to }));
            }
        }
        self.plan(profile.breaks, end, |_| Fault::Break);
        self.plan_clocks(profile.skews, end);
        self.plan(profile.hostile, end, |device| Fault::Hostile { device });
        self.plan_restores(profile.restores, end);
        for _ in 0..profile.twins {
            let most = profile.people - if profile.restores > 0 { 2 } else { 1 };
            let device = self.chance.between(1, most as u64);
            let device = usize::try_from(device).unwrap_or(1);
            // What an admin wished would be lost with it.
            let device = if self.is_first_admin(device) { 1 } else { device };
            let at = self.chance.between(self.now, end);
            self.at(at, Event::Fault(Fault::Twin { device }));
        }
        self.plan_poisons(profile.poisons, end);
        if profile.crashes > 0 {
            self.plan(profile.crashes / 4, end, |device| Fault::Kill { device });
            self.plan(1, end, |device| Fault::LoseCache { device });
        }
    }

    fn plan(&mut self, count: u64, end: u64, fault: impl Fn(usize) -> Fault) {
        for _ in 0..count {
            let at = self.chance.between(self.now, end);
            let device = self.chance.index(self.devices.len());
            self.at(at, Event::Fault(fault(device)));
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        if !self.rough {
            return;
        }
        match fault {
            Fault::Cut { from, to } => {
                self.facts.counts.partitions += 1;
                self.links.cuts.insert((from, to));
                let crossing = |link: &crate::links::Link| {
                    let upper = Place::Relay(link.upper);
                    [(link.lower, upper), (upper, link.lower)].contains(&(from, to))
                };
                let links = self.links.all.iter().filter(|(_, link)| crossing(link));
                let links: Vec<u64> = links.map(|(id, _)| *id).collect();
                // Half of the time it is noticed only when something is said.
                for link in links {
                    if self.chance.happens(500) {
                        self.doom(link);
                    }
                }
            }
            Fault::Heal { from, to } => {
                self.links.cuts.remove(&(from, to));
            }
            Fault::Break => {
                let links: Vec<u64> = self.links.all.keys().copied().collect();
                if let Some(link) = self.chance.pick(&links) {
                    self.facts.counts.breaks += 1;
                    self.doom(link);
                }
            }
            Fault::Skew { place } => self.set_clock(place),
            Fault::LoseCache { device } => {
                let id = self.chance.draw();
                let net = &mut self.devices[device].net;
                net.cache = crate::device::Cache { id, ..Default::default() };
                if let Some(link) = net.link {
                    self.doom(link);
                }
            }
            Fault::Kill { device } => {
                if self.devices[device].endpoint.is_some() {
                    self.facts.counts.crashes += 1;
                    self.die(device);
                }
            }
            Fault::Hostile { device } => self.hostile(device),
            Fault::Backup { device } => self.back_up(device),
            Fault::Restore { device } => self.put_back(device),
            Fault::Twin { device } => self.twin(device),
            Fault::Poison { device } => self.poison(device),
            Fault::Forge { device } => self.forge(device),
        }
    }

    /// Hands over something damaged, something old, or something under another name.
    fn hostile(&mut self, device: usize) {
        let Some(team) = self.team else {
            return;
        };
        self.facts.counts.hostile += 1;
        let all = self.devices[device].net.cache.objects.get(&team);
        let len = all.map_or(0, Vec::len);
        let picked = self.chance.index(len);
        let Some((object, receipt)) = all.and_then(|all| all.get(picked)).cloned() else {
            return;
        };
        match self.chance.below(4) {
            3 => {
                // A claim of which nobody knows whether it will win, with a receipt for another.
                let claims = self.facts.claims.len();
                let claim = self.facts.claims.get(self.chance.index(claims)).cloned();
                let all = self.devices[device].net.cache.objects.get(&team);
                let receipt = all.and_then(|all| all.iter().rev().find_map(|(_, it)| *it));
                if let Some(object) = claim {
                    self.give(device, mls_core::Input::Arrived { object, receipt });
                }
            }
            0 => {
                self.give(device, mls_core::Input::Arrived { object, receipt });
            }
            1 => {
                // A claim without what decides it.
                self.give(device, mls_core::Input::Arrived { object, receipt: None });
            }
            _ => {
                let mut bytes = object.bytes();
                for _ in 0..=self.chance.index(3) {
                    let at = self.chance.index(bytes.len());
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.chance.below(8);
                    }
                }
                if let Ok(object) = Object::parse(&bytes) {
                    self.give(device, mls_core::Input::Arrived { object, receipt });
                }
            }
        }
    }
}
