//! What happens to a relay, and what it wants done.

use names::Origin;
use objects::Key;
use objects::wire::{FromRelay, ToRelay};

use crate::shelf::ShelfFault;

/// One link from below, numbered by the shell; a number is never used twice.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub struct Peer(pub u64);

/// An organisation that this relay serves.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Org {
    /// The root relay of its tree.
    pub origin: Origin,
    /// Its number there.
    pub org: names::Org,
    /// The key that certifies its writers and admins.
    pub root: Key,
}

/// What happens to a relay.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Input {
    /// A peer has linked.
    Linked {
        /// Which.
        peer: Peer,
        /// The TLS exporter of the link.
        exporter: [u8; 32],
        /// How many frames its delivery stream takes now.
        room: usize,
    },
    /// A frame came on the control stream.
    Heard {
        /// From whom.
        peer: Peer,
        /// Its bytes.
        frame: Vec<u8>,
    },
    /// The delivery stream takes so many frames more.
    Room {
        /// Whose.
        peer: Peer,
        /// How many.
        frames: usize,
    },
    /// The link is gone.
    Unlinked {
        /// Whose.
        peer: Peer,
    },
    /// There is a link to the parent; one at a time.
    UpLinked {
        /// The TLS exporter of the link.
        exporter: [u8; 32],
    },
    /// A frame came from the parent, on either stream; each in its order.
    UpHeard {
        /// Its bytes.
        frame: Vec<u8>,
    },
    /// The link to the parent is gone.
    UpUnlinked,
    /// The time of [`crate::Relay::wake_at`] has come.
    Woken,
}

/// What a relay wants done.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Output {
    /// Send a frame on the control stream.
    Answer {
        /// To whom.
        peer: Peer,
        /// The frame.
        frame: Box<FromRelay>,
    },
    /// Send the same bytes on the delivery streams of all these; each takes one frame of room.
    Deliver {
        /// To whom.
        peers: Vec<Peer>,
        /// The bytes of the frame.
        frame: Vec<u8>,
    },
    /// Close the link.
    Drop {
        /// Whose.
        peer: Peer,
        /// Why.
        why: DropReason,
    },
    /// Send a frame to the parent.
    Up {
        /// The frame.
        frame: Box<ToRelay>,
    },
    /// Close the link to the parent, and make another later.
    UpDrop {
        /// Why.
        why: DropReason,
    },
}

/// Why a relay wants to be rid of a peer.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum DropReason {
    /// Its frame is in no known layout.
    #[error("a frame in no known layout")]
    Malformed,
    /// Its frame does not belong there.
    #[error("a frame that is not permitted there")]
    NotPermitted,
    /// It speaks another version.
    #[error("another version of the protocol")]
    OtherVersion,
    /// It was refused too often, or wants too many things at once.
    #[error("too many refused or open requests")]
    TooMuch,
    /// It reads no team, and others want its place.
    #[error("others want the place of a link that reads no team")]
    Crowded,
    /// It says that it is a relay, but is none that is listed here.
    #[error("a relay whose key is not listed")]
    UnknownRelay,
    /// It was asked, and has said nothing for some seconds.
    #[error("no answer for too long")]
    Silent,
}

/// The relay cannot go on.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The store is broken.
    #[error(transparent)]
    Store(#[from] ShelfFault),
}
