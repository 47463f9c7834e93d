#![doc = include_str!("../README.md")]

mod bounded;
mod codec;
pub mod control;

pub use bounded::{Bytes, List, Secret, Text, TooLong};
pub use codec::{CodecError, SchemaHash, decode, encode, schema_hash};

/// The length before a frame, in bytes: a big-endian `u32`.
pub const LENGTH_BYTES: usize = 4;
/// The largest frame of a window or command line to `secure-proc`, in bytes.
pub const CAP_FROM_UI: usize = 64 * 1024;
/// The largest frame of `secure-proc` to a window or command line, in bytes.
pub const CAP_TO_UI: usize = 256 * 1024;
/// The largest frame between `secure-proc` and `net-proc`, in bytes.
pub const CAP_NET: usize = 4 * 1024;
/// The largest frame between the launcher and a child, in bytes.
pub const CAP_CONTROL: usize = 4 * 1024;
