//! What admins decide: roles, policies, and who has to go.

use mls_core::{NotDone, Policy, RemoveError, SetPolicyError, SetRoleError, Wish};
use objects::{Hash, Key};

use super::steps::Beside;
use super::{Act, Event, World};

/// A decision.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    /// Somebody is an admin, or none.
    Role { device: usize, admin: bool },
    /// The team has another policy, in days.
    Policy { days: u64 },
    /// A device is out of the team.
    Remove { device: usize },
    /// A person is, with all devices.
    RemoveUser { device: usize },
}

impl World {
    /// Is it one of the admins that the team begins with? They are the last of the people.
    pub(crate) fn is_first_admin(&self, device: usize) -> bool {
        let people = self.profile.people;
        (people.saturating_sub(self.scenes.admins)..people).contains(&device)
    }

    /// The member tool, or one of them.
    pub(crate) fn some_admin(&mut self) -> usize {
        if self.scenes.admins == 0 {
            return 0;
        }
        match self.chance.index(self.scenes.admins.saturating_add(1)) {
            0 => 0,
            other => self.profile.people.saturating_sub(other),
        }
    }

    /// Names the admins that the team begins with.
    pub(crate) fn name_admins(&mut self) {
        for device in 1..self.profile.people {
            if self.is_first_admin(device) {
                self.act(Act::Decide { by: 0, what: Decision::Role { device, admin: true } });
            }
        }
        if !self.run_till(120_000, Self::settled) {
            self.facts.violate("nobody became an admin without any fault".to_owned());
        }
    }

    /// Draws what admins decide until `end`.
    pub(crate) fn plan_decisions(&mut self, end: u64) {
        // One of the people keeps its vault, and stays.
        let most = self.profile.people - if self.profile.restores > 0 { 2 } else { 1 };
        for _ in 0..self.scenes.decisions {
            let by = self.some_admin();
            let device = usize::try_from(self.chance.between(1, most as u64)).unwrap_or(1);
            let what = match self.chance.below(8) {
                0..=2 => Decision::Role { device, admin: self.chance.happens(600) },
                3..=4 => Decision::Policy { days: self.chance.between(5, 40) },
                5..=6 => Decision::Remove { device },
                _ => Decision::RemoveUser { device },
            };
            let at = self.chance.between(self.now, end);
            self.at(at, Event::Act(Act::Decide { by, what }));
        }
    }

    pub(crate) fn decide(&mut self, by: usize, what: Decision) {
        let by = if self.devices[by].gone { 0 } else { by };
        match what {
            Decision::Role { device, admin } => self.set_role(device, admin),
            Decision::Policy { days } => self.set_policy(by, days),
            Decision::Remove { device } => self.remove(by, device, None),
            Decision::RemoveUser { device } => {
                let endpoint = self.devices[device].endpoint.as_ref();
                match endpoint.and_then(|endpoint| endpoint.whoami().ok()) {
                    Some(who) => self.remove(by, device, Some(who.user_key)),
                    None => self.again(Act::Decide { by, what }),
                }
            }
        }
    }

    /// Only the root says who is an admin.
    fn set_role(&mut self, device: usize, admin: bool) {
        let number = self.facts.numbers.get(&device).copied();
        let (Some(team), Some(number)) = (self.team, number) else {
            return;
        };
        if self.devices[device].gone {
            return;
        }
        // The root waits for what it said of this device before.
        if !self.facts.undecided.insert(number) {
            return self.again(Act::Decide { by: 0, what: Decision::Role { device, admin } });
        }
        let done = self
            .step(0, Beside::default(), |endpoint, at| endpoint.set_role(at, team, number, admin));
        match done {
            Some(Ok(())) => {
                self.facts.counts.roles += 1;
                self.facts.roles.insert(number, admin);
                if admin {
                    self.facts.admins.insert(device);
                }
            }
            Some(Err(SetRoleError::NoSuchDevice)) => {
                self.facts.undecided.remove(&number);
            }
            Some(Err(_)) | None => {
                self.facts.undecided.remove(&number);
                self.again(Act::Decide { by: 0, what: Decision::Role { device, admin } });
            }
        }
    }

    fn set_policy(&mut self, by: usize, days: u64) {
        let Some(team) = self.team else {
            return;
        };
        let time = days * DAY;
        let policy = Policy { max_offline_send: time, refresh_every: time };
        let done =
            self.step(by, Beside::default(), |endpoint, at| endpoint.set_policy(at, team, policy));
        match done {
            Some(Ok(())) => {
                self.facts.counts.policies += 1;
                self.facts.policies.push(policy);
            }
            // It is none any more.
            Some(Err(SetPolicyError::NotAdmin)) if by > 0 => {}
            Some(Err(_)) | None => {
                self.again(Act::Decide { by, what: Decision::Policy { days } });
            }
        }
    }

    /// Somebody has to go: what its vault holds now is kept, to be held against the team later.
    fn remove(&mut self, by: usize, device: usize, user: Option<Key>) {
        let number = self.facts.numbers.get(&device).copied();
        let (Some(team), Some(number)) = (self.team, number) else {
            return;
        };
        let leaving = self.facts.removed.contains_key(&number);
        // By its key it would have to go again, although nobody wished that.
        let coming = self.facts.returning.contains(&device);
        if by == device || coming || (self.devices[device].gone && !leaving) {
            return;
        }
        let vault = self.devices[device].vault.clone();
        let done = self.step(by, Beside::default(), |endpoint, at| match user {
            Some(user) => endpoint.remove_user(at, team, user),
            None => endpoint.remove_device(at, team, number),
        });
        match done {
            Some(Ok(())) if leaving => {}
            Some(Ok(())) => {
                self.devices[device].gone = true;
                self.facts.counts.removals += 1;
                let removed = crate::facts::Removed { device, vault, by };
                self.facts.removed.insert(number, removed);
                self.take_over(device);
            }
            Some(Err(RemoveError::NoSuchDevice)) if leaving => {}
            // Only the root removes admins, and an admin may be none any more.
            Some(Err(RemoveError::Protected | RemoveError::NotAdmin)) if by > 0 => {}
            // It may not be in the team yet.
            Some(Err(_)) | None => {
                self.again(Act::Decide { by, what: Decision::Remove { device } });
            }
        }
    }

    /// The root is asked for what an admin who has to go has not done.
    fn take_over(&mut self, from: usize) {
        if !self.facts.admins.contains(&from) {
            return;
        }
        let removed = self.facts.removed.iter().filter(|(_, removed)| removed.by == from);
        let removed: Vec<usize> = removed.map(|(_, removed)| removed.device).collect();
        self.take_over_sought(from);
        for device in removed {
            self.again(Act::Decide { by: 0, what: Decision::Remove { device } });
        }
        let waiting = self.facts.invited.keys().filter(|hash| !self.facts.told(hash));
        let waiting: Vec<Hash> = waiting.copied().collect();
        for hash in waiting {
            self.after(30_000, Event::Act(Act::Add { by: 0, hash }));
        }
    }

    /// A wish of an admin has come true, or never will.
    pub(crate) fn wished(&mut self, by: usize, wish: Wish, result: Result<(), NotDone>) {
        match (wish, result) {
            (Wish::Remove(_), Ok(())) => self.facts.counts.by_admins += u64::from(by > 0),
            (Wish::Remove(number), Err(why)) if why != NotDone::NoSuchDevice => {
                let Some(device) = self.facts.removed.get(&number).map(|it| it.device) else {
                    return;
                };
                if by == 0 {
                    let what = format!("the root cannot remove device {device}: {why}");
                    return self.facts.violate(what);
                }
                self.again(Act::Decide { by: 0, what: Decision::Remove { device } });
            }
            (Wish::Add(user), result) => self.sought(by, user, result),
            (Wish::Role(number, admin), result) => {
                self.facts.undecided.remove(&number);
                let mut all = self.facts.numbers.iter();
                let device = all.find(|(_, of)| **of == number).map(|(device, _)| *device);
                if let (Err(_), Some(device)) = (result, device) {
                    // It may be on its way back into the team.
                    self.again(Act::Decide { by: 0, what: Decision::Role { device, admin } });
                }
            }
            _ => {}
        }
    }
}

const DAY: u64 = 24 * 3_600_000;
