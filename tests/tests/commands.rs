//! What the command lines promise when everything around them is real.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use harness::{Bins, Folder, Role, Shape, World, children, processes_naming, until};
use serde_json::Value;

fn world(name: &str) -> (Folder, World) {
    let folder = Folder::new(name).unwrap();
    let bins = Bins::of_this_run().unwrap();
    let shapes = [Shape::Headless, Shape::Headless];
    let world = World::start(&bins, folder.path(), shapes).unwrap();
    (folder, world)
}

/// `TESTS-10`
#[test]
fn what_is_written_while_the_relay_is_down_waits_and_is_delivered_once_it_is_back() {
    let (_folder, mut world) = world("queue");
    let place = world.general();
    world.relay.kill().unwrap();
    let state = |text: &str| -> Option<String> {
        let rows = world.alice.commands().read_all(&place).unwrap();
        let row = rows.iter().find(|row| row["text"] == text)?;
        row["state"].as_str().map(str::to_owned)
    };
    world.alice.commands().cli(&["send", &place, "patience"]).unwrap();
    until("the loss of the link", PATIENCE, || {
        let status = world.alice.commands().cli(&["status"])?;
        Ok((status[0]["link"]["state"] != "online").then_some(()))
    })
    .unwrap();
    assert_eq!(state("patience").as_deref(), Some("queued"));
    let queued = world.alice.commands().cli(&["status"]).unwrap();
    // With it waits the endpoint's own beacon.
    assert!(queued[0]["teams"][0]["queued"].as_u64() >= Some(1));
    world.relay.start().unwrap();
    until("the delivery", PATIENCE, || {
        Ok((state("patience").as_deref() == Some("delivered")).then_some(()))
    })
    .unwrap();
    let rows = world.bob.commands().read_all(&place).unwrap();
    let texts: Vec<&Value> = rows.iter().map(|row| &row["text"]).collect();
    assert_eq!(texts, ["patience"]);
    world.stop().unwrap();
}

/// `MEMBER-02`
#[test]
fn the_member_tool_stops_what_it_started_and_nothing_else() {
    let (_folder, mut world) = world("member");
    let data = world.admin.data().to_owned();
    assert!(world.admin.run(&["team", "list"]).is_ok());
    assert_eq!(processes_naming(&data), Vec::<u32>::new());
    assert!(world.admin.run(&["device", "add", &world.team, &"0".repeat(64)]).is_err());
    assert_eq!(processes_naming(&data), Vec::<u32>::new());

    let logs = world.dir.join("logs");
    let word = world.admin.passphrase().to_owned();
    let mut own = harness::Endpoint::new(&world.bins, "admin", &data, &logs, &word);
    own.start().unwrap();
    let before = own.commands().pid(Role::Launcher).unwrap();
    assert!(world.admin.run(&["team", "list"]).is_ok());
    assert_eq!(own.commands().pid(Role::Launcher).unwrap(), before);
    own.stop().unwrap();
    world.stop().unwrap();
}

/// `CLI-09`
#[test]
fn whoever_closes_the_pipe_ends_the_command_quietly() {
    let (_folder, mut world) = world("pipe");
    let place = world.general();
    let mut command = world.bob.commands().cli_command(&["follow", &place]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut follow = command.spawn().unwrap();
    let send = |text: &str| world.alice.commands().cli(&["send", &place, text]).unwrap();
    // It may begin to follow only after the first message.
    let mut lines = BufReader::new(follow.stdout.take().unwrap());
    let (seen, first) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        seen.send(line).unwrap();
    });
    until("the first line", PATIENCE, || {
        send("anybody there?");
        Ok(first.try_recv().ok())
    })
    .unwrap();
    reader.join().unwrap();
    let status = until("the end of follow", PATIENCE, || {
        send("you hear me no more");
        Ok(follow.try_wait().unwrap())
    })
    .unwrap();
    let said = std::io::read_to_string(follow.stderr.take().unwrap()).unwrap();
    assert!(status.success(), "{status}: {said}");
    assert_eq!(said, "");
    world.stop().unwrap();
}

/// `CLI-10`
#[test]
fn a_message_asked_for_twice_under_one_number_is_written_once_also_after_a_death() {
    let (_folder, mut world) = world("request");
    let place = world.general();
    let number = "c0ffee00".repeat(4);
    let ask = ["send", &place, "only once", "--request", &number];
    let name = |said: Vec<Value>| said.first().and_then(|said| said.get("name")).cloned().unwrap();
    let first = name(world.alice.commands().cli(&ask).unwrap());
    let old = world.alice.kill(Role::Secure).unwrap();
    world.alice.wait_for(Role::Secure, Some(old), PATIENCE).unwrap();
    world.alice.unlock().unwrap();
    assert_eq!(name(world.alice.commands().cli(&ask).unwrap()), first);
    let rows = world.alice.commands().read_all(&place).unwrap();
    assert_eq!(rows.iter().filter(|row| row["text"] == "only once").count(), 1);
    world.stop().unwrap();
}

/// `SECURE-06`
#[test]
fn secure_proc_has_one_thread_and_no_descriptor_of_its_own_but_the_vault() {
    let (_folder, mut world) = world("one-thread");
    let pid = world.alice.commands().pid(Role::Secure).unwrap().unwrap();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    assert_eq!(threads, 1);
    assert_eq!(children(pid), Vec::<u32>::new());
    if rustix::process::geteuid().is_root() {
        let vault = world.alice.data().join("secure").canonicalize().unwrap();
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let entry = entry.unwrap();
            let link = fs::read_link(entry.path()).unwrap();
            let words = ["0", "1", "2"].iter().any(|it| entry.file_name() == *it);
            let socket = link.to_string_lossy().starts_with("socket:");
            let fits = words || socket || link.starts_with(&vault);
            assert!(fits, "descriptor {:?} is {link:?}", entry.file_name());
        }
    } else {
        assert!(std::env::var_os("CI").is_none(), "not run: needs root");
        println!("its descriptors: not run: needs root");
    }
    world.stop().unwrap();
}

const PATIENCE: Duration = Duration::from_secs(60);
