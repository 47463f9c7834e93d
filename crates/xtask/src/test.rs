//! `cargo xtask test`.

use std::process::Command;

use harness::source::root;
use harness::{Bins, During, Trouble};

use crate::system::{Purpose, ready};

/// Runs every test, with nextest where it is installed.
pub(crate) fn run(ci: bool, more: &[String]) -> Result<(), Trouble> {
    ready(&[Purpose::Build, Purpose::Window, Purpose::Tests])?;
    if ci {
        cargo(&["fmt", "--all", "--check"])?;
        let lint = ["clippy", "--workspace", "--all-targets", "--locked"];
        cargo(&[&lint[..], &["--", "-D", "warnings"]].concat())?;
    }
    let bins = Bins::build_workspace()?;
    let nextest = Command::new("cargo-nextest").arg("--version").output();
    let runner: &[&str] =
        if nextest.is_ok_and(|out| out.status.success()) { &["nextest", "run"] } else { &["test"] };
    let mut command = cargo_command();
    command.args(runner).args(more);
    // Filters name their packages themselves.
    if !more.iter().any(|word| word == "-p" || word == "--package") {
        command.arg("--workspace");
    }
    command.env("SOTTO_BIN", bins.dir());
    finish(command)
}

fn cargo(args: &[&str]) -> Result<(), Trouble> {
    let mut command = cargo_command();
    command.args(args);
    finish(command)
}

fn finish(mut command: Command) -> Result<(), Trouble> {
    let spelled = format!("{command:?}");
    let status = command.status().during(&spelled)?;
    if status.success() {
        Ok(())
    } else {
        Err(Trouble::new(format!("{spelled} failed ({status})")))
    }
}

fn cargo_command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}
