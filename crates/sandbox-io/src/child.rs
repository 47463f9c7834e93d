//! How the launcher starts the three processes.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

use crate::{Role, environment};

/// Starts `program` with `stdin` as its standard input, our standard output and error, no other
/// descriptor, and an environment of nothing but what the role keeps: a preloaded library does
/// not reach it. It is killed when the **thread** that called this ends, so call it from the
/// launcher's only one.
///
/// # Errors
/// What the system says if the program cannot be started.
pub fn spawn<A: AsRef<OsStr>>(
    role: Role,
    program: &Path,
    arguments: &[A],
    stdin: OwnedFd,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment::kept(role))
        .current_dir("/")
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let parent = getpid();
    #[expect(unsafe_code, reason = "code between fork and exec is unsafe by definition")]
    // SAFETY: the closure only makes system calls; it neither allocates nor takes locks.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the line above.
            if getppid() != Some(parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            close_the_rest_on_exec()
        });
    }
    command.spawn()
}

/// Descriptors that somebody gave the launcher without close-on-exec would reach the child.
fn close_the_rest_on_exec() -> io::Result<()> {
    let (first, last) = (3_u32, u32::MAX);
    #[expect(unsafe_code, reason = "no safe function for close_range in our dependencies")]
    // SAFETY: the flag only marks descriptors; it closes none that this process still uses.
    let outcome =
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
