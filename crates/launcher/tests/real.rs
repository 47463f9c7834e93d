//! The real launcher over children that play their parts: real processes, sockets and signals.
//! The children are `examples/child.rs`, which `cargo test -p launcher` builds and `--test real`
//! alone does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use ipc_io::{KnockError, ask, knock};
use ipc_schema::control::{Class, Knock, Report};
use rustix::process::{Pid, PidfdFlags, Signal};

/// A folder with `sotto` and three children beside it, and a data folder.
struct Stage {
    root: tempfile::TempDir,
}

/// A running launcher, ended with the test, and what everybody says on standard error.
struct Show {
    process: Child,
    lines: BufReader<ChildStderr>,
    data: PathBuf,
    heard: Vec<String>,
}

impl Stage {
    fn new(scripts: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let binaries = root.path().join("bin");
        std::fs::create_dir(&binaries).unwrap();
        let sotto = Path::new(env!("CARGO_BIN_EXE_sotto"));
        let child = sotto.parent().unwrap().join("examples/child");
        std::fs::copy(sotto, binaries.join("sotto")).unwrap();
        for name in ["secure-proc", "net-proc", "ui-proc"] {
            std::fs::copy(&child, binaries.join(name)).unwrap();
        }
        for (folder, script) in scripts {
            let folder = root.path().join("data").join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("script"), script).unwrap();
        }
        Self { root }
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn sotto(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.root.path().join("bin/sotto"));
        command.arg("--data").arg(self.data()).args(arguments).stdin(Stdio::null());
        command
    }

    fn start(&self, arguments: &[&str]) -> Show {
        let mut process = self
            .sotto(arguments)
            .env("DISPLAY", ":nowhere")
            .env("SECRET_OF_MINE", "1")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap());
        Show { process, lines, data: self.data(), heard: Vec::new() }
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.sotto(arguments);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }
}

impl Show {
    /// Reads until each of `wanted` was said since the last call, in any order.
    fn hear(&mut self, wanted: &[&str]) {
        let mut missing: BTreeSet<&str> = wanted.iter().copied().collect();
        while !missing.is_empty() {
            let mut line = String::new();
            let count = self.lines.read_line(&mut line).unwrap();
            assert!(count > 0, "{missing:?} was not said, but {:#?}", self.heard);
            missing.retain(|wanted| !line.contains(wanted));
            self.heard.push(line);
        }
    }

    fn report(&self) -> Report {
        ask(&self.data, &Knock::Status).unwrap()
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Everything that is still said until the last one is gone.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.process.wait().unwrap();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        self.heard.extend(rest.lines().map(str::to_owned));
        (status, std::mem::take(&mut self.heard))
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        // A test that fails half-way leaves nothing behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn number(pid: u32) -> rustix::fd::OwnedFd {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

fn wait_for_end(process: &rustix::fd::OwnedFd) {
    let mut interests = [ipc_io::Interest::read(process)];
    assert_eq!(ipc_io::poll(&mut interests, Some(Duration::from_secs(30))).unwrap(), 1);
}

/// `LAUNCHER-01`
#[test]
fn the_three_are_joined_and_see_only_what_is_theirs() {
    let stage = Stage::new(&[]);
    let arguments = ["--relay", "127.0.0.1:4433", "--geometry", "800x600+0+0"];
    let mut show = stage.start(&arguments);
    show.hear(&[
        "secure-proc: attached Net 1",
        "secure-proc: attached Window 1",
        "net-proc: attached Secure 1",
        "ui-proc: attached Secure 1",
        "net-proc: hears secure-proc",
        "ui-proc: hears secure-proc",
        "sotto: running",
    ]);
    let born = |name: &str| {
        let start = format!("{name}: born");
        show.heard.iter().find(|line| line.starts_with(&start)).unwrap().clone()
    };
    assert!(born("secure-proc").contains("[] []"), "{}", born("secure-proc"));
    assert!(born("net-proc").contains(r#"["--relay", "127.0.0.1:4433"] []"#));
    assert!(born("ui-proc").contains(r#"["--geometry", "800x600+0+0"]"#));
    assert!(born("ui-proc").contains("DISPLAY"));
    assert!(!show.heard.iter().any(|line| line.contains("SECRET_OF_MINE")));
    show.signal(Signal::TERM);
    let (status, heard) = show.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(heard.iter().filter(|line| line.contains("told to stop")).count(), 3);
}

/// `LAUNCHER-02`, `LAUNCHER-03`, `LAUNCHER-06`
#[test]
fn whoever_dies_is_replaced_and_joined_again() {
    let stage = Stage::new(&[]);
    let mut show = stage.start(&["--headless"]);
    show.hear(&["sotto: running", "net-proc: attached Secure 1", "secure-proc: peers 1 0"]);
    kill(show.report().net.unwrap().pid, Signal::KILL);
    show.hear(&[
        "net-proc was ended by signal 9; it starts again in 100 ms",
        "secure-proc: attached Net 2",
        "net-proc: attached Secure 1",
        "secure-proc: peers 2 0",
    ]);
    kill(show.report().secure.unwrap().pid, Signal::SYS);
    show.hear(&[
        "SECURITY: secure-proc was killed",
        "secure-proc: attached Net 2",
        "net-proc: attached Secure 2",
        "secure-proc: peers 2 1",
    ]);
    assert_eq!(show.report().forbidden_calls, 1);
    let (code, text) = stage.run(&["stop"]);
    assert_eq!((code, text.as_str()), (Some(0), ""));
    // `stop` returns when it is gone, so nothing is left to wait for.
    let (status, _) = show.end();
    assert_eq!(status.code(), Some(0));
}

/// `LAUNCHER-04`
#[test]
fn a_closed_window_ends_everything() {
    let stage = Stage::new(&[("ui", "close")]);
    let (status, heard) = stage.start(&[]).end();
    assert_eq!(status.code(), Some(0), "{heard:#?}");
    let told = heard.iter().filter(|line| line.contains("told to stop")).count();
    assert_eq!(told, 2, "{heard:#?}");
}

/// `LAUNCHER-04`, `LAUNCHER-08`
#[test]
fn starting_it_again_shows_the_window_of_the_first() {
    let stage = Stage::new(&[]);
    let mut show = stage.start(&["--headless"]);
    show.hear(&["sotto: running"]);
    let (code, text) = stage.run(&["--headless"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("runs already") && text.contains("sotto stop"), "{text}");

    let (code, text) = stage.run(&[]);
    assert_eq!(code, Some(0));
    assert!(text.contains("its window is shown"), "{text}");
    show.hear(&["ui-proc: attached Secure 1"]);
    let window = show.report().window.unwrap().pid;
    stage.run(&[]);
    assert_eq!(show.report().window.unwrap().pid, window);
    show.signal(Signal::INT);
    assert_eq!(show.end().0.code(), Some(0));
}

/// `LAUNCHER-05`
#[test]
fn children_that_do_not_stop_are_killed_after_three_seconds() {
    let stage = Stage::new(&[("net", "")]);
    std::fs::write(stage.data().join("net/deaf"), "").unwrap();
    let mut show = stage.start(&["--headless"]);
    show.hear(&["sotto: running", "net-proc: attached"]);
    let net = number(show.report().net.unwrap().pid);
    let begun = std::time::Instant::now();
    show.signal(Signal::TERM);
    let (status, heard) = show.end();
    assert_eq!(status.code(), Some(0));
    assert!(heard.iter().any(|line| line.contains("told to stop, and stays")));
    assert!((3..10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    wait_for_end(&net);
}

/// `LAUNCHER-05`
#[test]
fn a_killed_launcher_takes_its_children_with_it_and_leaves_no_lock() {
    let stage = Stage::new(&[]);
    let mut show = stage.start(&["--headless"]);
    show.hear(&["sotto: running"]);
    let report = show.report();
    let children = [report.secure.unwrap().pid, report.net.unwrap().pid].map(number);
    show.signal(Signal::KILL);
    children.iter().for_each(wait_for_end);
    show.end();
    assert!(matches!(ask(&stage.data(), &Knock::Status), Err(KnockError::NotRunning)));
    let mut show = stage.start(&["--headless"]);
    show.hear(&["sotto: running"]);
    show.signal(Signal::TERM);
    show.end();
}

/// `LAUNCHER-07`
#[test]
fn tools_are_let_in_and_children_are_not() {
    let stage = Stage::new(&[("net", "knock")]);
    let mut show = stage.start(&["--headless"]);
    show.hear(&["net-proc: knocked in vain", "sotto: running"]);
    for (number, class) in [Class::CommandLine, Class::MemberTool].into_iter().enumerate() {
        let mut client = knock(&stage.data(), &Knock::Enter { class }).unwrap();
        assert_eq!(client.recv(None).unwrap().unwrap().as_slice(), b"welcome");
        show.hear(&[&format!("secure-proc: attached {class:?} {}", number + 1)]);
    }
    let mut client = knock(&stage.data(), &Knock::Enter { class: Class::Window }).unwrap();
    assert!(client.recv(None).is_err(), "a window comes from the launcher alone");
    show.signal(Signal::TERM);
    show.end();
}

/// `LAUNCHER-09`
#[test]
fn children_that_will_not_run_here_end_everything_with_a_reason() {
    let cases = [
        ("refuse", "secure-proc ended with status 70 and will not run here"),
        ("fail", "secure-proc ended with status 1 and will not run here"),
        ("foreign", "secure-proc is from another build than sotto"),
    ];
    for (script, reason) in cases {
        let stage = Stage::new(&[("secure", script)]);
        let (status, heard) = stage.start(&["--headless"]).end();
        assert_eq!(status.code(), Some(1), "{script}");
        assert!(heard.iter().any(|line| line.contains(reason)), "{script}: {heard:#?}");
    }
}

/// `LAUNCHER-09`
#[test]
fn children_that_break_the_rules_are_killed_and_replaced() {
    for script in ["nonsense\ngood", "mute\ngood"] {
        let stage = Stage::new(&[("net", script)]);
        let mut show = stage.start(&["--headless"]);
        show.hear(&[
            "net-proc broke the rules of its control channel",
            "net-proc was ended by signal 9",
            "secure-proc: attached Net 2",
        ]);
        show.signal(Signal::TERM);
        assert_eq!(show.end().0.code(), Some(0));
    }
}

/// `LAUNCHER-10`
#[test]
fn a_wrong_world_is_said_before_anything_starts() {
    let stage = Stage::new(&[]);
    let (code, text) = stage.run(&[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--headless") && text.contains("DISPLAY"), "{text}");

    std::fs::remove_file(stage.root.path().join("bin/net-proc")).unwrap();
    let (code, text) = stage.run(&["--headless", "--json"]);
    assert_eq!(code, Some(1));
    assert!(text.contains(r#""error":"missing-binary""#) && text.contains("net-proc"), "{text}");

    let (code, text) = stage.run(&["status"]);
    assert_eq!(code, Some(3));
    assert!(text.contains("not running"), "{text}");

    let (code, text) = stage.run(&["--relay", "nowhere", "--headless"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("relay.example.org:4433"), "{text}");
}
