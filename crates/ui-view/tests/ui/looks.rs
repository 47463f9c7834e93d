//! What every screen keeps: names for everything, no frames without a reason.

use std::time::Duration;

use egui::accesskit::Role;
use egui_kittest::kittest::NodeT as _;
use ui_model::{Event, Health, Intent, Link, Millis, Phase};

use crate::scene::{NOON, Scene, general};
use crate::{Window, press, wide, window, write};

fn screens() -> Vec<(&'static str, Scene)> {
    let mut join = Scene::new(Phase::Locked);
    join.teams.clear();
    join.unlock();
    let mut confirm = Scene::talking();
    confirm.state.wish(Intent::BeginJoin);
    confirm.state.wish(Intent::EnterLink("sotto-join:x".into()));
    confirm.answer_all();
    let mut hash = Scene::talking();
    hash.state.wish(Intent::EnterLink("sotto-join:x".into()));
    hash.answer_all();
    hash.state.wish(Intent::ConfirmJoin);
    hash.answer_all();
    let mut gone = Scene::talking();
    gone.state.hear(Event::Gone);
    let mut thread = Scene::talking();
    thread.state.wish(Intent::OpenThread(thread.rows[0].1.name));
    thread.answer_all();
    let mut offline = Scene::talking();
    let since = Millis(NOON);
    offline.state.hear(Event::Link(Link::Offline { since, why: "No route.".into() }));
    offline.state.hear(Event::Notice("Something to know.".into()));
    let mut members = Scene::talking();
    let health = Health { paused: true, reachable: vec![52], ..Health::default() };
    members.state.hear(Event::Team(general().team, health));
    members.state.wish(Intent::ToggleMembers);
    members.answer_all();
    let mut empty = Scene::new(Phase::Locked);
    empty.unlock();
    vec![
        ("first start", Scene::new(Phase::FirstStart)),
        ("locked", Scene::new(Phase::Locked)),
        ("join", join),
        ("confirm", confirm),
        ("hash", hash),
        ("gone", gone),
        ("main", Scene::talking()),
        ("thread", thread),
        ("offline", offline),
        ("members", members),
        ("empty", empty),
    ]
}

fn check_names(screen: &str, window: &Window) {
    window.check_accessibility();
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        let name = node.label().or_else(|| node.value()).unwrap_or_default();
        if matches!(node.role(), Role::Button | Role::TextInput | Role::MultilineTextInput) {
            let label = node.label().unwrap_or_default();
            assert!(!label.trim().is_empty(), "{screen}: a {:?} has no name", node.role());
        }
        let private = name.chars().find(|c| matches!(c, '\u{E000}'..='\u{F8FF}'));
        assert_eq!(private, None, "{screen}: {name:?}");
    }
}

/// `UI-VIEW-15`
#[test]
fn every_control_has_a_name_that_can_be_spoken() {
    for width in [1_200.0, 640.0, 480.0] {
        for (screen, scene) in screens() {
            check_names(screen, &window(scene, width));
        }
    }
    let mut window = wide(Scene::talking());
    press(&mut window, egui::Modifiers::COMMAND, egui::Key::K);
    check_names("switcher", &window);
}

/// `UI-VIEW-15`
#[test]
fn a_very_narrow_window_reaches_its_channels() {
    let mut window = window(Scene::talking(), 480.0);
    assert!(!crate::shows(&window, "incidents channel"));
    crate::click(&mut window, "Channels");
    crate::click(&mut window, "incidents channel");
    assert_eq!(window.state().state.open(), Some(crate::scene::channel(301)));
    assert!(!crate::shows(&window, "relays channel"));
}

/// `UI-VIEW-16`
#[test]
fn an_idle_window_wants_no_frame_and_its_caret_stops_after_ten_seconds() {
    for (screen, scene) in screens() {
        let mut window = wide(scene);
        // Caret and animations come to rest within this time of the script.
        for _ in 0..60 {
            window.step();
        }
        let begun = window.ctx.input(|input| input.time);
        while window.ctx.input(|input| input.time) < begun + 11.0 {
            window.step();
        }
        let wanted =
            window.output().viewport_output.values().map(|output| output.repaint_delay).min();
        assert!(wanted.unwrap() > Duration::from_secs(3_600), "{screen} wants one in {wanted:?}");
    }
}

/// `UI-VIEW-16`
#[test]
fn typing_makes_the_caret_blink_again() {
    let mut window = wide(Scene::talking());
    write(&mut window, "Message composer", "a");
    let blinks = |window: &Window| {
        window.output().viewport_output.values().map(|output| output.repaint_delay).min().unwrap()
            < Duration::from_secs(2)
    };
    window.run_steps(2);
    assert!(blinks(&window));
    let begun = window.ctx.input(|input| input.time);
    while window.ctx.input(|input| input.time) < begun + 11.0 {
        window.step();
    }
    assert!(!blinks(&window));
    window.state_mut().receive(general(), "Bob Okafor", "hello");
    window.run_steps(3);
    write(&mut window, "Message composer", "b");
    window.run_steps(2);
    assert!(blinks(&window));
}
