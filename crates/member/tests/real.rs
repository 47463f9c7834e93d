//! The real binary, and a `sotto` beside it that `examples/stage.rs` plays; `cargo test -p member`
//! builds it, `--test real` alone does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ipc_io::{KnockError, ask};
use ipc_schema::control::Knock;
use serde_json::{Value, json};

struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let member = Path::new(env!("CARGO_BIN_EXE_sotto-member"));
        std::fs::copy(member, root.path().join("sotto-member")).unwrap();
        let played = member.parent().unwrap().join("examples/stage");
        std::fs::copy(played, root.path().join("sotto")).unwrap();
        Self(root)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn run(&self, passphrase: &str, arguments: &[&str]) -> Output {
        let mut process = Command::new(self.0.path().join("sotto-member"))
            .arg("--data")
            .arg(self.data())
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read it.
        let _ = writeln!(process.stdin.take().unwrap(), "{passphrase}");
        process.wait_with_output().unwrap()
    }

    fn has_ended(&self) -> bool {
        self.data().join("ended").exists()
            && matches!(ask(&self.data(), &Knock::Status), Err(KnockError::NotRunning))
    }
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `MEMBER-02`
#[test]
fn a_sotto_that_was_started_for_a_command_ends_with_it_however_it_ends() {
    let stage = Stage::new();
    let output = stage.run("right", &["org", "show"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        object(&output),
        json!({
            "name": "Acme", "origin": 9, "org": 8, "root": "02".repeat(32),
            "fingerprint": "03".repeat(32),
        })
    );
    assert!(stage.has_ended());

    let stage = Stage::new();
    let output = stage.run("wrong", &["org", "show"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(object(&output)["error"], "wrong-passphrase");
    assert!(stage.has_ended());
}

/// `MEMBER-02`
#[test]
fn a_sotto_that_ran_before_goes_on() {
    let stage = Stage::new();
    let mut sotto = Command::new(stage.0.path().join("sotto"))
        .arg("--data")
        .arg(stage.data())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(sotto.stdout.take().unwrap()).read_line(&mut line).unwrap();
    for _ in 0..2 {
        assert_eq!(stage.run("right", &["org", "show"]).status.code(), Some(0));
    }
    assert_eq!(ask(&stage.data(), &Knock::Stop).unwrap().launcher, sotto.id());
    assert!(sotto.wait().unwrap().success());
}

/// `MEMBER-01`
#[test]
fn nothing_is_started_for_a_line_that_means_nothing() {
    let stage = Stage::new();
    let key = "0f".repeat(32);
    let file = stage.0.path().join("origin.json");
    std::fs::write(&file, "not json").unwrap();
    let relay = ["org", "create", "Acme", "--relay-key", &key, "--relay"];
    let with_file = ["host:1", "--origin-file", file.to_str().unwrap()];
    let cases = [
        ([&relay[..], &["nowhere"]].concat(), 2, "usage"),
        ([&relay[..], &with_file[..]].concat(), 1, "bad-origin-file"),
        (vec!["team", "create", " "], 2, "usage"),
        (vec!["device", "add", "friends", "00"], 2, "usage"),
    ];
    for (arguments, status, code) in cases {
        let output = stage.run("right", &arguments);
        let found = (output.status.code(), object(&output)["error"].clone());
        assert_eq!(found, (Some(status), json!(code)), "{arguments:?}");
        assert!(!stage.data().exists());
    }
}
