//! Rules that only the simulator breaks, to prove that it would see it.

use crate::relay::Relay;

/// A rule that a relay keeps, and that the simulator lets it break. Nobody else sets any.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Broken {
    /// It answers before the store is synced.
    AnswersUnsynced,
    /// It answers for slots whose origin is another.
    AnswersForOthers,
    /// It stores a claim that does not build on the one before.
    AnyHistory,
    /// It stores claims whose receipt is not the origin's.
    BelievesReceipts,
    /// It lets the revoked read.
    ServesRevoked,
    /// It stores what the revoked write.
    StoresRevoked,
}

impl<S> Relay<S> {
    /// Breaks rules from now on; for the simulator only.
    #[doc(hidden)]
    pub fn break_rules(&mut self, rules: impl IntoIterator<Item = Broken>) {
        self.broken.extend(rules);
    }

    pub(crate) fn breaks(&self, rule: Broken) -> bool {
        self.broken.contains(&rule)
    }
}
