//! Who reads what, when.

use names::{Channel, Prefix, Team};
use objects::wire::{FromRelay, SubscriptionStanding, ToRelay};
use objects::{Proof, Standing};
use relay_core::{Input, Peer};

use crate::people::DAY;
use crate::{EXPORTER, STORE, World, signer};

const ACTIVE: FromRelay = subscribed(SubscriptionStanding::Active);
const WAITING: FromRelay = subscribed(SubscriptionStanding::Waiting);
const REFUSED: FromRelay = subscribed(SubscriptionStanding::Refused);

const fn subscribed(standing: SubscriptionStanding) -> FromRelay {
    FromRelay::Subscribed { id: 1, standing }
}

/// `RELAY-11`
#[test]
fn a_late_subscriber_gets_everything_in_order_then_what_comes_once() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    let mut wanted = vec![];
    for n in 0..150_u8 {
        let entry = alice.say(&world.cast, &[n]);
        wanted.push(entry.name());
        world.publish(writer, &entry).unwrap();
    }
    let (bob, _) = world.reader(12, 10_000);
    for n in 0..3_u8 {
        let entry = alice.say(&world.cast, &[n, n]);
        wanted.push(entry.name());
        world.publish(writer, &entry).unwrap();
    }
    let mut names = world.names(bob);
    // What certifies the two comes where it was stored: first, and before Bob subscribed.
    assert_eq!(names.len(), wanted.len() + 8);
    names.retain(|name| name.place().rest.path() == 1);
    assert_eq!(names, wanted);
    let positions: Vec<u64> = world.delivered[&bob].iter().map(position).collect();
    assert!(positions.is_sorted(), "{positions:?}");
    let caught_up = |frame: &&FromRelay| matches!(frame, FromRelay::CaughtUp { .. });
    assert_eq!(world.delivered[&bob].iter().filter(caught_up).count(), 1);
}

fn position(frame: &FromRelay) -> u64 {
    match frame {
        FromRelay::Deliver { position, .. } | FromRelay::CaughtUp { position, .. } => *position,
        other => panic!("{other:?}"),
    }
}

/// `RELAY-11`
#[test]
fn a_cursor_goes_on_where_it_was_and_one_of_another_store_starts_over() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    let entries: Vec<_> = (0..4_u8).map(|n| alice.say(&world.cast, &[n])).collect();
    for entry in &entries {
        world.publish(writer, entry).unwrap();
    }
    let bob = world.cast.writer(12);
    world.certify(&bob);
    let prefix = Prefix::channel(world.cast.team, Channel::truncate(2));
    for (store, wanted) in [(STORE, 2), (STORE + 1, 4)] {
        let peer = world.peer();
        world.prove(peer, &bob);
        // What certifies Alice has positions 1 to 5, her entries have 6 to 9.
        world.tell(peer, &ToRelay::Subscribe { id: 1, prefix, store, after: 7 });
        let names: Vec<_> = entries.iter().skip(4 - wanted).map(|entry| entry.name()).collect();
        assert_eq!(world.names(peer), names);
    }
}

/// `RELAY-12`
#[test]
fn one_encoding_serves_all_subscribers_and_nothing_returns_to_its_sender() {
    let mut world = World::new();
    let readers: Vec<Peer> = (20..40).map(|seed| world.reader(seed, 10_000).0).collect();
    let (sender, mut alice) = world.reader(11, 10_000);
    let before = (world.encoded, world.names(sender));
    let entry = alice.say(&world.cast, b"to all");
    world.publish(sender, &entry).unwrap();
    assert_eq!(world.encoded, before.0 + 1);
    for reader in readers {
        assert_eq!(world.names(reader).last(), Some(&entry.name()));
    }
    assert_eq!(world.names(sender), before.1);
}

/// `RELAY-13`
#[test]
fn a_subscriber_that_does_not_read_holds_nobody_up_and_catches_up_later() {
    let mut world = World::new();
    let (slow, _) = world.reader(12, 5);
    let (fast, _) = world.reader(13, 10_000);
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    let mut wanted = Vec::new();
    for n in 0..100_u8 {
        let entry = alice.say(&world.cast, &[n]);
        world.publish(writer, &entry).unwrap();
        wanted.push(entry.name());
    }
    assert!(world.names(fast).ends_with(&wanted));
    assert!(world.delivered[&slow].len() <= 5);
    let mut rounds = 0;
    while !world.names(slow).ends_with(&wanted) {
        world.give(Input::Room { peer: slow, frames: 7 });
        rounds += 1;
        assert!(rounds < 100);
    }
    let mut names = world.names(slow);
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "nothing came twice");
    let last = alice.say(&world.cast, b"live again");
    world.give(Input::Room { peer: slow, frames: 7 });
    world.publish(writer, &last).unwrap();
    assert_eq!(world.names(slow).last(), Some(&last.name()));
}

/// `RELAY-13`
#[test]
fn a_long_catch_up_is_done_in_turns() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    for n in 0..1000_u32 {
        let entry = alice.say(&world.cast, &n.to_be_bytes());
        world.publish(writer, &entry).unwrap();
    }
    let (bob, _) = world.reader(12, 10_000);
    assert!(world.names(bob).len() < 1000);
    let mut turns = 0;
    while world.relay.wake_at().is_some_and(|at| at <= world.now) {
        world.give(Input::Woken);
        turns += 1;
    }
    assert_eq!(world.names(bob).len(), 1008);
    assert!(turns > 0);
}

/// `RELAY-14`
#[test]
fn without_a_certificate_nothing_is_read_and_with_it_everything_at_once() {
    let mut world = World::new();
    let (mut alice, bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&alice);
    let writer = world.peer();
    let first = alice.say(&world.cast, b"first");
    world.publish(writer, &first).unwrap();
    let peer = world.peer();
    world.subscribe(peer, 0);
    assert_eq!(*world.last_answer(peer), REFUSED);
    world.prove(peer, &bob);
    assert_eq!(*world.last_answer(peer), WAITING);
    let second = alice.say(&world.cast, b"second");
    world.publish(writer, &second).unwrap();
    assert_eq!(world.names(peer), []);
    world.tell(peer, &ToRelay::Get { seq: 8, name: first.name() });
    let nothing = FromRelay::Found { seq: 8, object: None, receipt: None };
    assert_eq!(*world.last_answer(peer), nothing);

    world.certify(&bob);
    assert_eq!(*world.last_answer(peer), ACTIVE);
    let names = world.names(peer);
    assert_eq!(names.len(), 10);
    assert!(names.contains(&first.name()) && names.contains(&second.name()));
    world.tell(peer, &ToRelay::Get { seq: 8, name: first.name() });
    let FromRelay::Found { object: Some(found), .. } = world.last_answer(peer) else { panic!() };
    assert_eq!(*found, first);
}

/// `RELAY-14`
#[test]
fn a_proof_of_another_link_relay_key_or_device_opens_nothing() {
    let mut world = World::new();
    let (alice, bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&alice);
    let (team, relay, later) = (world.cast.team, signer().key(), world.now.plus(DAY));
    let proof = |signer, relay, exporter, device, expires| {
        Proof::sign(signer, relay, exporter, team, device, expires)
    };
    let elsewhere = bob.log.key();
    let wrong = [
        proof(&alice.log, &relay, &[8; 32], alice.device, later),
        proof(&alice.log, &elsewhere, &EXPORTER, alice.device, later),
        proof(&alice.log, &relay, &EXPORTER, alice.device, world.now),
        Proof { device: bob.device, ..proof(&alice.log, &relay, &EXPORTER, alice.device, later) },
        Proof {
            log_key: alice.log.key(),
            ..proof(&bob.log, &relay, &EXPORTER, alice.device, later)
        },
    ];
    for proof in wrong {
        let peer = world.peer();
        world.tell(peer, &ToRelay::Prove(proof));
        world.subscribe(peer, 0);
        assert_eq!(*world.last_answer(peer), REFUSED);
        assert_eq!(world.names(peer), []);
    }
    // The right key for another's number is a newcomer's claim, and shows nothing.
    let peer = world.peer();
    let proof = proof(&bob.log, &relay, &EXPORTER, alice.device, later);
    world.tell(peer, &ToRelay::Prove(proof));
    world.subscribe(peer, 0);
    assert_eq!(*world.last_answer(peer), WAITING);
    assert_eq!(world.names(peer), []);
}

/// `RELAY-14`
#[test]
fn a_subscription_beyond_the_proven_team_is_refused() {
    let mut world = World::new();
    let (peer, _) = world.reader(11, 100);
    let mut other = world.cast.team;
    other.team = Team::truncate(78);
    let org = Prefix::from_bits(Prefix::team(world.cast.team).bits() >> 70 << 70, 58).unwrap();
    let everything = Prefix::from_bits(0, 0).unwrap();
    for (id, prefix) in (10..).zip([Prefix::team(other), org, everything]) {
        world.tell(peer, &ToRelay::Subscribe { id, prefix, store: STORE, after: 0 });
        let standing = SubscriptionStanding::Refused;
        assert_eq!(*world.last_answer(peer), FromRelay::Subscribed { id, standing });
    }
}

/// `RELAY-15`
#[test]
fn revocation_ends_writing_reading_and_what_is_under_way() {
    let mut world = World::new();
    let (bob, mut bobs) = world.reader(12, 10_000);
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let admin = world.peer();
    let revoked = world.cast.certificate(&bobs, 1, Standing::Revoked);
    world.effect(&revoked);
    assert_eq!(*world.last_answer(bob), REFUSED);
    let names = world.names(bob);
    assert!(names.contains(&revoked.name()), "it may know why");
    assert_eq!(names.last().unwrap().place().rest.path(), 4);
    let entry = alice.say(&world.cast, b"not for Bob");
    world.publish(admin, &entry).unwrap();
    assert_eq!(world.names(bob), names);
    let late = bobs.say(&world.cast, b"from Bob");
    assert_eq!(world.publish(bob, &late), Err(objects::wire::Refusal::Revoked));
    let again = world.peer();
    world.prove(again, &bobs);
    world.subscribe(again, 0);
    assert_eq!(*world.last_answer(again), REFUSED);
    assert_eq!(world.names(again), []);
}

/// `RELAY-30`
#[test]
fn a_removed_device_is_shown_the_proof_of_it_and_nobody_else_is() {
    let mut world = World::new();
    let (bob, bobs) = world.reader(12, 10_000);
    let (carol, carols) = world.reader(13, 10_000);
    let root = world.cast.root.key();
    world.effect(&world.cast.certificate(&bobs, 1, Standing::Revoked));
    let slot = world.head.0;
    let shown = |world: &World, peer: Peer| {
        let frames = world.delivered.get(&peer).into_iter().flatten();
        let shown = frames.filter_map(|frame| match frame {
            FromRelay::Revoked(revocation) => Some(revocation.clone()),
            _ => None,
        });
        shown.collect::<Vec<_>>()
    };
    // Whoever was there is shown it last, behind what it could read.
    let live = shown(&world, bob);
    assert_eq!(live.len(), 1);
    assert!(matches!(world.delivered[&bob].last(), Some(FromRelay::Revoked(_))));
    let proven = live[0].read(&root).unwrap();
    assert_eq!((proven.device, proven.log_key), (bobs.device, bobs.log.key()));
    assert_eq!((proven.slot.value(), proven.by), (slot, names::Device::MEMBER_TOOL));
    // So is whoever comes later, also through another certificate, once there is room for it.
    world.effect(&world.cast.certificate(&carols, 1, Standing::Revoked));
    let late = world.peer_with_room(0);
    world.prove(late, &bobs);
    world.subscribe(late, 0);
    assert!(shown(&world, late).is_empty());
    world.give(Input::Room { peer: late, frames: 1 });
    assert_eq!(shown(&world, late), live);
    assert_eq!(shown(&world, carol).len(), 1);
    // A stranger who only says that it is Bob proves another key.
    let mut mallory = world.cast.writer(14);
    mallory.device = bobs.device;
    let stranger = world.peer();
    world.prove(stranger, &mallory);
    world.subscribe(stranger, 0);
    assert_eq!(*world.last_answer(stranger), REFUSED);
    let unproven = world.peer();
    world.subscribe(unproven, 0);
    assert!(shown(&world, stranger).is_empty() && shown(&world, unproven).is_empty());
}

/// `RELAY-15`
#[test]
fn reading_ends_with_the_time_of_the_proof_and_goes_on_with_a_new_one() {
    let mut world = World::new();
    let (bob, bobs) = world.reader(12, 10_000);
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    let end = world.relay.wake_at().unwrap();
    assert_eq!(end, world.now.plus(DAY));
    world.now = end;
    world.cast.now = end;
    world.give(Input::Woken);
    assert_eq!(*world.last_answer(bob), REFUSED);
    let unseen = alice.say(&world.cast, b"meanwhile");
    world.publish(writer, &unseen).unwrap();
    assert!(!world.names(bob).contains(&unseen.name()));
    world.prove(bob, &bobs);
    assert_eq!(*world.last_answer(bob), ACTIVE);
    assert_eq!(world.names(bob).last(), Some(&unseen.name()));
}

/// `RELAY-11`
#[test]
fn an_ended_subscription_gets_nothing_more() {
    let mut world = World::new();
    let (bob, _) = world.reader(12, 10_000);
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let writer = world.peer();
    world.tell(bob, &ToRelay::Unsubscribe { id: 1 });
    let before = world.names(bob);
    let entry = alice.say(&world.cast, b"entry");
    world.publish(writer, &entry).unwrap();
    assert_eq!(world.names(bob), before);
    world.give(Input::Unlinked { peer: bob });
    let entry = alice.say(&world.cast, b"entry");
    world.publish(writer, &entry).unwrap();
}

/// `RELAY-14`
#[test]
fn newcomers_find_key_packages_and_welcomes_and_nothing_else() {
    let mut world = World::new();
    let (mut alice, bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&alice);
    let writer = world.peer();
    let announcement = world.cast.announcement(&bob, b"package");
    let announced = world.cast.announced(&announcement, &bob.log);
    world.publish(writer, &announced).unwrap();
    let entry = alice.say(&world.cast, b"entry");
    world.publish(writer, &entry).unwrap();
    let stranger = world.peer();
    for (name, open) in [(announced.name(), true), (entry.name(), false)] {
        world.tell(stranger, &ToRelay::Get { seq: 8, name });
        let FromRelay::Found { object, .. } = world.last_answer(stranger) else {
            panic!();
        };
        assert_eq!(object.is_some(), open);
    }
    let prefix = Prefix::team_path(world.cast.team, 2);
    let subscribe = ToRelay::Subscribe { id: 1, prefix, store: STORE, after: 0 };
    world.tell(stranger, &subscribe);
    assert_eq!(*world.last_answer(stranger), REFUSED);
    world.prove(stranger, &bob);
    assert_eq!(*world.last_answer(stranger), ACTIVE);
    assert_eq!(world.names(stranger), [announced.name()]);
}
