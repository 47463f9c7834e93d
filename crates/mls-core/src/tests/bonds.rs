//! Leaves that are not their device's: keys of others, packages of before, lifetimes that end.

use names::TeamId;
use objects::{Announcement, Hash, Label, Object};
use openmls::prelude::{
    Extensions, KeyPackage, LeafNode, LeafNodeParameters, Lifetime,
    tls_codec::{DeserializeBytes as _, Serialize as _},
};
use openmls_traits::OpenMlsProvider as _;

use super::adversary::{claim_with, device, log_signer};
use super::rights::{leaf_at, skipped};
use super::stalls::{all_is_well, own};
use super::world::World;
use crate::bond::bond;
use crate::group::{SUITE, capabilities, unbounded};
use crate::identity::own_credential;
use crate::state::Stage;
use crate::unsealed::private_message;
use crate::{Endpoint, Notice, Skip};

const MALLORY: usize = 1;

/// What Mallory's software knows of another's leaf: everything but the private keys.
fn forged(
    world: &mut World,
    team: TeamId,
    victim: usize,
    extensions: impl Fn(&World, &[u8; 32]) -> Extensions<LeafNode>,
    lifetime: Lifetime,
) -> KeyPackage {
    let row = world.nodes[victim].endpoint.team(team).unwrap().unwrap();
    let seed = world.nodes[MALLORY].endpoint.draw_seed();
    let signer = seed.leaf_signer();
    let extensions = extensions(world, &signer.key());
    let package = KeyPackage::builder()
        .leaf_node_capabilities(capabilities())
        .leaf_node_extensions(extensions)
        .key_package_lifetime(lifetime);
    let provider = &world.nodes[MALLORY].endpoint.provider;
    let built = package.build(SUITE, provider, &signer, own_credential(&row, signer.key()));
    built.unwrap().key_package().clone()
}

/// Mallory removes somebody and adds a key package in that place, with one claim.
fn replace(world: &mut World, team: TeamId, victim: usize, package: &KeyPackage) -> Object {
    let index = leaf_at(world, team, MALLORY, device(world, team, victim));
    let endpoint = &mut world.nodes[MALLORY].endpoint;
    let signer = endpoint.team(team).unwrap().unwrap().leaf_seed.leaf_signer();
    let group = endpoint.groups.get_mut(&team).unwrap();
    let (rand, crypto) = (endpoint.provider.rand(), endpoint.provider.crypto());
    let bundle = group
        .commit_builder()
        .propose_removals([index])
        .propose_adds([package.clone()])
        .load_psks(endpoint.provider.storage())
        .unwrap()
        .build(rand, crypto, &signer, |_| true)
        .unwrap()
        .stage_commit(&endpoint.provider)
        .unwrap();
    let bytes = private_message(bundle.commit()).unwrap();
    let welcomed = Hash::of(Label::Announcement, &package.tls_serialize_detached().unwrap());
    let object = claim_with(world, team, MALLORY, &bytes, |claim| {
        claim.welcome = Some(claim.commit);
        claim.tree = Some(claim.commit);
        claim.welcomed = vec![welcomed];
    });
    own(world, team, MALLORY, &object);
    object
}

fn refused(victim: usize, package: impl Fn(&mut World, TeamId) -> KeyPackage) {
    let (mut world, team) = World::team(&["Admin", "Mallory", "Bob", "Carol"]);
    let package = package(&mut world, team);
    replace(&mut world, team, victim, &package);
    // Mallory's own software takes the commit for good.
    world.nodes[MALLORY].go(false);
    world.run();
    for node in [0, 2, 3] {
        assert!(skipped(&world, node, Skip::Policy), "{:?}", world.nodes[node].notices);
        let row = world.nodes[node].endpoint.team(team).unwrap().unwrap();
        assert!(row.stage == Stage::Member, "node {node}");
    }
    let name = world.say(victim, team, "still here");
    world.run();
    for node in [0, 2, 3] {
        assert_eq!(world.nodes[node].shown[&name].unreadable, None, "node {node}");
    }
}

/// `MLS-93`
#[test]
fn nobody_puts_a_key_of_its_own_under_the_credential_of_another() {
    for victim in [0, 2] {
        refused(victim, |world, team| {
            forged(world, team, victim, |_, _| Extensions::empty(), unbounded())
        });
        refused(victim, |world, team| {
            let by_mallory = |world: &World, key: &[u8; 32]| {
                let number = device(world, team, victim);
                bond(&log_signer(world, team, MALLORY), number, key).unwrap()
            };
            forged(world, team, victim, by_mallory, unbounded())
        });
        refused(victim, |world, team| {
            let of_another_key = |world: &World, _: &[u8; 32]| {
                let group = &world.nodes[MALLORY].endpoint.groups[&team];
                let index = leaf_at(world, team, MALLORY, device(world, team, victim));
                group.public_group().leaf(index).unwrap().extensions().clone()
            };
            forged(world, team, victim, of_another_key, unbounded())
        });
    }
}

/// `MLS-93`
#[test]
fn a_leaf_keeps_what_its_log_key_says_of_it() {
    let (mut world, team) = World::team(&["Admin", "Mallory", "Bob", "Carol"]);
    let endpoint = &mut world.nodes[MALLORY].endpoint;
    let signer = endpoint.team(team).unwrap().unwrap().leaf_seed.leaf_signer();
    let group = endpoint.groups.get_mut(&team).unwrap();
    let bare = LeafNodeParameters::builder().with_extensions(Extensions::empty()).build();
    let commit = group.self_update(&endpoint.provider, &signer, bare).unwrap();
    let bytes = private_message(commit.commit()).unwrap();
    claim_with(&mut world, team, MALLORY, &bytes, |_| {});
    world.nodes[MALLORY].go(false);
    world.run();
    for node in [0, 2, 3] {
        assert!(skipped(&world, node, Skip::Policy), "{:?}", world.nodes[node].notices);
    }
}

/// `MLS-94`
#[test]
fn a_key_package_that_ends_is_passed_over_alike_before_and_after_its_end() {
    let (mut world, team) = World::team(&["Admin", "Mallory", "Bob", "Carol"]);
    let real = |world: &World, key: &[u8; 32]| {
        bond(&log_signer(world, team, 2), device(world, team, 2), key).unwrap()
    };
    let lifetime = Lifetime::new(2);
    let package = forged(&mut world, team, 2, real, lifetime);
    world.nodes[0].go(false);
    world.run();
    replace(&mut world, team, 2, &package);
    world.nodes[MALLORY].go(false);
    world.run();
    for node in [2, 3] {
        assert!(skipped(&world, node, Skip::Policy), "{:?}", world.nodes[node].notices);
    }
    // OpenMLS looks at the clock of this machine, which nobody can set here.
    while lifetime.validate().is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    world.nodes[0].go(true);
    world.run();
    assert!(skipped(&world, 0, Skip::NotValid), "{:?}", world.nodes[0].notices);
    let state = |node: usize| {
        let status = world.nodes[node].endpoint.team_status(team).unwrap().unwrap();
        (status.slot, status.epoch, status.devices)
    };
    assert_eq!((state(0), state(3)), (state(2), state(2)));
}

/// `MLS-94`
#[test]
fn nobody_adds_again_who_announces_a_key_package_that_ends() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let real = |world: &World, key: &[u8; 32]| {
        bond(&log_signer(world, team, 2), device(world, team, 2), key).unwrap()
    };
    for (lifetime, added) in [(Lifetime::new(1_000_000), false), (unbounded(), true)] {
        let package = forged(&mut world, team, 2, real, lifetime);
        let row = world.nodes[2].endpoint.team(team).unwrap().unwrap();
        let announcement = Announcement {
            root: objects::Key(row.root),
            team,
            device: row.own(),
            log_key: Endpoint::log_signer(&row).key(),
            key_package: package.tls_serialize_detached().unwrap(),
        };
        assert_eq!(world.nodes[0].endpoint.package(&announcement).is_some(), added);
    }
}

/// `MLS-95`
#[test]
fn who_is_added_again_unasked_comes_back_by_itself() {
    let (mut world, team) = World::team(&["Admin", "Mallory", "Bob", "Carol"]);
    let before = world.say(2, team, "before");
    world.run();
    // The very key package with which Bob came, which he has used up.
    let bob = device(&world, team, 2);
    let first = world.relay.order.iter().find_map(|name| {
        let (object, _) = world.relay.get(*name)?;
        let announcement = Announcement::parse(object.data()?).ok()?;
        (announcement.device == bob).then_some(announcement)
    });
    let bytes = first.unwrap().key_package;
    let package = openmls::prelude::KeyPackageIn::tls_deserialize_exact_bytes(&bytes).unwrap();
    let crypto = world.nodes[MALLORY].endpoint.provider.crypto();
    let version = openmls::prelude::ProtocolVersion::Mls10;
    let package = package.validate(crypto, version).unwrap();
    replace(&mut world, team, 2, &package);
    world.run_for(60_000);
    let notices = &world.nodes[2].notices;
    assert!(notices.contains(&Notice::Rejoined { team }), "{notices:?}");
    assert!(!notices.contains(&Notice::Removed { team }), "{notices:?}");
    assert_eq!(device(&world, team, 2), bob);
    assert!(world.nodes[3].shown.contains_key(&before));
    all_is_well(&mut world, team);
}
