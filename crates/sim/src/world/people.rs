//! What people do.

use mls_core::{Endpoint, Plaintext, TeamStanding};
use names::{Channel, Name};
use objects::{Hash, TeamLink};

use super::admins::Decision;
use super::steps::Beside;
use super::{Event, World};
use crate::device::Device;
use crate::scenes::Origin;

/// Something that a person does; again a little later, when the process ended before it was
/// committed.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes a message.
    Say { device: usize, text: String },
    /// Renews its leaf.
    Refresh { device: usize },
    /// A newcomer announces itself.
    Join { device: usize, link: TeamLink },
    /// An admin adds it.
    Add { by: usize, hash: Hash },
    /// The member tool makes a channel.
    Channel { name: String },
    /// An admin decides something.
    Decide { by: usize, what: Decision },
    /// An admin adds somebody unasked.
    Seek { by: usize, device: usize },
    /// Somebody who has to go comes back.
    Return { by: usize, device: usize, asked: bool },
}

impl World {
    /// An organisation, its team, and everybody from the start in it.
    pub(crate) fn found(&mut self) {
        self.plant();
        let reference = self.relays[0].reference(0);
        self.arrive("Admin");
        let root =
            self.step(0, Beside::default(), |endpoint, _| endpoint.create_org("Acme", &reference));
        let org = root.and_then(Result::ok).expect("an organisation");
        let org = relay_core::Org { origin: org.origin, org: org.org, root: org.root };
        for index in 0..self.relays.len() {
            self.relays[index].orgs.push(org);
            self.relay_starts(index);
        }
        let team =
            self.step(0, Beside::default(), |endpoint, now| endpoint.create_team(now, "Team"));
        self.team = team.and_then(Result::ok);
        for number in 1..self.profile.people {
            self.arrive(&format!("Person {number}"));
            let link = self.link();
            self.act(Act::Join { device: number, link });
        }
        let done = self.run_till(120_000, |world| {
            world.devices.iter().skip(1).all(|device| world.knows_channel(device))
                && world.settled()
        });
        if !done {
            self.facts.violate("the team did not come together without any fault".to_owned());
        }
        if self.scenes.admins > 0 {
            self.name_admins();
        }
        if self.scenes.returns > 0 {
            self.found_other();
        }
    }

    fn knows_channel(&self, device: &Device) -> bool {
        self.team.is_some_and(|team| {
            let channels = device.endpoint.as_ref().map(|endpoint| endpoint.channels(team));
            channels.is_some_and(|channels| channels.is_ok_and(|channels| !channels.is_empty()))
        })
    }

    /// A new device, which knows nobody.
    pub(crate) fn arrive(&mut self, name: &str) -> usize {
        let chance = self.chance.fork(2);
        let mut device = Device::new(name, chance, self.sealings.clone(), self.broken);
        device.net.cache.id = self.chance.draw();
        device.skew = self.first_skew(super::clocks::MOST);
        let mut endpoint = device.endpoint.take().expect("just made");
        device.user = endpoint.whoami().ok().map(|who| who.user_key);
        device.commit(endpoint.changes());
        device.endpoint = Some(endpoint);
        self.devices.push(device);
        self.devices.len().saturating_sub(1)
    }

    /// The origin, and the relays below it.
    fn plant(&mut self) {
        for _ in 0..=self.profile.children {
            let (seed, id) = (self.chance.bytes(), self.chance.draw());
            let mut relay = crate::relays::RelayNode::new(id, &seed);
            relay.skew = self.first_skew(super::clocks::MOST_RELAY);
            relay.broken = self.broken;
            self.relays.push(relay);
        }
        let keys: Vec<_> = self.relays.iter().map(|relay| relay.signer.key()).collect();
        for (number, relay) in self.relays.iter_mut().enumerate() {
            // Any of them may come to stand above the others.
            relay.children.clone_from(&keys);
            relay.parent = (number > 0).then(|| (0, keys[0]));
        }
    }

    /// What a newcomer is given: the team, and a relay near it.
    pub(crate) fn link(&mut self) -> TeamLink {
        let near = self.home();
        let relay = self.relays[near].reference(near);
        let root = self.relays[0].orgs[0].root;
        TeamLink { team: self.team.expect("a team"), root, relay }
    }

    /// Where a newcomer is linked.
    fn home(&mut self) -> usize {
        if self.scenes.origin != Origin::Stays && self.devices.len() == 2 {
            // Somebody is at one that may have to take over.
            return 1;
        }
        let near = self.chance.index(self.relays.len());
        // A link that is given when a relay has gone leads to another one.
        if self.relays[near].dead { self.origin } else { near }
    }

    /// Tries again a little later.
    pub(crate) fn again(&mut self, act: Act) {
        let pause = self.chance.between(100, 3_000);
        self.after(pause, Event::Act(act));
    }

    pub(crate) fn act(&mut self, act: Act) {
        let Some(team) = self.team else {
            return;
        };
        match act.clone() {
            Act::Say { device, text } => {
                if self.devices[device].gone {
                    return;
                }
                let Some((channel, thread, after)) = self.compose(device) else {
                    return self.again(act);
                };
                let now = self.now;
                let body = Plaintext::new(text);
                let said = self.step(device, Beside::default(), |endpoint, at| {
                    endpoint.send(at, team, channel, body, thread, after)
                });
                match said {
                    Some(Ok(opened)) => {
                        self.facts.say(device, &opened, now);
                        self.show(device, &opened);
                    }
                    Some(Err(_)) | None => self.again(act),
                }
            }
            Act::Refresh { device } => {
                if self.devices[device].gone {
                    return;
                }
                let done =
                    self.step(device, Beside::default(), |endpoint, at| endpoint.refresh(at, team));
                match done {
                    Some(Ok(())) => {
                        let count = self.facts.refreshes.entry(device).or_default();
                        *count = count.saturating_add(1);
                    }
                    Some(Err(_)) | None => self.again(act),
                }
            }
            Act::Join { device, mut link } => {
                if self.is_dead(&link.relay) {
                    // It leads nowhere: whoever gave it gives another.
                    link.relay = self.relays[self.origin].reference(self.origin);
                }
                let joining =
                    self.step(device, Beside::default(), |endpoint, at| endpoint.join(at, &link));
                match joining {
                    Some(Ok(joining)) => {
                        self.facts.invited.insert(joining.hash, device);
                        self.devices[device].vault.joining = Some(joining.hash);
                        // The hash is read aloud when the announcement is out.
                        let pause = self.chance.between(500, 4_000);
                        let hash = joining.hash;
                        let by = self.some_admin();
                        self.after(pause, Event::Act(Act::Add { by, hash }));
                    }
                    Some(Err(_)) => self.facts.violate(format!("device {device} cannot join")),
                    None => self.again(act),
                }
            }
            Act::Add { by, hash } => {
                if self.facts.forgotten.contains(&hash) {
                    return;
                }
                let by = if self.devices[by].gone { 0 } else { by };
                let done = self.step(by, Beside::default(), |endpoint, at| {
                    endpoint.add_device(at, team, hash)
                });
                match done {
                    Some(Ok(())) => self.facts.asked(by, hash),
                    // It is no admin, or not any more.
                    Some(Err(_)) => self.again(Act::Add { by: 0, hash }),
                    None => self.again(act),
                }
            }
            Act::Decide { by, what } => self.decide(by, what),
            Act::Seek { by, device } => self.seek(by, device),
            Act::Return { by, device, asked } => self.comes_back(by, device, asked),
            Act::Channel { name } => {
                let done = self.step(0, Beside::default(), |endpoint, at| {
                    endpoint.create_channel(at, team, &name)
                });
                if done.is_none_or(|done| done.is_err()) {
                    self.again(act);
                }
            }
        }
    }

    /// Where somebody writes, in answer to what.
    fn compose(&mut self, device: usize) -> Option<(Channel, Option<Name>, Vec<Name>)> {
        let team = self.team?;
        let channels = self.devices[device].endpoint.as_ref()?.channels(team).ok()?;
        let channel = channels.get(self.chance.index(channels.len()))?.id;
        let history = &self.devices[device].vault.history;
        let here = history.values().filter(|opened| opened.channel == channel);
        let here: Vec<_> = here.filter(|opened| opened.unreadable.is_none()).collect();
        let roots: Vec<Name> = here
            .iter()
            .filter(|opened| opened.thread.is_none())
            .map(|opened| opened.name)
            .collect();
        let mut names: Vec<Name> = here.iter().map(|opened| opened.name).collect();
        let thread = if self.chance.happens(250) { self.chance.pick(&roots) } else { None };
        let mut after = Vec::new();
        for _ in 0..self.chance.index(4).min(names.len()) {
            let index = self.chance.index(names.len());
            after.push(names.swap_remove(index));
        }
        Some((channel, thread, after))
    }

    /// Nothing waits for a relay or for a slot, and nobody is behind, of those who take part.
    pub(crate) fn settled(&self) -> bool {
        self.devices
            .iter()
            .filter(|device| !device.gone)
            .all(|device| device.endpoint.as_ref().is_some_and(|it| self.is_settled(it)))
            && self.facts.invited.keys().all(|hash| self.facts.told(hash))
            && self.facts.all_came()
            && !self.queue.values().any(|event| matches!(event, Event::Act(_) | Event::Scene(_)))
    }

    fn is_settled(&self, endpoint: &Endpoint) -> bool {
        let status = self.team.and_then(|team| endpoint.team_status(team).ok().flatten());
        let behind = status.is_some_and(|status| {
            matches!(status.standing, TeamStanding::Stalled(_) | TeamStanding::Rejoining)
        });
        endpoint.is_settled() && !behind
    }
}
