//! The command line.

use std::process::Output;

use crate::process::{Process, command};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// `SERVE-05`
#[test]
fn the_key_is_made_once_and_shown_without_serving() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let data = data.to_str().unwrap();
    let (code, key, _) = run(&["key", "--data", data]);
    assert_eq!((code, key.trim().len()), (0, 64));
    let (code, again, _) = run(&["key", "--data", data, "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!((code, again["key"].as_str().unwrap()), (0, key.trim()));
}

/// `SERVE-05`
#[test]
fn what_is_wrong_with_a_start_is_said_with_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let missing = folder.path().join("none.json");
    let missing = missing.to_str().unwrap();
    let serve = ["--listen", "127.0.0.1:0", "--data", data];
    let (code, _, text) = run(&[&serve[..], &["--origin", missing]].concat());
    assert!(code == 2 && text.contains("none.json"), "{code} {text}");
    std::fs::write(missing, "[]").unwrap();
    let (code, _, text) = run(&[&serve[..], &["--origin", missing]].concat());
    assert!(code == 2 && text.contains("none.json"), "{code} {text}");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (code, _, text) = run(&["--listen", &taken, "--data", data]);
    assert!(code == 3 && text.contains(&taken), "{code} {text}");
    assert_eq!(run(&["--listen", "127.0.0.1:0"]).0, 2);
    assert_eq!(run(&["--listen", "nowhere", "--data", data]).0, 2);
}

/// `SERVE-05`
#[test]
fn a_second_relay_on_one_folder_is_refused_and_a_signal_ends_it_cleanly() {
    let mut process = Process::start();
    let data = process.folder.path().join("data");
    let (code, _, text) = run(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert!(code == 1 && text.contains("another process"), "{code} {text}");
    assert_eq!(process.stop().code(), Some(0));
}
