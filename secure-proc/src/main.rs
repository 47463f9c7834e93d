#![doc = include_str!("../README.md")]

mod answers;
mod arguments;
mod asks;
mod book;
mod clock;
mod desk;
mod drain;
mod effect;
mod ends;
mod failures;
mod gate;
mod lockdown;
mod page_key;
mod record;
mod session;
mod shelf;
mod stack;
mod standing;
mod translate;
mod wanted;
mod wishes;

use std::process::ExitCode;

use ipc_schema::control::{FromChild, schema};
use zeroizing_alloc::ZeroAlloc;

use crate::desk::Desk;
use crate::ends::{Ended, Ends};
use crate::lockdown::Refused;

// Whatever is freed is wiped first, whoever freed it: the libraries underneath do not always.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => refused.exit(),
    }
}

fn run() -> Result<(), Refused> {
    lockdown::harden()?;
    let arguments = arguments::parse(std::env::args_os())
        .map_err(|usage| Refused { why: usage.to_string(), status: 2 })?;
    let broken = |why: String| Refused { why, status: 74 };
    let control = sandbox_io::fds::take_stdin()
        .map_err(|error| broken(format!("no control channel on descriptor 0: {error}")))?;
    mls_core::prepare_threads();
    let confinement = lockdown::confine(&arguments.vault, arguments.allow_unconfined)?;
    let mut ends = Ends::new(control).map_err(|error| broken(error.to_string()))?;
    let ready = FromChild::Ready { schema: schema(), confinement: confinement.clone() };
    if !ends.ready(&ready) {
        return Err(broken("the launcher is gone".into()));
    }
    let mut desk = Desk::new(arguments.vault.join("vault.db"), confinement);
    let ended = ends.serve(&mut desk).map_err(|error| broken(error.to_string()))?;
    // The vault is put away in either case; only an orderly end is a success.
    let _ = desk.lock(clock::now());
    match ended {
        Ended::Stopped => Ok(()),
        Ended::Orphaned => Err(broken("the launcher is gone".into())),
    }
}
