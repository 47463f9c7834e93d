//! Greeting, links, questions and answers.

use super::*;

/// `NET-02`
#[test]
fn whoever_does_not_greet_with_this_schema_is_dropped() {
    let other = ipc_schema::SchemaHash([1; 32]);
    for first in [ToNet::Hello { schema: other, generation: 3 }, ToNet::Credit(1), prove()] {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::new(cache::open(folder.path()).unwrap(), None);
        desk.handle(NOW, Input::Attached).unwrap();
        desk.handle(NOW, Input::Heard(first)).unwrap();
        desk.handle(NOW, Input::Heard(ToNet::Credit(1))).unwrap();
        desk.settle().unwrap();
        assert_eq!(std::iter::from_fn(|| desk.poll()).collect::<Vec<_>>(), [Output::Detach]);
    }
    let mut world = World::new();
    let again = ToNet::Hello { schema: schema(), generation: 3 };
    assert_eq!(world.say(again), [Output::Detach]);
}

/// `NET-02`
#[test]
fn what_is_no_object_proof_name_or_prefix_of_a_team_drops_secure_proc() {
    let rubbish = || Bytes::new(vec![9; 50]).unwrap();
    let wrong = [
        ToNet::Publish { id: 1, object: rubbish() },
        ToNet::Claim { id: 1, object: Bytes::default() },
        ToNet::Prove { exporter: LINK.exporter, proof: Bytes::new(vec![1; 119]).unwrap() },
        ToNet::Get { id: 1, name: NameBits([0; 16]) },
        subscribe(Prefix::from_bits(0, 0).unwrap(), Cursor::default()),
    ];
    for message in wrong {
        let mut world = World::subscribed(1);
        assert_eq!(world.say(message), [Output::Disconnect, Output::Detach]);
    }
}

/// `NET-03`
#[test]
fn a_link_is_told_with_its_exporter_and_lost_once_for_each_reason() {
    let mut world = World::new();
    let connect = Output::Connect { address: "relay:1".to_owned(), key: RELAY };
    assert_eq!(world.say(relay("relay:1")), [connect]);
    let unlinked = |why| [Output::Tell(FromNet::Unlinked { why })];
    let (gone, wrong) = (LinkLoss::Unreachable, LinkLoss::WrongKey);
    assert_eq!(world.give(Input::Unlinked(gone)), unlinked(gone));
    assert_eq!(world.give(Input::Unlinked(gone)), []);
    assert_eq!(world.give(Input::Unlinked(wrong)), unlinked(wrong));
    let linked = FromNet::Linked { relay: RELAY, exporter: LINK.exporter, now: 8 };
    assert_eq!(world.give(Input::Linked(LINK)), [Output::Tell(linked.clone())]);
    assert_eq!(world.say(relay("relay:1")), [Output::Tell(linked)], "asked anew");
    assert_eq!(world.give(Input::Unlinked(wrong)), unlinked(wrong));
}

/// `NET-03`
#[test]
fn an_address_of_the_launcher_goes_before_that_of_the_team() {
    let mut world = World::new();
    world.desk.address = Some("near:2".to_owned());
    let connect = Output::Connect { address: "near:2".to_owned(), key: RELAY };
    assert_eq!(world.say(relay("relay:1")), [connect]);
}

/// `NET-03`
#[test]
fn answers_carry_the_number_of_the_question() {
    let mut world = World::subscribed(1);
    let object = entry(0);
    let receipt = Receipt::sign(&Signer::from_seed(&[2; 32]), &object, Slot::ZERO, NOW);
    let (sealed, bytes) = (translate::sealed(&object), translate::receipt(&receipt));
    let publish = |id| ToNet::Publish { id, object: sealed.clone() };
    let claim = |id| ToNet::Claim { id, object: sealed.clone() };
    let answered = |id, answer| [Output::Tell(FromNet::Answered { id, answer })];

    let sent = world.say(publish(90));
    assert_eq!(sent, [send(ToRelay::Publish { seq: 0, object: object.clone() })]);
    world.say(publish(91));
    let sent = world.say(claim(92));
    assert_eq!(sent, [send(ToRelay::Claim { seq: 2, object: object.clone() })]);
    world.say(claim(93));
    let sent = world.say(ToNet::Get { id: 94, name: NameBits(object.name().bytes()) });
    assert_eq!(sent, [send(ToRelay::Get { seq: 4, name: object.name() })]);

    let gap = FromRelay::Refused { seq: 1, why: Refusal::Gap { next: 5 } };
    let refused = Answer::Refused { why: Refused::Gap { next: 5 } };
    assert_eq!(world.relay_says(gap.clone()), answered(91, refused));
    assert_eq!(world.relay_says(gap), [], "nobody waits for it any more");
    let stored = FromRelay::Stored { seq: 0, receipt };
    assert_eq!(world.relay_says(stored), answered(90, Answer::Receipt(bytes.clone())));
    let won = FromRelay::Slot { seq: 2, answer: SlotAnswer::Won(receipt) };
    assert_eq!(world.relay_says(won), answered(92, Answer::Receipt(bytes.clone())));
    let answer = SlotAnswer::Taken { winner: object.clone(), receipt };
    let taken = Answer::Taken { winner: sealed.clone(), receipt: bytes.clone() };
    assert_eq!(world.relay_says(FromRelay::Slot { seq: 3, answer }), answered(93, taken));
    let frame = FromRelay::Found { seq: 4, object: Some(object), receipt: None };
    let found = FromNet::Found { id: 94, object: Some(sealed), receipt: None };
    assert_eq!(world.relay_says(frame), [Output::Tell(found)]);
}

/// `NET-03`
#[test]
fn what_is_asked_without_a_link_or_before_it_broke_is_left_to_secure_proc() {
    let mut world = World::subscribed(1);
    let publish = ToNet::Publish { id: 1, object: translate::sealed(&entry(0)) };
    assert_eq!(world.say(publish.clone()).len(), 1);
    world.give(Input::Unlinked(LinkLoss::Unreachable));
    assert_eq!(world.say(publish), []);
    world.give(Input::Linked(Linked { exporter: [9; 32], ..LINK }));
    let late = FromRelay::Refused { seq: 0, why: Refusal::Quota };
    assert_eq!(world.relay_says(late), []);
    assert_eq!(world.say(prove()), [], "a proof of the last link is not sent on this one");
}
