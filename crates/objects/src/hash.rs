//! SHA-256, always under a label of its own.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Label;

/// A SHA-256 hash.
#[derive(Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Stands where nothing comes before: the first entry of a log, the first claim of a team.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of `bytes` under `label`.
    #[must_use]
    pub fn of(label: Label, bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(label.bytes()).chain_update(bytes).finalize().into())
    }

    /// Parses 64 hexadecimal digits; blanks between them are passed over, since people copy
    /// hashes in groups.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let mut digits = text.chars().filter(|c| !c.is_whitespace());
        for byte in &mut bytes {
            let high = digits.next()?.to_digit(16)?;
            let low = digits.next()?.to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
