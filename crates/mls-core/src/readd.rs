//! Re-adding: a device of the team that lost its group announces itself anew, and any member
//! replaces its leaf.

use names::{Device, TeamId};
use objects::{Announcement, Claim, Hash, Millis, Object};
use openmls::prelude::{KeyPackage, LeafNodeIndex, MlsGroup};

use crate::rows::Table;
use crate::state::{IntentRow, TeamRow, stored_object, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault};

impl Endpoint {
    /// Wishes that a device that is behind is removed and added again; spread over time, so that
    /// one of the others does it.
    pub(crate) fn wish_readd(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        device: Device,
        object: &Object,
    ) -> Result<(), Fault> {
        let delay = self.turn(team, row.own(), device)?.saturating_mul(STEP);
        let wish = IntentRow { announcement: object.bytes(), ..IntentRow::new(now.plus(delay).0) };
        match self.replacement(team, row, device, &wish)? {
            Some(_) => self.put_wish(team, &Intent::Readd(device), &wish),
            None => Ok(()),
        }
    }

    /// What replaces which leaf, with the hash of its announcement; `None` when the leaf is that
    /// already, or the announcement was welcomed before.
    pub(crate) fn replacement(
        &self,
        team: TeamId,
        row: &TeamRow,
        device: Device,
        wish: &IntentRow,
    ) -> Result<Option<(KeyPackage, LeafNodeIndex, Hash)>, Fault> {
        let object = stored_object(&wish.announcement)?;
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(None);
        };
        let hash = announcement.hash();
        let welcomed = self.rows().has(Table::Welcomed, &welcomed_key(team, &hash));
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let (Some(index), Some(package)) =
            (Self::place(group, device), self.package(&announcement))
        else {
            return Ok(None);
        };
        let may = !welcomed && self.comes_back(team, row, &object, &announcement)?;
        Ok(may.then_some((package, index, hash)))
    }

    /// Which announcements a claim has welcomed: an old one that is delivered again must not put
    /// an old leaf in the place of a new one.
    pub(crate) fn note_welcomed(&self, team: TeamId, claim: &Object) -> Result<(), Fault> {
        let Ok(claim) = Claim::parse(claim.data().unwrap_or_default()) else {
            return Ok(());
        };
        for hash in &claim.welcomed {
            self.rows().put(Table::Welcomed, &welcomed_key(team, hash), &())?;
        }
        Ok(())
    }

    /// Whose turn it is: the member tool's first, then by leaf; the device itself has none.
    fn turn(&self, team: TeamId, own: Device, device: Device) -> Result<u64, Fault> {
        if own == Device::MEMBER_TOOL {
            return Ok(0);
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let before = Self::leaves(group)
            .take_while(|leaf| leaf.device != own)
            .filter(|leaf| ![device, Device::MEMBER_TOOL].contains(&leaf.device))
            .count();
        Ok(u64::try_from(before).unwrap_or(MOST_TURNS).saturating_add(1).min(MOST_TURNS))
    }

    /// The leaf index of a device.
    pub(crate) fn place(group: &MlsGroup, device: Device) -> Option<LeafNodeIndex> {
        let is = |of: Option<Device>| of == Some(device);
        let mut members = group.members();
        members.find(|member| is(Self::device_of(&member.credential))).map(|member| member.index)
    }
}

pub(crate) fn welcomed_key(team: TeamId, hash: &Hash) -> Vec<u8> {
    [&team_key(team)[..], &hash.0].concat()
}

const STEP: u64 = 2_000;
const MOST_TURNS: u64 = 30;
