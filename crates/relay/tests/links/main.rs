//! The real relay process, over real links, and what is on its disk afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod client;
mod command;
mod flow;
#[expect(dead_code, reason = "the tests of decisions use the rest")]
#[path = "../../../relay-core/tests/cast/people.rs"]
mod people;
mod process;
mod refused;
mod tree;
