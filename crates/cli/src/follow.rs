//! New messages and changed states, until stopped.

use std::collections::{BTreeMap, HashMap};

use cli::{Out, Session, Target, TeamRef, Trouble, safe, team_in, team_text};
use ipc_schema_ui::{
    Channel, Event, LinkState, NameBits, Phase, Request, Row, Scope, State, Team, TeamBits,
    Watermark,
};
use serde_json::{Value, json};

/// Prints what happens in scope.
pub(crate) fn follow(session: &mut Session, out: Out, scope: Option<&str>) -> Result<(), Trouble> {
    let teams = session.teams()?;
    let scope = match scope {
        None => Scope::All,
        Some(text) => scope_of(session, &teams, text)?,
    };
    let mut known = Known::default();
    known.learn(session, &teams)?;
    session.done(Request::Follow { scope })?;
    loop {
        match session.event()? {
            Event::Message { team, channel, row, .. } => {
                let place = (team, channel);
                let changed = known.own.saw(place, &row);
                known.show(out, place, &row, changed)?;
            }
            Event::Watermark(mark) => {
                for row in known.own.passed(&mark) {
                    known.show(out, (mark.team, mark.channel), &row, true)?;
                }
            }
            Event::TeamsChanged => {
                let teams = session.teams()?;
                known.learn(session, &teams)?;
            }
            Event::Phase(Phase::Locked | Phase::FirstStart) => {
                let hint = "unlock it, then follow again";
                return Err(Trouble::refused("locked", "the vault was locked", hint));
            }
            Event::Phase(Phase::Unlocked) => {}
            Event::Link(link) => out.note(&link_note(&link)),
            Event::Joined { team } => out.note(&format!("-- added to {}", team_text(team))),
            Event::Notice(text) => out.note(&format!("-- {}", safe(text.as_str()))),
        }
    }
}

fn scope_of(session: &mut Session, teams: &[Team], text: &str) -> Result<Scope, Trouble> {
    let usage = |hint| Trouble::usage("this is neither TEAM nor TEAM/CHANNEL", hint);
    let whole = TeamRef::parse(text)
        .and_then(|team| team_in(teams, &team).map_err(|trouble| trouble.message));
    match whole {
        Ok(team) => Ok(Scope::Team(team.id)),
        Err(_) if text.contains('/') => {
            let target = Target::parse(text).map_err(usage)?;
            let (team, channel) = session.target(&target)?;
            Ok(Scope::Channel(team.id, channel.id))
        }
        Err(_) => {
            let team = TeamRef::parse(text).map_err(usage)?;
            Ok(Scope::Team(team_in(teams, &team)?.id))
        }
    }
}

type Place = (TeamBits, u16);

/// What names places have, and which own messages may still change.
#[derive(Default)]
struct Known {
    teams: HashMap<TeamBits, String>,
    channels: HashMap<Place, String>,
    own: Own,
}

impl Known {
    fn learn(&mut self, session: &mut Session, teams: &[Team]) -> Result<(), Trouble> {
        for team in teams {
            self.teams.insert(team.id, team.name.as_str().to_owned());
            for Channel { id, name, .. } in session.channels(team.id)? {
                self.channels.insert((team.id, id), name.as_str().to_owned());
            }
        }
        Ok(())
    }

    fn show(&self, out: Out, place: Place, row: &Row, changed: bool) -> Result<(), Trouble> {
        let text = || {
            let unknown = place.1.to_string();
            let team = self.teams.get(&place.0).map_or("?", String::as_str);
            let channel = self.channels.get(&place).unwrap_or(&unknown);
            let line = if changed { change(row) } else { cli::line(row) };
            format!("{}/{}  {line}", safe(team), safe(channel))
        };
        Ok(out.print(|| placed(cli::row(row), place, changed), text)?)
    }
}

fn placed(mut object: Value, (team, channel): Place, changed: bool) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert("team".to_owned(), json!(team_text(team)));
        object.insert("channel".to_owned(), json!(channel));
        if changed {
            object.insert("changed".to_owned(), json!(true));
        }
    }
    object
}

/// A changed state in one line, with as much of the text as tells which message it is.
fn change(row: &Row) -> String {
    let first = safe(row.text.as_str().lines().next().unwrap_or_default());
    let start: String = first.chars().take(TELLING).collect();
    let dots = if start.len() < row.text.as_str().len() { ".." } else { "" };
    format!("[{}]  {start}{dots}", cli::state(row.state))
}

fn link_note(link: &LinkState) -> String {
    match link {
        LinkState::NoRelay => "-- no relay known".to_owned(),
        LinkState::Online { .. } => "-- online".to_owned(),
        LinkState::Offline { why, .. } => format!("-- offline: {}", safe(why.as_str())),
    }
}

/// Own messages that were shown and are not delivered yet, by place and number in the log.
#[derive(Default)]
struct Own(BTreeMap<(Place, u32), Row>);

impl Own {
    /// Remembers an own message; was it shown before?
    fn saw(&mut self, place: Place, row: &Row) -> bool {
        if !row.own {
            return false;
        }
        let key = (place, number(row.name));
        let was_shown = self.0.contains_key(&key);
        if row.state == State::Queued || row.state == State::Relay {
            self.0.insert(key, row.clone());
            if self.0.len() > MOST_KNOWN {
                self.0.pop_first();
            }
        } else {
            self.0.remove(&key);
        }
        was_shown
    }

    /// The messages whose state a watermark changes, in their new state.
    fn passed(&mut self, mark: &Watermark) -> Vec<Row> {
        let place = (mark.team, mark.channel);
        let mut changed = Vec::new();
        let range = (place, 0)..(place, mark.relay.max(mark.delivered));
        for ((_, number), row) in self.0.range_mut(range) {
            let state = if *number < mark.delivered { State::Delivered } else { State::Relay };
            if row.state < state {
                row.state = state;
                changed.push(row.clone());
            }
        }
        for row in &changed {
            if row.state == State::Delivered {
                self.0.remove(&(place, number(row.name)));
            }
        }
        changed
    }
}

/// The number in the log: the last 20 bits of the name.
fn number(name: NameBits) -> u32 {
    let [.., a, b, c] = name.0;
    u32::from_be_bytes([0, a, b, c]) & 0xf_ffff
}

/// In letters.
const TELLING: usize = 40;
/// Older ones change unseen.
const MOST_KNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use ipc_schema::Text;

    use super::*;

    const PLACE: Place = (TeamBits(1), 2);

    fn row(number: u32, own: bool, state: State) -> Row {
        Row {
            name: cli::name_bits(&format!("sotto://1/2/3/4/5/{number}")).unwrap(),
            from: Text::cut("A"),
            device: 5,
            own,
            at: 0,
            state,
            text: Text::cut("t"),
            thread: None,
            replies: 0,
            why: Text::cut(""),
            missing_before: 0,
        }
    }

    fn states(rows: &[Row]) -> Vec<(u32, State)> {
        rows.iter().map(|row| (number(row.name), row.state)).collect()
    }

    /// `CLI-08`
    #[test]
    fn a_watermark_tells_each_change_of_an_own_message_once() {
        let mut own = Own::default();
        for number in 0..4 {
            assert!(!own.saw(PLACE, &row(number, true, State::Queued)));
        }
        assert!(!own.saw(PLACE, &row(9, false, State::Relay)));
        let mark = |relay, delivered| Watermark { team: PLACE.0, channel: 2, relay, delivered };
        let relay = State::Relay;
        assert_eq!(states(&own.passed(&mark(2, 0))), [(0, relay), (1, relay)]);
        assert_eq!(states(&own.passed(&mark(3, 1))), [(0, State::Delivered), (2, relay)]);
        assert_eq!(own.passed(&mark(3, 1)), []);
        let elsewhere = Watermark { channel: 3, ..mark(9, 9) };
        assert_eq!(own.passed(&elsewhere), []);
        let delivered = State::Delivered;
        assert_eq!(
            states(&own.passed(&mark(4, 4))),
            [(1, delivered), (2, delivered), (3, delivered)]
        );
        assert!(own.0.is_empty());
    }

    /// `CLI-08`
    #[test]
    fn a_line_of_follow_says_where_it_happened_and_whether_it_is_news() {
        let object = placed(cli::row(&row(7, true, State::Relay)), PLACE, true);
        assert_eq!(object["team"], "sotto://0/0/1");
        assert_eq!(object["channel"], 2);
        assert_eq!(object["changed"], true);
        let object = placed(cli::row(&row(7, true, State::Relay)), PLACE, false);
        assert_eq!(object.get("changed"), None);
        let mut long = row(7, true, State::Delivered);
        long.text = Text::cut(&"ä".repeat(50));
        assert_eq!(change(&long), format!("[delivered]  {}..", "ä".repeat(40)));
    }
}
