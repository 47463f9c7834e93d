//! Frames between devices and relays, as `net-proc` and the shell of a relay carry them.

use mls_core::{Answer, Input};
use names::{Prefix, TeamId};
use objects::Proof;
use objects::wire::{FromRelay, SlotAnswer, SubscriptionStanding, ToRelay};
use relay_core::{Input as RelayInput, Peer};

use super::steps::Beside;
use super::{Event, World};
use crate::device::{Ask, Greeted};
use crate::links::{End, Lane, Place};
use crate::relays::linked;

impl World {
    /// The device's link is gone, as far as it is concerned.
    pub(crate) fn unlink(&mut self, index: usize) {
        if let Some(link) = self.devices[index].net.link {
            self.links.leave(link, End::Lower);
            let delay = self.chance.between(1, 3_000);
            self.after(delay, Event::Lost { link, end: End::Upper });
        }
        self.devices[index].net.unlink();
    }

    pub(crate) fn reconnect(&mut self, index: usize, pause: u64) {
        let net = &mut self.devices[index].net;
        if !net.connecting && net.link.is_none() {
            net.connecting = true;
            let pause = pause.saturating_add(self.chance.between(1, 50));
            self.after(pause, Event::Connect { device: index });
        }
    }

    pub(crate) fn connect(&mut self, index: usize) {
        let device = &mut self.devices[index];
        device.net.connecting = false;
        let (None, Some(relay)) = (device.net.link, &device.net.relay) else {
            return;
        };
        let key = relay.key;
        let upper = self.relays.iter().position(|relay| relay.signer.key() == key);
        let reachable = upper.filter(|upper| {
            self.relays[*upper].relay.is_some()
                && !self.links.cut_between(Place::Device(index), *upper)
        });
        let Some(upper) = reachable else {
            let pause = self.chance.between(250, 5_000);
            return self.reconnect(index, pause);
        };
        let exporter = self.chance.bytes();
        let link = self.links.open(Place::Device(index), upper, exporter);
        self.devices[index].net.link = Some(link);
        self.relay_takes(upper, linked(link, exporter));
        self.send_up(link, &ToRelay::Hello { version: 1 });
    }

    pub(crate) fn renew(&mut self, index: usize, link: u64) {
        let net = &mut self.devices[index].net;
        if net.link == Some(link)
            && let Some(greeted) = net.greeted
        {
            net.renewing = false;
            self.tell_linked(index, greeted);
        }
    }

    fn tell_linked(&mut self, index: usize, greeted: Greeted) {
        let now = i128::from(self.now).saturating_add(greeted.ahead);
        let now = objects::Millis(u64::try_from(now).unwrap_or(0));
        let Greeted { relay, exporter, .. } = greeted;
        self.give(index, Input::Linked { relay, exporter, now });
    }

    pub(crate) fn prove(&mut self, index: usize, exporter: [u8; 32], proof: Proof) {
        let net = &mut self.devices[index].net;
        let (Some(link), Some(greeted)) = (net.link, net.greeted) else {
            return;
        };
        if greeted.exporter != exporter {
            return;
        }
        if !std::mem::replace(&mut net.renewing, true) {
            let theirs = i128::from(self.now).saturating_add(greeted.ahead);
            let life = i128::from(proof.expires.0).saturating_sub(theirs);
            let half = u64::try_from(life.checked_div(2).unwrap_or(0)).unwrap_or(0).max(1_000);
            self.after(half, Event::Renew { device: index, link });
        }
        let team = proof.team;
        self.send_up(link, &ToRelay::Prove(proof));
        self.subscribe(index, team);
        for (of, path) in self.devices[index].net.paths.clone() {
            if of == team {
                self.subscribe_path(index, team, path);
            }
        }
    }

    /// Everything of a path, from the first on: also what is here already comes again.
    pub(crate) fn subscribe_path(&mut self, index: usize, team: TeamId, path: u8) {
        let net = &mut self.devices[index].net;
        let (Some(link), Some(greeted)) = (net.link, net.greeted) else {
            return;
        };
        let prefix = Prefix::team_path(team, path);
        net.cache.known.retain(|(name, ..)| !prefix.covers(*name));
        net.next = net.next.wrapping_add(1);
        let (id, store) = (net.next, greeted.store);
        self.send_up(link, &ToRelay::Subscribe { id, prefix, store, after: 0 });
    }

    pub(crate) fn subscribe(&mut self, index: usize, team: TeamId) {
        let net = &mut self.devices[index].net;
        let (Some(link), Some(greeted)) = (net.link, net.greeted) else {
            return;
        };
        if !net.wanted.contains(&team) || net.subscribed.values().any(|of| *of == team) {
            return;
        }
        net.next = net.next.wrapping_add(1);
        let id = net.next;
        net.subscribed.insert(id, team);
        let reached = net.cache.reached.get(&(greeted.relay, greeted.store, team)).copied();
        let prefix = Prefix::team(team);
        let (store, after) = (greeted.store, reached.unwrap_or(0));
        self.send_up(link, &ToRelay::Subscribe { id, prefix, store, after });
    }

    pub(crate) fn unsubscribe(&mut self, index: usize, team: TeamId) {
        let net = &mut self.devices[index].net;
        net.wanted.remove(&team);
        let ended = net.subscribed.iter().find_map(|(id, of)| (*of == team).then_some(*id));
        if let (Some(link), Some(id)) = (net.link, ended) {
            net.subscribed.remove(&id);
            self.send_up(link, &ToRelay::Unsubscribe { id });
        }
    }

    pub(crate) fn ask(&mut self, index: usize, ask: Ask, frame: impl FnOnce(u32) -> ToRelay) {
        let net = &mut self.devices[index].net;
        if let (Some(link), Some(_)) = (net.link, net.greeted) {
            let seq = net.ask(ask);
            self.send_up(link, &frame(seq));
        }
    }

    pub(crate) fn send_up(&mut self, link: u64, frame: &ToRelay) {
        self.carry(link, Lane::Up, frame.bytes());
    }

    pub(crate) fn carry(&mut self, link: u64, lane: Lane, bytes: Vec<u8>) {
        self.facts.counts.frames += 1;
        self.facts.hash(&[&link.to_be_bytes(), &bytes]);
        let delay = self.chance.between(1, self.profile.delay);
        let was = self.links.all.get(&link).is_some_and(|link| link.doomed);
        match self.links.carry(self.now, link, lane, delay) {
            Some(at) => self.at(at, Event::Frame { link, lane, bytes }),
            None if !was => self.doom(link),
            None => {}
        }
    }

    /// Both ends will see that the link is gone, each in its own time.
    pub(crate) fn doom(&mut self, link: u64) {
        if let Some(link) = self.links.all.get_mut(&link) {
            link.doomed = true;
        }
        for end in [End::Lower, End::Upper] {
            let delay = self.chance.between(50, 12_000);
            self.after(delay, Event::Lost { link, end });
        }
    }

    pub(crate) fn lost(&mut self, id: u64, end: End) {
        let Some(link) = self.links.all.get(&id) else {
            return;
        };
        let (lower, upper) = (link.lower, link.upper);
        self.links.leave(id, end);
        match (end, lower) {
            (End::Upper, _) => self.relay_takes(upper, RelayInput::Unlinked { peer: Peer(id) }),
            (End::Lower, Place::Device(device)) => {
                if self.devices[device].net.link == Some(id) {
                    self.unlink(device);
                    self.give(device, Input::Unlinked);
                    let pause = self.chance.between(50, 2_000);
                    self.reconnect(device, pause);
                }
            }
            (End::Lower, Place::Relay(relay)) => {
                if self.relays[relay].up == Some(id) {
                    self.relays[relay].up = None;
                    self.relay_takes(relay, RelayInput::UpUnlinked);
                    self.relay_reconnects(relay);
                }
            }
        }
    }

    pub(crate) fn frame(&mut self, id: u64, lane: Lane, bytes: &[u8]) {
        let Some(link) = self.links.all.get(&id) else {
            return;
        };
        if link.doomed {
            return;
        }
        let (lower, upper) = (link.lower, link.upper);
        match (lane, lower) {
            (Lane::Up, _) if link.upper_up => {
                let frame = bytes.to_vec();
                self.relay_takes(upper, RelayInput::Heard { peer: Peer(id), frame });
            }
            (Lane::Control | Lane::Delivery, Place::Device(device)) if link.lower_up => {
                if lane == Lane::Delivery {
                    self.relay_takes(upper, RelayInput::Room { peer: Peer(id), frames: 1 });
                }
                self.heard(device, id, bytes);
            }
            (Lane::Control | Lane::Delivery, Place::Relay(relay)) if link.lower_up => {
                if lane == Lane::Delivery {
                    self.relay_takes(upper, RelayInput::Room { peer: Peer(id), frames: 1 });
                }
                if self.relays[relay].up == Some(id) {
                    self.relay_takes(relay, RelayInput::UpHeard { frame: bytes.to_vec() });
                }
            }
            _ => {}
        }
    }

    fn heard(&mut self, index: usize, link: u64, bytes: &[u8]) {
        if self.devices[index].net.link != Some(link) {
            return;
        }
        let Ok(frame) = FromRelay::parse(bytes) else {
            return self.facts.violate("a relay sent a malformed frame".to_owned());
        };
        self.take_frame(index, link, frame);
        self.feed(index);
    }

    fn take_frame(&mut self, index: usize, link: u64, frame: FromRelay) {
        let now = i128::from(self.now);
        let net = &mut self.devices[index].net;
        match frame {
            FromRelay::Welcome { store, now: theirs, .. } => {
                let exporter = self.links.all.get(&link).map(|link| link.exporter);
                let relay = net.relay.as_ref().map(|relay| relay.key);
                if let (Some(exporter), Some(relay)) = (exporter, relay) {
                    let ahead = i128::from(theirs.0).saturating_sub(now);
                    let greeted = Greeted { relay, exporter, store, ahead };
                    net.greeted = Some(greeted);
                    self.tell_linked(index, greeted);
                }
            }
            FromRelay::Stored { seq, receipt } => {
                self.answered(index, seq, Answer::Receipt(receipt));
            }
            FromRelay::Refused { seq, why } => self.answered(index, seq, Answer::Refused(why)),
            FromRelay::Slot { seq, answer } => {
                let answer = match answer {
                    SlotAnswer::Won(receipt) => Answer::Receipt(receipt),
                    SlotAnswer::Taken { winner, receipt } => Answer::Taken { winner, receipt },
                    SlotAnswer::Gap { head } => Answer::Gap { head },
                    SlotAnswer::Incomplete => Answer::Incomplete,
                    SlotAnswer::Pending => Answer::Pending,
                };
                self.answered(index, seq, answer);
            }
            FromRelay::Found { seq, object, receipt } => {
                if let Some(Ask::Found(id)) = net.asks.remove(&seq) {
                    self.give(index, Input::Found { id, object, receipt });
                }
            }
            FromRelay::CaughtUp { id, position } => {
                if let (Some(team), Some(greeted)) = (net.subscribed.get(&id), net.greeted) {
                    net.caught_up.insert(*team);
                    net.cache.reached.insert((greeted.relay, greeted.store, *team), position);
                }
            }
            FromRelay::Deliver { position, object, receipt } => {
                if let Some(greeted) = net.greeted {
                    let team = object.name().team();
                    let reached = (greeted.relay, greeted.store, team);
                    net.cache.keep(&object, receipt);
                    let reached = net.cache.reached.entry(reached).or_insert(0);
                    *reached = position.max(*reached);
                }
            }
            FromRelay::Settled { receipt } => {
                self.give(index, Input::Settled { receipt });
            }
            FromRelay::Upstream { reachable } => {
                self.give(index, Input::Upstream { reachable });
            }
            FromRelay::Subscribed { id, standing } => self.stands(index, link, id, standing),
            FromRelay::Revoked(revocation) => {
                net.revoked.insert(revocation.claim.name().team(), revocation);
            }
            FromRelay::Proved(_) | FromRelay::Related => {}
        }
    }

    /// Who may not read links anew after a while: the relay's clock may have been set, and proofs of
    /// an old one count no more.
    fn stands(&mut self, index: usize, link: u64, id: u32, standing: SubscriptionStanding) {
        let net = &mut self.devices[index].net;
        if standing == SubscriptionStanding::Refused {
            net.refused.insert(id);
            self.after(5_000, Event::Refused { device: index, link, id });
        } else {
            net.refused.remove(&id);
        }
    }

    pub(crate) fn refused(&mut self, index: usize, link: u64, id: u32) {
        let net = &self.devices[index].net;
        if net.link == Some(link) && net.refused.contains(&id) {
            self.doom(link);
        }
    }

    fn answered(&mut self, index: usize, seq: u32, answer: Answer) {
        if let Some(Ask::Answer(id)) = self.devices[index].net.asks.remove(&seq) {
            self.give(index, Input::Answered { id, answer });
        }
    }

    /// Gives the endpoint what the cache has more, each object in a step of its own; sometimes
    /// twice, sometimes one that comes later first.
    pub(crate) fn feed(&mut self, index: usize) {
        let net = &self.devices[index].net;
        let paths = net.paths.iter().map(|(team, _)| *team);
        let teams: std::collections::BTreeSet<TeamId> =
            net.wanted.iter().copied().chain(paths).collect();
        for team in teams {
            while self.devices[index].endpoint.is_some() {
                let device = &self.devices[index];
                let id = device.net.cache.id;
                let cursor = device.vault.cursors.get(&team).filter(|cursor| cursor.0 == id);
                let cursor = cursor.map_or(0, |cursor| cursor.1);
                let all = device.net.cache.objects.get(&team);
                let Some((object, receipt)) = all.and_then(|all| all.get(cursor)).cloned() else {
                    break;
                };
                if self.rough && self.chance.happens(self.profile.disorder) {
                    let len = all.map_or(0, Vec::len);
                    let other = self.chance.index(len.min(cursor.saturating_add(4)));
                    let all = self.devices[index].net.cache.objects.get(&team);
                    if let Some((object, receipt)) = all.and_then(|all| all.get(other)).cloned() {
                        self.facts.counts.disorders += 1;
                        self.give(index, Input::Arrived { object, receipt });
                    }
                }
                let beside = Beside { taken: Some(team) };
                self.step(index, beside, |endpoint, now| {
                    endpoint.handle(now, Input::Arrived { object, receipt })
                });
            }
            let net = &mut self.devices[index].net;
            if let Some(revocation) = net.revoked.remove(&team) {
                self.give(index, Input::Revoked { revocation });
            }
            let net = &mut self.devices[index].net;
            if net.caught_up.contains(&team) && net.told.insert(team) {
                self.give(index, Input::CaughtUp { team });
            }
        }
    }
}
