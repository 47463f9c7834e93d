//! The house: who never reaches whom, how the folders stand on each other, and what every file and
//! README keeps to. A failure here names the file and what to do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod files;
mod layers;
mod reach;
mod readmes;
