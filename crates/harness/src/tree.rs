//! Which processes there are, by `/proc`.

use std::fs;
use std::path::Path;

/// Is there a process with this id (one that has ended but was not waited for aside)?
#[must_use]
pub fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z')
}

/// The processes whose parent is `pid`.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let mut found = all();
    found.retain(|child| stat(*child).is_some_and(|(parent, _)| parent == pid));
    found
}

/// The command line of a process; empty when it cannot be read.
#[must_use]
pub fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The processes whose command line names `path` or something in it.
#[must_use]
pub fn processes_naming(path: &Path) -> Vec<u32> {
    let path = path.to_string_lossy();
    let mut found = all();
    found.retain(|pid| alive(*pid) && command_line(*pid).contains(path.as_ref()));
    found
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Parent and state, from `/proc/PID/stat`: `pid (name) state parent ..`.
fn stat(pid: u32) -> Option<(u32, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have blanks and brackets in it; what follows the last bracket has not.
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((words.next()?.parse().ok()?, state))
}
