//! Lock-down: before any thread, any key, any peer.

use std::path::Path;
use std::process::ExitCode;

use ipc_schema::Text;
use ipc_schema::control::Confinement;
use sandbox_io::{Level, Paths, Role};

/// Why the process does not start.
#[derive(Debug)]
pub(crate) struct Refused {
    /// For people.
    pub(crate) why: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Refused {
    pub(crate) fn exit(self) -> ExitCode {
        eprintln!("secure-proc: {}", self.why);
        ExitCode::from(self.status)
    }
}

/// Everything that needs nothing open yet.
pub(crate) fn harden() -> Result<(), Refused> {
    sandbox_io::harden(Role::Secure, &[])
        .map_err(|error| Refused { why: error.to_string(), status: error.exit_status() })
}

/// Closes the door behind the process. Without any confinement it goes on only when it was told
/// so, and says it to whoever looks.
pub(crate) fn confine(vault: &Path, allow_unconfined: bool) -> Result<Confinement, Refused> {
    let level = sandbox_io::confine(Role::Secure, &Paths::secure(vault));
    let text = Text::cut(&level.to_string());
    match level {
        Level::Full => Ok(Confinement::Full),
        Level::Reduced(_) => Ok(Confinement::Reduced(text)),
        Level::None(_) if allow_unconfined => Ok(Confinement::None(text)),
        Level::None(_) => Err(Refused {
            why: format!(
                "nothing confines this process ({text}); start `sotto --allow-unconfined` to run \
                 all the same"
            ),
            status: 72,
        }),
    }
}
