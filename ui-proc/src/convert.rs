//! Between the words of the wire and the words of the window.

use ipc_schema::{List, Text, TooLong, control};
use ipc_schema_ui as wire;
use names::{Channel, Name, Org, Origin, Team, TeamId};
use ui_model::{
    Answer, Ask, ChannelEntry, Confinement, Event, Fingerprint, Health, Link, Me, Member,
    Membership, Millis, Offer, Phase, Refusal, Removed, Role, Row, Standing, TeamEntry, Words,
};

/// What to ask of the secure process.
///
/// # Errors
/// When a text is longer than its field.
pub(crate) fn request(ask: &Ask) -> Result<wire::Request, TooLong> {
    use wire::Request;
    Ok(match ask {
        Ask::Create { name, device, passphrase } => Request::Create {
            passphrase: wire::Passphrase::new(passphrase.reveal().to_owned())?,
            user: Text::new(name.as_str())?,
            device: Text::new(device.as_str())?,
        },
        Ask::Unlock(passphrase) => {
            Request::Unlock { passphrase: wire::Passphrase::new(passphrase.reveal().to_owned())? }
        }
        Ask::Lock => Request::Lock,
        Ask::WhoAmI => Request::WhoAmI,
        Ask::Status => Request::Status,
        Ask::Follow => Request::Follow { scope: wire::Scope::All },
        Ask::Teams => Request::Teams,
        Ask::Channels(team) => Request::Channels { team: team_bits(*team) },
        Ask::Devices(team) => Request::Devices { team: team_bits(*team) },
        Ask::Page { talk, before, limit, .. } => Request::Page {
            team: team_bits(talk.team),
            channel: channel_bits(talk.channel),
            thread: talk.thread.map(name_bits),
            before: before.map(name_bits),
            limit: u16::try_from((*limit).clamp(1, wire::MAX_ROWS)).unwrap_or(1),
        },
        Ask::Send { talk, text } => Request::Send {
            team: team_bits(talk.team),
            channel: channel_bits(talk.channel),
            text: Text::new(text.reveal())?,
            reply_to: talk.thread.map(name_bits),
        },
        Ask::ReadLink(link) => Request::ReadLink { link: Text::new(link.as_str())? },
        Ask::Join { link, root } => {
            Request::Join { link: Text::new(link.as_str())?, fingerprint: root.0 }
        }
    })
}

/// What an answer says; `None` if this window never asks for such.
pub(crate) fn answer(answer: Result<wire::Answer, wire::Failure>, now: Millis) -> Option<Answer> {
    use wire::Answer as From;
    Some(match answer {
        Err(failure) => Answer::Refused(refusal(&failure, now)),
        Ok(From::Done) => Answer::Done,
        Ok(From::Status(status)) => Answer::Status {
            confinement: worst(&status),
            link: link(status.link),
            joining: list(status.joining).map(|joining| Fingerprint(joining.hash)).collect(),
            teams: list(status.teams).map(|team| (team_id(team.id), health(team))).collect(),
        },
        Ok(From::WhoAmI(names)) => Answer::Me(Me {
            name: names.user.as_str().to_owned(),
            device: names.device.as_str().to_owned(),
        }),
        Ok(From::Teams(teams)) => Answer::Teams(
            list(teams)
                .map(|team| TeamEntry { id: team_id(team.id), name: team.name.as_str().to_owned() })
                .collect(),
        ),
        Ok(From::Channels(channels)) => {
            Answer::Channels(list(channels).filter_map(|channel| entry(&channel)).collect())
        }
        Ok(From::Sent { row: sent }) => Answer::Sent(row(&sent)?),
        Ok(From::Page { rows, more }) => {
            Answer::Page { rows: list(rows).filter_map(|shown| row(&shown)).collect(), more }
        }
        Ok(From::Link { team, fingerprint, relay }) => Answer::Offer(Offer {
            team: team_id(team),
            root: Fingerprint(fingerprint),
            relay: relay.as_str().to_owned(),
        }),
        Ok(From::Joining(joining)) => Answer::Joining(Fingerprint(joining.hash)),
        Ok(From::Devices(devices)) => Answer::Devices(list(devices).map(member).collect()),
        // Answers to what only the member tool asks.
        Ok(From::Org { .. } | From::TeamLink { .. }) => return None,
    })
}

/// What an event says; `None` if it names nothing of this application.
pub(crate) fn event(event: wire::Event) -> Option<Event> {
    Some(match event {
        wire::Event::Phase(told) => Event::Phase(phase(told)),
        wire::Event::Message { team, channel, row: told, after } => Event::Message {
            team: team_id(team),
            channel: Channel::new(channel.into()).ok()?,
            row: row(&told)?,
            above: match after {
                Some(after) => Some(Name::from_bytes(after.0).ok()?),
                None => None,
            },
        },
        wire::Event::Watermark(mark) => Event::Watermark {
            team: team_id(mark.team),
            channel: Channel::new(mark.channel.into()).ok()?,
            local: mark.local,
            relay: mark.relay,
            delivered: mark.delivered,
        },
        wire::Event::TeamsChanged => Event::TeamsChanged,
        wire::Event::Link(told) => Event::Link(link(told)),
        wire::Event::Joined { team } => Event::Joined(team_id(team)),
        wire::Event::Notice(text) => Event::Notice(text.as_str().to_owned()),
        wire::Event::Renamed { team, channel, from, to } => Event::Renamed {
            team: team_id(team),
            channel: Channel::new(channel.into()).ok()?,
            from: Name::from_bytes(from.0).ok()?,
            to: Name::from_bytes(to.0).ok()?,
        },
        wire::Event::Team(status) => Event::Team(team_id(status.id), health(status)),
    })
}

/// What the vault is doing.
pub(crate) fn phase(phase: wire::Phase) -> Phase {
    match phase {
        wire::Phase::FirstStart => Phase::FirstStart,
        wire::Phase::Locked => Phase::Locked,
        wire::Phase::Unlocked => Phase::Unlocked,
    }
}

/// Why a question never left this process.
pub(crate) fn too_long(error: &TooLong) -> Refusal {
    Refusal {
        message: format!("This is too long: {} bytes", error.len),
        hint: format!("At most {} bytes fit.", error.most),
        wait_until: None,
    }
}

fn refusal(failure: &wire::Failure, now: Millis) -> Refusal {
    let wait_until = (failure.wait > 0).then(|| Millis(now.0.saturating_add(failure.wait)));
    Refusal {
        message: failure.message.as_str().to_owned(),
        hint: failure.hint.as_str().to_owned(),
        wait_until,
    }
}

fn row(told: &wire::Row) -> Option<Row> {
    Some(Row {
        name: Name::from_bytes(told.name.0).ok()?,
        from: told.from.as_str().to_owned(),
        own: told.own,
        at: Millis(told.at),
        standing: match told.state {
            wire::State::Queued => Standing::Queued,
            wire::State::LocalRelay => Standing::LocalRelay,
            wire::State::Relay => Standing::Relay,
            wire::State::Delivered => Standing::Delivered,
            wire::State::Failed => Standing::Failed,
            wire::State::Undecryptable => Standing::Undecryptable,
        },
        why: told.why.as_str().to_owned(),
        text: Words::new(told.text.as_str()),
        thread: told.thread.and_then(|thread| Name::from_bytes(thread.0).ok()),
        replies: told.replies,
        missing_before: told.missing_before,
    })
}

fn health(status: wire::TeamStatus) -> Health {
    let two_faced = list(status.proofs).filter_map(|proof| match proof {
        wire::Proof::Device { user, .. } => Some(user.as_str().to_owned()),
        wire::Proof::Origin { .. } => None,
    });
    let mut two_faced: Vec<String> = two_faced.collect();
    two_faced.sort_unstable();
    two_faced.dedup();
    Health {
        membership: match status.standing {
            wire::Standing::Member => Membership::Member,
            wire::Standing::Waiting => Membership::Waiting,
            wire::Standing::Stalled { .. } => Membership::Stalled,
            wire::Standing::Rejoining => Membership::Rejoining,
            wire::Standing::ReadOnly => Membership::ReadOnly,
            wire::Standing::TwoHistories => Membership::TwoHistories,
            wire::Standing::Removed => Membership::Removed,
        },
        paused: status.paused,
        wishes: status.wishes,
        reachable: list(status.reachable).collect(),
        devices: status.devices,
        two_faced,
        max_offline_send: status.policy.max_offline_send,
        removed: status
            .removed
            .map(|removed| Removed { by: removed.by.as_str().to_owned(), at: Millis(removed.at) }),
    }
}

fn member(row: wire::DeviceRow) -> Member {
    Member {
        number: row.number,
        user: row.user.as_str().to_owned(),
        name: row.name.as_str().to_owned(),
        own: row.own,
        role: match row.role {
            wire::Role::Root => Role::Root,
            wire::Role::Admin => Role::Admin,
            wire::Role::Member => Role::Member,
        },
        reachable: row.reachable,
        heard: row.heard.map(Millis),
        two_faced: row.two_histories,
    }
}

fn entry(channel: &wire::Channel) -> Option<ChannelEntry> {
    let id = Channel::new(channel.id.into()).ok()?;
    Some(ChannelEntry { id, name: channel.name.as_str().to_owned() })
}

fn link(told: wire::LinkState) -> Link {
    match told {
        wire::LinkState::NoRelay => Link::NoRelay,
        wire::LinkState::Online { skew } => Link::Online { skew },
        wire::LinkState::Offline { since, why } => {
            Link::Offline { since: Millis(since), why: why.as_str().to_owned() }
        }
    }
}

/// One word for all three processes: what the least confined one has.
fn worst(status: &wire::Status) -> Confinement {
    let all = [
        ("secure-proc", Some(&status.secure)),
        ("net-proc", status.net.as_ref()),
        ("ui-proc", status.window.as_ref()),
    ];
    let mut lacks = Vec::new();
    let mut absent = false;
    for (process, confinement) in all {
        match confinement {
            Some(control::Confinement::Reduced(lack)) => lacks.push(format!("{process}: {lack}")),
            Some(control::Confinement::None(lack)) => {
                absent = true;
                lacks.push(format!("{process}: {lack}"));
            }
            Some(control::Confinement::Full) | None => {}
        }
    }
    match (lacks.is_empty(), absent) {
        (true, _) => Confinement::Full,
        (false, true) => Confinement::Absent(lacks.join("; ")),
        (false, false) => Confinement::Reduced(lacks.join("; ")),
    }
}

fn list<T, const MOST: usize>(list: List<T, MOST>) -> impl Iterator<Item = T> {
    list.into_vec().into_iter()
}

fn name_bits(name: Name) -> wire::NameBits {
    wire::NameBits(name.bytes())
}

fn channel_bits(channel: Channel) -> u16 {
    // A channel has 10 bits.
    u16::try_from(channel.value()).unwrap_or_default()
}

fn team_bits(team: TeamId) -> wire::TeamBits {
    let origin = team.origin.value() << 38;
    wire::TeamBits(origin | team.org.value() << 20 | team.team.value())
}

fn team_id(bits: wire::TeamBits) -> TeamId {
    TeamId {
        origin: Origin::truncate(bits.0 >> 38),
        org: Org::truncate(bits.0 >> 20),
        team: Team::truncate(bits.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-03`
    #[test]
    fn a_team_survives_the_way_to_the_wire_and_back() {
        let team = TeamId {
            origin: Origin::truncate(0x00AB_CDEF),
            org: Org::truncate(0x3_FFFF),
            team: Team::truncate(0x8_0001),
        };
        assert_eq!(team_id(team_bits(team)), team);
        assert_eq!(team_bits(team).0 >> 62, 0);
    }

    /// `UI-03`
    #[test]
    fn a_name_that_does_not_fit_its_field_is_refused_here_and_says_by_how_much() {
        let ask = Ask::Create {
            name: "n".repeat(65),
            device: "laptop".into(),
            passphrase: ui_model::Passphrase::new("correct horse".into()),
        };
        let error = request(&ask).unwrap_err();
        assert_eq!(too_long(&error).hint, "At most 64 bytes fit.");
    }

    /// `UI-03`
    #[test]
    fn how_a_team_stands_is_what_the_wire_says_and_each_two_faced_person_is_named_once() {
        let proof = |number| wire::Proof::Device {
            device: number,
            user: Text::cut("Anna"),
            name: wire::NameBits([1; 16]),
        };
        let status = wire::TeamStatus {
            id: wire::TeamBits(1),
            name: Text::cut("friends"),
            epoch: 1,
            slot: 2,
            devices: 3,
            queued: 4,
            wishes: 5,
            standing: wire::Standing::Stalled { slot: 3 },
            origin: Some(false),
            paused: true,
            reachable: List::cut(vec![7, 8]),
            unsettled: 6,
            offline_since: None,
            proofs: List::cut(vec![proof(7), wire::Proof::Origin { slot: 1 }, proof(9)]),
            policy: wire::Policy { max_offline_send: 8, refresh_every: 9 },
            removed: Some(wire::Removed { at: 12, by: Text::cut("Anna") }),
        };
        let Some(Event::Team(team, told)) = event(wire::Event::Team(status)) else {
            panic!("an event")
        };
        assert_eq!(team, team_id(wire::TeamBits(1)));
        let expected = Health {
            membership: Membership::Stalled,
            paused: true,
            wishes: 5,
            reachable: vec![7, 8],
            devices: 3,
            two_faced: vec!["Anna".to_owned()],
            max_offline_send: 8,
            removed: Some(Removed { by: "Anna".to_owned(), at: Millis(12) }),
        };
        assert_eq!(told, expected);
    }

    /// `UI-03`
    #[test]
    fn a_wait_is_counted_from_the_moment_the_answer_came() {
        let failure = wire::Failure {
            code: wire::ErrorCode::TooSoon,
            message: Text::cut("Too soon"),
            hint: Text::cut(""),
            wait: 3_000,
        };
        let refused = refusal(&failure, Millis(10_000));
        assert_eq!(refused.wait_until, Some(Millis(13_000)));
    }
}
