#![doc = include_str!("../README.md")]

mod check;
mod deliver;
mod gate;
mod memory;
mod quota;
mod relay;
mod session;
mod shelf;
mod slot;
mod subscribe;
mod writer;

pub use memory::MemoryShelf;
pub use quota::Limits;
pub use relay::{DropReason, Fault, Input, Org, Output, Peer, Relay};
pub use shelf::{Kept, Shelf, ShelfFault};
