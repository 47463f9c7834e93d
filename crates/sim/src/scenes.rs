//! What else a world plays, beside its storm: drawn once per seed, apart from everything else.

use crate::chance::Chance;

/// The scenes of a world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenes {
    /// Of a step of a device, in permille: its disk is full, and its process goes on.
    pub(crate) full: u64,
    /// People whom the root makes admins when the team has come together.
    pub(crate) admins: usize,
    /// What admins decide while people talk: roles, policies, removals.
    pub(crate) decisions: u64,
}

impl Scenes {
    pub(crate) fn draw(seed: u64, people: usize) -> Self {
        let mut chance = Chance::new(seed ^ 0x7363_656e_6500_0000);
        let full = chance.pick(&[0, 0, 5, 20]).unwrap_or(0);
        let admins = chance.pick(&[0, 0, 1, 2]).unwrap_or(0);
        let many = chance.between(3, 8);
        let decisions = chance.pick(&[0, 0, 2, many]).unwrap_or(0);
        // Somebody is neither an admin nor the member tool.
        Self { full, admins: admins.min(people.saturating_sub(2)), decisions }
    }
}
