//! The vault opens, closes and goes; teams are joined.

use names::Channel;
use ui_model::{
    Answer, Ask, Event, Fingerprint, Intent, Join, Millis, Offer, Passphrase, Phase, Refusal,
    Screen, State, Words, Zone,
};

use crate::{BOB, asks, channel, empty_answers, message, refusal, row, settle, team, unlocked};

/// `UI-MODEL-01`
#[test]
fn the_screen_follows_the_vault() {
    let mut state = State::new(100, Zone::default());
    assert_eq!(state.screen(), Screen::Starting);
    for (phase, screen) in
        [(Phase::FirstStart, Screen::FirstStart), (Phase::Locked, Screen::Unlock)]
    {
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
    let again: Vec<_> =
        asks(&mut state).into_iter().filter(|(_, ask)| matches!(ask, Ask::Send { .. })).collect();
    assert_eq!(again, sent);
    assert_eq!(state.draft(talk), "and a draft");
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
    assert!(matches!(state.join(), Some(Join::Entering { trouble: Some(_) })));

    let offer = Offer { team: team(5), root: Fingerprint([7; 32]), relay: "relay:1".to_owned() };
    state.wish(Intent::EnterLink("sotto-\n join:x".into()));
    settle(&mut state, |ask| {
        assert_eq!(*ask, Ask::ReadLink("sotto-join:x".into()));
        Answer::Offer(offer.clone())
    });
    assert!(matches!(state.join(), Some(Join::Confirming { .. })));
    state.wish(Intent::ConfirmJoin);
    settle(&mut state, |ask| {
        let root = Fingerprint([7; 32]);
        assert_eq!(*ask, Ask::Join { link: "sotto-join:x".into(), root });
        Answer::Joining(Fingerprint([8; 32]))
    });
    assert_eq!(state.join(), Some(&Join::Waiting { hash: Fingerprint([8; 32]) }));
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
        Answer::Refused(Refusal { message: "Wrong".into(), hint: String::new(), wait_until })
    });
    assert_eq!(state.wait_seconds(), 3);
    assert!(!state.door().busy);
    state.now = Millis(52_500);
    assert_eq!(state.wait_seconds(), 0);
}
