//! The origin is lost for good: a child takes its place, with real processes at real relays.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::time::Duration;

use harness::{Bins, Endpoint, Folder, Join, Member, Relay, Trouble, free_port, until};
use serde_json::Value;

/// `TESTS-19`
#[test]
fn when_the_origin_is_lost_for_good_a_child_goes_on_and_everybody_finds_it() {
    let folder = Folder::new("failover").unwrap();
    let mut cast = Cast::open(&Bins::of_this_run().unwrap(), folder.path()).unwrap();
    // Alice and the member tool link to the origin, Bob and Carol to the child.
    let place = cast.place();
    for (name, person) in [("Alice", &cast.alice), ("Bob", &cast.bob), ("Carol", &cast.carol)] {
        person.commands().cli(&["send", &place, &format!("{name} is here")]).unwrap();
    }
    let everybody = ["Alice is here", "Bob is here", "Carol is here"];
    for person in [&cast.alice, &cast.bob, &cast.carol] {
        reads(person, &place, &everybody);
        come_to(person, &place, "delivered");
    }
    // Newcomers renew their leaves; the member tool claims last, and so knows the order up to there.
    let team = cast.join.team.clone();
    for person in [&cast.alice, &cast.bob, &cast.carol] {
        until("renewed leaves", PATIENCE, || {
            let now = stand(person);
            Ok((now["wishes"] == 0 && now["slot"].as_u64() >= Some(6)).then_some(()))
        })
        .unwrap();
    }
    let bob = device(&cast.bob, &team, "Bob");
    cast.admin.run(&["admin", "add", &team, &bob]).unwrap();
    let before = until("Bob as an admin", PATIENCE, || {
        let now = stand(&cast.bob);
        Ok((now["slot"].as_u64() >= Some(7)).then_some(now))
    })
    .unwrap();

    cast.origin.kill().unwrap();
    cast.alice.commands().cli(&["send", &place, "into the void"]).unwrap();
    cast.bob.commands().cli(&["send", &place, "on the island"]).unwrap();
    reads(&cast.carol, &place, &["on the island"]);

    // The child becomes the origin: the member tool, which the old one served, says so through it.
    cast.child.stop().unwrap();
    let (address, key) = (cast.child.address().to_owned(), cast.child.key().to_owned());
    cast.child.goes_alone();
    cast.child.start().unwrap();
    cast.admin.run(&["org", "move", "--relay", &address, "--relay-key", &key]).unwrap();
    let carol = device(&cast.bob, &team, "Carol");
    cast.admin.run(&["device", "remove", &team, &carol]).unwrap();
    let after = until("slots that go on", PATIENCE, || {
        let now = stand(&cast.bob);
        Ok((now["devices"] == 3 && now["unsettled"] == 0 && now["wishes"] == 0).then_some(now))
    })
    .unwrap();
    assert!(after["slot"].as_u64() > before["slot"].as_u64(), "{before} {after}");
    assert_eq!(after["origin_reachable"], true);

    // Alice knows only the old relay; the team's link leads her to the new one.
    let link = cast.admin.run(&["team", "link", &cast.join.team]).unwrap();
    let link = link["link"].as_str().unwrap();
    assert!(link.ends_with(&format!("@{key}@{address}")), "{link}");
    let args = ["join", link, "--fingerprint", &cast.join.fingerprint];
    let told = cast.alice.commands().cli(&args).unwrap();
    assert_eq!(told[0]["relay"], *address);
    reads(&cast.bob, &place, &["into the void"]);
    reads(&cast.alice, &place, &["on the island"]);
    come_to(&cast.alice, &place, "delivered");

    // Whoever comes now comes by the new one, and nothing that was said is lost.
    cast.dave.start().unwrap();
    cast.dave.create("laptop").unwrap();
    let join = Join { link: link.to_owned(), ..cast.join.clone() };
    join.admit(&cast.admin, &cast.dave).unwrap();
    until("the channel", PATIENCE, || {
        let channels = cast.dave.commands().cli(&["channels", &join.team]).unwrap_or_default();
        Ok((!channels.is_empty()).then_some(()))
    })
    .unwrap();
    cast.dave.commands().cli(&["send", &place, "Dave is here"]).unwrap();
    for person in [&cast.alice, &cast.bob] {
        reads(
            person,
            &place,
            &[&everybody[..], &["into the void", "on the island", "Dave is here"]].concat(),
        );
    }
    let rows = [&cast.alice, &cast.bob].map(|person| person.commands().read_all(&place).unwrap());
    let names = rows.map(|rows| rows.iter().map(|row| row["name"].clone()).collect::<Vec<_>>());
    let [ours, theirs] = names;
    assert_eq!(ours, theirs, "one order, and nothing twice");
    assert_eq!(ours.len(), 6);
}

struct Cast {
    admin: Member,
    alice: Endpoint,
    bob: Endpoint,
    carol: Endpoint,
    dave: Endpoint,
    child: Relay,
    origin: Relay,
    join: Join,
}

impl Cast {
    fn open(bins: &Bins, dir: &Path) -> Result<Self, Trouble> {
        let logs = dir.join("logs");
        let relay = |name: &str| {
            let address = format!("127.0.0.1:{}", free_port()?);
            Relay::at(bins, name, &dir.join(name), &logs, &address)
        };
        let mut origin = relay("origin")?;
        let mut child = relay("child")?.under(origin.address(), origin.key());
        let admin = Member::new(bins, &dir.join("admin"), "the admin's passphrase");
        let file = origin.origin_file().to_string_lossy().into_owned();
        let args = ["org", "create", "Fail-over", "--relay", origin.address()];
        admin.run(&[&args[..], &["--relay-key", origin.key(), "--origin-file", &file]].concat())?;
        std::fs::copy(&file, child.origin_file()).unwrap();
        origin.relates(&[child.key()])?;
        origin.start()?;
        child.start()?;
        let join = Join::of(&admin, "Fail-over")?;
        let near = ["--relay", child.address(), "--relay-key", child.key()];
        let far = admin.run(&[&["team", "link", &join.team][..], &near].concat())?;
        let far = Join { link: far["link"].as_str().unwrap().to_owned(), ..join.clone() };
        let endpoint = |name: &str| {
            let (data, passphrase) = (dir.join(name), format!("{name}'s passphrase"));
            Endpoint::new(bins, name, &data, &logs, &passphrase)
        };
        let mut cast = Self {
            alice: endpoint("Alice"),
            bob: endpoint("Bob"),
            carol: endpoint("Carol"),
            dave: endpoint("Dave"),
            admin,
            child,
            origin,
            join,
        };
        for (person, join) in
            [(&mut cast.alice, &cast.join), (&mut cast.bob, &far), (&mut cast.carol, &far)]
        {
            person.start()?;
            person.create("laptop")?;
            // Right after joining: the announcement is still on its way up.
            join.admit(&cast.admin, person)?;
        }
        let place = cast.place();
        for person in [&cast.alice, &cast.bob, &cast.carol] {
            until("the channel", PATIENCE, || {
                let channels = person.commands().cli(&["channels", &cast.join.team]);
                let here = channels.unwrap_or_default();
                Ok(here
                    .iter()
                    .any(|row| place.ends_with(row["name"].as_str().unwrap()))
                    .then_some(()))
            })?;
        }
        Ok(cast)
    }

    fn place(&self) -> String {
        format!("{}/general", self.join.team)
    }
}

/// How the team stands for a person.
fn stand(person: &Endpoint) -> Value {
    let status = person.commands().cli(&["status"]).unwrap();
    status[0]["teams"][0].clone()
}

/// The number of somebody's device, as another sees it.
fn device(person: &Endpoint, team: &str, user: &str) -> String {
    let rows = person.commands().cli(&["devices", team]).unwrap();
    let row = rows.into_iter().find(|row| row["user"] == user).unwrap();
    row["device"].as_u64().unwrap().to_string()
}

/// Waits until a person reads all of these.
fn reads(person: &Endpoint, place: &str, texts: &[&str]) {
    let mut rows = Vec::new();
    let read = until("messages", PATIENCE, || {
        rows = person.commands().read_all(place).unwrap_or_default();
        let here = |text: &&str| rows.iter().any(|row| row["text"] == **text);
        Ok(texts.iter().all(here).then_some(()))
    });
    assert!(read.is_ok(), "{texts:?} are not in {rows:?}");
}

/// Waits until everything that a person wrote is in this state.
fn come_to(person: &Endpoint, place: &str, state: &str) {
    let mut rows = Vec::new();
    let come = until(state, PATIENCE, || {
        rows = person.commands().read_all(place)?;
        let mut own = rows.iter().filter(|row| row["own"] == true);
        Ok(own.all(|row| row["state"] == *state).then_some(()))
    });
    assert!(come.is_ok(), "{rows:?}");
}

const PATIENCE: Duration = Duration::from_secs(90);
