//! Somebody of the organisation is added to another team without being asked, with real processes
//! at a real relay: by the key packages that lie there.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use harness::{Bins, Endpoint, Folder, Join, Role, Shape, Trouble, World, until};
use serde_json::Value;

/// `TESTS-23`
#[test]
fn who_is_of_the_organisation_is_added_to_another_team_while_away() {
    let folder = Folder::new("invited").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let mut world = World::start(&bins, folder.path(), [Shape::Headless, Shape::Headless]).unwrap();
    let first = world.general();
    world.bob.commands().cli(&["send", &first, "before I go"]).unwrap();
    reads(&world.alice, &first, "before I go");
    let second = Join::of(&world.admin, "Second").unwrap();
    second.admit(&world.admin, &world.alice).unwrap();
    let place = format!("{}/general", second.team);

    // A newcomer's first key package follows within seconds, if he stays for so long; the welcome
    // waits at the relay, like everything else.
    let bob = until("a key package of somebody who is away", PATIENCE, || {
        world.bob.stop()?;
        let added = world.admin.run(&["user", "add", &second.team, "Bob"]);
        if added.is_err() {
            world.bob.start()?;
            world.bob.unlock()?;
            std::thread::sleep(STAY);
        }
        unless_none_is_there(added)
    });
    assert!(bob.unwrap().get("user_key").is_some());
    world.alice.commands().cli(&["send", &place, "for Bob as well"]).unwrap();
    world.bob.start().unwrap();
    world.bob.unlock().unwrap();
    reads(&world.bob, &place, "for Bob as well");

    // Taken out, and added once more: by another key package.
    world.admin.run(&["user", "remove", &second.team, "Bob"]).unwrap();
    until("the removal", PATIENCE, || {
        let teams = world.bob.commands().cli(&["teams"])?;
        let mut here = teams.iter().filter(|row| row["id"] == *second.team);
        Ok(here.all(|row| row.get("removed").is_some()).then_some(()))
    })
    .unwrap();
    until("another key package", PATIENCE, || {
        unless_none_is_there(world.admin.run(&["user", "add", &second.team, "Bob"]))
    })
    .unwrap();
    world.alice.commands().cli(&["send", &place, "back again"]).unwrap();
    reads(&world.bob, &place, "back again");

    // What he was given lasts, and the first team has noticed nothing.
    let old = world.bob.kill(Role::Secure).unwrap();
    world.bob.wait_for(Role::Secure, Some(old), PATIENCE).unwrap();
    world.bob.unlock().unwrap();
    for (place, text) in [(&place, "still here"), (&first, "and here")] {
        world.bob.commands().cli(&["send", place, text]).unwrap();
        reads(&world.alice, place, text);
    }
    let unknown = world.admin.run(&["user", "add", &second.team, "Nobody"]).err();
    assert_eq!(unknown.and_then(|trouble| trouble.code).as_deref(), Some("no-such-user"));
    world.stop().unwrap();
}

/// `None` while the relay has no key package of that person.
fn unless_none_is_there(added: Result<Value, Trouble>) -> Result<Option<Value>, Trouble> {
    match added {
        Err(trouble) if trouble.code.as_deref() == Some("no-such-user") => Ok(None),
        other => other.map(Some),
    }
}

/// Waits until a person reads this, once.
fn reads(person: &Endpoint, place: &str, text: &str) {
    let read = until("a message", PATIENCE, || {
        let rows = person.commands().read_all(place).unwrap_or_default();
        let times = rows.iter().filter(|row| row["text"] == *text).count();
        Ok((times > 0).then_some(times))
    });
    assert_eq!(read.unwrap(), 1, "{text}");
}

/// How long somebody uses the device before trying whether that was enough.
const STAY: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(120);
