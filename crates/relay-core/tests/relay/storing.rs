//! What is stored, and what is refused before it is.

use names::{Channel, Fingerprint, Fragment, Number, Rest};
use objects::wire::{FromRelay, Refusal};
use objects::{Draft, Hash, Millis, Signer, Standing};
use relay_core::{Limits, MemoryShelf, Put, Relay, Shelf};

use crate::people::DAY;
use crate::{EXPORTER, STORE, World, org, signer};

/// `RELAY-01`
#[test]
fn a_log_is_stored_entry_by_entry_with_receipts_of_this_relay() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    for n in 0..5_u8 {
        let entry = alice.say(&world.cast, &[n; 100]);
        let receipt = world.publish(peer, &entry).unwrap();
        assert!(receipt.covers(&signer().key(), &entry));
        assert_eq!((receipt.head.value(), receipt.at), (world.head.0, world.now));
        assert!(world.stores(&entry));
    }
}

/// `RELAY-02`
#[test]
fn what_its_writer_may_not_write_is_refused_and_not_stored() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    let peer = world.peer();
    let first = alice.entry(&world.cast, b"first").sign(&alice.log).unwrap();
    assert_eq!(world.publish(peer, &first), Err(Refusal::Uncertified));
    world.certify(&alice);
    let wrong = alice.entry(&world.cast, b"first").sign(&Signer::from_seed(&[66; 32])).unwrap();
    assert_eq!(world.publish(peer, &wrong), Err(Refusal::WrongSigner));
    assert!(!world.stores(&first) && !world.stores(&wrong));
    world.publish(peer, &first).unwrap();
    alice.said(&first);

    let revoked = world.cast.certificate(&alice, 1, Standing::Revoked);
    world.effect(&revoked);
    let second = alice.entry(&world.cast, b"second").sign(&alice.log).unwrap();
    assert_eq!(world.publish(peer, &second), Err(Refusal::Revoked));
    assert!(!world.stores(&second));
    assert!(world.publish(peer, &first).is_ok(), "what is stored stays stored");
}

/// `RELAY-02`
#[test]
fn a_certificate_counts_only_within_its_time_and_by_its_highest_generation() {
    let mut world = World::new();
    let alice = world.cast.writer(11);
    let peer = world.peer();
    let entry = alice.entry(&world.cast, b"entry").sign(&alice.log).unwrap();
    let (root, issuer) = (&world.cast.root, objects::Issuer::Root);
    let times = (world.now.plus(1000), world.now.plus(2000));
    let certificate =
        world.cast.certificate_by(root, issuer, &alice, 3, Standing::Certified, times);
    world.effect(&certificate);
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Uncertified));
    world.now = world.now.plus(2000);
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Revoked));
    let older = world.cast.certificate(&alice, 2, Standing::Certified);
    world.effect(&older);
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Revoked), "the highest counts");
    let newer = world.cast.certificate(&alice, 4, Standing::Certified);
    world.publish(peer, &newer).unwrap();
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Revoked), "not before a claim names it");
    world.effect(&newer);
    world.publish(peer, &entry).unwrap();
}

/// `RELAY-02`
#[test]
fn certificates_come_from_the_root_or_an_admin_that_it_names() {
    let mut world = World::new();
    let alice = world.cast.writer(11);
    let peer = world.peer();
    let times = (world.now, world.now.plus(DAY));
    let stranger = Signer::from_seed(&[66; 32]);
    let certified = Standing::Certified;
    let forged =
        world.cast.certificate_by(&stranger, objects::Issuer::Root, &alice, 0, certified, times);
    assert_eq!(world.publish(peer, &forged), Err(Refusal::WrongSigner));
    let (admin, issuer) = world.cast.admin(50);
    let other = world.cast.certificate_by(&stranger, issuer, &alice, 0, certified, times);
    assert_eq!(world.publish(peer, &other), Err(Refusal::WrongSigner));
    let objects::Issuer::Admin(mut self_made) = issuer else { unreachable!() };
    self_made.key = stranger.key();
    let self_made = objects::Issuer::Admin(self_made);
    let unnamed = world.cast.certificate_by(&stranger, self_made, &alice, 0, certified, times);
    assert_eq!(world.publish(peer, &unnamed), Err(Refusal::Uncertified));
    let good = world.cast.certificate_by(&admin, issuer, &alice, 0, certified, times);
    assert_eq!(world.publish(peer, &good), Err(Refusal::Uncertified), "its own is not in effect");
    let objects::Issuer::Admin(objects::Admin { until, .. }) = issuer else { unreachable!() };
    let named =
        objects::Admin::name(&world.cast.root, world.cast.team, admin.key(), Millis(0), until);
    let grant = objects::Grant { until, signature: named.signature };
    let own = world.cast.certificate(&world.cast.writer(50), 0, Standing::Admin(grant));
    world.effect(&own);
    world.publish(peer, &good).unwrap();
    assert!(world.stores(&good));
}

/// `RELAY-03`
#[test]
fn the_same_object_gets_its_first_receipt_again_and_another_never_gets_the_name() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let entry = alice.say(&world.cast, b"entry");
    let receipt = world.publish(peer, &entry).unwrap();
    world.now = world.now.plus(5);
    assert_eq!(world.publish(peer, &entry), Ok(receipt));
    // A stranger who squats learns nothing but that it may not write there.
    let draft = Draft { name: entry.name(), ..alice.entry(&world.cast, b"squat") };
    let squatter = draft.sign(&Signer::from_seed(&[66; 32])).unwrap();
    assert_eq!(world.publish(peer, &squatter), Err(Refusal::WrongSigner));
    assert!(world.stores(&entry));
    let (pieces, _) = alice.blob(&world.cast, b"blob");
    world.publish(peer, &pieces[0]).unwrap();
    let draft = world.cast.draft(pieces[0].name().place().rest, Millis::NEVER, b"other");
    let other = draft.sign(&alice.log).unwrap();
    assert_eq!(world.publish(peer, &other), Err(Refusal::NameTaken));
}

/// `RELAY-04`
#[test]
fn a_log_has_no_gaps_and_every_entry_names_the_one_before() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let first = alice.say(&world.cast, b"first");
    let second = alice.say(&world.cast, b"second");
    let third = alice.say(&world.cast, b"third");
    assert_eq!(world.publish(peer, &second), Err(Refusal::Gap { next: 0 }));
    world.publish(peer, &first).unwrap();
    assert_eq!(world.publish(peer, &third), Err(Refusal::Gap { next: 1 }));
    for previous in [Hash::NONE, third.entry_hash()] {
        let channel = Channel::truncate(2);
        let number = Number::truncate(1);
        let rest = Rest::Message { channel, device: alice.device, number };
        let draft = world.cast.draft(rest, world.now.plus(DAY), b"second");
        let wrong = Draft { previous, ..draft }.sign(&alice.log).unwrap();
        assert_eq!(world.publish(peer, &wrong), Err(Refusal::WrongPrevious));
    }
    world.publish(peer, &second).unwrap();
    world.publish(peer, &third).unwrap();
}

/// `RELAY-04`
#[test]
fn a_full_log_takes_nothing_more_and_channel_0_nothing_at_all() {
    let mut world = World::new();
    let alice = world.cast.writer(11);
    world.certify(&alice);
    let entry = |world: &World, channel: u64, number: Number, data: &[u8]| {
        let channel = Channel::truncate(channel);
        let rest = Rest::Message { channel, device: alice.device, number };
        world.cast.draft(rest, world.now.plus(DAY), data).sign(&alice.log).unwrap()
    };
    let peer = world.peer();
    let last = entry(&world, 2, Number::MAX, b"last");
    let receipt = world.publish(peer, &entry(&world, 3, Number::ZERO, b"any")).unwrap();
    let put = Put { object: &last, receipt: &receipt, settled: true, until: Millis::NEVER };
    world.relay.shelf_mut().put(put).unwrap();
    let more = entry(&world, 2, Number::ZERO, b"more");
    assert_eq!(world.publish(peer, &more), Err(Refusal::NameTaken));
    let nowhere = entry(&world, 0, Number::ZERO, b"nowhere");
    assert_eq!(world.publish(peer, &nowhere), Err(Refusal::Malformed));
}

/// `RELAY-05`
#[test]
fn what_has_expired_is_refused_and_nothing_is_kept_longer_than_91_days() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    for expires in [Millis(0), world.now] {
        let draft = Draft { expires, ..alice.entry(&world.cast, b"late") };
        let object = draft.sign(&alice.log).unwrap();
        assert_eq!(world.publish(peer, &object), Err(Refusal::Expired), "{expires:?}");
        assert!(!world.stores(&object));
    }
    for (days, kept) in [(90, 90), (91, 91), (92, 91), (40_000, 91)] {
        let expires = world.now.plus(days * DAY);
        let draft = Draft { expires, ..alice.entry(&world.cast, b"long") };
        let object = draft.sign(&alice.log).unwrap();
        world.publish(peer, &object).unwrap();
        alice.said(&object);
        let found = world.relay.shelf_mut().get(object.name()).unwrap().unwrap();
        assert_eq!(found.until, world.now.plus(kept * DAY));
    }
    // Created only informs: a wrong clock of a writer keeps nobody from writing.
    let created = Millis(0);
    let draft = Draft { created, ..alice.entry(&world.cast, b"wrong clock") };
    world.publish(peer, &draft.sign(&alice.log).unwrap()).unwrap();
}

/// `RELAY-05`
#[test]
fn the_data_of_an_expired_entry_goes_and_its_header_carries_the_log_on() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let first = alice.say(&world.cast, b"first");
    world.publish(peer, &first).unwrap();
    let wake = world.relay.wake_at().unwrap();
    assert_eq!(wake, first.expires());
    world.now = wake;
    world.give(relay_core::Input::Woken);
    let kept = world.relay.shelf_mut().get(first.name()).unwrap().unwrap();
    assert_eq!(kept.object, first.clone().header_only());
    assert_eq!(world.relay.wake_at(), None);
    world.cast.now = world.now;
    let second = alice.say(&world.cast, b"second");
    world.publish(peer, &second).unwrap();
}

/// `RELAY-02`
#[test]
fn an_organisation_that_is_not_served_and_paths_that_are_not_built_are_refused() {
    let mut world = World::new();
    let alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let fingerprint = Fingerprint::truncate(5);
    let code = world.cast.draft(Rest::Code(fingerprint), world.now.plus(DAY), b"data");
    let code = code.sign(&alice.log).unwrap();
    assert_eq!(world.publish(peer, &code), Err(Refusal::Malformed));
    world.cast.team.org = names::Org::truncate(10);
    let elsewhere = alice.entry(&world.cast, b"entry").sign(&alice.log).unwrap();
    assert_eq!(world.publish(peer, &elsewhere), Err(Refusal::UnknownOrg));
}

/// `RELAY-06`
#[test]
fn a_strangers_key_package_is_stored_if_it_certifies_itself() {
    let mut world = World::new();
    let bob = world.cast.writer(12);
    let peer = world.peer();
    let announcement = world.cast.announcement(&bob, b"key package");
    let object = world.cast.announced(&announcement, &bob.log);
    world.publish(peer, &object).unwrap();

    let signed_by_another = world
        .cast
        .announced(&world.cast.announcement(&bob, b"another"), &Signer::from_seed(&[66; 32]));
    assert_eq!(world.publish(peer, &signed_by_another), Err(Refusal::WrongSigner));
    let mut other_root = world.cast.announcement(&bob, b"third");
    other_root.root = bob.log.key();
    let other_root = world.cast.announced(&other_root, &bob.log);
    assert_eq!(world.publish(peer, &other_root), Err(Refusal::Malformed));
    let rest = Rest::KeyPackage { fragment: Fragment::ZERO, fingerprint: Fingerprint::truncate(1) };
    let bytes = announcement.bytes();
    let misnamed = world.cast.draft(rest, world.now.plus(DAY), &bytes).sign(&bob.log).unwrap();
    assert_eq!(world.publish(peer, &misnamed), Err(Refusal::Malformed));
}

/// `RELAY-07`
#[test]
fn nothing_is_told_before_it_is_durable_and_one_sync_serves_many() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let entries: Vec<_> = (0..20_u8).map(|n| alice.say(&world.cast, &[n])).collect();
    for (seq, object) in (0..).zip(entries.iter().cloned()) {
        let frame = objects::wire::ToRelay::Publish { seq, object }.bytes();
        world.relay.handle(world.now, relay_core::Input::Heard { peer, frame }).unwrap();
    }
    assert_eq!(world.relay.poll(), None);
    let mut after_cut = world.relay.shelf_mut().clone();
    after_cut.power_cut();
    assert_eq!(after_cut.get(entries[0].name()), Ok(None));
    world.settle();
    let mut after_cut = world.relay.shelf_mut().clone();
    after_cut.power_cut();
    for (seq, entry) in (0..).zip(&entries) {
        let kept = after_cut.get(entry.name()).unwrap().unwrap();
        let receipt = kept.receipt;
        assert!(world.answers[&peer].contains(&FromRelay::Stored { seq, receipt }));
    }
}

/// `RELAY-07`
#[test]
fn when_the_store_fails_nothing_is_told() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let object = alice.say(&world.cast, b"lost");
    world.relay.shelf_mut().break_disk();
    let frame = objects::wire::ToRelay::Publish { seq: 1, object }.bytes();
    world.relay.handle(world.now, relay_core::Input::Heard { peer, frame }).unwrap();
    assert!(world.relay.settle().is_err());
    assert_eq!(world.relay.poll(), None);
}

/// `RELAY-02`
#[test]
fn a_restarted_relay_knows_everything_that_it_knew() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let entry = alice.say(&world.cast, b"entry");
    let receipt = world.publish(peer, &entry).unwrap();
    let mut shelf = world.relay.shelf_mut().clone();
    shelf.power_cut();
    let limits = Limits::default();
    world.relay = Relay::new(shelf, signer(), [org(&world.cast)], limits).unwrap();
    let (peer, _) = (world.peer(), EXPORTER);
    assert_eq!(world.publish(peer, &entry), Ok(receipt));
    let next = alice.say(&world.cast, b"next");
    world.publish(peer, &next).unwrap();
    let empty = World::with(limits, MemoryShelf::new(STORE)).relay.wake_at();
    assert_eq!(empty, None);
}
