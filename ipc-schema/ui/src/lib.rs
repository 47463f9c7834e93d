#![doc = include_str!("../README.md")]

mod event;
mod request;
mod row;

pub use event::{Answer, ErrorCode, Event, Failure, FromSecure};
pub use request::{Request, RequestId, Scope, ToSecure};
pub use row::{
    Channel, DeviceRow, Joining, LinkState, Names, Phase, Policy, Proof, Removed, Role, Row,
    Standing, State, Status, Team, TeamStatus, Watermark,
};

use ipc_schema::{SchemaHash, Secret, Text, schema_hash};

/// A name of a person, a team, a channel or a device: 1 to 64 bytes.
pub type Label = Text<64>;
/// The text of a message, in bytes.
pub type Body = Text<MAX_BODY>;
/// A passphrase.
pub type Passphrase = Secret<1024>;
/// A team link (`objects::TeamLink`), as text.
pub type LinkText = Text<512>;

/// The longest text of one message, in bytes.
pub const MAX_BODY: usize = 32 * 1024;
/// The most rows of one page.
pub const MAX_ROWS: usize = 400;

/// A 128-bit name, as bytes.
#[derive(
    Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct NameBits(pub [u8; 16]);

/// A team: origin 24 bits, organisation 18, team 20 below two zero bits.
#[derive(
    Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct TeamBits(pub u64);

/// The schema of this package.
#[must_use]
pub fn schema() -> SchemaHash {
    schema_hash(&[
        include_str!("lib.rs"),
        include_str!("request.rs"),
        include_str!("event.rs"),
        include_str!("row.rs"),
    ])
}
