//! Changing who is in a team: the same words and answers in every tool that may do it.

use clap::Subcommand;
use ipc_schema_ui::{Answer, DeviceRow, Request, Team, TeamBits};
use serde_json::{Value, json};

use crate::{Out, TeamRef, Trouble, device_in, hex, parse_hash, safe, team_in, team_text, user_in};

/// Adding and removing a device.
#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub enum DeviceChange {
    /// Add the newcomer who shows this hash; waits until it is done
    Add {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The whole hash, as the newcomer sees it
        #[arg(value_parser = parse_hash)]
        hash: [u8; 32],
    },
    /// Remove a device: from then on it can neither read nor write; waits until it is done
    Remove {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The device's name or number, as `device list` prints them
        device: String,
    },
}

/// Adding and removing a person.
#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub enum UserChange {
    /// Add a person of the organisation, from the key packages that wait there; waits until it is
    /// done
    Add {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The person's name, or the whole key
        user: String,
    },
    /// Remove a person with all devices; waits until it is done
    Remove {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The person's name, or the whole key
        user: String,
    },
}

/// Whoever can be asked on behalf of the person at the keyboard.
pub trait Wisher {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// A refusal, a lost connection, or no answer in time.
    fn ask(&mut self, request: Request) -> Result<Answer, Trouble>;

    /// The team that is meant.
    ///
    /// # Errors
    /// As [`Wisher::ask`], or when there is none.
    fn team(&mut self, wanted: &TeamRef) -> Result<Team, Trouble> {
        team_in(&self.teams()?, wanted)
    }

    /// The teams of this device.
    ///
    /// # Errors
    /// As [`Wisher::ask`].
    fn teams(&mut self) -> Result<Vec<Team>, Trouble> {
        let Answer::Teams(teams) = self.ask(Request::Teams)? else {
            return Err(Trouble::unexpected());
        };
        Ok(teams.into_vec())
    }

    /// The devices of a team.
    ///
    /// # Errors
    /// As [`Wisher::ask`].
    fn devices(&mut self, team: TeamBits) -> Result<Vec<DeviceRow>, Trouble> {
        let Answer::Devices(devices) = self.ask(Request::Devices { team })? else {
            return Err(Trouble::unexpected());
        };
        Ok(devices.into_vec())
    }

    /// Asks for something that waits for the origin.
    ///
    /// # Errors
    /// As [`Wisher::ask`]; without an answer in time it says that the wish is kept.
    fn wish(&mut self, request: Request) -> Result<(), Trouble> {
        match self.ask(request) {
            Ok(Answer::Done) => Ok(()),
            Ok(_) => Err(Trouble::unexpected()),
            Err(trouble) if trouble.code == "no-answer" => Err(Trouble::unreachable(
                "not-reachable",
                "the wish is kept here, but the origin relay has not answered in time",
                "it comes true when the origin is reached; `status` shows how many wishes are open",
            )),
            Err(trouble) => Err(trouble),
        }
    }
}

/// Adds or removes a device, and says so.
///
/// # Errors
/// As [`Wisher::wish`], or when there is no such team or device.
pub fn change_device(
    wisher: &mut impl Wisher,
    out: Out,
    change: &DeviceChange,
) -> Result<(), Trouble> {
    match change {
        DeviceChange::Add { team, hash } => {
            let team = wisher.team(team)?.id;
            wisher.wish(Request::AddDevice { team, hash: *hash })?;
            done(out, team, ("hash", json!(hex(hash))), "added")
        }
        DeviceChange::Remove { team, device } => {
            let team = wisher.team(team)?.id;
            let row = device_in(&wisher.devices(team)?, device)?;
            wisher.wish(Request::RemoveDevice { team, device: row.number })?;
            let text = format!("removed {}, {}", safe(row.user.as_str()), safe(row.name.as_str()));
            done(out, team, ("device", json!(row.number)), &text)
        }
    }
}

/// Adds or removes a person, and says so.
///
/// # Errors
/// As [`Wisher::wish`], or when there is no such team or person.
pub fn change_user(wisher: &mut impl Wisher, out: Out, change: &UserChange) -> Result<(), Trouble> {
    match change {
        UserChange::Add { team, user } => {
            let team = wisher.team(team)?.id;
            // Whoever is to be added may be known from another team.
            let mut known = Vec::new();
            for other in wisher.teams()? {
                known.extend(wisher.devices(other.id)?);
            }
            let user_key = user_in(&known, user)?;
            wisher.wish(Request::AddUser { team, user_key })?;
            done(out, team, ("user_key", json!(hex(&user_key))), "added")
        }
        UserChange::Remove { team, user } => {
            let team = wisher.team(team)?.id;
            let user_key = user_in(&wisher.devices(team)?, user)?;
            wisher.wish(Request::RemoveUser { team, user_key })?;
            done(out, team, ("user_key", json!(hex(&user_key))), "removed")
        }
    }
}

fn done(out: Out, team: TeamBits, what: (&str, Value), text: &str) -> Result<(), Trouble> {
    let (key, value) = what;
    Ok(out.print(|| json!({"team": team_text(team), key: value}), || text.to_owned())?)
}
