//! Entries that nobody could ever read.

use names::{Channel, Number, Rest, TeamId};
use objects::{Hash, Object};

use super::adversary::{arrive, device, last_entry, log_signer, signed};
use super::world::World;
use crate::bound::{BOUND, Bound};
use crate::framing::Framing;
use crate::rows::Table;

/// An entry of Alice's like `real`, of another epoch and behind another slot.
fn like(world: &World, team: TeamId, real: &Object, number: u64, epoch: u64, slot: u64) -> Object {
    let name = {
        let (channel, device) = (Channel::truncate(9), device(world, team, 1));
        team.name(Rest::Message { channel, device, number: Number::truncate(number) })
    };
    let mut data = real.data().unwrap().to_vec();
    let framing = Framing::read(&data).unwrap();
    let old = framing.epoch.to_be_bytes();
    let at = data.windows(8).position(|part| part == old).unwrap();
    data[at..at + 8].copy_from_slice(&epoch.to_be_bytes());
    let at = data.windows(16).position(|part| part == real.name().bytes()).unwrap();
    let mut bound = Bound::read(&data[at..at + BOUND]).unwrap();
    (bound.name, bound.previous) = (name, Hash::NONE);
    bound.head.slot = names::Slot::truncate(slot);
    data[at..at + BOUND].copy_from_slice(&bound.bytes());
    assert_eq!(Framing::read(&data).unwrap().epoch, epoch);
    signed(name, Hash::NONE, &data, &log_signer(world, team, 1))
}

/// `MLS-58`
#[test]
fn what_can_never_be_read_is_not_kept_for_ever() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "real");
    world.run();
    let real = last_entry(&world, team, 1, world.general(team));
    let waiting = |world: &World| world.nodes[2].endpoint.rows().count(Table::Ahead, &[]);
    let before = waiting(&world);
    // No epoch begins without a slot.
    let impossible = like(&world, team, &real, 0, u64::MAX, 20);
    arrive(&mut world, 2, &impossible);
    assert_eq!(waiting(&world), before);
    for number in 1..1100 {
        let object = like(&world, team, &real, number, 1_000, 1_000);
        arrive(&mut world, 2, &object);
    }
    assert_eq!(waiting(&world), before + 1024);
    world.say(2, team, "on it goes");
    world.run();
    assert_eq!(world.shows(1).len(), 2);
}
