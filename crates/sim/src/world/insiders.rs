//! Insiders: members whose commits fail, for some or for everybody.

use std::sync::PoisonError;

use names::{Blob, Generation, Piece, Prefix, Rest, Slot};
use objects::wire::ToRelay;
use objects::{BlobRef, Claim, Draft, Hash, Label, Millis, Object, Part, Signer};

use super::{Act, Event, Fault, World};
use crate::crypto::Poison;

impl World {
    /// Draws who lies and when, from now until `end`. The member tool and the first admins do not:
    /// nobody could pass over what it claims, and what they wished would be lost.
    pub(crate) fn plan_poisons(&mut self, count: u64, end: u64) {
        for _ in 0..count {
            let device = self.chance.between(1, self.profile.people as u64 - 1);
            let device = usize::try_from(device).unwrap_or(1);
            let device = if self.is_first_admin(device) { 1 } else { device };
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
        let kind = match self.chance.below(6) {
            0 => Poison::All,
            1 => Poison::Ciphertext,
            2 => Poison::Tag,
            _ => Poison::OneOf { after: self.chance.below(4) },
        };
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
        let mut poison = self.devices[device].poison.lock().unwrap_or_else(PoisonError::into_inner);
        *poison = kind;
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
        let shelf = self.relays[0].relay.as_mut()?.shelf_mut();
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
        let shelf = self.relays[0].relay.as_mut()?.shelf_mut();
        let kept = relay_core::Shelf::get(shelf, claim.commit.first).ok()??;
        kept.object.data().map(<[u8]>::to_vec)
    }

    /// The key that signs the log of a device: an insider has its own vault.
    fn log_signer(&self, device: usize) -> Option<Signer> {
        let mut rows = self.devices[device].vault.rows.iter();
        let team = rows.find(|((table, _), _)| *table == mls_core::Table::Team as u8)?;
        let at = team.1.windows(SEED.len()).position(|window| window == SEED)?;
        // A byte string of 32 bytes in CBOR (RFC 8949 §3.1).
        let seed = team.1.get(at + SEED.len()..)?.strip_prefix(&[0x58, 32])?;
        Some(Signer::from_seed(seed.first_chunk()?))
    }
}

/// The name of the field before the key.
const SEED: &[u8] = b"log_seed";
