//! The origin moves: what the new one has shown decides where its term begins.

use objects::{RelayRef, Signer, TeamLink};

use super::world::World;
use crate::TeamStanding;

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
