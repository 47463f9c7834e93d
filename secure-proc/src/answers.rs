//! What becomes of each request, once the gate has let it through: what the open vault answers.

use ipc_schema::{List, Text};
use ipc_schema_ui::{
    Answer, Channel as ChannelRow, ErrorCode, Failure, Joining, Label, LinkText, Names, Request,
    RequestId, Team, TeamBits,
};
use names::{Channel, Name, TeamId};
use objects::{Millis, RelayRef, TeamLink};

use crate::effect::{failure, store_failed};
use crate::session::{Answered, Session};
use crate::{failures, translate};

/// What is answered.
pub(crate) type Outcome = Result<Answer, Failure>;

impl Session {
    /// What every vault answers.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the desk has told the requests apart")]
    pub(crate) fn ask(&mut self, now: Millis, id: RequestId, request: Request) -> Outcome {
        match request {
            Request::WhoAmI => {
                let me = understood(self.endpoint.whoami())?;
                Ok(Answer::WhoAmI(Names {
                    user: Text::cut(&me.user),
                    device: Text::cut(&me.device),
                    user_key: me.user_key.0,
                }))
            }
            Request::Teams => self.teams(),
            Request::Channels { team } => {
                let team = self.readable(team)?.id;
                self.channels(team)
            }
            Request::Send { team, channel, text, reply_to } => {
                self.send(now, id, team, channel, text.as_str(), reply_to)
            }
            Request::Page { team, channel, thread, before, limit } => {
                let (team, channel) = self.channel(team, channel)?;
                let (thread, before) = (self.known(thread)?, self.known(before)?);
                self.page(team, channel, thread, before, usize::from(limit))
            }
            Request::ReadLink { link } => {
                let link = read_link(&link)?;
                Ok(Answer::Link {
                    team: translate::team_bits(link.team),
                    fingerprint: link.org().fingerprint().0,
                    relay: Text::cut(&link.relay.address),
                })
            }
            Request::Join { link, fingerprint } => {
                let link = read_link(&link)?;
                if link.org().fingerprint().0 != fingerprint {
                    return Err(failures::wrong_fingerprint());
                }
                if understood(self.endpoint.use_relay_of(&link))? {
                    return Ok(Answer::Done);
                }
                let joining =
                    self.endpoint.join(now, &link).map_err(|error| failures::join(&error))?;
                Ok(Answer::Joining(Joining {
                    team: translate::team_bits(joining.team),
                    hash: joining.hash.0,
                }))
            }
            Request::Refresh { team } => {
                let team = self.team(team)?;
                self.endpoint.refresh(now, team).map_err(|error| failures::refresh(&error))?;
                Ok(Answer::Done)
            }
            Request::Devices { team } => {
                let team = self.team(team)?;
                self.devices(team)
            }
            _ => Err(failures::not_permitted()),
        }
    }

    /// What only the vault with the root key answers.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the desk has told the requests apart")]
    pub(crate) fn ask_as_admin(&mut self, now: Millis, id: RequestId, request: Request) -> Outcome {
        match request {
            Request::CreateOrg { name, relay, relay_key } => {
                let name = name_of(&name)?;
                let relay =
                    RelayRef { address: relay.as_str().to_owned(), key: objects::Key(relay_key) };
                self.endpoint
                    .create_org(name, &relay)
                    .map_err(|error| failures::create_org(&error))?;
                self.org()
            }
            Request::ShowOrg => self.org(),
            Request::MoveOrigin { relay, relay_key } => {
                let relay =
                    RelayRef { address: relay.as_str().to_owned(), key: objects::Key(relay_key) };
                self.endpoint
                    .move_origin(now, &relay)
                    .map_err(|error| failures::move_origin(&error))?;
                Ok(Answer::Done)
            }
            Request::CreateTeam { name } => self.create_team(now, id, &name),
            Request::ShowTeamLink { team } => {
                let team = self.team(team)?;
                self.link(team)
            }
            Request::CreateChannel { team, name } => {
                let team = self.team(team)?;
                let name = name_of(&name)?;
                self.endpoint
                    .create_channel(now, team, name)
                    .map_err(|error| failures::create_channel(&error))?;
                self.channels(team)
            }
            _ => Err(failures::not_permitted()),
        }
    }

    fn send(
        &mut self,
        now: Millis,
        id: RequestId,
        team: TeamBits,
        channel: u16,
        text: &str,
        reply_to: Option<ipc_schema_ui::NameBits>,
    ) -> Outcome {
        if let Some(Answered::Sent(name)) = self.answered(id.0).map_err(|_| store_failed())? {
            return self.sent(name);
        }
        let (team, channel) = (self.team(team)?, self.channel(team, channel)?.1);
        if text.trim().is_empty() {
            return Err(failures::empty_text());
        }
        // Threads do not nest: a reply to a reply belongs to the thread of the first message.
        let thread = match self.known(reply_to)? {
            None => None,
            Some(name) => {
                let record = self.book.stored(&self.vault, name).map_err(|_| store_failed())?;
                Some(record.and_then(|record| record.thread()).unwrap_or(name))
            }
        };
        let after = self.book.frontier(team, channel);
        let opened = self
            .endpoint
            .send(now, team, channel, text.into(), thread, after)
            .map_err(|error| failures::send(&error))?;
        let name = opened.name;
        self.keep(&opened);
        self.remember(id.0, Answered::Sent(name));
        self.sent(name)
    }

    fn sent(&self, name: Name) -> Outcome {
        let row = self.row(self.book.called(name)).map_err(|_| store_failed())?;
        row.map(|row| Answer::Sent { row }).ok_or_else(failures::no_such_message)
    }

    fn create_team(&mut self, now: Millis, id: RequestId, name: &Label) -> Outcome {
        if let Some(Answered::Made(team)) = self.answered(id.0).map_err(|_| store_failed())? {
            return self.link(team);
        }
        let name = name_of(name)?;
        let team =
            self.endpoint.create_team(now, name).map_err(|error| failures::create_team(&error))?;
        self.remember(id.0, Answered::Made(team));
        self.link(team)
    }

    fn link(&self, team: TeamId) -> Outcome {
        let link = understood(self.endpoint.team_link(team))?.ok_or_else(failures::not_admin)?;
        Ok(Answer::TeamLink {
            team: translate::team_bits(team),
            link: LinkText::cut(&link.to_string()),
        })
    }

    fn org(&self) -> Outcome {
        let org = understood(self.endpoint.org())?.ok_or_else(failures::not_admin)?;
        Ok(Answer::Org {
            name: Text::cut(&org.name),
            origin: u32::try_from(org.origin.value()).unwrap_or(0),
            org: u32::try_from(org.org.value()).unwrap_or(0),
            root: org.root.0,
            fingerprint: org.fingerprint.0,
        })
    }

    fn teams(&self) -> Outcome {
        let shown = |view: mls_core::TeamView| Team {
            id: translate::team_bits(view.id),
            name: Text::cut(&view.name),
            removed: view.removed.as_ref().map(crate::standing::removed),
        };
        let teams = understood(self.endpoint.teams())?;
        Ok(Answer::Teams(List::cut(teams.into_iter().map(shown).collect())))
    }

    fn channels(&self, team: TeamId) -> Outcome {
        let shown = |view: mls_core::ChannelView| ChannelRow {
            id: u16::try_from(view.id.value()).unwrap_or(0),
            name: Text::cut(&view.name),
            messages: u32::try_from(self.book.count(team, view.id)).unwrap_or(u32::MAX),
        };
        let channels = understood(self.endpoint.channels(team))?;
        Ok(Answer::Channels(List::cut(channels.into_iter().map(shown).collect())))
    }

    fn devices(&self, team: TeamId) -> Outcome {
        Ok(Answer::Devices(List::cut(understood(self.device_rows(team))?)))
    }

    pub(crate) fn joining(&self) -> Vec<Joining> {
        let shown = |joining: mls_core::Joining| Joining {
            team: translate::team_bits(joining.team),
            hash: joining.hash.0,
        };
        let joining = self.endpoint.joining().unwrap_or_default();
        joining.into_iter().map(shown).collect()
    }

    /// A team that something can be done in.
    pub(crate) fn team(&self, team: TeamBits) -> Result<TeamId, Failure> {
        let view = self.readable(team)?;
        match view.removed {
            None => Ok(view.id),
            Some(removal) => Err(failures::removed(&removal)),
        }
    }

    /// A team whose history is here, also when this device was removed from it.
    fn readable(&self, team: TeamBits) -> Result<mls_core::TeamView, Failure> {
        let wanted = translate::team_of(team).ok_or_else(failures::no_such_team)?;
        let mut teams = understood(self.endpoint.teams())?.into_iter();
        teams.find(|view| view.id == wanted).ok_or_else(failures::no_such_team)
    }

    fn channel(&self, team: TeamBits, channel: u16) -> Result<(TeamId, Channel), Failure> {
        let team = self.readable(team)?.id;
        let wanted = Channel::new(u64::from(channel)).map_err(|_| failures::no_such_channel())?;
        let known = understood(self.endpoint.channels(team))?.iter().any(|view| view.id == wanted);
        if known { Ok((team, wanted)) } else { Err(failures::no_such_channel()) }
    }

    /// A message that is here.
    fn known(&self, name: Option<ipc_schema_ui::NameBits>) -> Result<Option<Name>, Failure> {
        let Some(bits) = name else { return Ok(None) };
        let name = Name::from_bytes(bits.0).ok();
        // One that another message has now means that message.
        let name =
            name.map(|name| if self.book.holds(name) { name } else { self.book.called(name) });
        name.filter(|name| self.book.holds(*name)).map(Some).ok_or_else(failures::no_such_message)
    }
}

fn read_link(link: &LinkText) -> Result<TeamLink, Failure> {
    link.as_str().parse().map_err(|error: objects::LinkError| {
        failure(ErrorCode::BadLink, &error.to_string(), "paste the whole line, from sotto-team: on")
    })
}

/// A name that people will see: something, and nothing that hides.
pub(crate) fn name_of(label: &Label) -> Result<&str, Failure> {
    let name = label.as_str();
    if mls_core::is_label(name) && name.trim() == name {
        Ok(name)
    } else {
        Err(failures::bad_name())
    }
}

/// Rows of our own that cannot be read are a damaged vault.
fn understood<T>(read: Result<T, mls_core::Fault>) -> Result<T, Failure> {
    read.map_err(|fault| failures::damaged(&fault.to_string()))
}
