use objects::Standing;

use super::adversary::claim;
use super::wishes::{device, standing};
use super::world::World;
use crate::{NotAdded, Output, Policy, Wish};

/// `MLS-20`
#[test]
fn of_two_claims_for_one_slot_one_wins_and_both_wishes_come_true() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (won, taken) = (world.relay.won, world.relay.taken);
    for round in 0..50 {
        let epoch = world.nodes[0].endpoint.team_status(team).unwrap().unwrap().epoch;
        // Both claim before either hears of the other.
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.act(2, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
        for node in 0..3 {
            let status = world.nodes[node].endpoint.team_status(team).unwrap().unwrap();
            assert_eq!(status.epoch, epoch + 2, "round {round}, node {node}");
            assert_eq!((status.wishes, status.standing), (0, crate::TeamStanding::Member));
        }
    }
    assert_eq!(world.relay.won - won, 100);
    assert_eq!(world.relay.taken - taken, 50);
    world.say(1, team, "still here");
    world.run();
    assert_eq!(world.shows(2).len(), 1);
    assert_eq!(world.shows(0).len(), 1);
}

/// `MLS-20`
#[test]
fn an_addition_that_loses_its_slot_is_claimed_again() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let taken = world.relay.taken;
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    assert!(world.relay.taken >= taken);
    assert_eq!(world.nodes[0].added.len(), 2);
    world.say(2, team, "in");
    world.run();
    assert_eq!(world.shows(1).len(), 1);
}

/// `MLS-21`
#[test]
fn many_are_added_with_one_commit() {
    let mut world = World::new(&["Admin", "A", "B", "C", "D", "E"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let hashes: Vec<_> = (1..6)
        .map(|node| world.act(node, |endpoint, now| endpoint.join(now, &link).unwrap()).hash)
        .collect();
    world.run();
    world.nodes[0].go(false);
    world.run();
    for hash in &hashes {
        world.act(0, |endpoint, now| endpoint.add_device(now, team, *hash).unwrap());
    }
    world.nodes[0].go(true);
    world.run();
    let status = world.nodes[0].endpoint.team_status(team).unwrap().unwrap();
    // One commit for all, and one refresh of each.
    assert_eq!((status.devices, status.epoch), (6, 6));
    assert!(world.nodes[0].added.iter().all(|(_, result)| result.is_ok()));
    for node in 0..6 {
        let epoch = world.nodes[node].endpoint.team_status(team).unwrap().unwrap().epoch;
        assert_eq!(epoch, 6);
    }
}

/// `MLS-105`
#[test]
fn an_addition_that_is_made_again_leads_into_another_epoch() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    let pending = |world: &World| {
        let pending = world.nodes[0].endpoint.groups[&team].pending_commit()?;
        assert!(pending.update_path_leaf_node().is_none(), "it draws nothing else");
        Some(pending.epoch_authenticator().unwrap().as_slice().to_vec())
    };
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    let first = loop {
        if let Some(first) = pending(&world) {
            break first;
        }
        let output = world.nodes[0].outputs.pop_front().unwrap();
        world.output(0, output);
    };
    // Its slot goes to what is no commit: the epoch and the newcomer stay the same.
    claim(&mut world, team, 1, b"this is no commit");
    world.nodes[1].go(false);
    world.run();
    assert_eq!(world.nodes[0].added.len(), 2);
    assert!(world.nodes[0].added.iter().all(|(_, result)| result.is_ok()));
    let heads = &world.nodes[0].endpoint.team(team).unwrap().unwrap().heads;
    assert!(heads.len() > 4, "from the first slot on");
    assert!(heads.iter().all(|head| head.authenticator != first));
}

/// `MLS-82`
#[test]
fn who_loses_its_role_with_a_slot_adds_nobody_with_what_it_has_signed_before() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let alice = device(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let bob = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap()).hash;
    world.run();
    world.act(1, |endpoint, now| endpoint.add_device(now, team, bob).unwrap());
    while !matches!(world.nodes[1].outputs.front(), Some(Output::Claim { .. })) {
        let output = world.nodes[1].outputs.pop_front().unwrap();
        world.output(1, output);
    }
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, false).unwrap());
    world.run();
    assert_eq!(world.nodes[1].added, [(bob, Err(NotAdded::NotAdmin))]);
    assert!(world.nodes[1].endpoint.is_settled());
    world.act(0, |endpoint, now| endpoint.add_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[1].endpoint.devices(team).unwrap().len(), 3);
    world.say(2, team, "in");
    world.run();
    assert_eq!(world.shows(1).len(), 1);
}

/// `MLS-80`
#[test]
fn what_is_wished_back_while_its_contrary_is_claimed_comes_true() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let alice = device(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    let old = world.nodes[0].endpoint.policy(team).unwrap();
    let new = Policy { max_offline_send: old.max_offline_send + 60_000, ..old };
    let claimed = |world: &World| {
        assert!(world.nodes[0].endpoint.groups[&team].pending_commit().is_some());
        world.nodes[0].wished.len()
    };
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, false).unwrap());
    let told = claimed(&world);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    assert_eq!(claimed(&world), told, "nothing is decided yet");
    world.run();
    assert!(matches!(standing(&world, team, alice), Standing::Admin(_)));
    assert_eq!(world.nodes[0].wished[told..], [(Wish::Role(alice, true), Ok(()))]);
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, new).unwrap());
    let told = claimed(&world);
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, old).unwrap());
    assert_eq!(claimed(&world), told, "nothing is decided yet");
    world.run();
    assert_eq!(world.nodes[0].endpoint.policy(team), Some(old));
    assert_eq!(world.nodes[0].wished[told..], [(Wish::Policy, Ok(()))]);
    assert!(world.nodes[0].endpoint.is_settled());
}
