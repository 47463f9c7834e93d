//! Text that must not leak into a log.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Something a person wrote or is about to read.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Words(Zeroizing<String>);

impl Words {
    /// Takes what was written.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself; every call is a place where it can leak.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(..)")
    }
}

/// What opens the vault, on its way to the process that keeps it.
#[derive(Clone, Eq, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct Passphrase(String);

impl Passphrase {
    /// Takes what was typed.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(typed)
    }

    /// The passphrase itself, for the one message that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-MODEL-10`
    #[test]
    fn debug_output_shows_neither_words_nor_passphrases() {
        let shown =
            format!("{:?} {:?}", Words::new("meet at 9"), Passphrase::new("hunter2".into()));
        assert_eq!(shown, "Words(..) Passphrase(..)");
    }
}
