//! Proofs that somebody has shown two histories: kept, and shown to people.

use names::{Device, Generation, Name, Rest, Slot, TeamId};
use objects::{Millis, Receipt, Term};
use serde::{Deserialize, Serialize};

use crate::beacon::SOON;
use crate::bound::{SeenHead, Word};
use crate::content::prefix;
use crate::open::{Ahead, ahead_key};
use crate::rows::Table;
use crate::state::{AheadRow, Stage, TeamRow, team_key, team_of};
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
        let newest = self.terms(team)?.pop().map_or(0, |(newest, _)| newest.value());
        self.has_proof(team, newest)
    }

    /// Is there a proof against the origin of this term, or of a later one?
    fn has_proof(&self, team: TeamId, term: u64) -> Result<bool, Fault> {
        for key in self.rows().keys(Table::Proof, &team_key(team)) {
            let row: ProofRow = self.rows().get(Table::Proof, &key)?.ok_or(Fault::Row)?;
            if row.name.is_empty() && row.term >= term {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Has the origin of this slot shown two histories?
    pub(crate) fn was_deceived(&self, team: TeamId, slot: Slot) -> Result<bool, Fault> {
        self.has_proof(team, self.term_of(team, slot)?)
    }

    /// The term to which a slot belongs.
    fn term_of(&self, team: TeamId, slot: Slot) -> Result<u64, Fault> {
        let covers = |(of, term): (Generation, Term)| (term.after < slot).then_some(of.value());
        Ok(self.terms(team)?.into_iter().rev().find_map(covers).unwrap_or(0))
    }

    /// What the origin has said here of a slot, or of the one before it.
    fn slot_near(&self, team: TeamId, slot: Slot) -> Result<Option<Receipt>, Fault> {
        let known = self.slot_known(team, slot)?;
        let before = slot.previous().filter(|_| known.is_none());
        let before = before.map_or(Ok(None), |slot| self.slot_known(team, slot))?;
        Ok(known.or(before))
    }

    /// Whoever follows the other history may have gone on, and not know what this one shows: the
    /// next beacon says what the origin has said here of the slot where they part.
    fn owe_word(&mut self, now: Millis, team: TeamId, slot: Slot) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        if row.stage == Stage::Member && self.slot_near(team, slot)?.is_some() {
            row.contested = Some(slot.value());
            let soon = now.plus(SOON).plus(self.draw_number() % SOON).0;
            row.beacon_due = Some(row.beacon_due.map_or(soon, |due| due.min(soon)));
            self.put_team(team, &row)?;
        }
        Ok(())
    }

    /// The word that is owed, whole, as a beacon tells it.
    pub(crate) fn owed_word(
        &self,
        team: TeamId,
        row: &mut TeamRow,
    ) -> Result<Option<SeenHead>, Fault> {
        let Some(slot) = row.contested.take() else {
            return Ok(None);
        };
        let known = self.slot_near(team, Slot::truncate(slot))?;
        Ok(known.map(|Receipt { hash, head, at, signature, .. }| {
            let word = Some(Word { claim: hash, at, signature });
            SeenHead { slot: head, claim: prefix(&hash), word }
        }))
    }

    /// Is another claim known for the slot that this receipt of the origin is about?
    pub(crate) fn contradicts(
        &self,
        team: TeamId,
        slot: Slot,
        receipt: &Receipt,
    ) -> Result<bool, Fault> {
        // What was followed here behind another slot than the newest term's is not its origin's word.
        let other = self.stands_elsewhere(team)?.is_some_and(|term| slot > term.after);
        if let Some(known) = self.slot_known(team, slot)?.filter(|_| !other) {
            return Ok(known.hash != receipt.hash);
        }
        let key = ahead_key(team, Ahead::Claim, receipt.name);
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        match kept {
            Some(kept) => Ok(kept.object()?.entry_hash() != receipt.hash),
            None => Ok(false),
        }
    }

    /// Somebody passes on what the origin has said of a slot. Only its signature counts.
    pub(crate) fn origin_said(
        &mut self,
        now: Millis,
        team: TeamId,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let Rest::Slot(slot) = receipt.name.place().rest else {
            return Ok(());
        };
        let meant = receipt.name.team() == team && receipt.head == slot;
        if !meant || !self.contradicts(team, slot, receipt)? {
            return Ok(());
        }
        let origin = self.origin_of(team, slot)?;
        if origin.is_some_and(|key| receipt.covers_hash(&key, receipt.name, &receipt.hash)) {
            self.origin_equivocates(now, team, slot, &[receipt.bytes()])?;
        }
        Ok(())
    }

    /// The origin has signed something of a slot that contradicts what is known here: both are
    /// kept.
    pub(crate) fn origin_equivocates(
        &mut self,
        now: Millis,
        team: TeamId,
        slot: Slot,
        theirs: &[Vec<u8>],
    ) -> Result<(), Fault> {
        let mut evidence = theirs.to_vec();
        // Of the slot itself, or of the one before, on which it does not stand.
        evidence.extend(self.slot_near(team, slot)?.map(|known| known.bytes()));
        let name = team.name(Rest::Slot(slot));
        let kept: Option<AheadRow> =
            self.rows().get(Table::Ahead, &ahead_key(team, Ahead::Claim, name))?;
        if let Some(kept) = kept {
            evidence.extend(kept.receipt()?.map(|receipt| receipt.bytes()));
        }
        let what = Equivocation::Origin { slot };
        let first = !self.was_deceived(team, slot)?;
        if self.put_proof(team, what, &evidence)? {
            self.outputs.push_back(Output::Notice(Notice::OriginEquivocates { team, slot }));
            if first {
                self.owe_word(now, team, slot)?;
            }
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
        let term = if of_origin { self.term_of(team, Slot::truncate(slot))? } else { 0 };
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
            self.origin_said(now, team, &receipt)?;
        }
        match row.known_head(head.slot) {
            Some(known) if !head.is(known) => self.elsewhere(team, device),
            Some(_) => self.seen_beyond(now, team, device, epoch, head.slot),
            None => Ok(()),
        }
    }
}
