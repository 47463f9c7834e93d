//! Copies of an object that a relay has spoiled where neither name nor hash show it.

use objects::{Object, Receipt};

use super::adversary::{arrive, device, last_entry, log_signer, signed};
use super::stalls::all_is_well;
use super::world::World;
use crate::{Input, Notice, Unreadable};

fn spoiled(object: &Object) -> Object {
    let mut bytes = object.bytes();
    let signature = object.signature().0;
    let at = bytes.windows(64).position(|window| window == signature).unwrap();
    bytes[at] ^= 1;
    let spoiled = Object::parse(&bytes).unwrap();
    assert_eq!(spoiled.entry_hash(), object.entry_hash());
    spoiled
}

/// Alice is away while the team gets a slot: its claim, and what it needs.
fn unheard_slot(world: &mut World, team: names::TeamId) -> (Object, Receipt, Vec<Object>) {
    world.nodes[1].go(false);
    world.run();
    let behind = world.relay.order.len();
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let new: Vec<_> = world.relay.order[behind..].to_vec();
    let of_path = |path: u8| {
        let names = new.iter().filter(move |name| name.place().rest.path() == path);
        names.copied().collect::<Vec<_>>()
    };
    let (claim, receipt) = world.relay.get(of_path(4)[0]).cloned().unwrap();
    let pieces = of_path(5).into_iter().map(|name| world.relay.get(name).unwrap().0.clone());
    let pieces = pieces.collect();
    (claim, receipt, pieces)
}

fn slot(world: &World, team: names::TeamId) -> u64 {
    world.nodes[1].endpoint.team(team).unwrap().unwrap().head().0.value()
}

/// `MLS-36`
#[test]
fn an_entry_whose_data_a_relay_keeps_before_its_time_has_not_come() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    world.say(1, team, "first");
    world.run();
    let general = world.general(team);
    let first = last_entry(&world, team, 1, general);
    arrive(&mut world, 2, &first.clone().header_only());
    assert!(world.nodes[2].shown.is_empty());
    arrive(&mut world, 2, &first);
    assert_eq!(world.shows(2).len(), 1);
    // When its time is over, the header is all that there is.
    let late = first.expires();
    world.say(1, team, "second");
    world.run();
    let second = last_entry(&world, team, 1, general);
    world.now = late.max(second.expires());
    arrive(&mut world, 2, &second.clone().header_only());
    assert_eq!(world.nodes[2].shown[&second.name()].unreadable, Some(Unreadable::Expired));
    // So it is when the origin has had it for as long as it keeps data, whatever its time.
    world.say(1, team, "third");
    world.run();
    let third = last_entry(&world, team, 1, general);
    let third_receipt = world.relay.get(third.name()).unwrap().1;
    world.now = third_receipt.at.plus(92 * 24 * 3_600_000).max(world.now);
    let object = third.clone().header_only();
    world.give(2, Input::Arrived { object, receipt: Some(third_receipt) });
    assert_eq!(world.nodes[2].shown[&third.name()].unreadable, Some(Unreadable::Expired));
}

/// `MLS-36`
#[test]
fn a_claim_that_was_spoiled_on_the_way_passes_no_slot() {
    for honest_first in [false, true] {
        let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
        let before = slot(&world, team);
        let (claim, receipt, pieces) = unheard_slot(&mut world, team);
        let bare = claim.clone().header_only();
        let mut copies = vec![bare, spoiled(&claim), claim.clone()];
        if honest_first {
            copies.reverse();
        }
        for object in copies {
            world.give(1, Input::Arrived { object, receipt: Some(receipt) });
        }
        for piece in &pieces {
            arrive(&mut world, 1, piece);
        }
        assert_eq!(slot(&world, team), before + 1, "honest first: {honest_first}");
        world.nodes[1].go(true);
        world.run();
        all_is_well(&mut world, team);
    }
}

/// `MLS-36`
#[test]
fn a_slot_waits_for_the_copy_of_its_claim_that_is_signed() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let before = slot(&world, team);
    let (claim, receipt, pieces) = unheard_slot(&mut world, team);
    for piece in &pieces {
        arrive(&mut world, 1, &piece.clone().header_only());
        arrive(&mut world, 1, piece);
    }
    let object = spoiled(&claim);
    world.give(1, Input::Arrived { object, receipt: Some(receipt) });
    assert_eq!(slot(&world, team), before);
    world.give(1, Input::Arrived { object: claim, receipt: Some(receipt) });
    assert_eq!(slot(&world, team), before + 1);
    world.nodes[1].go(true);
    world.run();
    all_is_well(&mut world, team);
}

/// `MLS-71`
#[test]
fn two_histories_that_both_wait_for_their_epoch_are_seen() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let name = world.say(1, team, "later");
    world.run();
    let early = last_entry(&world, team, 1, world.general(team));
    let signer = log_signer(&world, team, 1);
    let other = signed(name, early.previous(), early.data().unwrap(), &signer);
    arrive(&mut world, 2, &other);
    arrive(&mut world, 2, &early);
    world.nodes[2].go(true);
    world.run();
    let told = Notice::DeviceEquivocates { team, device: device(&world, team, 1), name };
    assert!(world.nodes[2].notices.contains(&told), "{:?}", world.nodes[2].notices);
}
