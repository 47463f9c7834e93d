//! Coming back: a device that is behind is removed and added again in one commit, as itself.

use names::TeamId;
use objects::{Announcement, Hash, Millis, Object};

use crate::identity::Vouched;
use crate::kept::Kept;
use crate::open::{Ahead, ahead_key};
use crate::rows::Table;
use crate::slots::Due;
use crate::state::{Added, BlobRow, Purpose, Stage, TeamRow, Withdrawn};
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// Announces this device again, under the number and keys of its certificate, and waits to be
    /// welcomed. Logs, certificates and the old group's keys stay.
    pub(crate) fn rejoin(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        if !matches!(row.stage, Stage::Member | Stage::Stalled { .. }) {
            return Ok(());
        }
        row.former_leaf = Some(row.leaf_seed.clone());
        row.withdrawn = None;
        // Should our claim win all the same, it is followed like anybody's.
        self.lost(team)?;
        self.load_group(team)?;
        self.forget_stalls(team);
        self.outputs.push_back(Output::Notice(Notice::Rejoining { team }));
        self.outputs.push_back(Output::TeamsChanged);
        self.announce_again(now, team, row)
    }

    /// The group as it is here was used from a later state of this vault: nothing is ever sealed
    /// with it again.
    pub(crate) fn never_again(&self, team: TeamId) -> Result<(), Fault> {
        match self.team(team)?.filter(|row| row.former_leaf.is_some()) {
            Some(mut row) => {
                row.former_leaf = None;
                self.put_team(team, &row)
            }
            None => Ok(()),
        }
    }

    /// A commit has replaced our leaf by an announcement that we had taken back: its welcome is
    /// ours all the same.
    pub(crate) fn replaced(
        &mut self,
        team: TeamId,
        mut row: Kept<TeamRow>,
        due: &Due,
    ) -> Result<bool, Fault> {
        let (Some(Withdrawn { announcement, leaf_seed }), Some(claim)) =
            (row.withdrawn.take(), &due.claim)
        else {
            return Ok(false);
        };
        let (Some(welcome), Some(tree)) = (claim.welcome, claim.tree) else {
            return Ok(false);
        };
        if !claim.welcomed.contains(&Hash(announcement)) {
            return Ok(false);
        }
        let added = Added {
            epoch: claim.epoch,
            device: claim.device.value(),
            welcome: BlobRow::from(&welcome),
            tree: BlobRow::from(&tree),
        };
        row.leaf_seed = leaf_seed;
        row.stage = Stage::Rejoining { announcement, added: Some(added) };
        self.put_team(team, &row)?;
        self.lost(team)?;
        self.note_welcomed(team, &due.object)?;
        let key = ahead_key(team, Ahead::Claim, due.object.name());
        self.rows().remove(Table::Ahead, &key);
        self.outputs.push_back(Output::TeamsChanged);
        Ok(true)
    }

    /// Announces a new key package of this device, in place of the one that waits.
    pub(crate) fn announce_again(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
    ) -> Result<(), Fault> {
        row.leaf_seed = self.draw_seed();
        row.next_blob = self.blobs_behind(&row);
        let (object, hash) = self.announcement(now, team, &row)?;
        row.stage = Stage::Rejoining { announcement: hash.0, added: None };
        self.put_team(team, &row)?;
        self.queue(&object, Purpose::Plain)
    }

    /// If an old vault was put back, the next numbers of blobs may be taken: one far behind them.
    fn blobs_behind(&mut self, row: &TeamRow) -> u64 {
        let jump = BLOB_JUMP.saturating_add(self.draw_number() % BLOB_JUMP);
        row.next_blob.wrapping_add(jump)
    }

    pub(crate) fn pass_blobs(&mut self, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        row.next_blob = self.blobs_behind(&row);
        self.put_team(team, &row)
    }

    /// Somebody announces a key package: a member that is behind, perhaps.
    pub(crate) fn announced(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
    ) -> Result<(), Fault> {
        if matches!(row.stage, Stage::Joining { .. } | Stage::Removed) {
            return Ok(());
        }
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(());
        };
        self.take_announcement(team, announcement.hash(), object)?;
        if self.comes_back(team, row, object, &announcement)? {
            self.wish_readd(now, team, row, announcement.device, object)?;
        }
        Ok(())
    }

    /// Is it an announcement of a device that is in the group, with the credential of its leaf and
    /// another key?
    pub(crate) fn comes_back(
        &self,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
        announcement: &Announcement,
    ) -> Result<bool, Fault> {
        let hash = announcement.hash();
        let meant = announcement.team == team
            && announcement.root.0 == row.root
            && team.name(Announcement::rest(&hash)) == object.name()
            && object.verifies(&announcement.log_key)
            && announcement.device != row.own();
        if !meant {
            return Ok(false);
        }
        let package = self.package(announcement);
        let (Some(package), Some(group)) = (package, self.groups.get(&team)) else {
            return Ok(false);
        };
        let leaf = package.leaf_node();
        let Vouched::Yes(said) = self.certified(team, leaf.credential())? else {
            return Ok(false);
        };
        let same_owner = said.device == announcement.device && said.log_key == announcement.log_key;
        let is_behind = |member: &openmls::prelude::Member| {
            member.credential == *leaf.credential()
                && member.signature_key != leaf.signature_key().as_slice()
        };
        Ok(same_owner && group.members().any(|member| is_behind(&member)))
    }
}

impl TeamRow {
    /// Is one of these the announcement that was taken back?
    pub(crate) fn has_withdrawn(&self, welcomed: &[Hash]) -> bool {
        let ours = self.withdrawn.as_ref().map(|taken| Hash(taken.announcement));
        ours.is_some_and(|ours| welcomed.contains(&ours))
    }

    /// A term has taken back everything that our group does not know: it is the team's again.
    pub(crate) fn come_home(&mut self) {
        if let Stage::Rejoining { announcement, .. } = self.stage
            && let Some(former) = self.former_leaf.take()
        {
            let leaf_seed = std::mem::replace(&mut self.leaf_seed, former);
            self.withdrawn = Some(Withdrawn { announcement, leaf_seed });
            self.stage = Stage::Member;
        }
        if matches!(self.stage, Stage::Stalled { .. }) {
            self.stage = Stage::Member;
        }
    }
}

/// Far above what was used since a backup, and far below half of all numbers of blobs.
const BLOB_JUMP: u64 = 1 << 15;
