use std::io;
use std::process::Command;

use crate::{Probe, answer, attempt, call};

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("exec", |_| {
        Ok(Box::new(|| {
            let (program, words) = echo();
            attempt(libc::SYS_execve, [program.addr(), words.as_ptr().addr(), 0, 0, 0, 0])
        }))
    }),
    ("exec-at", |_| {
        Ok(Box::new(|| {
            let (program, words) = echo();
            let here = usize::MAX;
            attempt(libc::SYS_execveat, [here, program.addr(), words.as_ptr().addr(), 0, 0, 0])
        }))
    }),
    ("start-program", |_| Ok(Box::new(|| Command::new("/bin/true").status().map(drop)))),
    ("fork", |_| {
        Ok(Box::new(|| {
            // SAFETY: the child ends at once.
            end_the_child(answer(unsafe { libc::fork() })?)
        }))
    }),
    #[cfg(target_arch = "x86_64")]
    ("old-fork", |_| Ok(Box::new(|| end_the_child(call(libc::SYS_fork, [0; 6])?)))),
    ("clone-process", |_| {
        Ok(Box::new(|| end_the_child(call(libc::SYS_clone, [SIGCHLD, 0, 0, 0, 0, 0])?)))
    }),
    ("clone-user-namespace", |_| {
        Ok(Box::new(|| {
            let flags = SIGCHLD | NEWUSER;
            end_the_child(call(libc::SYS_clone, [flags, 0, 0, 0, 0, 0])?)
        }))
    }),
    ("clone3", |_| {
        Ok(Box::new(|| {
            // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, ...
            let arguments = [0_u64, 0, 0, 0, 17, 0, 0, 0];
            let size = size_of_val(&arguments);
            end_the_child(call(libc::SYS_clone3, [arguments.as_ptr().addr(), size, 0, 0, 0, 0])?)
        }))
    }),
    ("thread", |_| {
        Ok(Box::new(|| {
            let thread = std::thread::Builder::new().spawn(|| 7)?;
            thread.join().map(drop).map_err(|_| io::Error::other("the thread failed"))
        }))
    }),
];

fn echo() -> (*const libc::c_char, [*const libc::c_char; 3]) {
    let program = c"/bin/echo".as_ptr();
    (program, [program, c"done".as_ptr(), std::ptr::null()])
}

fn end_the_child(child: i64) -> io::Result<()> {
    if child == 0 {
        // SAFETY: ends this process without running anything of its copied state.
        unsafe { libc::_exit(0) }
    }
    let child = i32::try_from(child).map_err(io::Error::other)?;
    // SAFETY: the status is not asked for.
    answer(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }).map(drop)
}

const SIGCHLD: usize = 17;
const NEWUSER: usize = 0x1000_0000;
