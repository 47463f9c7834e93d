//! Each of these is refused over a real link, and still absent after a restart.

use names::{Channel, Number, Prefix, Rest};
use objects::wire::{Refusal, SlotAnswer, SubscriptionStanding};
use objects::{Draft, Hash, Object, Signer, Standing};

use crate::people::{DAY, Writer};
use crate::process::Process;

/// The relay, Alice who writes with three stored entries, and Bob who reads.
async fn scene() -> (Process, Writer, Writer, Vec<Object>) {
    let mut process = Process::start();
    let (mut alice, bob) = (process.cast.writer(11), process.cast.writer(12));
    let mut client = process.client().await;
    for writer in [&alice, &bob] {
        process.certify(&mut client, writer).await;
    }
    let mut stored = Vec::new();
    for n in 0..3_u8 {
        let entry = alice.say(&process.cast, &[n; 50]);
        client.publish(&entry).await.unwrap();
        stored.push(entry);
    }
    (process, alice, bob, stored)
}

/// Publishes an object, expects a refusal, restarts the relay by force, and looks for the object.
async fn refused_for_good(process: &mut Process, bob: &Writer, object: &Object, why: Refusal) {
    let mut client = process.client().await;
    assert_eq!(client.publish(object).await, Err(why));
    process.kill_and_restart();
    let mut client = process.client().await;
    client.prove(&process.cast, bob, process.key).await;
    let found = client.get(object.name()).await;
    assert_ne!(found.map(|found| found.bytes()), Some(object.bytes()));
    let prefix = Prefix::team(process.cast.team);
    assert_eq!(client.subscribe(prefix, 0).await, SubscriptionStanding::Active);
    let (all, _) = client.catch_up().await;
    assert!(all.len() >= 5 && !all.contains(object));
}

/// `RELAY-02`
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signer() {
    let (mut process, alice, bob, _) = scene().await;
    let entry = alice.entry(&process.cast, b"forged").sign(&Signer::from_seed(&[66; 32])).unwrap();
    refused_for_good(&mut process, &bob, &entry, Refusal::WrongSigner).await;
}

/// `RELAY-02`
#[tokio::test(flavor = "multi_thread")]
async fn an_uncertified_writer() {
    let (mut process, _, bob, _) = scene().await;
    let eve = process.cast.writer(66);
    let entry = eve.entry(&process.cast, b"uncertified").sign(&eve.log).unwrap();
    refused_for_good(&mut process, &bob, &entry, Refusal::Uncertified).await;
}

/// `RELAY-02`
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_writer() {
    let (mut process, alice, bob, _) = scene().await;
    let revoked = process.cast.certificate(&alice, 1, Standing::Revoked);
    let mut admin = process.client().await;
    process.effect(&mut admin, &revoked).await;
    let entry = alice.entry(&process.cast, b"revoked").sign(&alice.log).unwrap();
    refused_for_good(&mut process, &bob, &entry, Refusal::Revoked).await;
    // The revocation itself has survived the restart.
    let mut client = process.client().await;
    assert_eq!(client.publish(&entry).await, Err(Refusal::Revoked));
}

/// `RELAY-04`
#[tokio::test(flavor = "multi_thread")]
async fn a_gap() {
    let (mut process, mut alice, bob, _) = scene().await;
    let skipped = alice.say(&process.cast, b"never published");
    let entry = alice.say(&process.cast, b"behind a gap");
    refused_for_good(&mut process, &bob, &entry, Refusal::Gap { next: 3 }).await;
    let mut client = process.client().await;
    client.publish(&skipped).await.unwrap();
    client.publish(&entry).await.unwrap();
}

/// `RELAY-04`
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_previous_hash() {
    let (mut process, alice, bob, _) = scene().await;
    let draft = Draft { previous: Hash([7; 32]), ..alice.entry(&process.cast, b"elsewhere") };
    let entry = draft.sign(&alice.log).unwrap();
    refused_for_good(&mut process, &bob, &entry, Refusal::WrongPrevious).await;
}

/// `RELAY-05`
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_object() {
    let (mut process, alice, bob, _) = scene().await;
    let draft = Draft { expires: process.cast.now, ..alice.entry(&process.cast, b"too late") };
    let entry = draft.sign(&alice.log).unwrap();
    refused_for_good(&mut process, &bob, &entry, Refusal::Expired).await;
}

/// `RELAY-03`
#[tokio::test(flavor = "multi_thread")]
async fn a_squatted_name() {
    let (mut process, mut alice, bob, stored) = scene().await;
    let channel = Channel::truncate(2);
    let number = Number::truncate(1);
    let rest = Rest::Message { channel, device: alice.device, number };
    let draft = process.cast.draft(rest, process.cast.now.plus(DAY), b"another");
    let previous = stored[0].entry_hash();
    let other = Draft { previous, ..draft }.sign(&alice.log).unwrap();
    // A stranger cannot take a name that is still free.
    let entry = alice.entry(&process.cast, b"mine").sign(&alice.log).unwrap();
    let squatter = Signer::from_seed(&[66; 32]);
    let squat = alice.entry(&process.cast, b"squat").sign(&squatter).unwrap();
    refused_for_good(&mut process, &bob, &squat, Refusal::WrongSigner).await;
    process.client().await.publish(&entry).await.unwrap();
    // Its writer, who has two histories, has shown both, and writes no more there.
    let mut client = process.client().await;
    assert_eq!(client.publish(&other).await, Err(Refusal::Forked));
    alice.said(&entry);
    let next = alice.say(&process.cast, b"next");
    refused_for_good(&mut process, &bob, &next, Refusal::Forked).await;
}

/// `RELAY-14`
#[tokio::test(flavor = "multi_thread")]
async fn an_unauthorised_subscription() {
    let (mut process, alice, bob, stored) = scene().await;
    let prefix = Prefix::team(process.cast.team);
    for round in 0..2 {
        let mut stranger = process.client().await;
        assert_eq!(stranger.subscribe(prefix, 0).await, SubscriptionStanding::Refused);
        assert_eq!(stranger.get(stored[0].name()).await, None);
        let mut newcomer = process.client().await;
        newcomer.prove(&process.cast, &process.cast.writer(66), process.key).await;
        assert_eq!(newcomer.subscribe(prefix, 0).await, SubscriptionStanding::Waiting);
        assert_eq!(newcomer.get(stored[0].name()).await, None);
        // A proof that was made for another link is worth nothing on this one.
        let mut thief = process.client().await;
        let exporter = newcomer.link.session_secret().unwrap();
        let proof = process.cast.proof(&alice, &process.objects_key(), &exporter);
        thief.tell(&objects::wire::ToRelay::Prove(proof)).await;
        assert_eq!(thief.subscribe(prefix, 0).await, SubscriptionStanding::Refused);
        // Somebody who may read gets a new object; the others have heard nothing by then, and
        // would have been told before him.
        let mut reader = process.client().await;
        reader.prove(&process.cast, &bob, process.key).await;
        assert_eq!(reader.subscribe(prefix, 0).await, SubscriptionStanding::Active);
        let (seen, _) = reader.catch_up().await;
        assert!(stored.iter().all(|entry| seen.contains(entry)));
        for outsider in [&mut stranger, &mut newcomer, &mut thief] {
            assert_eq!(outsider.get(stored[1].name()).await, None);
            assert!(nothing(outsider).await);
        }
        if round == 0 {
            process.kill_and_restart();
        }
    }
}

/// Is nothing on its way on the delivery stream?
async fn nothing(client: &mut crate::client::Client) -> bool {
    tokio::select! {
        biased;
        _ = client.delivered() => false,
        () = tokio::task::yield_now() => true,
    }
}

/// `RELAY-08`
#[tokio::test(flavor = "multi_thread")]
async fn a_second_claim_of_one_slot() {
    let (mut process, mut alice, mut bob, _) = scene().await;
    let mut client = process.client().await;
    let mut claims = Vec::new();
    let (head, previous) = process.head();
    for writer in [&mut alice, &mut bob] {
        let (pieces, blob) = writer.blob(&process.cast, b"commit");
        let claim = process.cast.claim(head + 1, previous, &writer.claims(blob), &writer.log);
        assert_eq!(client.claim(&claim).await, Ok(SlotAnswer::Incomplete));
        client.publish(&pieces[0]).await.unwrap();
        claims.push(claim);
    }
    let Ok(SlotAnswer::Won(receipt)) = client.claim(&claims[0]).await else {
        panic!("not won");
    };
    assert!(receipt.covers(&process.objects_key(), &claims[0]));
    let taken = SlotAnswer::Taken { winner: claims[0].clone(), receipt };
    assert_eq!(client.claim(&claims[1]).await, Ok(taken.clone()));
    process.kill_and_restart();
    let mut client = process.client().await;
    assert_eq!(client.claim(&claims[1]).await, Ok(taken));
    assert_eq!(client.claim(&claims[0]).await, Ok(SlotAnswer::Won(receipt)));
}
