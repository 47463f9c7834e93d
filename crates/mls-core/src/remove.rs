//! Removing devices and people from a team.

use names::{Device, TeamId};
use objects::{Key, Millis};

use crate::state::{IntentRow, TeamRow};
use crate::wish::Intent;
use crate::{Endpoint, Fault};

/// Why a removal was not wished.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum RemoveError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// This device is no admin.
    #[error("only an admin removes devices")]
    NotAdmin,
    /// That device, or that person, is not in that team.
    #[error("nobody like that is in that team")]
    NoSuchDevice,
    /// Nobody removes the member tool, and only the member tool removes admins.
    #[error("only the member tool removes admins, and nobody removes the member tool")]
    Protected,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Wishes that a device is out of a team: it can neither write nor read any more, and its
    /// number is never used again.
    ///
    /// # Errors
    /// As [`RemoveError`] says; then nothing has changed.
    pub fn remove_device(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
    ) -> Result<(), RemoveError> {
        let row = self.member_of(team)?.ok_or(RemoveError::NoSuchTeam)?;
        if self.leaf(team, device)?.is_none() {
            return Err(RemoveError::NoSuchDevice);
        }
        self.may_be_removed(team, &row, device)?;
        self.put_wish(team, &Intent::Remove(device), &IntentRow::new(now.0))?;
        self.settle(now)?;
        Ok(())
    }

    /// Wishes that all devices that a person has in a team now are out of it.
    ///
    /// # Errors
    /// As [`RemoveError`] says; then nothing has changed.
    pub fn remove_user(
        &mut self,
        now: Millis,
        team: TeamId,
        user_key: Key,
    ) -> Result<(), RemoveError> {
        let row = self.member_of(team)?.ok_or(RemoveError::NoSuchTeam)?;
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let devices: Vec<Device> = Self::leaves(group)
            .filter(|leaf| leaf.user_key == user_key)
            .map(|leaf| leaf.device)
            .collect();
        if devices.is_empty() {
            return Err(RemoveError::NoSuchDevice);
        }
        for device in &devices {
            self.may_be_removed(team, &row, *device)?;
        }
        for device in devices {
            self.put_wish(team, &Intent::Remove(device), &IntentRow::new(now.0))?;
        }
        self.settle(now)?;
        Ok(())
    }

    fn may_be_removed(
        &self,
        team: TeamId,
        row: &TeamRow,
        device: Device,
    ) -> Result<(), RemoveError> {
        if self.issuer(team, row)?.is_none() {
            return Err(RemoveError::NotAdmin);
        }
        let over = device == Device::MEMBER_TOOL || self.is_named_admin(team, device)?;
        let root = self.root_of(row)?.is_some() && device != Device::MEMBER_TOOL;
        if over && !root { Err(RemoveError::Protected) } else { Ok(()) }
    }
}
