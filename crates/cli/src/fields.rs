//! Everything as JSON. These names never change.

use ipc_schema::control::Confinement;
use ipc_schema_ui::{
    Channel, DeviceRow, Joining, LinkState, Phase, Policy, Proof, Removed, Row, Standing, State,
    Status, Team, TeamStatus,
};
use serde_json::{Value, json};

use crate::standing::role;
use crate::{hex, name_text, team_text};

/// A message.
#[must_use]
pub fn row(row: &Row) -> Value {
    let mut out = json!({
        "name": name_text(row.name),
        "from": row.from.as_str(),
        "device": row.device,
        "own": row.own,
        "at": row.at,
        "state": state(row.state),
        "text": row.text.as_str(),
        "replies": row.replies,
        "missing_before": row.missing_before,
    });
    if let Some(out) = out.as_object_mut() {
        if let Some(thread) = row.thread {
            out.insert("thread".to_owned(), json!(name_text(thread)));
        }
        if !row.why.as_str().is_empty() {
            out.insert("why".to_owned(), json!(row.why.as_str()));
        }
    }
    out
}

/// A team.
#[must_use]
pub fn team(team: &Team) -> Value {
    let mut out = json!({"id": team_text(team.id), "name": team.name.as_str()});
    if let (Some(out), Some(told)) = (out.as_object_mut(), &team.removed) {
        out.insert("removed".to_owned(), removed(told));
    }
    out
}

/// By whom and when this device was removed; no name when that person was unknown here.
fn removed(removed: &Removed) -> Value {
    let by = Some(removed.by.as_str()).filter(|by| !by.is_empty());
    json!({"at": removed.at, "by": by})
}

/// A channel.
#[must_use]
pub fn channel(channel: &Channel) -> Value {
    json!({"id": channel.id, "name": channel.name.as_str()})
}

/// A device of a team.
#[must_use]
pub fn device(row: &DeviceRow) -> Value {
    json!({
        "device": row.number,
        "user": row.user.as_str(),
        "name": row.name.as_str(),
        "own": row.own,
        "user_key": hex(&row.user_key),
        "role": role(row.role),
        "heard": row.heard,
        "reachable": row.reachable,
        "two_histories": row.two_histories,
    })
}

/// What the admins of a team have decided, in ms.
#[must_use]
pub fn policy(policy: Policy) -> Value {
    json!({"max_offline_send": policy.max_offline_send, "refresh_every": policy.refresh_every})
}

/// A join that waits for an admin.
#[must_use]
pub fn join(joining: &Joining) -> Value {
    json!({"team": team_text(joining.team), "hash": hex(&joining.hash)})
}

/// Everything that `status` shows.
#[must_use]
pub fn status(status: &Status) -> Value {
    json!({
        "phase": phase(status.phase),
        "link": link(&status.link),
        "confinement": {
            "secure-proc": level(Some(&status.secure)),
            "net-proc": level(status.net.as_ref()),
            "ui-proc": level(status.window.as_ref()),
        },
        "forbidden_calls": status.forbidden_calls,
        "net_starts": status.net_starts,
        "teams": status.teams.as_slice().iter().map(team_status).collect::<Vec<_>>(),
        "joining": status.joining.as_slice().iter().map(join).collect::<Vec<_>>(),
    })
}

/// A state, as scripts read it.
pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::LocalRelay => "local-relay",
        State::Relay => "relay",
        State::Delivered => "delivered",
        State::Failed => "failed",
        State::Undecryptable => "undecryptable",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::FirstStart => "first-start",
        Phase::Locked => "locked",
        Phase::Unlocked => "unlocked",
    }
}

fn link(link: &LinkState) -> Value {
    match link {
        LinkState::NoRelay => json!({"state": "no-relay"}),
        LinkState::Online { skew } => json!({"state": "online", "skew": skew}),
        LinkState::Offline { since, why } => {
            json!({"state": "offline", "since": since, "why": why.as_str()})
        }
    }
}

fn level(level: Option<&Confinement>) -> Value {
    match level {
        None => Value::Null,
        Some(Confinement::Full) => json!({"level": "full", "lacks": ""}),
        Some(Confinement::Reduced(why)) => json!({"level": "reduced", "lacks": why.as_str()}),
        Some(Confinement::None(why)) => json!({"level": "none", "lacks": why.as_str()}),
    }
}

fn team_status(team: &TeamStatus) -> Value {
    json!({
        "id": team_text(team.id),
        "name": team.name.as_str(),
        "epoch": team.epoch,
        "slot": team.slot,
        "devices": team.devices,
        "queued": team.queued,
        "wishes": team.wishes,
        "standing": standing(team.standing),
        "stalled_at": if let Standing::Stalled { slot } = team.standing { Some(slot) } else { None },
        "origin_reachable": team.origin,
        "paused": team.paused,
        "reachable": team.reachable.as_slice(),
        "unsettled": team.unsettled,
        "offline_since": team.offline_since,
        "proofs": team.proofs.as_slice().iter().map(proof).collect::<Vec<_>>(),
        "policy": policy(team.policy),
        "removed": team.removed.as_ref().map(removed),
    })
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "member",
        Standing::Waiting => "waiting",
        Standing::Stalled { .. } => "stalled",
        Standing::Rejoining => "rejoining",
        Standing::ReadOnly => "read-only",
        Standing::TwoHistories => "two-histories",
        Standing::Removed => "removed",
    }
}

fn proof(proof: &Proof) -> Value {
    match proof {
        Proof::Origin { slot } => json!({"of": "origin", "slot": slot}),
        Proof::Device { device, user, name } => json!({
            "of": "device", "device": device, "user": user.as_str(), "name": name_text(*name),
        }),
    }
}

#[cfg(test)]
mod tests {
    use ipc_schema::{List, Text};
    use ipc_schema_ui::{NameBits, Role, TeamBits};

    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// `CLI-01`
    #[test]
    fn a_message_has_the_promised_fields() {
        let name = crate::name_bits("sotto://9/8/7/6/5/4").unwrap();
        let mut message = Row {
            name,
            from: Text::cut("Bob"),
            device: 5,
            own: false,
            at: 12,
            state: State::Delivered,
            text: Text::cut("hi"),
            thread: None,
            replies: 2,
            why: Text::cut(""),
            missing_before: 0,
        };
        assert_eq!(
            row(&message),
            json!({
                "name": "sotto://9/8/7/6/5/4", "from": "Bob", "device": 5, "own": false, "at": 12,
                "state": "delivered", "text": "hi", "replies": 2, "missing_before": 0,
            })
        );
        message.thread = Some(name);
        message.why = Text::cut("because");
        let value = row(&message);
        assert_eq!(value["thread"], "sotto://9/8/7/6/5/4");
        assert_eq!(value["why"], "because");
        message.name = NameBits([255; 16]);
        assert_eq!(row(&message)["name"], "f".repeat(32), "no name of ours is shown as it is");
    }

    /// `CLI-01`
    #[test]
    fn states_and_phases_have_the_promised_texts() {
        let states = [
            State::Queued,
            State::LocalRelay,
            State::Relay,
            State::Delivered,
            State::Failed,
            State::Undecryptable,
        ];
        let texts = ["queued", "local-relay", "relay", "delivered", "failed", "undecryptable"];
        assert_eq!(states.map(state), texts);
        let standings = [
            Standing::Member,
            Standing::Waiting,
            Standing::Stalled { slot: 1 },
            Standing::Rejoining,
            Standing::ReadOnly,
            Standing::TwoHistories,
            Standing::Removed,
        ];
        let texts =
            ["member", "waiting", "stalled", "rejoining", "read-only", "two-histories", "removed"];
        assert_eq!(standings.map(standing), texts);
        let roles = [Role::Root, Role::Admin, Role::Member];
        assert_eq!(roles.map(role), ["root", "admin", "member"]);
        let phases = [Phase::FirstStart, Phase::Locked, Phase::Unlocked];
        assert_eq!(phases.map(phase), ["first-start", "locked", "unlocked"]);
    }

    /// `CLI-01`
    #[test]
    fn status_says_everything_under_promised_names() {
        let id = TeamBits(9 << 38 | 8 << 20 | 7);
        let name = Text::cut("friends");
        let device = Proof::Device { device: 5, user: Text::cut("Bob"), name: NameBits([255; 16]) };
        let team = TeamStatus {
            id,
            name,
            epoch: 1,
            slot: 2,
            devices: 3,
            queued: 4,
            wishes: 5,
            standing: Standing::Stalled { slot: 3 },
            origin: Some(false),
            paused: true,
            reachable: List::cut(vec![7]),
            unsettled: 6,
            offline_since: None,
            proofs: List::cut(vec![Proof::Origin { slot: 1 }, device]),
            policy: Policy { max_offline_send: 8, refresh_every: 9 },
            removed: None,
        };
        let mut all = Status {
            phase: Phase::Unlocked,
            link: LinkState::Online { skew: -3 },
            secure: Confinement::Full,
            net: Some(Confinement::Reduced(Text::cut("old"))),
            window: None,
            forbidden_calls: 0,
            net_starts: 1,
            teams: List::cut(vec![team]),
            joining: List::cut(vec![Joining { team: id, hash: [1; 32] }]),
        };
        let value = status(&all);
        assert_eq!(
            keys(&value),
            ["confinement", "forbidden_calls", "joining", "link", "net_starts", "phase", "teams"]
        );
        assert_eq!(value["link"], json!({"state": "online", "skew": -3}));
        assert_eq!(
            value["confinement"],
            json!({
                "secure-proc": {"level": "full", "lacks": ""},
                "net-proc": {"level": "reduced", "lacks": "old"},
                "ui-proc": null,
            })
        );
        assert_eq!(
            value["teams"],
            json!([{
                "id": "sotto://9/8/7", "name": "friends", "epoch": 1, "slot": 2, "devices": 3,
                "queued": 4, "wishes": 5, "standing": "stalled", "stalled_at": 3,
                "origin_reachable": false, "paused": true, "reachable": [7], "unsettled": 6,
                "offline_since": null,
                "proofs": [
                    {"of": "origin", "slot": 1},
                    {"of": "device", "device": 5, "user": "Bob", "name": "f".repeat(32)},
                ],
                "policy": {"max_offline_send": 8, "refresh_every": 9},
                "removed": null,
            }])
        );
        assert_eq!(value["joining"], json!([{"team": "sotto://9/8/7", "hash": "01".repeat(32)}]));
        all.link = LinkState::Offline { since: 5, why: Text::cut("refused") };
        let offline = json!({"state": "offline", "since": 5, "why": "refused"});
        assert_eq!(status(&all)["link"], offline);
        all.link = LinkState::NoRelay;
        assert_eq!(status(&all)["link"], json!({"state": "no-relay"}));
    }

    /// `CLI-01`
    #[test]
    fn teams_channels_and_devices_have_the_promised_fields() {
        let id = TeamBits(9 << 38 | 8 << 20 | 7);
        let label = |text| Text::cut(text);
        let mut friends = Team { id, name: label("friends"), removed: None };
        assert_eq!(team(&friends), json!({"id": "sotto://9/8/7", "name": "friends"}));
        friends.removed = Some(Removed { at: 12, by: label("Anna") });
        let found = team(&friends);
        assert_eq!(found["removed"], json!({"at": 12, "by": "Anna"}));
        friends.removed = Some(Removed { at: 12, by: label("") });
        assert_eq!(team(&friends)["removed"], json!({"at": 12, "by": null}));
        let found = channel(&Channel { id: 700, name: label("general"), messages: 9 });
        assert_eq!(found, json!({"id": 700, "name": "general"}));
        let found = device(&DeviceRow {
            number: 5,
            user: label("Bob"),
            name: label("laptop"),
            own: true,
            user_key: [2; 32],
            role: Role::Admin,
            heard: Some(6),
            reachable: true,
            two_histories: false,
        });
        assert_eq!(
            found,
            json!({
                "device": 5, "user": "Bob", "name": "laptop", "own": true,
                "user_key": "02".repeat(32), "role": "admin", "heard": 6, "reachable": true,
                "two_histories": false,
            })
        );
    }
}
