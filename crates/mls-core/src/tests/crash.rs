use names::Rest;

use super::world::{Crash, World};
use crate::Input;

/// What everybody reads in the end, and how many steps the victim made.
fn conversation(crash: Option<Crash>) -> (Vec<Vec<(String, String)>>, usize) {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    world.crash = crash;
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    for node in 1..3 {
        let hash = join(&mut world, node, &link);
        world.run();
        world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
        world.run();
    }
    world.say(1, team, "one");
    world.run();
    world.say(2, team, &"two ".repeat(500));
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.say(2, team, "three");
    world.run();
    world.say(1, team, "four");
    world.run();
    for node in 0..3 {
        let endpoint = &world.nodes[node].endpoint;
        assert!(endpoint.is_settled(), "node {node}");
        assert_eq!(world.nodes[node].notices, [], "node {node}");
        let status = endpoint.team_status(team).unwrap().unwrap();
        assert_eq!(status.standing, crate::TeamStanding::Member);
        let channel = world.general(team);
        if node > 0 {
            let mark = endpoint.watermarks(team, channel).unwrap().unwrap();
            assert_eq!(mark.relay, mark.delivered, "node {node}");
        }
    }
    (
        (0..3)
            .map(|node| {
                let mut shows = world.shows(node);
                shows.sort();
                shows
            })
            .collect(),
        world.steps,
    )
}

fn join(world: &mut World, node: usize, link: &objects::TeamLink) -> objects::Hash {
    world.act(node, |endpoint, now| match endpoint.join(now, link) {
        Ok(joining) => joining.hash,
        Err(error) => panic!("{error}"),
    })
}

fn every_step(node: usize) {
    let never = Crash { node, step: usize::MAX, committed: true };
    let (expected, steps) = conversation(Some(never));
    assert_eq!(expected[1].len(), 4);
    assert!(steps > 20);
    for step in 0..steps {
        for committed in [true, false] {
            let crash = Crash { node, step, committed };
            let (found, _) = conversation(Some(crash));
            assert_eq!(found, expected, "step {step} of {steps}, committed: {committed}");
        }
    }
}

/// `MLS-01`
#[test]
fn the_admin_may_die_at_every_step() {
    every_step(0);
}

/// `MLS-01`
#[test]
fn alice_may_die_at_every_step() {
    every_step(1);
}

/// `MLS-01`
#[test]
fn bob_may_die_at_every_step() {
    every_step(2);
}

/// `MLS-16`
#[test]
fn the_claim_that_adds_may_come_again_before_the_rest_of_the_welcome() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let hash = join(&mut world, 1, &link);
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
    world.run();
    let mut last = None;
    let mut pointer = None;
    for name in world.relay.order.clone().into_iter().filter(|name| name.team() == team) {
        let (object, receipt) = world.relay.get(name).cloned().unwrap();
        let slot = matches!(name.place().rest, Rest::Slot(_));
        let arrived = Input::Arrived { object, receipt: slot.then_some(receipt) };
        if matches!(name.place().rest, Rest::Welcome { .. }) {
            pointer = Some(arrived);
            continue;
        }
        last = if slot { Some(name) } else { last };
        world.give(1, arrived);
    }
    let (object, receipt) = world.relay.get(last.unwrap()).cloned().unwrap();
    world.give(1, Input::Arrived { object, receipt: Some(receipt) });
    world.give(1, pointer.unwrap());
    let status = world.nodes[1].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!((status.epoch, status.devices), (1, 2));
}
