//! How the three processes are started, and what they refuse to start with.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use crate::table::Answer;
use crate::world::{Process, ROLES, World, answer, users};

/// `SANDBOX-01`
#[test]
fn an_unexpected_descriptor_ends_the_process_with_70() {
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            for (redirection, expected) in [("", Answer::Done), ("7</dev/null", Answer::Ended(70))]
            {
                let answer = through_shell(&world, role, redirection);
                assert_eq!(answer, expected, "{user:?} {role} {redirection}");
            }
        }
    }
}

/// `SANDBOX-04`
#[test]
fn a_stray_descriptor_of_the_launcher_does_not_reach_its_children() {
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            for (mode, expected) in [("start-plainly", Answer::Ended(70)), ("start", Answer::Done)]
            {
                let (_scene, command) = launch(&world, mode, role, "environment");
                let mut command = world.shell(&command, "7</dev/null");
                let output = command.stdin(Stdio::null()).output().unwrap();
                assert_eq!(answer(&output, role, mode), expected, "{user:?} {role} {mode}");
            }
        }
    }
}

/// `SANDBOX-04`
#[test]
fn a_preloaded_library_does_not_reach_the_children_of_the_launcher() {
    let folder = tempfile::tempdir().unwrap();
    let library = preload(&folder);
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            let loaded = |mode: &str, role: &str| {
                let (_scene, mut command) = launch(&world, mode, role, "environment");
                let output = command.env("LD_PRELOAD", &library).output().unwrap();
                String::from_utf8_lossy(&output.stderr).matches("preloaded").count()
            };
            // Both load it into the launcher itself; only the control passes it on.
            let ours = loaded("start", role);
            assert!(ours > 0, "{user:?} {role}: the launcher was not preloaded");
            assert_eq!(loaded("start-plainly", "free"), ours + 1, "{user:?} {role}");
        }
    }
}

/// `SANDBOX-01`
#[test]
fn a_process_that_was_preloaded_all_the_same_does_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let library = preload(&folder);
    for user in users() {
        let world = World::new(user);
        for (role, expected) in
            [("free", Answer::Done)].into_iter().chain(ROLES.map(|role| (role, Answer::Ended(71))))
        {
            let (_scene, mut command) = world.command(role, "environment", 0);
            let output = command.env("LD_PRELOAD", &library).stdin(Stdio::null()).output().unwrap();
            assert_eq!(answer(&output, role, "environment"), expected, "{user:?} {role}");
        }
    }
}

/// `SANDBOX-02`
#[test]
fn nothing_but_the_list_is_left_of_the_environment() {
    for user in users() {
        let world = World::new(user);
        for (role, expected) in
            [("free", "DISPLAY SOTTO_SECRET"), ("secure", ""), ("net", ""), ("ui", "DISPLAY")]
        {
            let (_scene, mut command) = world.command(role, "environment", 0);
            command.env_clear().env("DISPLAY", ":0").env("SOTTO_SECRET", "x");
            let output = command.stdin(Stdio::null()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let names = text.lines().find_map(|line| line.strip_prefix("names ")).unwrap();
            assert_eq!(names, expected, "{user:?} {role}");
        }
    }
}

/// `SANDBOX-04`
#[test]
fn when_the_launcher_dies_its_child_dies() {
    for user in users() {
        let world = World::new(user);
        for role in ROLES {
            let (_scene, mut command) = launch(&world, "start", role, "stay");
            let mut launcher = Process::start(&mut command);
            assert!(launcher.line().starts_with("level "), "{user:?} {role}");
            assert_eq!(launcher.line(), "ready");
            launcher.kill();
            // The child holds the same output; it ends only when both are gone.
            let (ended, end) = mpsc::channel();
            std::thread::spawn(move || ended.send(launcher.rest()));
            let rest = end.recv_timeout(Duration::from_secs(20));
            assert_eq!(rest.as_deref(), Ok(""), "{user:?} {role} outlives its launcher");
        }
    }
}

/// A stand-in for the launcher that starts the probe as the launcher would, or plainly.
fn launch(world: &World, mode: &str, role: &str, probe: &str) -> (TempDir, Command) {
    let (scene, mut command) = world.command(mode, probe, 0);
    command.arg(format!("as={role}")).stdin(Stdio::null());
    (scene, command)
}

fn through_shell(world: &World, role: &str, redirection: &str) -> Answer {
    let (_scene, command) = world.command(role, "environment", 0);
    let output = world.shell(&command, redirection).stdin(Stdio::null()).output().unwrap();
    answer(&output, role, "environment")
}

fn preload(folder: &TempDir) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (source, library) = (folder.path().join("p.c"), folder.path().join("p.so"));
    let text = "#include <unistd.h>\n\
                __attribute__((constructor)) static void run(void) {\n\
                  if (write(2, \"preloaded\\n\", 10) < 0) return;\n\
                }\n";
    fs::write(&source, text).unwrap();
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(status.unwrap().success(), "cc cannot build the library to preload");
    library
}
