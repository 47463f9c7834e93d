//! Lock-down: before any thread, any peer, any packet.

use std::fmt::Display;
use std::path::Path;

use ipc_schema::Text;
use ipc_schema::control::Confinement;
use sandbox_io::{Level, Paths, Role};

/// Why the process does not run.
#[derive(Debug)]
pub(crate) struct Refused {
    /// For people.
    pub(crate) why: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Refused {
    pub(crate) fn usage(why: String) -> Self {
        Self { why, status: 2 }
    }

    pub(crate) fn failed(why: &impl Display) -> Self {
        Self { why: why.to_string(), status: 1 }
    }
}

/// Everything that needs nothing open yet.
pub(crate) fn harden() -> Result<(), Refused> {
    sandbox_io::harden(Role::Net, &[])
        .map_err(|error| Refused { why: error.to_string(), status: error.exit_status() })
}

/// Closes the door behind the process and says how well it is closed. It goes on in any case: it
/// holds nothing that its user's other programs could not get as well.
pub(crate) fn confine(cache: &Path) -> Confinement {
    let level = sandbox_io::confine(Role::Net, &Paths::net(cache));
    let text = Text::cut(&level.to_string());
    match level {
        Level::Full => Confinement::Full,
        Level::Reduced(_) => Confinement::Reduced(text),
        Level::None(_) => Confinement::None(text),
    }
}
