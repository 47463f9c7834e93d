//! Clocks that are wrong: they may delay nothing for good, and end no key.

use objects::Millis;
use objects::wire::Refusal;

use super::world::World;
use crate::{Answer, Input};

/// `MLS-96`
#[test]
fn a_clock_that_is_set_back_by_a_year_delays_nothing() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let channel = world.general(team);
    let right = world.now;
    world.now = right.plus(YEAR);
    world.say(1, team, "from the future");
    world.run_for(500);
    // What is wished is planned by the clock that is ahead, and so is the beacon of whoever reads.
    world.nodes[1].go(false);
    world.run_for(100);
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    let delivered = |world: &World| world.nodes[1].watermarks[&(team, channel)].delivered;
    assert_eq!(delivered(&world), 0);
    world.now = right;
    for node in 0..3 {
        world.give(node, Input::Tick);
    }
    world.nodes[1].go(true);
    world.run_for(20_000);
    assert_eq!(delivered(&world), 1);
    assert!(world.nodes[1].endpoint.is_settled(), "the leaf is renewed");
    // After a start as well, when nothing but the rows says how late it was.
    world.now = right.plus(YEAR);
    world.say(2, team, "again");
    world.run_for(500);
    world.nodes[1].restart();
    world.now = right;
    world.run_for(20_000);
    let bob = &world.nodes[2].watermarks[&(team, channel)];
    assert_eq!((bob.relay, bob.delivered), (1, 1));
}

/// `MLS-96`
#[test]
fn an_announcement_of_a_clock_that_is_behind_is_dated_anew_by_the_relays() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.run();
    world.now = world.now.plus(YEAR);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    world.nodes[1].go(false);
    let joining = world.act(1, |endpoint, _| endpoint.join(Millis(1_000), &link).unwrap());
    let name = team.name(objects::Announcement::rest(&joining.hash));
    let before = world.nodes[1].endpoint.queued_object(name).unwrap();
    assert!(before.expires() < world.now);
    let relay = world.nodes[1].endpoint.relay().unwrap().key;
    world.give(1, Input::Linked { relay, exporter: [3; 32], now: world.now });
    let id = world.nodes[1].endpoint.underway.id(name).unwrap();
    world.give(1, Input::Answered { id, answer: Answer::Refused(Refusal::Expired) });
    let after = world.nodes[1].endpoint.queued_object(name).unwrap();
    assert!(after.expires() > world.now);
    assert_eq!(after.data(), before.data());
    world.give(1, Input::Unlinked);
    world.nodes[1].go(true);
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run_for(20_000);
    world.say(1, team, "here");
    world.run();
    assert_eq!(world.shows(0).len(), 1);
}

/// `MLS-96`
#[test]
fn who_seeks_an_announcement_is_not_woken_for_nothing_when_the_clock_is_set_back() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let hash = objects::Hash([7; 32]);
    world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
    let asked = world.nodes[0].outputs.pop_back().unwrap();
    assert!(matches!(asked, crate::Output::Get { .. }));
    world.run_for(1_000);
    world.output(0, asked);
    world.now = Millis(world.now.0 - 9_000);
    world.give(0, Input::Tick);
    let endpoint = &world.nodes[0].endpoint;
    assert!(endpoint.wake_at().is_none_or(|wake| wake > world.now));
    world.run_for(60_000);
    let told = (hash, Err(crate::NotAdded::NoSuchAnnouncement));
    assert_eq!(world.nodes[0].added.last(), Some(&told));
}

/// A year, in ms.
const YEAR: u64 = 365 * 24 * 3_600_000;
