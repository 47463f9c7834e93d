//! Every way that a mouse goes, without one.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use ui_model::Screen;

use crate::scene::{Scene, channel, general};
use crate::{focused, press, shows, type_text, wide, write};

/// `UI-VIEW-13`
#[test]
fn the_quick_switcher_goes_to_a_channel_by_a_few_letters() {
    let mut window = wide(Scene::talking());
    press(&mut window, Modifiers::COMMAND, Key::K);
    assert_eq!(focused(&window), "Quick switcher");
    type_text(&mut window, "rel");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.open(), Some(channel(302)));
    assert!(!shows(&window, "Quick switcher"));
    assert_eq!(focused(&window), "Message composer");
    assert!(window.state().sent.is_empty(), "Enter chose, it did not send");
}

/// `UI-VIEW-13`
#[test]
fn the_quick_switcher_is_walked_with_arrows_runs_commands_and_closes_with_escape() {
    let mut window = wide(Scene::talking());
    press(&mut window, Modifiers::COMMAND, Key::K);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.open(), Some(channel(301)));
    press(&mut window, Modifiers::COMMAND, Key::K);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!shows(&window, "Quick switcher"));
    press(&mut window, Modifiers::COMMAND, Key::K);
    type_text(&mut window, "lock");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.screen(), Screen::Unlock);
}

/// `UI-VIEW-14`
#[test]
fn f6_walks_the_parts_of_the_window_and_shift_f6_walks_back() {
    let mut window = wide(Scene::talking());
    assert_eq!(focused(&window), "Message composer");
    let mut walked = Vec::new();
    for _ in 0..4 {
        press(&mut window, Modifiers::NONE, Key::F6);
        walked.push(focused(&window));
    }
    assert_eq!(walked[0], "Acme Operations");
    assert_eq!(walked[1], "general channel");
    assert!(walked[2].starts_with("Alice Moreau, 11:02"), "{walked:?}");
    assert_eq!(walked[3], "Message composer");
    press(&mut window, Modifiers::SHIFT, Key::F6);
    assert_eq!(focused(&window), walked[2]);
}

/// `UI-VIEW-14`
#[test]
fn a_message_is_reached_copied_and_answered_by_keyboard() {
    let mut window = wide(Scene::talking());
    press(&mut window, Modifiers::SHIFT, Key::F6);
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    assert!(focused(&window).contains("Everyone there kept talking"), "{}", focused(&window));
    window.event(egui::Event::Copy);
    window.run_steps(1);
    press(&mut window, Modifiers::NONE, Key::T);
    assert_eq!(focused(&window), "Thread composer");
    type_text(&mut window, "by keyboard");
    press(&mut window, Modifiers::NONE, Key::Enter);
    let root = window.state().rows[1].1.name;
    assert_eq!(window.state().sent, [(general().thread(root), "by keyboard".to_owned())]);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().state.thread(), None);
    press(&mut window, Modifiers::COMMAND, Key::Period);
    assert_eq!(window.state().state.thread(), Some(root));
}

/// `UI-VIEW-14`
#[test]
fn copying_a_message_copies_what_was_written() {
    let mut scene = Scene::talking();
    let written = "two\nlines, as they were written";
    scene.receive(general(), "Noor", written);
    let mut window = wide(scene);
    press(&mut window, Modifiers::SHIFT, Key::F6);
    window.event(egui::Event::Copy);
    let mut copied = String::new();
    for _ in 0..3 {
        window.step();
        for command in &window.output().platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                copied.clone_from(text);
            }
        }
    }
    assert_eq!(copied, written);
}

/// `UI-VIEW-14`
#[test]
fn channels_change_by_keys_and_typing_goes_to_the_composer() {
    let mut window = wide(Scene::talking());
    for (modifiers, key, expected) in [
        (Modifiers::ALT, Key::ArrowDown, 301),
        (Modifiers::COMMAND, Key::Tab, 302),
        (Modifiers::ALT, Key::ArrowUp, 301),
        (Modifiers::ALT, Key::ArrowLeft, 302),
        (Modifiers::ALT, Key::ArrowRight, 301),
        (Modifiers::COMMAND | Modifiers::SHIFT, Key::Tab, 300),
    ] {
        press(&mut window, modifiers, key);
        assert_eq!(window.state().state.open(), Some(channel(expected)), "{key:?}");
    }
    window.state_mut().receive(channel(302), "Bob Okafor", "look here");
    press(&mut window, Modifiers::ALT | Modifiers::SHIFT, Key::ArrowDown);
    assert_eq!(window.state().state.open(), Some(channel(302)));
    press(&mut window, Modifiers::COMMAND, Key::Num1);
    assert_eq!(window.state().state.open(), Some(channel(302)), "the team is open already");

    // Nothing has the focus: what is typed goes to the composer.
    window.get_by_label("Message composer").click();
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(focused(&window), "");
    type_text(&mut window, "just typed");
    assert_eq!(window.state().state.draft(channel(302)), "just typed");
}

/// `UI-VIEW-14`
#[test]
fn an_unsent_text_waits_in_its_channel() {
    let mut window = wide(Scene::talking());
    write(&mut window, "Message composer", "for general only");
    press(&mut window, Modifiers::ALT, Key::ArrowDown);
    window.get_by_label("general channel, has a draft");
    assert!(!shows(&window, "for general only"));
    press(&mut window, Modifiers::ALT, Key::ArrowUp);
    assert!(shows(&window, "for general only"));
}

/// `UI-VIEW-14`
#[test]
fn the_zoom_keys_and_quit_work() {
    let mut window = wide(Scene::talking());
    press(&mut window, Modifiers::COMMAND, Key::Plus);
    assert!(window.ctx.zoom_factor() > 1.0);
    press(&mut window, Modifiers::COMMAND, Key::Num0);
    assert!((window.ctx.zoom_factor() - 1.0).abs() < f32::EPSILON);
    press(&mut window, Modifiers::COMMAND, Key::Q);
    assert!(window.state().quit);
}
