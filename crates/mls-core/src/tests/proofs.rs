//! An origin that shows two histories, terms that take slots back, vaults that were put back.

use names::{Rest, Slot, TeamId};
use objects::{Hash, Object, Receipt, Signer};

use super::adversary::{device, signed};
use super::stalls::all_is_well;
use super::terms::term;
use super::world::World;
use crate::bound::{Bound, SeenHead};
use crate::content::prefix;
use crate::framing::Framing;
use crate::{Equivocation, Input, Notice, Output, ProofView, Wish};

fn head(world: &World, node: usize, team: TeamId) -> (Slot, Hash) {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().head()
}

/// Another claim for a slot, which the origin signs as well.
fn other_claim(world: &World, team: TeamId, slot: Slot, previous: Hash) -> (Object, Receipt) {
    let object =
        signed(team.name(Rest::Slot(slot)), previous, b"other", &Signer::from_seed(&[4; 32]));
    let receipt = Receipt::sign(&world.relay.origin, &object, slot, world.now);
    (object, receipt)
}

fn proof(team: TeamId, slot: Slot) -> ProofView {
    ProofView { team, what: Equivocation::Origin { slot } }
}

/// `MLS-50`
#[test]
fn an_origin_that_gives_a_slot_twice_is_named_and_nothing_is_claimed_from_it() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 1, team);
    let (object, receipt) = other_claim(&world, team, slot, Hash::NONE);
    for _ in 0..2 {
        let (object, receipt) = (object.clone(), Some(receipt));
        world.give(1, Input::Arrived { object, receipt });
        assert_eq!(world.nodes[1].notices, [Notice::OriginEquivocates { team, slot }]);
    }
    world.nodes[1].restart();
    assert_eq!(world.nodes[1].endpoint.proofs().unwrap(), [proof(team, slot)]);
    // Talk goes on; changes of the group wait.
    let won = world.relay.won;
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.say(1, team, "still here");
    world.run();
    assert_eq!((world.shows(2).len(), world.relay.won), (1, won));
    // The root puts things right.
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, (slot, hash));
    world.relay.store(&object);
    world.relay.origin = second;
    world.run();
    assert_eq!(world.relay.won, won + 1);
    all_is_well(&mut world, team);
}

/// `MLS-50`
#[test]
fn a_claim_that_was_on_its_way_goes_to_the_next_origin_only() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 1, team);
    let won = world.relay.won;
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    while let Some(output) = world.nodes[1].outputs.pop_front() {
        if matches!(output, Output::Claim { .. }) {
            // It is lost on the way.
            world.nodes[1].go(false);
            break;
        }
        world.output(1, output);
    }
    world.run();
    let (object, receipt) = other_claim(&world, team, slot, Hash::NONE);
    world.give(1, Input::Arrived { object, receipt: Some(receipt) });
    world.nodes[1].go(true);
    world.run();
    world.nodes[1].restart();
    world.run();
    assert_eq!(world.relay.won, won);
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, (slot, hash));
    world.relay.store(&object);
    world.relay.origin = second;
    world.run();
    assert_eq!(world.relay.won, won + 1);
    all_is_well(&mut world, team);
}

/// `MLS-50`
#[test]
fn a_slot_that_does_not_stand_on_the_one_before_is_a_proof_too() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, _) = head(&world, 1, team);
    let next = slot.next().unwrap();
    let (object, receipt) = other_claim(&world, team, next, Hash([6; 32]));
    world.give(1, Input::Arrived { object, receipt: Some(receipt) });
    assert_eq!(world.nodes[1].notices, [Notice::OriginEquivocates { team, slot: next }]);
    assert_eq!(head(&world, 1, team).0, slot);
    assert_eq!(world.nodes[1].endpoint.proofs().unwrap(), [proof(team, next)]);
}

/// `MLS-50`
#[test]
fn of_two_claims_that_wait_the_second_is_a_proof() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 1, team);
    let after_next = slot.next().unwrap().next().unwrap();
    let (first, receipt) = other_claim(&world, team, after_next, Hash([6; 32]));
    world.give(1, Input::Arrived { object: first, receipt: Some(receipt) });
    assert_eq!(world.nodes[1].notices, []);
    let (second, receipt) = other_claim(&world, team, after_next, hash);
    world.give(1, Input::Arrived { object: second, receipt: Some(receipt) });
    let slot = after_next;
    assert_eq!(world.nodes[1].notices, [Notice::OriginEquivocates { team, slot }]);
}

/// `MLS-50`
#[test]
fn what_others_heard_of_the_origin_proves_it_too_and_nothing_else_does() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, _) = head(&world, 1, team);
    let (object, receipt) = other_claim(&world, team, slot, Hash::NONE);
    let (real, good) = world.relay.get(team.name(Rest::Slot(slot))).cloned().unwrap();
    let by_another = Receipt::sign(&Signer::from_seed(&[9; 32]), &object, slot, world.now);
    let of_another = Receipt { hash: real.entry_hash(), ..receipt };
    for nothing in [good, by_another, of_another] {
        world.act(1, |endpoint, now| endpoint.origin_said(now, team, &nothing).unwrap());
        assert_eq!(world.nodes[1].notices, []);
    }
    world.act(1, |endpoint, now| endpoint.origin_said(now, team, &receipt).unwrap());
    assert_eq!(world.nodes[1].notices, [Notice::OriginEquivocates { team, slot }]);
}

/// `MLS-52`
#[test]
fn who_has_a_proof_says_what_the_origin_told_here_however_long_ago() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 1, team);
    for _ in 0..10 {
        world.act(2, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
    }
    let (object, receipt) = other_claim(&world, team, slot, Hash::NONE);
    let before = world.relay.order.len();
    world.give(1, Input::Arrived { object, receipt: Some(receipt) });
    assert_eq!(world.nodes[1].notices, [Notice::OriginEquivocates { team, slot }]);
    world.run();
    let told = world.relay.order[before..].iter().any(|name| {
        let (object, _) = world.relay.get(*name).unwrap();
        let framing = object.data().and_then(Framing::read);
        let bound = framing.and_then(|framing| Bound::read(framing.authenticated));
        bound.is_some_and(|bound| {
            bound.head.slot == slot && bound.head.word.is_some_and(|word| word.claim == hash)
        })
    });
    assert!(told);
}

/// `MLS-53`
#[test]
fn who_was_shown_another_history_finds_the_way_that_the_root_names() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 2, team);
    world.nodes[2].go(false);
    let next = slot.next().unwrap();
    let (object, receipt) = other_claim(&world, team, next, hash);
    world.give(2, Input::Arrived { object, receipt: Some(receipt) });
    assert_eq!(head(&world, 2, team).0, next);
    world.nodes[2].notices.clear();
    for _ in 0..3 {
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
    }
    // What leads there comes before the root has said so, and is another history until then.
    world.nodes[2].go(true);
    world.run();
    assert!(world.nodes[2].notices.contains(&Notice::OriginEquivocates { team, slot: next }));
    assert_eq!(head(&world, 2, team).0, next);
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, head(&world, 0, team));
    world.relay.store(&object);
    world.relay.origin = second;
    world.run();
    assert_eq!(head(&world, 2, team), head(&world, 0, team));
    for node in 0..3 {
        world.nodes[node].order.clear();
    }
    all_is_well(&mut world, team);
}

/// `MLS-53`
#[test]
fn what_the_next_origin_orders_is_no_proof_against_it_for_who_has_not_found_the_way() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 2, team);
    world.nodes[2].go(false);
    let mut previous = (slot, hash);
    for _ in 0..2 {
        let next = previous.0.next().unwrap();
        let (object, receipt) = other_claim(&world, team, next, previous.1);
        previous = (next, object.entry_hash());
        world.give(2, Input::Arrived { object, receipt: Some(receipt) });
    }
    assert_eq!(head(&world, 2, team), previous);
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, head(&world, 0, team));
    world.relay.store(&object);
    world.relay.origin = second;
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let (last, _) = head(&world, 0, team);
    assert_eq!(last, previous.0);
    let (claim, receipt) = world.relay.get(team.name(Rest::Slot(last))).cloned().unwrap();
    // The newest slot comes before what leads to the term.
    world.give(2, Input::Arrived { object, receipt: None });
    world.give(2, Input::Arrived { object: claim, receipt: Some(receipt) });
    world.nodes[2].go(true);
    world.run();
    let wrong = Notice::OriginEquivocates { team, slot: last };
    assert!(!world.nodes[2].notices.contains(&wrong));
    assert_eq!(head(&world, 2, team), head(&world, 0, team));
    world.act(2, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    for node in 0..3 {
        world.nodes[node].order.clear();
    }
    all_is_well(&mut world, team);
}

/// `MLS-49`
#[test]
fn a_term_takes_slots_back_and_who_applied_them_comes_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[0].go(false);
    world.run();
    let before = head(&world, 0, team);
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    assert!(head(&world, 2, team).0 > before.0);
    world.say(1, team, "on the old history");
    world.run();
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, before);
    world.relay.go_back(team, before, second);
    world.relay.store(&object);
    world.nodes[0].go(true);
    world.run();
    for node in [1, 2] {
        for notice in [Notice::Rejoining { team }, Notice::Rejoined { team }] {
            assert!(world.nodes[node].notices.contains(&notice), "node {node}: {notice}");
        }
    }
    world.nodes[0].order.clear();
    all_is_well(&mut world, team);
}

/// `MLS-110`
#[test]
fn what_came_true_with_slots_that_a_term_takes_back_is_wished_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let [alice, bob] = [1, 2].map(|node| device(&world, team, node));
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    world.nodes[0].go(false);
    world.run();
    let before = head(&world, 0, team);
    world.act(1, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[1].wished.last(), Some(&(Wish::Remove(bob), Ok(()))));
    assert!(head(&world, 1, team).0 > before.0);
    world.nodes[1].restart();
    let second = Signer::from_seed(&[8; 32]);
    let object = term(&world, team, 1, &second, before);
    world.relay.go_back(team, before, second);
    world.relay.store(&object);
    world.nodes[0].go(true);
    world.run();
    for node in [0, 1, 3] {
        let devices = world.nodes[node].endpoint.devices(team).unwrap();
        assert_eq!(devices.len(), 3, "node {node}");
        assert!(devices.iter().all(|of| of.number != bob), "node {node}");
        assert!(world.nodes[node].endpoint.is_settled(), "node {node}");
    }
    world.say(1, team, "among ourselves");
    world.run();
    assert!(world.shows_text(3, "among ourselves") && !world.shows_text(2, "among ourselves"));
}

/// `MLS-22`
#[test]
fn what_waited_for_its_epoch_is_read_before_the_next_slot() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    let before = world.relay.order.len();
    for round in 0..6 {
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        world.run();
        world.say(1, team, &format!("round {round}"));
        world.run();
    }
    // The pieces of the first commit come last; everything else waits for it.
    let came: Vec<_> = world.relay.order[before..].to_vec();
    let is_first = |name: &names::Name| {
        let rest = name.place().rest;
        matches!(rest, Rest::Blob { .. }) && came.iter().position(|of| of == name) < Some(8)
    };
    let (first, others): (Vec<names::Name>, Vec<names::Name>) =
        came.iter().copied().partition(is_first);
    assert!(!first.is_empty());
    for name in others.into_iter().chain(first) {
        let (object, receipt) = world.relay.get(name).cloned().unwrap();
        world.give(2, Input::Arrived { object, receipt: Some(receipt) });
    }
    assert_eq!(world.shows(2).len(), 6);
}

/// `MLS-49`
#[test]
fn a_term_of_the_same_relay_takes_nothing_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let before = head(&world, 0, team);
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let again = Signer::from_seed(&[7; 32]);
    let object = term(&world, team, 1, &again, before);
    world.relay.store(&object);
    world.run();
    for node in 0..3 {
        assert_eq!(world.nodes[node].notices, [Notice::NewTerm { team }], "node {node}");
    }
    all_is_well(&mut world, team);
}

/// `MLS-48`
#[test]
fn an_own_commit_that_is_unknown_here_sends_the_device_back_to_the_others() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let backup = world.nodes[1].backup();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.nodes[1].restore(backup);
    world.run();
    for notice in [Notice::Rejoining { team }, Notice::Rejoined { team }] {
        assert!(world.nodes[1].notices.contains(&notice), "{notice}");
    }
    all_is_well(&mut world, team);
}

/// `MLS-51`
#[test]
fn who_seals_on_another_history_is_told_once() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (slot, hash) = head(&world, 1, team);
    let bob = device(&world, team, 2);
    let epoch = world.nodes[1].endpoint.team_status(team).unwrap().unwrap().epoch;
    let unknown = slot.next().unwrap();
    let mut other = hash;
    other.0[11] ^= 1;
    for (slot, claim) in [(slot, hash), (unknown, other)] {
        world.act(1, |endpoint, now| {
            let head = SeenHead { slot, claim: prefix(&claim), word: None };
            endpoint.sealed_at(now, team, bob, epoch, &head).unwrap();
        });
    }
    assert_eq!(world.nodes[1].notices, []);
    for _ in 0..2 {
        world.act(1, |endpoint, now| {
            let head = SeenHead { slot, claim: prefix(&other), word: None };
            endpoint.sealed_at(now, team, bob, epoch, &head).unwrap();
        });
        world.nodes[1].restart();
        assert_eq!(world.nodes[1].notices, [Notice::OtherHistory { team, device: bob }]);
    }
}

/// `MLS-54`
#[test]
fn slots_that_receipts_speak_of_and_that_do_not_come_are_told_after_a_minute() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let (slot, _) = head(&world, 1, team);
    let (now, channel) = (world.now, world.general(team));
    let endpoint = &mut world.nodes[1].endpoint;
    endpoint.send(now, team, channel, "hi".into(), None, Vec::new()).unwrap();
    let mut published = None;
    while let Some(output) = endpoint.poll() {
        if let crate::Output::Publish { id, object } = output {
            published = Some((id, object));
        }
    }
    let (id, object) = published.unwrap();
    let receipt = Receipt::sign(&world.relay.signer, &object, slot.next().unwrap(), now);
    let endpoint = &mut world.nodes[1].endpoint;
    endpoint.handle(now, Input::Answered { id, answer: crate::Answer::Receipt(receipt) }).unwrap();
    let mut withheld_at = |after: u64| {
        let endpoint = &mut world.nodes[1].endpoint;
        endpoint.handle(now.plus(after), Input::Tick).unwrap();
        let mut told = std::iter::from_fn(|| endpoint.poll());
        told.any(|output| {
            matches!(output, crate::Output::Notice(Notice::SlotsWithheld { team: of }) if of == team)
        })
    };
    assert!(!withheld_at(59_999));
    assert!(withheld_at(60_000));
    assert!(!withheld_at(600_000), "once is enough");
}
