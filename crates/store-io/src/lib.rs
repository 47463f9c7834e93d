#![doc = include_str!("../README.md")]

mod ahead;
mod error;
mod note;
mod schema;
mod store;
mod sweep;

pub use error::StoreError;
pub use note::Note;
pub use schema::Durability;
pub use store::{Kept, Put, Store};
