//! What else a world plays, beside its storm: drawn once per seed, apart from everything else.

use crate::chance::Chance;

/// The scenes of a world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenes {
    /// Of a step of a device, in permille: its disk is full, and its process goes on.
    pub(crate) full: u64,
}

impl Scenes {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x7363_656e_6500_0000);
        Self { full: chance.pick(&[0, 0, 5, 20]).unwrap_or(0) }
    }
}
