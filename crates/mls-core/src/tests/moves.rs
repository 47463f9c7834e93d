//! The origin moves: what the new one has shown decides where its term begins.

use names::Slot;
use objects::wire::Refusal;
use objects::{RelayRef, Signer, TeamLink};

use super::world::World;
use crate::TeamStanding;
use crate::rows::Table;

fn elsewhere(world: &World) -> RelayRef {
    RelayRef { address: "elsewhere:1".to_owned(), ..world.reference() }
}

/// `MLS-108`
#[test]
fn a_term_is_made_behind_everything_that_the_new_origin_shows() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[0].online = false;
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.act(2, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let head = world.nodes[1].endpoint.team(team).unwrap().unwrap().head();
    let relay = elsewhere(&world);
    world.act(0, |endpoint, now| endpoint.move_origin(now, &relay).unwrap());
    world.run();
    let endpoint = &world.nodes[0].endpoint;
    assert_eq!(endpoint.terms(team).unwrap().len(), 1, "nothing is said while nothing is shown");
    assert!(!endpoint.is_settled());
    assert_eq!(endpoint.team_status(team).unwrap().unwrap().wishes, 1);
    // Also not when the process has ended meanwhile.
    world.nodes[0].restart();
    world.nodes[0].online = true;
    world.run();
    for node in &world.nodes {
        let (_, term) = node.endpoint.terms(team).unwrap().pop().unwrap();
        assert_eq!((term.after, term.claim), head, "nothing is taken back");
        assert_eq!(term.address, relay.address);
        assert!(node.endpoint.is_settled());
        let status = node.endpoint.team_status(team).unwrap().unwrap();
        assert_eq!((status.standing, status.wishes), (TeamStanding::Member, 0));
    }
}

/// `MLS-112`
#[test]
fn nobody_is_the_origin_again_under_a_key_that_others_have_followed() {
    let (mut world, team) = World::team(&["Admin"]);
    let first = world.reference();
    let other = Signer::from_seed(&[8; 32]);
    let head = world.nodes[0].endpoint.team(team).unwrap().unwrap().head();
    world.relay.go_back(team, head, Signer::from_seed(&[8; 32]));
    world.relay.signer = other;
    let relay = elsewhere(&world);
    world.act(0, |endpoint, now| endpoint.move_origin(now, &relay).unwrap());
    world.run();
    assert_eq!(world.nodes[0].endpoint.terms(team).unwrap().len(), 2);
    let now = world.now;
    let moved = world.nodes[0].endpoint.move_origin(now, &first);
    assert_eq!(moved, Err(crate::MoveOriginError::WasOrigin));
    assert!(world.nodes[0].endpoint.is_settled(), "nothing has changed");
    assert_eq!(world.nodes[0].endpoint.relay().unwrap().key, relay.key);
    // Its own address may change.
    let again = RelayRef { address: "there:1".to_owned(), ..relay };
    world.act(0, |endpoint, now| endpoint.move_origin(now, &again).unwrap());
    world.run();
    assert_eq!(world.nodes[0].endpoint.terms(team).unwrap().len(), 3);
}

/// `MLS-102`
#[test]
fn whoever_waits_to_be_let_in_takes_another_relay_of_the_team_too() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.run();
    world.nodes[1].online = false;
    let root = world.relay.root.unwrap();
    let gone = TeamLink { team, root, relay: world.reference() };
    world.act(1, |endpoint, now| endpoint.join(now, &gone).unwrap());
    let link = TeamLink { relay: elsewhere(&world), ..gone.clone() };
    let forged = TeamLink { root: Signer::from_seed(&[66; 32]).key(), ..link.clone() };
    world.act(1, |endpoint, _| assert!(!endpoint.use_relay_of(&forged).unwrap()));
    assert_eq!(world.nodes[1].endpoint.relay(), Some(gone.relay));
    world.act(1, |endpoint, _| assert!(endpoint.use_relay_of(&link).unwrap()));
    assert_eq!(world.nodes[1].endpoint.relay(), Some(link.relay));
}

/// What becomes of a talk whose origin dies with the last entries of it, before and after the author
/// hears of it; whether its process ends meanwhile.
fn the_origin_dies_with_what_it_had_alone(restarts: bool) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "before");
    world.run();
    world.nodes[2].go(false);
    world.run();
    let lost = [world.say(1, team, "lost"), world.say(1, team, &"long ".repeat(500))];
    world.run();
    let mark = world.nodes[1].endpoint.watermarks(team, world.general(team)).unwrap().unwrap();
    assert!(world.nodes[1].endpoint.is_settled());
    world.relay.forget_log(lost[0]);
    world.nodes[1].go(false);
    world.run();
    if restarts {
        world.nodes[1].restart();
    }
    world.nodes[1].go(true);
    world.nodes[2].go(true);
    world.say(1, team, "after");
    world.run_for(60_000);
    assert!(world.nodes[1].endpoint.is_settled());
    let marks = world.nodes[1].endpoint.watermarks(team, world.general(team)).unwrap().unwrap();
    assert!(marks.relay > mark.relay);
    for text in ["before", "lost", "after"] {
        assert!(world.shows_text(2, text), "{text}");
    }
    assert_eq!(world.shows(2).len(), 4);
    assert!(world.nodes.iter().all(|node| node.notices.is_empty()));
    assert_eq!(world.nodes[1].endpoint.rows().count(Table::Outbox, &[]), 0);
}

/// `MLS-114`
#[test]
fn a_log_goes_on_whose_newest_entries_only_the_dead_origin_had() {
    the_origin_dies_with_what_it_had_alone(false);
    the_origin_dies_with_what_it_had_alone(true);
}

/// `MLS-114`
#[test]
fn on_a_false_word_of_a_gap_nothing_is_made_anew() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    for index in 0..300 {
        world.say(1, team, &format!("text {index}"));
        world.run();
    }
    let stored = world.relay.order.len();
    for next in [0, 200, 299, 300, 4_000_000_000] {
        world.relay.refuses = Some(Refusal::Gap { next });
        let name = world.say(1, team, &format!("behind {next}"));
        world.run();
        assert!(world.relay.refused > 0);
        assert_eq!(world.relay.order.len(), stored, "nothing that the origin has not");
        assert!(world.relay.get(name).is_none());
        // 256 entries of a log are kept.
        let waiting = world.nodes[1].endpoint.rows().count(Table::Outbox, &[]);
        assert!(waiting <= 105, "{waiting}");
    }
    world.relay.refuses = None;
    world.run_for(120_000);
    assert!(world.nodes[1].endpoint.is_settled());
    assert_eq!(world.shows(2).len(), 305);
    assert_eq!(world.nodes[1].endpoint.rows().count(Table::Outbox, &[]), 0);
}

/// `MLS-109`
#[test]
fn what_the_new_origin_never_gets_is_taken_back_after_a_minute() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let common = world.nodes[0].endpoint.team(team).unwrap().unwrap().head();
    world.nodes[1].online = false;
    world.run();
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let head = world.nodes[0].endpoint.team(team).unwrap().unwrap().head();
    assert_eq!(common.0.next(), Some(head.0));
    // The relay that takes over has not got the last slot.
    world.relay.go_back(team, common, Signer::from_seed(&[8; 32]));
    world.relay.signer = Signer::from_seed(&[8; 32]);
    let relay = elsewhere(&world);
    world.act(0, |endpoint, now| endpoint.move_origin(now, &relay).unwrap());
    world.run_for(50_000);
    assert_eq!(world.nodes[0].endpoint.terms(team).unwrap().len(), 1, "it may come yet");
    let link = TeamLink { team, root: world.relay.root.unwrap(), relay };
    world.act(1, |endpoint, _| assert!(endpoint.use_relay_of(&link).unwrap()));
    world.nodes[1].online = true;
    world.run_for(30_000);
    world.run();
    for node in &world.nodes {
        let (_, term) = node.endpoint.terms(team).unwrap().pop().unwrap();
        assert_eq!((term.after, term.claim), common);
        assert!(node.endpoint.is_settled());
        let status = node.endpoint.team_status(team).unwrap().unwrap();
        assert_eq!(status.standing, TeamStanding::Member);
        assert!(status.slot > common.0, "slots go on");
    }
    assert_ne!(common.0, Slot::ZERO);
}
