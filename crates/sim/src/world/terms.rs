//! The origin changes hands: the root names another relay, and the tree is put together anew.

use std::collections::BTreeSet;

use names::{Name, Rest};
use objects::{Claim, Hash, Object, RelayRef, TeamLink};

use super::steps::Beside;
use super::{Event, World};
use crate::scenes::Origin;

/// A part of a scene.
#[derive(Debug, Clone)]
pub(crate) enum Scene {
    /// The root names another origin.
    Move { to: usize },
    /// A relay starts anew, below another one or below none.
    Replant { relay: usize, below: Option<usize> },
    /// All relays have their places.
    Moved,
    /// Somebody is given a link to the new origin.
    Finds { device: usize, link: TeamLink },
    /// A relay is never seen again.
    Dies { relay: usize },
}

impl World {
    /// Draws when the origin changes hands, until `end`.
    pub(crate) fn plan_scenes(&mut self, end: u64) {
        let middle = self.now.midpoint(end);
        match self.scenes.origin {
            Origin::Stays => {}
            Origin::Moves(times) => {
                // Nobody is the origin a second time under one key.
                for to in 1..=times {
                    let at = self.chance.between(self.now, end);
                    self.at(at, Event::Scene(Scene::Move { to }));
                }
            }
            Origin::Dies => {
                let at = self.chance.between(self.now, middle);
                self.at(at, Event::Scene(Scene::Dies { relay: self.origin }));
            }
        }
    }

    pub(crate) fn scene(&mut self, scene: Scene) {
        match scene {
            Scene::Move { to } => self.move_origin(to),
            Scene::Replant { relay, below } => self.replant(relay, below),
            Scene::Moved => self.moving = None,
            Scene::Finds { device, link } => self.finds(device, link),
            Scene::Dies { relay } => {
                if !self.knows_newcomers(relay) {
                    return self.after(200, Event::Scene(Scene::Dies { relay }));
                }
                self.facts.counts.deaths += 1;
                self.relays[relay].dead = true;
                let later = self.chance.between(1, 60_000);
                self.after(later, Event::Scene(Scene::Move { to: FIRST_CHILD }));
                self.relay_dies(relay);
            }
        }
    }

    /// The root names another origin; its operators put the tree together anew at about the same
    /// time.
    fn move_origin(&mut self, to: usize) {
        if to == self.origin {
            return;
        }
        if self.moving.is_some() {
            // One after the other.
            return self.after(3_000, Event::Scene(Scene::Move { to }));
        }
        let reference = self.relays[to].reference(to);
        let done =
            self.step(0, Beside::default(), |endpoint, at| endpoint.move_origin(at, &reference));
        if done.is_none_or(|done| done.is_err()) {
            let pause = self.chance.between(200, 3_000);
            return self.after(pause, Event::Scene(Scene::Move { to }));
        }
        self.facts.counts.terms += 1;
        self.moving = Some(self.origin);
        self.origin = to;
        let first = self.chance.between(1, 8_000);
        self.after(first, Event::Scene(Scene::Replant { relay: to, below: None }));
    }

    /// Does the new origin have the claims that its term builds on?
    fn has_taken_over(&mut self) -> bool {
        let (Some(team), Some(relay)) = (self.team, &mut self.relays[self.origin].relay) else {
            return false;
        };
        relay.orders(team).expect("a store in memory")
    }

    /// Does the first child have what this relay has of newcomers? Whose addition only the dead one had
    /// is let in by nobody else, and whose announcement that was is never found.
    fn knows_newcomers(&mut self, relay: usize) -> bool {
        let mut all = |relay: usize| -> Option<BTreeSet<(Name, Hash)>> {
            let shelf = self.relays[relay].relay.as_mut()?.shelf_mut();
            let objects = shelf.all().map(|kept| &kept.object).filter(|object| brings(object));
            Some(objects.map(|object| (object.name(), object.entry_hash())).collect())
        };
        let (above, below) = (all(relay), all(FIRST_CHILD));
        above.zip(below).is_some_and(|(above, below)| above.is_subset(&below))
    }

    /// Whose relay is never seen again is given a link to the new origin.
    fn give_new_links(&mut self) {
        for device in 1..self.devices.len() {
            self.give_new_link(device);
        }
    }

    fn give_new_link(&mut self, device: usize) {
        let link = TeamLink {
            team: self.team.expect("a team"),
            root: self.relays[0].orgs[0].root,
            relay: self.relays[self.origin].reference(self.origin),
        };
        let later = self.chance.between(1, 20_000);
        self.after(later, Event::Scene(Scene::Finds { device, link }));
    }

    /// An old vault may have forgotten the link.
    pub(super) fn give_link_again(&mut self, device: usize) {
        let forgotten = self.relays.iter().any(|relay| relay.dead);
        if forgotten && !self.relays[self.origin].dead {
            self.give_new_link(device);
        }
    }

    pub(super) fn is_dead(&self, relay: &RelayRef) -> bool {
        self.relays.iter().any(|node| node.dead && node.signer.key() == relay.key)
    }

    /// Somebody opens a link to the team that it is in.
    fn finds(&mut self, device: usize, link: TeamLink) {
        let endpoint = self.devices[device].endpoint.as_ref();
        if endpoint.is_some_and(|it| it.relay().is_none_or(|home| !self.is_dead(&home))) {
            return;
        }
        let done = self.step(device, Beside::default(), |endpoint, _| endpoint.use_relay_of(&link));
        if done.is_none_or(|done| done.is_err()) {
            self.after(3_000, Event::Scene(Scene::Finds { device, link }));
        }
    }

    fn replant(&mut self, relay: usize, below: Option<usize>) {
        if below.is_none() {
            // It stays below the old origin until it has its claims.
            if !self.has_taken_over() {
                return self.after(1_000, Event::Scene(Scene::Replant { relay, below }));
            }
            self.after(10_000, Event::Scene(Scene::Moved));
            self.give_new_links();
            for other in 0..self.relays.len() {
                if other != relay && !self.relays[other].dead {
                    let later = self.chance.between(1, 9_000);
                    let below = Scene::Replant { relay: other, below: Some(relay) };
                    self.after(later, Event::Scene(below));
                }
            }
        }
        self.relays[relay].parent = below.map(|above| (above, self.relays[above].signer.key()));
        let crashes = self.facts.counts.relay_crashes;
        self.relay_dies(relay);
        self.facts.counts.relay_crashes = crashes;
    }
}

/// Is it needed to let somebody in?
fn brings(object: &Object) -> bool {
    match object.name().place().rest {
        Rest::KeyPackage { .. } | Rest::Welcome { .. } | Rest::Blob { .. } | Rest::Use(_) => true,
        Rest::Slot(_) => Claim::parse(object.data().unwrap_or_default())
            .is_ok_and(|claim| !claim.welcomed.is_empty()),
        Rest::Message { .. } | Rest::Certificate { .. } | Rest::Code(_) => false,
    }
}

const FIRST_CHILD: usize = 1;
