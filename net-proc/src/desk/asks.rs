//! What `secure-proc` asked of the relay on this link, until it is answered.

use std::collections::BTreeMap;

use ipc_schema_net::{Answer, FromNet};
use objects::wire::FromRelay;

use crate::translate;

/// A question, by the number that `secure-proc` knows it by.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Ask {
    /// To store something.
    Answer(u64),
    /// For an object.
    Found(u64),
}

/// Numbers of this link against numbers of `secure-proc`.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    next: u32,
    open: BTreeMap<u32, Ask>,
}

impl Asks {
    /// Remembers a question and gives its number on the link.
    pub(crate) fn add(&mut self, ask: Ask) -> u32 {
        let seq = self.next;
        self.next = self.next.wrapping_add(1);
        self.open.insert(seq, ask);
        seq
    }

    /// The link is gone: whoever asked asks again.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }

    /// What `secure-proc` is told; `None` for an answer that nobody waits for.
    pub(crate) fn answered(&mut self, frame: FromRelay) -> Option<FromNet> {
        match frame {
            FromRelay::Stored { seq, receipt } => {
                let id = self.stored(seq)?;
                let answer = Answer::Receipt(translate::receipt(&receipt));
                Some(FromNet::Answered { id, answer })
            }
            FromRelay::Refused { seq, why } => {
                let id = self.stored(seq)?;
                let answer = Answer::Refused { why: translate::refused(why) };
                Some(FromNet::Answered { id, answer })
            }
            FromRelay::Slot { seq, answer } => {
                let id = self.stored(seq)?;
                Some(FromNet::Answered { id, answer: translate::answer(&answer) })
            }
            FromRelay::Found { seq, object, receipt } => match self.open.remove(&seq)? {
                Ask::Found(id) => Some(FromNet::Found {
                    id,
                    object: object.as_ref().map(translate::sealed),
                    receipt: receipt.as_ref().map(translate::receipt),
                }),
                Ask::Answer(_) => None,
            },
            FromRelay::Welcome { .. }
            | FromRelay::Proved(_)
            | FromRelay::Subscribed { .. }
            | FromRelay::CaughtUp { .. }
            | FromRelay::Deliver { .. }
            | FromRelay::Settled { .. }
            | FromRelay::Upstream { .. }
            | FromRelay::Related
            | FromRelay::Revoked(_) => None,
        }
    }

    fn stored(&mut self, seq: u32) -> Option<u64> {
        match self.open.remove(&seq)? {
            Ask::Answer(id) => Some(id),
            Ask::Found(_) => None,
        }
    }
}
