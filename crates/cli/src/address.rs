//! Teams, channels and messages as people write them.

use ipc_schema_ui::{Channel, NameBits, Team, TeamBits};
use names::{Name, Org, Origin, TeamId};

use crate::Trouble;

/// A team as somebody wrote it.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum TeamRef {
    /// `sotto://<origin>/<org>/<team>`.
    Id(TeamBits),
    /// A name, or a decimal team number.
    Word(String),
}

/// `TEAM/CHANNEL` as somebody wrote it.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Target {
    /// The team.
    pub team: TeamRef,
    /// A channel's name or number.
    pub channel: String,
}

impl TeamRef {
    /// Reads a team.
    ///
    /// # Errors
    /// When it starts like an id and is none, or is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("name a team".to_owned());
        }
        if !text.starts_with(SCHEME) {
            return Ok(Self::Word(text.to_owned()));
        }
        let team: TeamId = text
            .parse()
            .map_err(|error| format!("a team's id looks like sotto://1/2/3 ({error})"))?;
        Ok(Self::Id(bits(team)))
    }
}

impl Target {
    /// Reads `TEAM/CHANNEL`, cut at the last slash.
    ///
    /// # Errors
    /// When one of them is missing, or the team's id is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = "write TEAM/CHANNEL, as in friends/general or sotto://1/2/3/general";
        let (team, channel) = text.rsplit_once('/').ok_or(wrong)?;
        if team.is_empty() || channel.is_empty() || is_id(text) {
            return Err(wrong.to_owned());
        }
        Ok(Self { team: TeamRef::parse(team)?, channel: channel.to_owned() })
    }
}

/// The team that is meant, of those there are.
///
/// # Errors
/// When there is none, or more than one has that name.
pub fn team_in(teams: &[Team], wanted: &TeamRef) -> Result<Team, Trouble> {
    let found: Vec<&Team> = match wanted {
        TeamRef::Id(id) => teams.iter().filter(|team| team.id == *id).collect(),
        TeamRef::Word(word) => {
            let named: Vec<&Team> = teams.iter().filter(|t| t.name.as_str() == word).collect();
            if named.is_empty() {
                teams.iter().filter(|team| number_of(team.id).to_string() == *word).collect()
            } else {
                named
            }
        }
    };
    match found.as_slice() {
        [team] => Ok((*team).clone()),
        [] => Err(Trouble::refused(
            "no-such-team",
            "there is no such team here",
            "`sotto-cli teams` lists them",
        )),
        several => {
            let ids: Vec<String> = several.iter().map(|team| team_text(team.id)).collect();
            let hint = format!("use the id: {}", ids.join(" or "));
            Err(Trouble::refused("ambiguous-team", "several teams have that name", hint))
        }
    }
}

/// The channel that is meant, of those there are.
///
/// # Errors
/// When there is none, or more than one has that name.
pub fn channel_in(channels: &[Channel], wanted: &str) -> Result<Channel, Trouble> {
    let mut found: Vec<&Channel> = channels.iter().filter(|c| c.name.as_str() == wanted).collect();
    if found.is_empty() {
        found = channels.iter().filter(|channel| channel.id.to_string() == wanted).collect();
    }
    match found.as_slice() {
        [channel] => Ok((*channel).clone()),
        [] => Err(Trouble::refused(
            "no-such-channel",
            "there is no such channel in that team",
            "`sotto-cli channels TEAM` lists them",
        )),
        several => {
            let ids: Vec<String> = several.iter().map(|channel| channel.id.to_string()).collect();
            let hint = format!("use the number: {}", ids.join(" or "));
            Err(Trouble::refused("ambiguous-channel", "several channels have that name", hint))
        }
    }
}

/// A team's id: `sotto://<origin>/<org>/<team>`.
#[must_use]
pub fn team_text(team: TeamBits) -> String {
    team_id(team).map_or_else(|| format!("{:016x}", team.0), |team| team.to_string())
}

/// A message's name as text.
#[must_use]
pub fn name_text(name: NameBits) -> String {
    Name::from_bytes(name.0).map_or_else(|_| crate::hex(&name.0), |name| name.to_string())
}

/// Reads a message's name.
///
/// # Errors
/// When it is none.
pub fn name_bits(text: &str) -> Result<NameBits, String> {
    let name: Name = text.parse().map_err(|error| {
        format!("a message's name looks like sotto://1/2/3/4/5/6, as `read` prints it ({error})")
    })?;
    Ok(NameBits(name.bytes()))
}

fn bits(team: TeamId) -> TeamBits {
    TeamBits(team.origin.value() << 38 | team.org.value() << 20 | team.team.value())
}

fn team_id(bits: TeamBits) -> Option<TeamId> {
    Some(TeamId {
        origin: Origin::new(bits.0 >> 38).ok()?,
        org: Org::truncate(bits.0 >> 20),
        team: names::Team::truncate(bits.0),
    })
}

fn number_of(team: TeamBits) -> u64 {
    names::Team::truncate(team.0).value()
}

/// Is it a whole team's id, without a channel?
fn is_id(text: &str) -> bool {
    text.parse::<TeamId>().is_ok()
}

const SCHEME: &str = "sotto://";

#[cfg(test)]
mod tests {
    use ipc_schema::Text;

    use super::*;

    fn team(id: u64, name: &str) -> Team {
        Team { id: TeamBits(id), name: Text::new(name).unwrap(), removed: None }
    }

    fn channel(id: u16, name: &str) -> Channel {
        Channel { id, name: Text::new(name).unwrap(), messages: 0 }
    }

    const ID: u64 = 9 << 38 | 8 << 20 | 7;

    /// `CLI-03`
    #[test]
    fn teams_are_found_by_name_number_and_id() {
        let teams =
            [team(ID, "friends"), team(ID + 1, "7"), team(ID + 2, "twice"), team(1, "twice")];
        let cases = [
            ("friends", Ok(ID)),
            ("sotto://9/8/7", Ok(ID)),
            ("9", Ok(ID + 2)),
            // A name comes before a number, and is team 8 here.
            ("7", Ok(ID + 1)),
            ("twice", Err("ambiguous-team")),
            ("sotto://9/8/6", Err("no-such-team")),
            ("Friends", Err("no-such-team")),
        ];
        for (text, wanted) in cases {
            let found = team_in(&teams, &TeamRef::parse(text).unwrap());
            let found = found.map(|team| team.id.0).map_err(|trouble| trouble.code);
            assert_eq!(found, wanted.map_err(str::to_owned), "{text}");
        }
        assert_eq!(team_text(TeamBits(ID)), "sotto://9/8/7");
        for bad in ["", "sotto://9/8", "sotto://9/8/7/6", "sotto://9/8/x", "sotto://9/8/07"] {
            assert!(TeamRef::parse(bad).is_err(), "{bad}");
        }
    }

    /// `CLI-03`
    #[test]
    fn channels_are_found_by_name_and_number() {
        let channels = [channel(5, "general"), channel(6, "5"), channel(7, "x"), channel(8, "x")];
        let cases = [
            ("general", Ok(5)),
            ("5", Ok(6)),
            ("6", Ok(6)),
            ("x", Err("ambiguous-channel")),
            ("8", Ok(8)),
            ("none", Err("no-such-channel")),
        ];
        for (text, wanted) in cases {
            let found = channel_in(&channels, text);
            let found = found.map(|channel| channel.id).map_err(|trouble| trouble.code);
            assert_eq!(found, wanted.map_err(str::to_owned), "{text}");
        }
    }

    /// `CLI-03`
    #[test]
    fn a_target_is_cut_at_its_last_slash() {
        let cases = [
            ("friends/general", Some((TeamRef::Word("friends".to_owned()), "general"))),
            ("a/b/c", Some((TeamRef::Word("a/b".to_owned()), "c"))),
            ("sotto://9/8/7/general", Some((TeamRef::Id(TeamBits(ID)), "general"))),
            ("sotto://9/8/7", None),
            ("friends", None),
            ("friends/", None),
            ("/general", None),
        ];
        for (text, wanted) in cases {
            let found = Target::parse(text).ok();
            let found = found.as_ref().map(|target| (target.team.clone(), target.channel.as_str()));
            assert_eq!(found, wanted, "{text}");
        }
    }

    /// `CLI-03`
    #[test]
    fn names_of_messages_are_written_as_they_are_read() {
        let text = "sotto://9/8/7/6/5/4";
        assert_eq!(name_text(name_bits(text).unwrap()), text);
        for bad in ["", "4", "sotto://9/8/7", "sotto://9/8/7/6/5/4/3"] {
            assert!(name_bits(bad).is_err(), "{bad}");
        }
    }
}
