//! How a team stands, who is in it, and what a person should know of it.

use names::TeamId;

use crate::{Link, Millis, State};

/// What this device can do in a team.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub enum Membership {
    /// Everything.
    #[default]
    Member,
    /// What is written waits until this device has seen its own last message again.
    Waiting,
    /// A change cannot be applied here.
    Stalled,
    /// This device is being taken in anew.
    Rejoining,
    /// Nothing can be written: the origin has confirmed nothing for too long.
    ReadOnly,
    /// The relay shows two histories.
    TwoHistories,
    /// This device was removed: what was said stays, nothing can be written.
    Removed,
}

/// By whom and when this device was removed from a team.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Removed {
    /// By whom; may be empty.
    pub by: String,
    /// When.
    pub at: Millis,
}

/// How a team stands.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub struct Health {
    /// What this device can do.
    pub membership: Membership,
    /// Membership changes and key refresh wait.
    pub paused: bool,
    /// How many of them wait.
    pub wishes: u32,
    /// The numbers of the other devices that are there now.
    pub reachable: Vec<u32>,
    /// How many devices the team has.
    pub devices: u32,
    /// People whose devices have signed two histories.
    pub two_faced: Vec<String>,
    /// How long a device may write unconfirmed, in ms.
    pub max_offline_send: u64,
    /// With [`Membership::Removed`]: by whom and when, if it is known.
    pub removed: Option<Removed>,
}

/// What a device may do.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Role {
    /// It holds the organisation's root key.
    Root,
    /// It may add and remove members.
    Admin,
    /// It talks.
    Member,
}

/// A device of a team.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Member {
    /// Its number.
    pub number: u32,
    /// Its person.
    pub user: String,
    /// Its name.
    pub name: String,
    /// Whether it is this one.
    pub own: bool,
    /// What it may do.
    pub role: Role,
    /// Whether it is there now.
    pub reachable: bool,
    /// When something of it came last.
    pub heard: Option<Millis>,
    /// It has signed two histories.
    pub two_faced: bool,
}

/// How much a sentence matters.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Weight {
    /// Somebody may be cheating.
    Alarm,
    /// Something does not work.
    Warning,
    /// Everything that matters now works.
    Calm,
}

/// What a person should know.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Advice {
    /// How much it matters.
    pub weight: Weight,
    /// The sentence.
    pub text: String,
}

impl State {
    /// How a team stands, once it is known.
    #[must_use]
    pub fn health(&self, team: TeamId) -> Option<&Health> {
        self.health.get(&team)
    }

    /// Whether the people of the team are shown.
    #[must_use]
    pub fn shows_members(&self) -> bool {
        self.shows_members
    }

    /// The devices of the open team, by person; empty until they are known.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match (&self.members, self.open) {
            (Some((team, members)), Some(open)) if *team == open.team => members,
            _ => &[],
        }
    }

    /// What a person should know of the open team and of the clock, what matters most first.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let mut all = Vec::new();
        if let Some(health) = self.open.and_then(|open| self.health(open.team)) {
            let waits = self.waiting() > 0;
            all.extend(membership(health, waits).map(|(weight, text)| Advice { weight, text }));
            if health.membership == Membership::Removed {
                let text = self.removed_text(health.removed.as_ref());
                all.push(Advice { weight: Weight::Calm, text });
            }
            for user in &health.two_faced {
                let text = format!("{user}’s device shows two histories. Tell your admin.");
                all.push(Advice { weight: Weight::Alarm, text });
            }
            // Without any relay the banner of the link says more.
            let linked = !matches!(self.link, Link::Offline { .. });
            if health.paused && linked {
                all.push(Advice { weight: Weight::Calm, text: paused(health) });
            }
        }
        if let Link::Online { skew } = self.link
            && let Some(text) = wrong_clock(skew)
        {
            all.push(Advice { weight: Weight::Warning, text });
        }
        all.sort_by_key(|advice| advice.weight);
        all
    }

    /// Whether nothing can be written in a team any more: this device was removed from it.
    #[must_use]
    pub fn is_removed_from(&self, team: TeamId) -> bool {
        self.health(team).is_some_and(|health| health.membership == Membership::Removed)
    }

    fn removed_text(&self, removed: Option<&Removed>) -> String {
        let by = removed.map(|removed| removed.by.as_str()).filter(|by| !by.is_empty());
        let on = removed.map(|removed| {
            let (day, today) = (self.zone.day(removed.at), self.zone.day(self.now));
            match day.title(today).as_str() {
                "Today" => " today".to_owned(),
                "Yesterday" => " yesterday".to_owned(),
                title => format!(" on {title}"),
            }
        });
        let (by, on) = (by.unwrap_or("An admin"), on.unwrap_or_default());
        format!("{by} removed this device from the team{on}.")
    }

    pub(crate) fn health_is(&mut self, team: TeamId, health: Health) {
        let before = self.health.insert(team, health);
        let moved = |of: &Health| (of.reachable.clone(), of.devices, of.two_faced.len());
        let now = self.health(team).map(moved);
        let here = self.open.is_some_and(|open| open.team == team);
        if self.shows_members && here && before.as_ref().map(moved) != now {
            self.ask(crate::Ask::Devices(team));
        }
    }

    pub(crate) fn toggle_members(&mut self) {
        self.shows_members = !self.shows_members;
        self.members = None;
        if self.shows_members {
            self.close_thread();
            self.ask_members();
        }
    }

    pub(crate) fn ask_members(&mut self) {
        if let (true, Some(open)) = (self.shows_members, self.open) {
            self.ask(crate::Ask::Devices(open.team));
        }
    }

    pub(crate) fn members_are(&mut self, team: TeamId, mut members: Vec<Member>) {
        members.sort_by(|one, other| (&one.user, one.number).cmp(&(&other.user, other.number)));
        if self.shows_members {
            self.members = Some((team, members));
        }
    }
}

fn membership(health: &Health, waits: bool) -> Option<(Weight, String)> {
    let (weight, text) = match health.membership {
        Membership::Waiting if waits => (
            Weight::Calm,
            "What you write waits until a relay has shown this device its own last message.",
        ),
        Membership::Member | Membership::Waiting | Membership::Removed => return None,
        Membership::Stalled => (
            Weight::Warning,
            "This device cannot apply a change of the team; what you write waits.",
        ),
        Membership::Rejoining => (
            Weight::Warning,
            "This device cannot apply a change; it is rejoining. What you write waits.",
        ),
        Membership::ReadOnly => {
            let span = span(health.max_offline_send);
            return Some((Weight::Warning, format!("Read-only: not confirmed for {span}.")));
        }
        Membership::TwoHistories => (
            Weight::Alarm,
            "The relay shows two histories of this team. Tell your admin; nobody is added or removed.",
        ),
    };
    Some((weight, text.to_owned()))
}

fn paused(health: &Health) -> String {
    let text = "Cut off from the origin: messages go on, membership changes and key refresh wait.";
    match health.reachable.len() {
        0 => text.to_owned(),
        1 => format!("{text} 1 other device is there."),
        count => format!("{text} {count} other devices are there."),
    }
}

/// The sentence on a clock that is wrong by more than two minutes; `skew` is the relay's clock
/// minus ours, in ms.
fn wrong_clock(skew: i64) -> Option<String> {
    let off = skew.unsigned_abs();
    let side = if skew > 0 { "behind" } else { "ahead of" };
    (off > SKEW_SHOWN).then(|| {
        format!(
            "This device’s clock is {} {side} the relay’s. Messages get through; their times are wrong.",
            span(off)
        )
    })
}

/// A span in its largest unit, rounded down.
#[must_use]
pub fn span(ms: u64) -> String {
    let named = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)];
    let fit = named.into_iter().find(|(_, unit)| ms >= *unit);
    let (name, unit) = fit.unwrap_or(("second", 1_000));
    let count = ms / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

/// Differences of the clocks up to here are nobody's business, in ms.
const SKEW_SHOWN: u64 = 120_000;
