//! How many threads group operations start. Every case runs in a process of its own, since
//! rayon's pool is one per process.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and print, and waits for few outputs of many"
)]

use std::process::Command;

use mls_core::{Answer, Endpoint, Entropy, Input, Output, prepare_threads};
use objects::{Millis, Object, Receipt, RelayRef, Signer};

/// `MLS-03`
#[test]
fn group_operations_start_no_thread() {
    if let Ok(how) = std::env::var(HOW) {
        return count(how == PREPARED);
    }
    assert_eq!(started(PREPARED), "0");
    // The control: without preparation, the same operations do start threads.
    assert_ne!(started("unprepared"), "0");
}

/// What this test prints when it is run again in a process of its own.
fn started(how: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "group_operations_start_no_thread", "--nocapture"]);
    let output = command.env(HOW, how).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = output.split_once("threads started: ").unwrap();
    rest.lines().next().unwrap().to_owned()
}

fn count(prepared: bool) {
    if prepared {
        assert!(prepare_threads());
    }
    let before = threads();
    add_and_refresh();
    println!("threads started: {}", threads() - before);
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Commits with paths for others: what OpenMLS does on rayon's pool.
fn add_and_refresh() {
    let now = Millis(1_000_000);
    let relay = Signer::from_seed(&[7; 32]);
    let reference = RelayRef { address: "localhost:1".to_owned(), key: relay.key() };
    let mut seed = 0_u8;
    let mut random = || {
        seed += 1;
        let mut next = seed;
        let fill = move |bytes: &mut [u8]| {
            for byte in bytes {
                next = next.wrapping_mul(5).wrapping_add(113);
                *byte = next;
            }
        };
        Box::new(fill)
    };
    let mut admin = Endpoint::create("Admin", "desk", Entropy::system(random())).unwrap();
    admin.create_org("Acme", &reference).unwrap();
    let team = admin.create_team(now, "Team").unwrap();
    let mut alice = Endpoint::create("Alice", "laptop", Entropy::system(random())).unwrap();
    let link = admin.team_link(team).unwrap().unwrap();
    let hash = alice.join(now, &link).unwrap().hash;
    let linked = || Input::Linked { relay: relay.key(), exporter: [0; 32], now };
    alice.handle(now, linked()).unwrap();
    let outputs = std::iter::from_fn(|| alice.poll());
    let announcement = outputs.filter_map(|output| match output {
        Output::Publish { object, .. } => Some(object),
        _ => None,
    });
    let announcement = announcement.last();
    admin.handle(now, linked()).unwrap();
    admin.handle(now, Input::CaughtUp { team }).unwrap();
    admin.add_device(now, team, hash).unwrap();
    let at = settle(&mut admin, &relay, now, announcement.as_ref());
    admin.refresh(at, team).unwrap();
    settle(&mut admin, &relay, at, None);
    let status = admin.team_status(team).unwrap().unwrap();
    assert_eq!((status.epoch, status.devices), (2, 2));
}

/// A relay that agrees to everything.
fn settle(endpoint: &mut Endpoint, relay: &Signer, now: Millis, found: Option<&Object>) -> Millis {
    while let Some(output) = endpoint.poll() {
        match output {
            Output::Publish { id, object } | Output::Claim { id, object } => {
                let head = match object.name().place().rest {
                    names::Rest::Slot(slot) => slot,
                    _ => names::Slot::ZERO,
                };
                let receipt = Receipt::sign(relay, &object, head, now);
                let answer = Answer::Receipt(receipt);
                endpoint.handle(now, Input::Answered { id, answer }).unwrap();
            }
            Output::Get { id, .. } => {
                let object = found.cloned();
                endpoint.handle(now, Input::Found { id, object, receipt: None }).unwrap();
            }
            _ => {}
        }
    }
    now
}

const HOW: &str = "SOTTO_TEST_THREADS";
const PREPARED: &str = "prepared";
