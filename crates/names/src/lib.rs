#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::as_conversions, clippy::arithmetic_side_effects))]

mod field;
mod name;
mod prefix;
mod prefix_text;
mod text;

pub use field::{
    Blob, Channel, Device, FieldError, Fingerprint, Fragment, Generation, Number, Org, Origin,
    Piece, Slot, Team,
};
pub use name::{ForeignName, Name, Place, Rest, TeamId};
pub use prefix::{Prefix, PrefixError};
pub use text::ParseError;
