//! What admins wish for their teams.

use ipc_schema_ui::{Failure, Request, TeamBits};
use mls_core::{Policy, Wish};
use names::{Device, TeamId};
use objects::{Hash, Key, Millis};

use crate::failures;
use crate::session::Session;
use crate::wanted::Part;

/// The team of a request that is answered when its slot is decided.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are answered at once")]
pub(crate) fn team_of(request: &Request) -> Option<TeamBits> {
    match request {
        Request::AddDevice { team, .. }
        | Request::AddUser { team, .. }
        | Request::RemoveDevice { team, .. }
        | Request::RemoveUser { team, .. }
        | Request::SetRole { team, .. }
        | Request::SetPolicy { team, .. } => Some(*team),
        _ => None,
    }
}

impl Session {
    /// Makes a wish; what has to come true before it is answered.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`team_of` has told the requests apart")]
    pub(crate) fn wish(
        &mut self,
        now: Millis,
        team: TeamId,
        request: &Request,
    ) -> Result<Vec<Part>, Failure> {
        match request {
            Request::AddDevice { hash, .. } => {
                let added = self.endpoint.add_device(now, team, Hash(*hash));
                added.map_err(|error| failures::add(&error))?;
                Ok(vec![Part::Add(*hash)])
            }
            Request::AddUser { user_key, .. } => {
                let added = self.endpoint.add_user(now, team, Key(*user_key));
                added.map_err(|error| failures::add_user(&error))?;
                Ok(vec![Part::AddUser(*user_key)])
            }
            Request::RemoveDevice { device, .. } => {
                let number = device_of(*device)?;
                let removed = self.endpoint.remove_device(now, team, number);
                removed.map_err(|error| failures::remove(&error, failures::no_such_device()))?;
                Ok(vec![Part::Remove(number.value())])
            }
            Request::RemoveUser { user_key, .. } => {
                let rows = self.device_rows(team).map_err(failures::broken)?;
                let removed = self.endpoint.remove_user(now, team, Key(*user_key));
                removed.map_err(|error| failures::remove(&error, failures::no_such_user()))?;
                let theirs = rows.into_iter().filter(|row| row.user_key == *user_key);
                Ok(theirs.map(|row| Part::Remove(row.number.into())).collect())
            }
            Request::SetRole { device, admin, .. } => {
                let number = device_of(*device)?;
                let set = self.endpoint.set_role(now, team, number, *admin);
                set.map_err(|error| failures::set_role(&error))?;
                Ok(vec![Part::Role(number.value(), *admin)])
            }
            Request::SetPolicy { max_offline_send, refresh_every, .. } => {
                let known = self.endpoint.policy(team).ok_or_else(failures::no_such_team)?;
                let policy = Policy {
                    max_offline_send: max_offline_send.unwrap_or(known.max_offline_send),
                    refresh_every: refresh_every.unwrap_or(known.refresh_every),
                };
                let set = self.endpoint.set_policy(now, team, policy);
                set.map_err(|error| failures::set_policy(&error))?;
                Ok(vec![Part::Policy])
            }
            _ => Err(failures::not_permitted()),
        }
    }
}

/// What a wish is waited for as; `None` for what nobody waits for.
pub(crate) fn part_of(wish: Wish) -> Option<Part> {
    match wish {
        Wish::Remove(device) => Some(Part::Remove(device.value())),
        Wish::Role(device, admin) => Some(Part::Role(device.value(), admin)),
        Wish::Policy => Some(Part::Policy),
        Wish::Add(key) => Some(Part::AddUser(key.0)),
        Wish::Refresh => None,
    }
}

fn device_of(number: u32) -> Result<Device, Failure> {
    Device::new(number.into()).map_err(|_| failures::no_such_device())
}
