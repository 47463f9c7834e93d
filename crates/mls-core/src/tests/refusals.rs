//! What is refused, lost or answered falsely stops nothing for good.

use names::{Name, Rest};
use objects::wire::Refusal;

use super::adversary::{claim, device};
use super::stalls::{all_is_well, commit, is_stalled};
use super::world::World;
use crate::state::Stage;
use crate::{Answer, Input, Notice, Output};

/// `MLS-55`
#[test]
fn a_skip_that_has_lost_its_slot_is_claimed_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    for node in [3, 4] {
        world.nodes[node].go(false);
    }
    world.run();
    let mut bytes = commit(&mut world, team, 1);
    *bytes.last_mut().unwrap() ^= 1;
    claim(&mut world, team, 1, &bytes);
    world.run();
    let Stage::Stalled { slot, claim: stopped, .. } =
        world.nodes[0].endpoint.team(team).unwrap().unwrap().stage.clone()
    else {
        panic!()
    };
    let carol = device(&world, team, 3);
    world.act(0, |endpoint, now| {
        let slot = names::Slot::truncate(slot);
        endpoint.stalled_said(team, carol, slot, objects::Hash(stopped)).unwrap();
        endpoint.handle(now, Input::Tick).unwrap();
    });
    claim(&mut world, team, 2, b"no commit");
    world.run();
    assert!(!is_stalled(&world, 0, team) && !is_stalled(&world, 2, team));
    for node in [3, 4] {
        world.nodes[node].go(true);
    }
    world.run();
    all_is_well(&mut world, team);
}

/// `MLS-56`
#[test]
fn nobodys_bare_word_takes_back_a_claim_that_has_left() {
    for refuses in [is_certificate, is_piece] {
        a_claim_that_has_left_stays(refuses);
    }
}

fn is_certificate(name: Name) -> bool {
    matches!(name.place().rest, Rest::Certificate { .. })
}

fn is_piece(name: Name) -> bool {
    matches!(name.place().rest, Rest::Blob { .. })
}

/// The claim wins, and is said to miss something, which then is said to be somebody else's.
fn a_claim_that_has_left_stays(refuses: fn(Name) -> bool) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let bob = device(&world, team, 2);
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    let (mut lied, mut refused) = (false, false);
    while let Some(output) = world.nodes[0].outputs.pop_front() {
        if let (false, Output::Claim { id, object }) = (lied, &output) {
            assert!(matches!(world.relay.claim(object), Answer::Receipt(_)));
            lied = true;
            world.give(0, Input::Answered { id: *id, answer: Answer::Incomplete });
            continue;
        }
        if let (true, Output::Publish { id, object }) = (lied, &output)
            && refuses(object.name())
        {
            refused = true;
            let answer = Answer::Refused(Refusal::NameTaken);
            world.give(0, Input::Answered { id: *id, answer });
            continue;
        }
        world.output(0, output);
    }
    assert!(lied && refused);
    world.run();
    assert!(!world.nodes[0].notices.contains(&Notice::Rejoining { team }));
    assert!(world.nodes[0].endpoint.leaf(team, bob).unwrap().is_none());
    world.say(0, team, "without Bob");
    world.run();
    assert_eq!(world.shows(1).len(), 1);
}

/// `MLS-57`
#[test]
fn an_entry_that_waited_beyond_its_life_holds_nothing_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[1].go(false);
    world.run();
    let old = world.say(1, team, "never left");
    // Nothing is given up on a bare word.
    world.relay.refuses = Some(Refusal::Expired);
    world.nodes[1].go(true);
    world.run();
    assert!(world.nodes[1].notices.contains(&Notice::Refused { name: old, why: Refusal::Expired }));
    world.nodes[1].go(false);
    world.run();
    world.run_for(91 * 86_400_000);
    world.nodes[1].restart();
    world.nodes[1].go(true);
    world.run();
    world.relay.refuses = None;
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].go(true);
    world.say(1, team, "new");
    world.run();
    assert!(world.nodes[1].endpoint.is_settled());
    assert!(world.shows_text(2, "new") && !world.shows_text(2, "never left"));
}
