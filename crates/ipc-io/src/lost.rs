//! Why a peer is gone, or a frame cannot be sent.

use std::io;

use crate::FrameFault;

/// Why a peer is gone or was dropped. Nothing more comes from it, and nothing more reaches it.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum Lost {
    /// It closed its end between two frames.
    #[error("the peer closed the connection")]
    Closed,
    /// It closed its end inside a frame.
    #[error("the peer closed the connection inside a frame")]
    Truncated,
    /// It announced a frame that is refused.
    #[error(transparent)]
    Frame(#[from] FrameFault),
    /// It left a frame unfinished, or did not read what was sent, for too long.
    #[error("the peer stalled")]
    Stalled,
    /// It sent more than one descriptor with a frame; all of them were closed.
    #[error("the peer sent more descriptors than a frame may carry")]
    Descriptors,
    /// Its frame is no message of its direction.
    #[error("the peer sent a frame that is no message")]
    Malformed,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Broken(io::ErrorKind),
}

/// Why a frame was not taken for sending.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The peer does not read: so much waits for it already that it should be dropped.
    #[error("the peer does not read; {waiting} bytes wait for it")]
    Full {
        /// What waits, in bytes.
        waiting: usize,
    },
    /// The frame is longer than its direction allows: a fault of ours.
    #[error("a frame of {len} bytes cannot be sent where {cap} are the most")]
    Oversized {
        /// Its length.
        len: usize,
        /// The most.
        cap: usize,
    },
    /// The frame is empty: a fault of ours.
    #[error("an empty frame cannot be sent")]
    Zero,
}

impl Lost {
    /// What the system said; a reset is a close with bytes unread.
    pub(crate) fn of(error: &io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::BrokenPipe || kind == io::ErrorKind::ConnectionReset {
            Self::Closed
        } else {
            Self::Broken(kind)
        }
    }
}
