//! Commits that some or all cannot apply, and how the team goes on.

use names::{Channel, Slot, TeamId};
use objects::{Claim, Hash, Object};

use super::adversary::{arrive, claim, claim_with, device, log_signer, signed};
use super::world::{Crash, World};
use crate::rows::Table;
use crate::state::{ClaimRow, Stage, log_key, team_key};
use crate::unsealed::private_message;
use crate::{Notice, Skip};

/// A commit by a node that renews its leaf, as it would be sent; it stays pending there.
pub(super) fn commit(world: &mut World, team: TeamId, node: usize) -> Vec<u8> {
    let endpoint = &mut world.nodes[node].endpoint;
    let signer = endpoint.team(team).unwrap().unwrap().leaf_seed.leaf_signer();
    let group = endpoint.groups.get_mut(&team).unwrap();
    let commit = group.self_update(&endpoint.provider, &signer, Default::default()).unwrap();
    private_message(commit.commit()).unwrap()
}

/// Tells a node that a claim is its own, as if it had made it in the ordinary way.
pub(super) fn own(world: &mut World, team: TeamId, node: usize, object: &Object) {
    world.act(node, |endpoint, _| {
        let claim = ClaimRow {
            object: object.bytes(),
            needed: Vec::new(),
            queued: true,
            left: true,
            wishes: vec![crate::wish::Intent::Refresh.key(team).into()],
        };
        endpoint.rows().put(Table::Claim, &team_key(team), &claim).unwrap();
    });
}

/// The author of a claim shows some nodes another piece of its commit than the origin saw.
fn deceive(world: &mut World, team: TeamId, author: usize, object: &Object, nodes: &[usize]) {
    let claim = Claim::parse(object.data().unwrap()).unwrap();
    let signer = log_signer(world, team, author);
    let other = signed(claim.commit.first, Hash::NONE, b"something else", &signer);
    for node in nodes {
        arrive(world, *node, &other);
    }
}

/// Alice's commit, which the nodes `cannot` apply and the others can.
pub(super) fn half_good_commit(world: &mut World, team: TeamId, cannot: &[usize]) -> Slot {
    for node in cannot {
        world.nodes[*node].go(false);
    }
    world.run();
    let bytes = commit(world, team, 1);
    let object = claim(world, team, 1, &bytes);
    own(world, team, 1, &object);
    deceive(world, team, 1, &object, cannot);
    for node in cannot {
        world.nodes[*node].go(true);
    }
    world.nodes[1].endpoint.team(team).unwrap().unwrap().head().0.next().unwrap()
}

pub(super) fn stage(world: &World, node: usize, team: TeamId) -> Stage {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().stage.clone()
}

pub(super) fn is_stalled(world: &World, node: usize, team: TeamId) -> bool {
    matches!(stage(world, node, team), Stage::Stalled { .. })
}

pub(super) fn told(world: &World, node: usize, notice: Notice) -> bool {
    world.nodes[node].notices.contains(&notice)
}

/// Everybody is a member of one group, at one slot, and hears everybody.
pub(super) fn all_is_well(world: &mut World, team: TeamId) {
    let nodes = 0..world.nodes.len();
    let state = |world: &World, node: usize| {
        assert!(stage(world, node, team) == Stage::Member, "node {node}");
        let endpoint = &world.nodes[node].endpoint;
        let status = endpoint.team_status(team).unwrap().unwrap();
        let group = &endpoint.groups[&team];
        (status.epoch, status.slot, group.epoch_authenticator().as_slice().to_vec())
    };
    for node in nodes.clone() {
        assert_eq!(state(world, node), state(world, 0), "node {node}");
        assert!(world.nodes[node].endpoint.is_settled(), "node {node}");
    }
    for node in nodes.clone() {
        let name = world.say(node, team, "all is well");
        world.run();
        for other in nodes.clone() {
            let shown = &world.nodes[other].shown[&name];
            assert_eq!(shown.unreadable, None, "node {other} of node {node}");
        }
    }
}

/// `MLS-45`
#[test]
fn what_nobody_can_apply_is_passed_over_by_an_admin() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    world.nodes[3].go(false);
    world.run();
    let mut bytes = commit(&mut world, team, 1);
    *bytes.last_mut().unwrap() ^= 1;
    let epoch = world.nodes[0].endpoint.team_status(team).unwrap().unwrap().epoch;
    claim(&mut world, team, 1, &bytes);
    world.nodes[1].go(false);
    world.nodes[2].go(false);
    world.run();
    // One of three is not more than half, and alone nobody passes over anything.
    assert!(is_stalled(&world, 0, team));
    assert_eq!(world.nodes[0].endpoint.team_status(team).unwrap().unwrap().epoch, epoch);
    world.nodes[0].restart();
    world.nodes[2].go(true);
    world.run();
    for node in [0, 2] {
        let slot = world.nodes[node].endpoint.team(team).unwrap().unwrap().heads.clone();
        let slot = Slot::truncate(slot[slot.len() - 2].slot);
        assert!(told(&world, node, Notice::Stalled { team, slot }), "node {node}");
        assert!(told(&world, node, Notice::Skipped { slot, why: Skip::Stalled }), "node {node}");
        assert_eq!(world.nodes[node].endpoint.team_status(team).unwrap().unwrap().epoch, epoch + 1);
    }
    // Its author cannot follow its own commit, and Carol was away.
    world.nodes[1].go(true);
    world.nodes[3].go(true);
    world.run();
    assert!(told(&world, 1, Notice::Rejoined { team }));
    assert!(!told(&world, 3, Notice::Rejoining { team }));
    all_is_well(&mut world, team);
}

/// `MLS-46`
#[test]
fn who_alone_cannot_apply_a_commit_says_so_and_comes_back_when_others_could() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    half_good_commit(&mut world, team, &[2]);
    world.nodes[2].go(false);
    world.run();
    world.nodes[0].go(false);
    world.nodes[3].go(false);
    world.nodes[2].go(true);
    world.run();
    assert!(is_stalled(&world, 2, team));
    // The author's own next commit and words prove nothing.
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.say(1, team, "meanwhile");
    world.run();
    assert!(is_stalled(&world, 2, team));
    world.nodes[2].restart();
    world.nodes[3].go(true);
    world.act(3, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    for notice in [Notice::Rejoining { team }, Notice::Rejoined { team }] {
        assert!(told(&world, 2, notice), "{notice}");
    }
    world.nodes[0].go(true);
    world.run();
    all_is_well(&mut world, team);
    for node in [0, 1, 3] {
        assert_eq!(world.nodes[node].notices, [], "node {node}");
    }
}

/// `MLS-46`
#[test]
fn who_says_that_it_is_stopped_hears_at_once_from_those_who_went_on() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let slot = half_good_commit(&mut world, team, &[2]);
    world.run();
    assert!(told(&world, 2, Notice::Stalled { team, slot }));
    assert!(told(&world, 2, Notice::Rejoined { team }));
    all_is_well(&mut world, team);
}

/// `MLS-46`
#[test]
fn half_the_team_is_not_enough_to_pass_over_a_slot() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    let slot = half_good_commit(&mut world, team, &[0, 2]);
    world.run();
    for node in [0, 2] {
        assert!(told(&world, node, Notice::Stalled { team, slot }), "node {node}");
    }
    assert!(
        told(&world, 0, Notice::Rejoined { team }) && told(&world, 2, Notice::Rejoined { team })
    );
    all_is_well(&mut world, team);
}

/// `MLS-47`
#[test]
fn who_applied_what_an_admin_passes_over_comes_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    half_good_commit(&mut world, team, &[0, 2, 3]);
    world.run();
    assert!(told(&world, 4, Notice::Rejoined { team }), "{:?}", world.nodes[4].notices);
    assert!(told(&world, 1, Notice::Rejoined { team }), "{:?}", world.nodes[1].notices);
    all_is_well(&mut world, team);
}

/// How often a device that comes back was stepped on its way; it dies once.
fn comes_back(crash: Option<Crash>) -> usize {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    half_good_commit(&mut world, team, &[2]);
    world.crash = Some(crash.unwrap_or(Crash { node: 2, step: usize::MAX, committed: true }));
    world.steps = 0;
    world.run();
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let steps = world.steps;
    assert!(told(&world, 2, Notice::Rejoined { team }));
    all_is_well(&mut world, team);
    steps
}

/// `MLS-01`
#[test]
fn who_comes_back_may_die_on_the_way() {
    let steps = comes_back(None);
    assert!(steps > 20);
    for step in (0..steps).step_by(3) {
        for committed in [true, false] {
            comes_back(Some(Crash { node: 2, step, committed }));
        }
    }
}

/// `MLS-46`
#[test]
fn a_false_welcome_does_not_keep_a_device_from_coming_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    half_good_commit(&mut world, team, &[2]);
    world.nodes[2].go(false);
    world.run();
    world.act(3, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    // Nobody but Alice hears that Bob is behind.
    for node in [0, 1, 3] {
        world.nodes[node].go(false);
    }
    world.nodes[2].go(true);
    world.run();
    let Stage::Rejoining { announcement, .. } = stage(&world, 2, team) else { panic!() };
    let welcomed = Hash(announcement);
    // She uses the announcement up, with a welcome that is none.
    claim_with(&mut world, team, 1, b"neither commit nor welcome", |claim| {
        (claim.welcome, claim.tree) = (Some(claim.commit), Some(claim.commit));
        claim.welcomed = vec![welcomed];
    });
    world.run();
    assert!(told(&world, 2, Notice::BadWelcome { team }));
    let Stage::Rejoining { announcement, added: None } = stage(&world, 2, team) else { panic!() };
    assert_ne!(Hash(announcement), welcomed);
    for node in [0, 1, 3] {
        world.nodes[node].go(true);
    }
    world.run();
    assert!(told(&world, 2, Notice::Rejoined { team }));
    all_is_well(&mut world, team);
}

/// `MLS-47`
#[test]
fn what_is_said_behind_a_slot_that_was_passed_over_is_read_by_who_comes_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    half_good_commit(&mut world, team, &[0, 2, 3]);
    for node in [0, 2, 3] {
        world.nodes[node].go(false);
    }
    world.run();
    world.nodes[4].go(false);
    for node in [0, 2, 3] {
        world.nodes[node].go(true);
    }
    world.run();
    // Dave's keys of this epoch are of the other history.
    world.say(0, team, "behind it");
    world.run();
    world.nodes[4].go(true);
    world.run_for(60_000);
    assert!(told(&world, 4, Notice::Rejoined { team }), "{:?}", world.nodes[4].notices);
    let texts: Vec<String> = world.shows(4).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["behind it"]);
    all_is_well(&mut world, team);
}

/// `MLS-45`
#[test]
fn nobody_waits_for_the_word_of_who_has_shown_two_histories() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    let slot = half_good_commit(&mut world, team, &[0, 2]);
    let key = log_key(team, Channel::MANAGE, device(&world, team, 3));
    for node in [0, 1, 2, 4] {
        world.act(node, |endpoint, _| {
            let mut log = endpoint.log(&key).unwrap();
            log.frozen = true;
            endpoint.put_log(&key, &log).unwrap();
        });
    }
    world.run();
    for node in [0, 2] {
        assert!(told(&world, node, Notice::Skipped { slot, why: Skip::Stalled }), "node {node}");
    }
    for node in [1, 4] {
        assert!(told(&world, node, Notice::Rejoined { team }), "node {node}");
    }
}
