//! What strangers put where somebody's pieces and pointers belong.

use names::{Name, Rest, TeamId};
use objects::{Hash, Object, WelcomePointer};

use super::adversary::{arrive, log_signer, signed};
use super::stalls::all_is_well;
use super::world::World;
use crate::{Input, Notice};

/// What came to the relay from here on, with the origin's receipts for slots.
fn since(world: &World, team: TeamId, from: usize) -> Vec<Input> {
    let names = world.relay.order[from..].iter().filter(|name| name.team() == team);
    let arrived = names.map(|name| {
        let (object, receipt) = world.relay.get(*name).cloned().unwrap();
        let slot = matches!(name.place().rest, Rest::Slot(_));
        Input::Arrived { object, receipt: slot.then_some(receipt) }
    });
    arrived.collect()
}

fn pieces(world: &World, from: usize) -> Vec<Name> {
    let names = world.relay.order[from..].iter().copied();
    names.filter(|name| matches!(name.place().rest, Rest::Blob { .. })).collect()
}

/// A piece as somebody else than its writer would make it.
fn forged(world: &World, team: TeamId, name: Name, by: usize) -> Object {
    signed(name, Hash::NONE, b"not what was written", &log_signer(world, team, by))
}

/// `MLS-30`
#[test]
fn a_strangers_piece_does_not_keep_the_right_one_out() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    world.nodes[2].go(false);
    world.run();
    let from = world.relay.order.len();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let pieces = pieces(&world, from);
    assert!(!pieces.is_empty());
    for name in &pieces {
        let object = forged(&world, team, *name, 3);
        arrive(&mut world, 2, &object);
    }
    let told: Vec<Notice> = pieces.iter().map(|name| Notice::Forged { name: *name }).collect();
    assert_eq!(world.nodes[2].notices, told);
    world.nodes[2].notices.clear();
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.nodes[2].notices, []);
    all_is_well(&mut world, team);
}

/// `MLS-11`
#[test]
fn strangers_pieces_before_anything_is_certified_do_not_keep_a_newcomer_out() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    world.nodes[2].go(false);
    world.run();
    let from = world.relay.order.len();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    // Bob has nothing of the team yet, so he cannot tell whose pieces these are.
    for name in pieces(&world, from) {
        let object = forged(&world, team, name, 1);
        arrive(&mut world, 2, &object);
    }
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.nodes[2].notices, []);
    all_is_well(&mut world, team);
}

/// `MLS-11`
#[test]
fn a_false_pointer_does_not_take_the_place_of_the_right_one_while_pieces_are_missing() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    world.nodes[2].go(false);
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    let name = team.name(WelcomePointer::rest(&joining.hash));
    let (real, _) = world.relay.get(name).cloned().unwrap();
    let false_one = signed(name, Hash::NONE, real.data().unwrap(), &log_signer(&world, team, 1));
    let is = |input: &Input, what: fn(Rest) -> bool| matches!(input, Input::Arrived { object, .. } if what(object.name().place().rest));
    let all = since(&world, team, 0);
    let blob = |rest| matches!(rest, Rest::Blob { .. });
    let (pieces, others): (Vec<Input>, Vec<Input>) =
        all.into_iter().partition(|input| is(input, blob));
    assert!(others.iter().any(|input| is(input, |rest| matches!(rest, Rest::Welcome { .. }))));
    for input in others {
        world.give(2, input);
    }
    arrive(&mut world, 2, &false_one);
    for input in pieces {
        world.give(2, input);
    }
    assert_eq!(world.nodes[2].notices, []);
    let status = world.nodes[2].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!(status.devices, 3);
}
