//! How the team stands, who is in it, and messages that get another name.

use names::Name;
use ui_model::{
    Answer, Ask, Event, Health, Intent, Link, Member, Membership, Millis, Role, State, Weight,
    Words,
};

use crate::{BOB, ME, asks, channel, empty_answers, message, name, row, settle, team, unlocked};

fn said(state: &State) -> Vec<(Weight, String)> {
    state.advice().into_iter().map(|advice| (advice.weight, advice.text)).collect()
}

fn stands(state: &mut State, health: Health) -> Vec<Weight> {
    state.hear(Event::Team(team(5), health));
    said(state).into_iter().map(|(weight, _)| weight).collect()
}

/// `UI-MODEL-17`
#[test]
fn what_matters_most_is_said_first_and_what_is_well_is_not_said() {
    let mut state = unlocked();
    assert_eq!(said(&state), []);
    state.hear(Event::Link(Link::Online { skew: -120_000 }));
    assert_eq!(stands(&mut state, Health::default()), []);
    let cut_off = || Health { paused: true, reachable: vec![8], ..Health::default() };
    assert_eq!(stands(&mut state, cut_off()), [Weight::Calm]);
    assert!(said(&state)[0].1.ends_with("1 other device is there."));
    let all = Health {
        membership: Membership::ReadOnly,
        max_offline_send: 7 * 86_400_000,
        two_faced: vec!["Anna".into(), "Bob".into()],
        ..cut_off()
    };
    let (alarm, warning) = (Weight::Alarm, Weight::Warning);
    assert_eq!(stands(&mut state, all), [alarm, alarm, warning, Weight::Calm]);
    assert_eq!(said(&state)[2].1, "Read-only: not confirmed for 7 days.");
    // Another team is another matter.
    state.hear(Event::Team(team(5), Health::default()));
    state.hear(Event::Team(team(6), cut_off()));
    assert_eq!(said(&state), []);
    for (skew, side) in [(120_001, "2 minutes behind"), (-7_200_000, "2 hours ahead of")] {
        state.hear(Event::Link(Link::Online { skew }));
        let said = said(&state);
        assert!(said.len() == 1 && said[0].1.contains(side), "{said:?}");
    }
}

/// `UI-MODEL-17`
#[test]
fn the_removed_are_told_by_whom_and_when() {
    let mut state = unlocked();
    assert!(!state.is_removed_from(team(5)));
    let removed =
        |removed| Health { membership: Membership::Removed, removed, ..Health::default() };
    let by = |by: &str, at| Some(ui_model::Removed { by: by.to_owned(), at: Millis(at) });
    let day = 86_400_000;
    for (removal, begins) in [
        (by("Anna", state.now.0), "Anna removed this device from the team today."),
        (by("", 40 * day), "An admin removed this device from the team on Tuesday 10 February"),
        (None, "An admin removed this device from the team."),
    ] {
        assert_eq!(stands(&mut state, removed(removal)), [Weight::Calm]);
        assert!(said(&state)[0].1.starts_with(begins), "{:?}", said(&state));
    }
    assert!(state.is_removed_from(team(5)) && !state.is_removed_from(team(6)));
}

/// `UI-MODEL-17`
#[test]
fn what_is_said_elsewhere_or_concerns_nobody_now_is_not_said() {
    let mut state = unlocked();
    let waiting = || Health { membership: Membership::Waiting, ..Health::default() };
    assert_eq!(stands(&mut state, waiting()), [], "nothing waits");
    state.hear(message(channel(10), row(channel(10), ME, 0), None));
    assert_eq!(stands(&mut state, waiting()), [Weight::Calm]);
    let paused = || Health { paused: true, ..Health::default() };
    let offline = Link::Offline { since: Millis(0), why: String::new() };
    state.hear(Event::Link(offline));
    assert_eq!(stands(&mut state, paused()), [], "the banner of the link says so");
    state.hear(Event::Link(Link::Online { skew: 0 }));
    assert_eq!(stands(&mut state, paused()), [Weight::Calm]);
}

fn member(number: u32, user: &str) -> Member {
    Member {
        number,
        user: user.to_owned(),
        name: "laptop".to_owned(),
        own: false,
        role: Role::Member,
        reachable: false,
        heard: None,
        two_faced: false,
    }
}

/// `UI-MODEL-19`
#[test]
fn members_are_held_while_they_are_shown_and_asked_for_when_somebody_comes_or_goes() {
    let mut state = unlocked();
    let here = |of: &[u32]| Health { reachable: of.to_vec(), ..Health::default() };
    state.hear(Event::Team(team(5), here(&[1])));
    assert_eq!(asks(&mut state), [], "nobody looks");
    let answer = |ask: &Ask| match ask {
        Ask::Devices(_) => {
            Answer::Devices(vec![member(3, "Bob"), member(2, "Anna"), member(1, "Bob")])
        }
        other => empty_answers(other),
    };
    state.wish(Intent::ToggleMembers);
    settle(&mut state, answer);
    let numbers = |state: &State| -> Vec<u32> {
        state.members().iter().map(|member| member.number).collect()
    };
    assert_eq!(numbers(&state), [2, 1, 3], "by person, then by number");
    let mut asked_after = |health: Health| {
        state.hear(Event::Team(team(5), health));
        asks(&mut state).into_iter().map(|(_, ask)| ask).collect::<Vec<Ask>>()
    };
    assert_eq!(asked_after(Health { wishes: 3, ..here(&[1]) }), []);
    assert_eq!(asked_after(here(&[1, 3])), [Ask::Devices(team(5))]);
    // A thread takes the place of the members.
    state.hear(message(channel(10), row(channel(10), BOB, 0), None));
    state.wish(Intent::OpenThread(name(channel(10), BOB, 0)));
    assert!(!state.shows_members() && state.members().is_empty());
    state.wish(Intent::ToggleMembers);
    assert!(state.shows_members() && state.thread().is_none());
    // An answer that comes late brings nothing back.
    state.wish(Intent::ToggleMembers);
    settle(&mut state, answer);
    assert!(state.members().is_empty());
}

/// `UI-MODEL-18`
#[test]
fn a_renamed_message_keeps_its_place_its_thread_and_the_draft_that_answers_it() {
    let mut state = unlocked();
    let talk = channel(10);
    let (old, new) = (name(talk, ME, 3), name(talk, ME, 9));
    state.hear(message(talk, row(talk, ME, 3), None));
    state.wish(Intent::OpenThread(old));
    let page = vec![row(talk, ME, 3)];
    settle(&mut state, |ask| match ask {
        Ask::Page { .. } => Answer::Page { rows: page.clone(), more: false },
        other => empty_answers(other),
    });
    state.wish(Intent::Draft(talk.thread(old), Words::new("an answer")));
    assert_eq!(state.waiting(), 1);
    state.hear(Event::Renamed { team: team(5), channel: talk.channel, from: old, to: new });
    state.hear(message(talk, row(talk, ME, 9), None));
    let names = |rows: &[ui_model::Row]| rows.iter().map(|row| row.name).collect::<Vec<Name>>();
    assert_eq!(names(state.pages().rows()), [new]);
    assert_eq!(names(state.thread_pages().rows()), [new]);
    assert_eq!((state.thread(), state.waiting()), (Some(new), 1));
    assert_eq!(state.draft(talk.thread(new)), "an answer");
    // What stood under that name elsewhere comes later, as a message of its own.
    state.hear(message(talk, row(talk, ME, 3), None));
    assert_eq!(names(state.pages().rows()), [old, new]);
}
