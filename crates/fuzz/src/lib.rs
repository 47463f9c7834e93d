#![doc = include_str!("../README.md")]

mod corpus;
mod frames;
mod mls;
mod records;
mod table;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub use corpus::{corpus, seeds};
pub use table::TARGETS;

/// A decoder that sees bytes of strangers, and what it promises.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As on the command line and in `corpus/`.
    pub name: &'static str,
    /// The longest input worth trying, in bytes: a little more than is ever accepted.
    pub most: usize,
    /// The most memory that reading, and writing it again, holds at once, in bytes.
    pub memory: usize,
    run: fn(&[u8]) -> bool,
}

impl Target {
    /// The target of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().find(|target| target.name == name).copied()
    }

    /// Reads `bytes`, and says whether they were accepted.
    ///
    /// # Panics
    /// When the decoder does, or breaks a promise: what it accepted is written in other bytes, or
    /// it took more memory than its kind of input may cost.
    #[must_use]
    pub fn reads(&self, bytes: &[u8]) -> bool {
        let mut outcome = Ok(false);
        let spent = allocation_counter::measure(|| {
            // The counter wants the way out by the front door.
            outcome = catch_unwind(AssertUnwindSafe(|| (self.run)(bytes)));
        });
        let read = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        let most = u64::try_from(self.memory).unwrap_or(u64::MAX);
        let (held, len) = (spent.bytes_max, bytes.len());
        assert!(held <= most, "{}: {held} bytes of memory for {len} bytes", self.name);
        read
    }
}

/// Was it read? Then it has one encoding: these bytes.
fn one_encoding<T, E>(
    bytes: &[u8],
    parsed: Result<T, E>,
    write: impl FnOnce(&T) -> Vec<u8>,
) -> bool {
    let Ok(parsed) = parsed else {
        return false;
    };
    assert_eq!(write(&parsed), bytes, "what was read is written in other bytes");
    true
}
