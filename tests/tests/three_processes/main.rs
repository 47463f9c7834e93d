//! Two people write to each other while every process of theirs, and the relay between them, is
//! killed again and again. Every message must be there once, in order, on both sides.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod writer;

use std::time::{Duration, Instant};

use harness::{Bins, Display, Endpoint, Folder, Role, Shape, World, until};
use serde_json::Value;

use crate::writer::Writer;

/// What is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Alice(Role),
    Bob(Role),
    Relay,
}

/// `TESTS-09`
#[test]
fn a_hundred_kills_lose_nothing_and_double_nothing() {
    let folder = Folder::new("three-processes").unwrap();
    let display = Display::start(folder.path()).unwrap();
    let shape = |geometry: &str| Shape::Window {
        geometry: geometry.to_owned(),
        display: Some(display.name().to_owned()),
    };
    let bins = Bins::of_this_run().unwrap();
    let shapes = [shape("790x860+0+0"), shape("790x860+800+0")];
    let mut world = World::start(&bins, folder.path(), shapes).unwrap();
    let place = world.general();
    let alice = Writer::start("alice", world.alice.commands(), &place);
    let bob = Writer::start("bob", world.bob.commands(), &place);
    let began = Instant::now();
    for (count, victim) in VICTIMS.iter().cycle().take(KILLS).enumerate() {
        // Both are in the middle of their talk when it happens.
        alice.more(2);
        bob.more(2);
        kill(&mut world, *victim);
        if count % 10 == 9 {
            let (seconds, written) = (began.elapsed().as_secs(), alice.written() + bob.written());
            println!("{} kills, {written} messages, {seconds} s", count + 1);
        }
    }
    alice.more(2);
    bob.more(2);
    let wanted = [alice.finish(), bob.finish()];
    let all: usize = wanted.iter().map(Vec::len).sum();
    let read = |person: &Endpoint| {
        until("all messages", Duration::from_secs(180), || {
            let rows = person.commands().read_all(&place)?;
            let there = rows.len() >= all && !rows.iter().any(|row| state(row) == "queued");
            Ok(there.then_some(rows))
        })
    };
    let rows = [read(&world.alice).unwrap(), read(&world.bob).unwrap()];
    for rows in &rows {
        for (who, wanted) in ["alice", "bob"].iter().zip(&wanted) {
            let written = |text: &&str| text.starts_with(who);
            let found: Vec<&str> = rows.iter().map(text).filter(written).collect();
            assert_eq!(&found, wanted, "{who}");
        }
        assert_eq!(rows.len(), all);
    }
    let names = |rows: &[Value]| rows.iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&rows[0]), names(&rows[1]), "both see one order");
    println!("{KILLS} kills, {all} messages, each once and in order on both sides");
    world.stop().unwrap();
}

fn kill(world: &mut World, victim: Victim) {
    let (person, role) = match victim {
        Victim::Relay => {
            world.relay.kill().unwrap();
            return world.relay.start().unwrap();
        }
        Victim::Alice(role) => (&mut world.alice, role),
        Victim::Bob(role) => (&mut world.bob, role),
    };
    let old = person.kill(role).unwrap();
    if role == Role::Launcher {
        person.start().unwrap();
    } else {
        person.wait_for(role, Some(old), PATIENCE).unwrap();
    }
    if matches!(role, Role::Launcher | Role::Secure) {
        person.unlock().unwrap();
    }
}

fn text(row: &Value) -> &str {
    row["text"].as_str().unwrap_or_default()
}

fn state(row: &Value) -> &str {
    row["state"].as_str().unwrap_or_default()
}

/// Each kind twice in ten, so twenty times in a hundred.
const VICTIMS: [Victim; 10] = [
    Victim::Alice(Role::Net),
    Victim::Bob(Role::Window),
    Victim::Relay,
    Victim::Alice(Role::Secure),
    Victim::Bob(Role::Launcher),
    Victim::Bob(Role::Net),
    Victim::Alice(Role::Window),
    Victim::Relay,
    Victim::Bob(Role::Secure),
    Victim::Alice(Role::Launcher),
];
const KILLS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);
