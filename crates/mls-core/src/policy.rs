//! What a team has agreed on, in its group context (RFC 9420 §8.1).

use names::TeamId;
use objects::Millis;
use openmls::prelude::{
    Extension, ExtensionType, Extensions, GroupContext, RequiredCapabilitiesExtension,
    UnknownExtension,
};

use crate::rows::{Table, decode, encode};
use crate::state::IntentRow;
use crate::wish::Intent;
use crate::{Endpoint, Fault};

/// What a team has agreed on.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Policy {
    /// Who was without the origin for so many milliseconds reads, but writes no more.
    pub max_offline_send: u64,
    /// Everybody renews the own leaf at least after so many milliseconds.
    pub refresh_every: u64,
}

/// Why a policy was not wished.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum SetPolicyError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// This device is no admin.
    #[error("only an admin changes the policy of a team")]
    NotAdmin,
    /// A time is out of bounds.
    #[error("the times of a policy are from one minute to ten years")]
    OutOfBounds,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_offline_send: WEEK, refresh_every: WEEK }
    }
}

impl Policy {
    fn is_sound(&self) -> bool {
        let bounds = LEAST..=MOST;
        bounds.contains(&self.max_offline_send) && bounds.contains(&self.refresh_every)
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Fault> {
        encode(&(LAYOUT, self.max_offline_send, self.refresh_every))
    }

    /// Reads the one encoding of a policy whose times are in bounds.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (layout, max_offline_send, refresh_every): (u8, u64, u64) = decode(bytes).ok()?;
        let policy = Self { max_offline_send, refresh_every };
        let same = layout == LAYOUT && policy.bytes().ok()? == bytes;
        (same && policy.is_sound()).then_some(policy)
    }

    /// The extensions of a group with this policy.
    pub(crate) fn extensions(&self) -> Result<Extensions<GroupContext>, Fault> {
        let policy = Extension::Unknown(POLICY, UnknownExtension(self.bytes()?));
        Extensions::from_vec(vec![required(), policy]).map_err(|_| Fault::Mls)
    }

    /// The policy in a group's extensions, if it is all that they say.
    pub(crate) fn of(extensions: &Extensions<GroupContext>) -> Option<Self> {
        let mut all = extensions.iter();
        let first = all.next().is_some_and(|first| *first == required());
        match (all.next(), all.next()) {
            (Some(Extension::Unknown(POLICY, bytes)), None) if first => Self::read(&bytes.0),
            _ => None,
        }
    }
}

impl Endpoint {
    /// Wishes that the team has this policy.
    ///
    /// # Errors
    /// As [`SetPolicyError`] says; then nothing has changed.
    pub fn set_policy(
        &mut self,
        now: Millis,
        team: TeamId,
        policy: Policy,
    ) -> Result<(), SetPolicyError> {
        let row = self.member_of(team)?.ok_or(SetPolicyError::NoSuchTeam)?;
        if self.issuer(team, &row)?.is_none() {
            return Err(SetPolicyError::NotAdmin);
        }
        if !policy.is_sound() {
            return Err(SetPolicyError::OutOfBounds);
        }
        let intent = IntentRow { value: policy.bytes()?, ..IntentRow::new(now.0) };
        self.rows().put(Table::Intent, &Intent::Policy.key(team), &intent)?;
        self.settle(now)?;
        Ok(())
    }

    /// What a team has agreed on; `None` when this device is not in it.
    #[must_use]
    pub fn policy(&self, team: TeamId) -> Option<Policy> {
        self.groups.get(&team).map(|group| Policy::of(group.extensions()).unwrap_or_default())
    }
}

/// Every leaf must know the policy (RFC 9420 §11.1).
fn required() -> Extension {
    let types = [ExtensionType::Unknown(POLICY)];
    Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&types, &[], &[]))
}

/// The type of the extension (RFC 9420 §17.3: for private use).
pub(crate) const POLICY: u16 = 0xfa50;
const LAYOUT: u8 = 1;
const WEEK: u64 = 7 * 24 * 3_600_000;
const LEAST: u64 = 60_000;
const MOST: u64 = 3_653 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// `MLS-84`
    #[test]
    fn a_policy_has_one_encoding_and_bounds() {
        let policy = Policy { max_offline_send: 60_000, refresh_every: WEEK };
        let bytes = policy.bytes().unwrap();
        let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, "830119ea601a240c8400");
        assert_eq!(Policy::read(&bytes), Some(policy));
        assert_eq!(Policy::of(&policy.extensions().unwrap()), Some(policy));
        for len in 0..bytes.len() {
            assert_eq!(Policy::read(&bytes[..len]), None);
        }
        assert_eq!(Policy::read(&[&bytes[..], &[0]].concat()), None);
        // The same numbers in longer forms.
        let longer = [&[0x83, 1, 0x1a, 0, 0, 0xea, 0x60], &bytes[5..]].concat();
        assert_eq!(Policy::read(&longer), None);
        for (max_offline_send, refresh_every) in [(0, WEEK), (WEEK, 59_999), (u64::MAX, WEEK)] {
            let policy = Policy { max_offline_send, refresh_every };
            assert_eq!(Policy::read(&policy.bytes().unwrap()), None);
        }
    }
}
