//! Old copies of vaults: put back, or speaking beside the real one.

use mls_core::{Endpoint, Input, Output, Plaintext};
use names::Rest;
use objects::{Millis, Object};

use super::{Act, Event, World};
use crate::chance::Chance;
use crate::device::{entropy, load, outputs};

impl World {
    /// The old copy of a vault is all that is left.
    pub(crate) fn put_back(&mut self, device: usize) {
        let Some(vault) = self.devices[device].backup.take() else {
            return;
        };
        self.die(device);
        self.facts.put_back(device, &vault);
        self.devices[device].vault = vault;
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
                        let shelf = self.relays[0].relay.as_mut()?.shelf_mut();
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
