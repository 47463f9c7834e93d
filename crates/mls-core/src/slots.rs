//! Slots: the one order of commits, as the origin's receipts say it.

use names::{Device, Rest, Slot, TeamId};
use objects::{Millis, Object, Receipt};

use crate::judge::Verdict;
use crate::open::{Ahead, ahead_key, ahead_prefix};
use crate::rows::Table;
use crate::state::{AheadRow, ClaimRow, Stage, TeamRow, team_key};
use crate::{Endpoint, Fault, Notice, Output};

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
            Some(false) => {
                self.outputs.push_back(Output::Notice(Notice::BadReceipt { name }));
                return Ok(());
            }
            None => return self.keep_unordered(team, object, receipt),
        }
        if slot <= row.head().0 {
            let known = row.heads.iter().find(|head| head.slot == slot.value());
            if known.is_some_and(|head| head.claim != object.entry_hash().0) {
                self.outputs.push_back(Output::Notice(Notice::TwoHistories { team, slot }));
            }
            return self.forget_pieces(object);
        }
        self.keep(team, Ahead::Claim, object, Some(receipt))?;
        self.advance(now, team)
    }

    /// Puts a claim aside until a term says whose receipt it needs; only so many.
    fn keep_unordered(
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
        self.rows().put(Table::Ahead, &key, &AheadRow::new(object, Some(receipt)))
    }

    /// Goes on in the order of the slots, as far as what has arrived allows.
    pub(crate) fn advance(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let mut moved = false;
        while let Some(row) = self.team(team)? {
            let step = match &row.stage {
                Stage::Joining { added: None, .. } => self.track_slot(team, row)?,
                Stage::Joining { added: Some(added), .. } => {
                    let added = added.clone();
                    self.try_join(now, team, row, &added)?
                }
                Stage::Member => self.decide_slot(now, team, row)?,
                Stage::Stalled(_) | Stage::Removed => false,
            };
            if !step {
                break;
            }
            moved = true;
        }
        if moved { self.retry_entries(now, team) } else { Ok(()) }
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

    fn decide_slot(&mut self, now: Millis, team: TeamId, mut row: TeamRow) -> Result<bool, Fault> {
        let Some((slot, object)) = self.next_claim(team, &row)? else {
            return Ok(false);
        };
        if object.previous() != row.head().1 {
            self.outputs.push_back(Output::Notice(Notice::TwoHistories { team, slot }));
            self.stall(team, row, slot)?;
            return Ok(false);
        }
        let own: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let verdict = self.judge(team, &row, own.as_ref(), &object)?;
        let newcomers = match verdict {
            Verdict::Wait => return Ok(false),
            Verdict::Stall => {
                self.stall(team, row, slot)?;
                return Ok(false);
            }
            Verdict::Skip(why) => {
                self.outputs.push_back(Output::Notice(Notice::Skipped { slot, why }));
                Vec::new()
            }
            Verdict::Won => self.merge_own(team)?,
            Verdict::Applied(newcomers) => newcomers,
        };
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        if !group.is_active() {
            row.stage = Stage::Removed;
            self.outputs.push_back(Output::Notice(Notice::Removed { team }));
        }
        let authenticator = group.epoch_authenticator().as_slice().to_vec();
        row.push_head(slot, object.entry_hash(), &authenticator);
        self.put_team(team, &row)?;
        self.rows().remove(Table::Ahead, &ahead_key(team, Ahead::Claim, object.name()));
        self.forget_pieces(&object)?;
        self.cover_past(team, &newcomers)?;
        self.outputs.push_back(Output::TeamsChanged);
        match own {
            Some(own) if own.object == object.bytes() => self.won(now, team, &own, &object)?,
            Some(_) => self.lost(team)?,
            None => {}
        }
        Ok(true)
    }

    fn stall(&mut self, team: TeamId, mut row: TeamRow, slot: Slot) -> Result<(), Fault> {
        // What was processed in vain must not stay half-done in memory.
        row.stage = Stage::Stalled(slot.value());
        self.put_team(team, &row)?;
        self.outputs.push_back(Output::Notice(Notice::Stalled { team, slot }));
        Ok(())
    }

    fn merge_own(&mut self, team: TeamId) -> Result<Vec<Device>, Fault> {
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        let before: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        if group.pending_commit().is_none() {
            return Err(Fault::Mls);
        }
        group.merge_pending_commit(&self.provider).map_err(|_| Fault::Mls)?;
        let after = Self::leaves(group).map(|leaf| leaf.device);
        Ok(after.filter(|device| !before.contains(device)).collect())
    }
}

/// Claims that wait for the first term.
const MOST_UNORDERED: usize = 1024;
