//! When to try again: later each time, and never all at once.

use std::time::Duration;

use crate::tls;

/// Exponential back-off with full jitter: a random time up to a limit that doubles.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait before the next try; `random` is any number, each as likely.
    pub fn next(&mut self, random: u64) -> Duration {
        let factor = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let limit = FIRST_MS.saturating_mul(factor).min(MOST_MS);
        self.failures = self.failures.saturating_add(1).min(32);
        Duration::from_millis(random.checked_rem(limit.saturating_add(1)).unwrap_or(0))
    }

    /// [`Backoff::next`] with a random number of the system.
    pub fn wait(&mut self) -> Duration {
        let mut random = [u8::MAX; 8];
        // Without randomness everybody waits as long as allowed.
        let _ = tls::fill_random(&mut random);
        self.next(u64::from_be_bytes(random))
    }

    /// A link lived for so long.
    pub fn lived(&mut self, time: Duration) {
        // A relay that hangs up at once is as good as none.
        if time >= PROVEN {
            self.failures = 0;
        }
    }
}

const FIRST_MS: u64 = 250;
const MOST_MS: u64 = 30_000;
const PROVEN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// `LINK-16`
    #[test]
    fn limits_double_up_to_half_a_minute_and_start_over_after_a_link_that_lived() {
        let mut backoff = Backoff::default();
        let limits = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
        for limit in limits {
            let mut other = Backoff { failures: backoff.failures };
            assert_eq!(other.next(limit + 1), Duration::ZERO, "all times from zero are possible");
            assert_eq!(backoff.next(limit), Duration::from_millis(limit));
        }
        for _ in 0..100 {
            assert!(backoff.next(u64::MAX) <= Duration::from_secs(30));
        }
        backoff.lived(Duration::from_millis(10));
        assert_eq!(backoff.next(30_000), Duration::from_secs(30));
        backoff.lived(Duration::from_secs(2));
        assert_eq!(backoff.next(250), Duration::from_millis(250));
    }
}
