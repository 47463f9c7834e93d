//! Commits that fail perhaps here alone: nothing is sealed, and a later slot decides who is right.

use std::collections::BTreeSet;

use names::{Channel, Device, Rest, Slot, TeamId};
use objects::{Claim, Hash, Key, Millis, Standing};
use openmls::prelude::MlsGroup;
use serde::{Deserialize, Serialize};

use crate::bound::Bound;
use crate::content::Content;
use crate::framing::Framing;
use crate::judge::PassesOver as _;
use crate::kept::Kept;
use crate::open::{Ahead, ahead_prefix};
use crate::rows::Table;
use crate::slots::Due;
use crate::state::{AheadRow, IntentRow, Stage, TeamRow, log_key, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault, Notice, Output, Skip};

/// A device has said that it cannot apply the commit of a slot, or has gone on behind it.
#[derive(Serialize, Deserialize)]
struct StallRow {
    slot: u64,
    #[serde(with = "serde_bytes")]
    claim: [u8; 32],
    beyond: bool,
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
        self.gather(team, &row)?;
        let content = Content::Stalled { slot: slot.value(), claim };
        self.manage(now, team, &content)?;
        self.weigh(now, team)
    }

    /// The slot behind one that could not be applied here. The root's word that it is passed over
    /// decides; a claim in a later epoch tells that its device went on.
    pub(crate) fn follow_stalled(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
    ) -> Result<bool, Fault> {
        let Stage::Stalled { slot, .. } = row.stage else {
            return Ok(false);
        };
        let Some(due) = self.due(now, team, &row)? else {
            return Ok(false);
        };
        let epoch = self.groups.get(&team).ok_or(Fault::Mls)?.epoch().as_u64();
        let skips = |claim: &Claim| claim.passes_over().is_some_and(|skip| skip.value() == slot);
        if due.claim.as_ref().is_some_and(|claim| skips(claim) && claim.epoch == epoch) {
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
        self.pass(team, &mut row, &due)?;
        if let Some(claim) = due.claim.filter(|claim| claim.epoch > epoch) {
            self.went_on(team, &row, claim.device)?;
        }
        self.gather(team, &row)?;
        self.weigh(now, team)?;
        Ok(true)
    }

    /// A device says that it cannot apply the commit of a slot; true if that is new here.
    pub(crate) fn stalled_said(
        &self,
        team: TeamId,
        device: Device,
        slot: Slot,
        claim: Hash,
    ) -> Result<bool, Fault> {
        let known: Option<StallRow> = self.rows().get(Table::Stall, &word_key(team, device))?;
        if known.is_some_and(|known| (known.slot, known.claim) == (slot.value(), claim.0)) {
            return Ok(false);
        }
        let row = StallRow { slot: slot.value(), claim: claim.0, beyond: false };
        self.rows().put(Table::Stall, &word_key(team, device), &row)?;
        Ok(true)
    }

    /// Somebody else has stopped: who went on says so, the member tool as well.
    pub(crate) fn answer_stalled(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        (slot, claim): (Slot, Hash),
    ) -> Result<(), Fault> {
        let new = self.stalled_said(team, device, slot, claim)?;
        let row = self.team(team)?.filter(|row| new && row.stage == Stage::Member);
        let here = |row: &Kept<TeamRow>| row.known_head(slot).is_some_and(|at| at.claim == claim.0);
        match row.filter(here) {
            Some(row) => self.owe(now, team, row),
            None => Ok(()),
        }
    }

    /// A device has gone on behind the slot that stopped us.
    fn went_on(&self, team: TeamId, row: &TeamRow, device: Device) -> Result<(), Fault> {
        let Stage::Stalled { slot, claim, .. } = row.stage else {
            return Ok(());
        };
        let row = StallRow { slot, claim, beyond: true };
        self.rows().put(Table::Stall, &word_key(team, device), &row)
    }

    /// What waits for its epoch may tell that its author went on.
    fn gather(&self, team: TeamId, row: &TeamRow) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Entry)) {
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                continue;
            };
            let object = kept.object()?;
            let Rest::Message { device, .. } = object.name().place().rest else {
                continue;
            };
            let certificate = self.certificate(team, device)?;
            let framing = object.data().and_then(Framing::read);
            if let (Some(certificate), Some(framing)) = (certificate, framing)
                && let Some(Bound { head, .. }) = Bound::read(framing.authenticated)
                && certificate.standing != Standing::Revoked
                && row.known_head(head.slot).is_some_and(|known| head.is(known))
                && self.is_beyond(team, row, framing.epoch, head.slot)
                && object.verifies(&certificate.log_key)
            {
                self.went_on(team, row, device)?;
            }
        }
        Ok(())
    }

    fn is_beyond(&self, team: TeamId, row: &TeamRow, epoch: u64, head: Slot) -> bool {
        let ours = self.groups.get(&team).map(|group| group.epoch().as_u64());
        let stalled = row.stalled_at();
        ours.is_some_and(|ours| epoch > ours)
            && stalled.is_some_and(|stalled| head >= stalled && head <= row.head().0)
    }

    /// Is it we who are behind? The member tool's word is enough, since only it could pass over the
    /// slot. Without it, as many people must have gone on as have stopped; the author and all of
    /// the author's devices count for neither.
    fn weigh(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let (Some(row), Some(group)) = (self.team(team)?, self.groups.get(&team)) else {
            return Ok(());
        };
        let Stage::Stalled { slot, claim, author } = row.stage else {
            return Ok(());
        };
        let author = user_of(group, author);
        let (mut stopped, mut beyond, mut root) = (BTreeSet::new(), BTreeSet::new(), false);
        for leaf in Self::leaves(group) {
            let word: Option<StallRow> =
                self.rows().get(Table::Stall, &word_key(team, leaf.device))?;
            let Some(word) = word.filter(|word| (word.slot, word.claim) == (slot, claim)) else {
                continue;
            };
            root |= word.beyond && leaf.device == Device::MEMBER_TOOL;
            if Some(leaf.user_key) == author {
                continue;
            }
            let side = if word.beyond { &mut beyond } else { &mut stopped };
            side.insert(leaf.user_key.0);
        }
        if root || (!beyond.is_empty() && beyond.len() >= stopped.len()) {
            self.rejoin(now, team)?;
        }
        Ok(())
    }

    pub(crate) fn forget_stalls(&self, team: TeamId) {
        for key in self.rows().keys(Table::Stall, &team_key(team)) {
            self.rows().remove(Table::Stall, &key);
        }
    }

    /// Claims the next slot to pass over the one at which the team has stopped: the member tool,
    /// when it has stopped there itself and more than half of the devices have said the same, those
    /// of the author aside.
    pub(crate) fn drive_skip(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let Stage::Stalled { slot, claim, author } = row.stage else {
            return Ok(());
        };
        if self.is_guarded(team) || !self.slot_is_free(team, &row)? || !row.is_admin() {
            return Ok(());
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let author = user_of(group, author);
        let (mut all, mut said) = (0_usize, 0_usize);
        for leaf in Self::leaves(group).filter(|leaf| Some(leaf.user_key) != author) {
            if self.log(&log_key(team, Channel::MANAGE, leaf.device))?.frozen {
                // Nobody hears what it says any more, so nobody waits for it.
                continue;
            }
            let wish = self.wish(team, &Intent::Readd(leaf.device))?;
            if let Some(wish) = wish
                && self.replacement(team, &row, leaf.device, &wish)?.is_some()
            {
                // It says nothing, and follows whatever history adds it again.
                continue;
            }
            all = all.saturating_add(1);
            let word: Option<StallRow> =
                self.rows().get(Table::Stall, &word_key(team, leaf.device))?;
            let same = |word: &StallRow| (word.slot, word.claim) == (slot, claim);
            if word.is_some_and(|word| same(&word) && !word.beyond) {
                said = said.saturating_add(1);
            }
        }
        if said.saturating_mul(2) <= all {
            return Ok(());
        }
        self.claim_next(now, team, row, vec![(Intent::Refresh, IntentRow::new(now.0))])
    }

    /// A device has sealed something behind a slot that we know, in a later epoch than ours: if
    /// that slot is the one that stopped us, it could be applied there.
    pub(crate) fn seen_beyond(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        epoch: u64,
        head: Slot,
    ) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if self.is_beyond(team, &row, epoch, head) {
            self.went_on(team, &row, device)?;
            self.weigh(now, team)?;
            self.advance(now, team)?;
        }
        Ok(())
    }
}

fn word_key(team: TeamId, device: Device) -> Vec<u8> {
    [team_key(team), device.value().to_be_bytes()].concat()
}

fn user_of(group: &MlsGroup, device: u64) -> Option<Key> {
    let mut leaves = Endpoint::leaves(group);
    leaves.find(|leaf| leaf.device.value() == device).map(|leaf| leaf.user_key)
}
