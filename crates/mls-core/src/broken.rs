//! Rules that only the simulator breaks, to prove that it would see it.

use crate::Endpoint;

/// A rule that an endpoint keeps, and that the simulator lets it break. Nobody else sets any.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub enum Broken {
    /// A commit is merged when it is made, not when its slot is won.
    MergesAtOnce,
    /// A commit that fails perhaps here alone is skipped here alone.
    SkipsAlone,
    /// A claim decides its slot without the origin's receipt.
    BelievesClaims,
    /// A wish is done when it is claimed, not when its claim has won.
    ForgetsWishes,
    /// A ciphertext under another name than it was sealed for goes on to MLS.
    AnyName,
    /// What is delivered twice goes on to MLS twice.
    OpensTwice,
    /// The secrets of past epochs are not used.
    NoPast,
    /// What is sealed in an epoch that is still to come is not kept.
    NoFuture,
    /// What was sent once is not sent again.
    SendsOnce,
    /// Two histories of one log are not told.
    IgnoresForks,
    /// Two histories of the slots are not told, and the second is followed.
    FollowsAnyOrigin,
    /// The next number of a log is not stored.
    ForgetsNumbers,
    /// What others cannot read is not sealed again.
    NoReseal,
    /// After a start everything is sealed at once.
    NoGuard,
    /// What the revoked write is taken.
    BelievesRevoked,
    /// The slots that a new term does not know are followed all the same.
    NoWayBack,
}

impl Endpoint {
    /// Breaks rules from now on; for the simulator only.
    #[doc(hidden)]
    pub fn break_rules(&mut self, rules: impl IntoIterator<Item = Broken>) {
        self.broken.extend(rules);
    }

    pub(crate) fn breaks(&self, rule: Broken) -> bool {
        self.broken.contains(&rule)
    }
}
