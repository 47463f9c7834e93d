//! What only the origin decides, asked through a child; and who may be a child.

use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{Admin, Announcement, Grant, Hash, Millis, Object, RelayProof, Spent, Standing};
use relay_core::{DropReason, Input, Limits};

use super::{Tree, Way, key, signer};
use crate::EXPORTER;
use crate::people::{DAY, Writer};

/// A root and two children, linked; clients at the children, one writer.
fn three() -> (Tree, [usize; 2], Writer) {
    let mut tree = Tree::new(&[None, Some(0), Some(0)]);
    tree.link(1);
    tree.link(2);
    let admin = tree.client(0);
    tree.found(admin);
    let alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    let clients = [tree.client(1), tree.client(2)];
    for client in clients {
        tree.read(client, &alice);
    }
    tree.run();
    (tree, clients, alice)
}

fn whole_claim(tree: &mut Tree, client: usize, alice: &mut Writer) -> Object {
    let (head, previous) = tree.head(tree.clients[client].at);
    let (pieces, commit) = alice.blob(&tree.cast, &[9; 200_000]);
    for piece in &pieces {
        tree.publish(client, piece);
    }
    tree.cast.claim(head + 1, previous, &alice.claims(commit), &alice.log)
}

/// `RELAY-24`
#[test]
fn two_children_ask_for_one_slot_and_the_origin_decides_once() {
    let (mut tree, [a, b], mut alice) = three();
    let first = whole_claim(&mut tree, a, &mut alice);
    let second = whole_claim(&mut tree, b, &mut alice);
    for (client, claim) in [(a, &first), (b, &second)] {
        tree.ask(client, &ToRelay::Claim { seq: 3, object: claim.clone() });
    }
    tree.run();
    let mut won = Vec::new();
    let mut taken = Vec::new();
    for (client, claim) in [(a, &first), (b, &second)] {
        let mut slots = tree.clients[client].said.iter().filter_map(|frame| match frame {
            FromRelay::Slot { answer, .. } => Some(answer.clone()),
            _ => None,
        });
        match slots.next_back().unwrap() {
            SlotAnswer::Won(receipt) => won.push((claim.clone(), receipt)),
            SlotAnswer::Taken { winner, receipt } => taken.push((winner, receipt)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((won.len(), taken.len()), (1, 1));
    assert_eq!(taken[0].0, won[0].0);
    assert!(won[0].1.covers(&key(0), &won[0].0));
    for at in 0..3 {
        assert!(tree.holds(at, &won[0].0), "at {at}");
    }
}

/// `RELAY-31`
#[test]
fn strangers_who_ask_a_child_for_teams_that_are_not_keep_nobody_from_his() {
    let mut tree = Tree::with(Limits { teams: 2, ..Limits::default() }, &[None, Some(0)]);
    tree.link(1);
    let admin = tree.client(0);
    tree.found(admin);
    let mut alice = tree.cast.writer(11);
    tree.certify(admin, &alice);
    tree.run();
    let stranger = tree.client(1);
    for number in 900..910 {
        let team = names::TeamId { team: names::Team::truncate(number), ..tree.cast.team };
        let name = team.name(Announcement::rest(&Hash::NONE));
        tree.ask(stranger, &ToRelay::Get { seq: 1, name });
        tree.run();
    }
    let reader = tree.client(1);
    tree.read(reader, &alice);
    tree.run();
    let entry = alice.say(&tree.cast, b"to everybody");
    tree.publish(admin, &entry);
    tree.run();
    assert!(tree.clients[reader].delivered.iter().any(|(object, _)| *object == entry));
    assert_eq!(tree.dropped, []);
}

/// `RELAY-24`
#[test]
fn an_answer_comes_when_the_claim_has_come_down() {
    let (mut tree, [a, _], mut alice) = three();
    let claim = whole_claim(&mut tree, a, &mut alice);
    tree.ask(a, &ToRelay::Claim { seq: 3, object: claim.clone() });
    for _ in 0..1000 {
        while tree.carry(1, Way::Up) || tree.carry(1, Way::Control) {}
    }
    assert!(tree.holds(0, &claim) && !tree.holds(1, &claim));
    let answered = |tree: &Tree| matches!(tree.last(a), FromRelay::Slot { .. });
    assert!(!answered(&tree));
    tree.run();
    assert!(tree.holds(1, &claim) && answered(&tree));
}

/// `RELAY-24`
#[test]
fn without_a_way_to_the_origin_it_is_pending() {
    let (mut tree, [a, _], mut alice) = three();
    let claim = whole_claim(&mut tree, a, &mut alice);
    tree.run();
    let pending = FromRelay::Slot { seq: 3, answer: SlotAnswer::Pending };
    tree.ask(a, &ToRelay::Claim { seq: 3, object: claim.clone() });
    tree.cut(1);
    assert!(tree.clients[a].said.contains(&pending), "asked, and cut off before the answer");
    assert_eq!(tree.claim(a, &claim), pending);
    tree.link(1);
    tree.run();
    let answer = tree.claim(a, &claim);
    assert!(matches!(answer, FromRelay::Slot { answer: SlotAnswer::Won(_), .. }), "{answer:?}");
}

/// `RELAY-24`
#[test]
fn a_child_takes_no_claim_without_the_receipt_of_the_origin() {
    let (mut tree, [a, _], mut alice) = three();
    let claim = whole_claim(&mut tree, a, &mut alice);
    let slot = names::Slot::truncate(tree.head(0).0 + 1);
    let by_another = objects::Receipt::sign(&signer(5), &claim, slot, tree.now);
    let of_another_slot = objects::Receipt::sign(&signer(0), &claim, names::Slot::ZERO, tree.now);
    for receipt in [None, Some(by_another), Some(of_another_slot)] {
        let frame = FromRelay::Deliver { position: 999, object: claim.clone(), receipt }.bytes();
        tree.give(1, Input::UpHeard { frame });
        assert!(!tree.holds(1, &claim));
    }
    let receipt = Some(objects::Receipt::sign(&signer(0), &claim, slot, tree.now));
    let frame = FromRelay::Deliver { position: 999, object: claim.clone(), receipt }.bytes();
    tree.give(1, Input::UpHeard { frame });
    assert!(tree.holds(1, &claim));
}

fn spend(tree: &Tree, writer: &Writer, announcement: Hash) -> Object {
    let spent = Spent { announcement, team: tree.cast.team, device: writer.device };
    let rest = Spent::rest(&announcement);
    let mut draft = tree.cast.draft(rest, tree.now.plus(DAY), &[]);
    let (bytes, org) = (spent.bytes(), names::Team::ORG);
    draft.name = names::TeamId { team: org, ..tree.cast.team }.name(rest);
    draft.data = &bytes;
    draft.sign(&writer.log).unwrap()
}

fn make_admin(tree: &mut Tree, client: usize, writer: &Writer) {
    let (root, team, key) = (&tree.cast.root, tree.cast.team, writer.log.key());
    let until = tree.now.plus(DAY);
    let admin = Admin::name(root, team, key, Millis(0), until);
    let standing = Standing::Admin(Grant { until, signature: admin.signature });
    let certificate = tree.cast.certificate(writer, 1, standing);
    let (head, previous) = tree.head(0);
    let claim = tree.complete(client, (head + 1, previous), &[certificate]);
    tree.claim(client, &claim);
    assert_eq!(tree.head(0).0, head + 1);
}

/// `RELAY-21`
#[test]
fn a_key_package_is_spent_once_whoever_asks_where() {
    let (mut tree, [a, b], alice) = three();
    let bob = tree.cast.writer(12);
    let admin = tree.client(0);
    tree.certify(admin, &bob);
    tree.run();
    // Who adds nobody spends nothing.
    let by_member = spend(&tree, &alice, Hash([5; 32]));
    tree.ask(a, &ToRelay::Publish { seq: 6, object: by_member });
    tree.run();
    assert_eq!(*tree.last(a), FromRelay::Refused { seq: 6, why: Refusal::Uncertified });
    for writer in [&alice, &bob] {
        make_admin(&mut tree, admin, writer);
    }
    let (first, second) = (spend(&tree, &alice, Hash([5; 32])), spend(&tree, &bob, Hash([5; 32])));
    tree.ask(a, &ToRelay::Publish { seq: 6, object: first.clone() });
    tree.run();
    assert!(matches!(tree.last(a), FromRelay::Stored { seq: 6, .. }), "{:?}", tree.last(a));
    tree.ask(b, &ToRelay::Publish { seq: 6, object: second.clone() });
    tree.run();
    assert_eq!(*tree.last(b), FromRelay::Refused { seq: 6, why: Refusal::NameTaken });
    tree.ask(a, &ToRelay::Publish { seq: 7, object: first.clone() });
    tree.run();
    assert!(matches!(tree.last(a), FromRelay::Stored { seq: 7, .. }), "the same use again");
    for at in 0..3 {
        assert_eq!((tree.holds(at, &first), tree.holds(at, &second)), (true, false), "at {at}");
    }
    tree.cut(1);
    let late = spend(&tree, &alice, Hash([6; 32]));
    tree.ask(a, &ToRelay::Publish { seq: 8, object: late });
    assert_eq!(*tree.last(a), FromRelay::Slot { seq: 8, answer: SlotAnswer::Pending });
    let forged = spend(&tree, &tree.cast.writer(66), Hash([7; 32]));
    tree.ask(b, &ToRelay::Publish { seq: 8, object: forged });
    assert_eq!(*tree.last(b), FromRelay::Refused { seq: 8, why: Refusal::Uncertified });
}

/// `RELAY-24`
#[test]
fn an_object_that_is_still_on_its_way_down_is_asked_for_above() {
    let (mut tree, [a, _], mut alice) = three();
    let elsewhere = tree.client(0);
    let entry = alice.say(&tree.cast, b"fresh");
    tree.publish(elsewhere, &entry);
    let get = ToRelay::Get { seq: 4, name: entry.name() };
    tree.ask(a, &get);
    while tree.carry(1, Way::Up) || tree.carry(1, Way::Control) {}
    let FromRelay::Found { seq: 4, object: Some(found), .. } = tree.last(a) else {
        panic!("{:?}", tree.last(a));
    };
    assert_eq!(*found, entry);
    tree.cut(1);
    tree.ask(a, &get);
    assert_eq!(*tree.last(a), FromRelay::Found { seq: 4, object: None, receipt: None });
}

/// `RELAY-26`
#[test]
fn only_a_listed_relay_with_its_own_key_is_a_child() {
    let (mut tree, _, _) = three();
    let proofs = [
        RelayProof::sign(&signer(20), &key(0), &EXPORTER),
        RelayProof::sign(&signer(1), &key(2), &EXPORTER),
        RelayProof::sign(&signer(1), &key(0), &[1; 32]),
        RelayProof { key: key(1), ..RelayProof::sign(&signer(20), &key(0), &EXPORTER) },
    ];
    for proof in proofs {
        let stranger = tree.client(0);
        tree.ask(stranger, &ToRelay::Relay(proof));
        assert_eq!(tree.dropped.pop(), Some((0, DropReason::UnknownRelay)));
    }
    let child = tree.client(0);
    tree.ask(child, &ToRelay::Relay(RelayProof::sign(&signer(3), &key(0), &EXPORTER)));
    assert_eq!(*tree.last(child), FromRelay::Related);
    let prefix = names::Prefix::team(tree.cast.team);
    tree.ask(child, &ToRelay::Subscribe { id: 1, prefix, store: 0, after: 0 });
    assert!(tree.clients[child].delivered.len() > 3);
    let elsewhere = names::TeamId { org: names::Org::truncate(3), ..tree.cast.team };
    let prefix = names::Prefix::team(elsewhere);
    tree.ask(child, &ToRelay::Subscribe { id: 2, prefix, store: 0, after: 0 });
    let standing = objects::wire::SubscriptionStanding::Refused;
    assert_eq!(*tree.last(child), FromRelay::Subscribed { id: 2, standing });
}

/// `RELAY-27`
#[test]
fn peers_are_told_whether_the_origin_can_be_reached() {
    let mut tree = Tree::new(&[None, Some(0), Some(1)]);
    let client = tree.client(2);
    let told = |tree: &Tree| {
        let upstream = tree.clients[client].said.iter().filter_map(|frame| match frame {
            FromRelay::Upstream { reachable } => Some(*reachable),
            _ => None,
        });
        upstream.collect::<Vec<bool>>()
    };
    assert_eq!(told(&tree), [false]);
    tree.link(2);
    tree.run();
    assert_eq!(told(&tree), [false], "its parent reaches nobody");
    tree.link(1);
    tree.run();
    assert_eq!(told(&tree), [false, true]);
    tree.cut(1);
    tree.run();
    assert_eq!(told(&tree), [false, true, false]);
    let at_root = tree.client(0);
    assert_eq!(*tree.last(at_root), FromRelay::Upstream { reachable: true });
}

/// `RELAY-24`
#[test]
fn a_parent_that_says_nothing_counts_as_gone_before_its_peers_give_up() {
    let (mut tree, [a, _], mut alice) = three();
    let claim = whole_claim(&mut tree, a, &mut alice);
    tree.run();
    assert_eq!(tree.wake_at(1), None, "nothing is open");
    tree.ask(a, &ToRelay::Claim { seq: 3, object: claim.clone() });
    let due = tree.wake_at(1).unwrap();
    assert!(due > tree.now && due < tree.now.plus(5_000));
    tree.now = due;
    tree.give(1, Input::Woken);
    assert_eq!(tree.dropped.pop(), Some((1, DropReason::Silent)));
    let said = &tree.clients[a].said;
    assert!(said.contains(&FromRelay::Slot { seq: 3, answer: SlotAnswer::Pending }));
    assert_eq!(said.last(), Some(&FromRelay::Upstream { reachable: false }));
    tree.link(1);
    tree.run();
    let answer = tree.claim(a, &claim);
    assert!(matches!(answer, FromRelay::Slot { answer: SlotAnswer::Won(_), .. }), "{answer:?}");
}
