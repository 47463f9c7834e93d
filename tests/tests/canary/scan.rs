//! Looks for many strings of bytes at once: in the memory of processes, in files, in packets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use aho_corasick::AhoCorasick;

use crate::keys::Keys;

/// What is looked for, in every form that it could take.
pub(crate) struct Needles {
    search: AhoCorasick,
    /// What each pattern is, and in which form.
    names: Vec<String>,
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

/// What was found: by needle, where.
pub(crate) type Hits = BTreeMap<String, BTreeSet<String>>;

/// How much memory of a process was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) bytes: usize,
    /// Secret pages (`memfd_secret`) that are there and cannot be read.
    pub(crate) closed: usize,
    /// Secret pages that can be read after all.
    pub(crate) open: usize,
}

impl Needles {
    pub(crate) fn of(keys: &Keys) -> Self {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (name, values) in keys {
            for value in values {
                for (form, pattern) in forms(value) {
                    patterns.push(pattern);
                    names.push(format!("{name} ({form})"));
                }
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        Self { search: AhoCorasick::new(&patterns).unwrap(), names, patterns, longest }
    }

    /// How many strings of bytes are looked for.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The strings of bytes themselves.
    pub(crate) fn patterns(&self) -> &[Vec<u8>] {
        &self.patterns
    }

    /// How many names they have together: some have several values under one name.
    pub(crate) fn names(&self) -> usize {
        self.names.iter().collect::<BTreeSet<_>>().len()
    }

    /// Notes everything that stands in `bytes`.
    pub(crate) fn find(&self, bytes: &[u8], place: &str, hits: &mut Hits) {
        for found in self.search.find_overlapping_iter(bytes) {
            let name = self.names[found.pattern().as_usize()].clone();
            hits.entry(name).or_default().insert(place.to_owned());
        }
    }

    /// Looks through everything that a process can reach.
    pub(crate) fn find_in_process(&self, pid: u32, who: &str, hits: &mut Hits) -> Seen {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let mut seen = Seen::default();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
            let name = rest.split_whitespace().nth(4).unwrap_or("anonymous");
            if !rest.starts_with('r') || name == "[vvar]" || name.starts_with("[vsys") {
                continue;
            }
            let secret = name.starts_with("/secretmem");
            let place = format!("{who} {name}");
            let read = self.find_in_range(&memory, from, to, &place, hits);
            seen.bytes += read;
            seen.closed += usize::from(secret && read == 0);
            seen.open += usize::from(secret && read > 0);
        }
        seen
    }

    fn find_in_range(
        &self,
        memory: &File,
        from: u64,
        to: u64,
        place: &str,
        hits: &mut Hits,
    ) -> usize {
        let (mut at, mut total) = (from, 0);
        let mut chunk = vec![0; CHUNK];
        while at < to {
            let wanted = usize::try_from(to - at).unwrap().min(CHUNK);
            let Ok(read) = memory.read_at(&mut chunk[..wanted], at) else {
                return total;
            };
            if read == 0 {
                return total;
            }
            self.find(&chunk[..read], place, hits);
            total += read;
            let end = at + u64::try_from(read).unwrap();
            if end >= to {
                return total;
            }
            // A needle may lie across two chunks.
            let overlap = u64::try_from(self.longest.min(read - 1)).unwrap();
            at = end - overlap;
        }
        total
    }

    /// Looks through every file below a folder, and at the names of them.
    pub(crate) fn find_in_folder(&self, folder: &Path, hits: &mut Hits) -> usize {
        let mut bytes = 0;
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let place = path.display().to_string();
            self.find(entry.file_name().as_encoded_bytes(), &place, hits);
            if kind.is_dir() {
                bytes += self.find_in_folder(&path, hits);
            } else if kind.is_file() {
                let content = fs::read(&path).unwrap();
                bytes += content.len();
                self.find(&content, &place, hits);
            }
        }
        bytes
    }
}

/// Every form in which a value could be written down.
fn forms(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let lower: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("raw", value.to_vec()),
        ("hex", lower.to_uppercase().into_bytes()),
        ("hex", lower.into_bytes()),
    ];
    // What base64 makes of a value depends on how many bytes stand before it.
    for before in 0..3 {
        let text = base64(&[&vec![0; before], value].concat());
        // The first characters mix with what stands before, the last with what follows.
        let inner = text[if before == 0 { 0 } else { before + 1 }..].to_vec();
        let url = inner.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        });
        forms.push(("base64", url.collect()));
        forms.push(("base64", inner));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Only the characters that depend on nothing behind `bytes`.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let bits = bytes.len() * 8;
    for at in (0..bits - bits % 6).step_by(6) {
        let pair = u16::from_be_bytes([bytes[at / 8], *bytes.get(at / 8 + 1).unwrap_or(&0)]);
        let index = (pair >> (10 - at % 8)) & 63;
        text.push(ALPHABET[usize::from(index)]);
    }
    text
}

#[test]
fn values_are_found_in_every_form() {
    let value = b"\xfb\xef\xff canary of 16";
    let encoded = b"..++//IGNhbmFyeSBvZiAxNg==".as_slice();
    let keys = Keys::from([("it".to_owned(), vec![value.to_vec()])]);
    let needles = Needles::of(&keys);
    let hex = b"xFBEFFF2063616E617279206F66203136x".as_slice();
    for (form, text) in
        [("raw", &[b"xx", &value[..], b"x"].concat()[..]), ("hex", hex), ("base64", encoded)]
    {
        let mut hits = Hits::new();
        needles.find(text, "here", &mut hits);
        assert!(hits.contains_key(&format!("it ({form})")), "{form}: {hits:?}");
    }
    let mut hits = Hits::new();
    needles.find(b"\xfb\xef\xff canary of 17", "here", &mut hits);
    assert!(hits.is_empty());
}

const CHUNK: usize = 4 << 20;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
