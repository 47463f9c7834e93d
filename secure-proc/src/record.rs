//! A message as the vault keeps it.

use names::{Name, Number, Rest};
use serde::{Deserialize, Serialize};
use vault_io::Table;
use zeroize::{Zeroize, Zeroizing};

/// A message of the history. Kept as CBOR maps, so that later releases can add to it.
#[derive(Clone, Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
pub(crate) struct Record {
    /// The author, as certified.
    pub(crate) user: String,
    /// The author's device number in the team.
    pub(crate) device: u32,
    /// Was it written here?
    pub(crate) own: bool,
    /// The author's time, in ms.
    pub(crate) at: u64,
    /// The text.
    pub(crate) body: String,
    /// The message whose thread it belongs to.
    pub(crate) thread: Option<[u8; 16]>,
    /// What its author had seen.
    pub(crate) after: Vec<[u8; 16]>,
    /// The number of its last entry.
    pub(crate) last: u32,
    /// Why it cannot be read or was not sent; empty otherwise.
    pub(crate) why: String,
    /// So many entries of its log before it are missing.
    pub(crate) missing: u32,
    /// Its author's signature over name and content: whoever holds it can hand the message on for
    /// an author that is gone. Empty where it cannot be read.
    #[serde(default, with = "serde_bytes")]
    pub(crate) signature: Vec<u8>,
}

/// A record that the vault gave and nobody can read: written by a later release, or by a bug.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("a message of the history is in a form that this release does not know")]
pub(crate) struct UnknownRecord;

impl Record {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, UnknownRecord> {
        cbor4ii::serde::from_slice(bytes).map_err(|_| UnknownRecord)
    }

    pub(crate) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        // Writing to memory cannot fail; an empty value would be refused when read.
        Zeroizing::new(cbor4ii::serde::to_vec(Vec::new(), self).unwrap_or_default())
    }

    pub(crate) fn thread(&self) -> Option<Name> {
        self.thread.and_then(|bytes| Name::from_bytes(bytes).ok())
    }

    pub(crate) fn after(&self) -> Vec<Name> {
        self.after.iter().filter_map(|bytes| Name::from_bytes(*bytes).ok()).collect()
    }

    /// What was called `from` is called `to`.
    pub(crate) fn point(&mut self, from: Name, to: Name) {
        let (from, to) = (from.bytes(), to.bytes());
        for name in self.after.iter_mut().chain(&mut self.thread) {
            if *name == from {
                *name = to;
            }
        }
    }

    /// The number behind its last entry: the message is covered by watermarks from there on.
    pub(crate) fn end(&self, name: Name) -> u64 {
        number_of(name).value().max(u64::from(self.last)).saturating_add(1)
    }
}

/// The position of a message in its log.
pub(crate) fn number_of(name: Name) -> Number {
    if let Rest::Message { number, .. } = name.place().rest { number } else { Number::ZERO }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record(..)")
    }
}

/// Messages by name.
pub(crate) const HISTORY: Table = Table(64);
/// Requests that were answered, by number.
pub(crate) const REQUESTS: Table = Table(65);
/// Cursors in the cache of `net-proc`, by team.
pub(crate) const CURSORS: Table = Table(66);
/// Requests whose answer waits, or waited, for a slot: by number.
pub(crate) const WANTED: Table = Table(67);
/// What messages are called that had another name, by that name.
pub(crate) const RENAMED: Table = Table(68);
/// In which layout all rows of the vault are, ours and those of `mls-core`: one row.
pub(crate) const LAYOUT: Table = Table(69);

/// The layout of this release. Whoever changes rows so that older ones cannot be read counts it up.
pub(crate) const THIS_LAYOUT: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_nothing_else_is() {
        let record = Record {
            user: "Alice".into(),
            device: 7,
            own: true,
            at: 1,
            body: "hello".into(),
            thread: None,
            after: vec![[1; 16]],
            last: 3,
            why: String::new(),
            missing: 0,
            signature: vec![200; 64],
        };
        let read = Record::read(&record.bytes()).expect("what was written");
        assert_eq!((read.user.as_str(), read.body.as_str(), read.last), ("Alice", "hello", 3));
        assert_eq!(read.signature, record.signature);
        let name = Name::from_bits(1 << 96 | 1 << 88 | 2).expect("entry 2 of a log");
        assert_eq!(record.end(name), 4, "its last entry is 3");
        assert_eq!(Record::read(b"").map(drop), Err(UnknownRecord));
        assert_eq!(Record::read(&[0xff]).map(drop), Err(UnknownRecord));
    }
}
