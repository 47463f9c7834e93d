//! Deliberately broken rules: the judge has to see each of them.

use mls_core::Broken as Mls;
use relay_core::Broken as Slots;

/// A rule that is broken in a whole world.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Broken {
    /// One that endpoints keep.
    Endpoints(Mls),
    /// One that relays keep.
    Relays(Slots),
    /// One that the shell around an endpoint keeps.
    Shell(Shell),
}

/// Rules of the shell, which the world plays itself.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Shell {
    /// What a step lets out leaves before the step is committed.
    LeavesBeforeCommit,
    /// The place in the cache is committed before what came from there is.
    TakesBeforeCommit,
    /// The history is committed before the rest of its step.
    ShowsBeforeCommit,
    /// Messages stand in the order of their authors' clocks alone.
    OrdersByClock,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Endpoints(Mls::MergesAtOnce),
        Self::Endpoints(Mls::BelievesClaims),
        Self::Endpoints(Mls::ForgetsWishes),
        Self::Endpoints(Mls::OpensTwice),
        Self::Endpoints(Mls::NoFuture),
        Self::Endpoints(Mls::SendsOnce),
        Self::Endpoints(Mls::IgnoresForks),
        Self::Endpoints(Mls::ForgetsNumbers),
        Self::Endpoints(Mls::SkipsAlone),
        Self::Endpoints(Mls::NoGuard),
        Self::Relays(Slots::AnswersUnsynced),
        Self::Relays(Slots::AnswersForOthers),
        Self::Relays(Slots::StoresRevoked),
        Self::Shell(Shell::LeavesBeforeCommit),
        Self::Shell(Shell::TakesBeforeCommit),
        Self::Shell(Shell::ShowsBeforeCommit),
        Self::Shell(Shell::OrdersByClock),
    ];

    pub(crate) fn endpoints(self) -> Option<Mls> {
        if let Self::Endpoints(rule) = self { Some(rule) } else { None }
    }

    pub(crate) fn relays(self) -> Option<Slots> {
        if let Self::Relays(rule) = self { Some(rule) } else { None }
    }
}
