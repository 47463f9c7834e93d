//! `cargo xtask sim`: seeds of the simulated world, by its own optimised binary.

use std::process::Command;

use harness::source::root;
use harness::{During, Trouble};

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// How many seeds
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
    /// A line for every seed, not only for those that fail
    #[arg(long)]
    every: bool,
    /// Break one rule after the other, and demand that each is seen within so many seeds
    #[arg(long)]
    broken: bool,
}

/// Builds the simulator, and lets it say what it found. Its profile is that of the fuzz targets:
/// fast, with every check for overflows on.
pub(crate) fn run(wanted: &Wanted) -> Result<(), Trouble> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command.args(["run", "--quiet", "--profile", "fuzz", "--package", "sotto-sim", "--"]);
    command.args(["--seeds", &wanted.seeds.to_string(), "--from", &wanted.from.to_string()]);
    command.args(wanted.json.then_some("--json"));
    command.args(wanted.every.then_some("--every"));
    command.args(wanted.broken.then_some("--broken"));
    let status = command.status().during("running the simulator")?;
    if status.success() { Ok(()) } else { Err(Trouble::new("the simulator found something")) }
}
