use names::{Device, Rest, TeamId};
use objects::{Claim, Standing};

use super::world::{Crash, World};
use crate::content::Content;
use crate::rows::Table;
use crate::state::UserRow;
use crate::{
    AddDeviceError, NotDone, Notice, Plaintext, Policy, RemoveError, SendError, SetPolicyError,
    SetRoleError, Wish,
};

pub(super) fn device(world: &World, team: TeamId, node: usize) -> Device {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().own()
}

fn epoch(world: &World, team: TeamId, node: usize) -> u64 {
    world.nodes[node].endpoint.team_status(team).unwrap().unwrap().epoch
}

/// The devices of a team, as a node sees them, in order.
fn members(world: &World, team: TeamId, node: usize) -> Vec<Device> {
    let devices = world.nodes[node].endpoint.devices(team).unwrap();
    let mut devices: Vec<Device> = devices.into_iter().map(|device| device.number).collect();
    devices.sort();
    devices
}

/// The claims of a team at the relay, in order.
fn claims(world: &World, team: TeamId) -> Vec<Claim> {
    let names = world.relay.order.iter().filter(|name| name.team() == team);
    names
        .filter(|name| matches!(name.place().rest, Rest::Slot(_)))
        .map(|name| Claim::parse(world.relay.get(*name).unwrap().0.data().unwrap()).unwrap())
        .collect()
}

pub(super) fn standing(world: &World, team: TeamId, device: Device) -> Standing {
    world.relay.certificate(team, device).unwrap().standing
}

/// What a relay may still tell those who are reading when they are removed.
fn hear_of_the_end(world: &mut World, team: TeamId, node: usize) {
    for name in world.relay.order.clone() {
        let rest = name.place().rest;
        let (object, receipt) = world.relay.get(name).cloned().unwrap();
        if name.team() == team && matches!(rest, Rest::Certificate { .. } | Rest::Slot(_)) {
            world.give(node, crate::Input::Arrived { object, receipt: Some(receipt) });
        }
    }
}

/// `MLS-80`
#[test]
fn a_wish_is_heard_of_once_however_often_it_was_wished() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    world.nodes[1].wished.clear();
    let before = epoch(&world, team, 1);
    world.nodes[1].go(false);
    world.run();
    for _ in 0..3 {
        world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    }
    assert_eq!(world.nodes[1].endpoint.team_status(team).unwrap().unwrap().wishes, 1);
    world.nodes[1].restart();
    world.nodes[1].go(true);
    world.run();
    assert_eq!(world.nodes[1].wished, [(Wish::Refresh, Ok(()))]);
    assert_eq!(epoch(&world, team, 0), before + 1);
}

/// `MLS-80`
#[test]
fn wishes_of_several_kinds_are_one_commit_and_one_claim() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    world.nodes.push(super::world::Node::new("Carol", 4));
    let carol = world.act(3, |endpoint, now| endpoint.join(now, &link).unwrap()).hash;
    world.run();
    let (alice, bob) = (device(&world, team, 1), device(&world, team, 2));
    let slots = claims(&world, team).len();
    world.nodes[0].go(false);
    world.run();
    let policy = Policy { refresh_every: 3_600_000, ..Policy::default() };
    world.act(0, |endpoint, now| endpoint.add_device(now, team, carol).unwrap());
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, policy).unwrap());
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.nodes[0].wished.clear();
    world.nodes[0].go(true);
    world.run();
    let claim = &claims(&world, team)[slots];
    assert_eq!((claim.certificates.len(), claim.welcomed.len()), (3, 1));
    for wish in [Wish::Remove(bob), Wish::Role(alice, true), Wish::Policy, Wish::Refresh] {
        assert!(world.nodes[0].wished.contains(&(wish, Ok(()))), "{wish:?}");
    }
    assert_eq!(world.nodes[0].wished.len(), 4);
    let there = members(&world, team, 0);
    assert!(!there.contains(&bob) && there.contains(&device(&world, team, 3)));
    for node in [0, 1, 3] {
        assert_eq!(members(&world, team, node), there);
        assert_eq!(world.nodes[node].endpoint.policy(team), Some(policy));
    }
}

/// Everything that an admin can wish, while the process of `node` ends at a step.
fn wishes(crash: Option<Crash>) -> (World, usize) {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    world.invite(team, 2);
    let (alice, bob) = (device(&world, team, 1), device(&world, team, 2));
    world.crash = crash;
    world.steps = 0;
    world.act(0, |endpoint, now| {
        let _again = endpoint.set_role(now, team, alice, true);
    });
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let policy = Policy { max_offline_send: 60_000, ..Policy::default() };
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, policy).unwrap());
    world.act(0, |endpoint, now| {
        let _again = endpoint.remove_device(now, team, bob);
    });
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let steps = world.steps;
    assert_eq!(members(&world, team, 1), {
        let mut both = [Device::MEMBER_TOOL, alice];
        both.sort();
        both
    });
    for node in 0..2 {
        let endpoint = &world.nodes[node].endpoint;
        assert!(endpoint.is_settled(), "node {node}");
        assert_eq!(endpoint.policy(team), Some(policy));
        assert_eq!(epoch(&world, team, node), epoch(&world, team, 0));
        assert!(world.nodes[node].notices.is_empty(), "{:?}", world.nodes[node].notices);
    }
    assert!(matches!(standing(&world, team, alice), Standing::Admin(_)));
    assert_eq!(standing(&world, team, bob), Standing::Revoked);
    // One certificate for each of the two wishes, however often the process ended.
    let later = world.relay.order.iter().filter(|name| {
        let rest = name.place().rest;
        matches!(rest, Rest::Certificate { device, generation }
            if device != Device::ORIGIN && generation.value() > 0)
    });
    assert_eq!(later.count(), 2);
    (world, steps)
}

fn every_step(node: usize) {
    let never = Crash { node, step: usize::MAX, committed: true };
    let (_, steps) = wishes(Some(never));
    assert!(steps > 10);
    for step in 0..steps {
        for committed in [true, false] {
            wishes(Some(Crash { node, step, committed }));
        }
    }
}

/// `MLS-80`
#[test]
fn whoever_wishes_may_die_at_every_step() {
    every_step(0);
}

/// `MLS-80`
#[test]
fn whoever_hears_may_die_at_every_step() {
    every_step(1);
}

/// `MLS-81`
#[test]
fn a_removed_device_is_out_and_its_number_is_never_used_again() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let bob = device(&world, team, 2);
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(Wish::Remove(bob), Ok(()))));
    hear_of_the_end(&mut world, team, 2);
    assert!(world.nodes[2].notices.contains(&Notice::Removed { team }));
    assert_eq!(standing(&world, team, bob), Standing::Revoked);
    let claim = claims(&world, team).pop().unwrap();
    let named = claim.certificates[0].name.place().rest;
    assert!(matches!(named, Rest::Certificate { device, generation }
        if device == bob && generation.value() == 1));
    for node in 0..2 {
        assert!(!members(&world, team, node).contains(&bob));
    }
    // What is said now is sealed for those who stayed.
    let name = world.say(1, team, "about Bob");
    world.run();
    assert_eq!(world.shows(0).len(), 1);
    assert!(!world.nodes[2].shown.contains_key(&name));
    let channel = world.general(team);
    let now = world.now;
    let endpoint = &mut world.nodes[2].endpoint;
    let said = endpoint.send(now, team, channel, Plaintext::from("no"), None, Vec::new());
    assert_eq!(said, Err(SendError::NoSuchTeam));
    // Somebody who announces the number again is refused, with whatever key.
    let endpoint = &world.nodes[0].endpoint;
    let announcement = world.relay.order.iter().find_map(|name| {
        let object = &world.relay.get(*name).unwrap().0;
        let parsed = objects::Announcement::parse(object.data()?).ok()?;
        (parsed.device == bob).then(|| (parsed.hash(), object.clone()))
    });
    let (hash, object) = announcement.unwrap();
    let fits = endpoint.fits(team, &hash, &object).unwrap();
    assert_eq!(fits.err(), Some(crate::NotAdded::NumberTaken));
}

/// `MLS-81`
#[test]
fn a_removed_person_is_out_with_all_devices() {
    let mut world = World::new(&["Admin", "Alice", "Bob", "Carol"]);
    // The second of them is another device of the first.
    let user = world.nodes[1].endpoint.user().unwrap();
    let phone = UserRow { device: "phone".to_owned(), ..(*user).clone() };
    world.act(2, |endpoint, _| endpoint.rows().put(Table::Identity, b"user", &phone).unwrap());
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    for node in 1..4 {
        world.invite(team, node);
    }
    let alice = world.nodes[1].endpoint.whoami().unwrap().user_key;
    let slots = claims(&world, team).len();
    world.act(0, |endpoint, now| endpoint.remove_user(now, team, alice).unwrap());
    world.run();
    assert_eq!(members(&world, team, 3).len(), 2);
    assert_eq!(claims(&world, team).len(), slots + 1, "both with one commit");
    for node in 1..3 {
        hear_of_the_end(&mut world, team, node);
        assert!(world.nodes[node].notices.contains(&Notice::Removed { team }));
        assert_eq!(standing(&world, team, device(&world, team, node)), Standing::Revoked);
    }
    let now = world.now;
    let again = world.nodes[0].endpoint.remove_user(now, team, alice);
    assert_eq!(again, Err(RemoveError::NoSuchDevice));
}

/// `MLS-82`
#[test]
fn an_admin_adds_and_removes_and_is_no_owner() {
    let mut world = World::new(&["Admin", "Alice", "Bob", "Carol", "Dave"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    for node in 1..4 {
        world.invite(team, node);
    }
    let [alice, bob, carol] = [1, 2, 3].map(|node| device(&world, team, node));
    let now = world.now;
    let endpoint = &mut world.nodes[1].endpoint;
    let denied = endpoint.remove_device(now, team, bob);
    assert_eq!(denied, Err(RemoveError::NotAdmin));
    let denied = endpoint.add_device(now, team, objects::Hash([1; 32]));
    assert_eq!(denied, Err(AddDeviceError::NotAdmin));
    for admin in [alice, carol] {
        world.act(0, |endpoint, now| endpoint.set_role(now, team, admin, true).unwrap());
    }
    world.run();
    assert!(world.nodes[0].wished.contains(&(Wish::Role(alice, true), Ok(()))));
    // What only the owner of the root key does.
    let now = world.now;
    let endpoint = &mut world.nodes[1].endpoint;
    assert_eq!(endpoint.set_role(now, team, bob, true), Err(SetRoleError::NotAdmin));
    for above in [Device::MEMBER_TOOL, alice, carol] {
        assert_eq!(endpoint.remove_device(now, team, above), Err(RemoveError::Protected));
    }
    // Alice adds Dave and removes Bob while the member tool is away.
    world.nodes[0].go(false);
    world.run();
    let link = world.nodes[1].endpoint.team_link(team).unwrap().unwrap();
    let dave = world.act(4, |endpoint, now| endpoint.join(now, &link).unwrap()).hash;
    world.run();
    world.act(1, |endpoint, now| endpoint.add_device(now, team, dave).unwrap());
    world.act(1, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[1].added.len(), 1);
    assert!(world.nodes[1].added[0].1.is_ok());
    // Alice has told the newcomer what team and channels are called.
    let newcomer = &world.nodes[4].endpoint;
    assert_eq!(newcomer.teams().unwrap()[0].name, "Team");
    assert_eq!(newcomer.channels(team).unwrap(), world.nodes[3].endpoint.channels(team).unwrap());
    world.nodes[0].go(true);
    world.run();
    let there = members(&world, team, 0);
    assert!(there.len() == 4 && !there.contains(&bob));
    for node in [1, 3, 4] {
        assert_eq!(members(&world, team, node), there);
    }
    world.say(4, team, "thanks");
    world.run();
    assert_eq!(world.shows(0).len(), 1);
}

/// `MLS-103`
#[test]
fn an_announcement_that_is_on_its_way_is_waited_for() {
    let mut world = World::new(&["Admin", "Alice"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.run();
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    world.nodes[1].go(false);
    world.run();
    let hash = world.act(1, |endpoint, now| endpoint.join(now, &link).unwrap()).hash;
    world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
    world.run();
    assert_eq!(world.nodes[0].added, []);
    world.nodes[1].go(true);
    world.run();
    assert!(matches!(world.nodes[0].added[..], [(added, Ok(_))] if added == hash));
    assert_eq!(world.nodes[1].endpoint.teams().unwrap().len(), 1);
}

/// `MLS-104`
#[test]
fn only_what_the_member_tool_signed_names_team_and_channels() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (channel, device) = (names::Channel::MANAGE, Device::MEMBER_TOOL);
    let number = names::Number::truncate(99);
    let name = team.name(Rest::Message { channel, device, number });
    let roster = Content::Roster { name: "Mine".to_owned(), channels: vec![(2, "c".to_owned())] };
    let content = roster.bytes().unwrap();
    let alice = world.nodes[1].endpoint.team(team).unwrap().unwrap().log_seed.signer();
    let signature = crate::content::sign(&alice, name, &content);
    let forged = Content::Reseal { name, signature, content };
    world.act(1, |endpoint, now| {
        endpoint.manage(now, team, &forged).unwrap();
        endpoint.settle(now).unwrap();
    });
    // As itself it is no announcement either.
    world.act(1, |endpoint, now| {
        endpoint.manage(now, team, &roster).unwrap();
        endpoint.settle(now).unwrap();
    });
    world.run();
    for node in [0, 2] {
        assert_eq!(world.nodes[node].endpoint.teams().unwrap()[0].name, "Team", "node {node}");
    }
    // The member tool's own word counts whoever seals it again, and an older one not any more.
    let made = world.act(0, |endpoint, now| endpoint.create_channel(now, team, "new").unwrap());
    world.run();
    world.act(1, |endpoint, now| {
        endpoint.pass_roster_on(now, team).unwrap();
        endpoint.settle(now).unwrap();
    });
    world.run();
    let channels = world.nodes[2].endpoint.channels(team).unwrap();
    assert!(channels.len() == 2 && channels.iter().any(|channel| channel.id == made));
}

/// `MLS-82`
#[test]
fn who_is_no_admin_any_more_decides_nothing() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (alice, bob) = (device(&world, team, 1), device(&world, team, 2));
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    world.nodes[1].go(false);
    world.run();
    world.act(1, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, false).unwrap());
    world.run();
    assert_eq!(standing(&world, team, alice), Standing::Certified);
    world.nodes[1].go(true);
    world.run();
    let refused = (Wish::Remove(bob), Err(NotDone::NotAdmin));
    assert_eq!(world.nodes[1].wished.last(), Some(&refused));
    assert!(members(&world, team, 1).contains(&bob));
    world.say(1, team, "still a member");
    world.run();
    assert_eq!(world.shows(2).len(), 1);
    let now = world.now;
    let gone = world.nodes[0].endpoint.set_role(now, team, Device::MAX, true);
    assert_eq!(gone, Err(SetRoleError::NoSuchDevice));
    let own = world.nodes[0].endpoint.set_role(now, team, Device::MEMBER_TOOL, false);
    assert_eq!(own, Err(SetRoleError::Protected));
}

/// `MLS-82`
#[test]
fn two_admins_who_remove_the_same_device_at_once_both_get_their_wish() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let (alice, carol) = (device(&world, team, 1), device(&world, team, 3));
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    for node in [0, 1] {
        world.act(node, |endpoint, now| endpoint.remove_device(now, team, carol).unwrap());
    }
    world.run();
    for node in [0, 1] {
        let done = (Wish::Remove(carol), Ok(()));
        assert_eq!(world.nodes[node].wished.last(), Some(&done), "node {node}");
        assert!(world.nodes[node].endpoint.is_settled());
        assert!(!members(&world, team, node).contains(&carol));
    }
    world.say(2, team, "fewer");
    world.run();
    assert_eq!(world.shows(1).len(), 1);
}

/// `MLS-84`
#[test]
fn everybody_has_the_policy_that_an_admin_set() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    assert_eq!(world.nodes[1].endpoint.policy(team), Some(Policy::default()));
    let policy = Policy { max_offline_send: 3_600_000, refresh_every: 86_400_000 };
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, policy).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(Wish::Policy, Ok(()))));
    world.invite(team, 2);
    for node in 0..3 {
        assert_eq!(world.nodes[node].endpoint.policy(team), Some(policy), "node {node}");
        let reloaded = world.nodes[node].reload().unwrap();
        assert_eq!(reloaded.policy(team), Some(policy));
    }
    let now = world.now;
    let by_member = world.nodes[1].endpoint.set_policy(now, team, Policy::default());
    assert_eq!(by_member, Err(SetPolicyError::NotAdmin));
    let never = Policy { refresh_every: 0, ..policy };
    let unsound = world.nodes[0].endpoint.set_policy(now, team, never);
    assert_eq!(unsound, Err(SetPolicyError::OutOfBounds));
}

/// `MLS-86`
#[test]
fn who_has_lost_a_slot_waits_its_turn_before_the_next() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    // Leaves 1 and 2 of three: Bob is one behind Alice, Alice two behind Bob.
    for (first, second, wait) in [(1, 2, 100), (2, 1, 200)] {
        let (lost_at, taken) = (world.now, world.relay.taken);
        world.claim_unheard(first, second, team);
        world.run();
        assert_eq!(world.relay.taken, taken + 1);
        assert_eq!(world.nodes[second].endpoint.quiet(team), lost_at.plus(wait));
        assert!(world.now >= lost_at.plus(wait));
        assert!(world.nodes[second].endpoint.is_settled());
    }
}

/// `MLS-87`
#[test]
fn everybody_renews_the_own_leaf_in_time_by_itself() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let policy = Policy { refresh_every: 3_600_000, ..Policy::default() };
    world.act(0, |endpoint, now| endpoint.set_policy(now, team, policy).unwrap());
    world.run();
    let before = epoch(&world, team, 0);
    world.nodes.iter_mut().for_each(|node| node.wished.clear());
    world.run_for(3_610_000);
    for node in 0..3 {
        assert_eq!(world.nodes[node].wished, [(Wish::Refresh, Ok(()))], "node {node}");
        assert_eq!(epoch(&world, team, node), before + 3);
    }
    // A clock that was wrong for a while delays nothing for long.
    world.nodes[1].restart();
    world.run_for(3_610_000);
    assert_eq!(epoch(&world, team, 1), before + 6);
}

/// `MLS-89`
#[test]
fn another_origin_is_named_to_all_teams_behind_their_head() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let other = world.act(0, |endpoint, now| endpoint.create_team(now, "Other").unwrap());
    world.run();
    let mut relay = world.reference();
    relay.address = "elsewhere:1".to_owned();
    world.act(0, |endpoint, now| endpoint.move_origin(now, &relay).unwrap());
    world.run();
    for (node, team) in [(0, team), (1, team), (0, other)] {
        let endpoint = &world.nodes[node].endpoint;
        let head = endpoint.team(team).unwrap().unwrap().head();
        let (_, term) = endpoint.terms(team).unwrap().pop().unwrap();
        assert_eq!((term.after, term.claim), head);
        assert_eq!((term.key, term.address), (relay.key, relay.address.clone()));
    }
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    assert!(world.nodes[1].endpoint.is_settled(), "slots go on");
    let now = world.now;
    let moved = world.nodes[1].endpoint.move_origin(now, &relay);
    assert_eq!(moved, Err(crate::MoveOriginError::NotAdmin));
}
