//! Steps of a device: a change of memory, one transaction, and only then what leaves.

use std::collections::VecDeque;

use mls_core::{Endpoint, Input, NotAdded, Opened, Output, Table};
use names::{Name, TeamId};
use objects::Millis;

use super::{Act, Event, World};
use crate::broken::{Broken, Shell};
use crate::device::{Ask, gist, outputs};

/// How a step ends.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Fate {
    Lives,
    /// The process ends before the commit: nothing of it has happened.
    Nothing,
    /// The disk is full: nothing of it has happened, and everything is loaded again.
    Full,
    /// The process ends after the commit, when so many outputs have left.
    EndsAfter(usize),
}

/// What a step does to a device besides its rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// An object of the cache was taken.
    pub(crate) taken: Option<TeamId>,
}

impl World {
    pub(crate) fn give(&mut self, device: usize, input: Input) -> bool {
        self.step(device, Beside::default(), |endpoint, now| endpoint.handle(now, input)).is_some()
    }

    /// One step, if the process runs: `None` if it did not, or if nothing was committed.
    pub(crate) fn step<T, E: std::fmt::Debug>(
        &mut self,
        index: usize,
        beside: Beside,
        act: impl FnOnce(&mut Endpoint, Millis) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let now = Millis(self.devices[index].clock(self.now));
        let mut endpoint = self.devices[index].endpoint.take()?;
        let result = act(&mut endpoint, now);
        let changes = endpoint.changes();
        let said = outputs(&mut endpoint);
        let fate = self.fate(said.len());
        let shell = if let Some(Broken::Shell(shell)) = self.broken { Some(shell) } else { None };
        if fate == Fate::Nothing {
            match shell {
                Some(Shell::LeavesBeforeCommit) => self.leave(index, said),
                Some(Shell::ShowsBeforeCommit) => {
                    for output in &said {
                        self.note(index, output);
                    }
                }
                Some(Shell::TakesBeforeCommit) => self.take(index, beside),
                Some(Shell::OrdersByClock) | None => {}
            }
            self.facts.counts.crashes += 1;
            self.die(index);
            return None;
        }
        if fate == Fate::Full {
            self.full(index);
            return None;
        }
        for change in &changes {
            let value: &[u8] = change.value.as_ref().map_or(&[], |value| value);
            let value = if change.table == Table::Mls { &gist(value) } else { value };
            self.facts.hash(&[&[change.table.code()], &change.key, value]);
        }
        let device = &mut self.devices[index];
        device.commit(changes);
        // Whoever cannot follow its own commit has to see it as the others do.
        let fate = if device.forgets_lie() { Fate::EndsAfter(0) } else { fate };
        device.sleeps(self.now, endpoint.wake_at());
        device.endpoint = Some(endpoint);
        self.take(index, beside);
        for output in &said {
            self.note(index, output);
        }
        let leaving = if let Fate::EndsAfter(count) = fate { count } else { said.len() };
        self.leave(index, said.into_iter().take(leaving).collect());
        if matches!(fate, Fate::EndsAfter(_)) {
            self.facts.counts.crashes += 1;
            self.die(index);
        }
        Some(result)
    }

    /// Goes on in the cache.
    fn take(&mut self, index: usize, beside: Beside) {
        let device = &mut self.devices[index];
        if let Some(team) = beside.taken {
            let id = device.net.cache.id;
            let cursor = device.vault.cursors.entry(team).or_insert((id, 0));
            cursor.1 = if cursor.0 == id { cursor.1.saturating_add(1) } else { 1 };
            cursor.0 = id;
        }
    }

    fn fate(&mut self, outputs: usize) -> Fate {
        if !self.rough {
            return Fate::Lives;
        }
        // Nothing is drawn in a world without this scene: it stays as it would be without.
        if self.scenes.full > 0 && self.chance.happens(self.scenes.full) {
            return Fate::Full;
        }
        if !self.chance.happens(self.profile.crashes) {
            return Fate::Lives;
        }
        match self.chance.below(3) {
            0 => Fate::Nothing,
            1 => Fate::EndsAfter(0),
            _ => Fate::EndsAfter(self.chance.index(outputs.saturating_add(1))),
        }
    }

    /// A step could not be stored: what is in memory is dropped and loaded again from the vault,
    /// and `net-proc` forgets what it was told, and is told it anew.
    fn full(&mut self, index: usize) {
        self.facts.counts.full += 1;
        if self.facts.trace {
            eprintln!("{} device {index}: its disk is full", self.now);
        }
        self.devices[index].net.relay = None;
        self.devices[index].net.wanted.clear();
        self.devices[index].net.paths.clear();
        self.unlink(index);
        let device = &mut self.devices[index];
        let mut endpoint = match device.load() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let name = device.name.clone();
                return self.facts.violate(format!("{name} cannot be loaded: {error}"));
            }
        };
        let said = outputs(&mut endpoint);
        device.sleeps(self.now, endpoint.wake_at());
        device.endpoint = Some(endpoint);
        self.leave(index, said);
    }

    /// The process is gone, with everything in its memory.
    pub(crate) fn die(&mut self, index: usize) {
        self.devices[index].endpoint = None;
        self.devices[index].net.relay = None;
        self.devices[index].net.wanted.clear();
        self.devices[index].net.paths.clear();
        self.unlink(index);
        let pause = if self.chance.happens(100) {
            self.chance.between(5_000, 90_000)
        } else {
            self.chance.between(1, 1_500)
        };
        self.after(pause, Event::Restart { device: index });
    }

    pub(crate) fn restart(&mut self, index: usize) {
        if self.devices[index].endpoint.is_some() {
            return;
        }
        let device = &mut self.devices[index];
        let mut endpoint = match device.load() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let name = device.name.clone();
                return self.facts.violate(format!("{name} cannot be loaded: {error}"));
            }
        };
        let said = outputs(&mut endpoint);
        device.commit(endpoint.changes());
        device.sleeps(self.now, endpoint.wake_at());
        device.endpoint = Some(endpoint);
        for output in &said {
            self.note(index, output);
        }
        self.leave(index, said);
    }

    /// What belongs to the transaction of a step: history, and what the judge hears.
    fn note(&mut self, index: usize, output: &Output) {
        match output {
            Output::Message(opened) => self.show(index, opened),
            Output::Missing { name, missing_before } => {
                if let Some(opened) = self.devices[index].vault.history.get_mut(name) {
                    opened.missing_before = *missing_before;
                }
            }
            Output::Notice(notice) => {
                if self.facts.trace {
                    eprintln!("{} device {index}: {notice:?}", self.now);
                }
                self.facts.noticed(index, *notice);
            }
            Output::Failed { name, .. } => self.facts.failed(index, *name),
            Output::Joined { team } if Some(*team) == self.team => {
                self.facts.joined(index, self.now);
                self.note_number(index);
            }
            Output::Joined { .. } => {}
            Output::Added { team, .. } if Some(*team) != self.team => {}
            Output::Renamed { from, to } => self.rename(index, *from, *to),
            Output::Added { hash, result, .. } => {
                if let (Ok(number), Some(device)) = (result, self.facts.invited.get(hash)) {
                    self.facts.numbers.insert(*device, *number);
                }
                self.facts.added(index, *hash, result.is_ok());
                if *result == Err(NotAdded::NoSuchAnnouncement) {
                    // The announcement is on its way up; its hash is given in again.
                    let pause = self.chance.between(1_000, 5_000);
                    self.after(pause, Event::Act(Act::Add { by: index, hash: *hash }));
                }
                if *result == Err(NotAdded::NotAdmin) && index > 0 {
                    self.after(1_000, Event::Act(Act::Add { by: 0, hash: *hash }));
                }
            }
            Output::Watermark(mark) => self.facts.marked(index, *mark),
            Output::Wished { team, .. } if Some(*team) != self.team => {}
            Output::Wished { wish, result, .. } => self.wished(index, *wish, *result),
            Output::UseRelay(_)
            | Output::SubscribePath { .. }
            | Output::Subscribe { .. }
            | Output::Unsubscribe { .. }
            | Output::Prove { .. }
            | Output::Publish { .. }
            | Output::Claim { .. }
            | Output::Get { .. }
            | Output::Recall { .. }
            | Output::TeamsChanged => {}
        }
    }

    /// An own message that waits has another name now.
    fn rename(&mut self, index: usize, from: Name, to: Name) {
        if let Some(mut opened) = self.devices[index].vault.history.remove(&from) {
            self.facts.renamed(&opened, to);
            opened.name = to;
            let history = &mut self.devices[index].vault.history;
            for own in history.values_mut().filter(|opened| opened.own) {
                for name in own.after.iter_mut().chain(&mut own.thread) {
                    if *name == from {
                        *name = to;
                    }
                }
            }
            history.insert(to, opened);
        }
        if let Some(seen) = self.facts.seen.remove(&(index, from)) {
            self.facts.seen.insert((index, to), seen);
        }
    }

    /// A message for the history; one that is there already is replaced.
    pub(crate) fn show(&mut self, index: usize, opened: &Opened) {
        self.facts.shown(index, opened);
        self.devices[index].vault.history.insert(opened.name, opened.clone());
    }

    /// What leaves the process.
    fn leave(&mut self, index: usize, said: VecDeque<Output>) {
        for output in said {
            match output {
                Output::UseRelay(relay) => {
                    let key = relay.key;
                    let before = self.devices[index].net.relay.replace(relay);
                    if before.is_some_and(|before| before.key != key) {
                        self.unlink(index);
                    }
                    self.reconnect(index, 0);
                }
                Output::Subscribe { team } => {
                    self.devices[index].net.wanted.insert(team);
                    self.subscribe(index, team);
                }
                Output::Unsubscribe { team } => self.unsubscribe(index, team),
                Output::SubscribePath { team, path } => {
                    self.devices[index].net.paths.insert((team, path));
                    self.subscribe_path(index, team, path);
                }
                Output::Prove { exporter, proof } => self.prove(index, exporter, proof),
                Output::Publish { id, object } => {
                    self.facts.leaves(index, &object, &self.sealings);
                    self.ask(index, Ask::Answer(id), |seq| objects::wire::ToRelay::Publish {
                        seq,
                        object,
                    });
                }
                Output::Claim { id, object } => {
                    self.facts.leaves(index, &object, &self.sealings);
                    self.ask(index, Ask::Answer(id), |seq| objects::wire::ToRelay::Claim {
                        seq,
                        object,
                    });
                }
                Output::Get { id, name } => {
                    self.ask(index, Ask::Found(id), |seq| objects::wire::ToRelay::Get {
                        seq,
                        name,
                    });
                }
                Output::Recall { name, .. } => {
                    let opened = self.devices[index].vault.history.get(&name).cloned();
                    self.step(index, Beside::default(), |endpoint, now| {
                        endpoint.recalled(now, name, opened)
                    });
                }
                Output::Message(_)
                | Output::Missing { .. }
                | Output::Failed { .. }
                | Output::Renamed { .. }
                | Output::Watermark(_)
                | Output::TeamsChanged
                | Output::Wished { .. }
                | Output::Joined { .. }
                | Output::Added { .. }
                | Output::Notice(_) => {}
            }
        }
    }
}
