//! What a peer may send, and how much.

use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{Draft, Signer, Standing};
use relay_core::{DropReason, Input, Limits, MemoryShelf, Peer};

use crate::{EXPORTER, STORE, World};

/// `RELAY-16`
#[test]
fn a_peer_says_hello_first_and_once_and_then_only_what_is_known() {
    let get = ToRelay::Get { seq: 1, name: World::new().cast.writer(11).name_of_first() };
    let hello = ToRelay::Hello { version: 1 };
    let scripts: [(&[Vec<u8>], DropReason); 5] = [
        (&[get.bytes()], DropReason::NotPermitted),
        (&[hello.bytes(), hello.bytes()], DropReason::NotPermitted),
        (&[ToRelay::Hello { version: 2 }.bytes()], DropReason::OtherVersion),
        (&[hello.bytes(), vec![99]], DropReason::Malformed),
        (&[hello.bytes(), [get.bytes(), vec![0]].concat()], DropReason::Malformed),
    ];
    for (frames, why) in scripts {
        let mut world = World::new();
        let peer = Peer(1);
        world.give(Input::Linked { peer, exporter: EXPORTER, room: 10 });
        for frame in frames {
            world.give(Input::Heard { peer, frame: frame.clone() });
        }
        assert_eq!(world.dropped, [(peer, why)]);
        let answers = world.answers.len();
        world.give(Input::Heard { peer, frame: hello.bytes() });
        assert_eq!((world.dropped.len(), world.answers.len()), (1, answers), "it is forgotten");
    }
}

/// `RELAY-16`
#[test]
fn hello_is_answered_with_the_time_and_the_store() {
    let mut world = World::new();
    let peer = Peer(1);
    world.give(Input::Linked { peer, exporter: EXPORTER, room: 10 });
    world.tell(peer, &ToRelay::Hello { version: 1 });
    let welcome = FromRelay::Welcome { version: 1, store: STORE, now: world.now };
    let upstream = FromRelay::Upstream { reachable: true };
    assert_eq!(world.answers[&peer], [welcome, upstream]);
}

/// `RELAY-17`
#[test]
fn bytes_are_counted_per_session_and_come_back_with_time() {
    let limits = Limits { burst_bytes: 3000, bytes_per_second: 1000, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    for n in 0..2_u8 {
        let entry = alice.say(&world.cast, &[n; 1000]);
        world.publish(peer, &entry).unwrap();
    }
    let third = alice.say(&world.cast, &[3; 1000]);
    assert_eq!(world.publish(peer, &third), Err(Refusal::Quota));
    let other = world.peer();
    assert!(world.publish(other, &third).is_ok(), "one session's share is not another's");
    world.now = world.now.plus(1000);
    let fourth = alice.say(&world.cast, &[4; 1000]);
    world.publish(peer, &fourth).unwrap();
}

/// `RELAY-17`
#[test]
fn bytes_are_counted_per_organisation_as_long_as_they_are_stored() {
    let limits = Limits { stored_bytes: 5000, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let refused = (0..10_u8).find_map(|n| {
        let entry = alice.say(&world.cast, &[n; 1000]);
        world.publish(peer, &entry).err()
    });
    assert_eq!(refused, Some(Refusal::Quota));
}

/// `RELAY-06`
#[test]
fn strangers_have_a_small_share_of_key_packages() {
    let limits = Limits { key_packages_per_team: 20, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let bob = world.cast.writer(12);
    let publish = |world: &mut World, peer, n: u8| {
        let announcement = world.cast.announcement(&bob, &[n]);
        let object = world.cast.announced(&announcement, &bob.log);
        world.publish(peer, &object)
    };
    let peer = world.peer();
    for n in 0..16 {
        publish(&mut world, peer, n).unwrap();
    }
    assert_eq!(publish(&mut world, peer, 16), Err(Refusal::Quota));
    let other = world.peer();
    for n in 20..24 {
        publish(&mut world, other, n).unwrap();
    }
    assert_eq!(publish(&mut world, other, 24), Err(Refusal::Quota));
}

/// `RELAY-17`
#[test]
fn a_peer_that_is_refused_without_end_or_wants_too_much_is_dropped() {
    let limits = Limits { burst_refusals: 10, subscriptions: 3, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let alice = world.cast.writer(11);
    world.certify(&alice);
    let forger = world.peer();
    let wrong: Draft<'_> = alice.entry(&world.cast, b"forged");
    let wrong = wrong.sign(&Signer::from_seed(&[66; 32])).unwrap();
    for _ in 0..11 {
        world.tell(forger, &ToRelay::Publish { seq: 1, object: wrong.clone() });
    }
    assert_eq!(world.dropped, [(forger, DropReason::TooMuch)]);
    let greedy = world.peer();
    let prefix = names::Prefix::team(world.cast.team);
    for id in 0..4 {
        world.tell(greedy, &ToRelay::Subscribe { id, prefix, store: STORE, after: 0 });
    }
    assert_eq!(world.dropped.last(), Some(&(greedy, DropReason::TooMuch)));
}

/// `RELAY-31`
#[test]
fn questions_and_proofs_are_counted_and_fill_up_with_time() {
    let limits = Limits { burst_requests: 64, requests_per_second: 16, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let alice = world.cast.writer(11);
    world.certify(&alice);
    let name = alice.entry(&world.cast, b"").name;
    let (asks, proves) = (world.peer(), world.peer());
    for _ in 0..64 {
        world.tell(asks, &ToRelay::Get { seq: 1, name });
    }
    for _ in 0..4 {
        world.prove(proves, &alice);
    }
    assert_eq!(world.dropped, []);
    world.now = world.now.plus(1000);
    for _ in 0..16 {
        world.tell(asks, &ToRelay::Get { seq: 1, name });
    }
    world.prove(proves, &alice);
    assert_eq!(world.dropped, []);
    world.tell(asks, &ToRelay::Get { seq: 1, name });
    world.prove(proves, &alice);
    let dropped = [(asks, DropReason::TooMuch), (proves, DropReason::TooMuch)];
    assert_eq!(world.dropped, dropped);
}

/// `RELAY-31`
#[test]
fn where_links_are_many_those_who_read_nothing_make_room() {
    let limits = Limits { sessions: 4, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let (reader, _) = world.reader(11, 1000);
    // Who only looks for a welcome may be anybody.
    let stranger = world.peer();
    let nobody = world.cast.writer(66);
    world.prove(stranger, &nobody);
    let prefix = names::Prefix::team_path(world.cast.team, 3);
    world.tell(stranger, &ToRelay::Subscribe { id: 1, prefix, store: STORE, after: 0 });
    let idle: Vec<_> = (0..6).map(|_| world.peer()).collect();
    let gone: Vec<_> = world.dropped.iter().map(|(peer, _)| *peer).collect();
    assert!(world.dropped.iter().all(|(_, why)| *why == DropReason::Crowded));
    assert_eq!(gone.last(), idle.get(2), "the oldest first");
    assert!(gone.contains(&stranger) && !gone.contains(&reader));
    let (second, _) = world.reader(12, 1000);
    assert!(!world.dropped.iter().any(|(peer, _)| *peer == second));
}

/// `RELAY-17`
#[test]
fn a_writer_of_ours_who_is_behind_is_refused_but_never_dropped() {
    let limits = Limits { burst_refusals: 10, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let lost = alice.say(&world.cast, b"lost on the way");
    for n in 0..50_u8 {
        let entry = alice.say(&world.cast, &[n]);
        assert_eq!(world.publish(peer, &entry), Err(Refusal::Gap { next: 0 }));
    }
    world.publish(peer, &lost).unwrap();
    assert_eq!(world.dropped, []);
}

impl crate::people::Writer {
    fn name_of_first(&self) -> names::Name {
        self.entry(&World::new().cast, b"").name
    }
}

/// `RELAY-17`
#[test]
fn a_member_who_fills_the_store_stops_no_removal() {
    let limits = Limits { stored_bytes: 200_000, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let mut eva = world.cast.writer(11);
    world.certify(&eva);
    let peer = world.peer();
    // Blobs that no claim names live as long as the team.
    let (pieces, _) = eva.blob(&world.cast, &[7; 300_000]);
    let refused = pieces.iter().find_map(|piece| world.publish(peer, piece).err());
    assert_eq!(refused, Some(Refusal::Quota));
    // What is left then holds no certificate.
    while {
        let entry = eva.say(&world.cast, b"x");
        world.publish(peer, &entry).is_ok()
    } {}
    let revoked = world.cast.certificate(&eva, 1, Standing::Revoked);
    world.effect(&revoked);
    let head = world.head;
    let term = world.cast.term(1, crate::signer().key(), head);
    world.publish(peer, &term).unwrap();
}

/// `RELAY-17`
#[test]
fn a_claim_is_charged_for_the_pieces_that_it_names() {
    let limits = Limits { burst_bytes: 400_000, bytes_per_second: 1000, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let (pieces, blob) = alice.blob(&world.cast, &[7; 200_000]);
    for piece in &pieces[..pieces.len() - 1] {
        world.publish(peer, piece).unwrap();
    }
    let claim = world.cast.claim(world.head.0 + 1, world.head.1, &alice.claims(blob), &alice.log);
    let answers: Vec<_> = (0..6).map(|_| world.claim(peer, &claim)).collect();
    assert_eq!(answers[0], Ok(SlotAnswer::Incomplete));
    assert_eq!(answers[5], Err(Refusal::Quota));
    let other = world.peer();
    world.publish(other, &pieces[pieces.len() - 1]).unwrap();
    assert!(matches!(world.claim(other, &claim), Ok(SlotAnswer::Won(_))));
}

/// `RELAY-06`
#[test]
fn strangers_keep_no_device_of_the_team_from_coming_back() {
    let limits = Limits { key_packages_per_team: 3, ..Limits::default() };
    let mut world = World::with(limits, MemoryShelf::new(STORE));
    let (alice, stranger) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&alice);
    let announce = |world: &mut World, peer, writer: &crate::people::Writer, package: u8| {
        let announcement = world.cast.announcement(writer, &[package]);
        let object = world.cast.announced(&announcement, &writer.log);
        world.publish(peer, &object)
    };
    let peer = world.peer();
    for package in 0..3 {
        announce(&mut world, peer, &stranger, package).unwrap();
    }
    assert_eq!(announce(&mut world, peer, &stranger, 3), Err(Refusal::Quota));
    // With the number of a device, but another key, it is a stranger's.
    let mut forger = world.cast.writer(11);
    forger.log = objects::Signer::from_seed(&[66; 32]);
    assert_eq!(announce(&mut world, peer, &forger, 4), Err(Refusal::Quota));
    announce(&mut world, peer, &alice, 5).unwrap();
}
