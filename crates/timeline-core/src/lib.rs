#![doc = include_str!("../README.md")]

mod entry;
mod log;
mod order;
mod timeline;

#[cfg(test)]
mod tests;

pub use entry::{Entry, InsertError, MAX_AFTER, MAX_TIME_MS, Position};
pub use log::Gap;
pub use timeline::{Inserted, Timeline};
