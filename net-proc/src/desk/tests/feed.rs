//! Subscriptions, the cache, and what is forwarded.

use super::*;

/// `NET-04`
#[test]
fn objects_come_once_in_order_of_the_cache_as_far_as_credit_goes() {
    let mut world = World::subscribed(2);
    let first = world.deliver(50, &entry(0));
    assert_eq!(first, [world.arrived(1, &entry(0))]);
    assert_eq!(world.deliver(50, &entry(0)), [], "the same object again");
    let second = world.deliver(60, &entry(1));
    assert_eq!(second, [world.arrived(2, &entry(1))]);
    assert_eq!(world.deliver(70, &entry(2)), []);
    assert_eq!(world.deliver(80, &entry(3)), []);
    let third = world.say(ToNet::Credit(1));
    assert_eq!(third, [world.arrived(3, &entry(2))]);
    let fourth = world.say(ToNet::Credit(9));
    assert_eq!(fourth, [world.arrived(4, &entry(3))]);
}

/// `NET-04`
#[test]
fn a_new_link_goes_on_where_the_last_one_was_and_another_store_starts_over() {
    let mut world = World::subscribed(100);
    world.deliver(50, &entry(0));
    world.relay_says(FromRelay::CaughtUp { id: 0, position: 66 });
    let mut world = world.restart();
    world.say(relay("relay:1"));
    world.give(Input::Linked(LINK));
    world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
    let sent = world.say(prove());
    assert_eq!(sent.last(), Some(&upstream(0, Prefix::team(team(1)), 7, 66)));
}

/// `NET-04`
#[test]
fn caught_up_is_told_when_the_cache_is_drained_as_well() {
    let mut world = World::subscribed(1);
    world.deliver(50, &entry(0));
    world.deliver(51, &entry(1));
    assert_eq!(world.relay_says(FromRelay::CaughtUp { id: 0, position: 51 }), []);
    let prefix = translate::prefix_bits(&Prefix::team(team(1)));
    let cursor = Cursor { cache: world.desk.cache.id(), position: 2 };
    let caught_up = Output::Tell(FromNet::CaughtUp { prefix, cursor });
    let told = world.say(ToNet::Credit(1));
    assert_eq!(told, [world.arrived(2, &entry(1)), caught_up.clone()]);
    assert_eq!(world.say(ToNet::Credit(1)), [], "told once");
    assert_eq!(world.relay_says(FromRelay::CaughtUp { id: 0, position: 51 }), [caught_up]);
}

/// `NET-05`
#[test]
fn the_cache_serves_a_cursor_without_a_link_and_one_of_another_cache_from_its_beginning() {
    let mut world = World::subscribed(100);
    for number in 0..150 {
        world.deliver(number + 1, &entry(number));
    }
    let cache = world.desk.cache.id();
    let mut world = world.restart();
    world.say(ToNet::Credit(1000));
    for (after, first) in
        [(Cursor { cache, position: 148 }, 148), (Cursor { cache: cache ^ 1, position: 148 }, 0)]
    {
        let told = world.say(subscribe(Prefix::team(team(1)), after));
        let wanted: Vec<Output> =
            (first..150).map(|number| world.arrived(number + 1, &entry(number))).collect();
        assert_eq!(told, wanted);
    }
}

/// `NET-04`
#[test]
fn overlapping_wishes_are_one_subscription_at_the_relay() {
    let mut world = World::subscribed(100);
    let channel = Prefix::channel(team(1), Channel::truncate(2));
    assert_eq!(world.say(subscribe(channel, Cursor::default())), []);
    let told = world.deliver(50, &entry(0));
    assert_eq!(told, [world.arrived(1, &entry(0)), world.arrived(1, &entry(0))]);
    let standing = SubscriptionStanding::Waiting;
    let told = world.relay_says(FromRelay::Subscribed { id: 0, standing });
    let standings = [Prefix::team(team(1)), channel].map(|prefix| {
        let prefix = translate::prefix_bits(&prefix);
        Output::Tell(FromNet::Standing { prefix, standing: Standing::Waiting })
    });
    assert_eq!(told, standings);

    let mut world = World::new();
    world.say(relay("relay:1"));
    world.give(Input::Linked(LINK));
    world.say(prove());
    let narrow = world.say(subscribe(channel, Cursor::default()));
    assert_eq!(narrow, [upstream(0, channel, 0, 0)]);
    let wide = world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
    let ended = send(ToRelay::Unsubscribe { id: 0 });
    assert_eq!(wide, [ended, upstream(1, Prefix::team(team(1)), 0, 0)]);
}

/// `NET-04`
#[test]
fn what_was_not_subscribed_to_is_neither_kept_nor_forwarded() {
    let mut world = World::subscribed(100);
    assert_eq!(world.deliver(50, &entry_in(team(2), 2, 0)), []);
    assert_eq!(world.desk.cache.newest().unwrap(), 0);
}

/// `NET-05`
#[test]
fn a_lock_or_another_secure_proc_forgets_everything_but_the_cache() {
    for ending in [Input::Heard(ToNet::Forget), Input::Detached, Input::Attached] {
        let mut world = World::subscribed(1000);
        world.deliver(50, &entry(0));
        let locked = matches!(ending, Input::Heard(_));
        assert_eq!(world.give(ending), [Output::Disconnect]);
        assert_eq!(world.deliver(51, &entry(1)), []);
        assert_eq!(world.give(Input::Unlinked(LinkLoss::Unreachable)).is_empty(), !locked);
        assert_eq!(world.desk.cache.newest().unwrap(), 1);
        if locked {
            assert_eq!(world.say(subscribe(Prefix::team(team(1)), Cursor::default())), []);
            let told = world.say(ToNet::Credit(1));
            assert_eq!(told, [world.arrived(1, &entry(0))], "credit starts from nothing");
        }
    }
}

/// `NET-05`
#[test]
fn the_data_of_expired_entries_leaves_the_cache() {
    let mut world = World::subscribed(1000);
    world.deliver(50, &entry(0));
    world.desk.handle(Millis(2_000_000), Input::Woken).unwrap();
    let kept = world.desk.cache.get(entry(0).name()).unwrap().unwrap();
    assert_eq!(kept.object, entry(0).header_only());
}

/// `NET-04`
#[test]
fn who_asks_again_is_told_again_that_it_has_caught_up() {
    let mut world = World::subscribed(100);
    world.relay_says(FromRelay::CaughtUp { id: 0, position: 51 });
    let prefix = translate::prefix_bits(&Prefix::team(team(1)));
    let cursor = Cursor { cache: world.desk.cache.id(), position: 0 };
    let caught_up = Output::Tell(FromNet::CaughtUp { prefix, cursor });
    let again = world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
    assert_eq!(again, std::slice::from_ref(&caught_up));
    let linked = FromNet::Linked { relay: RELAY, exporter: LINK.exporter, now: 8 };
    assert_eq!(world.say(relay("relay:1")), [Output::Tell(linked), caught_up]);
}

/// `NET-07`
#[test]
fn proofs_are_asked_for_again_when_they_are_half_spent() {
    let mut world = World::subscribed(100);
    // The proof is made at 8 by the relay's clock, and counts until 9,008.
    let (signer, relay) = (Signer::from_seed(&[1; 32]), Key(RELAY));
    let long = |until| {
        let until = Millis(until);
        let device = Device::truncate(3);
        Proof::sign(&signer, &relay, &LINK.exporter, team(1), device, until)
    };
    world.give(Input::Linked(LINK));
    let (exporter, proof) = (LINK.exporter, Bytes::new(long(9_008).bytes()).unwrap());
    world.say(ToNet::Prove { exporter, proof });
    let half = NOW.plus(4_500);
    assert_eq!(world.desk.wake_at(), Some(half));
    world.desk.handle(half, Input::Woken).unwrap();
    world.desk.settle().unwrap();
    let linked = FromNet::Linked { relay: RELAY, exporter, now: 4_508 };
    assert_eq!(world.desk.poll(), Some(Output::Tell(linked)));
    assert_eq!(world.desk.wake_at(), None);
    let renewed = long(20_000);
    let proof = Bytes::new(renewed.bytes()).unwrap();
    assert_eq!(world.say(ToNet::Prove { exporter, proof }), [send(ToRelay::Prove(renewed))]);
    world.give(Input::Unlinked(LinkLoss::Unreachable));
    assert_eq!(world.desk.wake_at(), None);
}

/// `NET-07`
#[test]
fn where_reading_is_refused_the_next_proof_goes_to_a_new_link() {
    let mut world = World::subscribed(100);
    world.give(Input::Linked(LINK));
    world.say(prove());
    let half = world.desk.wake_at().unwrap();
    let standing = SubscriptionStanding::Refused;
    for id in 0..4 {
        world.relay_says(FromRelay::Subscribed { id, standing });
    }
    world.desk.handle(half, Input::Woken).unwrap();
    world.desk.settle().unwrap();
    let connects = |output: &Output| matches!(output, Output::Connect { .. });
    assert!(world.desk.poll().as_ref().is_some_and(connects));
    assert_eq!(world.desk.wake_at(), None);
}

/// `NET-04`
#[test]
fn a_copy_that_a_relay_has_spoiled_does_not_keep_out_the_good_one() {
    let mut world = World::subscribed(100);
    let good = entry(0);
    let mut bytes = good.bytes();
    let at = bytes.windows(64).position(|window| window == good.signature().0).unwrap();
    bytes[at] ^= 1;
    let unsigned = Object::parse(&bytes).unwrap();
    assert_eq!(unsigned.entry_hash(), good.entry_hash());
    let bare = good.clone().header_only();
    let mut position = 0;
    for copy in [&bare, &unsigned, &good] {
        position += 1;
        assert_eq!(world.deliver(position, copy), [world.arrived(position, copy)]);
    }
    for again in [&bare, &unsigned, &good] {
        assert_eq!(world.deliver(9, again), []);
    }
    // A claim is worth nothing without the right receipt.
    let draft = Draft {
        name: team(1).name(Rest::Slot(Slot::truncate(1))),
        created: Millis(0),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: b"claim",
    };
    let claim = draft.sign(&Signer::from_seed(&[1; 32])).unwrap();
    let receipts = [2, 3].map(|seed| {
        Receipt::sign(&Signer::from_seed(&[seed; 32]), &claim, Slot::truncate(1), Millis(1))
    });
    for receipt in [None, Some(receipts[0]), Some(receipts[1])] {
        let object = claim.clone();
        let told = world.relay_says(FromRelay::Deliver { position: 9, object, receipt });
        assert_eq!(told.len(), 1, "{receipt:?}");
        let object = claim.clone();
        let again = world.relay_says(FromRelay::Deliver { position: 9, object, receipt });
        assert_eq!(again, []);
    }
}

/// `NET-08`
#[test]
fn what_a_relay_shows_of_a_removal_comes_behind_the_cache_and_what_was_left_is_not_asked_for() {
    let mut world = World::subscribed(1);
    let shown = |of: TeamId| {
        let object = entry_in(of, 2, 9).header_only();
        let receipt = Receipt::sign(&Signer::from_seed(&[1; 32]), &object, Slot::ZERO, NOW);
        let [term, admin, certificate, claim] = [0; 4].map(|_| object.clone());
        objects::Revocation { term, admin, certificate, claim, receipt }
    };
    let revocation = shown(team(1));
    world.deliver(50, &entry(0));
    world.deliver(51, &entry(1));
    assert_eq!(world.relay_says(FromRelay::Revoked(Box::new(revocation.clone()))), []);
    let bytes = Bytes::new(revocation.bytes()).unwrap();
    let revoked = Output::Tell(FromNet::Revoked { revocation: bytes });
    assert_eq!(world.say(ToNet::Credit(1)), [world.arrived(2, &entry(1)), revoked]);
    assert_eq!(world.relay_says(FromRelay::Revoked(Box::new(shown(team(2))))), [], "not wanted");
    let prefix = translate::prefix_bits(&Prefix::team(team(1)));
    let left = world.say(ToNet::Unsubscribe { prefix });
    assert_eq!(left, [send(ToRelay::Unsubscribe { id: 0 })]);
    world.say(ToNet::Credit(9));
    assert_eq!(world.deliver(52, &entry(2)), []);
}
