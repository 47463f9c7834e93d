#![doc = include_str!("../README.md")]

mod additions;
mod admin;
mod answered;
mod authority;
mod beacon;
mod blobs;
mod bond;
mod bound;
mod broken;
mod certificate;
mod claim;
mod clock;
mod content;
mod cover;
mod crypto;
#[doc(hidden)]
pub mod decoders;
mod endpoint;
mod evidence;
mod face;
mod fetch;
mod framing;
mod group;
mod guard;
mod identity;
mod intents;
mod join;
mod judge;
mod kept;
mod lacking;
mod leave;
mod link;
mod log;
mod marks;
mod moving;
mod notice;
mod open;
mod outbox;
mod part;
mod people;
mod policy;
mod pool;
mod proof;
mod provider;
mod queries;
mod readd;
mod rejoin;
mod removal;
mod remove;
mod reseal;
mod roles;
mod roster;
mod rows;
mod seed;
mod send;
mod slots;
mod spent;
mod spread;
mod stall;
mod stands;
mod state;
mod storage;
mod term;
mod tree;
mod underway;
mod unsealed;
mod unsent;
mod verified;
mod views;
mod wants;
mod wish;
mod withheld;

pub use additions::AddDeviceError;
pub use admin::{CreateChannelError, CreateOrgError, CreateTeamError, MOST_CHANNELS};
#[doc(hidden)]
pub use broken::Broken;
pub use content::{MAX_AFTER, MAX_BODY};
pub use crypto::{Entropy, Random};
pub use endpoint::{CreateError, Endpoint, LoadError};
pub use face::{
    Answer, Fault, Input, NotAdded, NotDone, Opened, Output, Plaintext, Unreadable, Watermark, Wish,
};
pub use identity::is_label;
pub use intents::RefreshError;
pub use join::JoinError;
pub use moving::MoveOriginError;
pub use notice::{Notice, Skip};
pub use people::AddUserError;
pub use policy::{Policy, SetPolicyError};
pub use proof::{Equivocation, ProofView};
pub use provider::prepare_threads;
pub use remove::RemoveError;
pub use roles::SetRoleError;
pub use rows::{Change, Table};
pub use send::SendError;
pub use views::{
    ChannelView, DeviceView, Joining, OrgView, Removal, TeamStanding, TeamStatus, TeamView, Whoami,
};

#[cfg(test)]
mod tests;
