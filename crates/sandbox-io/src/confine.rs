use crate::files::Abstract;
use crate::{Lack, Level, Paths, Role, files, filter, isolation};

/// Step 2 of the lock-down, after [`harden`](crate::harden) and before the first thread: a
/// network namespace of its own for the window, no capabilities, Landlock, the list of permitted
/// system calls, and last the list of deadly ones.
///
/// Never fails: it does all that this kernel can do and reports what is missing.
pub fn confine(role: Role, paths: &Paths) -> Level {
    let mut lacks = Vec::new();
    let abstract_sockets = match role {
        Role::Secure | Role::Net => Abstract::Closed,
        Role::Ui => isolate_window(&mut lacks),
    };
    if !isolation::drop_capabilities() {
        lacks.push(Lack::Capabilities);
    }
    let (landlock, missing) = files::restrict(role, paths, abstract_sockets);
    lacks.extend(missing);
    let (system_calls, missing) = filter::install(role);
    lacks.extend(missing);
    Level::judge(landlock, system_calls, lacks)
}

fn isolate_window(lacks: &mut Vec<Lack>) -> Abstract {
    if isolation::leave_network() || std::env::var_os("DISPLAY").is_none() {
        return Abstract::Closed;
    }
    lacks.push(Lack::AbstractSockets);
    Abstract::Open
}
