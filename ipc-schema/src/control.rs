//! Between the launcher and its children. Descriptors travel beside the frames.

use serde::{Deserialize, Serialize};

use crate::{SchemaHash, Text, schema_hash};

/// Who is at the other end of a socket that the launcher hands out. It picks the table of
/// permitted requests.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum Class {
    /// `secure-proc`, seen from the other two.
    Secure,
    /// The network process.
    Net,
    /// The window.
    Window,
    /// `sotto-cli`.
    CommandLine,
    /// `sotto-member`.
    MemberTool,
}

/// How well a process is confined.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Confinement {
    /// Everything that the design asks for.
    Full,
    /// Something is missing; the text names it.
    Reduced(Text<512>),
    /// Nothing holds; the text says why.
    None(Text<512>),
}

/// From the launcher to a child.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum ToChild {
    /// The one descriptor that came with this frame is a connected end.
    Attach {
        /// Who is at the other end.
        class: Class,
        /// Counts the lives of that peer.
        generation: u32,
    },
    /// Finish and exit.
    Stop,
    /// The state of the other processes, for `status`: sent to `secure-proc` on change.
    Peers {
        /// How the network process is confined; `None` while it is not running.
        net: Option<Confinement>,
        /// How the window is confined; `None` without one.
        window: Option<Confinement>,
        /// How often the network process was started.
        net_starts: u32,
        /// Deaths by SIGSYS since the start: security events.
        forbidden_calls: u32,
    },
}

/// From a child to the launcher.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum FromChild {
    /// Locked down and ready for its ends.
    Ready {
        /// The schema of this module, as the child was built with it.
        schema: SchemaHash,
        /// How well it is confined.
        confinement: Confinement,
    },
    /// The window was closed by its user, or `secure-proc` was asked to stop.
    Closed,
}

/// The first and only frame of a program that comes in at the launcher's named socket.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Knock {
    /// Wants to talk to `secure-proc`; the connection is handed over and speaks
    /// `ipc-schema-ui` from then on.
    Enter {
        /// `CommandLine` or `MemberTool`.
        class: Class,
    },
    /// Wants to know how the processes are; answered by [`Report`].
    Status,
    /// Wants the window shown: starts it if there is none. Answered by [`Report`].
    Show,
    /// Wants everything stopped; answered by [`Report`] just before.
    Stop,
}

/// How the processes are.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The launcher.
    pub launcher: u32,
    /// `secure-proc`; `None` while it is not running, as the others.
    pub secure: Option<Life>,
    /// `net-proc`.
    pub net: Option<Life>,
    /// `ui-proc`.
    pub window: Option<Life>,
    /// Deaths by SIGSYS since the start: security events.
    pub forbidden_calls: u32,
}

/// A running child.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// Its process number.
    pub pid: u32,
    /// How often it was started.
    pub generation: u32,
    /// How it is confined; `None` until it is ready.
    pub confinement: Option<Confinement>,
}

/// The schema of this module.
#[must_use]
pub fn schema() -> SchemaHash {
    schema_hash(&[include_str!("control.rs"), include_str!("bounded.rs")])
}
