//! Asking without changing anything.

use names::{Channel, Device, Name, Rest, Slot, TeamId};
use objects::{Hash, Key, Millis, OrgRoot, TeamLink};

use crate::kept::Kept;
use crate::link::Link;
use crate::moving::{MOVE, move_key};
use crate::rows::Table;
use crate::state::{OrgRow, Stage, TeamRow, team_key, team_of};
use crate::views::{
    ChannelView, DeviceView, Joining, OrgView, TeamStanding, TeamStatus, TeamView, Whoami,
};
use crate::{Endpoint, Fault, Policy, Watermark};

impl Endpoint {
    /// The names of this device's user.
    ///
    /// # Errors
    /// A damaged row.
    pub fn whoami(&self) -> Result<Whoami, Fault> {
        let row = self.user()?;
        let user_key = row.seed.signer().key();
        Ok(Whoami { user: row.user.clone(), device: row.device.clone(), user_key })
    }

    /// The organisation whose root key is here.
    ///
    /// # Errors
    /// A damaged row.
    pub fn org(&self) -> Result<Option<OrgView>, Fault> {
        Ok(self.org_row()?.map(|row| org_view(&row)))
    }

    /// The teams that this device is in, and those that it was removed from.
    ///
    /// # Errors
    /// A damaged row.
    pub fn teams(&self) -> Result<Vec<TeamView>, Fault> {
        let mut teams = Vec::new();
        for key in self.rows().keys(Table::Team, &[]) {
            let id = team_of(&key).ok_or(Fault::Row)?;
            if let Some(row) = self.reader_of(id)? {
                let removed = self.removal(id)?;
                teams.push(TeamView { id, name: row.name.clone(), removed });
            }
        }
        Ok(teams)
    }

    /// The channels of a team; none when this device never was in it.
    ///
    /// # Errors
    /// A damaged row.
    pub fn channels(&self, team: TeamId) -> Result<Vec<ChannelView>, Fault> {
        let row = self.reader_of(team)?;
        let channels = row.map(|row| row.channels.clone()).unwrap_or_default();
        let view = |(id, name)| ChannelView { id: Channel::truncate(id), name };
        Ok(channels.into_iter().map(view).collect())
    }

    /// The devices of a team; none when this device is not in it.
    ///
    /// # Errors
    /// A damaged row.
    pub fn devices(&self, team: TeamId) -> Result<Vec<DeviceView>, Fault> {
        let (Some(row), Some(group)) = (self.member_of(team)?, self.groups.get(&team)) else {
            return Ok(Vec::new());
        };
        let mut devices = Vec::new();
        for leaf in Self::leaves(group) {
            devices.push(DeviceView {
                number: leaf.device,
                own: leaf.device == row.own(),
                admin: self.administers(team, leaf.device)?,
                heard: self.heard.get(&(team, leaf.device)).copied(),
                user: leaf.user,
                name: leaf.device_name,
                user_key: leaf.user_key,
            });
        }
        Ok(devices)
    }

    /// How a team stands, at the time that this endpoint was last told; `None` when this device
    /// never was in it.
    ///
    /// # Errors
    /// A damaged row.
    pub fn team_status(&self, team: TeamId) -> Result<Option<TeamStatus>, Fault> {
        let (Some(row), Some(group)) = (self.member_of(team)?, self.groups.get(&team)) else {
            return self.status_of_removed(team);
        };
        let now = self.clock;
        let unsealed = self.rows().count(Table::Unsealed, &team_key(team));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let wishes = self.rows().count(Table::Intent, &team_key(team));
        let moves = self.rows().count(Table::Identity, &move_key(team));
        let wishes = wishes.saturating_add(moves);
        let origin = self.origin(team)?;
        let reachable = |link: &Link| {
            if Some(link.relay) == origin { Some(true) } else { link.upstream }
        };
        let origin_reachable = self.link.as_ref().and_then(reachable);
        let there = |(of, device): &(TeamId, Device), heard: &Millis| {
            let other = *of == team && *device != row.own();
            (other && heard.plus(PRESENT) > now).then_some(*device)
        };
        let heard = self.heard.iter().filter_map(|(key, heard)| there(key, heard));
        let members: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        let oldest = self.oldest_unsettled(team)?;
        Ok(Some(TeamStatus {
            id: team,
            epoch: group.epoch().as_u64(),
            slot: row.head().0,
            devices: count(members.len()),
            queued: count(self.waiting(team, |row| row.held.is_none())?.saturating_add(unsealed)),
            wishes: count(wishes),
            standing: self.standing(now, team, &row)?,
            origin_reachable,
            paused: wishes > 0 && origin_reachable != Some(true),
            reachable: heard.filter(|device| members.contains(device)).collect(),
            unsettled: count(self.waiting(team, |_| true)?.saturating_add(unsealed)),
            offline_since: oldest.filter(|_| origin_reachable != Some(true)),
            proofs: count(self.rows().count(Table::Proof, &team_key(team))),
            policy: self.policy(team).unwrap_or_default(),
            removed: None,
            name: row.name.clone(),
        }))
    }

    fn status_of_removed(&self, team: TeamId) -> Result<Option<TeamStatus>, Fault> {
        let removed = self.removal(team)?;
        let row = self.reader_of(team)?;
        Ok(row.map(|row| TeamStatus {
            id: team,
            epoch: 0,
            slot: row.head().0,
            devices: 0,
            queued: 0,
            wishes: 0,
            standing: TeamStanding::Removed,
            origin_reachable: None,
            paused: false,
            reachable: Vec::new(),
            unsettled: 0,
            offline_since: None,
            proofs: u32::try_from(self.rows().count(Table::Proof, &team_key(team))).unwrap_or(0),
            policy: Policy::default(),
            removed,
            name: row.name.clone(),
        }))
    }

    fn standing(&self, now: Millis, team: TeamId, row: &TeamRow) -> Result<TeamStanding, Fault> {
        Ok(match row.stage {
            Stage::Stalled { slot, .. } => TeamStanding::Stalled(Slot::truncate(slot)),
            Stage::Rejoining { .. } => TeamStanding::Rejoining,
            Stage::Member | Stage::Joining { .. } | Stage::Removed => {
                if self.is_cut_off(now, team)? {
                    TeamStanding::ReadOnly
                } else if self.is_guarded(team) {
                    TeamStanding::Waiting
                } else if self.two_histories(team)? {
                    TeamStanding::TwoHistories
                } else {
                    TeamStanding::Member
                }
            }
        })
    }

    /// The authenticator of a team's epoch (RFC 9420 §8.7): equal where, and only where, the same
    /// history was applied. `None` when this device is not in the team.
    ///
    /// # Errors
    /// A damaged row.
    pub fn authenticator(&self, team: TeamId) -> Result<Option<Vec<u8>>, Fault> {
        let group = self.member_of(team)?.and_then(|_| self.groups.get(&team));
        Ok(group.map(|group| group.epoch_authenticator().as_slice().to_vec()))
    }

    /// What to give to newcomers of a team.
    ///
    /// # Errors
    /// A damaged row.
    pub fn team_link(&self, team: TeamId) -> Result<Option<TeamLink>, Fault> {
        let (Some(row), Some(relay)) = (self.member_of(team)?, self.relay()) else {
            return Ok(None);
        };
        Ok(Some(TeamLink { team, root: Key(row.root), relay }))
    }

    /// Joins that wait for an admin.
    ///
    /// # Errors
    /// A damaged row.
    pub fn joining(&self) -> Result<Vec<Joining>, Fault> {
        let mut joining = Vec::new();
        for team in self.subscriptions() {
            let stage = self.team(team)?.map(|row| row.stage.clone());
            if let Some(Stage::Joining { announcement, .. }) = stage {
                joining.push(Joining { team, hash: Hash(announcement) });
            }
        }
        Ok(joining)
    }

    /// How far own messages of a channel have come; `None` when this device is not in the team.
    ///
    /// # Errors
    /// A damaged row.
    pub fn watermarks(&self, team: TeamId, channel: Channel) -> Result<Option<Watermark>, Fault> {
        match self.reader_of(team)? {
            Some(row) => self.watermark(team, channel, row.own()).map(Some),
            None => Ok(None),
        }
    }

    /// How far the log of an own message has come: this device had another number before it was
    /// removed and came back.
    ///
    /// # Errors
    /// A damaged row.
    pub fn watermark_of(&self, name: Name) -> Result<Option<Watermark>, Fault> {
        match (name.place().rest, self.reader_of(name.team())?) {
            (Rest::Message { channel, device, .. }, Some(_)) => {
                self.watermark(name.team(), channel, device).map(Some)
            }
            (_, _) => Ok(None),
        }
    }

    /// Does nothing wait for the relay or for a slot?
    ///
    /// # Errors
    /// A damaged row.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let empty = |table| self.rows().count(table, &[]) == 0;
        // Nobody waits for the pool.
        !self.busy().unwrap_or(true)
            && self.rows().count(Table::Identity, MOVE) == 0
            && [Table::Unsealed, Table::Claim, Table::Intent].into_iter().all(empty)
    }

    /// Of a team whose history may be here: also one that this device was removed from, and waits
    /// to be let into again.
    fn reader_of(&self, team: TeamId) -> Result<Option<Kept<TeamRow>>, Fault> {
        let removed = self.rows().has(Table::Removal, &team_key(team));
        let was_in = |row: &TeamRow| row.joined > 0 || !row.name.is_empty();
        Ok(self.team(team)?.filter(|row| match row.stage {
            Stage::Joining { .. } => removed && was_in(row),
            Stage::Removed => was_in(row),
            Stage::Member | Stage::Stalled { .. } | Stage::Rejoining { .. } => true,
        }))
    }

    pub(crate) fn member_of(&self, team: TeamId) -> Result<Option<Kept<TeamRow>>, Fault> {
        let row = self.team(team)?;
        Ok(row.filter(|row| !matches!(row.stage, Stage::Joining { .. } | Stage::Removed)))
    }
}

pub(crate) fn org_view(row: &OrgRow) -> OrgView {
    let root = row.seed.signer().key();
    let (origin, org) = (names::Origin::truncate(row.origin), names::Org::truncate(row.org));
    let fingerprint = OrgRoot { origin, org, key: root }.fingerprint();
    OrgView { name: row.name.clone(), origin, org, root, fingerprint }
}

/// Who was heard within so many milliseconds is there.
const PRESENT: u64 = 150_000;
