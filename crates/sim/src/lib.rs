#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a simulation that cannot go on ends, and the seed is printed"
)]

mod chance;
mod crypto;
mod device;
mod facts;
mod links;
mod oracle;
mod profile;
mod relays;
mod run;
mod world;

pub use facts::Counts;
pub use run::{Outcome, prepare, run};
