//! Slots: the one order of commits, as the origin's receipts say it.

use names::{Device, Name, Rest, Slot, TeamId};
use objects::{Claim, Key, Millis, Object, Receipt};

use crate::authority::Vetted;
use crate::judge::{PassesOver as _, Verdict};
use crate::kept::Kept;
use crate::open::{Ahead, ahead_key, ahead_prefix};
use crate::rows::Table;
use crate::state::{AheadRow, ClaimRow, Stage, TeamRow, team_key};
use crate::{Broken, Endpoint, Fault, Notice, Output, Skip};

/// The next slot, as far as everybody sees the same of it.
pub(crate) struct Due {
    pub(crate) slot: Slot,
    pub(crate) object: Object,
    pub(crate) receipt: Receipt,
    /// `None`: it is no good claim.
    pub(crate) claim: Option<Box<Claim>>,
}

impl Endpoint {
    /// Takes a claim with its receipt.
    pub(crate) fn claimed(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let name = object.name();
        let (Rest::Slot(slot), Some(receipt)) = (name.place().rest, receipt) else {
            return Ok(());
        };
        match self.ordered(object, receipt)? {
            Some(true) => {}
            Some(false) if self.breaks(Broken::BelievesClaims) => {}
            Some(false) => {
                self.outputs.push_back(Output::Notice(Notice::BadReceipt { name }));
                return Ok(());
            }
            None => return self.keep_unordered(team, object, receipt),
        }
        if self.stands_elsewhere(team)?.is_some_and(|term| slot <= term.after) {
            self.keep_leading(team, object, receipt)?;
            if self.take_stand(now, team)? {
                return self.advance(now, team);
            }
        }
        let follows = self.breaks(Broken::FollowsAnyOrigin);
        if !follows && self.contradicts(team, slot, receipt)? {
            return self.origin_equivocates(now, team, slot, &[object.bytes(), receipt.bytes()]);
        }
        if slot <= row.head().0 {
            if self.stands_elsewhere(team)?.is_some_and(|term| slot > term.after) {
                // It is due when the way to the term is here.
                return self.keep(team, Ahead::Claim, object, Some(receipt));
            }
            // The claim that added us comes again: what we wait for to join is still needed.
            let awaited = row.stage.awaits().is_some_and(|(_, added)| added.is_some());
            if awaited && slot == row.head().0 {
                return Ok(());
            }
            return self.forget_pieces(object);
        }
        let kept: Option<AheadRow> =
            self.rows().get(Table::Ahead, &ahead_key(team, Ahead::Claim, name))?;
        if let Some(kept) = kept
            && kept.object()? != *object
        {
            // Another copy: which of them its device has signed shows when it is due.
            return self.keep_unordered(team, object, receipt);
        }
        self.keep(team, Ahead::Claim, object, Some(receipt))?;
        self.advance(now, team)
    }

    /// The claim that is due is a forged copy: takes one that its device has signed, if it is here.
    fn next_copy(&self, team: TeamId, name: Name, key: &Key) -> Result<bool, Fault> {
        self.rows().remove(Table::Ahead, &ahead_key(team, Ahead::Claim, name));
        for key_of_copy in self.rows().keys(Table::Ahead, &ahead_key(team, Ahead::Unordered, name))
        {
            let Some(copy) = self.rows().get::<AheadRow>(Table::Ahead, &key_of_copy)? else {
                continue;
            };
            self.rows().remove(Table::Ahead, &key_of_copy);
            let (object, receipt) = (copy.object()?, copy.receipt()?.ok_or(Fault::Row)?);
            if object.verifies(key) && self.ordered(&object, &receipt)? == Some(true) {
                self.keep(team, Ahead::Claim, &object, Some(&receipt))?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts a claim aside until a term says whose receipt it needs, or which of several copies is the
    /// real one; only so many.
    pub(crate) fn keep_unordered(
        &self,
        team: TeamId,
        object: &Object,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        if self.rows().count(Table::Ahead, &ahead_prefix(team, Ahead::Unordered)) >= MOST_UNORDERED
        {
            return Ok(());
        }
        let mut key = ahead_key(team, Ahead::Unordered, object.name());
        // Of several for one slot, only the term will tell which is the real one.
        key.extend_from_slice(&object.entry_hash().0);
        key.extend_from_slice(&object.signature().0);
        self.rows().put(Table::Ahead, &key, &AheadRow::new(object, Some(receipt)))
    }

    /// Goes on in the order of the slots, as far as what has arrived allows.
    pub(crate) fn advance(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        while let Some(row) = self.team(team)? {
            let step = match row.stage.clone() {
                Stage::Joining { added: Some(added), .. }
                | Stage::Rejoining { added: Some(added), .. } => {
                    self.try_join(now, team, row, &added)?
                }
                Stage::Joining { added: None, .. } | Stage::Rejoining { added: None, .. } => {
                    self.track_slot(now, team, row)?
                }
                Stage::Member => match self.due(now, team, &row)? {
                    Some(due) => self.decide_slot(now, team, row, &due)?,
                    None => false,
                },
                Stage::Stalled { .. } => self.follow_stalled(now, team, row)?,
                Stage::Removed => false,
            };
            self.leave_if_revoked(team)?;
            if !step {
                break;
            }
            // Before the next slot: only the last epochs can be read, and only what was written
            // before its author was revoked.
            self.retry_entries(now, team)?;
        }
        Ok(())
    }

    /// The claim of the next slot, if it is here.
    pub(crate) fn next_claim(
        &self,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<Option<(Slot, Object)>, Fault> {
        let Some(slot) = row.head().0.next() else {
            return Ok(None);
        };
        let key = ahead_key(team, Ahead::Claim, team.name(Rest::Slot(slot)));
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        kept.map(|kept| Ok((slot, kept.object()?))).transpose()
    }

    /// The receipt of a claim that waits for its turn.
    pub(crate) fn claim_receipt(&self, team: TeamId, name: Name) -> Result<Option<Receipt>, Fault> {
        let key = ahead_key(team, Ahead::Claim, name);
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        kept.map_or(Ok(None), |kept| kept.receipt())
    }

    /// The next slot, if everything is here that everybody needs to judge it. What its claim names
    /// is in effect from now on.
    pub(crate) fn due(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<Option<Due>, Fault> {
        let Some((slot, object)) = self.next_claim(team, row)? else {
            return Ok(None);
        };
        let receipt = self.claim_receipt(team, object.name())?.ok_or(Fault::Row)?;
        if !self.breaks(Broken::FollowsAnyOrigin) && object.previous() != row.head().1 {
            if let Some(term) = self.stands_elsewhere(team)? {
                self.ask_for_slots(team);
                if slot > term.after {
                    // It is what was followed here that is wrong, and its origin not to blame.
                    return Ok(None);
                }
            }
            // The origin has signed a slot that stands on another one than it told here.
            self.rows().remove(Table::Ahead, &ahead_key(team, Ahead::Claim, object.name()));
            self.origin_equivocates(now, team, slot, &[object.bytes(), receipt.bytes()])?;
            return Ok(None);
        }
        let claim = match self.vet(team, slot, &object, receipt.at)? {
            Vetted::Wait => return Ok(None),
            Vetted::Bad => None,
            Vetted::Forged(key) => {
                self.outputs.push_back(Output::Notice(Notice::Forged { name: object.name() }));
                let other = self.next_copy(team, object.name(), &key)?;
                return if other { self.due(now, team, row) } else { Ok(None) };
            }
            Vetted::Good(claim) => Some(claim),
        };
        Ok(Some(Due { slot, object, receipt, claim }))
    }

    /// Decides a slot as a member.
    pub(crate) fn decide_slot(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
        due: &Due,
    ) -> Result<bool, Fault> {
        let own: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let slot = due.slot;
        let verdict = match &due.claim {
            None => Verdict::Skip(Skip::BadClaim),
            Some(claim) => self.judge(team, &row, own.as_ref(), &due.object, claim)?,
        };
        let won = matches!(verdict, Verdict::Won);
        // Those who come back may have missed as well what the team and its channels are called.
        let welcomes = due.claim.as_ref().is_some_and(|claim| !claim.welcomed.is_empty())
            && matches!(verdict, Verdict::Won | Verdict::Applied(_));
        let newcomers = match verdict {
            Verdict::Wait => return Ok(false),
            Verdict::Stall if self.breaks(Broken::SkipsAlone) => Vec::new(),
            Verdict::Stall => {
                let author = due.claim.as_ref().map_or(Device::ORIGIN, |claim| claim.device);
                self.stall(now, team, row, due, author)?;
                return Ok(true);
            }
            Verdict::Behind => {
                self.pass(team, &mut row, due)?;
                self.rejoin(now, team)?;
                let own = |claim: &Claim| claim.device == row.own();
                let passed = |claim: &Claim| claim.passes_over().is_some() && !own(claim);
                if !due.claim.as_ref().is_some_and(|claim| passed(claim)) {
                    // An old vault was put back.
                    self.never_again(team)?;
                }
                return Ok(true);
            }
            Verdict::Skip(why) => {
                self.outputs.push_back(Output::Notice(Notice::Skipped { slot, why }));
                Vec::new()
            }
            Verdict::Won => self.merge_own(team)?,
            Verdict::Applied(newcomers) => newcomers,
        };
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let active = group.is_active();
        let authenticator = group.epoch_authenticator().as_slice().to_vec();
        let epoch = group.epoch().as_u64();
        row.push_head(slot, due.object.entry_hash(), &authenticator);
        row.witness(epoch, Some(&due.receipt));
        self.note_slot(team, &due.receipt)?;
        self.put_team(team, &row)?;
        if !active && self.replaced(team, row, due)? {
            return Ok(true);
        }
        self.forget_claim(team, &due.object)?;
        if !active {
            self.leave_if_revoked(team)?;
            // Somebody has added this device again with what is not here: it comes back by itself.
            self.rejoin(now, team)?;
            return Ok(true);
        }
        self.cover_past(team, &newcomers)?;
        self.outputs.push_back(Output::TeamsChanged);
        match own {
            Some(own) if won => self.won(now, team, &own, &due.object)?,
            Some(_) => {
                self.step_back(now, team, &due.object);
                self.lost(team)?;
            }
            None => {}
        }
        self.tell_newcomers(now, team, welcomes, won)?;
        Ok(true)
    }

    /// Goes past a slot without judging its commit.
    pub(crate) fn pass(
        &mut self,
        team: TeamId,
        row: &mut Kept<TeamRow>,
        due: &Due,
    ) -> Result<(), Fault> {
        row.push_head(due.slot, due.object.entry_hash(), &[]);
        row.witness(0, Some(&due.receipt));
        self.note_slot(team, &due.receipt)?;
        self.put_team(team, row)?;
        if self.rows().has(Table::Claim, &team_key(team)) {
            // Another claim has this slot.
            self.lost(team)?;
        }
        self.forget_claim(team, &due.object)
    }

    fn forget_claim(&self, team: TeamId, object: &Object) -> Result<(), Fault> {
        self.note_welcomed(team, object)?;
        self.rows().remove(Table::Ahead, &ahead_key(team, Ahead::Claim, object.name()));
        self.forget_pieces(object)
    }

    fn merge_own(&mut self, team: TeamId) -> Result<Vec<Device>, Fault> {
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        let before: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        group.merge_pending_commit(&self.provider).map_err(|_| Fault::Mls)?;
        let after = Self::leaves(group).map(|leaf| leaf.device);
        Ok(after.filter(|device| !before.contains(device)).collect())
    }
}

/// Claims that wait for the first term.
const MOST_UNORDERED: usize = 1024;
