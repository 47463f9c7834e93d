//! Insiders: members whose commits fail, for some or for everybody.

use std::sync::PoisonError;

use names::{Blob, Generation, Piece, Prefix, Rest, Slot};
use objects::wire::ToRelay;
use objects::{BlobRef, Claim, Draft, Hash, Label, Millis, Object, Part, Signer};

use super::{Act, Event, Fault, World};
use crate::crypto::{Malformed, Poison};

impl World {
    /// Draws who lies and when, from now until `end`. The member tool and the first admins do not:
    /// nobody could pass over what it claims, and what they wished would be lost.
    pub(crate) fn plan_poisons(&mut self, count: u64, end: u64) {
        for _ in 0..count {
            let device = self.chance.between(1, self.profile.people as u64 - 1);
            let device = usize::try_from(device).unwrap_or(1);
            // One whose vault is put back is the only one who lies then, or nobody might be left.
            let alone = self.profile.restores > 0 || self.is_first_admin(device);
            let device = if alone { 1 } else { device };
            let at = self.chance.between(self.now, end);
            let fault = if self.chance.happens(650) {
                Fault::Poison { device }
            } else {
                Fault::Forge { device }
            };
            self.at(at, Event::Fault(fault));
        }
    }

    /// The next commit of a member is spoilt, and it makes one soon.
    pub(crate) fn poison(&mut self, device: usize) {
        if self.devices[device].gone {
            return;
        }
        self.facts.counts.poisons += 1;
        self.facts.insiders.insert(device);
        let node = self.chance.index(3);
        let kind = match self.chance.below(15) {
            0 => Poison::All,
            1 => Poison::Ciphertext,
            2 => Poison::Tag,
            3..=5 => Poison::OneOf { after: self.chance.below(4) },
            6 => Poison::ForeignKey { after: self.chance.below(3) },
            7 => Poison::Malformed(Malformed::ParentHash),
            8 => Poison::Malformed(Malformed::NoPath),
            9 => Poison::Malformed(Malformed::FewerNodes),
            10 => Poison::Malformed(Malformed::MoreNodes),
            11 => Poison::Malformed(Malformed::FewerSecrets { node }),
            12 => Poison::Malformed(Malformed::MoreSecrets { node }),
            13 => Poison::Malformed(Malformed::Reference),
            _ => Poison::Malformed(Malformed::OwnRemoval),
        };
        if self.facts.trace {
            eprintln!("{} device {device} will lie: {kind:?}", self.now);
        }
        self.lie(device, kind);
        self.at(self.now, Event::Act(Act::Refresh { device }));
    }

    /// Nobody lies any more.
    pub(crate) fn all_are_honest(&mut self) {
        for device in 0..self.devices.len() {
            self.lie(device, Poison::Honest);
        }
    }

    fn lie(&mut self, device: usize, kind: Poison) {
        let key = self.own_seed(device, LEAF).unwrap_or_default();
        let insider = self.devices[device].insider.lock();
        insider.unwrap_or_else(PoisonError::into_inner).lie(kind, key);
    }

    /// A member claims the next slot with something that is no good commit, under its own name.
    pub(crate) fn forge(&mut self, device: usize) {
        if self.devices[device].gone {
            return;
        }
        let Some((pieces, claim)) = self.forged(device) else {
            return;
        };
        let net = &mut self.devices[device].net;
        let (Some(link), Some(_)) = (net.link, net.greeted) else {
            return;
        };
        self.facts.counts.poisons += 1;
        self.facts.insiders.insert(device);
        for object in pieces {
            let seq = self.devices[device].net.number();
            self.send_up(link, &ToRelay::Publish { seq, object });
        }
        let seq = self.devices[device].net.number();
        self.send_up(link, &ToRelay::Claim { seq, object: claim });
    }

    fn forged(&mut self, device: usize) -> Option<(Vec<Object>, Object)> {
        let team = self.team?;
        let number = *self.facts.numbers.get(&device)?;
        let signer = self.log_signer(device)?;
        let status = self.devices[device].endpoint.as_ref()?.team_status(team).ok()??;
        let shelf = self.relays[self.origin].relay.as_mut()?.shelf_mut();
        let last = relay_core::Shelf::last(shelf, Prefix::team_path(team, 4)).ok()??;
        let Rest::Slot(head) = last.object.name().place().rest else {
            return None;
        };
        let mut bytes = vec![0; 600];
        self.chance.fill(&mut bytes);
        let (mut epoch, mut known) = (status.epoch, bytes.clone());
        match self.chance.below(4) {
            // Garbage.
            0 => {}
            // A commit of long ago, as somebody else made it.
            1 => bytes = self.last_commit(&last.object)?,
            // Of another epoch.
            2 => epoch = epoch.saturating_sub(1),
            // Other pieces than the claim names: the origin never takes it.
            _ => known.push(0),
        }
        if bytes.len() > objects::MAX_DATA {
            bytes.truncate(objects::MAX_DATA);
        }
        if known.len() == 600 {
            known.clone_from(&bytes);
        }
        let blob = Blob::truncate(self.chance.draw());
        let name = team.name(Rest::Blob { device: number, blob, piece: Piece::ZERO });
        let piece = self.signed(&signer, name, Hash::NONE, &bytes)?;
        let commit = BlobRef {
            first: name,
            pieces: 1,
            len: u32::try_from(known.len()).ok()?,
            hash: Hash::of(Label::Blob, &known),
        };
        let claim = Claim {
            epoch,
            device: number,
            generation: Generation::ZERO,
            commit,
            welcome: None,
            tree: None,
            skips: None,
            certificates: Vec::new(),
            welcomed: Vec::new(),
        };
        let slot: Slot = head.next()?;
        let name = team.name(Rest::Slot(slot));
        let claim = self.signed(&signer, name, last.object.entry_hash(), &claim.bytes())?;
        Some((vec![piece], claim))
    }

    fn signed(
        &self,
        signer: &Signer,
        name: names::Name,
        previous: Hash,
        data: &[u8],
    ) -> Option<Object> {
        let draft = Draft {
            name,
            created: Millis(self.now),
            expires: Millis::NEVER,
            previous,
            part: Part::ONLY,
            data,
        };
        draft.sign(signer).ok()
    }

    /// The first piece of the commit of a claim that has its slot.
    fn last_commit(&mut self, claim: &Object) -> Option<Vec<u8>> {
        let claim = Claim::parse(claim.data()?).ok()?;
        let shelf = self.relays[self.origin].relay.as_mut()?.shelf_mut();
        let kept = relay_core::Shelf::get(shelf, claim.commit.first).ok()??;
        kept.object.data().map(<[u8]>::to_vec)
    }

    /// The key that signs the log of a device: an insider has its own vault.
    fn log_signer(&self, device: usize) -> Option<Signer> {
        self.own_seed(device, SEED).map(|seed| Signer::from_seed(&seed))
    }

    fn own_seed(&self, device: usize, field: &[u8]) -> Option<[u8; 32]> {
        let mut rows = self.devices[device].vault.rows.iter();
        let team = rows.find(|((table, _), _)| *table == mls_core::Table::Team as u8)?;
        let at = team.1.windows(field.len()).position(|window| window == field)?;
        // A byte string of 32 bytes in CBOR (RFC 8949 §3.1).
        let seed = team.1.get(at + field.len()..)?.strip_prefix(&[0x58, 32])?;
        seed.first_chunk().copied()
    }
}

/// The names of the fields before the keys.
const SEED: &[u8] = b"log_seed";
const LEAF: &[u8] = b"leaf_seed";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mls_core::{Notice, Skip};

    use super::*;

    /// What became of a commit of device 1 with this lie: who of the others passed over it, and who
    /// stopped; in the end all follow one history again.
    fn seen(lie: Poison) -> (usize, usize) {
        let mut world = World::new(0, None);
        world.profile.people = 5;
        world.scenes.admins = 0;
        world.found();
        assert!(world.run_till(120_000, World::settled));
        world.facts.notices.clear();
        world.lie(1, lie);
        world.act(Act::Refresh { device: 1 });
        assert!(world.run_till(600_000, World::settled), "{lie:?}");
        world.run_until(world.now + 60_000);
        assert_eq!(world.facts.violations, Vec::<String>::new());
        let team = world.team.expect("a team");
        let authenticators: BTreeSet<_> = (0..5)
            .map(|device| world.devices[device].endpoint.as_ref().expect("it runs"))
            .map(|endpoint| endpoint.authenticator(team).expect("no fault").expect("a member"))
            .collect();
        assert_eq!(authenticators.len(), 1, "{lie:?}");
        let back = |(who, notice): &(usize, Notice)| {
            *who == 1 && matches!(notice, Notice::Rejoined { .. })
        };
        assert!(world.facts.notices.iter().any(back), "{lie:?} was not told");
        let count = |what: fn(&Notice) -> bool| {
            let those = world.facts.notices.iter().filter(|(who, it)| *who != 1 && what(it));
            those.count()
        };
        let skip = |notice: &Notice| matches!(notice, Notice::Skipped { why: Skip::NotValid, .. });
        (count(skip), count(|notice| matches!(notice, Notice::Stalled { .. })))
    }

    /// `SIM-04`
    #[test]
    fn what_everybody_can_see_to_be_malformed_everybody_passes_over() {
        crate::prepare();
        for how in [
            Malformed::NoPath,
            Malformed::FewerNodes,
            Malformed::MoreNodes,
            Malformed::Reference,
            Malformed::OwnRemoval,
            Malformed::ParentHash,
        ] {
            assert_eq!(seen(Poison::Malformed(how)), (4, 0), "{how:?}");
        }
    }

    /// `SIM-04`
    #[test]
    fn what_some_cannot_follow_stops_them_alone_until_they_are_added_again() {
        crate::prepare();
        // Signature and confirmation tag are right: OpenMLS does not count the secrets.
        assert_eq!(seen(Poison::Malformed(Malformed::MoreSecrets { node: 1 })), (0, 0));
        for lie in [
            Poison::Malformed(Malformed::FewerSecrets { node: 0 }),
            Poison::ForeignKey { after: 0 },
        ] {
            let (skipped, stopped) = seen(lie);
            assert_eq!(skipped, 0, "{lie:?}");
            assert!((1..4).contains(&stopped), "{lie:?}: {stopped}");
        }
    }
}
