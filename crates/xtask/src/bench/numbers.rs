//! Samples, and what is said of them.

use std::time::Duration;

/// Values of one kind, each measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// One more, in milliseconds.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(millis(time));
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that at least `percent` of a hundred samples do not exceed (nearest
    /// rank): always one that was measured. 0 without samples.
    pub(crate) fn rank(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = sorted.len().saturating_mul(percent).div_ceil(100);
        let at = rank.saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    }
}

/// In milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `XTASK-05`
    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let mut samples = Samples::default();
        assert_eq!(samples.rank(50).to_bits(), 0.0_f64.to_bits());
        for value in (1_u32..=200).rev() {
            samples.add(f64::from(value));
        }
        let ranks = [0, 1, 50, 99, 100].map(|percent| samples.rank(percent));
        assert_eq!(ranks, [1.0, 2.0, 100.0, 198.0, 200.0]);
        let mut one = Samples::default();
        one.add_time(Duration::from_micros(1_500));
        assert_eq!([one.rank(50), one.rank(99)], [1.5, 1.5]);
    }
}
