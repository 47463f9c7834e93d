//! Who may decide over members: the owner of the root key, and the admins that the root names.

use std::rc::Rc;

use names::{Device, Generation, Rest, TeamId};
use objects::{
    Admin, Certificate, Draft, Grant, Hash, Issuer, Key, Millis, Object, Part, Signer, Standing,
};

use crate::identity::Leaf;
use crate::state::{IntentRow, TeamRow};
use crate::wish::{ADMIN, Intent, NO_ADMIN};
use crate::{Endpoint, Fault};

/// Why a role was not wished.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum SetRoleError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// No root key is here.
    #[error("only the member tool makes admins")]
    NotAdmin,
    /// That device is not in that team.
    #[error("that device is not in that team")]
    NoSuchDevice,
    /// The member tool itself has no other role.
    #[error("the member tool keeps its role")]
    Protected,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a certificate says, but for its issuer.
pub(crate) struct Says {
    pub(crate) device: Device,
    pub(crate) generation: Generation,
    pub(crate) standing: Standing,
    pub(crate) log_key: Key,
    pub(crate) credential: Hash,
}

impl Endpoint {
    /// Wishes that a device is an admin, who adds and removes others, or that it is none.
    ///
    /// # Errors
    /// As [`SetRoleError`] says; then nothing has changed.
    pub fn set_role(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        admin: bool,
    ) -> Result<(), SetRoleError> {
        let row = self.member_of(team)?.ok_or(SetRoleError::NoSuchTeam)?;
        if self.root_of(&row)?.is_none() {
            return Err(SetRoleError::NotAdmin);
        }
        if device == Device::MEMBER_TOOL {
            return Err(SetRoleError::Protected);
        }
        if self.leaf(team, device)?.is_none() {
            return Err(SetRoleError::NoSuchDevice);
        }
        let value = if admin { ADMIN } else { NO_ADMIN }.to_vec();
        let intent = IntentRow { value, ..IntentRow::new(now.0) };
        self.put_wish(team, &Intent::Role(device), &intent)?;
        self.settle(now)?;
        Ok(())
    }

    /// The root key, if it is here and the team's.
    pub(crate) fn root_of(&self, row: &TeamRow) -> Result<Option<Rc<Signer>>, Fault> {
        let org = self.org_row()?.filter(|_| row.is_admin());
        let root = org.map(|org| org.seed.signer());
        Ok(root.filter(|root| root.key().0 == row.root))
    }

    /// What this device signs certificates of a team with, if it may.
    pub(crate) fn issuer(
        &self,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<Option<(Rc<Signer>, Issuer)>, Fault> {
        if let Some(root) = self.root_of(row)? {
            return Ok(Some((root, Issuer::Root)));
        }
        let grant = self.certificate(team, row.own())?.and_then(|own| own.grant());
        Ok(grant.map(|grant| (Self::log_signer(row), Issuer::Admin(grant))))
    }

    /// Is a device of the team an admin that the root names?
    pub(crate) fn is_named_admin(&self, team: TeamId, device: Device) -> Result<bool, Fault> {
        Ok(self.certificate(team, device)?.is_some_and(|known| known.grant().is_some()))
    }

    /// The leaf of a device.
    pub(crate) fn leaf(&self, team: TeamId, device: Device) -> Result<Option<Leaf>, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        Ok(Self::leaves(group).find(|leaf| leaf.device == device))
    }
}

/// The standing of an admin: the root's word that its log key may sign.
pub(crate) fn admin_standing(root: &Signer, team: TeamId, log_key: Key) -> Standing {
    let Admin { until, signature, .. } = Admin::name(root, team, log_key, Millis(0), Millis::NEVER);
    Standing::Admin(Grant { until, signature })
}

/// A certificate, signed.
pub(crate) fn certificate(
    (signer, issuer): &(Rc<Signer>, Issuer),
    now: Millis,
    team: TeamId,
    says: &Says,
) -> Result<Object, Fault> {
    let Says { device, generation, standing, log_key, credential } = *says;
    let certificate = Certificate {
        standing,
        log_key,
        credential,
        // Clocks differ; a certificate that is not valid yet would shut a device out.
        from: Millis(0),
        until: Millis::NEVER,
        issuer: *issuer,
    };
    let draft = Draft {
        name: team.name(Rest::Certificate { device, generation }),
        created: now,
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &certificate.bytes(),
    };
    draft.sign(signer).map_err(|_| Fault::Encode)
}
