//! The three children, by name.

use std::fmt;

use ipc_schema::control::Class;

/// One of the three children.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Part {
    /// Keys, MLS, history.
    Secure,
    /// Links and cache.
    Net,
    /// The window.
    Window,
}

/// How a child died.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Death {
    /// It exited with this status.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
}

impl Part {
    /// The name of its binary.
    #[must_use]
    pub(crate) fn binary(self) -> &'static str {
        match self {
            Self::Secure => "secure-proc",
            Self::Net => "net-proc",
            Self::Window => "ui-proc",
        }
    }

    /// What `secure-proc` knows it as.
    #[must_use]
    pub(crate) fn class(self) -> Class {
        match self {
            Self::Secure => Class::Secure,
            Self::Net => Class::Net,
            Self::Window => Class::Window,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.binary())
    }
}

/// The three of them, in the order in which they start.
pub(crate) const PARTS: [Part; 3] = [Part::Secure, Part::Net, Part::Window];
