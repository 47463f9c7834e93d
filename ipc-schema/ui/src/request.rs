//! What windows and command lines ask of `secure-proc`.

use ipc_schema::SchemaHash;
use serde::{Deserialize, Serialize};

use crate::{Body, Label, LinkText, NameBits, Passphrase, TeamBits};

/// Chosen at random by whoever asks. Requests that change something are committed together with
/// it: asking again with the same one gives the first answer and changes nothing.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct RequestId(pub [u8; 16]);

/// From a window or command line to `secure-proc`.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum ToSecure {
    /// The first message.
    Hello {
        /// The exact schema.
        schema: SchemaHash,
    },
    /// A request; answered once, with the same number.
    Ask {
        /// The number.
        id: RequestId,
        /// What is asked.
        request: Request,
    },
}

/// What is asked. Which class may ask what, and in which phase, is the gate's table.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// First start: makes the vault. Answer: `Done`; it is unlocked then.
    Create {
        /// Opens the vault from now on.
        passphrase: Passphrase,
        /// What people see.
        user: Label,
        /// What people see of this device.
        device: Label,
    },
    /// Opens the vault. Answer: `Done`, or a failure with the time to wait.
    Unlock {
        /// The passphrase.
        passphrase: Passphrase,
    },
    /// Drops every key and text from memory. Answer: `Done`.
    Lock,
    /// Answer: `Status`. In every phase; locked, it says only what needs no key.
    Status,
    /// Who this device is. Answer: `WhoAmI`.
    WhoAmI,
    /// Answer: `Teams`.
    Teams,
    /// Answer: `Channels`.
    Channels {
        /// Of which team.
        team: TeamBits,
    },
    /// Answer: `Sent`, once the message is durable here.
    Send {
        /// The team.
        team: TeamBits,
        /// The channel's number.
        channel: u16,
        /// The text.
        text: Body,
        /// The message that this replies to: opens or continues its thread.
        reply_to: Option<NameBits>,
    },
    /// Answer: `Page`, in display order, the newest at the end.
    Page {
        /// The team.
        team: TeamBits,
        /// The channel's number.
        channel: u16,
        /// Only this thread: the message and its replies.
        thread: Option<NameBits>,
        /// Only what is above this message.
        before: Option<NameBits>,
        /// At most so many; 1 to `MAX_ROWS`.
        limit: u16,
    },
    /// Answer: `Done`, then events for what is in scope; replaces an earlier scope.
    Follow {
        /// What to follow.
        scope: Scope,
    },
    /// Reads a team link without acting on it. Answer: `Link`.
    ReadLink {
        /// The link.
        link: LinkText,
    },
    /// Publishes a key package for the team of a link whose fingerprint the user has confirmed.
    /// Answer: `Joining`, with the hash to show to the admin; or `Done`, if this device is in the
    /// team and takes another relay from the link.
    Join {
        /// The link.
        link: LinkText,
        /// The fingerprint of the root, as confirmed: must match the link.
        fingerprint: [u8; 32],
    },
    /// Renews this device's own leaf in a team (RFC 9420 §12.1.2). Answer: `Done` once the wish is
    /// durable.
    Refresh {
        /// The team.
        team: TeamBits,
    },
    /// Member tool: makes an organisation with a root key. Answer: `Org`.
    CreateOrg {
        /// What people see.
        name: Label,
        /// The origin relay, `HOST:PORT`.
        relay: ipc_schema::Text<255>,
        /// The key of the origin relay.
        relay_key: [u8; 32],
    },
    /// Member tool: the organisation's public part, for relays. Answer: `Org`.
    ShowOrg,
    /// Member tool: makes a team and its channel "general". Answer: `TeamLink`.
    CreateTeam {
        /// What people see.
        name: Label,
    },
    /// Member tool: the link to give to newcomers. Answer: `TeamLink`.
    ShowTeamLink {
        /// The team.
        team: TeamBits,
    },
    /// Member tool: makes a channel. Answer: `Channels`.
    CreateChannel {
        /// The team.
        team: TeamBits,
        /// What people see.
        name: Label,
    },
    /// Member tool: adds the owner of the announcement with this hash. Answer: `Done` when the
    /// commit has won its slot and the welcome is stored.
    AddDevice {
        /// The team.
        team: TeamBits,
        /// The whole hash, as the newcomer showed it.
        hash: [u8; 32],
    },
    /// Devices of a team. Answer: `Devices`.
    Devices {
        /// The team.
        team: TeamBits,
    },
    /// Answer: `Done` when nothing waits to be stored at the relay.
    Settle,
    /// Admins: adds a device of this person, from the key packages that wait for any team. Answer:
    /// as to `AddDevice`.
    AddUser {
        /// The team.
        team: TeamBits,
        /// The person's key.
        user_key: [u8; 32],
    },
    /// Admins: removes a device and revokes it. Answer: `Done` when the commit has won its slot.
    RemoveDevice {
        /// The team.
        team: TeamBits,
        /// Its number.
        device: u32,
    },
    /// Admins: removes all devices of this person. Answer: as to `RemoveDevice`.
    RemoveUser {
        /// The team.
        team: TeamBits,
        /// The person's key.
        user_key: [u8; 32],
    },
    /// Root only: makes a device an admin, or one member among others again. Answer: `Done` when
    /// its slot is won.
    SetRole {
        /// The team.
        team: TeamBits,
        /// The device's number.
        device: u32,
        /// An admin from now on?
        admin: bool,
    },
    /// Admins: changes the policy; `None` leaves a part as it is. Answer: `Done` when its slot is
    /// won.
    SetPolicy {
        /// The team.
        team: TeamBits,
        /// See `Policy`.
        max_offline_send: Option<u64>,
        /// See `Policy`.
        refresh_every: Option<u64>,
    },
    /// Root only: makes another relay the origin of every team. Answer: `Done` once the decision
    /// is durable.
    MoveOrigin {
        /// The new origin, `HOST:PORT`.
        relay: ipc_schema::Text<255>,
        /// Its key.
        relay_key: [u8; 32],
    },
}

/// What to follow.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Scope {
    /// Everything.
    All,
    /// One team.
    Team(TeamBits),
    /// One channel.
    Channel(TeamBits, u16),
}
