//! The demonstration, as a script would use it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::time::Duration;

use harness::{Bins, Folder, Running, Said, Trouble, alive, processes_naming, until};
use serde_json::Value;

/// `XTASK-01`
#[test]
fn the_demonstration_starts_talks_ends_and_goes_on() {
    let folder = Folder::new("demo-test").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let dir = folder.path().join("demo");
    for (said, known) in [("Hello, Bob", 1), ("Still there?", 2)] {
        let mut demo = start(&bins, &dir, folder.path());
        let first = demo.line(Duration::from_secs(120)).unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        let place = format!("{}/general", first["team"].as_str().unwrap());
        let prefix = first["prefix"].as_str().unwrap();
        assert!(prefix.starts_with("sotto://") && prefix.ends_with("/*"));
        assert!(first["relay"].as_str().unwrap().starts_with("127.0.0.1:"));
        assert!(Path::new(first["bin"].as_str().unwrap()).join("sotto-cli").is_file());
        let mut pids = Vec::new();
        for who in ["alice", "bob"] {
            assert!(first[who]["passphrase"].is_string() && first["admin"]["data"].is_string());
            for process in ["launcher", "secure-proc", "net-proc"] {
                pids.push(u32::try_from(first["pids"][who][process].as_u64().unwrap()).unwrap());
            }
            assert!(first["pids"][who]["ui-proc"].is_null());
        }
        assert!(pids.iter().all(|pid| alive(*pid)));

        cli(&bins, &first["alice"], &["send", &place, said]).unwrap();
        cli(&bins, &first["bob"], &["send", &place, "Hello, Alice"]).unwrap();
        for who in ["alice", "bob"] {
            until("both messages", Duration::from_secs(30), || {
                let rows = cli(&bins, &first[who], &["read", &place])?;
                assert!(rows.len() <= 2 * known);
                let there = rows.iter().any(|row| row["text"] == said);
                Ok((there && rows.len() == 2 * known).then_some(()))
            })
            .unwrap();
        }

        assert!(demo.stop(Duration::from_secs(30)).unwrap().success());
        assert!(!pids.iter().any(|pid| alive(*pid)));
        assert_eq!(processes_naming(&dir), Vec::<u32>::new());
    }
}

/// `XTASK-04`
#[test]
fn a_text_of_many_scripts_arrives_line_by_line() {
    let folder = Folder::new("feed-test").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let file = folder.path().join("text");
    let lines: Vec<String> =
        (0..300).map(|it| format!("{it} {}", SCRIPTS[it % SCRIPTS.len()])).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let dir = folder.path().join("demo");
    let mut command = bins.command("xtask");
    command.args(["demo", "--headless", "--dir"]).arg(&dir);
    command.arg("--feed").arg(&file).env("SOTTO_BIN", bins.dir());
    let mut demo = Running::start(command, "demo", folder.path()).unwrap();
    let log = demo.log().to_owned();
    until("the end of the text", Duration::from_secs(180), || {
        assert!(demo.status()?.is_none(), "{}", std::fs::read_to_string(&log).unwrap());
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        Ok(said.contains("all 300 lines arrived, each once and in order").then_some(()))
    })
    .unwrap();
    assert!(demo.stop(Duration::from_secs(30)).unwrap().success());
}

/// `XTASK-03`
#[test]
fn without_a_display_the_demonstration_says_what_to_do() {
    let bins = Bins::of_this_run().unwrap();
    let mut command = bins.command("xtask");
    command.arg("demo").env("SOTTO_BIN", bins.dir());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let said = Said::by(command, "").unwrap();
    assert!(!said.status.success());
    assert!(said.err.contains("--headless") && said.err.contains("xvfb-run"), "{}", said.err);
}

fn start(bins: &Bins, dir: &Path, logs: &Path) -> Running {
    let mut command = bins.command("xtask");
    command.args(["demo", "--headless", "--dir"]).arg(dir);
    command.env("SOTTO_BIN", bins.dir());
    Running::start(command, "demo", logs).unwrap()
}

fn cli(bins: &Bins, person: &Value, args: &[&str]) -> Result<Vec<Value>, Trouble> {
    let mut command = bins.command("sotto-cli");
    command.args(["--data", person["data"].as_str().unwrap(), "--json"]);
    command.args(args);
    Said::by(command, "")?.values()
}

const SCRIPTS: [&str; 6] = [
    "Der Mond ist aufgegangen",
    "звезда с звездою говорит",
    "静夜思 床前明月光",
    "في البدء كانت الكلمة",
    "हम पंछी उन्मुक्त गगन के",
    "🌕 e\u{301} 👩‍👩‍👧",
];
