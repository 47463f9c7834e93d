//! What each confined process cannot do, and what it still can: every row of the table runs in
//! a process that has locked itself down with the very calls of the product, and once more in a
//! control that has not and must succeed. All of it as root and as an unprivileged user.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken set-up has to fail the test"
)]
#![expect(clippy::print_stdout, reason = "what was not run is said, and how much was")]

mod launch;
mod table;
mod world;

use std::collections::BTreeMap;

use table::{Answer, ROWS, Row};
use world::{ROLES, User, World, users};

/// `SANDBOX-03`
#[test]
fn every_row_holds_for_every_role_and_its_control_succeeds() {
    let mut wrong = Vec::new();
    for user in users() {
        let world = World::new(user);
        let rows: Vec<&Row> = ROWS.iter().filter(|row| row.user.runs_as(user)).collect();
        for row in &rows {
            let control = world.probe("free", row.probe);
            if control != Answer::Done {
                wrong.push(format!("{user:?} control {}: {control:?}", row.probe));
            }
            for (role, expected) in ROLES.into_iter().zip(row.answers) {
                let answer = world.probe(role, row.probe);
                if answer != expected {
                    let probe = row.probe;
                    wrong.push(format!("{user:?} {role} {probe}: {answer:?}, not {expected:?}"));
                }
            }
        }
        println!("{user:?}: {} rows, each as three roles and a control", rows.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `SANDBOX-03`
#[test]
fn the_table_refuses_at_least_forty_things_to_every_role() {
    for (place, role) in ROLES.into_iter().enumerate() {
        let refused = ROWS.iter().filter(|row| row.answers[place] != Answer::Done).count();
        println!("{role}: {refused} of {} refused", ROWS.len());
        assert!(refused >= 40, "{role}: {refused}");
    }
    let mut names = BTreeMap::new();
    for row in ROWS {
        *names.entry(row.probe).or_insert(0) += 1;
    }
    assert!(names.values().all(|count| *count == 1), "a probe stands in the table twice");
}

/// `SANDBOX-05`: names the missing kernel feature if there is one.
#[test]
fn every_role_is_fully_confined_here() {
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            assert_eq!(world.level(role), "full", "{user:?} {role}");
        }
    }
}

/// `SANDBOX-02`
#[test]
fn a_locked_down_process_looks_locked_down_from_outside() {
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            let process = world.wait_locked_down(role);
            let status = process.file("status");
            for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "Threads:\t1"] {
                assert!(
                    status.lines().any(|found| found == line),
                    "{user:?} {role} {line}\n{status}"
                );
            }
            for kind in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                let line = format!("{kind}:\t0000000000000000");
                assert!(status.contains(&line), "{user:?} {role} {line}\n{status}");
            }
            let limits = process.file("limits");
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            let numbers: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
            assert_eq!(numbers, ["0", "0"], "{user:?} {role}");
        }
    }
}

/// `SANDBOX-02`: root may trace everybody; for everybody else "not dumpable" has to hold.
#[test]
fn no_process_of_the_same_user_reaches_a_locked_down_one() {
    for user in users().into_iter().filter(|user| *user != User::Root) {
        let world = World::new(user);
        for probe in ["trace", "read-memory", "memory-file", "environment-file", "take-descriptor"]
        {
            assert_eq!(world.probe("free", probe), Answer::Done, "{probe}");
            for role in ROLES {
                let process = world.wait_locked_down(role);
                let answer = world.probe_against("free", probe, process.number());
                assert!(
                    matches!(answer, Answer::Refused(libc_errno::EPERM | libc_errno::EACCES)),
                    "{role} {probe}: {answer:?}"
                );
            }
        }
    }
}

/// `SANDBOX-01`
#[test]
fn a_second_thread_before_lock_down_is_refused() {
    for user in users() {
        let world = World::new(user);
        assert_eq!(world.probe("free", "second-thread"), Answer::Done);
        for role in ROLES {
            assert_eq!(world.probe(role, "second-thread"), Answer::Ended(71), "{user:?} {role}");
        }
    }
}

/// The two answers of Linux to "you may not".
mod libc_errno {
    pub(super) const EPERM: i32 = 1;
    pub(super) const EACCES: i32 = 13;
}
