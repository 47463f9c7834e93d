//! How rough a world is: drawn once per seed, so that quiet worlds and storms both come.

use crate::chance::Chance;

/// Chances are in permille.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// Devices from the start, the member tool among them.
    pub(crate) people: usize,
    /// Relays below the origin.
    pub(crate) children: usize,
    /// Devices that join while faults happen.
    pub(crate) newcomers: usize,
    /// What people do meanwhile.
    pub(crate) acts: u64,
    /// How long faults go on, in ms.
    pub(crate) storm: u64,
    /// The longest way of a frame, in ms.
    pub(crate) delay: u64,
    /// Of a step of a device.
    pub(crate) crashes: u64,
    /// Of a step of a relay.
    pub(crate) relay_crashes: u64,
    /// Of an object that arrives: another comes before it, or again.
    pub(crate) disorder: u64,
    /// Cuts of a direction or of both.
    pub(crate) cuts: u64,
    /// Links that break.
    pub(crate) breaks: u64,
    /// Clocks that are set, by up to 400 days.
    pub(crate) skews: u64,
    /// Devices that are removed.
    pub(crate) removals: u64,
    /// Commits that an insider spoils, for somebody or for everybody.
    pub(crate) poisons: u64,
    /// Vaults of which an old copy is put back.
    pub(crate) restores: u64,
    /// Devices that write two histories.
    pub(crate) twins: u64,
    /// Hostile objects.
    pub(crate) hostile: u64,
}

impl Profile {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let people = 3 + chance.index(3);
        Self {
            people,
            children: chance.pick(&[0, 0, 1, 2]).unwrap_or(0),
            newcomers: chance.index(3),
            acts: chance.between(12, 40),
            storm: chance.between(20_000, 240_000),
            delay: chance.pick(&[5, 60, 400, 2_500]).unwrap_or(5),
            crashes: chance.pick(&[0, 4, 15, 40]).unwrap_or(0),
            relay_crashes: chance.pick(&[0, 0, 2, 6]).unwrap_or(0),
            disorder: chance.pick(&[0, 30, 200]).unwrap_or(0),
            cuts: chance.pick(&[0, 3, 10]).unwrap_or(0),
            breaks: chance.pick(&[0, 3, 12]).unwrap_or(0),
            skews: chance.pick(&[0, 0, 0, 2, 8]).unwrap_or(0),
            removals: chance.pick(&[0, 0, 1]).unwrap_or(0),
            poisons: chance.pick(&[0, 0, 0, 1, 3]).unwrap_or(0),
            restores: chance.pick(&[0, 0, 0, 1, 3]).unwrap_or(0),
            twins: chance.pick(&[0, 0, 0, 1]).unwrap_or(0),
            hostile: chance.pick(&[0, 5, 20]).unwrap_or(0),
        }
    }
}
