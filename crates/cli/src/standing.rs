//! How a team and the clock stand, as people read it.

use ipc_schema_ui::{DeviceRow, Proof, Removed, Role, Standing, TeamStatus};

use crate::span::{span, spoken_span};
use crate::terminal::safe;
use crate::words::clock;

/// Everything about a team that is worth a line; `devices` may be empty when they are not known.
#[must_use]
pub fn team_lines(team: &TeamStatus, devices: &[DeviceRow]) -> Vec<String> {
    if team.standing == Standing::Removed {
        return team_troubles(team);
    }
    let mut lines = vec![format!(
        "epoch {}, slot {}, {} devices, {} waiting for the relay, {} for the origin, {} wishes open",
        team.epoch, team.slot, team.devices, team.queued, team.unsettled, team.wishes
    )];
    lines.extend(team_troubles(team));
    if let Some(since) = team.offline_since {
        lines.push(format!("no relay since {}", clock(since)));
    }
    let names: Vec<String> = team.reachable.as_slice().iter().map(|of| who(*of, devices)).collect();
    if !names.is_empty() {
        lines.push(format!("there now: {}", names.join(", ")));
    }
    let policy = team.policy;
    lines.push(format!(
        "policy: read-only after {} without the origin, keys renewed every {}",
        span(policy.max_offline_send),
        span(policy.refresh_every)
    ));
    lines
}

/// What of a team is not as it should be.
#[must_use]
pub fn team_troubles(team: &TeamStatus) -> Vec<String> {
    let removed = (team.standing == Standing::Removed).then(|| removed(team.removed.as_ref()));
    let mut lines: Vec<String> = removed.into_iter().collect();
    lines.extend(standing(team).map(str::to_owned));
    lines.extend(team.proofs.as_slice().iter().map(proof));
    if team.paused {
        lines.push(
            "cut off from the origin: messages go on, membership changes and key refresh wait"
                .to_owned(),
        );
    }
    lines
}

fn standing(team: &TeamStatus) -> Option<&'static str> {
    match team.standing {
        Standing::Member | Standing::Removed => None,
        Standing::Waiting => {
            Some("what you write waits until a relay has shown this device its own last message")
        }
        Standing::Stalled { .. } => {
            Some("this device cannot apply a change of the team; what you write waits")
        }
        Standing::Rejoining => Some(
            "this device cannot apply a change of the team; it is rejoining, and what you write waits",
        ),
        Standing::ReadOnly => {
            Some("read-only: the origin has confirmed nothing of this device for too long")
        }
        Standing::TwoHistories => Some(
            "THE RELAY SHOWS TWO HISTORIES of this team: membership does not change any more; tell your admin",
        ),
    }
}

/// What happened to a device that is in the team no more.
#[must_use]
pub fn removed(removed: Option<&Removed>) -> String {
    let by = removed.map(|removed| safe(removed.by.as_str())).filter(|by| !by.is_empty());
    let by = by.unwrap_or_else(|| "an admin".to_owned());
    let at = removed.map(|removed| format!(" at {}", clock(removed.at))).unwrap_or_default();
    format!("{by} removed this device{at}; what was said stays readable, nothing can be written")
}

fn proof(proof: &Proof) -> String {
    match proof {
        Proof::Origin { slot } => {
            format!("PROOF: the origin relay signed two histories at slot {slot}")
        }
        Proof::Device { device, user, name } => {
            let name = crate::name_text(*name);
            format!(
                "PROOF: {}'s device {device} signed two histories at {name}",
                safe(user.as_str())
            )
        }
    }
}

fn who(number: u32, devices: &[DeviceRow]) -> String {
    let known = devices.iter().find(|row| row.number == number);
    known.map_or_else(
        || format!("device {number}"),
        |row| format!("{} ({})", safe(row.user.as_str()), safe(row.name.as_str())),
    )
}

/// What a device may do, in a word.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Root => "root",
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

/// A device as people read it; `now` is the time of this machine.
#[must_use]
pub fn device_line(row: &DeviceRow, now: u64) -> String {
    let mut notes = vec![role(row.role).to_owned()];
    if row.own {
        notes.push("this one".to_owned());
    } else if row.reachable {
        notes.push("there now".to_owned());
    } else if let Some(heard) = row.heard {
        notes.push(format!("heard of {} ago", spoken_span(now.saturating_sub(heard))));
    } else {
        notes.push("not heard of yet".to_owned());
    }
    if row.two_histories {
        notes.push("SIGNED TWO HISTORIES".to_owned());
    }
    let (user, name) = (safe(row.user.as_str()), safe(row.name.as_str()));
    format!("{:>8}  {user}, {name}  [{}]", row.number, notes.join(", "))
}

/// The sentence on a clock that is wrong; `skew` is the relay's clock minus ours, in ms. Small
/// differences are nobody's business.
#[must_use]
pub fn skew(skew: i64) -> Option<String> {
    let off = skew.unsigned_abs();
    if off <= SKEW_SHOWN {
        return None;
    }
    let which = if skew > 0 { "behind" } else { "ahead of" };
    Some(format!(
        "this device's clock is {} {which} the relay's; messages get through, but set the clock, \
         or their times are wrong",
        spoken_span(off)
    ))
}

/// Differences of the clocks up to here are not shown, in ms.
const SKEW_SHOWN: u64 = 120_000;

#[cfg(test)]
mod tests {
    use ipc_schema::{List, Text};
    use ipc_schema_ui::{NameBits, Policy, TeamBits};

    use super::*;

    fn team() -> TeamStatus {
        TeamStatus {
            id: TeamBits(1),
            name: Text::cut("friends"),
            epoch: 5,
            slot: 6,
            devices: 3,
            queued: 1,
            wishes: 0,
            standing: Standing::Member,
            origin: None,
            paused: false,
            reachable: List::default(),
            unsettled: 2,
            offline_since: None,
            proofs: List::default(),
            policy: Policy { max_offline_send: 604_800_000, refresh_every: 43_200_000 },
            removed: None,
        }
    }

    fn anna() -> DeviceRow {
        DeviceRow {
            number: 7,
            user: Text::cut("Anna\u{1b}[2J"),
            name: Text::cut("laptop"),
            own: false,
            user_key: [0; 32],
            role: Role::Admin,
            heard: Some(0),
            reachable: false,
            two_histories: true,
        }
    }

    /// `CLI-12`
    #[test]
    fn a_team_that_is_well_has_two_lines_and_one_that_is_not_says_everything() {
        assert_eq!(
            team_lines(&team(), &[]),
            [
                "epoch 5, slot 6, 3 devices, 1 waiting for the relay, 2 for the origin, 0 wishes \
                 open",
                "policy: read-only after 7d without the origin, keys renewed every 12h",
            ]
        );
        let name = NameBits([255; 16]);
        let device = Proof::Device { device: 7, user: Text::cut("Anna"), name };
        let bad = TeamStatus {
            paused: true,
            offline_since: Some(0),
            reachable: List::cut(vec![7, 8]),
            proofs: List::cut(vec![Proof::Origin { slot: 4 }, device]),
            ..team()
        };
        let lines = team_lines(&bad, &[anna()]).join("\n");
        for said in [
            "messages go on, membership changes and key refresh wait",
            "no relay since 1970-01-01 00:00Z",
            "there now: Anna\u{fffd}[2J (laptop), device 8",
            "the origin relay signed two histories at slot 4",
            "Anna's device 7 signed two histories",
        ] {
            assert!(lines.contains(said), "{said}: {lines}");
        }
        for (standing, said) in [
            (Standing::Waiting, "its own last message"),
            (Standing::Stalled { slot: 7 }, "cannot apply a change"),
            (Standing::Rejoining, "it is rejoining"),
            (Standing::ReadOnly, "read-only"),
            (Standing::TwoHistories, "TWO HISTORIES"),
        ] {
            let lines = team_lines(&TeamStatus { standing, ..team() }, &[]).join("\n");
            assert!(lines.contains(said), "{lines}");
        }
        let removed = Some(Removed { at: 0, by: Text::cut("Anna") });
        let gone = TeamStatus { standing: Standing::Removed, removed, ..team() };
        let said = "Anna removed this device at 1970-01-01 00:00Z; what was said stays readable, \
                    nothing can be written";
        assert_eq!(team_lines(&gone, &[]), [said]);
        let gone = TeamStatus { standing: Standing::Removed, ..team() };
        assert!(team_lines(&gone, &[])[0].starts_with("an admin removed this device; "));
    }

    /// `CLI-12`
    #[test]
    fn a_device_says_its_role_and_when_it_was_heard_of() {
        assert_eq!(
            device_line(&anna(), 7_200_000),
            "       7  Anna\u{fffd}[2J, laptop  [admin, heard of 2 hours ago, SIGNED TWO HISTORIES]"
        );
        let here = DeviceRow { reachable: true, two_histories: false, ..anna() };
        assert!(device_line(&here, 0).ends_with("[admin, there now]"));
        let own = DeviceRow { own: true, role: Role::Root, ..here };
        assert!(device_line(&own, 0).ends_with("[root, this one]"));
    }

    /// `CLI-12`
    #[test]
    fn a_clock_that_is_wrong_by_more_than_two_minutes_is_told() {
        assert_eq!(skew(120_000), None);
        assert_eq!(skew(-120_000), None);
        let behind = skew(180_000).unwrap();
        assert!(behind.starts_with("this device's clock is 3 minutes behind the relay's"));
        let ahead = skew(-400 * 86_400_000).unwrap();
        assert!(ahead.contains("400 days ahead of the relay's"), "{ahead}");
        assert!(skew(i64::MIN).is_some());
    }
}
