#![doc = include_str!("../README.md")]

mod field;
mod name;
mod prefix;
mod text;

pub use field::{
    Blob, Channel, Device, FieldError, Fingerprint, Fragment, Generation, Number, Org, Origin,
    Piece, Slot, Team,
};
pub use name::{ForeignName, Name, Place, Rest, TeamId};
pub use prefix::{Prefix, PrefixError};
pub use text::ParseError;
