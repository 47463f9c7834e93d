use names::{Device, Generation, Rest, Slot, TeamId};
use objects::{Announcement, Draft, Hash, Millis, Object, Part, Receipt, Signer, Term};

use super::world::World;
use crate::{Input, Notice};

/// A term of the team, signed by the root of its organisation.
pub(super) fn term(
    world: &World,
    team: TeamId,
    generation: u64,
    relay: &Signer,
    (after, claim): (Slot, Hash),
) -> Object {
    let root = world.nodes[0].endpoint.org_row().unwrap().unwrap().seed.signer();
    term_by(&root, team, generation, relay, (after, claim))
}

fn term_by(
    root: &Signer,
    team: TeamId,
    generation: u64,
    relay: &Signer,
    (after, claim): (Slot, Hash),
) -> Object {
    let term = Term { key: relay.key(), after, claim, address: String::new() };
    let generation = Generation::truncate(generation);
    let draft = Draft {
        name: team.name(Rest::Certificate { device: Device::ORIGIN, generation }),
        created: Millis(1),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &term.bytes(),
    };
    draft.sign(root).unwrap()
}

fn slot(world: &World, node: usize, team: TeamId) -> (Slot, Hash) {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().head()
}

/// `MLS-40`
#[test]
fn a_team_begins_with_the_term_that_says_who_orders_it() {
    let (world, team) = World::team(&["Admin", "Alice"]);
    let first = world.relay.order[0];
    let (object, _) = world.relay.get(first).unwrap();
    let root = world.relay.root.unwrap();
    let term = Term::read(object, &root).unwrap();
    assert_eq!((term.key, term.after), (world.relay.signer.key(), Slot::ZERO));
    for node in 0..2 {
        let endpoint = &world.nodes[node].endpoint;
        assert_eq!(endpoint.origin(team).unwrap(), Some(world.relay.signer.key()));
        let reloaded = world.nodes[node].reload().unwrap();
        assert_eq!(reloaded.origin(team).unwrap(), Some(world.relay.signer.key()));
    }
}

/// `MLS-40`
#[test]
fn claims_wait_for_the_term_and_only_the_roots_term_counts() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    // Bob hears the slots before the term.
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let hash = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap()).hash;
    let all: Vec<Object> =
        world.relay.order.iter().map(|name| world.relay.get(*name).unwrap().0.clone()).collect();
    let (terms, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|object| {
        matches!(object.name().place().rest, Rest::Certificate { device: Device::ORIGIN, .. })
    });
    for object in others {
        let receipt = world.relay.get(object.name()).map(|(_, receipt)| *receipt);
        world.give(2, Input::Arrived { object, receipt });
    }
    assert_eq!(slot(&world, 2, team).0, Slot::ZERO);
    let impostor = Signer::from_seed(&[8; 32]);
    let forged = term_by(&impostor, team, 0, &impostor, (Slot::ZERO, Hash::NONE));
    world.give(2, Input::Arrived { object: forged.clone(), receipt: None });
    assert_eq!(world.nodes[2].notices, [Notice::Forged { name: forged.name() }]);
    assert_eq!(slot(&world, 2, team).0, Slot::ZERO);
    world.nodes[2].restart();
    world.give(2, Input::Arrived { object: terms[0].clone(), receipt: None });
    assert_eq!(slot(&world, 2, team), slot(&world, 0, team));
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
    world.run();
    assert_eq!(world.nodes[2].endpoint.teams().unwrap().len(), 1);
}

/// `MLS-40`
#[test]
fn another_relay_orders_after_a_new_term_and_none_before() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let (head, hash) = slot(&world, 1, team);
    let (claim, real) = world.relay.get(team.name(Rest::Slot(head))).cloned().unwrap();
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, (head, hash));
    world.relay.store(&object);
    world.run();
    assert_eq!(world.nodes[1].notices, [Notice::NewTerm { team }]);
    // The second relay has no say in what was before its term, and the first keeps it.
    world.give(2, Input::Arrived { object, receipt: None });
    let late = Receipt::sign(&second, &claim, head, real.at);
    world.give(2, Input::Arrived { object: claim.clone(), receipt: Some(late) });
    assert!(slot(&world, 2, team).0 < head);
    world.nodes[2].go(true);
    world.run();
    assert_eq!(slot(&world, 2, team).0, head);
    // From here on only the second relay orders.
    world.relay.origin = second;
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    for node in 0..3 {
        assert_eq!(slot(&world, node, team).0, head.next().unwrap(), "node {node}");
    }
}

/// `MLS-41`
#[test]
fn the_number_of_terms_is_no_devices() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let hash = world.invite(team, 1);
    assert!(world.nodes[0].added.iter().any(|(added, result)| *added == hash && result.is_ok()));
    let (_, announced) = world
        .relay
        .order
        .iter()
        .filter_map(|name| world.relay.get(*name))
        .find(|(object, _)| matches!(object.name().place().rest, Rest::KeyPackage { .. }))
        .map(|(object, _)| (object.name(), object.clone()))
        .unwrap();
    // The same with the number of terms: nobody adds it.
    let mut announcement = Announcement::parse(announced.data().unwrap()).unwrap();
    let signer = Signer::from_seed(&[3; 32]);
    announcement.device = Device::ORIGIN;
    announcement.log_key = signer.key();
    let hash = announcement.hash();
    let draft = Draft {
        name: team.name(Announcement::rest(&hash)),
        created: Millis(1),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &announcement.bytes(),
    };
    world.relay.publish(&draft.sign(&signer).unwrap());
    world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
    world.run();
    assert_eq!(world.nodes[0].added.last(), Some(&(hash, Err(crate::NotAdded::NumberTaken))));
}

/// `MLS-49`
#[test]
fn terms_that_come_in_the_wrong_order_lead_back_as_far_as_in_the_right_one() {
    for order in [[0, 1], [1, 0]] {
        let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
        world.nodes[0].go(false);
        world.nodes[2].go(false);
        world.run();
        let (head, hash) = slot(&world, 1, team);
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
        assert_eq!(slot(&world, 1, team).0, head.next().unwrap());
        world.nodes[1].go(false);
        world.run();
        let (second, third) = (Signer::from_seed(&[8; 32]), Signer::from_seed(&[9; 32]));
        let ahead = (Slot::truncate(head.value() + 3), Hash([7; 32]));
        let terms =
            [term(&world, team, 1, &second, (head, hash)), term(&world, team, 2, &third, ahead)];
        for at in order {
            world.give(1, Input::Arrived { object: terms[at].clone(), receipt: None });
        }
        assert_eq!(slot(&world, 1, team), (head, hash), "{order:?}");
        assert!(matches!(
            world.nodes[1].endpoint.team(team).unwrap().unwrap().stage,
            crate::state::Stage::Rejoining { .. }
        ));
    }
}

/// `MLS-89`
#[test]
fn an_origin_whose_clock_was_ahead_is_forgotten_with_its_term() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.run();
    let right = world.relay.now;
    world.relay.now = right.plus(400 * 24 * 60 * 60 * 1000);
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.say(0, team, "in the future");
    world.run();
    let time = |world: &World| world.nodes[0].endpoint.team(team).unwrap().unwrap().origin_time();
    assert!(time(&world) > Some(right.plus(300 * 24 * 60 * 60 * 1000)));
    world.relay.now = right.plus(60_000);
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, slot(&world, 0, team));
    world.relay.store(&object);
    world.relay.origin = second;
    world.run();
    assert!(time(&world) < Some(right.plus(24 * 60 * 60 * 1000)));
    world.invite(team, 2);
    world.run();
    assert!(world.nodes[0].added.last().unwrap().1.is_ok());
    assert!(time(&world) >= Some(right));
}

/// `MLS-102`
#[test]
fn whose_relay_was_the_origin_goes_with_it_and_nobody_else_does() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let other = Signer::from_seed(&[42; 32]);
    let root = world.nodes[0].endpoint.org_row().unwrap().unwrap().seed.signer();
    let moved = |address: &str, generation, head: (Slot, Hash)| {
        let term = Term { key: other.key(), after: head.0, claim: head.1, address: address.into() };
        let generation = Generation::truncate(generation);
        let draft = Draft {
            name: team.name(Rest::Certificate { device: Device::ORIGIN, generation }),
            created: Millis(1),
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &term.bytes(),
        };
        draft.sign(&root).unwrap()
    };
    let head = slot(&world, 0, team);
    let term = moved("elsewhere:2", 1, head);
    // Only the root says so.
    let forged = term_by(&other, team, 1, &other, head);
    world.give(1, Input::Arrived { object: forged, receipt: None });
    let before = world.nodes[1].endpoint.relay().unwrap();
    assert_eq!(before, world.reference());
    world.relay.signer = Signer::from_seed(&[42; 32]);
    world.relay.origin = Signer::from_seed(&[42; 32]);
    for node in 0..2 {
        world.give(node, Input::Arrived { object: term.clone(), receipt: None });
        let relay = world.nodes[node].endpoint.relay().unwrap();
        assert_eq!((relay.key, relay.address.as_str()), (other.key(), "elsewhere:2"));
    }
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.say(1, team, "there");
    world.run();
    assert!(world.nodes[1].endpoint.is_settled(), "slots go on");
    assert_eq!(world.shows(0).len(), 1);
    world.nodes[1].restart();
    assert_eq!(world.nodes[1].endpoint.relay().unwrap().key, other.key());
}

/// `MLS-102`
#[test]
fn a_link_to_a_team_leads_back_to_it_when_its_relay_is_gone() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    world.nodes[1].go(false);
    world.run();
    let other = Signer::from_seed(&[42; 32]);
    let mut to_other = link.clone();
    to_other.relay.key = other.key();
    let mut of_others = to_other.clone();
    of_others.root = other.key();
    let mut to_a_stranger = to_other.clone();
    to_a_stranger.team.team = names::Team::truncate(99);
    for wrong in [&link, &of_others, &to_a_stranger] {
        assert!(!world.nodes[1].endpoint.use_relay_of(wrong).unwrap());
        assert_eq!(world.nodes[1].endpoint.relay().unwrap(), link.relay);
    }
    world.relay.signer = Signer::from_seed(&[42; 32]);
    assert!(world.act(1, |endpoint, _| endpoint.use_relay_of(&to_other).unwrap()));
    world.nodes[1].go(true);
    world.say(1, team, "back");
    world.run();
    assert!(world.nodes[1].endpoint.link.is_some());
}
