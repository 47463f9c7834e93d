//! Old copies of vaults: put back, or speaking beside the real one.

use mls_core::{Endpoint, Input, Output, Plaintext, Table};
use names::{Name, Rest};
use objects::{Hash, Millis, Object};

use super::{Act, Event, Fault, World};
use crate::chance::Chance;
use crate::device::{entropy, load, outputs};

impl World {
    /// Draws which vaults are copied and put back, from now until `end`: sometimes twice.
    pub(crate) fn plan_restores(&mut self, count: u64, end: u64) {
        // Where everybody has forgotten something, nobody is left to add the others again: the last
        // of the people keeps its vault. Nor can a team pass over a slot where too many are behind.
        let people = self.profile.people;
        let mut victims: Vec<usize> = (0..self.devices.len()).collect();
        victims.retain(|device| *device != people.saturating_sub(1));
        victims.retain(|device| !self.is_first_admin(*device));
        let decides = self.scenes.admins > 0 || self.scenes.decisions > 0;
        if self.profile.removals > 0 || self.profile.newcomers > 0 || decides {
            // Nobody would remember that somebody had to go, or where a welcome is.
            victims.retain(|device| *device != 0);
        }
        if self.profile.poisons > 0 {
            victims = vec![1];
        }
        for _ in 0..count {
            let device = self.chance.pick(&victims).unwrap_or(1);
            let at = self.chance.between(self.now, end);
            self.at(at, Event::Fault(Fault::Backup { device }));
            for _ in 0..self.chance.between(1, 2) {
                let later = self.chance.between(at, end);
                self.at(later, Event::Fault(Fault::Restore { device }));
            }
        }
    }

    /// A copy of a vault is put aside.
    pub(crate) fn back_up(&mut self, device: usize) {
        let copy = self.devices[device].vault.clone();
        self.devices[device].backups.push(copy);
    }

    /// An old copy of a vault is all that is left, on a machine that knows nothing else. What was
    /// on its way from the old machine is lost with it.
    pub(crate) fn put_back(&mut self, device: usize) {
        let index = self.chance.index(self.devices[device].backups.len());
        let Some(vault) = self.devices[device].backups.get(index).cloned() else {
            return;
        };
        // Nobody is asked to add an announcement that was given up for another.
        let given_up = vault.joining.is_some_and(|old| self.facts.forgotten.contains(&old));
        if self.devices[device].gone || given_up {
            return;
        }
        let way = self.devices[device].net.link;
        self.die(device);
        if let Some(link) = way.and_then(|link| self.links.all.get_mut(&link)) {
            link.doomed = true;
        }
        for relay in 0..self.relays.len() {
            if self.relays[relay].unsettled {
                self.settle(relay);
            }
        }
        self.facts.put_back(device, &vault);
        self.forget_unheard(device);
        self.facts.note_sent(device);
        self.devices[device].vault = vault;
        self.joins_anew(device);
        self.give_link_again(device);
        if device == 0 {
            // The admin is asked again to add whoever waits.
            let waiting = self.facts.invited.iter();
            let waiting = waiting.filter(|(_, of)| !self.facts.joined.contains_key(*of));
            let waiting: Vec<Hash> = waiting.map(|(hash, _)| *hash).collect();
            for hash in waiting {
                self.after(30_000, Event::Act(Act::Add { by: 0, hash }));
            }
        }
    }

    /// What left an old machine and came to no relay was never there: its name and its key may be
    /// used by who knows nothing of it.
    fn forget_unheard(&mut self, device: usize) {
        let left = self.facts.left.iter().filter(|(_, (_, of))| *of == device);
        let left: Vec<(Name, Hash)> = left.map(|(name, (hash, _))| (*name, *hash)).collect();
        for (name, hash) in left {
            let stored = self.relays.iter_mut().any(|relay| relay.has(name, &hash));
            if !stored {
                self.facts.unheard(name, hash);
            }
        }
    }

    /// A newcomer whose vault knows nothing of its announcement announces itself again.
    fn joins_anew(&mut self, device: usize) {
        let knows = self.devices[device].vault.rows.keys().any(|(table, _)| *table == TEAM);
        let old = self.facts.invited.iter().find(|(_, of)| **of == device);
        let Some(old) = old.map(|(hash, _)| *hash).filter(|_| !knows) else {
            return;
        };
        self.facts.invited.remove(&old);
        self.facts.joined.remove(&device);
        self.facts.forgotten.insert(old);
        let link = self.link();
        self.at(self.now, Event::Act(Act::Join { device, link }));
    }

    /// A copy of a vault writes an entry that the real device writes as well, and hands it to
    /// everybody else past the relays. Nobody believes that device afterwards.
    pub(crate) fn twin(&mut self, device: usize) {
        let Some(team) = self.team else {
            return;
        };
        if self.devices[device].gone || self.devices[device].endpoint.is_none() {
            return;
        }
        let mut chance: Chance = self.chance.fork(7);
        let entropy = entropy(&mut chance, &Default::default(), &Default::default());
        let Ok(mut twin) = load(&self.devices[device].vault, entropy) else {
            return;
        };
        let Some(objects) = self.speaks(&mut twin, device) else {
            return;
        };
        self.facts.counts.twins += 1;
        self.devices[device].gone = true;
        for object in objects {
            self.facts.twins.insert(object.name(), (object.entry_hash(), device));
            for other in 0..self.devices.len() {
                if other != device {
                    let delay = self.chance.between(1, 20_000);
                    let object = Box::new(object.clone());
                    self.after(delay, Event::Inject { device: other, object });
                }
            }
        }
        let channel = self.first_channel(device);
        let now = self.now;
        let said = self.step(device, super::steps::Beside::default(), |endpoint, at| {
            let text = Plaintext::from("what the real device says");
            endpoint.send(at, team, channel, text, None, Vec::new())
        });
        if let Some(Ok(opened)) = said {
            self.facts.say(device, &opened, now);
            self.show(device, &opened);
        }
        self.at(now, Event::Act(Act::Refresh { device: 0 }));
    }

    fn first_channel(&self, device: usize) -> names::Channel {
        let endpoint = self.devices[device].endpoint.as_ref();
        let channels = self.team.and_then(|team| endpoint?.channels(team).ok());
        let first = channels.and_then(|channels| Some(channels.first()?.id));
        first.unwrap_or(names::Channel::MANAGE)
    }

    /// What the copy writes, once it believes that everything is as it should be.
    fn speaks(&mut self, twin: &mut Endpoint, device: usize) -> Option<Vec<Object>> {
        let team = self.team?;
        let now = Millis(self.devices[device].clock(self.now));
        let relay = twin.relay()?.key;
        let channel = self.first_channel(device);
        outputs(twin);
        twin.handle(now, Input::Linked { relay, exporter: [7; 32], now }).ok()?;
        twin.handle(now, Input::CaughtUp { team }).ok()?;
        let text = Plaintext::from("what the copy says");
        twin.send(now, team, channel, text, None, Vec::new()).ok()?;
        let mut entries = Vec::new();
        for _ in 0..20 {
            for output in outputs(twin) {
                match output {
                    Output::Get { id, name } => {
                        let shelf = self.relays[self.origin].relay.as_mut()?.shelf_mut();
                        let kept = relay_core::Shelf::get(shelf, name).ok()?;
                        let (object, receipt) =
                            kept.map(|kept| (kept.object, kept.receipt)).unzip();
                        twin.handle(now, Input::Found { id, object, receipt }).ok()?;
                    }
                    Output::Publish { object, .. }
                        if matches!(object.name().place().rest, Rest::Message { .. })
                            && !self.facts.left.contains_key(&object.name()) =>
                    {
                        entries.push(object);
                    }
                    _ => {}
                }
            }
        }
        (!entries.is_empty()).then_some(entries)
    }
}

const TEAM: u8 = Table::Team as u8;
