//! Inputs to start from: the vectors of every release, and what earlier runs found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use names::{Device, Rest};
use objects::Object;

/// What the vectors of the formats hold for a target.
///
/// # Errors
/// When they cannot be read.
pub fn seeds(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let words = |file: &str, column| columns(&format!("{SHARED}/names/{file}"), column);
    let text = |column: Vec<String>| column.into_iter().map(String::into_bytes).collect();
    Ok(match target {
        "name" => unhex(words("names.hex", 0)?),
        "name-text" => text(words("names.hex", 1)?),
        "prefix" => words("prefixes.hex", 0)?.iter().filter_map(|it| prefix(it)).collect(),
        "prefix-text" => text(words("prefixes.hex", 1)?),
        "team-text" => vec![b"sotto://0/0/0".to_vec(), b"sotto://16777215/262143/1048575".to_vec()],
        "team-link" => vec![link()],
        "object" => objects()?,
        "to-relay" => unhex(columns(&format!("{SHARED}/objects/to-relay.hex"), 1)?),
        "from-relay" => unhex(columns(&format!("{SHARED}/objects/from-relay.hex"), 1)?),
        "receipt" => inside("from-relay.hex", "stored", 5)?,
        "proof" => inside("to-relay.hex", "prove", 1)?,
        "relay-proof" => inside("to-relay.hex", "relay", 1)?,
        "stream" => vec![vec![0, 0, 0, 2, 7, 7, 0, 0, 0, 1, 5]],
        "to-child" => message("", "control", "ToChild")?,
        "from-child" => message("", "control", "FromChild")?,
        "knock" => message("", "control", "Knock")?,
        "report" => message("", "control", "Report")?,
        "to-net" => message("net/", "net", "ToNet")?,
        "from-net" => message("net/", "net", "FromNet")?,
        "to-secure" => message("ui/", "ui", "ToSecure")?,
        "from-secure" => message("ui/", "ui", "FromSecure")?,
        path => data(path)?,
    })
}

/// What earlier runs found worth keeping for a target.
///
/// # Errors
/// When a file cannot be read.
pub fn corpus(target: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            found.push((path.clone(), fs::read(path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// The data of the objects that carry what a target reads.
fn data(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let objects = objects()?.into_iter().filter_map(|bytes| Object::parse(&bytes).ok());
    let carries = |object: &Object| match object.name().place().rest {
        Rest::KeyPackage { .. } => "announcement",
        Rest::Welcome { .. } => "welcome-pointer",
        Rest::Slot(_) => "claim",
        Rest::Certificate { device: Device::ORIGIN, .. } => "term",
        Rest::Certificate { .. } => "certificate",
        Rest::Use(_) => "spent",
        Rest::Message { .. } | Rest::Blob { .. } | Rest::Code(_) => "nothing",
    };
    let objects = objects.filter(|object| carries(object) == target);
    Ok(objects.filter_map(|object| object.data().map(<[u8]>::to_vec)).collect())
}

fn objects() -> io::Result<Vec<Vec<u8>>> {
    Ok(unhex(columns(&format!("{SHARED}/objects/objects.hex"), 1)?))
}

/// What stands in frames of one kind, behind the first bytes.
fn inside(file: &str, kind: &str, skip: usize) -> io::Result<Vec<Vec<u8>>> {
    let frames = kinds(&format!("{SHARED}/objects/{file}"), kind)?;
    Ok(unhex(frames).into_iter().filter_map(|it| Some(it.get(skip..)?.to_vec())).collect())
}

fn message(folder: &str, file: &str, kind: &str) -> io::Result<Vec<Vec<u8>>> {
    Ok(unhex(kinds(&format!("ipc-schema/{folder}tests/vectors/{file}.txt"), kind)?))
}

/// The last column of the lines that start with `kind`.
fn kinds(file: &str, kind: &str) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(root().join(file))?;
    let lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let lines = lines.filter(|line| line.first() == Some(&kind));
    Ok(lines.filter_map(|line| line.last().map(|last| (*last).to_owned())).collect())
}

fn columns(file: &str, column: usize) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(root().join(file))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.filter_map(|line| line.split(' ').nth(column)).map(str::to_owned).collect())
}

fn unhex(lines: Vec<String>) -> Vec<Vec<u8>> {
    lines.iter().filter_map(|line| hex(line)).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn prefix(text: &str) -> Option<Vec<u8>> {
    let (bits, len) = text.split_once('/')?;
    let len: u32 = len.parse().ok()?;
    Some([hex(bits)?, len.to_be_bytes().to_vec()].concat())
}

fn link() -> Vec<u8> {
    let (root, relay) = ("ab".repeat(32), "0C".repeat(32));
    format!("sotto-team:1193046/144470/703710#{root}@{relay}@relay.example:4433").into_bytes()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const SHARED: &str = "tests/vectors";
