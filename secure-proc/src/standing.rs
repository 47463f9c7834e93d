//! How teams stand: who asks is told, and who follows is told when it changes.

use std::collections::BTreeMap;

use ipc_schema::{List, Text};
use ipc_schema_ui::{
    DeviceRow, Event, NameBits, Policy, Proof, Removed, Role, Standing, TeamStatus,
};
use mls_core::{Equivocation, Removal, TeamStanding};
use names::{Device, TeamId};
use objects::Millis;

use crate::desk::{Desk, Home};
use crate::session::Session;
use crate::translate;

/// What was said last.
#[derive(Default)]
pub(crate) struct Told {
    teams: BTreeMap<TeamId, TeamStatus>,
    looked: Option<Millis>,
    due: Option<Millis>,
}

impl Told {
    /// Everything is to be said again.
    pub(crate) fn forget(&mut self) {
        self.teams.clear();
        self.looked = None;
    }

    /// When to look again if nothing happens before.
    pub(crate) fn due(&self) -> Option<Millis> {
        self.due
    }
}

impl Desk {
    /// Tells those who follow which teams stand otherwise than before; now, or when the last look
    /// is old enough.
    pub(crate) fn tell_standings(&mut self, now: Millis) {
        let Home::Open(session) = &self.home else {
            self.told = Told::default();
            return;
        };
        if !self.is_followed() {
            self.told = Told::default();
            return;
        }
        let next = self.told.looked.map(|looked| looked.plus(LOOK_EVERY_MS));
        if let Some(next) = next.filter(|next| now < *next) {
            self.told.due = Some(self.told.due.map_or(next, |due| due.min(next)));
            return;
        }
        let teams: BTreeMap<TeamId, TeamStatus> = session.team_statuses().into_iter().collect();
        // Who is there goes away without a word.
        let anybody = teams.values().any(|team| !team.reachable.as_slice().is_empty());
        let before = std::mem::replace(&mut self.told.teams, teams.clone());
        self.told.looked = Some(now);
        self.told.due = anybody.then(|| now.plus(LOOK_AGAIN_MS));
        for (team, status) in teams {
            if before.get(&team) != Some(&status) {
                self.announce(Some((team, None)), &Event::Team(status));
            }
        }
    }
}

impl Session {
    pub(crate) fn team_statuses(&self) -> Vec<(TeamId, TeamStatus)> {
        let teams = self.endpoint.teams().unwrap_or_default().into_iter();
        teams
            .filter_map(|team| self.endpoint.team_status(team.id).ok().flatten())
            .map(|status| (status.id, self.standing(&status)))
            .collect()
    }

    pub(crate) fn device_rows(&self, team: TeamId) -> Result<Vec<DeviceRow>, mls_core::Fault> {
        let two_faced = self.endpoint.proofs()?.into_iter().filter_map(|proof| match proof.what {
            Equivocation::Device { device, .. } if proof.team == team => Some(device),
            Equivocation::Device { .. } | Equivocation::Origin { .. } => None,
        });
        let two_faced: Vec<Device> = two_faced.collect();
        let status = self.endpoint.team_status(team)?;
        let there = status.map(|status| status.reachable).unwrap_or_default();
        let shown = |view: mls_core::DeviceView| DeviceRow {
            number: number(view.number),
            user: Text::cut(&view.user),
            name: Text::cut(&view.name),
            own: view.own,
            user_key: view.user_key.0,
            role: if view.number == Device::MEMBER_TOOL {
                Role::Root
            } else if view.admin {
                Role::Admin
            } else {
                Role::Member
            },
            heard: view.heard.map(|at| at.0),
            reachable: there.contains(&view.number),
            two_histories: two_faced.contains(&view.number),
        };
        Ok(self.endpoint.devices(team)?.into_iter().map(shown).collect())
    }

    fn proofs(&self, team: TeamId) -> Vec<Proof> {
        let proofs = self.endpoint.proofs().unwrap_or_default();
        let mut proofs = proofs.into_iter().filter(|proof| proof.team == team).peekable();
        if proofs.peek().is_none() {
            return Vec::new();
        }
        let devices = self.endpoint.devices(team).unwrap_or_default();
        let shown = |what| match what {
            Equivocation::Origin { slot } => {
                Proof::Origin { slot: u32::try_from(slot.value()).unwrap_or(u32::MAX) }
            }
            Equivocation::Device { device, name } => {
                let known = devices.iter().find(|view| view.number == device);
                let user = known.map(|view| Text::cut(&view.user)).unwrap_or_default();
                Proof::Device { device: number(device), user, name: NameBits(name.bytes()) }
            }
        };
        proofs.map(|proof| shown(proof.what)).collect()
    }

    fn standing(&self, status: &mls_core::TeamStatus) -> TeamStatus {
        let policy = self.endpoint.policy(status.id).unwrap_or_default();
        TeamStatus {
            id: translate::team_bits(status.id),
            name: Text::cut(&status.name),
            epoch: status.epoch,
            slot: u32::try_from(status.slot.value()).unwrap_or(u32::MAX),
            devices: status.devices,
            queued: status.queued,
            wishes: status.wishes,
            standing: standing(status.standing),
            origin: status.origin_reachable,
            paused: status.paused,
            reachable: List::cut(status.reachable.iter().copied().map(number).collect()),
            unsettled: status.unsettled,
            offline_since: status.offline_since.map(|at| at.0),
            proofs: List::cut(self.proofs(status.id)),
            policy: Policy {
                max_offline_send: policy.max_offline_send,
                refresh_every: policy.refresh_every,
            },
            removed: status.removed.as_ref().map(removed),
        }
    }
}

fn standing(standing: TeamStanding) -> Standing {
    match standing {
        TeamStanding::Member => Standing::Member,
        TeamStanding::Waiting => Standing::Waiting,
        TeamStanding::Stalled(slot) => {
            Standing::Stalled { slot: u32::try_from(slot.value()).unwrap_or(u32::MAX) }
        }
        TeamStanding::Rejoining => Standing::Rejoining,
        TeamStanding::ReadOnly => Standing::ReadOnly,
        TeamStanding::TwoHistories => Standing::TwoHistories,
        TeamStanding::Removed => Standing::Removed,
    }
}

pub(crate) fn removed(removal: &Removal) -> Removed {
    Removed { at: removal.at.0, by: Text::cut(&removal.user) }
}

fn number(device: Device) -> u32 {
    u32::try_from(device.value()).unwrap_or(0)
}

/// Followers are told at most so often, in ms.
const LOOK_EVERY_MS: u64 = 300;
/// While others are there, it is looked so often whether they still are, in ms.
const LOOK_AGAIN_MS: u64 = 30_000;
