//! What stands in a timeline, and where.

use names::{Name, Rest};

/// A message, as far as its place is concerned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its name: that of a log entry.
    pub name: Name,
    /// The newest entries that its author had seen, at most [`MAX_AFTER`].
    pub after: Vec<Name>,
    /// The message that it replies to in a thread.
    pub thread: Option<Name>,
    /// When its author says that it was written, in ms since 1970; a wish, not a fact.
    pub author_time_ms: u64,
}

/// A place in the order of display; positions compare as the entries stand, oldest first.
///
/// It changes when something arrives that the entry came after.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The author's time, but later than everything that the entry came after.
    pub hybrid_ms: u64,
    /// Replies stand behind what they may reply to where claims contradict each other.
    pub(crate) rank: u8,
    /// Which entry stands there.
    pub name: Name,
}

/// Why an entry has no place.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InsertError {
    /// The name is not that of a log entry.
    #[error("{name} does not name a message")]
    NotAMessage {
        /// The name given.
        name: Name,
    },
    /// It claims to come after more entries than may be named.
    #[error("{name} names more than {MAX_AFTER} entries that it came after")]
    TooManyAfter {
        /// Which entry.
        name: Name,
    },
    /// Another entry stands under this name already; one of the two is a forgery of the author's
    /// own hand, and the log is frozen there.
    #[error("{name} stands there already with other claims")]
    Forked {
        /// Which entry.
        name: Name,
    },
}

impl Entry {
    /// Brings equal claims into one form, and refuses impossible ones.
    pub(crate) fn settled(mut self) -> Result<Self, InsertError> {
        let name = self.name;
        if self.after.len() > MAX_AFTER {
            return Err(InsertError::TooManyAfter { name });
        }
        if !matches!(name.place().rest, Rest::Message { .. }) {
            return Err(InsertError::NotAMessage { name });
        }
        self.after.sort_unstable();
        self.after.dedup();
        self.after.retain(|seen| *seen != name);
        self.thread = self.thread.filter(|parent| *parent != name);
        self.author_time_ms = self.author_time_ms.min(MAX_TIME_MS);
        Ok(self)
    }

    /// Everything that it came after.
    pub(crate) fn causes(&self) -> impl Iterator<Item = Name> + '_ {
        self.after.iter().copied().chain(self.thread)
    }
}

/// How many entries one may name as seen.
pub const MAX_AFTER: usize = 8;
/// Later times count as this one (about the year 10,900), so that whatever follows has room.
pub const MAX_TIME_MS: u64 = 1 << 48;
