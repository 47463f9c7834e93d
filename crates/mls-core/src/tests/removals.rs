//! Removal of a device that was away: what a relay shows it, and what proves nothing.

use names::{Device, Rest, TeamId};
use objects::{Claim, Millis, Object, Receipt, Revocation, Signer};

use super::world::World;
use crate::state::Stage;
use crate::{Input, Notice, Removal, SendError, TeamStanding};

/// What the relay would show to the device of a node, from what it stores.
fn shown(world: &World, team: TeamId, removed: Device, by: Device) -> Revocation {
    let kept = |fits: &dyn Fn(Rest) -> bool| {
        let names = world.relay.order.iter().rev();
        let mut fitting = names.filter(|name| name.team() == team && fits(name.place().rest));
        world.relay.get(*fitting.next().unwrap()).cloned().unwrap()
    };
    let of = |device: Device| move |rest: Rest| matches!(rest, Rest::Certificate { device: of, .. } if of == device);
    let certificate = kept(&of(removed)).0;
    let names_it = |object: &Object| {
        let claim = Claim::parse(object.data().unwrap_or_default());
        let named =
            |claim: &Claim| claim.certificates.iter().any(|it| it.name == certificate.name());
        claim.is_ok_and(|claim| named(&claim))
    };
    let slots = world.relay.order.iter().filter(|name| matches!(name.place().rest, Rest::Slot(_)));
    let mut claims = slots.map(|name| world.relay.get(*name).cloned().unwrap());
    let (claim, receipt) = claims.find(|(object, _)| names_it(object)).unwrap();
    let (term, admin) = (kept(&of(Device::ORIGIN)).0, kept(&of(by)).0);
    Revocation { term, admin, certificate, claim, receipt }
}

fn device(world: &World, team: TeamId, node: usize) -> Device {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().own()
}

fn give(world: &mut World, node: usize, revocation: &Revocation) {
    let revocation = Box::new(revocation.clone());
    world.give(node, Input::Revoked { revocation });
}

/// A team of which Bob, who is away, has missed two slots: the second removes him.
fn away() -> (World, TeamId, Revocation) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.say(1, team, "before");
    world.run();
    let bob = device(&world, team, 2);
    world.nodes[2].online = false;
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    let revocation = shown(&world, team, bob, Device::MEMBER_TOOL);
    (world, team, revocation)
}

/// `MLS-100`
#[test]
fn a_device_that_was_away_is_told_why_it_is_refused_and_believes_only_signatures() {
    let (mut world, team, revocation) = away();
    world.nodes[2].online = true;
    world.say(1, team, "after");
    world.run();
    assert!(world.nodes[2].endpoint.team(team).unwrap().unwrap().stage == Stage::Member);
    give(&mut world, 2, &revocation);
    world.run();
    assert_eq!(world.nodes[2].notices, [Notice::Removed { team }]);
    let endpoint = &world.nodes[2].endpoint;
    assert!(endpoint.subscriptions().is_empty() && !endpoint.groups.contains_key(&team));
    let removed = Removal {
        at: revocation.receipt.at,
        device: Device::MEMBER_TOOL,
        user: "Admin".to_owned(),
    };
    let status = endpoint.team_status(team).unwrap().unwrap();
    assert_eq!((status.standing, status.removed), (TeamStanding::Removed, Some(removed.clone())));
    let [view] = endpoint.teams().unwrap().try_into().unwrap();
    assert_eq!((view.name.as_str(), view.removed), ("Team", Some(removed)));
    assert_eq!(endpoint.channels(team).unwrap()[0].name, "general");
    // Nothing is said twice, and nothing is forgotten by a restart.
    give(&mut world, 2, &revocation);
    world.nodes[2].restart();
    world.run();
    assert_eq!(world.nodes[2].notices, [Notice::Removed { team }]);
    let status = world.nodes[2].endpoint.team_status(team).unwrap().unwrap();
    assert_eq!(status.standing, TeamStanding::Removed);
    let (now, channel) = (world.now, world.general(team));
    let endpoint = &mut world.nodes[2].endpoint;
    let refused = endpoint.send(now, team, channel, "hi".into(), None, Vec::new());
    assert_eq!(refused, Err(SendError::NoSuchTeam));
}

/// `MLS-100`
#[test]
fn a_false_refusal_ends_no_membership() {
    let (mut world, team, revocation) = away();
    let stranger = Signer::from_seed(&[99; 32]);
    let receipt = &revocation.receipt;
    let slot = receipt.head;
    let by_another = Receipt::sign(&stranger, &revocation.claim, slot, receipt.at);
    let later = Receipt { at: Millis(receipt.at.0 + 1), ..*receipt };
    // The certificate alone, with the claim of another slot.
    let before = team.name(Rest::Slot(slot.previous().unwrap()));
    let (other, others) = world.relay.get(before).cloned().unwrap();
    let alice = device(&world, team, 1);
    let names = world.relay.order.iter();
    let hers = names.copied().find(
        |name| matches!(name.place().rest, Rest::Certificate { device, .. } if device == alice),
    );
    let hers = world.relay.get(hers.unwrap()).cloned().unwrap().0;
    for wrong in [
        Revocation { receipt: by_another, ..revocation.clone() },
        Revocation { receipt: later, ..revocation.clone() },
        Revocation { claim: other, receipt: others, ..revocation.clone() },
        Revocation { admin: hers.clone(), ..revocation.clone() },
        Revocation { certificate: hers, ..revocation.clone() },
        Revocation { term: revocation.certificate.clone(), ..revocation.clone() },
    ] {
        world.nodes[2].notices.clear();
        give(&mut world, 2, &wrong);
        assert!(!world.nodes[2].notices.contains(&Notice::Removed { team }));
        let row = world.nodes[2].endpoint.team(team).unwrap().unwrap();
        assert!(row.stage == Stage::Member);
    }
    // Whoever is still in the team is not touched by what is true of another.
    world.nodes[1].notices.clear();
    give(&mut world, 1, &revocation);
    assert_eq!(world.nodes[1].notices, []);
    assert!(world.nodes[1].endpoint.team(team).unwrap().unwrap().stage == Stage::Member);
}

/// `MLS-100`
#[test]
fn a_later_term_that_does_not_know_the_slot_takes_the_proof_back() {
    let (mut world, team, revocation) = away();
    let head = world.nodes[2].endpoint.team(team).unwrap().unwrap().head();
    let root = {
        let org = world.nodes[0].endpoint.org_row().unwrap().unwrap();
        org.seed.signer()
    };
    let relay = objects::RelayRef {
        address: "other:1".to_owned(),
        key: Signer::from_seed(&[42; 32]).key(),
    };
    world.act(2, |endpoint, now| endpoint.make_term(now, team, &root, &relay, head).unwrap());
    give(&mut world, 2, &revocation);
    let row = world.nodes[2].endpoint.team(team).unwrap().unwrap();
    assert!(row.stage == Stage::Member);
}

/// `MLS-101`
#[test]
fn the_removed_read_on_and_come_back_as_others_with_their_history() {
    let (mut world, team, revocation) = away();
    world.nodes[2].online = true;
    world.run();
    let own = {
        let name = world.nodes[2].order[0];
        let Rest::Message { channel, .. } = name.place().rest else { panic!("{name}") };
        let number = names::Number::ZERO;
        let device = device(&world, team, 2);
        team.name(Rest::Message { channel, device, number })
    };
    give(&mut world, 2, &revocation);
    world.run();
    let mark = world.nodes[2].endpoint.watermark_of(own).unwrap().unwrap();
    world.nodes[2].notices.clear();
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    // While it waits, what it read is still listed under its name.
    let endpoint = &world.nodes[2].endpoint;
    let [view] = endpoint.teams().unwrap().try_into().unwrap();
    assert!(view.removed.is_some() && view.name == "Team");
    assert_eq!(endpoint.channels(team).unwrap().len(), 1);
    assert_eq!(endpoint.watermark_of(own).unwrap().unwrap(), mark);
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    let endpoint = &world.nodes[2].endpoint;
    let [view] = endpoint.teams().unwrap().try_into().unwrap();
    assert_eq!(view.removed, None);
    let status = endpoint.team_status(team).unwrap().unwrap();
    assert_eq!((status.standing, status.removed), (TeamStanding::Member, None));
    assert_eq!(endpoint.watermark_of(own).unwrap().unwrap(), mark);
}
