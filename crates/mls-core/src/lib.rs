#![doc = include_str!("../README.md")]

mod admin;
mod beacon;
mod claim;
mod content;
mod endpoint;
mod face;
mod framing;
mod group;
mod identity;
mod intents;
mod join;
mod log;
mod open;
mod outbox;
mod part;
mod provider;
mod queries;
mod rows;
mod send;
mod slots;
mod state;
mod storage;
mod views;

pub use admin::{CreateChannelError, CreateOrgError, CreateTeamError, MOST_CHANNELS};
pub use content::{MAX_AFTER, MAX_BODY};
pub use endpoint::{Endpoint, LoadError, Random};
pub use face::{
    Answer, Fault, Input, NotAdded, Notice, Opened, Output, Plaintext, Skip, Unreadable, Watermark,
};
pub use intents::{AddDeviceError, RefreshError};
pub use join::JoinError;
pub use provider::prepare_threads;
pub use rows::{Change, Table};
pub use send::SendError;
pub use views::{ChannelView, DeviceView, Joining, OrgView, TeamStatus, TeamView, Whoami};

#[cfg(test)]
mod tests;
