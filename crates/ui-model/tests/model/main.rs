//! What follows from intents and events, as scripts.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test says what it found by panicking")]

mod doors;
mod standing;
mod talk;

use names::{Channel, Device, Name, Number, Org, Origin, Rest, Team, TeamId};
use ui_model::{
    Answer, Ask, ChannelEntry, Event, Me, Millis, Out, Phase, Refusal, Row, Standing, State, Talk,
    TeamEntry, Ticket, Words, Zone,
};

const ME: u64 = 9;
const BOB: u64 = 8;

fn team(number: u64) -> TeamId {
    TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(number) }
}

fn channel(number: u64) -> Talk {
    Talk::channel(team(5), Channel::truncate(number))
}

fn name(talk: Talk, device: u64, number: u64) -> Name {
    talk.team.name(Rest::Message {
        channel: talk.channel,
        device: Device::truncate(device),
        number: Number::truncate(number),
    })
}

fn row(talk: Talk, device: u64, number: u64) -> Row {
    Row {
        name: name(talk, device, number),
        from: if device == ME { "Alice" } else { "Bob" }.to_owned(),
        own: device == ME,
        at: Millis(number * 1_000),
        standing: Standing::Queued,
        why: String::new(),
        text: Words::new(format!("message {number}")),
        thread: talk.thread,
        replies: 0,
        missing_before: 0,
    }
}

fn entry(number: u64, name: &str) -> ChannelEntry {
    ChannelEntry { id: Channel::truncate(number), name: name.to_owned() }
}

fn asks(state: &mut State) -> Vec<(Ticket, Ask)> {
    std::iter::from_fn(|| state.poll())
        .filter_map(|out| match out {
            Out::Ask(ticket, ask) => Some((ticket, ask)),
            Out::Quit => None,
        })
        .collect()
}

/// Answers everything that is asked until nothing is.
fn settle(state: &mut State, mut answer: impl FnMut(&Ask) -> Answer) {
    loop {
        let asked = asks(state);
        if asked.is_empty() {
            return;
        }
        for (ticket, ask) in asked {
            let answer = answer(&ask);
            state.hear(Event::Answer(ticket, answer));
        }
    }
}

fn empty_answers(ask: &Ask) -> Answer {
    match ask {
        Ask::Teams => Answer::Teams(vec![TeamEntry { id: team(5), name: "Ops".to_owned() }]),
        Ask::Channels(_) => Answer::Channels(vec![
            entry(10, "general"),
            entry(11, "incidents"),
            entry(12, "relays"),
        ]),
        Ask::Page { .. } => Answer::Page { rows: vec![], more: false },
        Ask::WhoAmI => Answer::Me(Me { name: "Alice".into(), device: "laptop".into() }),
        _ => Answer::Done,
    }
}

fn unlocked() -> State {
    let mut state = State::new(100, Zone::default());
    state.hear(Event::Phase(Phase::Locked));
    state.hear(Event::Phase(Phase::Unlocked));
    settle(&mut state, empty_answers);
    state
}

fn refusal(message: &str) -> Answer {
    let hint = "try again later".to_owned();
    Answer::Refused(Refusal { message: message.to_owned(), hint, wait_until: None })
}

fn message(talk: Talk, row: Row, above: Option<Name>) -> Event {
    Event::Message { team: talk.team, channel: talk.channel, row, above }
}
