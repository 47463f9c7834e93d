#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "a command-line tool answers on its standard output")]

mod bench;
mod demo;
mod feed;
mod fuzz;
mod lines;
mod signals;
mod sim;
mod system;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Builds everything, starts a relay and two people, and opens their windows
    Demo {
        /// No windows; drive both through `sotto-cli`
        #[arg(long)]
        headless: bool,
        /// Keep everything here, and go on from there next time
        #[arg(long)]
        dir: Option<PathBuf>,
        /// Send the lines of this text file from Alice to Bob
        #[arg(long)]
        feed: Option<PathBuf>,
        /// Optimised binaries: builds longer, runs faster
        #[arg(long)]
        release: bool,
    },
    /// Runs every test
    Test {
        /// Nothing may be left out, formatting and lints are checked
        #[arg(long)]
        ci: bool,
        /// For the test runner: filters, `-p PACKAGE`, ..
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Measures delay, start, memory, idling and load of optimised binaries
    Bench(bench::Wanted),
    /// Feeds strangers' bytes to every decoder, guided by coverage
    Fuzz(fuzz::Wanted),
    /// Runs seeds of the simulated world; fails if one of them violates a rule
    Sim(sim::Wanted),
    /// Counts the lines of the trusted base
    Lines,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Demo { headless, dir, feed, release } => {
            demo::run(&demo::Wanted { headless, dir, feed, release })
        }
        Chore::Test { ci, more } => test::run(ci, &more),
        Chore::Bench(wanted) => bench::run(&wanted),
        Chore::Fuzz(wanted) => fuzz::run(&wanted),
        Chore::Sim(wanted) => sim::run(&wanted),
        Chore::Lines => lines::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}
