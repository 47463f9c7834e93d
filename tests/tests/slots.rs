//! The one order of commits, claimed by real endpoints at a real origin relay.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use harness::{Bins, Endpoint, Folder, Shape, World, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How a team stands for one endpoint.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
struct Stand {
    epoch: u64,
    slot: u64,
    wishes: u64,
    queued: u64,
}

fn stand(person: &Endpoint) -> Stand {
    let status = person.commands().cli(&["status"]).unwrap();
    let team = status.first().and_then(|status| status.pointer("/teams/0")).unwrap();
    let number = |field: &str| team.get(field).and_then(Value::as_u64).unwrap();
    Stand {
        epoch: number("epoch"),
        slot: number("slot"),
        wishes: number("wishes"),
        queued: number("queued"),
    }
}

/// `TESTS-13`
#[test]
fn of_two_claims_for_one_slot_one_wins_and_both_wishes_land_once() {
    let folder = Folder::new("slots").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let shapes = [Shape::Headless, Shape::Headless];
    let mut world = World::start(&bins, folder.path(), shapes).unwrap();
    let people = [&world.alice, &world.bob];
    let relay = Pid::from_raw(i32::try_from(world.relay.pid().unwrap()).unwrap()).unwrap();

    // Newcomers renew their leaves by themselves; from then on only this test wishes anything.
    let mut before = settled(people, |stand| stand.slot >= 4);
    for round in 1..=ROUNDS {
        // While the origin stands still nobody can hear of the other's claim: both commit to the
        // same epoch and claim the same slot.
        kill_process(relay, Signal::STOP).unwrap();
        for person in people {
            person.commands().cli(&["refresh", &world.team]).unwrap();
        }
        for person in people {
            let made = until("a commit that waits for the origin", PATIENCE, || {
                let now = stand(person);
                Ok((now.wishes == 1 && now.queued > 0).then_some(now))
            });
            let made = made.unwrap();
            assert_eq!((made.slot, made.epoch), (before.slot, before.epoch), "round {round}");
        }
        kill_process(relay, Signal::CONT).unwrap();
        let after = settled(people, |now| now.slot >= before.slot + 2);
        let landed = (after.slot - before.slot, after.epoch - before.epoch);
        assert_eq!(landed, (2, 2), "round {round}: one commit and one epoch for each wish");
        before = after;
    }
    println!("slots: {ROUNDS} rounds of two claims, {} slots decided", 2 * ROUNDS);

    // Nobody was left behind: what is said in the last epoch is read.
    let place = world.general();
    world.alice.commands().cli(&["send", &place, "still together"]).unwrap();
    until("the message", PATIENCE, || {
        let rows = world.bob.commands().read_all(&place)?;
        Ok(rows.iter().any(|row| row["text"] == "still together").then_some(()))
    })
    .unwrap();
    world.stop().unwrap();
}

/// Where both stand once nothing waits and both agree.
fn settled(people: [&Endpoint; 2], far: impl Fn(&Stand) -> bool) -> Stand {
    until("both at the same slot with no wish open", PATIENCE, || {
        let [one, other] = people.map(stand);
        let same = (one.slot, one.epoch) == (other.slot, other.epoch);
        Ok((same && one.wishes == 0 && other.wishes == 0 && far(&one)).then_some(one))
    })
    .unwrap()
}

const ROUNDS: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(60);
