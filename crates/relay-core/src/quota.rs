//! How much one peer and one organisation may use.

use objects::Millis;

/// What a relay grants. The defaults suit an origin of a few organisations.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Limits {
    /// Bytes that a session may publish at once.
    pub burst_bytes: u64,
    /// Bytes that a session may publish per second in the long run.
    pub bytes_per_second: u64,
    /// Refusals that a session may collect at once before its link is dropped: each costs us the
    /// check of a signature.
    pub burst_refusals: u64,
    /// Refusals per second that are forgotten.
    pub refusals_per_second: u64,
    /// Questions, subscriptions and proofs of keys that a session may send at once; a proof, whose
    /// signature has to be checked, counts for sixteen.
    pub burst_requests: u64,
    /// Of these, so many per second in the long run.
    pub requests_per_second: u64,
    /// Key packages that a session may publish; strangers may.
    pub key_packages_per_session: u32,
    /// Key packages for any team of an organisation that a session may publish which has proved a
    /// certified key there.
    pub pool_per_session: u32,
    /// Key packages that are kept per team.
    pub key_packages_per_team: u64,
    /// Key packages for any team that are kept per organisation.
    pub pool_per_org: u64,
    /// Proofs and subscriptions that a session may have.
    pub subscriptions: usize,
    /// Sessions from which on the oldest of those that read no team make room for new ones.
    pub sessions: usize,
    /// Subscriptions of a relay below, and teams that are asked for above.
    pub teams: usize,
    /// Bytes that an organisation may have stored.
    pub stored_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst_bytes: 32 << 20,
            bytes_per_second: 8 << 20,
            burst_refusals: 512,
            refusals_per_second: 8,
            burst_requests: 8192,
            requests_per_second: 512,
            key_packages_per_session: 16,
            pool_per_session: 64,
            key_packages_per_team: 4096,
            pool_per_org: 65_536,
            subscriptions: 64,
            sessions: 3072,
            teams: 65_536,
            stored_bytes: 64 << 30,
        }
    }
}

/// An allowance that fills up with time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    most: u64,
    per_second: u64,
    left: u64,
    at: Millis,
}

impl Bucket {
    pub(crate) fn full(most: u64, per_second: u64, now: Millis) -> Self {
        Self { most, per_second, left: most, at: now }
    }

    /// Takes `amount` out, or nothing.
    pub(crate) fn take(&mut self, amount: u64, now: Millis) -> bool {
        let passed = now.0.saturating_sub(self.at.0);
        let gained = passed.saturating_mul(self.per_second).checked_div(1000).unwrap_or(0);
        // Time too short to gain a whole unit is not spent, or frequent calls would gain nothing.
        if gained > 0 || now < self.at {
            self.left = self.left.saturating_add(gained).min(self.most);
            self.at = now;
        }
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_spent_fills_with_time_and_never_overflows() {
        let mut bucket = Bucket::full(100, 10, Millis(0));
        assert!(bucket.take(100, Millis(0)));
        assert!(!bucket.take(1, Millis(0)));
        for ms in 1..100 {
            assert!(!bucket.take(1, Millis(ms)));
        }
        assert!(bucket.take(1, Millis(100)));
        assert!(!bucket.take(1, Millis(100)));
        assert!(!bucket.take(101, Millis(u64::MAX)));
        assert!(bucket.take(100, Millis(u64::MAX)));
        assert!(!bucket.take(1, Millis(5)), "a clock set back gives nothing");
    }
}
