//! The steps of the README, typed as they stand there.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use harness::{Bins, Folder, Running, Said, processes_naming, source, until};
use serde_json::Value;

/// `TESTS-08`
#[test]
fn the_steps_by_hand_lead_to_two_people_who_talk() {
    let folder = Folder::new("readme").unwrap();
    let home = folder.path().canonicalize().unwrap();
    let readme = std::fs::read_to_string(source::root().join("README.md")).unwrap();
    let steps = readme.split("<!-- by hand:").nth(1).unwrap();
    let steps = steps.split("```sh\n").nth(1).unwrap();
    let steps = steps.split("```").next().unwrap();
    let script = format!("set -euo pipefail\n{steps}\necho all steps done\n");
    let bins = Bins::of_this_run().unwrap();
    let path = std::env::var("PATH").unwrap();

    let mut command = Command::new("bash");
    command.arg("-c").arg(script);
    command.env("HOME", &home).current_dir(&home);
    command.env("PATH", format!("{}:{path}", bins.dir().display()));
    let mut typed = Running::start(command, "steps", &home).unwrap();
    let done = until("the end of the steps", Duration::from_secs(120), || {
        let line = typed.line_now();
        let ended = typed.status()?.filter(|_| line.is_none());
        assert!(ended.is_none(), "{}", log(&typed));
        Ok(line.filter(|line| line == "all steps done"))
    });
    let dir = home.join("sotto-by-hand");
    if done.is_ok() {
        for (who, other) in [("Alice", "Bob"), ("Bob", "Alice")] {
            let rows = read(&bins, &dir.join(who));
            assert_eq!(rows.len(), 1, "{who}");
            assert_eq!(rows[0]["text"], "Hello, Bob");
            assert_eq!(rows[0]["from"], "Alice");
            assert_eq!(rows[0]["own"], who == "Alice", "{other} wrote it");
        }
    }
    end(&bins, &dir);
    assert!(done.is_ok(), "{}", log(&typed));
}

fn read(bins: &Bins, data: &Path) -> Vec<Value> {
    let mut command = bins.command("sotto-cli");
    command.arg("--data").arg(data).arg("--json");
    command.args(["read", "Two/general"]);
    Said::by(command, "").unwrap().values().unwrap()
}

/// The endpoints by their own command, the relay by a signal; then nothing is left.
fn end(bins: &Bins, dir: &Path) {
    for who in ["Alice", "Bob"] {
        let mut command = bins.command("sotto");
        command.arg("stop").arg("--data").arg(dir.join(who));
        Said::by(command, "").unwrap();
    }
    for pid in processes_naming(&dir.join("relay")) {
        let mut command = Command::new("kill");
        command.arg(pid.to_string());
        Said::by(command, "").unwrap();
    }
    until("the end of all processes", Duration::from_secs(20), || {
        Ok(processes_naming(dir).is_empty().then_some(()))
    })
    .unwrap();
}

fn log(typed: &Running) -> String {
    std::fs::read_to_string(typed.log()).unwrap_or_default()
}
