//! Processes that the test looks at: one that holds everything and hides nothing, as a control, and
//! `net-proc` while it is traced.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{Running, until};
use ipc_io::Client;
use ipc_schema::control::{Class, Knock};
use ipc_schema_ui::{Request, RequestId, TeamBits, ToSecure};

use crate::scan::{Hits, Needles};

/// Everything that a process reads and writes.
pub(crate) struct Calls {
    strace: Running,
    log: PathBuf,
}

/// Writes down what process `pid` reads and writes from now on.
pub(crate) fn calls_of(pid: u32, log: &Path) -> Calls {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-xx", "-s", "100000", "-e", CALLS, "-o"]);
    command.arg(log).args(["-p", &pid.to_string()]);
    let strace = Running::start(command, "strace", log.parent().unwrap()).unwrap();
    until("strace at net-proc", Duration::from_secs(20), || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let traced = tasks.flatten().all(|task| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        });
        Ok(traced.then_some(()))
    })
    .unwrap();
    Calls { strace, log: log.to_owned() }
}

impl Calls {
    /// The bytes of all calls, one after the other.
    pub(crate) fn stop(mut self) -> Vec<u8> {
        self.strace.stop(Duration::from_secs(10)).unwrap();
        let text = fs::read_to_string(&self.log).unwrap();
        fs::remove_file(&self.log).unwrap();
        let digits = text.split("\\x").skip(1).filter_map(|rest| rest.get(..2));
        digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }
}

/// A command line that asks for the newest messages and does not read them: they wait for it in
/// `secure-proc`, which keeps no text otherwise, and wipes what it has shown.
pub(crate) fn unread(data: &Path, team: TeamBits, channel: u16) -> Client {
    let class = Class::CommandLine;
    let mut client = ipc_io::knock(data, &Knock::Enter { class }).unwrap();
    let hello = ToSecure::Hello { schema: ipc_schema_ui::schema() };
    client.send(&ipc_schema::encode(&hello).unwrap()).unwrap();
    for number in 0..ASKED {
        let page = Request::Page { team, channel, thread: None, before: None, limit: 10 };
        let ask = ToSecure::Ask { id: RequestId([number; 16]), request: page };
        client.send(&ipc_schema::encode(&ask).unwrap()).unwrap();
    }
    client
}

/// The scanner finds every needle in a process that hides nothing.
pub(crate) fn control(test: &str, all: &[&Needles]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HOLD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for needles in all {
        for pattern in needles.patterns() {
            let digits: String = pattern.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(input, "{digits}").unwrap();
        }
    }
    writeln!(input, "end").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains("all held"));
    assert!(ready, "the control did not get ready");
    let (mut found, mut wanted) = (0, 0);
    for needles in all {
        let mut hits = Hits::new();
        needles.find_in_process(child.id(), "control", &mut hits);
        found += hits.len();
        wanted += needles.names();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    assert_eq!(found, wanted, "the scanner misses needles in a process that hides nothing");
    println!("canary: the control finds all {found} forms in an unhardened process");
}

/// Is this the process that [`control`] looks at? Then it holds what it is given, and nothing else.
pub(crate) fn is_control() -> bool {
    if std::env::var_os(HOLD).is_none() {
        return false;
    }
    let mut held = Vec::new();
    let mut lines = std::io::stdin().lines();
    for line in lines.by_ref().map(Result::unwrap).take_while(|line| line != "end") {
        let digits = line.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        held.push(bytes);
    }
    println!("all held");
    assert!(lines.next().is_none());
    assert!(!std::hint::black_box(held).is_empty());
    true
}

/// So many pages of some 25 kB are more than the kernel keeps for a socket.
const ASKED: u8 = 24;
const HOLD: &str = "SOTTO_CANARY_HOLD";
const CALLS: &str = "trace=read,write,readv,writev,pread64,pwrite64,recvfrom,recvmsg,recvmmsg,\
                     sendto,sendmsg,sendmmsg";
