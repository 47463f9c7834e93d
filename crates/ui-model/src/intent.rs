//! What the person asked for, and what is asked of the secure process because of it.

use names::{Channel, Name, TeamId};

use crate::{Fingerprint, Passphrase, Talk, Words};

/// What the person at the window asked for.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Intent {
    /// Set up this device.
    Create {
        /// The person's name as others see it.
        name: String,
        /// This device's name.
        device: String,
        /// What opens the vault from now on.
        passphrase: Passphrase,
    },
    /// Open the vault.
    Unlock(Passphrase),
    /// Close the vault and forget everything on the screen.
    Lock,
    /// Show a team.
    OpenTeam(TeamId),
    /// Show a channel.
    OpenChannel(TeamId, Channel),
    /// Show the channel this many places further down the list; negative is up.
    StepChannel(i32),
    /// Show the next channel with unread messages in that direction.
    StepUnread(i32),
    /// Show what was shown before; positive goes forward again.
    StepHistory(i32),
    /// Show the thread under a message of the open channel.
    OpenThread(Name),
    /// Close the thread.
    CloseThread,
    /// Show the thread that was closed last, or close the open one.
    ToggleThread,
    /// What stands in a composer now.
    Draft(Talk, Words),
    /// Send what stands in the composer.
    Send(Talk),
    /// The timeline is near its first message.
    ShowOlder(Talk),
    /// The timeline is near its last message, and that is not the newest.
    ShowNewer(Talk),
    /// Go to the newest message.
    ShowLatest(Talk),
    /// Whether the person sees what arrives in the open channel: the window has the focus and
    /// shows the newest message.
    Watch(bool),
    /// Begin to join a team.
    BeginJoin,
    /// Read this team link.
    EnterLink(String),
    /// The fingerprint is the one the admin named.
    ConfirmJoin,
    /// Leave the join screen.
    LeaveJoin,
    /// The notice was read.
    DismissNotice,
    /// Show or hide the people of the team.
    ToggleMembers,
    /// Close the window.
    Quit,
}

/// Numbers the questions to the secure process; never used twice in one window.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Ticket(pub u64);

/// Where a page goes.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Edge {
    /// It replaces the window.
    Latest,
    /// Before the window.
    Older,
    /// After the window.
    Newer,
}

/// A question to the secure process.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Ask {
    /// Set up this device.
    Create {
        /// The person's name.
        name: String,
        /// This device's name.
        device: String,
        /// What opens the vault.
        passphrase: Passphrase,
    },
    /// Open the vault.
    Unlock(Passphrase),
    /// Close the vault.
    Lock,
    /// Who the vault belongs to.
    WhoAmI,
    /// How everything is.
    Status,
    /// To be told what happens from now on.
    Follow,
    /// Which teams there are.
    Teams,
    /// Which channels a team has.
    Channels(TeamId),
    /// Which devices a team has.
    Devices(TeamId),
    /// A page of a conversation.
    Page {
        /// Which conversation.
        talk: Talk,
        /// Only what is above this message.
        before: Option<Name>,
        /// At most so many messages.
        limit: usize,
        /// Where it goes.
        edge: Edge,
    },
    /// Send a message.
    Send {
        /// Where to.
        talk: Talk,
        /// What it says.
        text: Words,
    },
    /// Read a team link.
    ReadLink(String),
    /// Make the key package for the team of a link.
    Join {
        /// The link.
        link: String,
        /// The fingerprint that the person confirmed.
        root: Fingerprint,
    },
}

/// What the process around the model has to do.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Out {
    /// Ask the secure process.
    Ask(Ticket, Ask),
    /// Close the window.
    Quit,
}
