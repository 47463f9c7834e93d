//! What follows from intents and events, as scripts.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it found by panicking"
)]

use names::{Channel, Device, Name, Number, Org, Origin, Rest, Team, TeamId};
use ui_model::{
    Answer, Ask, ChannelEntry, Event, Fingerprint, Intent, Join, Me, Millis, Offer, Out,
    Passphrase, Phase, Refusal, Row, Screen, Standing, State, Talk, Target, TeamEntry, Ticket,
    Words, Zone,
};

const ME: u64 = 9;
const BOB: u64 = 8;

fn team(number: u64) -> TeamId {
    TeamId {
        origin: Origin::truncate(1),
        org: Org::truncate(2),
        team: Team::truncate(number),
    }
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
    ChannelEntry {
        id: Channel::truncate(number),
        name: name.to_owned(),
    }
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
        Ask::Teams => Answer::Teams(vec![TeamEntry {
            id: team(5),
            name: "Ops".to_owned(),
        }]),
        Ask::Channels(_) => Answer::Channels(vec![
            entry(10, "general"),
            entry(11, "incidents"),
            entry(12, "relays"),
        ]),
        Ask::Page { .. } => Answer::Page {
            rows: vec![],
            more: false,
        },
        Ask::WhoAmI => Answer::Me(Me {
            name: "Alice".into(),
            device: "laptop".into(),
        }),
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
    Answer::Refused(Refusal {
        message: message.to_owned(),
        hint,
        wait_until: None,
    })
}

fn message(talk: Talk, row: Row, above: Option<Name>) -> Event {
    Event::Message {
        team: talk.team,
        channel: talk.channel,
        row,
        above,
    }
}

/// `UI-MODEL-01`
#[test]
fn the_screen_follows_the_vault() {
    let mut state = State::new(100, Zone::default());
    assert_eq!(state.screen(), Screen::Starting);
    for (phase, screen) in [
        (Phase::FirstStart, Screen::FirstStart),
        (Phase::Locked, Screen::Unlock),
    ] {
        state.hear(Event::Phase(phase));
        assert_eq!(state.screen(), screen);
        assert_eq!(state.title(), "Sotto");
    }
    state.hear(Event::Phase(Phase::Unlocked));
    settle(&mut state, empty_answers);
    assert_eq!(state.screen(), Screen::Main);
    assert_eq!(state.title(), "Alice – Sotto");
    assert_eq!(state.channel_name(), "general");
    state.hear(Event::Gone);
    assert_eq!(state.screen(), Screen::Gone);
    assert_eq!(state.title(), "Sotto");
}

/// `UI-MODEL-02`
#[test]
fn locking_leaves_no_text_behind() {
    let mut state = unlocked();
    let talk = channel(10);
    state.hear(message(talk, row(talk, BOB, 0), None));
    state.wish(Intent::Draft(talk, Words::new("half a thought")));
    state.wish(Intent::Lock);
    let asked = asks(&mut state);
    assert!(matches!(asked.as_slice(), [(_, Ask::Lock)]));
    state.hear(Event::Phase(Phase::Locked));
    assert_eq!(state.screen(), Screen::Unlock);
    assert!(state.pages().rows().is_empty() && state.teams().is_empty() && state.me().is_none());
    assert_eq!(state.draft(talk), "");
}

/// `UI-MODEL-02`
#[test]
fn a_late_answer_brings_nothing_back_after_locking() {
    let mut state = unlocked();
    state.wish(Intent::OpenChannel(team(5), Channel::truncate(11)));
    let asked = asks(&mut state);
    state.hear(Event::Phase(Phase::Locked));
    for (ticket, _) in asked {
        let rows = vec![row(channel(11), BOB, 0)];
        state.hear(Event::Answer(ticket, Answer::Page { rows, more: false }));
    }
    assert!(state.pages().rows().is_empty());
}

/// `UI-MODEL-03`
#[test]
fn a_message_whose_answer_was_lost_is_asked_again_under_the_same_ticket() {
    let mut state = unlocked();
    let talk = channel(10);
    state.wish(Intent::Draft(talk, Words::new("still there?")));
    state.wish(Intent::Send(talk));
    let sent = asks(&mut state);
    state.wish(Intent::Draft(talk, Words::new("and a draft")));
    state.hear(Event::Gone);
    state.hear(Event::Phase(Phase::Locked));
    state.hear(Event::Phase(Phase::Unlocked));
    let again: Vec<_> = asks(&mut state)
        .into_iter()
        .filter(|(_, ask)| matches!(ask, Ask::Send { .. }))
        .collect();
    assert_eq!(again, sent);
    assert_eq!(state.draft(talk), "and a draft");
}

/// `UI-MODEL-04`
#[test]
fn a_refused_message_comes_back_into_the_composer_with_the_reason() {
    let mut state = unlocked();
    let talk = channel(10);
    state.wish(Intent::Draft(talk, Words::new("  first  ")));
    state.wish(Intent::Send(talk));
    assert_eq!(state.draft(talk), "");
    state.wish(Intent::Draft(talk, Words::new("second")));
    settle(&mut state, |_| refusal("the store on disk failed"));
    assert_eq!(state.draft(talk), "first\nsecond");
    let trouble = &state.send_trouble(talk).unwrap().0;
    assert_eq!(trouble, "The store on disk failed. Try again later.");
    state.wish(Intent::Draft(talk, Words::new("second")));
    assert_eq!(state.send_trouble(talk), None);
}

/// `UI-MODEL-04`
#[test]
fn blank_and_too_long_texts_are_not_sent_and_stay() {
    let mut state = unlocked();
    let talk = channel(10);
    for text in [" \n\t ", &"x".repeat(101)] {
        state.wish(Intent::Draft(talk, Words::new(text)));
        state.wish(Intent::Send(talk));
        assert!(asks(&mut state).is_empty());
        assert_eq!(state.draft(talk), text);
    }
    assert_eq!(state.bytes_left(talk), -1);
    assert!(state.has_draft(team(5), Channel::truncate(10)));
}

/// `UI-MODEL-05`
#[test]
fn unread_counts_what_others_wrote_where_nobody_looked() {
    let mut state = unlocked();
    let (open, other) = (channel(10), channel(11));
    state.wish(Intent::Watch(true));
    state.hear(message(open, row(open, BOB, 0), None));
    state.hear(message(other, row(other, BOB, 0), None));
    state.hear(message(other, row(other, ME, 0), None));
    // Told again, because its standing changed.
    state.hear(message(other, row(other, BOB, 0), None));
    assert_eq!(state.unread(team(5), open.channel), 0);
    assert_eq!(state.unread(team(5), other.channel), 1);
    assert_eq!(state.team_unread(team(5)), 1);

    state.wish(Intent::Watch(false));
    let above = Some(name(open, BOB, 0));
    state.hear(message(open, row(open, BOB, 1), above));
    assert_eq!(state.unread(team(5), open.channel), 1);
    assert_eq!(state.new_from(), Some(name(open, BOB, 1)));
    state.wish(Intent::Watch(true));
    assert_eq!(state.unread(team(5), open.channel), 0);
    // The line stays while the person reads on from it.
    assert_eq!(state.new_from(), Some(name(open, BOB, 1)));
}

/// `UI-MODEL-05`
#[test]
fn the_new_line_stands_above_the_first_unread_message_of_the_channel_that_is_opened() {
    let mut state = unlocked();
    let other = channel(11);
    let rows: Vec<Row> = (0..4).map(|number| row(other, BOB, number)).collect();
    for row in &rows[2..] {
        state.hear(message(other, row.clone(), Some(name(other, BOB, 1))));
    }
    state.wish(Intent::StepUnread(1));
    settle(&mut state, |ask| match ask {
        Ask::Page { .. } => Answer::Page {
            rows: rows.clone(),
            more: false,
        },
        other => empty_answers(other),
    });
    assert_eq!(state.open(), Some(other));
    assert_eq!(state.new_from(), Some(rows[2].name));
    assert_eq!(state.unread(team(5), other.channel), 0);
}

/// `UI-MODEL-06`
#[test]
fn a_watermark_moves_own_messages_forward_and_never_back() {
    let mut state = unlocked();
    let talk = channel(10);
    let mut above = None;
    for number in 0..4 {
        state.hear(message(talk, row(talk, ME, number), above));
        above = Some(name(talk, ME, number));
    }
    state.hear(message(talk, row(talk, BOB, 0), above));
    assert_eq!(state.waiting(), 4);
    let mark = |relay, delivered| Event::Watermark {
        team: team(5),
        channel: Channel::truncate(10),
        relay,
        delivered,
    };
    let standings = |state: &State| -> Vec<Standing> {
        state
            .pages()
            .rows()
            .iter()
            .map(|row| row.standing)
            .collect()
    };
    use Standing::{Delivered, Queued, Relay};
    state.hear(mark(3, 1));
    assert_eq!(standings(&state), [Delivered, Relay, Relay, Queued, Queued]);
    assert_eq!(state.waiting(), 1);
    state.hear(mark(2, 0));
    assert_eq!(standings(&state), [Delivered, Relay, Relay, Queued, Queued]);
    state.hear(mark(4, 4));
    assert_eq!(
        standings(&state),
        [Delivered, Delivered, Delivered, Delivered, Queued]
    );
}

/// `UI-MODEL-11`
#[test]
fn a_message_goes_below_the_one_that_the_secure_process_names() {
    let mut state = unlocked();
    let talk = channel(10);
    state.hear(message(talk, row(talk, BOB, 0), None));
    state.hear(message(talk, row(talk, BOB, 2), Some(name(talk, BOB, 0))));
    state.hear(message(talk, row(talk, BOB, 1), Some(name(talk, BOB, 0))));
    // Moved: it stands below the last one now.
    state.hear(message(talk, row(talk, BOB, 0), Some(name(talk, BOB, 2))));
    let order: Vec<Name> = state.pages().rows().iter().map(|row| row.name).collect();
    assert_eq!(order, [1, 2, 0].map(|number| name(talk, BOB, number)));
}

/// `UI-MODEL-11`
#[test]
fn a_place_that_is_not_known_is_asked_for_once() {
    let mut state = unlocked();
    let talk = channel(10);
    state.hear(message(talk, row(talk, BOB, 0), None));
    state.hear(message(talk, row(talk, BOB, 5), Some(name(talk, BOB, 4))));
    state.hear(message(talk, row(talk, BOB, 6), Some(name(talk, BOB, 5))));
    let asked = asks(&mut state);
    assert!(
        matches!(asked.as_slice(), [(_, Ask::Page { before: None, .. })]),
        "{asked:?}"
    );
}

/// `UI-MODEL-12`
#[test]
fn a_reply_opens_the_thread_it_stands_in() {
    let mut state = unlocked();
    let talk = channel(10);
    let root = row(talk, BOB, 0);
    let thread = talk.thread(root.name);
    state.hear(message(talk, root.clone(), None));
    state.hear(message(talk, row(thread, BOB, 1), Some(root.name)));
    state.wish(Intent::OpenThread(name(talk, BOB, 1)));
    assert_eq!(state.thread(), Some(root.name));
    settle(&mut state, |ask| match ask {
        Ask::Page { talk: asked, .. } => {
            assert_eq!(*asked, thread);
            Answer::Page {
                rows: vec![root.clone(), row(thread, BOB, 1)],
                more: false,
            }
        }
        other => empty_answers(other),
    });
    state.wish(Intent::Draft(thread, Words::new("me too")));
    state.wish(Intent::Send(thread));
    settle(&mut state, |ask| match ask {
        Ask::Send { talk, .. } => Answer::Sent(row(*talk, ME, 0)),
        other => empty_answers(other),
    });
    assert_eq!(state.thread_pages().rows().len(), 3);
    state.wish(Intent::ToggleThread);
    assert_eq!(state.thread(), None);
    state.wish(Intent::ToggleThread);
    assert_eq!(state.thread(), Some(root.name));
}

/// `UI-MODEL-13`
#[test]
fn joining_goes_from_the_link_over_the_fingerprint_to_the_hash_and_ends_with_the_team() {
    let mut state = State::new(100, Zone::default());
    state.hear(Event::Phase(Phase::Unlocked));
    let nobody = |ask: &Ask| match ask {
        Ask::Teams => Answer::Teams(vec![]),
        other => empty_answers(other),
    };
    settle(&mut state, nobody);
    assert_eq!(state.screen(), Screen::Join);
    state.wish(Intent::EnterLink(" nonsense ".into()));
    settle(&mut state, |_| refusal("The link is damaged"));
    assert!(matches!(
        state.join(),
        Some(Join::Entering { trouble: Some(_) })
    ));

    let offer = Offer {
        team: team(5),
        root: Fingerprint([7; 32]),
        relay: "relay:1".to_owned(),
    };
    state.wish(Intent::EnterLink("sotto-\n join:x".into()));
    settle(&mut state, |ask| {
        assert_eq!(*ask, Ask::ReadLink("sotto-join:x".into()));
        Answer::Offer(offer.clone())
    });
    assert!(matches!(state.join(), Some(Join::Confirming { .. })));
    state.wish(Intent::ConfirmJoin);
    settle(&mut state, |ask| {
        let root = Fingerprint([7; 32]);
        assert_eq!(
            *ask,
            Ask::Join {
                link: "sotto-join:x".into(),
                root
            }
        );
        Answer::Joining(Fingerprint([8; 32]))
    });
    assert_eq!(
        state.join(),
        Some(&Join::Waiting {
            hash: Fingerprint([8; 32])
        })
    );
    state.hear(Event::Joined(team(5)));
    settle(&mut state, empty_answers);
    assert_eq!(state.screen(), Screen::Main);
    assert_eq!(state.open(), Some(channel(10)));
}

/// `UI-MODEL-14`
#[test]
fn a_wrong_passphrase_says_so_and_how_long_to_wait() {
    let mut state = State::new(100, Zone::default());
    state.now = Millis(50_000);
    state.hear(Event::Phase(Phase::Locked));
    settle(&mut state, empty_answers);
    state.wish(Intent::Unlock(Passphrase::new("wrong".into())));
    assert!(state.door().busy);
    // A second press while the first is looked at asks nothing.
    state.wish(Intent::Unlock(Passphrase::new("wrong".into())));
    settle(&mut state, |ask| {
        assert!(matches!(ask, Ask::Unlock(_)));
        let wait_until = Some(Millis(52_500));
        Answer::Refused(Refusal {
            message: "Wrong".into(),
            hint: String::new(),
            wait_until,
        })
    });
    assert_eq!(state.wait_seconds(), 3);
    assert!(!state.door().busy);
    state.now = Millis(52_500);
    assert_eq!(state.wait_seconds(), 0);
}

/// `UI-MODEL-08`
#[test]
fn the_quick_switcher_finds_channels_before_commands_and_unread_before_read() {
    let mut state = unlocked();
    let other = channel(12);
    state.hear(message(other, row(other, BOB, 0), None));
    let labels: Vec<String> = state
        .jumps("")
        .into_iter()
        .map(|jump| jump.label)
        .take(4)
        .collect();
    assert_eq!(labels[..3], ["relays", "general", "incidents"]);
    let found = state.jumps("#rel");
    assert_eq!(
        found[0].target,
        Target::Channel(team(5), Channel::truncate(12))
    );
    assert!(state.jumps("lock").iter().any(|jump| jump.label == "Lock"));
}

/// `UI-MODEL-15`
#[test]
fn back_and_forward_walk_the_channels_that_were_open() {
    let mut state = unlocked();
    state.wish(Intent::StepChannel(1));
    state.wish(Intent::StepChannel(1));
    state.wish(Intent::StepChannel(1));
    let at = |state: &State| state.open().unwrap().channel.value();
    assert_eq!(at(&state), 12);
    state.wish(Intent::StepHistory(-1));
    state.wish(Intent::StepHistory(-1));
    assert_eq!(at(&state), 10);
    state.wish(Intent::StepHistory(1));
    assert_eq!(at(&state), 11);
    state.wish(Intent::StepChannel(-1));
    state.wish(Intent::StepHistory(1));
    assert_eq!(at(&state), 10);
}
