#![doc = include_str!("../README.md")]

mod address;
mod fields;
mod hex;
mod out;
mod passphrase;
mod session;
mod terminal;
mod trouble;
mod words;

pub use address::{Target, TeamRef, channel_in, name_bits, name_text, team_in, team_text};
pub use fields::{channel, device, join, row, status, team};
pub use hex::{hex, parse_hash, parse_key, parse_request};
pub use out::{Out, parse};
pub use passphrase::{confirm, new_passphrase, passphrase};
pub use session::{Inbound, Session, new_id};
pub use terminal::safe;
pub use trouble::Trouble;
pub use words::{clock, level, line, state};
