#![doc = include_str!("../README.md")]

mod address;
mod fields;
mod hex;
mod out;
mod passphrase;
mod people;
mod session;
mod span;
mod standing;
mod terminal;
mod trouble;
mod wishes;
mod words;

pub use address::{Target, TeamRef, channel_in, name_bits, name_text, team_in, team_text};
pub use fields::{channel, device, join, policy, row, status, team};
pub use hex::{hex, parse_hash, parse_key, parse_request};
pub use out::{Out, parse};
pub use passphrase::{confirm, new_passphrase, passphrase};
pub use people::{device_in, user_in};
pub use session::{Inbound, Session, new_id};
pub use span::{parse_span, span, spoken_span};
pub use standing::{device_line, removed, role, skew, team_lines, team_troubles};
pub use terminal::safe;
pub use trouble::Trouble;
pub use wishes::{DeviceChange, UserChange, Wisher, change_device, change_user};
pub use words::{clock, level, line, now, state};
