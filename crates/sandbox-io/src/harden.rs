use std::os::fd::{AsRawFd, RawFd};

use rustix::fs::{CWD, Dir, Mode, OFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use crate::{Role, environment};

/// The exit status of a process that found a descriptor it does not know.
pub const EXIT_UNEXPECTED_DESCRIPTOR: u8 = 70;

/// Why a process must not go on.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum HardenError {
    /// A descriptor is open that nobody announced: exit with [`EXIT_UNEXPECTED_DESCRIPTOR`].
    #[error("descriptor {number} is open and was not expected; start this program through `sotto`")]
    UnexpectedDescriptor {
        /// Its number.
        number: RawFd,
    },
    /// There is a second thread already; confinement would not cover it.
    #[error("{threads} threads run before lock-down; there must be one")]
    Threads {
        /// How many there are.
        threads: usize,
    },
    /// The loader was told to put foreign code into this process.
    #[error("LD_PRELOAD or LD_AUDIT is set; start this program through `sotto`")]
    Preloaded,
    /// `/proc/self` cannot be read, so neither descriptors nor threads can be counted.
    #[error("/proc/self cannot be read; mount /proc")]
    Proc,
    /// The kernel refused one of the settings.
    #[error("the kernel refused to set {setting}")]
    Setting {
        /// Which one.
        setting: &'static str,
    },
}

impl HardenError {
    /// The status to exit with.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::UnexpectedDescriptor { .. } => EXIT_UNEXPECTED_DESCRIPTOR,
            Self::Threads { .. } | Self::Preloaded | Self::Proc | Self::Setting { .. } => 71,
        }
    }
}

/// Step 1 of the lock-down, before anything else in `main`: no core file, not dumpable, no new
/// privileges, no descriptor but 0, 1, 2 and `expected`, one thread, and an environment with
/// nothing but what the role needs.
///
/// # Errors
/// See [`HardenError`]; the process has to end with [`HardenError::exit_status`].
pub fn harden(role: Role, expected: &[RawFd]) -> Result<(), HardenError> {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, no_core)
        .map_err(|_| HardenError::Setting { setting: "the core limit" })?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|_| HardenError::Setting { setting: "not dumpable" })?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|_| HardenError::Setting { setting: "no new privileges" })?;
    check_descriptors(expected)?;
    check_threads()?;
    if environment::is_preloaded() {
        return Err(HardenError::Preloaded);
    }
    environment::clear(role);
    Ok(())
}

/// Ends the process with [`EXIT_UNEXPECTED_DESCRIPTOR`].
pub fn exit_unexpected_descriptor() -> ! {
    std::process::exit(i32::from(EXIT_UNEXPECTED_DESCRIPTOR))
}

fn check_descriptors(expected: &[RawFd]) -> Result<(), HardenError> {
    let folder = open_folder(c"/proc/self/fd")?;
    let own = folder.as_raw_fd();
    for number in numbers(folder)? {
        if number > 2 && number != own && !expected.contains(&number) {
            return Err(HardenError::UnexpectedDescriptor { number });
        }
    }
    Ok(())
}

fn check_threads() -> Result<(), HardenError> {
    match numbers(open_folder(c"/proc/self/task")?)?.len() {
        1 => Ok(()),
        threads => Err(HardenError::Threads { threads }),
    }
}

fn open_folder(path: &std::ffi::CStr) -> Result<rustix::fd::OwnedFd, HardenError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|_| HardenError::Proc)
}

fn numbers(folder: rustix::fd::OwnedFd) -> Result<Vec<RawFd>, HardenError> {
    let mut numbers = Vec::new();
    for entry in Dir::new(folder).map_err(|_| HardenError::Proc)? {
        let entry = entry.map_err(|_| HardenError::Proc)?;
        // "." and ".." are no numbers.
        if let Some(number) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}
