//! Where people talk.

use names::{Channel, Name, TeamId};

/// A channel, or one thread of it: what a timeline shows and a draft belongs to.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Talk {
    /// The team.
    pub team: TeamId,
    /// The channel of the team.
    pub channel: Channel,
    /// The message that the thread hangs on; `None` is the channel itself.
    pub thread: Option<Name>,
}

impl Talk {
    /// A channel.
    #[must_use]
    pub fn channel(team: TeamId, channel: Channel) -> Self {
        Self { team, channel, thread: None }
    }

    /// The thread under `root` in the same channel.
    #[must_use]
    pub fn thread(self, root: Name) -> Self {
        Self { thread: Some(root), ..self }
    }

    /// The channel that this thread hangs in; a channel is its own.
    #[must_use]
    pub fn trunk(self) -> Self {
        Self { thread: None, ..self }
    }
}
