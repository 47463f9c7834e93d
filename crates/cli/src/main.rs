//! `sotto-cli`: the window's place for scripts and terminals.

mod args;
mod follow;
mod join;
mod lines;
mod run;

use std::process::ExitCode;

use cli::{Out, parse};

use crate::args::Args;

fn main() -> ExitCode {
    match parse::<Args>() {
        Ok(args) => Out::new(args.json).finish(run::run(args)),
        Err(status) => status,
    }
}
