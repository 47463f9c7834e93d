//! First start, unlocking, joining, and the end of the secure process.

use egui::{Key, Modifiers};
use ui_model::{Event, Join, Millis, Phase, Screen};

use crate::scene::{NOON, PASSPHRASE, Scene, team};
use crate::{click, focused, press, shows, type_text, wide, write};

/// `UI-VIEW-01`
#[test]
fn first_start_asks_for_a_name_and_the_passphrase_twice() {
    let mut window = wide(Scene::new(Phase::FirstStart));
    assert_eq!(focused(&window), "Your name");
    type_text(&mut window, "Alice Moreau");
    write(&mut window, "Passphrase", "correct horse");
    write(&mut window, "Passphrase again", "correct hearse");
    assert!(shows(&window, "The two passphrases differ."));
    click(&mut window, "Create");
    assert_eq!(window.state().state.screen(), Screen::FirstStart);

    press(&mut window, Modifiers::COMMAND, Key::A);
    write(&mut window, "Passphrase again", "");
    press(&mut window, Modifiers::COMMAND, Key::A);
    type_text(&mut window, "correct horse");
    click(&mut window, "Create");
    assert_eq!(window.state().state.screen(), Screen::Join);
    assert!(shows(&window, "Join a team"));
}

/// `UI-VIEW-01`
#[test]
fn first_start_goes_by_keyboard_alone() {
    let mut window = wide(Scene::new(Phase::FirstStart));
    type_text(&mut window, "Alice");
    for text in ["", "correct horse", "correct horse"] {
        press(&mut window, Modifiers::NONE, Key::Tab);
        type_text(&mut window, text);
    }
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.screen(), Screen::Join);
}

/// `UI-VIEW-02`
#[test]
fn a_wrong_passphrase_is_told_with_the_wait_and_a_right_one_opens() {
    let mut window = wide(Scene::talking_locked());
    assert_eq!(focused(&window), "Passphrase");
    type_text(&mut window, "wrong");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(shows(&window, "The passphrase is wrong."));
    assert!(shows(&window, "The next try is possible in 1 second."));
    // The field is empty again, and has the focus.
    assert_eq!(focused(&window), "Passphrase");
    type_text(&mut window, PASSPHRASE);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().wrong_tries, 1, "too early: nothing is asked");
    assert_eq!(window.state().state.screen(), Screen::Unlock);

    window.state_mut().state.now = Millis(NOON + 1_000);
    window.run_steps(2);
    assert!(!shows(&window, "The next try"));
    click(&mut window, "Unlock");
    assert_eq!(window.state().state.screen(), Screen::Main);
    assert!(shows(&window, "Good morning!"));
}

/// `UI-VIEW-02`
#[test]
fn a_passphrase_is_shown_only_on_request_and_cannot_be_undone_back() {
    let mut window = wide(Scene::new(Phase::Locked));
    type_text(&mut window, "hidden words");
    assert!(!shows(&window, "hidden words"));
    click(&mut window, "Show passphrase");
    assert!(shows(&window, "hidden words"));
    write(&mut window, "Passphrase", "");
    press(&mut window, Modifiers::COMMAND, Key::A);
    press(&mut window, Modifiers::NONE, Key::Backspace);
    assert!(!shows(&window, "hidden words"));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(!shows(&window, "hidden words"));
}

/// `UI-VIEW-03`
#[test]
fn joining_shows_the_fingerprint_to_confirm_and_then_the_whole_hash() {
    let mut scene = Scene::new(Phase::Locked);
    let teams = std::mem::take(&mut scene.teams);
    scene.unlock();
    let mut window = wide(scene);
    assert_eq!(focused(&window), "Team link");
    type_text(&mut window, "no link at all");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(shows(&window, "The link is damaged."));
    write(&mut window, "Team link", "");
    press(&mut window, Modifiers::COMMAND, Key::A);
    type_text(&mut window, "sotto-join:abc");
    click(&mut window, "Continue");
    let fingerprint = ["5a5a5a5a"; 8].join(" ");
    assert!(shows(&window, &format!("Fingerprint of the organisation: {fingerprint}")));
    assert!(shows(&window, "Team: number 4242"));
    assert!(shows(&window, "relay.acme.example:4433"));
    click(&mut window, "It is the same");
    assert!(shows(&window, &["c3c3c3c3"; 8].join(" ")));
    click(&mut window, "Copy hash");

    window.state_mut().teams = teams;
    window.state_mut().state.hear(Event::Joined(team()));
    window.run_steps(3);
    assert_eq!(window.state().state.screen(), Screen::Main);
}

/// `UI-VIEW-03`
#[test]
fn a_fingerprint_that_differs_leads_back_and_escape_leads_to_the_teams() {
    let mut window = wide(Scene::talking());
    click(&mut window, "Join a team");
    type_text(&mut window, "sotto-join:abc");
    press(&mut window, Modifiers::NONE, Key::Enter);
    click(&mut window, "It differs, or I cannot compare");
    assert!(matches!(window.state().state.join(), Some(Join::Entering { .. })));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().state.screen(), Screen::Main);
}

/// `UI-VIEW-04`
#[test]
fn without_the_secure_process_nothing_is_shown_and_the_way_on_is_said() {
    let mut window = wide(Scene::talking());
    assert!(shows(&window, "Good morning!"));
    window.state_mut().state.hear(Event::Gone);
    window.run_steps(3);
    assert!(shows(&window, "The secure process stopped"));
    assert!(!shows(&window, "Good morning!"));
    assert!(!shows(&window, "Acme"));
    window.state_mut().state.hear(Event::Phase(Phase::Locked));
    window.run_steps(3);
    assert!(shows(&window, "Nothing is lost: unlock it to go on."));
    window.state_mut().state.hear(Event::Gone);
    window.run_steps(3);
    click(&mut window, "Quit");
    assert!(window.state().quit);
}

/// `UI-VIEW-04`
#[test]
fn locking_takes_everything_off_the_screen() {
    let mut window = wide(Scene::talking());
    write(&mut window, "Message composer", "half a thought");
    click(&mut window, "Lock (Ctrl+Shift+L)");
    assert_eq!(focused(&window), "Passphrase");
    for text in ["Good morning!", "half a thought", "Acme", "Alice"] {
        assert!(!shows(&window, text), "{text}");
    }
}
