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
    /// How the order of slots changes hands.
    pub(crate) origin: Origin,
    /// People of another team of the organisation, who are added unasked.
    pub(crate) guests: usize,
    /// People who are removed and come back.
    pub(crate) returns: usize,
}

/// What becomes of the origin.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) enum Origin {
    /// It stays.
    #[default]
    Stays,
    /// The root names another, so many times.
    Moves(usize),
    /// It is never seen again, and the root names another.
    Dies,
}

impl Scenes {
    pub(crate) fn draw(seed: u64, people: usize) -> Self {
        let mut chance = Chance::new(seed ^ 0x7363_656e_6500_0000);
        let full = chance.pick(&[0, 0, 5, 20]).unwrap_or(0);
        let admins = chance.pick(&[0, 0, 1, 2]).unwrap_or(0);
        let many = chance.between(3, 8);
        let decisions = chance.pick(&[0, 0, 2, many]).unwrap_or(0);
        // Somebody is neither an admin nor the member tool.
        let admins = admins.min(people.saturating_sub(2));
        let origin = Origin::draw(seed);
        let (guests, returns) = Self::draw_people(seed, origin);
        // Several admins want the same people.
        let admins = if returns > 0 { people.saturating_sub(2).min(2) } else { admins };
        Self { full, admins, decisions, origin, guests, returns }
    }

    /// Who comes without being asked, and who comes back: in about every tenth world.
    fn draw_people(seed: u64, origin: Origin) -> (usize, usize) {
        let mut chance = Chance::new(seed ^ 0x7065_6f70_6c65_0000);
        if origin != Origin::Stays || chance.below(8) > 0 {
            return (0, 0);
        }
        (chance.index(3), 1 + chance.index(2))
    }
}

impl Origin {
    fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x6f72_6967_696e_0000);
        match chance.below(10) {
            0 => Self::Moves(1 + chance.index(2)),
            1 => Self::Dies,
            _ => Self::Stays,
        }
    }

    /// So many relays there have to be below the first.
    pub(crate) fn children(self) -> usize {
        match self {
            Self::Stays => 0,
            Self::Dies => 1,
            Self::Moves(times) => times,
        }
    }
}
