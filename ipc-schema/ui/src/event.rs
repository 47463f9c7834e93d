//! What `secure-proc` answers and tells.

use ipc_schema::{List, SchemaHash, Text};
use serde::{Deserialize, Serialize};

use crate::{
    Channel, DeviceRow, Joining, Label, LinkState, LinkText, MAX_ROWS, NameBits, Names, Phase,
    RequestId, Row, Status, Team, TeamBits, TeamStatus, Watermark,
};

/// From `secure-proc` to a window or command line.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum FromSecure {
    /// The first message.
    Hello {
        /// The exact schema.
        schema: SchemaHash,
        /// What can be asked.
        phase: Phase,
    },
    /// The answer to a request.
    Answer {
        /// The request.
        id: RequestId,
        /// The answer.
        answer: Result<Answer, Failure>,
    },
    /// Something happened; only after `Follow`, phases aside.
    Event(Event),
}

/// Answers.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    Done,
    /// To `Status`.
    Status(Status),
    /// To `WhoAmI`.
    WhoAmI(Names),
    /// To `Teams`.
    Teams(List<Team, 64>),
    /// To `Channels` and `CreateChannel`.
    Channels(List<Channel, 256>),
    /// To `Send`.
    Sent {
        /// The message as it is shown.
        row: Row,
    },
    /// To `Page`.
    Page {
        /// In display order.
        rows: List<Row, MAX_ROWS>,
        /// Is there more above?
        more: bool,
    },
    /// To `ReadLink`.
    Link {
        /// The team.
        team: TeamBits,
        /// The fingerprint of the organisation's root key.
        fingerprint: [u8; 32],
        /// The relay's address.
        relay: Text<255>,
    },
    /// To `Join`.
    Joining(Joining),
    /// To `CreateOrg` and `ShowOrg`.
    Org {
        /// What people see.
        name: Label,
        /// The origin's number.
        origin: u32,
        /// The organisation's number.
        org: u32,
        /// The root key.
        root: [u8; 32],
        /// Its fingerprint.
        fingerprint: [u8; 32],
    },
    /// To `CreateTeam` and `ShowTeamLink`.
    TeamLink {
        /// The team.
        team: TeamBits,
        /// What to give to newcomers.
        link: LinkText,
    },
    /// To `Devices`.
    Devices(List<DeviceRow, 1024>),
}

/// Something happened.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// What can be asked has changed. Locked: forget everything shown.
    Phase(Phase),
    /// A message is new, or shown differently from before.
    Message {
        /// Its team.
        team: TeamBits,
        /// Its channel.
        channel: u16,
        /// The message.
        row: Row,
        /// The message that stands above it; `None` at the top.
        after: Option<NameBits>,
    },
    /// Own messages changed their state.
    Watermark(Watermark),
    /// The list of teams, channels or devices has changed: ask again.
    TeamsChanged,
    /// The link has changed.
    Link(LinkState),
    /// A join has succeeded.
    Joined {
        /// The team.
        team: TeamBits,
    },
    /// Something that a person should know; shown until dismissed.
    Notice(Text<200>),
    /// A message that waited here is under another name from now on: this device's log has gone
    /// on without it.
    Renamed {
        /// Its team.
        team: TeamBits,
        /// Its channel.
        channel: u16,
        /// The name that it had.
        from: NameBits,
        /// The name that it has.
        to: NameBits,
    },
    /// A team stands otherwise than before.
    Team(TeamStatus),
}

/// Why something was not done.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// For scripts: does not change.
    pub code: ErrorCode,
    /// For people: what went wrong.
    pub message: Text<200>,
    /// For people: what to do.
    pub hint: Text<200>,
    /// When to try again, in ms from now; 0 without.
    pub wait: u64,
}

/// For scripts; the text form in `--json` is this in kebab case and does not change.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The vault is locked.
    Locked,
    /// There is no vault yet.
    NoVault,
    /// There is a vault already.
    VaultExists,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// Too soon after a wrong passphrase.
    TooSoon,
    /// The passphrase is too short.
    WeakPassphrase,
    /// No such team.
    NoSuchTeam,
    /// No such channel.
    NoSuchChannel,
    /// No such message.
    NoSuchMessage,
    /// The text is empty or too long.
    BadText,
    /// The link is damaged.
    BadLink,
    /// The fingerprint is not the link's.
    WrongFingerprint,
    /// Already a member, or already joining.
    AlreadyJoined,
    /// No announcement with that hash is at the relay.
    NoSuchAnnouncement,
    /// The announcement is for another team or organisation, expired, or its device number is taken.
    UnfitAnnouncement,
    /// Only the member tool's vault holds the root key.
    NotAdmin,
    /// There is an organisation already.
    OrgExists,
    /// The relay cannot be reached now.
    NotReachable,
    /// The relay refused.
    RelayRefused,
    /// The store on disk failed; nothing was done.
    StoreFailed,
    /// Numbers of a log, or of channels, have run out.
    RunOut,
    /// This class of peer may not ask that now.
    NotPermitted,
    /// No such device in the team.
    NoSuchDevice,
    /// No such person in the team, or nobody of that key waits to be added.
    NoSuchUser,
    /// The origin has confirmed nothing for too long: nothing can be written.
    ReadOnly,
    /// This device was removed from the team.
    Removed,
    /// That policy cannot be kept.
    BadPolicy,
    /// The membership change did not come about.
    NotDone,
    /// The vault is of a release whose data this one cannot read.
    OtherLayout,
}
