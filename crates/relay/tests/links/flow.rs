//! Objects that flow: to many, to late ones, through restarts.

use names::Prefix;
use objects::wire::{FromRelay, SubscriptionStanding, ToRelay};
use objects::{Object, Standing};

use crate::process::Process;

/// `SERVE-01`
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let mut process = Process::start();
    let (mut alice, bob) = (process.cast.writer(11), process.cast.writer(12));
    let mut client = process.client().await;
    for writer in [&alice, &bob] {
        process.certify(&mut client, writer).await;
    }
    let entries: Vec<Object> =
        (0..300_u32).map(|n| alice.say(&process.cast, &n.to_be_bytes())).collect();
    let mut acknowledged = 0_usize;
    for kill_after in [1, 7, 40, 150] {
        let mut client = process.client().await;
        let waiting = entries.get(acknowledged..).unwrap().to_vec();
        for (seq, object) in (0..).zip(waiting.iter().cloned()) {
            client.tell(&ToRelay::Publish { seq, object }).await;
        }
        // Killed while answers are on their way.
        while acknowledged < kill_after {
            match client.answer().await {
                FromRelay::Stored { receipt, .. } => {
                    assert!(receipt.covers(&process.objects_key(), &entries[acknowledged]));
                    acknowledged += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        process.kill_and_restart();
        let mut reader = process.client().await;
        reader.prove(&process.cast, &bob, process.key).await;
        let active = reader.subscribe(Prefix::team(process.cast.team), 0).await;
        assert_eq!(active, SubscriptionStanding::Active);
        let (all, _) = reader.catch_up().await;
        let entry = |object: &&Object| object.name().place().rest.path() == 1;
        let entries_there: Vec<&Object> = all.iter().filter(entry).collect();
        assert!(entries_there.len() >= acknowledged);
        assert!(entries_there.iter().zip(&entries).all(|(there, entry)| *there == entry));
    }
}

/// `SERVE-02`
#[tokio::test(flavor = "multi_thread")]
async fn late_and_returning_subscribers_get_everything_once_and_in_order() {
    let mut process = Process::start();
    let (mut alice, bob) = (process.cast.writer(11), process.cast.writer(12));
    let mut writer = process.client().await;
    for who in [&alice, &bob] {
        process.certify(&mut writer, who).await;
    }
    let prefix = Prefix::channel(process.cast.team, names::Channel::truncate(2));
    let mut sent = Vec::new();
    for _ in 0..700 {
        let entry = alice.say(&process.cast, &[1; 900]);
        writer.publish(&entry).await.unwrap();
        sent.push(entry);
    }
    let mut late = process.client().await;
    late.prove(&process.cast, &bob, process.key).await;
    late.subscribe(prefix, 0).await;
    let (caught_up, position) = late.catch_up().await;
    assert_eq!(caught_up, sent);
    let live = alice.say(&process.cast, b"live");
    writer.publish(&live).await.unwrap();
    let FromRelay::Deliver { object, position: live_position, receipt } = late.delivered().await
    else {
        panic!();
    };
    assert_eq!(object, live);
    assert!(receipt.unwrap().covers(&process.objects_key(), &live));
    assert!(live_position > position);

    process.stop_and_restart();
    let mut writer = process.client().await;
    let meanwhile = alice.say(&process.cast, b"meanwhile");
    writer.publish(&meanwhile).await.unwrap();
    let mut back = process.client().await;
    back.prove(&process.cast, &bob, process.key).await;
    back.subscribe(prefix, live_position).await;
    assert_eq!(back.catch_up().await.0, [meanwhile]);
}

/// `SERVE-03`
#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_delays_nobody() {
    let mut process = Process::start();
    let mut alice = process.cast.writer(11);
    let mut writer = process.client().await;
    process.certify(&mut writer, &alice).await;
    let prefix = Prefix::team(process.cast.team);
    let mut readers = Vec::new();
    for seed in [21, 22] {
        let who = process.cast.writer(seed);
        process.certify(&mut writer, &who).await;
        let mut client = process.client().await;
        client.prove(&process.cast, &who, process.key).await;
        client.subscribe(prefix, 0).await;
        client.catch_up().await;
        readers.push(client);
    }
    let mut fast = readers.pop().unwrap();
    let mut slow = readers.pop().unwrap();
    // More than the windows and the queue of the slow one hold together.
    const MANY: usize = 4000;
    let mut sent = Vec::new();
    let certifying = paths(&mut slow, 3).await;
    for _ in 0..MANY / 100 {
        let batch: Vec<Object> = (0..100).map(|_| alice.say(&process.cast, &[1; 1000])).collect();
        for (seq, object) in (0..).zip(batch.iter().cloned()) {
            writer.tell(&ToRelay::Publish { seq, object }).await;
        }
        for entry in &batch {
            assert!(matches!(writer.answer().await, FromRelay::Stored { .. }));
            let FromRelay::Deliver { object, .. } = fast.delivered().await else { panic!() };
            assert_eq!(object.name(), entry.name());
        }
        sent.extend(batch);
    }
    let mut seen = Vec::new();
    while seen.len() < MANY {
        if let FromRelay::Deliver { object, .. } = slow.delivered().await {
            seen.push(object.name());
        }
    }
    let wanted: Vec<_> = sent.iter().map(Object::name).collect();
    assert_eq!((seen, certifying), (wanted, vec![6, 5, 4]));
}

/// Of the next objects: the first reader also sees how the second is certified.
async fn paths(slow: &mut crate::client::Client, count: usize) -> Vec<u8> {
    let mut paths = Vec::new();
    while paths.len() < count {
        let FromRelay::Deliver { object, .. } = slow.delivered().await else { panic!() };
        paths.push(object.name().place().rest.path());
    }
    paths
}

/// `SERVE-04`
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_breaks_the_rules_loses_its_link_and_nobody_else_theirs() {
    let process = Process::start();
    let mut good = process.client().await;
    let alice = process.cast.writer(11);
    let mut bad = process.client().await;
    bad.tell(&ToRelay::Hello { version: 1 }).await;
    let closed = bad.link.closed().await;
    assert_eq!(closed, link_io::Closed::There(link_io::CloseReason::Refused));
    let certificate = process.cast.certificate(&alice, 0, Standing::Certified);
    good.publish(&certificate).await.unwrap();
}
