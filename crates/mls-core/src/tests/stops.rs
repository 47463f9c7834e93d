//! Who would stop a team for good, and the root's way out.

use names::TeamId;
use objects::Signer;

use super::adversary::{claim, claim_with, device};
use super::stalls::{all_is_well, commit, half_good_commit, is_stalled, stage, told};
use super::terms::term;
use super::world::World;
use crate::endpoint::USER;
use crate::rows::Table;
use crate::state::Stage;
use crate::{Notice, Skip};

/// A commit of Alice's that nobody can apply.
fn bad_commit(world: &mut World, team: TeamId) {
    let mut bytes = commit(world, team, 1);
    *bytes.last_mut().unwrap() ^= 1;
    claim(world, team, 1, &bytes);
}

/// The root names another relay, which knows nothing behind what the root calls sound.
fn move_away(world: &mut World, team: TeamId) {
    let second = Signer::from_seed(&[8; 32]);
    let row = world.nodes[0].endpoint.team(team).unwrap().unwrap();
    let last = world.nodes[0].endpoint.last_sound(team, &row);
    let object = term(world, team, 1, &second, last);
    world.relay.go_back(team, last, second);
    world.relay.store(&object);
    world.run();
}

/// `MLS-47`
#[test]
fn a_named_admin_sends_nobody_away_by_passing_over_a_slot() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let alice = device(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    let head = world.nodes[2].endpoint.team(team).unwrap().unwrap().head().0;
    claim_with(&mut world, team, 1, b"no commit", |claim| {
        claim.epoch -= 1;
        claim.skips = Some(head);
    });
    world.run();
    let slot = head.next().unwrap();
    for node in 0..3 {
        assert!(told(&world, node, Notice::Skipped { slot, why: Skip::WrongEpoch }), "{node}");
        assert!(stage(&world, node, team) == Stage::Member, "node {node}");
    }
    all_is_well(&mut world, team);
}

/// `MLS-46`
#[test]
fn the_other_device_of_who_stopped_the_team_proves_nothing() {
    let mut world = World::new(&["Admin", "Alice", "Bob", "Carol", "Alice"]);
    let user = world.nodes[1].endpoint.user().unwrap();
    world.act(4, |endpoint, _| endpoint.rows().put(Table::Identity, USER, &*user).unwrap());
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    for node in 1..5 {
        world.invite(team, node);
    }
    world.run();
    bad_commit(&mut world, team);
    for node in [0, 3] {
        world.nodes[node].go(false);
    }
    world.run();
    assert!(is_stalled(&world, 2, team));
    claim_with(&mut world, team, 4, b"no commit", |claim| claim.epoch += 1);
    world.run();
    assert!(is_stalled(&world, 2, team));
    for node in [0, 3] {
        world.nodes[node].go(true);
    }
    world.run();
    for node in [0, 2, 3] {
        assert!(!told(&world, node, Notice::Rejoining { team }), "node {node}");
    }
    assert!(stage(&world, 0, team) == Stage::Member);
}

/// `MLS-46`
#[test]
fn one_who_went_on_does_not_outweigh_two_who_have_stopped() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave", "Eve"]);
    for node in [0, 5] {
        world.nodes[node].go(false);
    }
    bad_commit(&mut world, team);
    world.run();
    assert!(is_stalled(&world, 2, team) && is_stalled(&world, 3, team));
    claim_with(&mut world, team, 4, b"no commit", |claim| claim.epoch += 1);
    world.run();
    for node in [2, 3] {
        assert!(is_stalled(&world, node, team), "node {node}");
    }
    for node in [0, 5] {
        world.nodes[node].go(true);
    }
    world.run();
    all_but_the_author(&mut world, team);
}

/// The author of a commit that nobody can apply is no member any more: it waits for its return.
fn all_but_the_author(world: &mut World, team: TeamId) {
    for node in (0..world.nodes.len()).filter(|node| *node != 1) {
        assert!(stage(world, node, team) == Stage::Member, "node {node}");
    }
}

/// `MLS-45`
#[test]
fn nobody_waits_for_the_word_of_who_waits_to_be_added_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    bad_commit(&mut world, team);
    world.act(2, |endpoint, now| endpoint.rejoin(now, team).unwrap());
    world.run();
    assert!(told(&world, 2, Notice::Rejoined { team }));
    all_but_the_author(&mut world, team);
    world.say(2, team, "back");
    world.run();
    assert!(world.shows_text(0, "back"));
}

/// `MLS-59`
#[test]
fn the_root_calls_a_team_back_that_stopped_with_half_of_it_away() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    for node in [3, 4] {
        world.nodes[node].go(false);
    }
    world.run();
    bad_commit(&mut world, team);
    world.run();
    assert!(is_stalled(&world, 0, team) && is_stalled(&world, 2, team));
    // However many slots are filled since.
    for _ in 0..12 {
        claim(&mut world, team, 2, b"no commit");
        world.run();
    }
    world.nodes[2].restart();
    move_away(&mut world, team);
    for node in [3, 4] {
        world.nodes[node].go(true);
    }
    world.run();
    // Alice cannot follow her own claim.
    for node in [0, 2, 3, 4] {
        assert!(!told(&world, node, Notice::Rejoining { team }), "node {node}");
    }
    all_is_well(&mut world, team);
}

/// `MLS-59`
#[test]
fn the_root_calls_a_team_back_in_which_everybody_waits_to_be_welcomed() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    bad_commit(&mut world, team);
    for node in [0, 3] {
        world.nodes[node].go(false);
    }
    world.run();
    // Two who hold together: nobody else could know.
    claim_with(&mut world, team, 2, b"no commit", |claim| claim.epoch += 1);
    for node in [0, 2, 3] {
        world.nodes[node].go(true);
        world.act(node, |endpoint, now| endpoint.rejoin(now, team).unwrap());
    }
    world.run();
    for node in [0, 2, 3] {
        assert!(matches!(stage(&world, node, team), Stage::Rejoining { .. }), "node {node}");
    }
    world.nodes[3].restart();
    move_away(&mut world, team);
    all_is_well(&mut world, team);
    world.run_for(120_000);
    all_is_well(&mut world, team);
}

/// `MLS-59`
#[test]
fn who_was_put_back_to_an_old_vault_seals_nothing_with_its_old_group() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    half_good_commit(&mut world, team, &[]);
    world.run();
    world.act(1, |endpoint, now| {
        endpoint.rejoin(now, team).unwrap();
        endpoint.never_again(team).unwrap();
    });
    move_away(&mut world, team);
    assert!(told(&world, 1, Notice::Rejoined { team }));
    all_is_well(&mut world, team);
}
