//! Tries one thing that a confined process must not, or must, be able to do, and says how it
//! went. Only the privilege tests start it. It locks itself down with the very calls of the
//! product; as role `free` it does not, and is the control.
//!
//! `sandbox-probe ROLE PROBE [name=value ..]`, where ROLE is `secure`, `net`, `ui` or `free`.
//! `sandbox-probe cleanly PROGRAM ..` first closes what it inherited.
//! As `start` or `start-plainly` it stands in for the launcher and starts itself as role `as=`.
//! Prints `level ..`, then `done` or `refused ERRNO`. Ends with 2 if a probe could not be set up.

#![expect(unsafe_code, reason = "probes make the raw system calls that an intruder would make")]
#![expect(clippy::print_stdout, reason = "standard output is how a probe reports")]

mod files;
mod kernel;
mod memory;
mod network;
mod others;
mod processes;
mod scene;

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use sandbox_io::{Paths, Role, confine, harden};
use scene::Scene;

/// What happens after lock-down.
type Attempt = Box<dyn FnOnce() -> io::Result<()>>;

/// What happens before lock-down, as far as an intruder could have found it prepared.
type Probe = fn(&Scene) -> io::Result<Attempt>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let name = arguments.next().unwrap_or_default();
    let scene = Scene::read(arguments);
    if role == "victim" {
        return others::be_the_victim();
    }
    let outcome = match role.as_str() {
        "cleanly" => cleanly(&name),
        "start" | "start-plainly" => start(&role, &name, &scene),
        _ => run(&role, &name, &scene),
    };
    match outcome {
        Ok(status) => status,
        Err(trouble) => {
            eprintln!("{role} {name}: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn run(role: &str, name: &str, scene: &Scene) -> io::Result<ExitCode> {
    let lock_down = match role {
        "secure" => Some((Role::Secure, Paths::secure(&scene.own()?))),
        "net" => Some((Role::Net, Paths::net(&scene.own()?))),
        "ui" => Some((Role::Ui, Paths::ui(Some(&scene.own()?)))),
        "free" => None,
        _ => return Err(io::Error::other("no such role")),
    };
    if name == "second-thread" {
        let (_hold, wait) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || wait.recv());
        return Ok(harden_only(lock_down.map(|(role, _)| role)));
    }
    if let Some((role, _)) = &lock_down
        && let Err(refusal) = harden(*role, &[])
    {
        println!("hardening: {refusal}");
        return Ok(ExitCode::from(refusal.exit_status()));
    }
    let attempt = find(name).ok_or_else(|| io::Error::other("no such probe"))?(scene)?;
    if let Some((role, paths)) = &lock_down {
        println!("level {}", confine(*role, paths));
    }
    match attempt() {
        Ok(()) => println!("done"),
        Err(refusal) => println!("refused {}", refusal.raw_os_error().unwrap_or(0)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Becomes another program, with no descriptor but the first three.
fn cleanly(program: &str) -> io::Result<ExitCode> {
    attempt(libc::SYS_close_range, [3, usize::MAX >> 32, 4, 0, 0, 0])?;
    Err(std::process::Command::new(program).args(std::env::args_os().skip(3)).exec())
}

/// Stands in for the launcher: starts this program again, as the launcher would or plainly, and
/// ends as it ends.
fn start(mode: &str, name: &str, scene: &Scene) -> io::Result<ExitCode> {
    let program = std::env::current_exe()?;
    let mut arguments = vec![scene.value::<String>("as")?, name.to_owned()];
    arguments.extend(std::env::args().skip(3));
    let role = match scene.value::<String>("as")?.as_str() {
        "net" => Role::Net,
        "ui" => Role::Ui,
        _ => Role::Secure,
    };
    let (_end, theirs) = std::os::unix::net::UnixStream::pair()?;
    let mut child = if mode == "start" {
        sandbox_io::child::spawn(role, &program, &arguments, theirs.into())?
    } else {
        std::process::Command::new(program).args(arguments).stdin(OwnedFd::from(theirs)).spawn()?
    };
    let status = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(status.unwrap_or(99)))
}

fn harden_only(role: Option<Role>) -> ExitCode {
    match role.map(|role| harden(role, &[])) {
        None | Some(Ok(())) => {
            println!("done");
            ExitCode::SUCCESS
        }
        Some(Err(refusal)) => {
            println!("hardening: {refusal}");
            ExitCode::from(refusal.exit_status())
        }
    }
}

fn find(name: &str) -> Option<Probe> {
    [GENERAL, network::PROBES, processes::PROBES, files::PROBES, others::PROBES, memory::PROBES]
        .into_iter()
        .chain([kernel::PROBES])
        .flatten()
        .find(|(known, _)| *known == name)
        .map(|(_, probe)| *probe)
}

const GENERAL: &[(&str, Probe)] = &[
    // Lets the test look at a locked-down process from outside until it closes standard input.
    ("wait", |_| {
        Ok(Box::new(|| {
            println!("ready");
            io::stdout().flush()?;
            io::stdin().read_to_end(&mut Vec::new()).map(drop)
        }))
    }),
    // Stays whatever happens to its standard input, but not for ever.
    ("stay", |_| {
        Ok(Box::new(|| {
            println!("ready");
            io::stdout().flush()?;
            // SAFETY: waits for no descriptor at all.
            answer(unsafe { libc::poll(std::ptr::null_mut(), 0, 60_000) }).map(drop)
        }))
    }),
    ("environment", |_| {
        let mut names: Vec<String> =
            std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(Box::new(move || {
            println!("names {}", names.join(" "));
            Ok(())
        }))
    }),
];

/// The result of a C function that answers -1 and sets `errno`.
fn answer(result: impl Into<i64>) -> io::Result<i64> {
    match result.into() {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// A raw system call; addresses and numbers alike.
fn call(number: libc::c_long, arguments: [usize; 6]) -> io::Result<i64> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: probes pass addresses of live buffers that are as long as the kernel expects.
    answer(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// [`call`] where only success counts.
fn attempt(number: libc::c_long, arguments: [usize; 6]) -> io::Result<()> {
    call(number, arguments).map(drop)
}
