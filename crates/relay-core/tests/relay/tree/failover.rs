//! New terms: another relay becomes the origin.

use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{Object, Signer, Standing};

use super::{Tree, key};
use crate::people::Writer;

/// A root, and a child that has everything; the writer reads at the child.
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

fn won(answer: &FromRelay) -> bool {
    matches!(answer, FromRelay::Slot { answer: SlotAnswer::Won(_), .. })
}

/// Slots that are stored at a relay, as (slot, entry hash).
fn slots(tree: &mut Tree, at: usize) -> Vec<Object> {
    let kept = tree.kept(at);
    let claims = kept.into_iter().map(|kept| kept.object);
    claims.filter(|object| object.name().place().rest.path() == 4).collect()
}

/// `RELAY-18`
#[test]
fn the_relay_that_the_newest_term_names_is_the_origin() {
    let (mut tree, client, mut alice) = pair();
    tree.cut(1);
    let entry = alice.say(&tree.cast, b"while nobody orders");
    tree.publish(client, &entry);
    let head = tree.head(1);
    let claim = tree.complete(client, (head.0 + 1, head.1), &[]);
    assert_eq!(tree.claim(client, &claim), FromRelay::Slot { seq: 3, answer: SlotAnswer::Pending });
    let term = tree.term(1, 1, head);
    tree.ask(client, &ToRelay::Publish { seq: 1, object: term.clone() });
    let settled = |frame: &FromRelay| match frame {
        FromRelay::Settled { receipt } => receipt.covers(&key(1), &entry),
        _ => false,
    };
    assert!(tree.clients[client].said.iter().any(settled), "its own receipt is the origin's now");
    assert!(tree.clients[client].said.contains(&FromRelay::Upstream { reachable: true }));
    assert!(won(&tree.claim(client, &claim)));
    let by_nobody = tree.term(2, 0, head);
    let draft = tree.cast.draft(by_nobody.name().place().rest, by_nobody.expires(), b"");
    let mut forged = draft;
    let data = by_nobody.data().unwrap().to_vec();
    forged.data = &data;
    let forged = forged.sign(&Signer::from_seed(&[66; 32])).unwrap();
    tree.ask(client, &ToRelay::Publish { seq: 2, object: forged });
    assert_eq!(*tree.last(client), FromRelay::Refused { seq: 2, why: Refusal::WrongSigner });
}

/// `RELAY-18`
#[test]
fn the_old_origin_comes_back_as_a_child_and_drops_what_is_superseded() {
    let (mut tree, client, mut alice) = pair();
    let admin = tree.client(0);
    tree.cut(1);
    // The old origin goes on alone for a while: a slot that revokes, and an entry.
    let head = tree.head(0);
    let revoked = tree.cast.certificate(&alice, 1, Standing::Revoked);
    let lost = tree.complete(admin, (head.0 + 1, head.1), std::slice::from_ref(&revoked));
    assert!(won(&tree.claim(admin, &lost)));
    let bob = tree.cast.writer(12);
    let kept = tree.cast.announced(&tree.cast.announcement(&bob, b"package"), &bob.log);
    tree.publish(admin, &kept);
    // Meanwhile the child becomes the origin.
    let term = tree.term(1, 1, head);
    tree.publish(client, &term);
    let instead = tree.complete(client, (head.0 + 1, head.1), &[]);
    assert!(won(&tree.claim(client, &instead)));
    tree.move_below(1, None);
    tree.move_below(0, Some(1));
    tree.relink(client);
    tree.link(0);
    tree.run();
    assert_eq!(tree.head(0), tree.head(1));
    assert!(tree.holds(0, &instead) && !tree.holds(0, &lost) && !tree.holds(1, &lost));
    assert!(tree.holds(1, &kept), "what is no claim is not lost");
    assert!(tree.holds(1, &revoked), "the certificate is there, and has no effect");
    let entry = alice.say(&tree.cast, b"not revoked");
    tree.relink(admin);
    tree.ask(admin, &ToRelay::Publish { seq: 5, object: entry.clone() });
    tree.run();
    assert!(tree.holds(1, &entry));
    let settled = |frame: &FromRelay| match frame {
        FromRelay::Settled { receipt } => receipt.covers(&key(1), &entry),
        _ => false,
    };
    assert!(tree.clients[admin].said.iter().any(settled));
    let head = tree.head(0);
    let claim = tree.complete(admin, (head.0 + 1, head.1), &[]);
    assert!(won(&tree.claim(admin, &claim)), "asked of the new origin");
    assert_eq!(slots(&mut tree, 0), slots(&mut tree, 1));
}

/// `RELAY-18`
#[test]
fn a_new_origin_decides_nothing_before_it_has_the_claims_that_its_term_builds_on() {
    let (mut tree, client, _) = pair();
    let admin = tree.client(0);
    tree.cut(1);
    let head = tree.head(0);
    let ahead = tree.complete(admin, (head.0 + 1, head.1), &[]);
    assert!(won(&tree.claim(admin, &ahead)));
    // Whoever wrote the term knew more than the new origin.
    let term = tree.term(1, 1, (head.0 + 1, ahead.entry_hash()));
    tree.publish(client, &term);
    let claim = tree.complete(client, (head.0 + 1, head.1), &[]);
    assert_eq!(tree.claim(client, &claim), FromRelay::Slot { seq: 3, answer: SlotAnswer::Pending });
    tree.link(1);
    tree.run();
    assert!(tree.holds(1, &ahead), "the receipt of the term before stays good");
    let claim = tree.complete(client, (head.0 + 2, ahead.entry_hash()), &[]);
    assert!(won(&tree.claim(client, &claim)));
}

/// `RELAY-18`
#[test]
fn terms_that_come_in_the_wrong_order_leave_no_claim_of_another_origin() {
    let mut tree = Tree::new(&[None, Some(0), Some(0)]);
    tree.link(1);
    tree.link(2);
    let admin = tree.client(0);
    tree.found(admin);
    let alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    let (client, elsewhere) = (tree.client(1), tree.client(2));
    tree.read(client, &alice);
    tree.read(elsewhere, &alice);
    tree.run();
    let before = tree.head(0);
    // The first origin goes on with the first child, and another relay without them.
    tree.cut(2);
    for _ in 0..2 {
        let (head, previous) = tree.head(0);
        let claim = tree.complete(admin, (head + 1, previous), &[]);
        assert!(won(&tree.claim(admin, &claim)));
    }
    let stale = slots(&mut tree, 1);
    tree.cut(1);
    let first = tree.term(1, 2, before);
    tree.publish(elsewhere, &first);
    for _ in 0..3 {
        let (head, previous) = tree.head(2);
        let claim = tree.complete(elsewhere, (head + 1, previous), &[]);
        let answer = tree.claim(elsewhere, &claim);
        assert!(won(&answer), "{answer:?}");
    }
    let head = tree.head(2);
    let second = tree.term(2, 2, head);
    tree.publish(elsewhere, &second);
    for term in [&second, &first] {
        tree.ask(client, &ToRelay::Publish { seq: 1, object: term.clone() });
    }
    assert_eq!(tree.head(1), before, "what the old origin decided has gone");
    tree.move_below(2, None);
    tree.move_below(1, Some(2));
    tree.link(1);
    tree.run();
    assert_eq!(slots(&mut tree, 1), slots(&mut tree, 2));
    assert_ne!(slots(&mut tree, 1), stale);
    assert_eq!(tree.head(1).0, before.0 + 3);
}

/// `RELAY-32`
#[test]
fn an_origin_that_is_still_below_the_old_one_tells_it_the_term() {
    let (mut tree, client, mut alice) = pair();
    let admin = tree.client(0);
    let head = tree.head(0);
    let term = tree.term(1, 1, head);
    tree.cut(1);
    tree.publish(client, &term);
    let entry = alice.say(&tree.cast, b"at the new origin");
    tree.publish(client, &entry);
    tree.link(1);
    tree.run();
    assert!(tree.holds(0, &term), "also when the link comes later");
    let claim = tree.complete(admin, (head.0 + 1, head.1), &[]);
    let answer = tree.claim(admin, &claim);
    assert!(!won(&answer), "the old one decides no more: {answer:?}");
    let claim = tree.complete(client, (head.0 + 1, head.1), &[]);
    assert!(won(&tree.claim(client, &claim)), "the new one does");
    // What it has it keeps as it is, with its own receipts.
    let kept = tree.kept(1);
    let kept = kept.iter().find(|kept| kept.object == entry).unwrap();
    assert!(kept.settled && kept.receipt.covers(&key(1), &entry));
}
