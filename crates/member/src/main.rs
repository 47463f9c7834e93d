#![doc = include_str!("../README.md")]

mod args;
mod endpoint;
mod origin;
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
