//! A relay and its child: processes, links, kills.

use names::Prefix;
use objects::wire::{FromRelay, SlotAnswer, SubscriptionStanding};
use objects::{Object, Receipt};

use crate::client::Client;
use crate::people::Writer;
use crate::process::Process;

/// The root, its child, and a certified writer.
async fn pair() -> (Process, Process, Writer) {
    let mut root = Process::start();
    let child = root.child();
    let alice = root.cast.writer(11);
    let mut admin = root.client().await;
    root.certify(&mut admin, &alice).await;
    (root, child, alice)
}

/// A client of the child that reads the team, as soon as the child knows its certificate.
async fn reader(child: &Process, who: &Writer) -> Client {
    let mut client = child.client().await;
    client.prove(&child.cast, who, child.key).await;
    let mut standing = client.subscribe(Prefix::team(child.cast.team), 0).await;
    while standing != SubscriptionStanding::Active {
        match client.answer().await {
            FromRelay::Subscribed { standing: now, .. } => standing = now,
            other => panic!("{other:?}"),
        }
    }
    client
}

/// Waits for the origin's word for an object.
async fn settled(client: &mut Client, root: &Process, object: &Object) -> Receipt {
    loop {
        if let FromRelay::Stored { receipt, .. } | FromRelay::Settled { receipt } =
            client.said().await
            && receipt.covers(&root.objects_key(), object)
        {
            return receipt;
        }
    }
}

/// `SERVE-06`
#[tokio::test(flavor = "multi_thread")]
async fn what_a_child_has_acknowledged_reaches_the_origin_whatever_is_killed() {
    let (mut root, mut child, mut alice) = pair().await;
    let mut client = reader(&child, &alice).await;
    let first = alice.say(&root.cast, b"first");
    assert!(client.publish(&first).await.unwrap().covers(&child.objects_key(), &first));
    settled(&mut client, &root, &first).await;
    root.kill();
    let second = alice.say(&root.cast, b"while the root is dead");
    client.publish(&second).await.unwrap();
    child.kill_and_restart();
    root.kill_and_restart();
    let mut client = reader(&child, &alice).await;
    let third = alice.say(&root.cast, b"and then");
    client.publish(&third).await.unwrap();
    settled(&mut client, &root, &third).await;
    let mut at_root = root.client().await;
    at_root.prove(&root.cast, &alice, root.key).await;
    at_root.subscribe(Prefix::team(root.cast.team), 0).await;
    let (all, _) = at_root.catch_up().await;
    let entries: Vec<_> =
        all.into_iter().filter(|object| object.name().place().rest.path() == 1).collect();
    assert_eq!(entries, [first, second, third]);
}

/// `SERVE-06`
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_asked_of_the_origin_and_pending_without_it() {
    let (mut root, child, mut alice) = pair().await;
    let mut client = reader(&child, &alice).await;
    let (pieces, commit) = alice.blob(&root.cast, b"commit");
    client.publish(&pieces[0]).await.unwrap();
    let (head, previous) = root.head();
    let claim = root.cast.claim(head + 1, previous, &alice.claims(commit), &alice.log);
    let Ok(SlotAnswer::Won(receipt)) = client.claim(&claim).await else { panic!("not won") };
    assert!(receipt.covers(&root.objects_key(), &claim));
    root.kill();
    while client.said().await != (FromRelay::Upstream { reachable: false }) {}
    let (pieces, commit) = alice.blob(&root.cast, b"another");
    client.publish(&pieces[0]).await.unwrap();
    let next = root.cast.claim(head + 2, claim.entry_hash(), &alice.claims(commit), &alice.log);
    assert_eq!(client.claim(&next).await, Ok(SlotAnswer::Pending));
}

/// `SERVE-06`
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_does_not_list_its_child_says_so() {
    let mut root = Process::start();
    let listed = root.child();
    let origin = root.folder.path().join("origin.json");
    let text = std::fs::read_to_string(&origin).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["relays"] = serde_json::json!([]);
    std::fs::write(&origin, value.to_string()).unwrap();
    root.stop_and_restart();
    let complaint = listed.complaint();
    assert!(complaint.contains("\"relays\""), "{complaint}");
}
