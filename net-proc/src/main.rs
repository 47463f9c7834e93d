#![doc = include_str!("../README.md")]

mod arguments;
mod cache;
mod desk;
mod ends;
mod link;
mod lockdown;
mod shell;
mod translate;

use std::io;
use std::process::ExitCode;

use ipc_io::Control;
use ipc_schema::control::{FromChild, schema};

use crate::arguments::Arguments;
use crate::desk::Desk;
use crate::lockdown::Refused;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("net-proc: {}", refused.why);
            ExitCode::from(refused.status)
        }
    }
}

fn run() -> Result<(), Refused> {
    lockdown::harden()?;
    let arguments = Arguments::parse(std::env::args_os().skip(1)).map_err(Refused::usage)?;
    let control = sandbox_io::fds::take_stdin().map_err(|error| Refused::failed(&error))?;
    let confinement = lockdown::confine(&arguments.cache);
    let cache = cache::open(&arguments.cache).map_err(|error| Refused::failed(&error))?;
    let (receiver, mut sender) =
        Control::split(control).map_err(|error| Refused::failed(&error))?;
    let ready = FromChild::Ready { schema: schema(), confinement };
    let ready = ipc_schema::encode(&ready).map_err(|error| Refused::failed(&error))?;
    sender.send(&ready).map_err(|error| Refused::failed(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error: io::Error| Refused::failed(&error))?;
    let desk = Desk::new(cache, arguments.relay);
    let ended = runtime.block_on(shell::run(desk, receiver));
    // Threads that wait for a frame would hold up the end.
    runtime.shutdown_background();
    ended.map_err(|error| Refused::failed(&error))
}

/// One for what comes from the network, one that may wait for the disk.
const WORKERS: usize = 2;
