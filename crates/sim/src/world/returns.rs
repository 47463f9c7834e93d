//! People who are added without being asked, and people who come back after their removal.

use mls_core::{AddUserError, NotDone, TeamStanding};
use objects::{Key, TeamLink};

use super::steps::Beside;
use super::{Act, Decision, Event, World};
use crate::device::Device;

impl World {
    /// Another team, of people who have left key packages for any team.
    pub(crate) fn found_other(&mut self) {
        let other =
            self.step(0, Beside::default(), |endpoint, now| endpoint.create_team(now, "Other"));
        self.other = other.and_then(Result::ok);
        let first = self.devices.len();
        for number in 0..self.scenes.guests {
            let device = self.arrive(&format!("Guest {number}"));
            let link = TeamLink { team: self.other.expect("a team"), ..self.link() };
            let joining =
                self.step(device, Beside::default(), |endpoint, at| endpoint.join(at, &link));
            let joining = joining.and_then(Result::ok).expect("a newcomer");
            self.run_until(self.now.saturating_add(ON_ITS_WAY));
            self.step(0, Beside::default(), |endpoint, at| {
                endpoint.add_device(at, link.team, joining.hash)
            });
        }
        // Somebody whom its only team has sent away reads nothing of its organisation any more.
        let both: Vec<usize> = (1..self.profile.people)
            .filter(|device| !self.is_first_admin(*device) && self.chance.happens(500))
            .collect();
        let found = self.run_till(120_000, |world| {
            let mut all = (first..world.devices.len()).chain(both.iter().copied());
            all.all(|device| world.has_pool(device)) && world.settled()
        });
        for device in &both {
            let user = self.devices[*device].user.expect("a person");
            let team = self.other.expect("a team");
            self.step(0, Beside::default(), |endpoint, now| endpoint.add_user(now, team, user));
        }
        let found = found
            && self.run_till(120_000, |world| {
                both.iter().all(|device| world.is_in_other(*device)) && world.settled()
            });
        if !found {
            self.facts.violate("nobody has left key packages without any fault".to_owned());
        }
        // Sometimes there are more of them than the reserve.
        let longer = if self.chance.happens(500) { ON_ITS_WAY } else { FILLED };
        self.run_until(self.now.saturating_add(longer));
    }

    fn is_in_other(&self, device: usize) -> bool {
        let endpoint = self.devices[device].endpoint.as_ref();
        let teams = endpoint.and_then(|endpoint| endpoint.teams().ok());
        teams.into_iter().flatten().any(|team| Some(team.id) == self.other)
    }

    fn has_pool(&self, device: usize) -> bool {
        self.facts.pool.values().any(|(of, _)| *of == device)
    }

    /// Draws who is added unasked and who comes back, and when, until `end`.
    pub(crate) fn plan_returns(&mut self, end: u64) {
        if self.scenes.returns == 0 {
            return;
        }
        let guest = |device: &Device| device.name.starts_with("Guest");
        let guests = self.devices.iter().enumerate().filter(|(_, device)| guest(device));
        let guests: Vec<usize> = guests.map(|(index, _)| index).collect();
        for device in guests {
            let at = self.chance.between(self.now, end);
            // Several who want the same person at once.
            for _ in 0..=self.chance.index(3) {
                let by = self.some_admin();
                let at = at.saturating_add(self.chance.below(AT_ONCE));
                self.at(at, Event::Act(Act::Seek { by, device }));
            }
        }
        let middle = self.now.midpoint(end);
        let mut people: Vec<usize> = (1..self.profile.people).collect();
        people.retain(|device| !self.is_first_admin(*device));
        for _ in 0..self.scenes.returns.min(people.len()) {
            let device = people.swap_remove(self.chance.index(people.len()));
            let at = self.chance.between(self.now, middle);
            let by = self.some_admin();
            self.at(at, Event::Act(Act::Decide { by, what: Decision::Remove { device } }));
            let at = at.saturating_add(self.chance.between(1_000, end.saturating_sub(at)));
            let (by, asked) = (self.some_admin(), self.chance.happens(500));
            self.at(at, Event::Act(Act::Return { by, device, asked }));
            for number in 0..MEANWHILE {
                let at = at.saturating_sub(self.chance.below(15_000));
                let text = format!("{number} while {device} may be out ");
                self.at(at, Event::Act(Act::Say { device: 0, text }));
            }
        }
    }

    /// An admin adds somebody by the key packages that it has left.
    pub(crate) fn seek(&mut self, by: usize, device: usize) {
        let (Some(team), Some(user)) = (self.team, self.devices[device].user) else {
            return;
        };
        let by = if self.devices[by].gone { 0 } else { by };
        if self.devices[device].gone {
            return;
        }
        // To wish once more what is wished is one wish. It may come true at once.
        let new = self.facts.sought.insert((by, device));
        let done =
            self.step(by, Beside::default(), |endpoint, at| endpoint.add_user(at, team, user));
        if new && !matches!(done, Some(Ok(()))) {
            self.facts.sought.remove(&(by, device));
        }
        match done {
            Some(Ok(())) => {
                self.facts.counts.sought += 1;
                self.facts.unasked.insert(device);
            }
            Some(Err(AddUserError::NotAdmin)) => self.again(Act::Seek { by: 0, device }),
            Some(Err(_)) | None => self.again(Act::Seek { by, device }),
        }
    }

    /// An admin is told what has become of such a wish.
    pub(crate) fn sought(&mut self, by: usize, user: Key, result: Result<(), NotDone>) {
        let Some(device) = self.devices.iter().position(|device| device.user == Some(user)) else {
            return;
        };
        if self.devices[by].gone {
            // The root was asked instead.
            return;
        }
        if !self.facts.sought.remove(&(by, device)) {
            let what = format!("device {by} is told of device {device}, whom it did not seek");
            return self.facts.violate(what);
        }
        match result {
            Ok(()) => {}
            // It looked for them while the way was cut.
            Err(NotDone::NoKeyPackage) => self.again(Act::Seek { by, device }),
            Err(_) => self.again(Act::Seek { by: 0, device }),
        }
    }

    /// The root is asked for what an admin who has to go has not done.
    pub(crate) fn take_over_sought(&mut self, from: usize) {
        let open: Vec<(usize, usize)> = self.facts.sought.iter().copied().collect();
        for (by, device) in open.into_iter().filter(|(by, _)| *by == from) {
            self.facts.sought.remove(&(by, device));
            self.again(Act::Seek { by: 0, device });
        }
    }

    /// Somebody who was removed is in the team again: asked, by joining anew, or unasked.
    pub(crate) fn comes_back(&mut self, by: usize, device: usize, asked: bool) {
        let (Some(team), Some(number)) = (self.team, self.facts.numbers.get(&device).copied())
        else {
            return;
        };
        let by = if self.devices[by].gone { 0 } else { by };
        let again = Act::Return { by, device, asked };
        if !self.facts.removed.contains_key(&number) {
            // Whoever was to remove it may not have done it.
            self.act(Act::Decide { by: 0, what: Decision::Remove { device } });
            return self.again(again);
        }
        // Whoever adds it knows that it is out.
        let endpoint = self.devices[by].endpoint.as_ref();
        let devices = endpoint.and_then(|endpoint| endpoint.devices(team).ok());
        if devices.is_none_or(|all| all.is_empty() || all.iter().any(|it| it.number == number)) {
            return self.again(Act::Return { by: 0, device, asked });
        }
        if !asked && self.is_in_other(device) {
            self.devices[device].gone = false;
            self.facts.returning.insert(device);
            return self.seek(by, device);
        }
        let endpoint = self.devices[device].endpoint.as_ref();
        let status = endpoint.and_then(|endpoint| endpoint.team_status(team).ok().flatten());
        if status.is_none_or(|status| status.standing != TeamStanding::Removed) {
            return self.again(again);
        }
        self.devices[device].gone = false;
        self.facts.returning.insert(device);
        let mut link = self.link();
        if let Some(relay) = self.devices[device].endpoint.as_ref().and_then(|it| it.relay()) {
            link.relay = relay;
        }
        self.act(Act::Join { device, link });
    }

    /// The number by which a device is in the team now.
    pub(crate) fn note_number(&mut self, device: usize) {
        let endpoint = self.devices[device].endpoint.as_ref();
        let devices = self.team.and_then(|team| endpoint?.devices(team).ok());
        if let Some(own) = devices.into_iter().flatten().find(|view| view.own) {
            self.facts.numbers.insert(device, own.number);
        }
    }
}

/// In ms.
const ON_ITS_WAY: u64 = 5_000;
const FILLED: u64 = 250_000;
const AT_ONCE: u64 = 3_000;
const MEANWHILE: usize = 6;
