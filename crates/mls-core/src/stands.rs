//! On which history the newest term stands: if it is another than was followed here, the way back
//! to where they part is found by the hashes of the claims, from the one that the root names on.

use names::{Rest, Slot, TeamId};
use objects::{Hash, Millis, Object, Receipt, Term};

use crate::kept::Kept;
use crate::open::{Ahead, ahead_key, ahead_prefix};
use crate::rows::Table;
use crate::state::{AheadRow, Stage, TeamRow, team_key};
use crate::term::stands_with;
use crate::{Endpoint, Fault, Output};

impl Endpoint {
    /// Keeps what the origin has said of a slot that is followed here.
    pub(crate) fn note_slot(&self, team: TeamId, receipt: &Receipt) -> Result<(), Fault> {
        let bytes = serde_bytes::ByteBuf::from(receipt.bytes());
        self.rows().put(Table::Slot, &slot_key(team, receipt.head), &bytes)
    }

    /// What the origin has said of a slot that was followed here.
    pub(crate) fn slot_known(&self, team: TeamId, slot: Slot) -> Result<Option<Receipt>, Fault> {
        let bytes: Option<serde_bytes::ByteBuf> =
            self.rows().get(Table::Slot, &slot_key(team, slot))?;
        bytes.map(|bytes| Receipt::parse(&bytes).map_err(|_| Fault::Row)).transpose()
    }

    /// The first slot that was followed here and that the terms do not know.
    pub(crate) fn first_rejected(
        &self,
        team: TeamId,
        terms: &[Term],
    ) -> Result<Option<Slot>, Fault> {
        for key in self.rows().keys(Table::Slot, &team_key(team)) {
            let bytes: serde_bytes::ByteBuf =
                self.rows().get(Table::Slot, &key)?.ok_or(Fault::Row)?;
            let receipt = Receipt::parse(&bytes).map_err(|_| Fault::Row)?;
            if !stands_with(&receipt, terms) {
                return Ok(Some(receipt.head));
            }
        }
        Ok(None)
    }

    /// The newest term, if it stands on a slot that is not known here, or is another one here.
    pub(crate) fn stands_elsewhere(&self, team: TeamId) -> Result<Option<Term>, Fault> {
        let Some((_, term)) = self.terms(team)?.pop() else {
            return Ok(None);
        };
        let known = self.slot_known(team, term.after)?.map(|receipt| receipt.hash);
        let stands = term.after == Slot::ZERO || known == Some(term.claim);
        Ok((!stands).then_some(term))
    }

    /// Before the slot is reached that the newest term stands on, only its hash tells which claims
    /// lead there: each is kept until then, and followed as before if it fits.
    pub(crate) fn keep_leading(
        &self,
        team: TeamId,
        object: &Object,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let count = self.rows().count(Table::Ahead, &ahead_prefix(team, Ahead::Leading));
        if count >= MOST_LEADING {
            return Ok(());
        }
        let Rest::Slot(slot) = object.name().place().rest else {
            return Ok(());
        };
        let mut key = leading_key(team, slot, &object.entry_hash());
        // The hash covers no signature: a copy may be forged.
        key.extend_from_slice(&object.signature().0);
        self.rows().put(Table::Ahead, &key, &AheadRow::new(object, Some(receipt)))
    }

    /// Takes the way that leads to the newest term, if all of it is here: back to the last slot
    /// that is on it, and on from there.
    pub(crate) fn take_stand(&mut self, now: Millis, team: TeamId) -> Result<bool, Fault> {
        let (Some(term), Some(row)) = (self.stands_elsewhere(team)?, self.team(team)?) else {
            return Ok(false);
        };
        if row.stage == Stage::Removed {
            return Ok(false);
        }
        let (mut slot, mut hash, mut way) = (term.after, term.claim, Vec::new());
        while slot != Slot::ZERO
            && self.slot_known(team, slot)?.map(|receipt| receipt.hash) != Some(hash)
        {
            let mut next = None;
            for key in self.rows().keys(Table::Ahead, &leading_key(team, slot, &hash)) {
                let copy: AheadRow = self.rows().get(Table::Ahead, &key)?.ok_or(Fault::Row)?;
                next = Some(copy.object()?.previous());
                way.push(copy);
            }
            let Some(next) = next else {
                return Ok(false);
            };
            hash = next;
            slot = slot.previous().unwrap_or(Slot::ZERO);
        }
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Leading)) {
            self.rows().remove(Table::Ahead, &key);
        }
        for kept in way {
            let (object, receipt) = (kept.object()?, kept.receipt()?.ok_or(Fault::Row)?);
            // Of several copies, the one that is due tells which is the real one.
            self.keep_unordered(team, &object, &receipt)?;
            self.keep(team, Ahead::Claim, &object, Some(&receipt))?;
        }
        if row.head().0 > slot {
            self.go_back(now, team, row, slot)?;
        }
        Ok(true)
    }

    /// The slots behind `keep` never were. What they changed in the group cannot be undone: then
    /// this device is behind.
    pub(crate) fn go_back(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
        keep: Slot,
    ) -> Result<(), Fault> {
        row.heads.retain(|head| head.slot <= keep.value());
        for key in self.rows().keys(Table::Slot, &team_key(team)) {
            if key > slot_key(team, keep) {
                self.rows().remove(Table::Slot, &key);
            }
        }
        if row.heads.is_empty()
            && let Some(receipt) = self.slot_known(team, keep)?
        {
            row.push_head(keep, receipt.hash, &[]);
            row.witness(0, Some(&receipt));
        }
        row.stage.set_added(None);
        self.undo_effects(team, keep)?;
        self.wish_again(team, keep)?;
        let group = self.groups.get(&team);
        let authenticator = group.map(|group| group.epoch_authenticator().as_slice().to_vec());
        let same = row.heads.last().map(|head| head.authenticator.clone()) == authenticator;
        if same {
            row.come_home();
        }
        self.put_team(team, &row)?;
        if same && row.stage == Stage::Member {
            self.forget_stalls(team);
            self.outputs.push_back(Output::TeamsChanged);
            return self.lost(team);
        }
        self.rejoin(now, team)
    }

    /// Asks for all claims of a team again: those that lead to the newest term were not shown here.
    pub(crate) fn ask_for_slots(&mut self, team: TeamId) {
        if self.asked_slots.insert(team) {
            self.outputs.push_back(Output::SubscribePath { team, path: SLOTS });
        }
    }

    /// Teams whose claims are asked for again after a start.
    pub(crate) fn misses_slots(&self, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        let lost =
            matches!(row.stage, Stage::Member | Stage::Stalled { .. } | Stage::Rejoining { .. });
        Ok(lost && self.stands_elsewhere(team)?.is_some())
    }
}

fn slot_key(team: TeamId, slot: Slot) -> Vec<u8> {
    [team_key(team), slot.value().to_be_bytes()].concat()
}

fn leading_key(team: TeamId, slot: Slot, hash: &Hash) -> Vec<u8> {
    let mut key = ahead_key(team, Ahead::Leading, team.name(Rest::Slot(slot)));
    key.extend_from_slice(&hash.0);
    key
}

/// Claims that are kept until the newest term is reached.
const MOST_LEADING: usize = 1024;
/// Path numbers (`names/SPEC.md`).
pub(crate) const SLOTS: u8 = 4;
