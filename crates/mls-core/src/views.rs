//! What can be asked of an endpoint without changing it.

use names::{Channel, Device, Org, Origin, Slot, TeamId};
use objects::{Hash, Key, Millis};

use crate::Policy;

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
    /// This device was removed from it: what was read stays.
    pub removed: Option<Removal>,
}

/// By whom and when this device was removed from a team.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Removal {
    /// When, by the origin's clock.
    pub at: Millis,
    /// By which device.
    pub device: Device,
    /// Its person; empty when that device was unknown here.
    pub user: String,
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
    /// May it add and remove others?
    pub admin: bool,
    /// When it was heard last.
    pub heard: Option<Millis>,
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
    /// May this device write and change?
    pub standing: TeamStanding,
    /// Can the relay of the link reach the origin? `None` without a link, or before it has said so.
    pub origin_reachable: Option<bool>,
    /// Wishes wait, because there is no way to the origin.
    pub paused: bool,
    /// The other devices that were heard in the last minutes.
    pub reachable: Vec<Device>,
    /// Own objects that the origin has not got.
    pub unsettled: u32,
    /// Without a way to the origin: since when something waits for it.
    pub offline_since: Option<Millis>,
    /// Proofs that somebody has shown two histories.
    pub proofs: u32,
    /// What the team has agreed on.
    pub policy: Policy,
    /// With [`TeamStanding::Removed`]: by whom and when.
    pub removed: Option<Removal>,
}

/// What a device may do in a team.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum TeamStanding {
    /// Everything.
    Member,
    /// After a start: the relay has not shown yet that nothing of this device is unknown here.
    Waiting,
    /// The commit of this slot cannot be applied here; what is written waits.
    Stalled(Slot),
    /// It is behind, and waits to be welcomed again; what is written waits.
    Rejoining,
    /// It was cut off for longer than the policy allows to write.
    ReadOnly,
    /// The origin has shown two histories: nothing is changed before it is replaced.
    TwoHistories,
    /// It was removed: what was read stays, nothing is written.
    Removed,
}

/// A join that waits for the admin.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Joining {
    /// The team.
    pub team: TeamId,
    /// What to show to the admin, whole.
    pub hash: Hash,
}
