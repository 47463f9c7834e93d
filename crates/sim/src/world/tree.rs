//! Relays: what they are given, what they let out, and how they hang together.

use relay_core::{Input as RelayInput, Output as RelayOutput};

use super::{Event, World};
use crate::links::{End, Lane, Place};
use crate::relays::linked;

impl World {
    pub(crate) fn relay_starts(&mut self, index: usize) {
        if self.relays[index].dead {
            return;
        }
        self.relays[index].start(self.now);
        self.relay_reconnects(index);
    }

    pub(crate) fn relay_reconnects(&mut self, index: usize) {
        let relay = &mut self.relays[index];
        if relay.parent.is_some() && relay.up.is_none() && !relay.connecting {
            relay.connecting = true;
            let pause = self.chance.between(50, 3_000);
            self.after(pause, Event::RelayConnect { relay: index });
        }
    }

    pub(crate) fn relay_connects(&mut self, index: usize) {
        let relay = &mut self.relays[index];
        relay.connecting = false;
        let Some((upper, _)) = relay.parent else {
            return;
        };
        if relay.relay.is_none() || relay.up.is_some() {
            return;
        }
        let lower = Place::Relay(index);
        if self.relays[upper].relay.is_none() || self.links.cut_between(lower, upper) {
            return self.relay_reconnects(index);
        }
        let exporter = self.chance.bytes();
        let link = self.links.open(lower, upper, exporter);
        self.relays[index].up = Some(link);
        self.relay_takes(upper, linked(link, exporter));
        self.relay_takes(index, RelayInput::UpLinked { exporter });
    }

    pub(crate) fn relay_takes(&mut self, index: usize, input: RelayInput) {
        if self.relays[index].relay.is_none() {
            return;
        }
        self.relays[index].handle(self.now, input);
        if self.rough && self.chance.happens(self.profile.relay_crashes) {
            return self.relay_dies(index);
        }
        // One sync for several: those that come within the next milliseconds.
        if self.chance.happens(100) {
            self.after(3, Event::Settle { relay: index });
        } else {
            self.settle(index);
        }
    }

    pub(crate) fn settle(&mut self, index: usize) {
        let outputs = self.relays[index].settle(self.now);
        let dies = self.rough && self.chance.happens(self.profile.relay_crashes);
        let told = if dies { self.chance.index(outputs.len()) } else { outputs.len() };
        for output in outputs.into_iter().take(told) {
            match output {
                RelayOutput::Up { frame } => {
                    if let Some(up) = self.relays[index].up {
                        self.send_up(up, &frame);
                    }
                }
                RelayOutput::UpDrop { why } => {
                    self.facts.dropped(why);
                    if let Some(up) = self.relays[index].up.take() {
                        self.links.leave(up, End::Lower);
                        self.after(50, Event::Lost { link: up, end: End::Upper });
                    }
                    self.relay_reconnects(index);
                }
                RelayOutput::Answer { peer, frame } => {
                    self.carry(peer.0, Lane::Control, frame.bytes());
                }
                RelayOutput::Deliver { peers, frame } => {
                    for peer in peers {
                        self.carry(peer.0, Lane::Delivery, frame.clone());
                    }
                }
                RelayOutput::Drop { peer, why } => {
                    self.facts.dropped(why);
                    self.links.leave(peer.0, End::Upper);
                    let delay = self.chance.between(1, 100);
                    self.after(delay, Event::Lost { link: peer.0, end: End::Lower });
                }
            }
        }
        if dies {
            self.relay_dies(index);
        }
    }

    /// The power of a relay goes; it comes back soon.
    pub(crate) fn relay_dies(&mut self, index: usize) {
        self.facts.counts.relay_crashes += 1;
        if let Some(up) = self.relays[index].up {
            self.links.leave(up, End::Lower);
            let delay = self.chance.between(1, 4_000);
            self.after(delay, Event::Lost { link: up, end: End::Upper });
        }
        self.relays[index].power_cut();
        let of = |link: &crate::links::Link| link.upper == index;
        let links: Vec<u64> =
            self.links.all.iter().filter(|(_, link)| of(link)).map(|(id, _)| *id).collect();
        for link in links {
            self.links.leave(link, End::Upper);
            let delay = self.chance.between(1, 4_000);
            self.after(delay, Event::Lost { link, end: End::Lower });
        }
        let pause = self.chance.between(100, 8_000);
        self.after(pause, Event::RelayRestart { relay: index });
    }
}
