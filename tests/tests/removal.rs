//! A person who is removed while away, with real processes at a real relay.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use harness::{Bins, Endpoint, Folder, Role, Shape, World, until};
use serde_json::Value;

/// `TESTS-18`
#[test]
fn who_is_removed_while_away_learns_it_from_the_relay_and_reads_on() {
    let folder = Folder::new("removal").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let mut world = World::start(&bins, folder.path(), [Shape::Headless, Shape::Headless]).unwrap();
    let (place, team) = (world.general(), world.team.clone());
    world.alice.commands().cli(&["send", &place, "before"]).unwrap();
    reads(&world.bob, &place, &["before"]);

    // Bob's machine is off: meanwhile the order of commits goes on, and he is removed.
    world.bob.stop().unwrap();
    world.alice.commands().cli(&["refresh", &team]).unwrap();
    let removed = world.admin.run(&["user", "remove", &team, "Bob"]).unwrap();
    assert!(removed.get("user_key").is_some(), "{removed}");
    world.alice.commands().cli(&["send", &place, "after"]).unwrap();

    world.bob.start().unwrap();
    world.bob.unlock().unwrap();
    let bob = world.bob.commands();
    let told = until("the proof of the removal", PATIENCE, || {
        let teams = bob.cli(&["teams"])?;
        Ok(teams.into_iter().find(|team| team.get("removed").is_some()))
    });
    let told = told.unwrap();
    assert_eq!((told["id"].as_str(), told["name"].as_str()), (Some(&*team), Some("Two people")));
    assert_eq!(told["removed"]["by"], "Admin");
    assert!(told["removed"]["at"].as_u64() > Some(0));
    let status = bob.cli(&["status"]).unwrap();
    assert_eq!(status[0]["teams"][0]["standing"], "removed");

    // What he read stays, also behind a restart of the process with the keys; nothing else comes.
    let old = world.bob.kill(Role::Secure).unwrap();
    world.bob.wait_for(Role::Secure, Some(old), PATIENCE).unwrap();
    world.bob.unlock().unwrap();
    let bob = world.bob.commands();
    let before = bob.read_all(&place).unwrap();
    let texts: Vec<&str> = before.iter().filter_map(|row| row["text"].as_str()).collect();
    assert!(texts.contains(&"before") && !texts.contains(&"after"), "{texts:?}");
    assert!(before.iter().all(|row| row["state"] != "queued"), "{before:?}");
    assert!(bob.cli(&["channels", &team]).unwrap().iter().any(|row| row["name"] == "general"));
    for act in [&["send", &place, "too late"][..], &["refresh", &team], &["devices", &team]] {
        let refused = bob.cli(act).err().and_then(|trouble| trouble.code);
        assert_eq!(refused.as_deref(), Some("removed"), "{act:?}");
    }
    assert_eq!(bob.read_all(&place).unwrap(), before);

    // Let in again he is somebody new, and the old history is still there.
    let org = world.admin.run(&["org", "show"]).unwrap();
    let link = world.admin.run(&["team", "link", &team]).unwrap();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap().to_owned();
    let (link, fingerprint) = (text(&link, "link"), text(&org, "fingerprint"));
    let joining = bob.cli(&["join", &link, "--fingerprint", &fingerprint]).unwrap();
    assert_eq!(bob.read_all(&place).unwrap(), before, "also while he waits");
    world.admin.run(&["device", "add", &team, &text(&joining[0], "hash")]).unwrap();
    until("the team", PATIENCE, || {
        let teams = bob.cli(&["teams"])?;
        Ok(teams.iter().any(|it| it["id"] == *team && it.get("removed").is_none()).then_some(()))
    })
    .unwrap();
    world.alice.commands().cli(&["send", &place, "welcome back"]).unwrap();
    reads(&world.bob, &place, &["before", "welcome back"]);
    world.stop().unwrap();
}

/// Waits until a person reads all of these.
fn reads(person: &Endpoint, place: &str, texts: &[&str]) {
    let read = until("messages", PATIENCE, || {
        let rows = person.commands().read_all(place).unwrap_or_default();
        let here = |text: &&str| rows.iter().any(|row| row["text"] == **text);
        Ok(texts.iter().all(here).then_some(()))
    });
    read.unwrap();
}

const PATIENCE: Duration = Duration::from_secs(60);
