//! `cargo xtask lines`.

use harness::Trouble;
use harness::source::{BUDGET, trusted_base};

/// Prints the lines of code of the trusted base as a table.
pub(crate) fn run() -> Result<(), Trouble> {
    let counts = trusted_base()?;
    println!("| package | lines of code |\n|---|---|");
    for (package, count) in &counts {
        println!("| {package} | {count} |");
    }
    let all: usize = counts.values().sum();
    println!("| **together** | **{all}** of {BUDGET} |");
    Ok(())
}
