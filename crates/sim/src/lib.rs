#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a simulation that cannot go on ends, and the seed is printed"
)]

mod broken;
mod chance;
mod crypto;
mod device;
mod facts;
mod ghost;
mod links;
mod oracle;
mod profile;
mod relays;
mod run;
mod scenes;
mod world;

pub use broken::{Broken, Shell};
pub use facts::Counts;
pub use run::{Outcome, prepare, run, run_broken};
