//! Proofs that somebody has shown two histories: kept, and shown to people.

use names::{Device, Generation, Name, Rest, Slot, TeamId};
use objects::{Hash, Millis, Receipt, Signature};
use serde::{Deserialize, Serialize};

use crate::bound::{SeenHead, Word};
use crate::open::{Ahead, ahead_key};
use crate::rows::Table;
use crate::state::{AheadRow, Head, TeamRow, team_key, team_of};
use crate::{Endpoint, Fault, Notice, Output};

/// Who has shown two histories, and where.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Equivocation {
    /// The origin has given a slot twice.
    Origin {
        /// The slot.
        slot: Slot,
    },
    /// A device has written two entries under one name.
    Device {
        /// The device.
        device: Device,
        /// The name.
        name: Name,
    },
}

/// A proof that is kept here.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct ProofView {
    /// The team.
    pub team: TeamId,
    /// What it proves.
    pub what: Equivocation,
}

#[derive(Serialize, Deserialize)]
struct ProofRow {
    /// Of the origin: the slot.
    slot: u64,
    /// Of a device: the name of both entries.
    #[serde(with = "serde_bytes")]
    name: Vec<u8>,
    device: u64,
    /// The term in which it happened.
    term: u64,
    /// The signed bytes that prove it.
    evidence: Vec<serde_bytes::ByteBuf>,
}

impl Endpoint {
    /// Everything that proves somebody to have shown two histories.
    ///
    /// # Errors
    /// A damaged row.
    pub fn proofs(&self) -> Result<Vec<ProofView>, Fault> {
        let mut proofs = Vec::new();
        for key in self.rows().keys(Table::Proof, &[]) {
            let row: ProofRow = self.rows().get(Table::Proof, &key)?.ok_or(Fault::Row)?;
            let team = team_of(&key).ok_or(Fault::Row)?;
            let what = if row.name.is_empty() {
                Equivocation::Origin { slot: Slot::truncate(row.slot) }
            } else {
                let name = row.name.first_chunk().copied().and_then(|b| Name::from_bytes(b).ok());
                let device = Device::truncate(row.device);
                Equivocation::Device { device, name: name.ok_or(Fault::Row)? }
            };
            proofs.push(ProofView { team, what });
        }
        Ok(proofs)
    }

    /// Has the origin of this term shown two histories? Then nothing is claimed before the next.
    pub(crate) fn two_histories(&self, team: TeamId) -> Result<bool, Fault> {
        let term = self.newest_term(team)?;
        for key in self.rows().keys(Table::Proof, &team_key(team)) {
            let row: ProofRow = self.rows().get(Table::Proof, &key)?.ok_or(Fault::Row)?;
            if row.name.is_empty() && row.term >= term {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn newest_term(&self, team: TeamId) -> Result<u64, Fault> {
        Ok(self.terms(team)?.last().map_or(0, |(newest, _)| Generation::value(*newest)))
    }

    /// Is another claim known for the slot that this receipt of the origin is about?
    pub(crate) fn contradicts(
        &self,
        team: TeamId,
        row: &TeamRow,
        slot: Slot,
        receipt: &Receipt,
    ) -> Result<bool, Fault> {
        if let Some(known) = row.heads.iter().find(|head| head.slot == slot.value()) {
            return Ok(known.claim != receipt.hash.0);
        }
        let key = ahead_key(team, Ahead::Claim, receipt.name);
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        match kept {
            Some(kept) => Ok(kept.object()?.entry_hash() != receipt.hash),
            None => Ok(false),
        }
    }

    /// Somebody passes on what the origin has said of a slot. Only its signature counts.
    pub(crate) fn origin_said(&mut self, team: TeamId, receipt: &Receipt) -> Result<(), Fault> {
        let (Some(row), Rest::Slot(slot)) = (self.team(team)?, receipt.name.place().rest) else {
            return Ok(());
        };
        let meant = receipt.name.team() == team && receipt.head == slot;
        if !meant || !self.contradicts(team, &row, slot, receipt)? {
            return Ok(());
        }
        let origin = self.origin_of(team, slot)?;
        if origin.is_some_and(|key| receipt.covers_hash(&key, receipt.name, &receipt.hash)) {
            self.origin_equivocates(team, slot, &[receipt.bytes()])?;
        }
        Ok(())
    }

    /// The origin has signed something of a slot that contradicts what is known here: both are
    /// kept.
    pub(crate) fn origin_equivocates(
        &mut self,
        team: TeamId,
        slot: Slot,
        theirs: &[Vec<u8>],
    ) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let mut evidence = theirs.to_vec();
        // Of the slot itself, or of the one before, on which it does not stand.
        let near =
            |head: &&Head| head.slot == slot.value() || head.slot.saturating_add(1) == slot.value();
        evidence.extend(row.heads.iter().rev().find(near).map(|head| head.receipt(team).bytes()));
        let name = team.name(Rest::Slot(slot));
        let kept: Option<AheadRow> =
            self.rows().get(Table::Ahead, &ahead_key(team, Ahead::Claim, name))?;
        if let Some(kept) = kept {
            evidence.extend(kept.receipt()?.map(|receipt| receipt.bytes()));
        }
        let what = Equivocation::Origin { slot };
        if self.put_proof(team, what, &evidence)? {
            self.outputs.push_back(Output::Notice(Notice::OriginEquivocates { team, slot }));
        }
        Ok(())
    }

    /// Keeps a proof; false if there is one of the same.
    pub(crate) fn put_proof(
        &self,
        team: TeamId,
        what: Equivocation,
        evidence: &[Vec<u8>],
    ) -> Result<bool, Fault> {
        let (slot, name, device) = match what {
            Equivocation::Origin { slot } => (slot.value(), Vec::new(), Device::ORIGIN),
            Equivocation::Device { device, name } => (0, name.bytes().to_vec(), device),
        };
        let of_origin = matches!(what, Equivocation::Origin { .. });
        let term = if of_origin { self.newest_term(team)? } else { 0 };
        let key = [&team_key(team)[..], &name, &slot.to_be_bytes(), &term.to_be_bytes()].concat();
        if self.rows().has(Table::Proof, &key) {
            return Ok(false);
        }
        let evidence = evidence.iter().map(|bytes| bytes.clone().into()).collect();
        let row = ProofRow { slot, name, device: device.value(), term, evidence };
        self.rows().put(Table::Proof, &key, &row)?;
        Ok(true)
    }

    /// A device has sealed on another history than ours: people are told once.
    pub(crate) fn elsewhere(&mut self, team: TeamId, device: Device) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        if !row.elsewhere.contains(&device.value()) {
            row.elsewhere.push(device.value());
            self.put_team(team, &row)?;
            self.outputs.push_back(Output::Notice(Notice::OtherHistory { team, device }));
        }
        Ok(())
    }

    /// Where an entry was sealed: behind which slot of which history, and in which epoch.
    pub(crate) fn sealed_at(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        epoch: u64,
        head: &SeenHead,
    ) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(Word { claim, at, signature }) = head.word {
            let name = team.name(Rest::Slot(head.slot));
            let receipt = Receipt { name, hash: claim, head: head.slot, at, signature };
            self.origin_said(team, &receipt)?;
        }
        match row.known_head(head.slot) {
            Some(known) if !head.is(known) => self.elsewhere(team, device),
            Some(_) => self.seen_beyond(now, team, device, epoch, head.slot),
            None => Ok(()),
        }
    }
}

impl Head {
    /// The origin's receipt for the claim of this slot.
    pub(crate) fn receipt(&self, team: TeamId) -> Receipt {
        let head = Slot::truncate(self.slot);
        Receipt {
            name: team.name(Rest::Slot(head)),
            hash: Hash(self.claim),
            head,
            at: Millis(self.at),
            signature: Signature(self.signature),
        }
    }
}
