//! What the secure process said.

use names::{Channel, Name, TeamId};

use crate::{
    ChannelEntry, Confinement, Fingerprint, Health, Link, Me, Member, Millis, Offer, Phase, Row,
    TeamEntry, Ticket,
};

/// Something the secure process said by itself, or in answer to a question.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Event {
    /// There is a secure process, and this is what its vault is doing.
    Phase(Phase),
    /// A message is new or has changed. Its `thread` says where it hangs.
    Message {
        /// The team.
        team: TeamId,
        /// The channel.
        channel: Channel,
        /// The message.
        row: Row,
        /// The message that stands above it; `None` at the top.
        above: Option<Name>,
    },
    /// Own messages got further.
    Watermark {
        /// The team.
        team: TeamId,
        /// The channel.
        channel: Channel,
        /// Those below this number are at the relay that this device reaches.
        local: u32,
        /// Those below this number are at the origin relay.
        relay: u32,
        /// Those below this number are delivered.
        delivered: u32,
    },
    /// Teams or channels changed.
    TeamsChanged,
    /// A join has succeeded.
    Joined(TeamId),
    /// The link to the relay came or went.
    Link(Link),
    /// Something that the person should know.
    Notice(String),
    /// A message that waits here has another name from now on.
    Renamed {
        /// The team.
        team: TeamId,
        /// The channel.
        channel: Channel,
        /// The name that it had.
        from: Name,
        /// The name that it has.
        to: Name,
    },
    /// A team stands otherwise than before.
    Team(TeamId, Health),
    /// The answer to a question.
    Answer(Ticket, Answer),
    /// The secure process is gone.
    Gone,
}

/// The answer to a question.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Answer {
    /// It was done; what follows from it comes as events.
    Done,
    /// Who the vault belongs to.
    Me(Me),
    /// How everything is.
    Status {
        /// How well the processes are confined.
        confinement: Confinement,
        /// The link to the relay.
        link: Link,
        /// Key packages that wait for an admin.
        joining: Vec<Fingerprint>,
        /// How each team stands.
        teams: Vec<(TeamId, Health)>,
    },
    /// All teams.
    Teams(Vec<TeamEntry>),
    /// All channels of the team that was asked for.
    Channels(Vec<ChannelEntry>),
    /// All devices of the team that was asked for.
    Devices(Vec<Member>),
    /// A page of a conversation, in its order.
    Page {
        /// Its messages.
        rows: Vec<Row>,
        /// Whether there are more above.
        more: bool,
    },
    /// The message as it was taken.
    Sent(Row),
    /// What a team link says.
    Offer(Offer),
    /// The key package that waits for the admin now.
    Joining(Fingerprint),
    /// It was not done.
    Refused(Refusal),
}

/// Why something was not done, and what to do about it.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Refusal {
    /// What went wrong.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// When it can be tried again, if not at once.
    pub wait_until: Option<Millis>,
}
