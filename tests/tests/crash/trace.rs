//! What `strace` writes down: every system call that leaves a mark on the disk or on a peer.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The calls at which `secure-proc` is killed: every write, sync and send, and every change of a
/// name in a folder.
pub(crate) const POINTS: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "msync",
    "ftruncate",
    "fallocate",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "sendto",
    "sendmsg",
    "sendmmsg",
];

/// A point: the so-many-th call of a kind, from 1.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Point {
    pub(crate) call: &'static str,
    pub(crate) nth: usize,
}

/// One call of a recorded run.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// What the descriptor in the first place is open on.
    pub(crate) on: Option<PathBuf>,
    /// The strings, in order.
    pub(crate) strings: Vec<Vec<u8>>,
    /// The numbers that stand alone, in order.
    pub(crate) numbers: Vec<u64>,
    /// All that is neither.
    pub(crate) text: String,
    /// What it gave, when that is a number.
    pub(crate) result: i64,
}

/// Records every call of `POINTS`, and those that say what they mean.
pub(crate) fn recorder(log: &Path) -> Vec<OsString> {
    let calls = format!("trace=openat,{}", POINTS.join(","));
    let mut words: Vec<OsString> =
        ["strace", "-qq", "-y", "-xx", "-s", "1000000", "-e"].map(OsString::from).to_vec();
    words.extend([calls.into(), "-o".into(), log.into()]);
    words[0] = strace();
    words
}

/// Kills at a point, before the call does anything.
pub(crate) fn killer(log: &Path, Point { call, nth }: Point) -> Vec<OsString> {
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let trace = format!("trace={call}");
    let mut words = vec![strace()];
    words.extend(["-qq", "-s", "0", "-e", &trace, "-e", &inject].map(OsString::from));
    words.extend(["-o".into(), log.into()]);
    words
}

/// All points of a recorded run.
pub(crate) fn points(calls: &[Call]) -> Vec<Point> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for call in calls {
        if let Some(name) = POINTS.iter().find(|name| **name == call.name) {
            let nth = counts.entry(name).or_default();
            *nth += 1;
            points.push(Point { call: name, nth: *nth });
        }
    }
    points
}

pub(crate) fn read(log: &Path) -> Vec<Call> {
    let text = fs::read_to_string(log).unwrap();
    let calls = text.lines().filter(|line| !line.starts_with("+++") && !line.starts_with("---"));
    calls.map(parse).collect()
}

/// `name(3<path>, "..", 12) = 5`; text and paths in hexadecimal.
fn parse(line: &str) -> Call {
    let (name, rest) = line.split_once('(').unwrap_or_else(|| panic!("no call: {line:.80}"));
    let (arguments, result) = rest.rsplit_once(") ").unwrap_or((rest, "= ?"));
    let result = result.trim_start().trim_start_matches("= ");
    let digits = result.split(['<', ' ']).next().unwrap_or_default();
    let mut call = Call {
        name: name.to_owned(),
        on: None,
        strings: Vec::new(),
        numbers: Vec::new(),
        text: String::new(),
        result: digits.parse().unwrap_or(-1),
    };
    for argument in split(arguments) {
        match argument.as_bytes().first() {
            Some(b'"') => {
                call.strings.push(unhex(argument.trim_end_matches('.').trim_matches('"')))
            }
            Some(b'0'..=b'9') if argument.contains('<') => {
                call.on = call.on.or_else(|| bracketed(argument));
            }
            Some(b'0'..=b'9') => call.numbers.push(argument.parse().unwrap_or(0)),
            Some(b'[' | b'{') => {
                let vectors = argument.split("iov_base=\"").skip(1);
                let texts = vectors.filter_map(|text| text.split('"').next());
                call.strings.extend(texts.map(unhex));
            }
            _ => call.text.push_str(argument),
        }
    }
    call
}

/// At the commas outside of brackets; inside of strings there are none.
fn split(arguments: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.extend(arguments.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(arguments.get(from..));
    parts.into_iter().map(str::trim).collect()
}

fn bracketed(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    let bytes = if path.starts_with("\\x") { unhex(path) } else { path.as_bytes().to_vec() };
    Some(PathBuf::from(String::from_utf8(bytes).unwrap()))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn strace() -> OsString {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("strace")).find(|file| file.is_file())
    });
    found.expect("strace is not installed: apt-get install strace").into()
}
