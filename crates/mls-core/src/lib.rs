#![doc = include_str!("../README.md")]

mod admin;
mod authority;
mod beacon;
mod blobs;
mod bound;
mod broken;
mod certificate;
mod claim;
mod content;
mod crypto;
#[doc(hidden)]
pub mod decoders;
mod endpoint;
mod face;
mod framing;
mod group;
mod guard;
mod identity;
mod intents;
mod join;
mod judge;
mod leave;
mod link;
mod log;
mod notice;
mod open;
mod outbox;
mod part;
mod proof;
mod provider;
mod queries;
mod rejoin;
mod rows;
mod seed;
mod send;
mod slots;
mod stall;
mod state;
mod storage;
mod term;
mod underway;
mod unsealed;
mod views;
mod withheld;

pub use admin::{CreateChannelError, CreateOrgError, CreateTeamError, MOST_CHANNELS};
#[doc(hidden)]
pub use broken::Broken;
pub use content::{MAX_AFTER, MAX_BODY};
pub use crypto::{Entropy, Random};
pub use endpoint::{CreateError, Endpoint, LoadError};
pub use face::{Answer, Fault, Input, NotAdded, Opened, Output, Plaintext, Unreadable, Watermark};
pub use identity::is_label;
pub use intents::{AddDeviceError, RefreshError};
pub use join::JoinError;
pub use notice::{Notice, Skip};
pub use proof::{Equivocation, ProofView};
pub use provider::prepare_threads;
pub use rows::{Change, Table};
pub use send::SendError;
pub use views::{ChannelView, DeviceView, Joining, OrgView, TeamStatus, TeamView, Whoami};

#[cfg(test)]
mod tests;
