//! New messages and changed states, until stopped.

use std::collections::{BTreeMap, HashMap};

use cli::{Out, Session, Target, TeamRef, Trouble, Wisher as _, safe, team_in, team_text};
use ipc_schema_ui::{
    Channel, Event, LinkState, NameBits, Phase, Request, Row, Scope, State, Team, TeamBits,
    TeamStatus, Watermark,
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
                let was = known.renamed.remove(&row.name);
                known.show(out, place, &row, changed || was.is_some(), was)?;
            }
            Event::Watermark(mark) => {
                for row in known.own.passed(&mark) {
                    known.show(out, (mark.team, mark.channel), &row, true, None)?;
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
            // The message itself comes next, under its new name.
            Event::Renamed { team, channel, from, to } => {
                known.own.forget((team, channel), from);
                known.renamed.insert(to, from);
            }
            Event::Team(team) => known.stands(out, &team),
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
    /// New names of messages that are not told yet, and the names that they had.
    renamed: HashMap<NameBits, NameBits>,
    /// What was said last of how a team stands.
    standing: HashMap<TeamBits, Vec<String>>,
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

    /// Says how a team stands, where that is more than numbers and has changed.
    fn stands(&mut self, out: Out, team: &TeamStatus) {
        let said = cli::team_troubles(team);
        if self.standing.insert(team.id, said.clone()).unwrap_or_default() == said {
            return;
        }
        let name = safe(team.name.as_str());
        let said = if said.is_empty() { "all is well again".to_owned() } else { said.join("; ") };
        out.note(&format!("-- {name}: {said}"));
    }

    fn show(
        &self,
        out: Out,
        place: Place,
        row: &Row,
        changed: bool,
        was: Option<NameBits>,
    ) -> Result<(), Trouble> {
        let text = || {
            let unknown = place.1.to_string();
            let team = self.teams.get(&place.0).map_or("?", String::as_str);
            let channel = self.channels.get(&place).unwrap_or(&unknown);
            let line = if changed { change(row) } else { cli::line(row) };
            format!("{}/{}  {line}", safe(team), safe(channel))
        };
        Ok(out.print(|| placed(cli::row(row), place, changed, was), text)?)
    }
}

fn placed(
    mut object: Value,
    (team, channel): Place,
    changed: bool,
    was: Option<NameBits>,
) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert("team".to_owned(), json!(team_text(team)));
        object.insert("channel".to_owned(), json!(channel));
        if changed {
            object.insert("changed".to_owned(), json!(true));
        }
        if let Some(was) = was {
            object.insert("was".to_owned(), json!(cli::name_text(was)));
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
        if matches!(row.state, State::Queued | State::LocalRelay | State::Relay) {
            self.0.insert(key, row.clone());
            if self.0.len() > MOST_KNOWN {
                self.0.pop_first();
            }
        } else {
            self.0.remove(&key);
        }
        was_shown
    }

    /// The message has another name now.
    fn forget(&mut self, place: Place, name: NameBits) {
        self.0.remove(&(place, number(name)));
    }

    /// The messages whose state a watermark changes, in their new state.
    fn passed(&mut self, mark: &Watermark) -> Vec<Row> {
        let place = (mark.team, mark.channel);
        let mut changed = Vec::new();
        let range = (place, 0)..(place, mark.local.max(mark.relay).max(mark.delivered));
        for ((_, number), row) in self.0.range_mut(range) {
            let state = if *number < mark.delivered {
                State::Delivered
            } else if *number < mark.relay {
                State::Relay
            } else {
                State::LocalRelay
            };
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
        let mark =
            |relay, delivered| Watermark { team: PLACE.0, channel: 2, local: 2, relay, delivered };
        let (local, relay) = (State::LocalRelay, State::Relay);
        assert_eq!(states(&own.passed(&mark(0, 0))), [(0, local), (1, local)]);
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
        let was = Some(row(6, true, State::Queued).name);
        let object = placed(cli::row(&row(7, true, State::Relay)), PLACE, true, was);
        assert_eq!(object["was"], "sotto://1/2/3/4/5/6");
        assert_eq!(object["team"], "sotto://0/0/1");
        assert_eq!(object["channel"], 2);
        assert_eq!(object["changed"], true);
        let object = placed(cli::row(&row(7, true, State::Relay)), PLACE, false, None);
        assert_eq!((object.get("changed"), object.get("was")), (None, None));
        let mut long = row(7, true, State::Delivered);
        long.text = Text::cut(&"ä".repeat(50));
        assert_eq!(change(&long), format!("[delivered]  {}..", "ä".repeat(40)));
    }
}
