use names::{Device, Rest};
use objects::{Announcement, Claim, Draft, Hash, Millis, Object, Part};

use super::wishes::device;
use super::world::{Node, World};

fn last_claim(world: &World, team: names::TeamId) -> Claim {
    let name = world
        .relay
        .order
        .iter()
        .rev()
        .find(|name| name.team() == team && matches!(name.place().rest, Rest::Slot(_)));
    Claim::parse(world.relay.get(*name.unwrap()).unwrap().0.data().unwrap()).unwrap()
}

/// `MLS-83`, `MLS-88`
#[test]
fn the_welcome_of_one_newcomer_fits_one_object_at_any_size_of_the_team() {
    let mut world = World::new(&["Admin"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let mut sizes = Vec::new();
    for wanted in [2, 10, 100] {
        // Everybody but one comes in batches, and goes away before the welcome.
        let mut hashes = Vec::new();
        while world.nodes.len() < wanted {
            let node = world.nodes.len();
            world.nodes.push(Node::new(&format!("User {node}"), node as u64 + 1));
            hashes.push(world.act(node, |endpoint, now| endpoint.join(now, &link).unwrap()).hash);
            world.run();
            world.nodes[node].go(false);
            world.run();
        }
        let last = hashes.pop().unwrap();
        world.nodes[0].go(false);
        world.run();
        for hash in &hashes {
            world.act(0, |endpoint, now| endpoint.add_device(now, team, *hash).unwrap());
        }
        let won = world.relay.won;
        world.nodes[0].go(true);
        world.run();
        assert_eq!(world.relay.won - won, hashes.len().div_ceil(Claim::MOST), "in batches");
        world.act(0, |endpoint, now| endpoint.add_device(now, team, last).unwrap());
        world.run();
        let claim = last_claim(&world, team);
        let (welcome, tree) = (claim.welcome.unwrap(), claim.tree.unwrap());
        assert_eq!(claim.welcomed, [last]);
        assert_eq!(welcome.pieces, 1, "{} bytes at {wanted} members", welcome.len);
        sizes.push((wanted, welcome.len, tree.len, claim.commit.len));
    }
    println!("members, bytes of welcome, of sealed tree, of commit: {sizes:?}");
    assert_eq!(sizes[0].1, sizes[2].1);
    // The last one comes back, opens the tree, and is understood.
    world.nodes[99].go(true);
    world.run();
    world.say(99, team, "quite a crowd");
    world.run();
    assert_eq!(world.shows(0), [("User 99".to_owned(), "quite a crowd".to_owned())]);
}

/// `MLS-83`
#[test]
fn a_key_package_with_the_longest_names_fits_one_object() {
    let name = "x".repeat(64);
    let mut world = World::new(&["Admin", &name]);
    let user = crate::state::UserRow {
        device: name,
        ..(*world.nodes[1].endpoint.user().unwrap()).clone()
    };
    let rows = |endpoint: &mut crate::Endpoint, _| {
        endpoint.rows().put(crate::Table::Identity, b"user", &user).unwrap();
    };
    world.act(1, rows);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    assert!(world.nodes[0].added[0].1.is_ok());
}

/// `MLS-83`
#[test]
fn a_tree_that_was_changed_or_is_of_another_welcome_is_refused() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let endpoint = &mut world.nodes[0].endpoint;
    let (key, other) = (endpoint.draw_tree_key(), endpoint.draw_tree_key());
    let row = endpoint.team(team).unwrap().unwrap();
    let signer = row.leaf_seed.leaf_signer();
    let group = endpoint.groups.get_mut(&team).unwrap();
    group
        .self_update(&endpoint.provider, &signer, openmls::prelude::LeafNodeParameters::default())
        .unwrap();
    let sealed = endpoint.sealed_tree(team, &key).unwrap();
    assert!(endpoint.open_tree(team, &key, &sealed).is_some());
    assert!(endpoint.open_tree(team, &other, &sealed).is_none());
    for at in [0, sealed.len() / 2, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(endpoint.open_tree(team, &key, &changed).is_none());
    }
}

/// A new key package of a device that is in the team: what it announces when it has lost its
/// group.
fn announced_again(world: &mut World, team: names::TeamId, node: usize) -> (Object, Hash, Vec<u8>) {
    let endpoint = &mut world.nodes[node].endpoint;
    let row = crate::state::TeamRow {
        leaf_seed: endpoint.draw_seed(),
        ..(*endpoint.team(team).unwrap().unwrap()).clone()
    };
    let (object, hash) = endpoint.announcement(Millis(1), team, &row).unwrap();
    (object, hash, row.leaf_seed.leaf_signer().key().to_vec())
}

fn leaf_key(world: &World, team: names::TeamId, node: usize, of: Device) -> Vec<u8> {
    let group = &world.nodes[node].endpoint.groups[&team];
    let place = crate::Endpoint::place(group, of).unwrap();
    group.members().find(|member| member.index == place).unwrap().signature_key
}

/// `MLS-85`
#[test]
fn a_device_that_announces_itself_anew_is_re_added_once_by_whoever_is_there() {
    for there in [vec![0, 1, 3], vec![1, 3]] {
        let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
        let bob = device(&world, team, 2);
        let first = world.relay.order.iter().find(|name| {
            let object = &world.relay.get(**name).unwrap().0;
            let parsed = Announcement::parse(object.data().unwrap_or_default());
            parsed.is_ok_and(|parsed| parsed.device == bob)
        });
        let first = world.relay.get(*first.unwrap()).unwrap().0.clone();
        world.nodes[2].go(false);
        if there.len() == 2 {
            world.nodes[0].go(false);
        }
        world.run();
        let (object, hash, key) = announced_again(&mut world, team, 2);
        let won = world.relay.won;
        world.relay.store(&object);
        world.run();
        assert_eq!(world.relay.won, won + 1, "one of them does it");
        let claim = last_claim(&world, team);
        assert_eq!(claim.welcomed, [hash]);
        assert_eq!(claim.device == Device::MEMBER_TOOL, there.len() == 3);
        let pointer = team.name(objects::WelcomePointer::rest(&hash));
        assert!(world.relay.get(pointer).is_some());
        for node in &there {
            assert_eq!(leaf_key(&world, team, *node, bob), key);
            assert!(world.nodes[*node].endpoint.is_settled());
        }
        // What was announced before, delivered again, puts nothing back.
        for node in &there {
            for object in [&first, &object] {
                let object = object.clone();
                world.give(*node, crate::Input::Arrived { object, receipt: None });
            }
        }
        world.run();
        assert_eq!(world.relay.won, won + 1);
        world.say(1, team, "back");
        world.run();
        assert_eq!(world.shows(3).len(), 1);
    }
}

/// `MLS-85`
#[test]
fn nobody_is_re_added_under_another_name_or_key() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let won = world.relay.won;
    let (object, ..) = announced_again(&mut world, team, 1);
    let data = object.data().unwrap();
    let mut stolen = Announcement::parse(data).unwrap();
    let bob = world.nodes[2].endpoint.team(team).unwrap().unwrap();
    let signer = crate::Endpoint::log_signer(&bob);
    // Alice's key package under Bob's number and log key.
    (stolen.device, stolen.log_key) = (bob.own(), signer.key());
    let draft = Draft {
        name: team.name(Announcement::rest(&stolen.hash())),
        created: Millis(1),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &stolen.bytes(),
    };
    world.relay.store(&draft.sign(&signer).unwrap());
    // And Alice's own, signed by Bob.
    let draft = Draft { name: object.name(), data, ..draft };
    world.relay.store(&draft.sign(&signer).unwrap());
    world.run();
    assert_eq!(world.relay.won, won);
    assert!(world.nodes[0].endpoint.is_settled());
}
