//! What windows and command lines are shown.

use ipc_schema::{List, Text, control::Confinement};
use serde::{Deserialize, Serialize};

use crate::{Body, Label, NameBits, TeamBits};

/// What can be asked now.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// There is no vault yet.
    FirstStart,
    /// There is one, and it is locked.
    Locked,
    /// It is open.
    Unlocked,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum State {
    /// Only here: waiting for the network.
    Queued,
    /// Stored at the relay that this device reaches, on its way to the origin.
    LocalRelay,
    /// Stored at the origin relay.
    Relay,
    /// A device of every other person has it.
    Delivered,
    /// It will not be sent; `why` in the row says what to do.
    Failed,
    /// It arrived and cannot be read.
    Undecryptable,
}

/// A message as it is shown.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of its first entry.
    pub name: NameBits,
    /// Its author, as certified by the admin.
    pub from: Label,
    /// The author's device number in the team.
    pub device: u32,
    /// Was it written on this device?
    pub own: bool,
    /// The author's time, in ms.
    pub at: u64,
    /// Where it is.
    pub state: State,
    /// Its text; empty when it cannot be read.
    pub text: Body,
    /// The message whose thread it belongs to.
    pub thread: Option<NameBits>,
    /// How many replies its own thread has.
    pub replies: u32,
    /// Why it failed or cannot be read, and what to do; empty otherwise.
    pub why: Text<200>,
    /// So many entries of this author's log before it are missing.
    pub missing_before: u32,
}

/// A team of this device, or one that it was removed from.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Which one.
    pub id: TeamBits,
    /// What people see.
    pub name: Label,
    /// This device was removed from it: what was said stays readable.
    pub removed: Option<Removed>,
}

/// By whom and when this device was removed from a team.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Removed {
    /// When, in ms, by the origin's clock.
    pub at: u64,
    /// By whom; empty when that person was unknown here.
    pub by: Label,
}

/// A channel of a team.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its number.
    pub id: u16,
    /// What people see.
    pub name: Label,
    /// How many messages are not older than the last one that was read here.
    pub messages: u32,
}

/// A device in a team.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its number.
    pub number: u32,
    /// Its person.
    pub user: Label,
    /// What people see of it.
    pub name: Label,
    /// Is it this one?
    pub own: bool,
    /// Its person's key.
    pub user_key: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// When something of it arrived last, in ms, by the clock of this device.
    pub heard: Option<u64>,
    /// Was it heard of so lately that it is there now?
    pub reachable: bool,
    /// It has signed two histories: the proof is kept.
    pub two_histories: bool,
}

/// What a device may do in a team.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Role {
    /// The member tool: it holds the organisation's root key.
    Root,
    /// It may add and remove members.
    Admin,
    /// It talks.
    Member,
}

/// Messages of a log change their state together: everything up to a number.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub struct Watermark {
    /// The team.
    pub team: TeamBits,
    /// The channel.
    pub channel: u16,
    /// Own entries below this number are at the relay that this device reaches.
    pub local: u32,
    /// Own entries below this number are at the origin relay.
    pub relay: u32,
    /// Own entries below this number are delivered.
    pub delivered: u32,
}

/// Names of a user and device.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Names {
    /// The person.
    pub user: Label,
    /// The device.
    pub device: Label,
    /// Fingerprint of the person's key.
    pub user_key: [u8; 32],
}

/// A join that waits for the admin.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Joining {
    /// The team.
    pub team: TeamBits,
    /// What to show to the admin, whole.
    pub hash: [u8; 32],
}

/// The link to the relay.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum LinkState {
    /// No relay is known yet.
    NoRelay,
    /// There is a link.
    Online {
        /// The relay's clock minus ours, in ms: a hint.
        skew: i64,
    },
    /// There is none.
    Offline {
        /// Since when, in ms.
        since: u64,
        /// What is wrong, for people.
        why: Text<200>,
    },
}

/// How a team stands.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct TeamStatus {
    /// The team.
    pub id: TeamBits,
    /// Its name.
    pub name: Label,
    /// The epoch (RFC 9420 §8).
    pub epoch: u64,
    /// The last slot applied.
    pub slot: u32,
    /// Devices in it.
    pub devices: u32,
    /// Entries that wait for the relay.
    pub queued: u32,
    /// Wishes (add, remove, refresh) that wait for their slot.
    pub wishes: u32,
    /// What this device can do in it now.
    pub standing: Standing,
    /// Can the origin be reached, as far as the relay says?
    pub origin: Option<bool>,
    /// Membership changes and key refresh wait: there is no way to the origin.
    pub paused: bool,
    /// The numbers of the other devices that are there now.
    pub reachable: List<u32, 256>,
    /// Own objects that the origin has not stored yet.
    pub unsettled: u32,
    /// Since when there is no link to a relay, in ms.
    pub offline_since: Option<u64>,
    /// Proofs that somebody showed two histories.
    pub proofs: List<Proof, 8>,
    /// What the admins have decided for everybody.
    pub policy: Policy,
    /// With [`Standing::Removed`]: by whom and when, if it is known.
    pub removed: Option<Removed>,
}

/// What this device can do in a team now.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Standing {
    /// Everything.
    Member,
    /// What is written waits until a relay or a member has returned the tip of this device's own
    /// log: an old vault may have been put back.
    Waiting,
    /// The commit of this slot cannot be applied here; what is written waits.
    Stalled {
        /// The slot.
        slot: u32,
    },
    /// Others are asked to take this device in anew; what is written waits.
    Rejoining,
    /// The origin has confirmed nothing for longer than the policy allows: nothing can be written.
    ReadOnly,
    /// The relay shows two histories of the team: membership does not change any more.
    TwoHistories,
    /// This device was removed: what was said stays, nothing can be written.
    Removed,
}

/// A proof that is kept: somebody signed two histories.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Proof {
    /// The origin relay did, at this slot.
    Origin {
        /// The slot.
        slot: u32,
    },
    /// A device did, at this entry.
    Device {
        /// Its number.
        device: u32,
        /// Its person; empty when not known any more.
        user: Label,
        /// The entry.
        name: NameBits,
    },
}

/// What the admins of a team have decided for everybody.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// So long, in ms, may a device write that the origin has confirmed nothing of.
    pub max_offline_send: u64,
    /// So often, in ms, does every device renew its keys.
    pub refresh_every: u64,
}

/// Everything that `status` shows.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What can be asked.
    pub phase: Phase,
    /// The link.
    pub link: LinkState,
    /// How `secure-proc` is confined.
    pub secure: Confinement,
    /// How `net-proc` is confined; `None` while it is not running.
    pub net: Option<Confinement>,
    /// How the window is confined; `None` without one.
    pub window: Option<Confinement>,
    /// Deaths by a forbidden system call since the start.
    pub forbidden_calls: u32,
    /// How often `net-proc` was started.
    pub net_starts: u32,
    /// The teams; empty while locked.
    pub teams: List<TeamStatus, 64>,
    /// Joins that wait for an admin.
    pub joining: List<Joining, 8>,
}
