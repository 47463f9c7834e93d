//! Everything that is drawn, from one seed.

/// A generator that repeats itself exactly (SplitMix64). It is no good for secrets, and there are
/// none here.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Starts at a seed.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator, which draws something else for each `purpose`.
    #[must_use]
    pub(crate) fn fork(&mut self, purpose: u64) -> Self {
        let mixed = self.draw() ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(mixed)
    }

    /// 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.draw().checked_rem(end).unwrap_or(0)
    }

    /// A number from `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from.saturating_add(self.below(to.saturating_sub(from).saturating_add(1)))
    }

    /// An index into something of this length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(0))).unwrap_or(0)
    }

    /// True in `permille` of 1,000 cases.
    pub(crate) fn happens(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let index = self.index(all.len());
        all.get(index).copied()
    }

    /// Fills bytes.
    pub(crate) fn fill(&mut self, space: &mut [u8]) {
        for chunk in space.chunks_mut(8) {
            let drawn = self.draw().to_be_bytes();
            for (byte, drawn) in chunk.iter_mut().zip(drawn) {
                *byte = drawn;
            }
        }
    }

    /// 32 bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_forks_differ() {
        let (mut one, mut two) = (Chance::new(7), Chance::new(7));
        assert_eq!((one.draw(), one.between(3, 5)), (two.draw(), two.between(3, 5)));
        assert_ne!(one.clone().fork(1).draw(), one.fork(2).draw());
        assert_eq!(Chance::new(1).below(0), 0);
    }
}
