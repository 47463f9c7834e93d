use names::{Rest, TeamId};
use objects::{Draft, Hash, Key, Millis, Part, Spent};

use super::wishes::device;
use super::world::{Crash, World};
use crate::pool::org_of;
use crate::rows::Table;
use crate::state::{Purpose, UserRow};
use crate::{AddUserError, Endpoint, NotDone, Wish};

/// Everybody in a first team, with a full pool; and a second team of the member tool alone.
fn pools(people: &[&str]) -> (World, TeamId) {
    let (mut world, _) = World::team(people);
    world.run_for(400_000);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Second").unwrap());
    world.run();
    (world, team)
}

fn user(world: &World, node: usize) -> Key {
    world.nodes[node].endpoint.whoami().unwrap().user_key
}

fn published(world: &World) -> usize {
    let package = |name: &&names::Name| {
        org_of(name.team()) == name.team() && matches!(name.place().rest, Rest::KeyPackage { .. })
    };
    world.relay.order.iter().filter(package).count()
}

/// `MLS-90`
#[test]
fn a_device_of_an_organisation_fills_its_pool_gently() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    assert!(world.nodes[1].endpoint.is_settled());
    world.run_for(15_000);
    assert_eq!(published(&world), 1, "one to be found by");
    let mut before = 1;
    for _ in 0..40 {
        world.run_for(10_000);
        let now = published(&world);
        assert!(now - before <= 6, "{now} after {before}");
        before = now;
        assert!(world.nodes[1].endpoint.is_settled());
    }
    assert_eq!(world.nodes[1].endpoint.pool_size(), (50, 1));
    assert_eq!(published(&world), 51);
    assert_eq!(world.nodes[0].endpoint.pool_size(), (0, 0), "nobody adds the member tool");
    world.nodes[1].restart();
    world.run_for(7 * 3_600_000);
    assert_eq!(published(&world), 51, "nothing more after a restart");
    // Replaced two weeks before their end, and forgotten with their keys when it has come.
    let packages = |world: &World| world.nodes[1].endpoint.pool_size().0;
    world.run_for(77 * 24 * 3_600_000);
    assert_eq!((published(&world), packages(&world)), (102, 100));
    let keys = world.nodes[1].endpoint.rows().count(Table::Mls, &[]);
    // The origin's clock decides, as its newest receipt says.
    world.relay.now = world.now.plus(16 * 24 * 3_600_000);
    world.run_for(22 * 24 * 3_600_000);
    assert_eq!(packages(&world), 50);
    assert!(world.nodes[1].endpoint.rows().count(Table::Mls, &[]) + 50 <= keys);
    world.say(1, team, "still here");
    world.run();
    assert_eq!(world.shows(0).len(), 1);
}

/// `MLS-91`
#[test]
fn a_person_is_added_with_all_devices_without_being_asked() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    // The second of them is another device of the first.
    let alice = world.nodes[1].endpoint.user().unwrap();
    let phone = UserRow { device: "phone".to_owned(), ..(*alice).clone() };
    world.act(2, |endpoint, _| endpoint.rows().put(Table::Identity, b"user", &phone).unwrap());
    let first = world.act(0, |endpoint, now| endpoint.create_team(now, "First").unwrap());
    for node in 1..3 {
        world.invite(first, node);
    }
    world.run_for(400_000);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Second").unwrap());
    world.run();
    world.nodes[0].added.clear();
    let alice = user(&world, 1);
    world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(Wish::Add(alice), Ok(()))));
    assert_eq!(world.nodes[0].added.len(), 2);
    assert_eq!(world.relay.used, 2, "one key package for each device");
    assert!(world.nodes[0].endpoint.is_settled());
    assert!(!world.nodes[0].endpoint.path_subscriptions().iter().any(|(_, path)| *path == 2));
    for node in 1..3 {
        let endpoint = &world.nodes[node].endpoint;
        assert_eq!(endpoint.teams().unwrap().len(), 2, "node {node}");
        assert_ne!(device(&world, team, node), device(&world, first, node));
        assert_eq!(endpoint.pool_size(), (49, 1));
    }
    world.say(1, team, "hello from the laptop");
    world.run();
    world.say(2, team, "hello from the phone");
    world.run();
    for node in 0..3 {
        assert_eq!(world.shows(node).len(), 2, "node {node}");
        assert_eq!(world.nodes[node].notices, []);
    }
    // Who is in the team already is not added again.
    world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(Wish::Add(alice), Ok(()))));
    assert_eq!(world.relay.used, 2);
}

/// `MLS-90`
#[test]
fn who_has_joined_seconds_ago_can_be_added_elsewhere() {
    let (mut world, _) = World::team(&["Admin", "Alice"]);
    world.run_for(30_000);
    world.nodes[1].go(false);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Second").unwrap());
    world.run();
    let alice = user(&world, 1);
    world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(Wish::Add(alice), Ok(()))));
    world.nodes[1].go(true);
    world.run();
    world.say(1, team, "both");
    world.run();
    assert_eq!(world.shows(0).len(), 1);
    world.run_for(400_000);
    assert_eq!(world.nodes[1].endpoint.pool_size(), (50, 1));
}

/// `MLS-91`
#[test]
fn who_has_left_no_key_package_or_is_no_admin_is_told() {
    let (mut world, team) = pools(&["Admin", "Alice"]);
    let nobody = Key([5; 32]);
    world.act(0, |endpoint, now| endpoint.add_user(now, team, nobody).unwrap());
    world.run_for(20_000);
    let none = (Wish::Add(nobody), Err(NotDone::NoKeyPackage));
    assert_eq!(world.nodes[0].wished.last(), Some(&none));
    let alice = user(&world, 1);
    world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
    world.run();
    let now = world.now;
    let denied = world.nodes[1].endpoint.add_user(now, team, nobody);
    assert_eq!(denied, Err(AddUserError::NotAdmin));
}

/// `MLS-92`
#[test]
fn a_key_package_is_used_once_and_the_pool_fills_up_again() {
    let (mut world, mut team) = pools(&["Admin", "Alice"]);
    let alice = user(&world, 1);
    for used in 1..=3 {
        world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
        world.run();
        assert_eq!(world.relay.used, used);
        assert_eq!(world.nodes[0].added.last().map(|(_, result)| result.is_ok()), Some(true));
        team = world.act(0, |endpoint, now| endpoint.create_team(now, "Next").unwrap());
        world.run();
    }
    assert_eq!(world.nodes[1].endpoint.teams().unwrap().len(), 4);
    // As if many more had been used, the reserve among them.
    world.act(1, |endpoint, _| {
        let keys = endpoint.rows().keys(Table::Pool, &[]);
        for key in keys.iter().filter(|key| key.len() > 8).skip(19) {
            endpoint.rows().remove(Table::Pool, key);
        }
    });
    let (left, reserve) = world.nodes[1].endpoint.pool_size();
    assert_eq!(left + reserve, 19);
    world.run_for(7 * 3_600_000);
    assert_eq!(world.nodes[1].endpoint.pool_size(), (50, 1));
}

/// `MLS-91`
#[test]
fn whoever_adds_or_is_added_may_die_at_every_step() {
    let run = |crash: Option<Crash>| {
        let (mut world, team) = pools(&["Admin", "Alice"]);
        let alice = user(&world, 1);
        world.crash = crash;
        world.steps = 0;
        world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
        world.run_for(30_000);
        let steps = world.steps;
        world.crash = None;
        for node in 0..2 {
            let endpoint = &world.nodes[node].endpoint;
            assert!(endpoint.is_settled(), "node {node}");
            assert_eq!(endpoint.devices(team).unwrap().len(), 2, "node {node}");
        }
        assert_eq!(world.relay.used, 1);
        steps
    };
    for node in 0..2 {
        let steps = run(Some(Crash { node, step: usize::MAX, committed: true }));
        for step in (0..steps).step_by(3) {
            run(Some(Crash { node, step, committed: step % 2 == 0 }));
        }
    }
}

/// `MLS-92`
#[test]
fn who_is_no_admin_any_more_uses_no_key_package() {
    let (mut world, team) = pools(&["Admin", "Alice", "Bob"]);
    let (alice, bob) = (user(&world, 1), user(&world, 2));
    world.act(0, |endpoint, now| endpoint.add_user(now, team, alice).unwrap());
    world.run();
    let alice = device(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    world.nodes[1].go(false);
    world.act(1, |endpoint, now| {
        endpoint.add_user(now, team, bob).unwrap();
        // It had chosen one before its link went.
        let spent = Spent { announcement: Hash([7; 32]), team, device: alice };
        let row = endpoint.team(team).unwrap().unwrap();
        let draft = Draft {
            name: org_of(team).name(Spent::rest(&spent.announcement)),
            created: now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &spent.bytes(),
        };
        let object = draft.sign(&Endpoint::log_signer(&row)).unwrap();
        endpoint.queue(&object, Purpose::Use).unwrap();
    });
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, false).unwrap());
    world.run();
    let used = world.relay.used;
    world.nodes[1].go(true);
    world.run_for(60_000);
    let told = &world.nodes[1].wished;
    assert!(told.contains(&(Wish::Add(bob), Err(NotDone::NotAdmin))), "{told:?}");
    assert_eq!(world.relay.used, used);
    assert!(world.nodes[1].endpoint.is_settled());
}
