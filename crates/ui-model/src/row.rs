//! One message as it is shown.

use names::{Name, Rest};

use crate::{Millis, Words};

/// Where a message stands on its way.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Standing {
    /// On this device only; nobody else has it.
    Queued,
    /// Stored at the relay that this device reaches, on its way to the origin.
    LocalRelay,
    /// Stored at the origin relay.
    Relay,
    /// A device of every other person has it.
    Delivered,
    /// It will not be sent.
    Failed,
    /// This device cannot read it.
    Undecryptable,
}

/// A message in a timeline.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Row {
    /// Its 128-bit name.
    pub name: Name,
    /// Who wrote it.
    pub from: String,
    /// Whether it was written on this device.
    pub own: bool,
    /// When, by the author's clock.
    pub at: Millis,
    /// How far it got.
    pub standing: Standing,
    /// Why it failed or cannot be read; empty otherwise.
    pub why: String,
    /// What it says; empty if this device cannot read it.
    pub text: Words,
    /// The message it answers, if it is part of a thread.
    pub thread: Option<Name>,
    /// How many messages answer it.
    pub replies: u32,
    /// So many messages of its author before it are missing.
    pub missing_before: u32,
}

impl Row {
    /// The sentence on its standing that a person reads or hears.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self.standing {
            Standing::Queued => "Waiting for the network",
            Standing::LocalRelay => "Stored at the local relay",
            Standing::Relay => "Stored at relay",
            Standing::Delivered => "Delivered to everyone",
            Standing::Failed if self.why.is_empty() => "Not sent",
            Standing::Undecryptable if self.why.is_empty() => {
                "This device has no key for this message"
            }
            Standing::Failed | Standing::Undecryptable => &self.why,
        }
    }
}

/// The position of a message in its author's log.
pub(crate) fn number(name: Name) -> u64 {
    let Rest::Message { number, .. } = name.place().rest else {
        return u64::MAX;
    };
    number.value()
}
