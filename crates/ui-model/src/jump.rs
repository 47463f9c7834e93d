//! What the quick switcher offers.

use names::{Channel, TeamId};

use crate::{Command, KEYMAP, State};

/// Where a jump leads.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Target {
    /// A channel.
    Channel(TeamId, Channel),
    /// A command.
    Command(Command),
}

/// One line of the quick switcher.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Jump {
    /// Where it leads.
    pub target: Target,
    /// What it is called.
    pub label: String,
    /// The team of a channel, or the keys of a command.
    pub note: String,
}

impl State {
    /// What matches the query, best first: channels, unread ones before others, then commands.
    #[must_use]
    pub fn jumps(&self, query: &str) -> Vec<Jump> {
        let query = query.trim().trim_start_matches('#').to_lowercase();
        let mut found: Vec<(u32, Jump)> = Vec::new();
        for team in &self.teams {
            for channel in self.channels(team.id) {
                let Some(distance) = distance(&query, &channel.name.to_lowercase()) else {
                    continue;
                };
                let seen = u32::from(self.unread(team.id, channel.id) == 0);
                let jump = Jump {
                    target: Target::Channel(team.id, channel.id),
                    label: channel.name.clone(),
                    note: team.name.clone(),
                };
                found.push((distance.saturating_mul(2).saturating_add(seen), jump));
            }
        }
        for binding in KEYMAP.iter().filter(|binding| binding.offered) {
            let Some(distance) = distance(&query, &binding.label.to_lowercase()) else {
                continue;
            };
            let jump = Jump {
                target: Target::Command(binding.command),
                label: binding.label.to_owned(),
                note: binding.chords.first().map(|chord| chord.label()).unwrap_or_default(),
            };
            found.push((distance.saturating_add(COMMANDS_AFTER), jump));
        }
        found.sort_by_key(|(distance, _)| *distance);
        found.into_iter().map(|(_, jump)| jump).collect()
    }
}

/// How far `text` is from `query`; `None` if its letters do not stand in it in order.
fn distance(query: &str, text: &str) -> Option<u32> {
    if text.starts_with(query) {
        return Some(0);
    }
    if let Some(at) = text.find(query) {
        return Some(1_u32.saturating_add(u32::try_from(at).unwrap_or(u32::MAX / 4)));
    }
    let mut rest = text.chars();
    let mut gaps = 100_u32;
    for wanted in query.chars() {
        let skipped = rest.position(|letter| letter == wanted)?;
        gaps = gaps.saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX / 4));
    }
    Some(gaps)
}

/// Puts every command behind every channel that matches as well.
const COMMANDS_AFTER: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-MODEL-08`
    #[test]
    fn a_match_at_the_start_is_nearer_than_one_inside_and_that_nearer_than_scattered_letters() {
        let all: Vec<_> = ["releases", "old-releases", "r-e-l", "general"]
            .map(|name| distance("rel", name))
            .into();
        assert!(all[0] < all[1] && all[1] < all[2], "{all:?}");
        assert_eq!(all[3], None);
    }
}
