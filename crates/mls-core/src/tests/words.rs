use names::{Number, Rest};
use objects::{Draft, Hash, Millis, Object, Part};

use super::world::World;
use crate::bound::{BOUND, Bound};
use crate::content::{Content, Said, padded, sign};
use crate::unsealed::private_message;
use crate::{Input, Unreadable};

/// What Alice's next entry would be, if she sealed these bytes on that history.
fn sealed(world: &mut World, team: names::TeamId, whole: &[u8], other: bool) -> Object {
    let channel = world.general(team);
    let alice = &mut world.nodes[1].endpoint;
    let row = alice.team(team).unwrap().unwrap();
    let rest = Rest::Message { channel, device: row.own(), number: Number::ZERO };
    let mut head = row.seen_head(false);
    head.claim[0] ^= u8::from(other);
    let bound = Bound { name: team.name(rest), previous: Hash::NONE, head };
    let group = alice.groups.get_mut(&team).unwrap();
    group.set_aad(bound.bytes());
    let signer = row.leaf_seed.leaf_signer();
    let piece = padded(whole, BOUND).unwrap().remove(0);
    let sealed = group.create_message(&alice.provider, &signer, &piece).unwrap();
    let mut data = private_message(&sealed).unwrap();
    *data.last_mut().unwrap() ^= u8::from(other);
    let draft = Draft {
        name: bound.name,
        created: Millis(1),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &data,
    };
    draft.sign(&crate::Endpoint::log_signer(&row)).unwrap()
}

fn content() -> Vec<u8> {
    let said = Said { body: "hi".into(), thread: None, after: Vec::new(), at: Millis(5) };
    Content::Text(said).bytes().unwrap().to_vec()
}

/// `MLS-60`
#[test]
fn a_content_without_its_authors_signature_does_not_count() {
    for own in [true, false] {
        let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
        let [alice, bob] = [1, 2].map(|node: usize| {
            let row = world.nodes[node].endpoint.team(team).unwrap().unwrap();
            (crate::Endpoint::log_signer(&row), row.own())
        });
        let channel = world.general(team);
        let rest = Rest::Message { channel, device: alice.1, number: Number::ZERO };
        let signer = if own { &alice.0 } else { &bob.0 };
        let signature = sign(signer, team.name(rest), &content());
        let whole = [&signature.0[..], &content()].concat();
        let object = sealed(&mut world, team, &whole, false);
        world.give(2, Input::Arrived { object: object.clone(), receipt: None });
        let shown = &world.nodes[2].shown[&object.name()];
        let expected = if own { None } else { Some(Unreadable::Damaged) };
        assert_eq!(shown.unreadable, expected);
        assert_eq!(
            (shown.body.reveal(), shown.signature.is_some()),
            (if own { "hi" } else { "" }, own)
        );
        assert!(!own || shown.at == Millis(5), "the author's own time");
    }
}

/// `MLS-61`
#[test]
fn what_was_sealed_on_another_history_is_told_apart_from_what_is_damaged() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let object = sealed(&mut world, team, &[7; 70], true);
    world.give(2, Input::Arrived { object: object.clone(), receipt: None });
    let shown = &world.nodes[2].shown[&object.name()];
    assert_eq!(shown.unreadable, Some(Unreadable::OtherHistory));
}
