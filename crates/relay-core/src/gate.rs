//! Which frames a peer may send when.

use objects::wire::ToRelay;

/// Where a session stands.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Phase {
    /// It has not said hello.
    New,
    /// It has.
    Greeted,
}

/// The kinds of frames.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Kind {
    Hello,
    Prove,
    Publish,
    Claim,
    Subscribe,
    Unsubscribe,
    Get,
    Relay,
}

impl Kind {
    pub(crate) fn of(frame: &ToRelay) -> Self {
        match frame {
            ToRelay::Hello { .. } => Self::Hello,
            ToRelay::Prove(_) => Self::Prove,
            ToRelay::Publish { .. } => Self::Publish,
            ToRelay::Claim { .. } => Self::Claim,
            ToRelay::Subscribe { .. } => Self::Subscribe,
            ToRelay::Unsubscribe { .. } => Self::Unsubscribe,
            ToRelay::Get { .. } => Self::Get,
            ToRelay::Relay(_) => Self::Relay,
        }
    }
}

pub(crate) fn permits(phase: Phase, kind: Kind) -> bool {
    PERMITTED.contains(&(phase, kind))
}

/// Anything else drops the peer.
const PERMITTED: &[(Phase, Kind)] = &[
    (Phase::New, Kind::Hello),
    (Phase::Greeted, Kind::Prove),
    (Phase::Greeted, Kind::Publish),
    (Phase::Greeted, Kind::Claim),
    (Phase::Greeted, Kind::Subscribe),
    (Phase::Greeted, Kind::Unsubscribe),
    (Phase::Greeted, Kind::Get),
    (Phase::Greeted, Kind::Relay),
];
