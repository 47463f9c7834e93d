//! Long conversations.

use std::collections::BTreeSet;

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use ui_model::{Phase, WINDOW};

use crate::scene::{Scene, general};
use crate::{Window, click, press, shows, wide};

fn long(count: u64) -> Scene {
    let mut scene = Scene::new(Phase::Locked);
    for number in 0..count {
        let words = "relay tree commit merged after we lost the uplink ";
        let text = format!("#{number} {}", words.repeat(1 + usize::try_from(number % 7).unwrap()));
        let from = if number % 5 < 3 { "Bob Okafor" } else { "Dai Tanaka" };
        scene.write(general(), from, 52 + number % 2, &text, number % 50);
    }
    scene.unlock();
    scene
}

fn wheel(window: &mut Window, points: f32) {
    window.hover_at(pos2(700.0, 400.0));
    window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, points),
        phase: TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    // The toolkit spreads a step of the wheel over some frames.
    window.run_steps(30);
}

/// Where the message that begins so is painted.
fn top_of(window: &Window, begin: &str) -> Option<f32> {
    window.root().children_recursive().find_map(|node| {
        let found = node.accesskit_node();
        let begins = found.value().is_some_and(|value| value.starts_with(begin));
        (found.role() == Role::Label && begins).then(|| node.rect().top())
    })
}

/// The numbers of the messages in view.
fn visible(window: &Window) -> BTreeSet<u64> {
    let numbers = window.root().children_recursive().filter_map(|node| {
        let found = node.accesskit_node();
        let value = found.value().filter(|_| found.role() == Role::Label)?;
        value.strip_prefix('#')?.split(' ').next()?.parse().ok()
    });
    numbers.collect()
}

fn some_visible(window: &Window) -> (String, f32) {
    let found = window.root().children_recursive().find_map(|node| {
        let found = node.accesskit_node();
        let value = found.value()?;
        let top = node.rect().top();
        let visible = found.role() == Role::Label && value.starts_with('#') && top > 200.0;
        visible.then(|| (format!("{} ", value.split(' ').next().unwrap_or_default()), top))
    });
    found.expect("a message is in view")
}

/// `UI-VIEW-08`
#[test]
fn a_frame_lays_out_what_is_in_view_however_long_the_conversation_is() {
    let mut window = wide(long(100_000));
    assert!(shows(&window, "#99999 "));
    for _ in 0..40 {
        wheel(&mut window, 300.0);
        assert!(window.state().local.laid_out() <= 60, "{}", window.state().local.laid_out());
        assert!(window.state().state.pages().rows().len() <= WINDOW);
    }
    assert!(!shows(&window, "#99999 "));
    let first = window.state().state.pages().rows()[0].name;
    assert_ne!(first, window.state().rows[99_900].1.name, "older pages came");
}

/// `UI-VIEW-08`
#[test]
fn what_the_person_reads_stays_where_it_is_when_messages_arrive() {
    let mut window = wide(long(1_000));
    for _ in 0..5 {
        wheel(&mut window, 300.0);
    }
    let (message, before) = some_visible(&window);
    for number in 0..20 {
        window.state_mut().receive(general(), "Bob Okafor", &format!("new {number}"));
        window.run_steps(2);
    }
    let after = top_of(&window, &message).unwrap();
    assert!((after - before).abs() < 0.6, "{message} moved from {before} to {after}");
    window.get_by_label("Jump to latest · 20 new");

    // A step of the wheel moves it by exactly that much, over rows that were never in view.
    wheel(&mut window, 60.0);
    let moved = top_of(&window, &message).unwrap() - after;
    assert!((moved - 60.0).abs() < 1.5, "moved by {moved}");
    click(&mut window, "Jump to latest · 20 new");
    assert!(shows(&window, "new 19"));
    assert!(!shows(&window, "Jump to latest"));
}

/// `UI-VIEW-08`
#[test]
fn reading_far_back_and_forth_again_skips_nothing() {
    let mut window = wide(long(900));
    let mut seen = BTreeSet::new();
    let mut look = |window: &Window| seen.extend(visible(window));
    let mut rounds = 0;
    while !visible(&window).contains(&0) {
        wheel(&mut window, 4_000.0);
        rounds += 1;
        assert!(rounds < 400, "never reached the first message");
    }
    while !visible(&window).contains(&899) {
        look(&window);
        wheel(&mut window, -450.0);
        rounds += 1;
        assert!(rounds < 800, "never reached the last message");
    }
    look(&window);
    assert_eq!(seen.len(), 900);
}

/// `UI-VIEW-08`
#[test]
fn the_view_follows_the_newest_message_while_it_is_in_view() {
    let mut window = wide(long(200));
    for number in 0..5 {
        window.state_mut().receive(general(), "Bob Okafor", &format!("new {number}"));
        window.run_steps(2);
        assert!(shows(&window, &format!("new {number}")));
    }
    wheel(&mut window, 400.0);
    press(&mut window, Modifiers::COMMAND, Key::End);
    assert!(shows(&window, "new 4"));
    window.state_mut().receive(general(), "Bob Okafor", "and this");
    window.run_steps(2);
    assert!(shows(&window, "and this"));
}

/// `UI-VIEW-16`
#[test]
fn a_message_in_a_long_conversation_wants_a_few_frames_and_then_none() {
    let mut window = wide(long(300));
    window.run_steps(60);
    // The caret has come to rest.
    let begun = window.ctx.input(|input| input.time);
    while window.ctx.input(|input| input.time) < begun + 11.0 {
        window.step();
    }
    window.state_mut().receive(general(), "Bob Okafor", "#900 newest of all");
    window.run_steps(8);
    assert!(top_of(&window, "#900").is_some(), "it is in view");
    let wanted = window.output().viewport_output.values().map(|output| output.repaint_delay).min();
    assert!(wanted.unwrap() > std::time::Duration::from_secs(1), "a frame in {wanted:?}");
}
