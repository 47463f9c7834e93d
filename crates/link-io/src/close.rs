//! Why a link ended.

use quinn::{ConnectionError, VarInt};

/// Why one end closed a link, as told to the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CloseReason {
    /// Nothing more to say.
    Done,
    /// A frame announced more bytes than its direction allows, or none.
    FrameLength,
    /// A frame was not complete in time.
    Stalled,
    /// The peer did not take what was waiting for it.
    Unread,
    /// A stream of a class that is unknown or already open, or a stream that ended inside a frame.
    Streams,
    /// What the frames say breaks the rules of the protocol above.
    Refused,
    /// The process is stopping; come back later.
    Stopping,
    /// A code that this version does not know.
    Unknown,
}

impl CloseReason {
    pub(crate) fn code(self) -> VarInt {
        VarInt::from_u32(match self {
            Self::Done => 0,
            Self::FrameLength => 1,
            Self::Stalled => 2,
            Self::Unread => 3,
            Self::Streams => 4,
            Self::Refused => 5,
            Self::Stopping => 6,
            Self::Unknown => 63,
        })
    }

    fn from_code(code: VarInt) -> Self {
        match code.into_inner() {
            0 => Self::Done,
            1 => Self::FrameLength,
            2 => Self::Stalled,
            3 => Self::Unread,
            4 => Self::Streams,
            5 => Self::Refused,
            6 => Self::Stopping,
            _ => Self::Unknown,
        }
    }
}

/// How a link ended, seen from here.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Closed {
    /// We closed it.
    #[error("the link was closed here")]
    Here,
    /// The other end closed it and said why.
    #[error("the other end closed the link: {0:?}")]
    There(CloseReason),
    /// Nothing was heard for the idle time.
    #[error("nothing was heard from the other end for too long")]
    Silent,
    /// The transport failed.
    #[error("the link broke: {0}")]
    Broken(String),
}

impl From<ConnectionError> for Closed {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::LocallyClosed => Self::Here,
            ConnectionError::ApplicationClosed(close) => {
                Self::There(CloseReason::from_code(close.error_code))
            }
            ConnectionError::TimedOut => Self::Silent,
            ConnectionError::Reset => Self::Broken("the other end has forgotten it".to_owned()),
            other @ (ConnectionError::VersionMismatch
            | ConnectionError::TransportError(_)
            | ConnectionError::ConnectionClosed(_)
            | ConnectionError::CidsExhausted) => Self::Broken(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire() {
        for reason in [
            CloseReason::Done,
            CloseReason::FrameLength,
            CloseReason::Stalled,
            CloseReason::Unread,
            CloseReason::Streams,
            CloseReason::Refused,
            CloseReason::Stopping,
            CloseReason::Unknown,
        ] {
            assert_eq!(CloseReason::from_code(reason.code()), reason);
        }
    }
}
