//! Name and channels of a team, as the member tool says them. Whoever brings newcomers passes them
//! on, under the member tool's signature.

use names::{Channel, Device, Name, Number, Rest, TeamId};
use objects::{Millis, Signature};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::content::Content;
use crate::identity::is_label;
use crate::rows::Table;
use crate::state::team_key;
use crate::{Endpoint, Fault, Output};

/// The newest announcement, as it was signed.
#[derive(Serialize, Deserialize)]
struct RosterRow {
    number: u64,
    #[serde(with = "serde_bytes")]
    signature: [u8; 64],
    #[serde(with = "serde_bytes")]
    content: Vec<u8>,
}

impl Endpoint {
    /// Takes name and channels, if the entry was the member tool's. Its signature was checked.
    pub(crate) fn roster_came(
        &mut self,
        entry: Name,
        signature: &Signature,
        content: &[u8],
    ) -> Result<(), Fault> {
        let team = entry.team();
        let Rest::Message { channel: Channel::MANAGE, device: Device::MEMBER_TOOL, number } =
            entry.place().rest
        else {
            return Ok(());
        };
        let (Some(Content::Roster { name, channels }), Some(mut row)) =
            (Content::read(content), self.team(team)?)
        else {
            return Ok(());
        };
        let number = number.value();
        let newer = row.roster.is_none_or(|known| known < number);
        let fit = is_label(&name)
            && channels.iter().all(|(number, name)| {
                is_label(name) && Channel::new(*number).is_ok_and(|channel| channel.value() > 1)
            });
        if !newer || !fit {
            return Ok(());
        }
        self.want_no_roster(team);
        let kept = RosterRow { number, signature: signature.0, content: content.to_vec() };
        self.rows().put(Table::Roster, &team_key(team), &kept)?;
        row.roster = Some(number);
        row.name = name;
        row.channels = channels;
        self.put_team(team, &row)?;
        self.outputs.push_back(Output::TeamsChanged);
        Ok(())
    }

    /// Tells newcomers, or who could not read them, what the team and its channels are called.
    pub(crate) fn pass_roster_on(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(kept) = self.rows().get::<RosterRow>(Table::Roster, &team_key(team))? else {
            return Ok(());
        };
        let (channel, device) = (Channel::MANAGE, Device::MEMBER_TOOL);
        let number = Number::truncate(kept.number);
        let name = team.name(Rest::Message { channel, device, number });
        let (signature, content) = (Signature(kept.signature), Zeroizing::new(kept.content));
        self.manage(now, team, &Content::Reseal { name, signature, content })
    }

    /// A commit has brought newcomers, or somebody back: the member tool tells them what the team and its channels
    /// are called, and so does the admin whose commit it was.
    pub(crate) fn tell_newcomers(
        &mut self,
        now: Millis,
        team: TeamId,
        welcomes: bool,
        ours: bool,
    ) -> Result<(), Fault> {
        if !welcomes {
            return Ok(());
        }
        match self.team(team)?.filter(|row| row.is_admin()) {
            Some(row) => self.announce(now, team, &row),
            None if ours => self.pass_roster_on(now, team),
            None => Ok(()),
        }
    }
}
