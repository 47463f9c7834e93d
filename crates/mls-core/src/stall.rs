//! Commits that fail perhaps here alone: nothing is sealed, and a later slot decides who is right.

use names::{Device, Slot, TeamId};
use objects::{Hash, Millis};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::kept::Kept;
use crate::rows::Table;
use crate::slots::Due;
use crate::state::{IntentRow, Stage, TeamRow, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault, Notice, Output, Skip};

/// A device has said that it cannot apply the commit of a slot.
#[derive(Serialize, Deserialize)]
struct StallRow {
    slot: u64,
    #[serde(with = "serde_bytes")]
    claim: [u8; 32],
}

impl Endpoint {
    /// Stops at a slot: its commit cannot be applied here.
    pub(crate) fn stall(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
        due: &Due,
        author: Device,
    ) -> Result<(), Fault> {
        self.lost(team)?;
        // What was processed in vain must not stay half-done in memory.
        self.load_group(team)?;
        let (slot, claim) = (due.slot, due.object.entry_hash());
        row.stage = Stage::Stalled { slot: slot.value(), claim: claim.0, author: author.value() };
        self.pass(team, &mut row, due)?;
        self.outputs.push_back(Output::Notice(Notice::Stalled { team, slot }));
        self.outputs.push_back(Output::TeamsChanged);
        self.stalled_said(team, row.own(), slot, claim)?;
        let content = Content::Stalled { slot: slot.value(), claim };
        self.manage(now, team, &content)
    }

    /// The slot behind one that could not be applied here. A claim by anybody but its author in a
    /// later epoch shows that others could; an admin's skip in our epoch, that they could not.
    pub(crate) fn follow_stalled(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
    ) -> Result<bool, Fault> {
        let Stage::Stalled { slot, author, .. } = row.stage else {
            return Ok(false);
        };
        let Some(due) = self.due(now, team, &row)? else {
            return Ok(false);
        };
        let epoch = self.groups.get(&team).ok_or(Fault::Mls)?.epoch().as_u64();
        if let Some(claim) = &due.claim {
            let skips = claim.skips.is_some_and(|skipped| skipped.value() == slot);
            if skips && claim.epoch == epoch {
                row.stage = Stage::Member;
                let decided = self.decide_slot(now, team, row, &due)?;
                if decided {
                    let slot = Slot::truncate(slot);
                    let notice = Notice::Skipped { slot, why: Skip::Stalled };
                    self.outputs.push_back(Output::Notice(notice));
                    self.forget_stalls(team);
                }
                return Ok(decided);
            }
            if claim.device.value() != author && claim.epoch > epoch {
                self.pass(team, &mut row, &due)?;
                self.rejoin(now, team)?;
                return Ok(true);
            }
        }
        self.pass(team, &mut row, &due)?;
        Ok(true)
    }

    /// A device says that it cannot apply the commit of a slot.
    pub(crate) fn stalled_said(
        &self,
        team: TeamId,
        device: Device,
        slot: Slot,
        claim: Hash,
    ) -> Result<(), Fault> {
        let key = [team_key(team), device.value().to_be_bytes()].concat();
        let row = StallRow { slot: slot.value(), claim: claim.0 };
        self.rows().put(Table::Stall, &key, &row)
    }

    pub(crate) fn forget_stalls(&self, team: TeamId) {
        for key in self.rows().keys(Table::Stall, &team_key(team)) {
            self.rows().remove(Table::Stall, &key);
        }
    }

    /// Claims the next slot to pass over the one at which the team has stopped: an admin that has
    /// stopped there itself does, when more than half of the devices have said the same, the
    /// author's aside.
    pub(crate) fn drive_skip(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let Stage::Stalled { slot, claim, author } = row.stage else {
            return Ok(());
        };
        if self.is_guarded(team)
            || !self.slot_is_free(team, &row)?
            || !self.administers(team, row.own())?
        {
            return Ok(());
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let (mut all, mut said) = (0_usize, 0_usize);
        for leaf in Self::leaves(group).filter(|leaf| leaf.device.value() != author) {
            all = all.saturating_add(1);
            let key = [team_key(team), leaf.device.value().to_be_bytes()].concat();
            let word: Option<StallRow> = self.rows().get(Table::Stall, &key)?;
            if word.is_some_and(|word| (word.slot, word.claim) == (slot, claim)) {
                said = said.saturating_add(1);
            }
        }
        if said.saturating_mul(2) <= all {
            return Ok(());
        }
        self.claim_next(now, team, row, vec![(Intent::Refresh, IntentRow::new(now.0))])
    }

    /// A device has sealed something behind a slot that we know, in a later epoch than ours: if
    /// that slot is the one that stopped us, it could be applied.
    pub(crate) fn seen_beyond(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        epoch: u64,
        head: Slot,
    ) -> Result<(), Fault> {
        let (Some(row), Some(group)) = (self.team(team)?, self.groups.get(&team)) else {
            return Ok(());
        };
        if let Stage::Stalled { slot, author, .. } = row.stage
            && device.value() != author
            && epoch > group.epoch().as_u64()
            && head.value() >= slot
            && head <= row.head().0
        {
            self.rejoin(now, team)?;
            self.advance(now, team)?;
        }
        Ok(())
    }
}
