//! Old vaults that were put back, and what is written before the relay has shown that none was.

use names::{Channel, Name, Rest, TeamId};
use objects::Millis;

use super::adversary::{claim, last_entry, log_signer, signed};
use super::stalls::all_is_well;
use super::world::{Crash, World};
use crate::open::Ahead;
use crate::rows::Table;
use crate::state::{LogRow, log_key};
use crate::{Notice, Output, Plaintext};

fn log(world: &World, team: TeamId, channel: Channel) -> LogRow {
    let endpoint = &world.nodes[1].endpoint;
    let own = endpoint.team(team).unwrap().unwrap().own();
    endpoint.rows().get(Table::Log, &log_key(team, channel, own)).unwrap().unwrap()
}

fn queued(world: &World, team: TeamId) -> u32 {
    world.nodes[1].endpoint.team_status(team).unwrap().unwrap().queued
}

fn number(name: Name) -> u64 {
    let Rest::Message { number, .. } = name.place().rest else { panic!("{name}") };
    number.value()
}

/// `MLS-64`
#[test]
fn after_a_start_nothing_is_sealed_before_the_relay_has_shown_our_newest_entries() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let channel = world.general(team);
    world.say(1, team, "before");
    world.run();
    world.nodes[1].go(false);
    world.nodes[1].restart();
    let name = world.say(1, team, "after");
    world.run();
    assert_eq!((number(name), queued(&world, team)), (1, 1));
    assert_eq!((log(&world, team, channel).next, log(&world, team, channel).reserved), (1, 2));
    // What is written has its place, also over the next start.
    world.nodes[1].restart();
    world.relay.hides = true;
    world.nodes[1].go(true);
    world.run();
    assert_eq!(log(&world, team, channel).next, 1, "a relay that shows nothing proves nothing");
    world.relay.hides = false;
    world.run_for(20_000);
    assert_eq!((log(&world, team, channel).next, queued(&world, team)), (2, 0));
    let read: Vec<String> = world.shows(2).into_iter().map(|(_, text)| text).collect();
    assert_eq!(read, ["before", "after"]);
    assert_eq!(world.nodes[1].notices, []);
}

/// `MLS-65`
#[test]
fn a_restored_vault_is_told_and_writes_above_what_it_does_not_know() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let channel = world.general(team);
    world.say(1, team, "old");
    world.run();
    let backup = world.nodes[1].backup();
    for text in ["lost one", "lost two"] {
        world.say(1, team, text);
    }
    world.run();
    let sealed = log(&world, team, channel).next;
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(backup);
    let first = world.say(1, team, "new");
    let second = world.act(1, |endpoint, now| {
        let body = Plaintext::from("answer");
        endpoint.send(now, team, channel, body, Some(first), vec![first]).unwrap()
    });
    let second_name = second.name;
    world.nodes[1].show(second);
    assert_eq!([number(first), number(second_name)], [1, 2]);
    world.nodes[1].go(true);
    world.run();
    let notices = &world.nodes[1].notices;
    let told = |notice: &&Notice| matches!(notice, Notice::RestoredVault { .. });
    assert_eq!(notices.iter().filter(told).count(), 1);
    let after = log(&world, team, channel).next;
    assert_eq!((sealed, after, log(&world, team, channel).reserved), (3, 5, 5));
    let order = world.nodes[1].order.clone();
    assert_eq!([number(order[1]), number(order[2])], [3, 4]);
    world.run_for(60_000);
    for other in [0, 2] {
        let read: Vec<String> = world.shows(other).into_iter().map(|(_, text)| text).collect();
        assert_eq!(read, ["old", "lost one", "lost two", "new", "answer"]);
        let answer = &world.nodes[other].shown[&order[2]];
        assert_eq!((answer.thread, &answer.after[..]), (Some(order[1]), &order[1..2]));
    }
}

/// What everybody reads after an old vault was put back and the process ended at one step; and
/// how many steps there were.
fn restored(crash: Option<Crash>) -> (Vec<Vec<String>>, usize) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "old");
    world.run();
    let backup = world.nodes[1].backup();
    world.say(1, team, "lost");
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(backup);
    world.crash = crash;
    world.say(1, team, "new");
    world.nodes[1].go(true);
    world.run_for(60_000);
    let steps = world.steps;
    world.crash = None;
    let notices = &world.nodes[1].notices;
    let told = |notice: &&Notice| matches!(notice, Notice::RestoredVault { .. });
    assert!(notices.iter().any(|notice| told(&notice)), "{crash:?}");
    assert_eq!(log(&world, team, world.general(team)).next, 3, "{crash:?}");
    let texts = |node: usize| {
        let mut texts: Vec<String> = world.shows(node).into_iter().map(|(_, text)| text).collect();
        texts.sort();
        texts
    };
    let texts = (0..3).map(texts).collect();
    all_is_well(&mut world, team);
    (texts, steps)
}

/// `MLS-65`
#[test]
fn who_has_found_a_restored_vault_may_die_at_every_step_on_the_way_back() {
    let (expected, steps) = restored(Some(Crash { node: 1, step: usize::MAX, committed: true }));
    assert_eq!(expected, vec![["lost", "new", "old"]; 3]);
    assert!(steps > 20);
    for step in 0..steps {
        for committed in [true, false] {
            let (found, _) = restored(Some(Crash { node: 1, step, committed }));
            assert_eq!(found, expected, "step {step} of {steps}, committed: {committed}");
        }
    }
}

/// `MLS-62`
#[test]
fn what_a_slow_clock_writes_lives_as_long_as_anything_else() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let day = 24 * 3_600_000;
    let truth = Millis(500 * day);
    world.relay.now = truth;
    // The origin's receipts tell Alice what time it is at least.
    world.say(1, team, "first");
    world.run();
    let channel = world.general(team);
    let slow = world.now;
    assert!(slow.0 < 100 * day);
    world.say(1, team, "second");
    world.run();
    let object = last_entry(&world, team, 1, channel);
    assert!(object.expires().0 >= truth.0 + 90 * day, "{:?}", object.expires());
    assert!(object.expires().0 <= truth.0 + 91 * day);
    assert_eq!(world.shows(2).len(), 2);
}

/// `MLS-97`
#[test]
fn a_restored_vault_that_knows_nothing_of_its_own_commit_comes_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "old");
    world.run_for(120_000);
    let backup = world.nodes[1].backup();
    // A commit leaves nothing in a log, and nobody gets back what it has published itself.
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(backup.clone());
    world.nodes[1].go(true);
    world.run_for(60_000);
    let rejoined = |notice: &Notice| matches!(notice, Notice::Rejoined { .. });
    assert!(world.nodes[1].notices.iter().any(rejoined));
    all_is_well(&mut world, team);
    // Once more: now its leaf gives way to one whose keys it has not.
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(backup);
    world.nodes[1].go(true);
    world.run_for(60_000);
    let removed = |notice: &Notice| matches!(notice, Notice::Removed { .. });
    assert!(!world.nodes[1].notices.iter().any(removed), "nobody has removed it");
    all_is_well(&mut world, team);
}

/// `MLS-97`
#[test]
fn a_vault_from_before_its_own_join_uses_no_name_twice() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 2);
    world.run();
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(1, |endpoint, now| endpoint.join(now, &link).unwrap());
    let backup = world.nodes[1].backup();
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run_for(20_000);
    world.say(1, team, "lost");
    world.run_for(20_000);
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(backup);
    world.nodes[1].go(true);
    world.run_for(120_000);
    world.say(1, team, "new");
    world.run_for(60_000);
    let texts: Vec<String> = world.shows(2).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["lost", "new"]);
    all_is_well(&mut world, team);
}

/// What everybody reads when somebody has gone on from an old vault, and then the newer one is put
/// back, in which something was sealed that never left; and how many steps that took.
fn put_back_twice(crash: Option<Crash>) -> (Vec<Vec<String>>, usize) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "first");
    world.run();
    let older = world.nodes[1].backup();
    world.nodes[1].go(false);
    world.run();
    let question = world.say(1, team, "never left");
    let channel = world.general(team);
    let answer = world.act(1, |endpoint, now| {
        let body = Plaintext::from("nor did this");
        endpoint.send(now, team, channel, body, Some(question), vec![question]).unwrap()
    });
    world.nodes[1].show(answer);
    let newer = world.nodes[1].backup();
    assert_eq!((log(&world, team, channel).next, queued(&world, team)), (3, 2));
    world.nodes[1].restore(older);
    world.nodes[1].go(true);
    world.run();
    world.say(1, team, "another life");
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.nodes[1].restore(newer);
    world.crash = crash;
    world.nodes[1].go(true);
    world.run_for(60_000);
    let steps = world.steps;
    world.crash = None;
    assert_eq!((log(&world, team, channel).next, queued(&world, team)), (4, 0), "{crash:?}");
    let fork =
        |notice: &&Notice| matches!(notice, Notice::Fork { .. } | Notice::DeviceEquivocates { .. });
    assert_eq!(world.nodes.iter().flat_map(|node| &node.notices).find(fork), None);
    let answer = |node: usize| {
        let mut texts = world.nodes[node].shown.values();
        texts.find(|opened| opened.body.reveal() == "nor did this").unwrap().clone()
    };
    let question = world.nodes[1].order.iter().copied();
    let question = question.filter(|name| world.nodes[1].shown[name].body.reveal() == "never left");
    let question: Vec<Name> = question.collect();
    assert_eq!((answer(2).thread, answer(2).after), (question.first().copied(), question));
    let texts = (0..3).map(|node| {
        let mut texts: Vec<String> = world.shows(node).into_iter().map(|(_, text)| text).collect();
        texts.sort();
        texts
    });
    let texts = texts.collect();
    all_is_well(&mut world, team);
    (texts, steps)
}

/// `MLS-106`
#[test]
fn what_was_sealed_but_never_left_uses_no_name_that_another_life_of_the_vault_has_used() {
    let (expected, steps) =
        put_back_twice(Some(Crash { node: 1, step: usize::MAX, committed: true }));
    assert_eq!(expected, vec![["another life", "first", "never left", "nor did this"]; 3]);
    assert!(steps > 20);
    for step in (0..steps).step_by(2) {
        let committed = step % 4 == 0;
        let (found, _) = put_back_twice(Some(Crash { node: 1, step, committed }));
        assert_eq!(found, expected, "step {step} of {steps}, committed: {committed}");
    }
}

/// `MLS-106`
#[test]
fn a_commit_that_never_left_gives_way_to_one_of_another_life_of_the_vault() {
    for claimed in [true, false] {
        let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
        world.run_for(120_000);
        let older = world.nodes[1].backup();
        // Sealed with one key: this one, which never leaves ..
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        let newer = world.nodes[1].backup();
        world.nodes[1].outputs.clear();
        world.nodes[1].restore(older);
        world.run();
        // .. and this one, of which the relay gets the pieces, and perhaps the claim.
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
        let won = world.relay.won;
        while let Some(output) = world.nodes[1].outputs.pop_front() {
            if claimed || !matches!(output, Output::Claim { .. }) {
                world.output(1, output);
            }
        }
        assert_eq!(world.relay.won - won, usize::from(claimed));
        world.nodes[1].go(false);
        world.run();
        world.nodes[1].restore(newer);
        world.nodes[1].go(true);
        // No name leaves with two hashes.
        world.run_for(60_000);
        let rejoined = |notice: &Notice| matches!(notice, Notice::Rejoined { .. });
        assert!(world.nodes[1].notices.iter().any(rejoined), "claimed: {claimed}");
        all_is_well(&mut world, team);
    }
}

/// `MLS-97`
#[test]
fn a_slot_that_was_not_decided_when_it_was_asked_for_is_asked_for_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.act(1, |endpoint, _| {
        endpoint.probing.insert(team);
        endpoint.fetch(team).unwrap();
    });
    world.run();
    assert!(!world.nodes[1].endpoint.probing.contains(&team));
    let missing = claim(&mut world, team, 2, b"no commit");
    let Rest::Slot(slot) = missing.name().place().rest else { panic!() };
    let later = team.name(Rest::Slot(slot.next().unwrap()));
    let later = signed(later, missing.entry_hash(), b"", &log_signer(&world, team, 2));
    world.act(1, |endpoint, _| {
        endpoint.keep(team, Ahead::Claim, &later, None).unwrap();
        endpoint.fetch(team).unwrap();
    });
    let asks =
        |output: &Output| matches!(output, Output::Get { name, .. } if *name == missing.name());
    assert!(world.nodes[1].outputs.iter().any(asks));
}
