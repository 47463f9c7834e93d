use names::{Channel, Name, Rest};

use super::world::World;
use crate::{JoinError, Output, Plaintext, SendError};

/// `MLS-10`
#[test]
fn the_admin_adds_two_people_and_they_talk() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "hello");
    world.run();
    world.say(2, team, "hello back");
    world.run();
    let talk = [("Alice", "hello"), ("Bob", "hello back")];
    let talk = talk.map(|(user, text)| (user.to_owned(), text.to_owned()));
    for node in 0..3 {
        assert_eq!(world.shows(node), talk, "node {node}");
        assert_eq!(world.nodes[node].notices, []);
        let status = world.nodes[node].endpoint.team_status(team).unwrap().unwrap();
        assert_eq!((status.devices, status.queued, status.wishes), (3, 0, 0));
        assert_eq!(status.name, "Team");
        assert_eq!(world.nodes[node].endpoint.channels(team).unwrap()[0].name, "general");
        let mut users: Vec<String> = world.nodes[node]
            .endpoint
            .devices(team)
            .unwrap()
            .into_iter()
            .map(|device| device.user)
            .collect();
        users.sort();
        assert_eq!(users, ["Admin", "Alice", "Bob"]);
    }
    let epochs: Vec<u64> = (0..3)
        .map(|node| world.nodes[node].endpoint.team_status(team).unwrap().unwrap().epoch)
        .collect();
    // Two additions, and both newcomers have renewed their leaf.
    assert_eq!(epochs, [4, 4, 4]);
}

/// `MLS-13`
#[test]
fn delivered_means_that_a_device_of_every_other_person_has_it() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let channel = world.general(team);
    world.nodes[3].go(false);
    world.say(1, team, "hello");
    world.run();
    let mark = world.nodes[1].endpoint.watermarks(team, channel).unwrap().unwrap();
    assert_eq!((mark.relay, mark.delivered), (1, 0), "Carol is away");
    world.nodes[3].go(true);
    world.run();
    let mark = world.nodes[1].watermarks[&(team, channel)];
    assert_eq!((mark.relay, mark.delivered), (1, 1));
    world.nodes[1].restart();
    let mark = world.nodes[1].endpoint.watermarks(team, channel).unwrap().unwrap();
    assert_eq!((mark.relay, mark.delivered), (1, 1), "after a restart");
}

/// `MLS-13`
#[test]
fn a_newcomer_owes_nothing_for_what_was_written_before() {
    let mut world = World::new(&["Admin", "Alice", "Bob", "Carol"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.invite(team, 2);
    let channel = world.general(team);
    world.say(1, team, "before");
    world.run();
    world.invite(team, 3);
    world.say(1, team, "after");
    world.run();
    let mark = world.nodes[1].watermarks[&(team, channel)];
    assert_eq!((mark.relay, mark.delivered), (2, 2));
    assert_eq!(world.shows(3), [("Alice".to_owned(), "after".to_owned())]);
}

/// `MLS-14`
#[test]
fn what_is_written_offline_waits_and_then_arrives_in_order() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[1].go(false);
    world.run();
    let texts: Vec<String> = (0..600).map(|n| format!("line {n}")).collect();
    for text in &texts {
        world.say(1, team, text);
    }
    world.run();
    assert_eq!(world.nodes[1].endpoint.team_status(team).unwrap().unwrap().queued, 600);
    assert_eq!(world.shows(2), []);
    world.nodes[1].restart();
    world.nodes[1].go(true);
    world.run();
    let read: Vec<String> = world.shows(2).into_iter().map(|(_, text)| text).collect();
    assert_eq!(read, texts);
    assert!(world.nodes[1].endpoint.is_settled());
}

fn first_number(name: Name) -> names::Number {
    let Rest::Message { number, .. } = name.place().rest else { panic!("{name}") };
    number
}

/// `MLS-15`
#[test]
fn long_texts_are_parts_and_arrive_whole() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    for len in [1, 40, 60, 300, 650, 740, 840, 1600, 20_000, crate::MAX_BODY] {
        let text: String = "añ😀b".chars().cycle().take((len - 1) / 2).chain(['.']).collect();
        let name = world.say(1, team, &text);
        world.run();
        let shown = &world.nodes[2].shown[&name];
        assert_eq!(shown.body.reveal(), text);
        assert!(len > 650 || shown.last == first_number(name), "{len} bytes fit one object");
    }
    let sizes: std::collections::BTreeSet<usize> = world
        .relay
        .order
        .iter()
        .filter(|name| matches!(name.place().rest, Rest::Message { .. }))
        .map(|name| world.relay.get(*name).unwrap().0.data().unwrap().len())
        .collect();
    assert_eq!(sizes, [256, 512, 1024].into());
}

/// `MLS-15`
#[test]
fn what_cannot_be_said_is_refused_and_changes_nothing() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let channel = world.general(team);
    let foreign = team.name(Rest::Message {
        channel: Channel::MANAGE,
        device: names::Device::MEMBER_TOOL,
        number: names::Number::ZERO,
    });
    let long = "x".repeat(crate::MAX_BODY + 1);
    let cases: [(Channel, &str, Option<Name>, SendError); 5] = [
        (channel, "", None, SendError::BadText),
        (channel, &long, None, SendError::BadText),
        (Channel::MANAGE, "hi", None, SendError::NoSuchChannel),
        (Channel::MAX, "hi", None, SendError::NoSuchChannel),
        (channel, "hi", Some(foreign), SendError::NoSuchMessage),
    ];
    for (channel, text, thread, error) in cases {
        let now = world.now;
        let endpoint = &mut world.nodes[1].endpoint;
        let refused = endpoint.send(now, team, channel, Plaintext::from(text), thread, Vec::new());
        assert_eq!(refused, Err(error));
        assert!(endpoint.changes().is_empty());
    }
}

/// `MLS-10`
#[test]
fn channels_and_names_reach_everybody_also_those_who_come_later() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.act(0, |endpoint, now| endpoint.create_channel(now, team, "random").unwrap());
    world.run();
    world.invite(team, 2);
    for node in 0..3 {
        let endpoint = &world.nodes[node].endpoint;
        let channels = endpoint.channels(team).unwrap();
        let channels: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(channels, ["general", "random"]);
        assert_eq!(endpoint.teams().unwrap()[0].name, "Team");
    }
}

/// `MLS-11`
#[test]
fn joining_twice_or_by_another_relay_is_refused() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let mut link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let now = world.now;
    let again = world.nodes[1].endpoint.join(now, &link);
    assert_eq!(again, Err(JoinError::AlreadyJoined));
    link.team.team = names::Team::truncate(link.team.team.value() ^ 1);
    link.relay.key = objects::Key([9; 32]);
    assert_eq!(world.nodes[1].endpoint.join(now, &link), Err(JoinError::OtherRelay));
}

/// `MLS-12`
#[test]
fn to_another_relay_nothing_is_proved_and_nothing_sent() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    world.nodes[1].go(false);
    world.run();
    world.say(1, team, "waits");
    let now = world.now;
    let endpoint = &mut world.nodes[1].endpoint;
    while endpoint.poll().is_some() {}
    let relay = objects::Key([9; 32]);
    endpoint.handle(now, crate::Input::Linked { relay, exporter: [0; 32], now }).unwrap();
    let outputs: Vec<Output> = std::iter::from_fn(|| endpoint.poll()).collect();
    assert!(matches!(outputs[..], [Output::Notice(crate::Notice::WrongRelay)]));
}

/// `MLS-16`
#[test]
fn what_is_delivered_again_is_shown_once() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "once");
    world.run();
    for node in 0..3 {
        world.nodes[node].lose_cache();
    }
    world.run();
    world.say(2, team, "twice");
    world.run();
    for node in 0..3 {
        assert_eq!(world.shows(node).len(), 2);
        assert_eq!(world.nodes[node].notices, []);
        let kept = world.nodes[node].endpoint.rows().count(crate::Table::Ahead, &[]);
        assert_eq!(kept, 0, "nothing is left lying about");
    }
}

/// `MLS-22`
#[test]
fn a_newcomer_reads_what_came_before_the_claim_that_adds_it() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.run();
    world.say(1, team, "before Bob");
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    world.nodes[2].go(false);
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    world.say(1, team, "welcome");
    world.run();
    let mut slots =
        world.relay.order.iter().filter(|name| matches!(name.place().rest, Rest::Slot(_)));
    let claim = slots.next_back().copied().unwrap();
    world.comes_last(claim);
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.shows(2), [("Alice".to_owned(), "welcome".to_owned())]);
    let channels = |node: usize| world.nodes[node].endpoint.channels(team).unwrap();
    assert_eq!(channels(2), channels(0));
}
