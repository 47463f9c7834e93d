//! Sending, receiving, threads, and how far messages got.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use ui_model::{Confinement, Event, Health, Link, Membership, Millis, Phase, Refusal, Standing};

use crate::scene::{ME, NOON, Scene, channel, general, name_in};
use crate::{click, focused, press, shows, type_text, wide, window, write};

/// `UI-VIEW-09`
#[test]
fn what_is_typed_is_sent_with_enter_and_shown_as_waiting() {
    let mut window = wide(Scene::talking());
    write(&mut window, "Message composer", "hello everyone");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().sent, [(general(), "hello everyone".to_owned())]);
    assert_eq!(window.state().state.draft(general()), "");
    assert!(shows(&window, "hello everyone. Waiting for the network"));
    assert_eq!(focused(&window), "Message composer");
}

/// `UI-VIEW-09`
#[test]
fn shift_enter_makes_a_new_line_and_the_button_sends_too() {
    let mut window = wide(Scene::talking());
    write(&mut window, "Message composer", "one");
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    type_text(&mut window, "two");
    assert!(window.state().sent.is_empty());
    click(&mut window, "Send");
    assert_eq!(window.state().sent, [(general(), "one\ntwo".to_owned())]);
}

/// `UI-VIEW-09`
#[test]
fn what_was_refused_stands_in_the_composer_again_beside_the_reason() {
    let mut scene = Scene::talking();
    let hint = "Free some space.".to_owned();
    let message = "The store on disk failed".to_owned();
    scene.refuse_next = Some(Refusal { message, hint, wait_until: None });
    let mut window = wide(scene);
    write(&mut window, "Message composer", "precious words");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(shows(&window, "The store on disk failed. Free some space."));
    assert_eq!(window.state().state.draft(general()), "precious words");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().sent.len(), 1);
    assert!(!shows(&window, "The store on disk failed"));
}

/// `UI-VIEW-10`
#[test]
fn what_arrives_is_shown_with_sender_and_time_and_counted_where_nobody_looks() {
    let mut window = wide(Scene::talking());
    window.state_mut().receive(general(), "Bob Okafor", "new here");
    window.run_steps(3);
    assert!(shows(&window, "Bob Okafor, 12:10: new here"));
    window.state_mut().receive(channel(301), "Bob Okafor", "elsewhere");
    window.run_steps(3);
    assert!(!shows(&window, "elsewhere"));
    click(&mut window, "incidents channel, 1 unread");
    assert!(shows(&window, "elsewhere"));
    assert!(shows(&window, "New"));
    window.get_by_label("incidents channel");
}

/// `UI-VIEW-10`
#[test]
fn every_standing_is_said_in_words() {
    let mut scene = Scene::talking();
    let mine = name_in(general(), ME, 2);
    scene.change(mine, |row| row.standing = Standing::Relay);
    let mut window = wide(scene);
    assert!(shows(&window, "Any messages lost?. Stored at relay"));
    window.state_mut().change(mine, |row| row.standing = Standing::Queued);
    let mark = |local, relay, delivered| Event::Watermark {
        team: general().team,
        channel: general().channel,
        local,
        relay,
        delivered,
    };
    window.state_mut().state.hear(mark(3, 0, 0));
    window.run_steps(2);
    assert!(shows(&window, "Any messages lost?. Stored at the local relay"));
    window.state_mut().state.hear(mark(3, 3, 3));
    window.run_steps(2);
    assert!(shows(&window, "Delivered to everyone"));
    window.state_mut().change(mine, |row| {
        row.standing = Standing::Failed;
        row.why = "Not sent: the relay refused it".to_owned();
    });
    window.run_steps(2);
    assert!(shows(&window, "Not sent: the relay refused it"));
    window.state_mut().change(mine, |row| {
        row.own = false;
        row.standing = Standing::Undecryptable;
        row.why = "Waiting for a key (epoch 43)".to_owned();
        row.missing_before = 1;
    });
    window.run_steps(2);
    assert!(shows(&window, "Waiting for a key (epoch 43)"));
    assert!(shows(&window, "1 message from Alice Moreau not here yet"));
}

/// `UI-VIEW-11`
#[test]
fn a_reply_goes_into_the_thread_and_is_counted_at_its_first_message() {
    for width in [1_200.0, 640.0] {
        let mut scene = Scene::talking();
        let root = scene.rows[0].1.name;
        scene.write(general().thread(root), "Bob Okafor", 52, "an answer", 5);
        scene.unlock_again();
        let mut window = window(scene, width);
        assert!(!shows(&window, "an answer"), "a channel shows first messages only");
        click(&mut window, "Open thread, 1 reply");
        assert!(shows(&window, "an answer"));
        assert_eq!(focused(&window), "Thread composer");
        type_text(&mut window, "me too");
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert_eq!(window.state().sent, [(general().thread(root), "me too".to_owned())]);
        assert!(shows(&window, "me too. Waiting for the network"));
        window.state_mut().receive(general().thread(root), "Bob Okafor", "three");
        window.run_steps(3);
        assert!(shows(&window, "Bob Okafor, 12:10: three"));
        click(&mut window, "Close thread (Esc)");
        window.get_by_label("Open thread, 3 replies");
    }
}

/// `UI-VIEW-12`
#[test]
fn the_banner_says_what_is_wrong_and_what_still_works() {
    let mut window = wide(Scene::talking());
    let since = Millis(NOON - 600_000);
    let why = String::new();
    window.state_mut().state.hear(Event::Link(Link::Offline { since, why }));
    write(&mut window, "Message composer", "later then");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(shows(&window, "No relay since 11:50. 1 message waits here"));
    window.state_mut().state.hear(Event::Link(Link::Online { skew: 0 }));
    window.run_steps(2);
    assert!(!shows(&window, "No relay since"));
    window.state_mut().state.hear(Event::Notice("Bob added a device.".to_owned()));
    window.run_steps(2);
    assert!(shows(&window, "Bob added a device."));
    click(&mut window, "Dismiss notice");
    assert!(!shows(&window, "Bob added a device."));
}

/// `UI-VIEW-12`
#[test]
fn the_banner_says_how_the_team_stands_in_calm_words() {
    let mut window = wide(Scene::talking());
    let mut stands = |health: Health, skew| {
        window.state_mut().state.hear(Event::Team(general().team, health));
        window.state_mut().state.hear(Event::Link(Link::Online { skew }));
        window.run_steps(3);
        let all = window.root().children_recursive().filter_map(|node| {
            let node = node.accesskit_node();
            (node.role() == egui::accesskit::Role::Status).then(|| node.value().or(node.label()))
        });
        all.flatten().collect::<Vec<String>>()
    };
    assert!(stands(Health::default(), 120_000).is_empty());
    let cut_off = Health { paused: true, reachable: vec![52, 53], ..Health::default() };
    assert_eq!(
        stands(cut_off, 0),
        ["Cut off from the origin: messages go on, membership changes and key refresh wait. 2 \
          other devices are there."]
    );
    for (membership, said) in [
        (Membership::Stalled, "This device cannot apply a change of the team"),
        (Membership::Rejoining, "it is rejoining"),
        (Membership::ReadOnly, "Read-only: not confirmed for 7 days."),
        (Membership::TwoHistories, "The relay shows two histories of this team."),
    ] {
        let max_offline_send = 7 * 86_400_000;
        let said_now = stands(Health { membership, max_offline_send, ..Health::default() }, 0);
        assert!(said_now.len() == 1 && said_now[0].contains(said), "{said_now:?}");
    }
    let everything = Health {
        membership: Membership::ReadOnly,
        paused: true,
        two_faced: vec!["Anna".to_owned()],
        ..Health::default()
    };
    let said = stands(everything, -400 * 86_400_000);
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "Anna’s device shows two histories. Tell your admin.");
    assert!(said[2].contains("clock is 400 days ahead of the relay’s"), "{said:?}");
}

/// `UI-VIEW-12`
#[test]
fn whoever_was_removed_reads_on_and_finds_no_place_to_write() {
    let mut window = wide(Scene::talking());
    assert!(shows(&window, "Message composer"));
    let removed = Some(ui_model::Removed { by: "Anna".to_owned(), at: Millis(0) });
    let health = Health { membership: Membership::Removed, removed, ..Health::default() };
    window.state_mut().state.hear(Event::Team(general().team, health));
    window.run_steps(3);
    assert!(!shows(&window, "Message composer") && !shows(&window, "Send"));
    assert!(shows(&window, "nothing can be written"));
    assert!(shows(&window, "Anna removed this device from the team"));
}

/// `UI-VIEW-17`
#[test]
fn members_are_shown_with_who_is_there_by_mouse_and_by_keyboard() {
    for width in [1_200.0, 640.0] {
        let mut window = window(Scene::talking(), width);
        let health = Health { reachable: vec![52], devices: 5, ..Health::default() };
        window.state_mut().state.hear(Event::Team(general().team, health.clone()));
        window.run_steps(3);
        click(&mut window, "Members, 1 other device is there");
        for said in [
            "Alice Moreau, laptop, this device",
            "Bob Okafor, phone, there now",
            "Bob Okafor, old laptop, 2 hours ago",
            "Admin, Member tool, member tool, not heard of yet",
        ] {
            assert!(shows(&window, said), "{said}");
        }
        // Somebody goes: the list is asked for again.
        for member in &mut window.state_mut().members {
            member.reachable = false;
            member.two_faced = member.number == 53;
        }
        let nobody = Health { reachable: vec![], ..health };
        window.state_mut().state.hear(Event::Team(general().team, nobody));
        window.run_steps(3);
        assert!(shows(&window, "Bob Okafor, phone, not heard of yet"));
        assert!(shows(&window, "Dai Tanaka, desk, not heard of yet, shows two histories"));
        press(&mut window, Modifiers::NONE, Key::Escape);
        assert!(!shows(&window, "Dai Tanaka, desk"));
        press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Period);
        assert!(shows(&window, "Dai Tanaka, desk"));
        click(&mut window, "Close members (Esc)");
        assert!(!shows(&window, "Dai Tanaka, desk"));
    }
}

/// `UI-VIEW-12`
#[test]
fn less_confinement_than_designed_is_said() {
    for (confinement, said) in [
        (Confinement::Reduced("no Landlock".to_owned()), "Reduced confinement"),
        (
            Confinement::Absent("old kernel".to_owned()),
            "Nothing confines these processes: old kernel",
        ),
    ] {
        let mut scene = Scene::new(Phase::Locked);
        scene.confinement = confinement;
        scene.unlock();
        assert!(shows(&wide(scene), said));
    }
    assert!(!shows(&wide(Scene::talking()), "onfine"));
}

/// `UI-VIEW-09`
#[test]
fn the_composer_grows_with_its_text_and_shrinks_again() {
    let height = |window: &crate::Window| window.get_by_label("Message composer").rect().height();
    let mut window = wide(Scene::talking());
    let empty = height(&window);
    let place = window.get_by_label("Message composer").rect();
    write(&mut window, "Message composer", "one");
    for _ in 0..3 {
        press(&mut window, Modifiers::SHIFT, Key::Enter);
    }
    type_text(&mut window, "four");
    assert!(height(&window) > 2.0 * empty);
    let (field, send) = (window.get_by_label("Message composer"), window.get_by_label("Send"));
    assert!((field.rect().bottom() - send.rect().bottom()).abs() < 8.0);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.get_by_label("Message composer").rect(), place);
}
