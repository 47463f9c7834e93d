//! What went wrong while driving real processes.

use std::fmt;

/// What went wrong, in words for people.
#[derive(Debug)]
pub struct Trouble {
    /// What was being done, and what came in the way.
    pub what: String,
    /// The code of a command line's answer (`error` in its JSON), when there was one.
    pub code: Option<String>,
}

/// Says what was being done when something failed.
pub trait During<T> {
    /// Adds `what` to an error.
    ///
    /// # Errors
    /// The same one, in more words.
    fn during(self, what: impl fmt::Display) -> Result<T, Trouble>;
}

impl Trouble {
    /// Trouble without a code.
    #[must_use]
    pub fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), code: None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Trouble {}

impl<T, E: fmt::Display> During<T> for Result<T, E> {
    fn during(self, what: impl fmt::Display) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::new(format!("{what}: {error}")))
    }
}

impl<T> During<T> for Option<T> {
    fn during(self, what: impl fmt::Display) -> Result<T, Trouble> {
        self.ok_or_else(|| Trouble::new(what))
    }
}
