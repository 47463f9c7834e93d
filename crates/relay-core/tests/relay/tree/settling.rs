//! What a child stores, and how it becomes the origin's.

use names::Rest;
use objects::wire::{FromRelay, Refusal, ToRelay};
use objects::{Draft, Millis, Receipt, Signer, Standing};
use relay_core::{Put, Shelf};

use super::{Tree, key, signer};
use crate::people::{DAY, Writer};

/// A root and a child, linked; a client at the child, a certified writer.
fn pair() -> (Tree, usize, Writer) {
    let mut tree = Tree::new(&[None, Some(0)]);
    tree.link(1);
    let admin = tree.client(0);
    tree.found(admin);
    let alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    let client = tree.client(1);
    tree.read(client, &alice);
    tree.run();
    (tree, client, alice)
}

fn receipts(tree: &Tree, client: usize) -> Vec<(&FromRelay, bool)> {
    let receipt = |frame| match frame {
        &FromRelay::Stored { receipt, .. } | &FromRelay::Settled { receipt } => Some(receipt),
        _ => None,
    };
    let said = tree.clients[client].said.iter();
    let origin = key(0);
    said.filter_map(|frame| {
        let receipt = receipt(frame)?;
        Some((frame, receipt.covers_hash(&origin, receipt.name, &receipt.hash)))
    })
    .collect()
}

/// `RELAY-23`
#[test]
fn a_child_answers_at_once_and_tells_when_the_origin_has_it() {
    let (mut tree, client, mut alice) = pair();
    let entry = alice.say(&tree.cast, b"hello");
    tree.publish(client, &entry);
    let told = receipts(&tree, client);
    assert!(matches!(told[..], [(FromRelay::Stored { .. }, false)]), "{told:?}");
    tree.run();
    let told = receipts(&tree, client);
    assert!(matches!(told[..], [_, (FromRelay::Settled { .. }, true)]), "{told:?}");
    assert!(tree.holds(0, &entry));
    tree.publish(client, &entry);
    assert!(receipts(&tree, client)[2].1, "asked again, it has the better receipt");
}

/// `RELAY-23`
#[test]
fn what_is_stored_while_the_way_is_cut_goes_up_in_order_after_a_crash() {
    let (mut tree, client, mut alice) = pair();
    tree.cut(1);
    let entries: Vec<_> = (0..300_u16).map(|n| alice.say(&tree.cast, &n.to_be_bytes())).collect();
    for entry in &entries {
        tree.publish(client, entry);
    }
    tree.crash(1);
    tree.relink(client);
    tree.link(1);
    tree.run();
    assert_eq!(tree.clients[client].outbox, []);
    let kept = tree.kept(0);
    let stored = kept.iter().filter(|kept| kept.object.name().place().rest.path() == 1);
    assert!(stored.map(|kept| &kept.object).eq(&entries));
    assert!(tree.kept(1).iter().all(|kept| kept.settled));
    // A second link has nothing more to say.
    tree.cut(1);
    let before = tree.kept(0);
    tree.link(1);
    tree.run();
    assert_eq!(tree.kept(0), before);
}

/// `RELAY-23`
#[test]
fn a_relay_in_the_middle_passes_on_what_the_origin_says() {
    let mut tree = Tree::new(&[None, Some(0), Some(1)]);
    tree.link(1);
    tree.link(2);
    let admin = tree.client(0);
    tree.found(admin);
    let mut alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    let client = tree.client(2);
    tree.read(client, &alice);
    tree.run();
    tree.cut(1);
    let entry = alice.say(&tree.cast, b"hello");
    tree.publish(client, &entry);
    tree.run();
    assert!(tree.holds(1, &entry) && !tree.holds(0, &entry));
    assert!(receipts(&tree, client).iter().all(|(_, by_origin)| !by_origin));
    tree.link(1);
    tree.run();
    assert!(matches!(tree.last(client), FromRelay::Settled { .. }), "{:?}", tree.last(client));
    assert_eq!(tree.clients[client].outbox, []);
}

/// `RELAY-23`
#[test]
fn what_comes_down_is_delivered_with_the_origins_receipt() {
    let (mut tree, client, mut alice) = pair();
    let elsewhere = tree.client(0);
    let entry = alice.say(&tree.cast, b"from the root");
    tree.publish(elsewhere, &entry);
    tree.run();
    let delivered = &tree.clients[client].delivered;
    let (_, receipt) = delivered.iter().find(|(object, _)| *object == entry).unwrap();
    assert!(receipt.unwrap().covers(&key(0), &entry));
    let own = alice.say(&tree.cast, b"from a neighbour");
    let neighbour = tree.client(1);
    tree.publish(neighbour, &own);
    let (object, receipt) = tree.clients[client].delivered.last().unwrap();
    assert_eq!((object, receipt), (&own, &None), "not the origin's yet");
}

/// `RELAY-23`
#[test]
fn an_entry_that_expired_on_the_way_goes_up_as_a_header_and_carries_its_log_on() {
    let (mut tree, client, mut alice) = pair();
    tree.cut(1);
    let old = alice.say(&tree.cast, b"old");
    tree.publish(client, &old);
    tree.now = tree.now.plus(91 * DAY);
    tree.cast.now = tree.now;
    let new = alice.say(&tree.cast, b"new");
    tree.publish(client, &new);
    tree.link(1);
    tree.run();
    let header = tree.kept(0).into_iter().find(|kept| kept.object.name() == old.name());
    assert_eq!(header.unwrap().object, old.header_only());
    assert!(tree.holds(0, &new));
}

/// `RELAY-23`
#[test]
fn a_parent_that_was_set_back_gets_everything_again() {
    let (mut tree, client, mut alice) = pair();
    let backup = tree.nodes[0].relay.shelf_mut().clone();
    let entries: Vec<_> = (0..5_u8).map(|n| alice.say(&tree.cast, &[n])).collect();
    for entry in &entries {
        tree.publish(client, entry);
    }
    tree.run();
    tree.cut(1);
    tree.nodes[0].relay = tree.relay_with(0, None, backup);
    tree.link(1);
    let next = alice.say(&tree.cast, b"next");
    tree.publish(client, &next);
    tree.run();
    for entry in entries.iter().chain([&next]) {
        assert!(tree.holds(0, entry));
    }
}

/// `RELAY-23`
#[test]
fn a_parent_that_was_set_back_gets_again_what_nobody_writes_to_any_more() {
    let (mut tree, client, mut alice) = pair();
    let backup = tree.nodes[0].relay.shelf_mut().clone();
    let quiet = alice.say(&tree.cast, b"the last one of its log");
    tree.publish(client, &quiet);
    let (pieces, _) = alice.blob(&tree.cast, &[3; 2000]);
    for piece in &pieces {
        tree.publish(client, piece);
    }
    let certificate = tree.cast.certificate(&tree.cast.writer(12), 0, Standing::Certified);
    tree.publish(client, &certificate);
    tree.run();
    tree.cut(1);
    tree.nodes[0].relay = tree.relay_with(0, None, backup);
    assert!(!tree.holds(0, &quiet));
    tree.now = tree.now.plus(1000);
    tree.link(1);
    tree.run();
    for object in pieces.iter().chain([&quiet, &certificate]) {
        assert!(tree.holds(0, object));
    }
    assert!(tree.kept(1).iter().all(|kept| kept.settled));
    // Once is enough.
    let before = tree.kept(0);
    tree.cut(1);
    tree.link(1);
    tree.run();
    assert_eq!(tree.kept(0), before);
}

/// `RELAY-20`
#[test]
fn two_entries_under_one_name_are_both_kept_everywhere_and_freeze_the_log() {
    let (mut tree, client, mut alice) = pair();
    let elsewhere = tree.client(0);
    tree.cut(1);
    let fork = alice.entry(&tree.cast, b"here").sign(&alice.log).unwrap();
    tree.publish(client, &fork);
    let first = alice.say(&tree.cast, b"there");
    let second = alice.say(&tree.cast, b"and on");
    tree.publish(elsewhere, &first);
    tree.publish(elsewhere, &second);
    tree.link(1);
    tree.run();
    let wanted = [&fork, &first, &second];
    for at in [0, 1] {
        assert!(wanted.iter().all(|entry| tree.holds(at, entry)), "at {at}");
    }
    let delivered = &tree.clients[client].delivered;
    assert!([&first, &second].iter().all(|entry| delivered.iter().any(|(it, _)| it == *entry)));
    let third = alice.say(&tree.cast, b"no more");
    for (client, at) in [(elsewhere, 0), (client, 1)] {
        tree.ask(client, &ToRelay::Publish { seq: 9, object: third.clone() });
        let refused = FromRelay::Refused { seq: 9, why: Refusal::Forked };
        assert_eq!(*tree.last(client), refused);
        tree.crash(at);
        tree.relink(client);
        tree.ask(client, &ToRelay::Publish { seq: 9, object: third.clone() });
        assert_eq!(*tree.last(client), refused, "a restart changes nothing");
    }
}

/// `RELAY-23`
#[test]
fn of_two_blobs_under_one_name_the_origins_counts_everywhere() {
    let (mut tree, client, mut alice) = pair();
    let elsewhere = tree.client(0);
    tree.cut(1);
    let (here, _) = alice.blob(&tree.cast, b"here");
    let Rest::Blob { .. } = here[0].name().place().rest else { panic!() };
    let draft = tree.cast.draft(here[0].name().place().rest, here[0].expires(), b"there");
    let there = Draft { ..draft }.sign(&alice.log).unwrap();
    tree.publish(client, &here[0]);
    tree.publish(elsewhere, &there);
    tree.link(1);
    tree.run();
    for at in [0, 1] {
        assert!(tree.holds(at, &there) && !tree.holds(at, &here[0]), "at {at}");
    }
}

/// `RELAY-28`
#[test]
fn what_the_origin_has_comes_down_whatever_stands_under_the_highest_generations() {
    let (mut tree, client, mut alice) = pair();
    // What a relay stored that knew of no limit, for another key.
    let highest = names::Generation::MAX.value();
    let mut other = tree.cast.writer(11);
    other.log = Signer::from_seed(&[99; 32]);
    let object = tree.cast.certificate(&other, highest, Standing::Certified);
    let receipt = Receipt::sign(&signer(0), &object, names::Slot::ZERO, tree.now);
    let put = Put { object: &object, receipt: &receipt, settled: true, until: Millis::NEVER };
    tree.nodes[1].relay.shelf_mut().put(put).unwrap();
    let elsewhere = tree.client(0);
    let entry = alice.say(&tree.cast, b"from the root");
    tree.publish(elsewhere, &entry);
    tree.run();
    assert!(tree.holds(1, &entry));
    assert!(tree.clients[client].delivered.iter().any(|(object, _)| *object == entry));
}

/// `RELAY-29`
#[test]
fn what_a_parent_has_stripped_is_whole_again_when_somebody_has_it() {
    let (mut tree, client, mut alice) = pair();
    let elsewhere = tree.client(0);
    tree.cut(1);
    let entries = [alice.say(&tree.cast, b"one"), alice.say(&tree.cast, b"two")];
    for entry in &entries {
        tree.publish(elsewhere, entry);
    }
    // The parent keeps the data to itself, and says that the origin has it.
    for entry in &entries {
        let (name, hash) = (entry.name(), entry.entry_hash());
        let shelf = tree.nodes[0].relay.shelf_mut();
        let kept = shelf.find(name, &hash).unwrap().unwrap();
        shelf.remove(name, &hash).unwrap();
        let (object, receipt) = (&entry.clone().header_only(), &kept.receipt);
        let put = Put { object, receipt, settled: true, until: Millis::NEVER };
        shelf.put(put).unwrap();
    }
    tree.link(1);
    tree.run();
    let bare = tree.kept(1).into_iter().find(|kept| kept.object.name() == entries[0].name());
    assert_eq!(bare.unwrap().object, entries[0].clone().header_only());
    // From a device, and from above.
    tree.publish(client, &entries[0]);
    let heard = tree.client(1);
    let reader = tree.cast.writer(11);
    tree.read(heard, &reader);
    tree.nodes[0].relay.shelf_mut().restore(&entries[1], entries[1].expires()).unwrap();
    tree.move_below(1, Some(0));
    let topic = [b"c".as_slice(), &cursor_of(tree.cast.team)].concat();
    tree.nodes[1].relay.shelf_mut().set_note(&topic, None).unwrap();
    tree.relink(client);
    tree.read(client, &reader);
    tree.link(1);
    tree.run();
    for entry in &entries {
        let kept = tree.kept(1).into_iter().find(|kept| kept.object.name() == entry.name());
        assert_eq!(kept.unwrap().object, *entry);
        assert!(tree.clients[client].delivered.iter().any(|(object, _)| object == entry));
    }
}

fn cursor_of(team: names::TeamId) -> [u8; 8] {
    let names::TeamId { origin, org, team } = team;
    (origin.value() << 38 | org.value() << 20 | team.value()).to_be_bytes()
}

/// `RELAY-29`
#[test]
fn a_claim_that_was_spoiled_on_the_way_is_not_stored() {
    let (mut tree, _, _) = pair();
    let admin = tree.client(0);
    tree.cut(1);
    let (head, previous) = tree.head(0);
    let claim = tree.complete(admin, (head + 1, previous), &[]);
    tree.claim(admin, &claim);
    let mut bytes = claim.bytes();
    let at = bytes.windows(64).position(|window| window == claim.signature().0).unwrap();
    bytes[at] ^= 1;
    let spoiled = objects::Object::parse(&bytes).unwrap();
    assert_eq!(spoiled.entry_hash(), claim.entry_hash());
    let shelf = tree.nodes[0].relay.shelf_mut();
    let kept = shelf.find(claim.name(), &claim.entry_hash()).unwrap().unwrap();
    for object in [&spoiled, &claim.clone().header_only()] {
        let shelf = tree.nodes[0].relay.shelf_mut();
        shelf.remove(claim.name(), &claim.entry_hash()).unwrap();
        let (receipt, until) = (&kept.receipt, Millis::NEVER);
        shelf.put(Put { object, receipt, settled: true, until }).unwrap();
        tree.link(1);
        tree.run();
        assert_eq!(tree.head(1).0, head);
        tree.cut(1);
    }
    let shelf = tree.nodes[0].relay.shelf_mut();
    shelf.remove(claim.name(), &claim.entry_hash()).unwrap();
    let (object, receipt, until) = (&claim, &kept.receipt, Millis::NEVER);
    shelf.put(Put { object, receipt, settled: true, until }).unwrap();
    tree.link(1);
    tree.run();
    assert_eq!(tree.head(1).0, head + 1);
}

/// `RELAY-23`
#[test]
fn below_a_middle_relay_the_origins_object_counts_whatever_stood_there_before() {
    let mut tree = Tree::new(&[None, Some(0), Some(1)]);
    tree.link(1);
    tree.link(2);
    let admin = tree.client(0);
    tree.found(admin);
    let mut alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    let (middle, below) = (tree.client(1), tree.client(2));
    tree.read(middle, &alice);
    tree.read(below, &alice);
    tree.run();
    tree.cut(1);
    tree.cut(2);
    let (squat, _) = alice.blob(&tree.cast, b"squat");
    let rest = squat[0].name().place().rest;
    let real = tree.cast.draft(rest, Millis::NEVER, b"real").sign(&alice.log).unwrap();
    tree.publish(below, &squat[0]);
    tree.publish(middle, &real);
    // It comes down before the origin has it.
    tree.link(2);
    tree.run();
    assert!(tree.clients[below].delivered.iter().any(|(object, _)| *object == real));
    tree.link(1);
    tree.run();
    for at in 0..3 {
        assert!(tree.holds(at, &real) && !tree.holds(at, &squat[0]), "at {at}");
        assert!(tree.kept(at).iter().all(|kept| kept.settled), "at {at}");
    }
}

/// `RELAY-05`
#[test]
fn an_origin_whose_clock_is_behind_takes_no_message_from_its_children() {
    let (mut tree, client, mut alice) = pair();
    let elsewhere = tree.client(0);
    let right = tree.now;
    let entry = alice.say(&tree.cast, b"hello");
    tree.cut(1);
    tree.publish(elsewhere, &entry);
    let shelf = tree.nodes[0].relay.shelf_mut();
    let receipt =
        Receipt::sign(&signer(0), &entry, names::Slot::truncate(1), Millis(right.0 - 400 * DAY));
    shelf.set_receipt(&receipt, true).unwrap();
    tree.link(1);
    tree.run();
    tree.give(1, relay_core::Input::Woken);
    let kept = tree.kept(1).into_iter().find(|kept| kept.object.name() == entry.name()).unwrap();
    assert_eq!(kept.object, entry);
    assert!(kept.until > right.plus(89 * DAY));
    assert!(tree.clients[client].delivered.iter().any(|(object, _)| *object == entry));
}
