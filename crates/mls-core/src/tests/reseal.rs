//! What came too late is sealed again, for those who may read it, and shown once.

use names::{Channel, Device, Name, Number, Rest, TeamId};
use objects::{Signature, Signer};

use super::adversary::log_signer;
use super::stalls::all_is_well;
use super::terms::term;
use super::world::World;
use crate::content::{Content, sign};
use crate::rows::Table;
use crate::state::log_key;
use crate::{Endpoint, Unreadable};

fn refresh(world: &mut World, team: TeamId, node: usize, times: usize) {
    for _ in 0..times {
        world.act(node, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
    }
}

fn own(world: &World, team: TeamId, node: usize) -> Device {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().own()
}

fn texts(world: &World, node: usize) -> Vec<String> {
    world.shows(node).into_iter().map(|(_, text)| text).collect()
}

/// `MLS-66`
#[test]
fn who_was_cut_off_for_many_epochs_is_read_all_the_same() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[1].go(false);
    world.run();
    let name = world.say(1, team, "from long ago");
    let long = world.say(1, team, &"long ".repeat(500));
    refresh(&mut world, team, 2, 5);
    world.nodes[1].go(true);
    world.run_for(20_000);
    assert_eq!(world.nodes[2].shown[&name].body.reveal(), "from long ago");
    assert_eq!(world.nodes[2].shown[&long].body.reveal().len(), 2_500);
    for node in [0, 2] {
        assert_eq!(world.shows(node).len(), 2, "each is shown once");
    }
    let mark = world.nodes[1].endpoint.watermarks(team, world.general(team)).unwrap().unwrap();
    assert_eq!(mark.relay, mark.delivered);
    assert!(world.nodes.iter().all(|node| node.notices.is_empty()));
}

/// `MLS-66`
#[test]
fn anyone_who_has_it_seals_it_again_for_an_author_who_is_gone() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    world.nodes[3].go(false);
    world.run();
    let name = world.say(1, team, "last words");
    world.run();
    world.nodes[1].go(false);
    world.run();
    refresh(&mut world, team, 2, 5);
    world.comes_last(name);
    world.nodes[3].go(true);
    world.run();
    assert_eq!(world.nodes[3].shown[&name].unreadable, Some(Unreadable::TooLate));
    let mark = world.nodes[1].endpoint.watermarks(team, world.general(team)).unwrap().unwrap();
    assert_eq!(mark.delivered, 0, "only what can be read is told of");
    // A restart forgets what others want; they want it again.
    world.nodes[0].restart();
    world.nodes[2].restart();
    world.nodes[3].restart();
    world.run_for(200_000);
    let shown = &world.nodes[3].shown[&name];
    assert_eq!((shown.body.reveal(), shown.user.as_str()), ("last words", "Alice"));
    assert_eq!(shown.device, own(&world, team, 1));
    world.nodes[1].go(true);
    world.run();
    let mark = world.nodes[1].endpoint.watermarks(team, world.general(team)).unwrap().unwrap();
    assert_eq!(mark.delivered, 1);
}

/// `MLS-67`
#[test]
fn nothing_is_sealed_again_for_those_who_were_not_there() {
    let mut world = World::new(&["Admin", "Alice", "Bob", "Dave"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.invite(team, 2);
    let name = world.say(1, team, "before Dave");
    world.run();
    world.invite(team, 3);
    let later = world.say(1, team, "after Dave");
    world.run();
    let (dave, bob, stranger) = (own(&world, team, 3), own(&world, team, 2), Device::MAX);
    for (device, name, given) in
        [(dave, name, false), (stranger, later, false), (dave, later, true), (bob, name, true)]
    {
        for node in [1, 2] {
            let now = world.now;
            let endpoint = &mut world.nodes[node].endpoint;
            let row = endpoint.team(team).unwrap().unwrap();
            endpoint.recalls = crate::reseal::Recalls::default();
            endpoint.wanted(now, &row, device, name).unwrap();
            assert_eq!(endpoint.recall_due(team).is_some(), given, "{device:?} {name} {node}");
        }
    }
}

/// `MLS-67`
#[test]
fn what_is_sealed_again_counts_by_its_authors_signature_and_once() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    world.nodes[3].go(false);
    world.run();
    let name = world.say(1, team, "real");
    world.run();
    let opened = world.nodes[2].shown[&name].clone();
    let content = Content::Text(crate::content::Said {
        body: opened.body.clone(),
        thread: opened.thread,
        after: opened.after.clone(),
        at: opened.at,
    });
    let content = content.bytes().unwrap();
    let Rest::Message { channel, .. } = name.place().rest else { panic!() };
    assert_ne!(channel, Channel::MANAGE);
    let give = |world: &mut World, signature: Signature| {
        let content = content.clone();
        world.act(3, move |endpoint, now| {
            endpoint.take_resealed(now, team, name, signature, &content).unwrap();
        });
    };
    give(&mut world, Signature([9; 64]));
    assert_eq!(world.shows(3).len(), 0, "not the author's word");
    for _ in 0..2 {
        give(&mut world, opened.signature.unwrap());
        assert_eq!(texts(&world, 3), ["real"]);
    }
    // Its own entry comes after all.
    world.nodes[3].go(true);
    world.run();
    assert_eq!(texts(&world, 3), ["real"]);
    let sealed_again = Endpoint::leaves(&world.nodes[3].endpoint.groups[&team]).count();
    assert_eq!(sealed_again, 4, "and the team goes on");
}

fn beacons(world: &World, device: Device) -> usize {
    let by = |name: &&Name| {
        matches!(name.place().rest, Rest::Message { channel: Channel::MANAGE, device: of, .. }
            if of == device)
    };
    world.relay.order.iter().filter(by).count()
}

/// `MLS-68`
#[test]
fn beacons_come_soon_then_every_minute_and_end_when_nobody_writes() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.run_for(700_000);
    let (alice, bob) = (own(&world, team, 1), own(&world, team, 2));
    let before = [alice, bob].map(|device| beacons(&world, device));
    world.say(1, team, "hello");
    world.run_for(2_500);
    assert_eq!(beacons(&world, bob), before[1] + 1, "within two seconds");
    assert_eq!(beacons(&world, alice), before[0], "nothing new came to her");
    world.run_for(600_000);
    let told = [alice, bob].map(|device| beacons(&world, device));
    for (told, before) in told.into_iter().zip(before) {
        assert!((9..13).contains(&(told - before)), "{} in ten minutes", told - before);
    }
    world.run_for(600_000);
    assert_eq!([alice, bob].map(|device| beacons(&world, device)), told);
    assert_eq!(beacons(&world, Device::MEMBER_TOOL), beacons(&world, Device::MEMBER_TOOL));
}

/// `MLS-66`
#[test]
fn what_was_sealed_on_a_history_that_was_taken_back_is_sealed_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[0].go(false);
    world.run();
    let before = world.nodes[0].endpoint.team(team).unwrap().unwrap().head();
    refresh(&mut world, team, 1, 1);
    let name = world.say(1, team, "on the old history");
    world.run();
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, before);
    world.relay.go_back(team, before, second);
    world.relay.store(&object);
    world.nodes[0].go(true);
    world.run_for(2_000);
    world.run_for(120_000);
    for node in [0, 2] {
        assert_eq!(texts(&world, node), ["on the old history"], "node {node}");
    }
    assert_eq!(world.nodes[0].shown[&name].device, own(&world, team, 1));
    all_is_well(&mut world, team);
}

/// `MLS-66`
#[test]
fn the_member_tool_asks_again_for_what_is_on_its_way_for_others_only() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[0].go(false);
    world.run();
    let name = world.say(1, team, "wanted");
    world.run();
    refresh(&mut world, team, 2, 5);
    world.comes_last(name);
    let opened = world.nodes[2].shown[&name].clone();
    let content = Content::Text(crate::content::Said {
        body: opened.body,
        thread: opened.thread,
        after: opened.after,
        at: opened.at,
    });
    let (content, signature) = (content.bytes().unwrap(), opened.signature.unwrap());
    // Somebody has asked for it just before, and got it in an epoch that the member tool has not seen.
    for node in [1, 2] {
        let content = content.clone();
        world.act(node, move |endpoint, now| {
            endpoint.take_resealed(now, team, name, signature, &content).unwrap();
        });
    }
    world.nodes[0].go(true);
    world.run_for(20_000);
    assert_eq!(world.nodes[0].shown[&name].unreadable, Some(Unreadable::TooLate));
    world.run_for(120_000);
    assert_eq!(texts(&world, 0), ["wanted"]);
    let asked = beacons(&world, Device::MEMBER_TOOL);
    world.run_for(120_000);
    assert_eq!(beacons(&world, Device::MEMBER_TOOL), asked, "it asks for nothing more");
}

/// `MLS-67`
#[test]
fn of_a_revoked_author_only_what_was_here_before_is_taken() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let channel = world.general(team);
    world.nodes[3].go(false);
    world.run();
    let name = world.say(1, team, "before");
    world.run();
    refresh(&mut world, team, 2, 5);
    world.comes_last(name);
    let alice = own(&world, team, 1);
    let signer = log_signer(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, alice).unwrap());
    world.run();
    world.nodes[3].go(true);
    world.run();
    assert_eq!(world.nodes[3].shown[&name].unreadable, Some(Unreadable::TooLate));
    world.run_for(200_000);
    assert_eq!(texts(&world, 3), ["before"], "by Bob, who has it");
    // Alice keeps her key, and somebody helps her to say something after she was removed.
    let said = crate::content::Said {
        body: "after".into(),
        thread: None,
        after: Vec::new(),
        at: world.now,
    };
    let content = Content::Text(said).bytes().unwrap();
    let number = Number::truncate(1);
    let later = team.name(Rest::Message { channel, device: alice, number });
    let signature = sign(&signer, later, &content);
    for node in [0, 2, 3] {
        let content = content.clone();
        world.act(node, move |endpoint, now| {
            endpoint.take_resealed(now, team, later, signature, &content).unwrap();
        });
        assert_eq!(texts(&world, node), ["before"], "node {node}");
    }
}

/// `MLS-68`
#[test]
fn in_a_large_team_beacons_come_later() {
    let people: Vec<String> = (0..17).map(|number| format!("Person {number}")).collect();
    let mut world = World::new(&people.iter().map(String::as_str).collect::<Vec<_>>());
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    for node in 1..people.len() {
        let joining = world.act(node, |endpoint, now| endpoint.join(now, &link).unwrap());
        world.run();
        world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    }
    world.run_for(30_000);
    let readers: Vec<Device> = (2..people.len()).map(|node| own(&world, team, node)).collect();
    let told =
        |world: &World| -> usize { readers.iter().map(|device| beacons(world, *device)).sum() };
    let before = told(&world);
    world.say(1, team, "hello");
    world.run_for(1_900);
    assert_eq!(told(&world), before, "at least two seconds with more than sixteen");
    world.run_for(2_600);
    assert_eq!(told(&world), before + readers.len());
}

/// `MLS-69`
#[test]
fn who_was_cut_off_for_too_long_is_not_woken_to_seal_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let name = world.say(1, team, "wanted");
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.say(1, team, "on the island");
    world.now = world.now.plus(8 * 24 * 3_600_000);
    let bob = own(&world, team, 2);
    world.act(1, |endpoint, now| {
        let row = endpoint.team(team).unwrap().unwrap();
        endpoint.wanted(now, &row, bob, name).unwrap();
        endpoint.handle(now, crate::Input::Tick).unwrap();
    });
    let endpoint = &world.nodes[1].endpoint;
    assert!(endpoint.is_cut_off(world.now, team).unwrap());
    assert!(endpoint.wake_at().is_none_or(|wake| wake > world.now));
    world.nodes[1].go(true);
    world.run_for(60_000);
    assert_eq!(world.nodes[1].endpoint.recall_due(team), None, "it was sealed again");
    assert_eq!(texts(&world, 2), ["wanted", "on the island"]);
}

/// `MLS-111`
#[test]
fn who_makes_up_what_nobody_can_read_keeps_others_from_asking_for_nothing() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let [alice, bob] = [1, 2].map(|node| own(&world, team, node));
    let (channel, now) = (world.general(team), world.now);
    let endpoint = &mut world.nodes[0].endpoint;
    let of = |device| log_key(team, channel, device);
    for first in 0..1100 {
        endpoint.want_at(now, team, &of(bob), first).unwrap();
    }
    assert_eq!(endpoint.rows().count(Table::Want, &of(bob)), 1024);
    for first in [7, 8] {
        endpoint.want_at(now, team, &of(alice), first).unwrap();
    }
    let name = |device, number| {
        team.name(Rest::Message { channel, device, number: Number::truncate(number) })
    };
    for turn in 1..4 {
        let wants = endpoint.wants(now, team, turn).unwrap();
        assert_eq!(wants.len(), 8);
        for number in [7, 8] {
            assert!(wants.contains(&name(alice, number)), "turn {turn}");
        }
        // What has been asked for gives way to what has not.
        let first = 6 * (turn - 1);
        assert!((first..first + 6).all(|number| wants.contains(&name(bob, number))));
    }
    // What was sealed again takes nobody's place.
    endpoint.no_want(&of(bob), 0, false).unwrap();
    endpoint.want_at(now, team, &of(bob), 2000).unwrap();
    assert_eq!(endpoint.wanting(&of(bob), 2000).unwrap(), Some(false));
}
