//! `secure-proc` is killed at every write, sync and send of a conversation, and power goes at every
//! sync and between: from disk alone nothing that was acknowledged is lost, nothing is sent twice,
//! and nothing leaves in two versions.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken set-up has to fail the test"
)]
#![expect(clippy::print_stdout, reason = "the points are counted aloud")]

mod alice;
mod disk;
mod net;
mod outside;
mod person;
mod power;
mod script;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use power::Record;
use script::{End, judge, talk};
use trace::Point;
use world::{Start, World};

/// `TESTS-12` `SECURE-01` `SECURE-05` `VAULT-02`
#[test]
fn killed_at_every_write_sync_and_send_nothing_is_lost_or_sent_twice() {
    if !may_trace() {
        return;
    }
    let begun = Instant::now();
    let start = Start::make().unwrap();
    let points = Record::make(&start).points();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for point in &points {
        *kinds.entry(point.call).or_default() += 1;
    }
    println!("crash: {} points {kinds:?}", points.len());
    let (wrong, beyond) = at_all(&points, |index, point| kill_at(&start, index, *point));
    let took = begun.elapsed().as_secs();
    println!(
        "crash: killed at every one, {beyond} of them beyond the end of a shorter run; {took} s"
    );
    assert!(wrong.is_empty(), "{} points fail:\n{}", wrong.len(), wrong.join("\n"));
}

/// `TESTS-12` `SECURE-01` `VAULT-02`
#[test]
fn without_power_at_every_sync_and_send_nothing_is_lost_or_sent_twice() {
    if !may_trace() {
        return;
    }
    let begun = Instant::now();
    let start = Start::make().unwrap();
    let record = Record::make(&start);
    let losses = record.losses();
    let (wrong, _) = at_all(&losses, |_, loss| record.judge(&start, *loss).map(|()| true));
    let took = begun.elapsed().as_secs();
    println!("crash: {} losses of power; {took} s", losses.len());
    assert!(wrong.is_empty(), "{} losses fail:\n{}", wrong.len(), wrong.join("\n"));
}

/// `false`: the run ended before it came to that point.
fn kill_at(start: &Start, index: usize, point: Point) -> Result<bool, String> {
    let vault = start.copy();
    let log = vault.path().with_extension("strace");
    let mut world = World::at(start, &start.moment);
    let killer = trace::killer(&log, point);
    // In every second run net-proc dies at the same moment.
    let talked = talk(start, &mut world, vault.path(), &killer, index % 2 == 1);
    std::fs::remove_file(log).unwrap();
    let (ledger, end) = talked?;
    judge(start, &mut world, vault.path(), ledger)?;
    Ok(matches!(end, End::Cut))
}

/// Runs `check` for all items, two at a time; what went wrong, and how often it was `false`.
fn at_all<T: Sync + std::fmt::Debug>(
    items: &[T],
    check: impl Fn(usize, &T) -> Result<bool, String> + Sync,
) -> (Vec<String>, usize) {
    let next = Mutex::new(items.iter().enumerate());
    let outcome = Mutex::new((Vec::new(), 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((index, item)) = next.lock().unwrap().next() else {
                        return;
                    };
                    let checked = check(index, item);
                    let mut outcome = outcome.lock().unwrap();
                    match checked {
                        Ok(true) => {}
                        Ok(false) => outcome.1 += 1,
                        Err(wrong) => outcome.0.push(format!("{item:?}: {wrong}")),
                    }
                }
            });
        }
    });
    outcome.into_inner().unwrap()
}

/// Only root may trace a process that is not dumpable.
fn may_trace() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not run: needs root");
    println!("not run: needs root");
    false
}
