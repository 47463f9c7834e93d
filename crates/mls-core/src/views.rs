//! What can be asked of an endpoint without changing it.

use names::{Channel, Device, Org, Origin, Slot, TeamId};
use objects::{Hash, Key};

/// The names of this device's user.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Whoami {
    /// The person.
    pub user: String,
    /// The device.
    pub device: String,
    /// The person's key.
    pub user_key: Key,
}

/// An organisation whose root key this endpoint holds.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct OrgView {
    /// What people see.
    pub name: String,
    /// The origin's number.
    pub origin: Origin,
    /// Its number there.
    pub org: Org,
    /// The root key.
    pub root: Key,
    /// What people compare.
    pub fingerprint: Hash,
}

/// A team that this device is in.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct TeamView {
    /// Which one.
    pub id: TeamId,
    /// What people see; empty until the first announcement has arrived.
    pub name: String,
}

/// A channel of a team.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct ChannelView {
    /// Its number.
    pub id: Channel,
    /// What people see.
    pub name: String,
}

/// A device in a team.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct DeviceView {
    /// Its number.
    pub number: Device,
    /// Its person.
    pub user: String,
    /// What people see of it.
    pub name: String,
    /// Its person's key.
    pub user_key: Key,
    /// Is it this one?
    pub own: bool,
}

/// How a team stands.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct TeamStatus {
    /// The team.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// The epoch (RFC 9420 §8).
    pub epoch: u64,
    /// The last slot applied or skipped.
    pub slot: Slot,
    /// Devices in it.
    pub devices: u32,
    /// Objects that wait for the relay.
    pub queued: u32,
    /// Wishes (add, refresh) that wait for their slot.
    pub wishes: u32,
    /// A commit could not be applied: nothing is sent.
    pub stalled: bool,
}

/// A join that waits for the admin.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Joining {
    /// The team.
    pub team: TeamId,
    /// What to show to the admin, whole.
    pub hash: Hash,
}
