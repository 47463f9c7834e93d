//! Key packages for any team of an organisation.

use names::{Slot, Team, TeamId};
use objects::wire::Refusal;
use objects::{Announcement, Claim, Object, WelcomePointer};
use relay_core::Peer;

use crate::World;
use crate::people::Writer;

fn pool(world: &World) -> TeamId {
    TeamId { team: Team::ORG, ..world.cast.team }
}

fn announced(world: &World, writer: &Writer, package: u8) -> (Announcement, Object) {
    let team = pool(world);
    let announcement = Announcement { team, ..world.cast.announcement(writer, &[package; 200]) };
    let rest = Announcement::rest(&announcement.hash());
    let bytes = announcement.bytes();
    let expires = world.now.plus(crate::people::DAY);
    let mut draft = world.cast.draft(rest, expires, &bytes);
    draft.name = team.name(rest);
    let object = draft.sign(&writer.log).unwrap();
    (announcement, object)
}

fn fill(world: &mut World, peer: Peer, writer: &Writer) -> usize {
    (0..=255)
        .take_while(|n| {
            let (_, object) = announced(world, writer, *n);
            match world.publish(peer, &object) {
                Ok(_) => true,
                Err(why) => {
                    assert_eq!(why, Refusal::Quota);
                    false
                }
            }
        })
        .count()
}

/// `RELAY-22`
#[test]
fn a_certified_device_fills_a_pool_and_a_stranger_its_small_share() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.cast.writer(11), world.cast.writer(12), world.cast.writer(13));
    world.certify(&alice);
    let peer = world.peer();
    assert_eq!(fill(&mut world, peer, &bob), 16);
    let peer = world.peer();
    world.prove(peer, &bob);
    assert_eq!(fill(&mut world, peer, &carol), 16, "proved, and not certified");
    let peer = world.peer();
    world.prove(peer, &alice);
    assert_eq!(fill(&mut world, peer, &alice), 64);
}

/// `RELAY-22`
#[test]
fn a_pointer_for_a_key_package_of_the_pool_stands_beside_it_and_speaks_of_the_team() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    let bob = world.cast.writer(12);
    world.certify(&alice);
    let peer = world.peer();
    let (announcement, object) = announced(&world, &bob, 1);
    world.publish(peer, &object).unwrap();
    let commit = world.stored_blob(peer, &mut alice, b"commit");
    let welcome = world.stored_blob(peer, &mut alice, b"welcome");
    let hash = announcement.hash();
    let claim = Claim { welcome: Some(welcome), welcomed: vec![hash], ..alice.claims(commit) };
    let claim = world.cast.claim(world.head.0 + 1, world.head.1, &claim, &alice.log);
    let slot = Slot::truncate(world.head.0 + 1);
    let pointer = WelcomePointer { announcement: hash, slot, claim: claim.entry_hash(), welcome };
    let bytes = pointer.bytes();
    let rest = WelcomePointer::rest(&hash);
    let place = |team: TeamId| {
        let mut draft = world.cast.draft(rest, objects::Millis::NEVER, &bytes);
        draft.name = team.name(rest);
        draft.sign(&alice.log).unwrap()
    };
    let beside = place(pool(&world));
    let elsewhere = place(TeamId { team: Team::truncate(9), ..world.cast.team });
    assert!(matches!(world.publish(peer, &beside), Err(Refusal::Gap { .. })));
    world.claim(peer, &claim).unwrap();
    assert_eq!(world.publish(peer, &elsewhere), Err(Refusal::Malformed));
    world.publish(peer, &beside).unwrap();
    // Whoever announced it finds the pointer with a proof of the key that it announced.
    let newcomer = world.peer();
    let team = pool(&world);
    let exporter = crate::EXPORTER;
    let relay = crate::signer().key();
    let until = world.now.plus(9);
    let proof = objects::Proof::sign(&bob.log, &relay, &exporter, team, bob.device, until);
    world.tell(newcomer, &objects::wire::ToRelay::Prove(proof));
    let prefix = names::Prefix::team_path(team, 3);
    let subscribe =
        objects::wire::ToRelay::Subscribe { id: 1, prefix, store: crate::STORE, after: 0 };
    world.tell(newcomer, &subscribe);
    assert_eq!(world.names(newcomer), [beside.name()]);
}
