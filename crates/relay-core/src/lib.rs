#![doc = include_str!("../README.md")]

mod above;
mod admins;
mod broken;
mod check;
mod deliver;
mod face;
mod gate;
mod memory;
mod notes;
mod publish;
mod quota;
mod relay;
mod revoked;
mod session;
mod settle;
mod shelf;
mod slot;
mod subscribe;
mod term;
mod up;
mod writer;

#[doc(hidden)]
pub use broken::Broken;
pub use face::{DropReason, Fault, Input, Org, Output, Peer};
pub use memory::MemoryShelf;
pub use quota::Limits;
pub use relay::Relay;
pub use shelf::{Kept, Note, Put, Shelf, ShelfFault};
