//! Relays below the origin, and links that come and go.

use names::TeamId;
use objects::wire::Refusal;

use super::world::{Home, World};
use crate::{Answer, Input, SendError, TeamStanding};

/// Alice's home relay is below the origin; Bob links to the origin itself.
fn below() -> (World, TeamId) {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    world.nodes[1].home = Some(Home::new());
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.invite(team, 2);
    world.run();
    (world, team)
}

/// `MLS-62`
#[test]
fn what_only_the_home_relay_has_stays_until_the_origin_has_it() {
    let (mut world, team) = below();
    let channel = world.general(team);
    let marks = |world: &World| {
        let mark = world.nodes[1].endpoint.watermarks(team, channel).unwrap().unwrap();
        (mark.local, mark.relay, mark.delivered)
    };
    assert!(world.nodes[1].endpoint.is_settled());
    world.say(1, team, "through the child");
    world.run();
    assert_eq!(marks(&world), (1, 1, 1));
    world.cut(1, true);
    world.say(1, team, "on the island");
    world.run();
    assert_eq!(marks(&world), (2, 1, 1));
    assert_eq!(world.shows(2).len(), 1);
    // Whatever happens to process and link, it waits for the origin.
    world.nodes[1].restart();
    world.run();
    world.nodes[1].go(false);
    world.run();
    assert_eq!((marks(&world), world.nodes[1].endpoint.is_settled()), ((2, 1, 1), false));
    world.nodes[1].go(true);
    world.run();
    world.cut(1, false);
    world.run();
    assert_eq!(marks(&world), (2, 2, 2));
    assert!(world.nodes[1].endpoint.is_settled());
    assert_eq!(world.shows(2).len(), 2);
    assert_eq!(world.nodes[1].notices, []);
}

/// `MLS-62`
#[test]
fn a_receipt_of_another_relay_settles_nothing() {
    let (mut world, team) = below();
    world.cut(1, true);
    let name = world.say(1, team, "on the island");
    world.run();
    let waiting = world.nodes[1].endpoint.rows().keys(crate::Table::Outbox, &[]);
    assert_eq!(waiting.len(), 1);
    let home = objects::Signer::from_seed(&[8; 32]);
    let stranger = objects::Signer::from_seed(&[9; 32]);
    let object = world.nodes[1].endpoint.queued_object(name).unwrap();
    for signer in [&home, &stranger] {
        let at = world.now;
        let receipt = objects::Receipt::sign(signer, &object, names::Slot::ZERO, at);
        world.nodes[1].endpoint.handle(at, Input::Settled { receipt }).unwrap();
        assert!(!world.nodes[1].endpoint.is_settled());
    }
}

/// `MLS-63`
#[test]
fn what_is_put_off_is_tried_again_ever_more_seldom() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.relay.refuses = Some(Refusal::Quota);
    for _ in 0..5 {
        world.say(1, team, "too much");
    }
    // All five leave at first; then only the first of the log is tried, and of that of beacons.
    world.run_for(600_000);
    let tries = world.relay.refused;
    assert!((12..60).contains(&tries), "{tries} tries in ten minutes");
    world.relay.refuses = None;
    world.run_for(61_000);
    assert_eq!(world.shows(2).len(), 5);
    assert!(world.nodes[1].endpoint.is_settled());
}

/// `MLS-69`
#[test]
fn who_is_cut_off_for_too_long_reads_and_writes_no_more_until_the_origin_has_everything() {
    let (mut world, team) = below();
    let channel = world.general(team);
    world.cut(1, true);
    world.say(1, team, "on the island");
    world.run();
    let status = world.nodes[1].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!((status.standing, status.origin_reachable), (TeamStanding::Member, Some(false)));
    assert!(status.unsettled > 0 && status.offline_since.is_some());
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    assert!(world.nodes[1].endpoint.team_status(team).unwrap().unwrap().paused);
    let week = status.policy.max_offline_send;
    assert_eq!(week, 7 * 24 * 3_600_000);
    world.run_for(week + 60_000);
    world.nodes[1].restart();
    world.run();
    let now = world.now;
    let send = |world: &mut World, text: &str| {
        let endpoint = &mut world.nodes[1].endpoint;
        endpoint.send(now, team, channel, text.into(), None, Vec::new()).map(|_| ())
    };
    assert_eq!(send(&mut world, "too late"), Err(SendError::ReadOnly));
    let status = world.nodes[1].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!(status.standing, TeamStanding::ReadOnly);
    world.cut(1, false);
    world.run_for(30_000);
    assert_eq!(send(&mut world, "back again"), Ok(()));
    let status = world.nodes[1].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!((status.standing, status.paused), (TeamStanding::Member, false));
    assert_eq!(world.shows(2).len(), 1, "what was written before arrives");
}

/// `MLS-70`
#[test]
fn status_says_who_is_there() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(2, team, "hello");
    world.run();
    let bob = world.nodes[2].endpoint.team(team).unwrap().unwrap().own();
    let reachable =
        |world: &World| world.nodes[1].endpoint.team_status(team).unwrap().unwrap().reachable;
    assert!(reachable(&world).contains(&bob));
    let devices = world.nodes[1].endpoint.devices(team).unwrap();
    let heard = devices.iter().find(|device| device.number == bob).unwrap().heard;
    assert!(heard.is_some_and(|heard| heard <= world.now));
    assert!(devices.iter().any(|device| device.admin && device.number != bob));
    world.nodes[2].go(false);
    world.run();
    world.run_for(160_000);
    assert!(!reachable(&world).contains(&bob));
}

/// `MLS-62`
#[test]
fn who_does_not_know_the_origin_yet_sends_again_what_has_its_receipt() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.run();
    let mut link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    link.relay.key = objects::Signer::from_seed(&[8; 32]).key();
    world.nodes[1].go(false);
    let joining = world.act(1, |endpoint, now| endpoint.join(now, &link).unwrap());
    let name = team.name(objects::Announcement::rest(&joining.hash));
    let (relay, now) = (link.relay.key, world.now);
    world.give(1, Input::Linked { relay, exporter: [3; 32], now });
    let id = world.nodes[1].endpoint.underway.id(name).unwrap();
    // It was published before, by a process that has ended: a relay on the way has kept it.
    let object = world.nodes[1].endpoint.queued_object(name).unwrap();
    let receipt = objects::Receipt::sign(&world.relay.signer, &object, names::Slot::ZERO, now);
    world.give(1, Input::Answered { id, answer: Answer::Receipt(receipt) });
    let sent = |world: &World| {
        let link = world.nodes[1].endpoint.link.as_ref().unwrap();
        link.in_flight.contains(&id)
    };
    assert!(!sent(&world));
    assert_eq!(world.nodes[1].notices, []);
    let term = world.relay.order.iter().copied().find(|name| {
        let origin = names::Device::ORIGIN;
        matches!(name.place().rest, names::Rest::Certificate { device, .. } if device == origin)
    });
    let (object, _) = world.relay.get(term.unwrap()).unwrap().clone();
    world.give(1, Input::Arrived { object, receipt: None });
    assert!(sent(&world));
    world.give(1, Input::Answered { id, answer: Answer::Receipt(receipt) });
    assert_eq!(world.nodes[1].endpoint.underway.id(name), None);
}
