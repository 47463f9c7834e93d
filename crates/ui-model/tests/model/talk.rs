//! Messages, threads, unread counts, ways through the channels.

use names::{Channel, Name};
use ui_model::{Answer, Ask, Event, Intent, Row, Standing, State, Target, Words};

use crate::{
    BOB, ME, asks, channel, empty_answers, message, name, refusal, row, settle, team, unlocked,
};

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
        Ask::Page { .. } => Answer::Page { rows: rows.clone(), more: false },
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
    let mark_at = |local, relay, delivered| Event::Watermark {
        team: team(5),
        channel: Channel::truncate(10),
        local,
        relay,
        delivered,
    };
    let mark = |relay, delivered| mark_at(0, relay, delivered);
    let standings = |state: &State| -> Vec<Standing> {
        state.pages().rows().iter().map(|row| row.standing).collect()
    };
    use Standing::{Delivered, LocalRelay, Queued, Relay};
    state.hear(mark_at(2, 0, 0));
    assert_eq!(standings(&state), [LocalRelay, LocalRelay, Queued, Queued, Queued]);
    assert_eq!(state.waiting(), 2, "what another device has waits no more");
    state.hear(mark(3, 1));
    assert_eq!(standings(&state), [Delivered, Relay, Relay, Queued, Queued]);
    assert_eq!(state.waiting(), 1);
    state.hear(mark(2, 0));
    assert_eq!(standings(&state), [Delivered, Relay, Relay, Queued, Queued]);
    state.hear(mark(4, 4));
    assert_eq!(standings(&state), [Delivered, Delivered, Delivered, Delivered, Queued]);
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
    assert!(matches!(asked.as_slice(), [(_, Ask::Page { before: None, .. })]), "{asked:?}");
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
            Answer::Page { rows: vec![root.clone(), row(thread, BOB, 1)], more: false }
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

/// `UI-MODEL-08`
#[test]
fn the_quick_switcher_finds_channels_before_commands_and_unread_before_read() {
    let mut state = unlocked();
    let other = channel(12);
    state.hear(message(other, row(other, BOB, 0), None));
    let labels: Vec<String> = state.jumps("").into_iter().map(|jump| jump.label).take(4).collect();
    assert_eq!(labels[..3], ["relays", "general", "incidents"]);
    let found = state.jumps("#rel");
    assert_eq!(found[0].target, Target::Channel(team(5), Channel::truncate(12)));
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
