//! A network namespace without any network, for the window: abstract socket names live in it, so
//! that the X11 library finds none under the abstract name and falls back to the path, instead of
//! giving up at a refusal. Afterwards nobody holds a capability.

use std::fs;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

/// Moves the only thread into a network namespace of its own. False if the kernel or its policy
/// does not let us.
pub(crate) fn leave_network() -> bool {
    // Root needs no user namespace, and without one it keeps its name towards the display.
    if unshare(UnshareFlags::NEWNET) {
        return true;
    }
    let user = rustix::process::geteuid();
    let group = rustix::process::getegid();
    // A process that is not dumpable cannot write its own maps. It holds nothing yet.
    let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
    let entered = unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET);
    if entered {
        // Unmapped names still work for files; only what the process sees of itself differs.
        let _ = fs::write("/proc/self/setgroups", "deny");
        let _ = fs::write("/proc/self/uid_map", format!("{0} {0} 1", user.as_raw()));
        let _ = fs::write("/proc/self/gid_map", format!("{0} {0} 1", group.as_raw()));
    }
    let restored = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    entered && restored.is_ok()
}

/// Gives up every capability, also those of the namespace just entered.
pub(crate) fn drop_capabilities() -> bool {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).is_ok()
}

fn unshare(flags: UnshareFlags) -> bool {
    #[expect(unsafe_code, reason = "rustix marks it unsafe for the sake of descriptor tables")]
    // SAFETY: neither flag touches the descriptor table, and there is one thread.
    unsafe {
        rustix::thread::unshare_unsafe(flags).is_ok()
    }
}
