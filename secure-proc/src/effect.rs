//! What leaves the process: only after the transaction of its step.

use ipc_schema_net::ToNet;
use ipc_schema_ui::{ErrorCode, Event, Failure, FromSecure, RequestId};

/// Counts the peers that came in, windows and command lines alike.
pub(crate) type PeerId = u32;

/// Something to do once the step is durable.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Say this to a window or command line.
    Tell(PeerId, FromSecure),
    /// Say this to `net-proc`.
    Net(ToNet),
    /// Part with a peer.
    Drop(PeerId),
}

impl Effect {
    pub(crate) fn event(peer: PeerId, event: Event) -> Self {
        Self::Tell(peer, FromSecure::Event(event))
    }

    pub(crate) fn answer(
        peer: PeerId,
        id: RequestId,
        answer: Result<ipc_schema_ui::Answer, Failure>,
    ) -> Self {
        Self::Tell(peer, FromSecure::Answer { id, answer })
    }

    /// The same effect after its step came to nothing: an answer says so, all else is unsaid.
    pub(crate) fn undone(self) -> Option<Self> {
        match self {
            Self::Tell(peer, FromSecure::Answer { id, .. }) => {
                Some(Self::answer(peer, id, Err(store_failed())))
            }
            Self::Tell(_, FromSecure::Event(_)) | Self::Net(_) => None,
            Self::Tell(_, FromSecure::Hello { .. }) | Self::Drop(_) => Some(self),
        }
    }
}

/// A failure without a time to wait.
pub(crate) fn failure(code: ErrorCode, message: &str, hint: &str) -> Failure {
    Failure {
        code,
        message: ipc_schema::Text::cut(message),
        hint: ipc_schema::Text::cut(hint),
        wait: 0,
    }
}

/// The disk failed: nothing of the step is done.
pub(crate) fn store_failed() -> Failure {
    failure(
        ErrorCode::StoreFailed,
        "the vault could not be written; nothing was done",
        "free space on the disk of the data folder, then try again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SECURE-02`
    #[test]
    fn a_step_that_came_to_nothing_tells_the_asker_and_says_nothing_else() {
        let id = RequestId([1; 16]);
        let done = Effect::answer(3, id, Ok(ipc_schema_ui::Answer::Done));
        let Some(Effect::Tell(3, FromSecure::Answer { answer: Err(failure), .. })) = done.undone()
        else {
            panic!("an answer")
        };
        assert_eq!(failure.code, ErrorCode::StoreFailed);
        assert!(Effect::Net(ToNet::Credit(1)).undone().is_none());
        assert!(Effect::event(3, Event::TeamsChanged).undone().is_none());
    }
}
