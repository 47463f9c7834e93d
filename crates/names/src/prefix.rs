//! Prefixes of names: what a subscription, a dump or a quota covers.

use crate::{Channel, Device, Name, TeamId};

/// The first bits of a name.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Prefix {
    value: u128,
    bits: u32,
}

/// Why bits are no prefix.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum PrefixError {
    /// A name has no more than 128 bits.
    #[error("a prefix of {bits} bits is longer than a name")]
    TooLong {
        /// How many were asked for.
        bits: u32,
    },
    /// There are bits behind the prefix that are not zero.
    #[error("the bits behind the first {bits} are not zero")]
    Untidy {
        /// How long the prefix was to be.
        bits: u32,
    },
}

impl Prefix {
    /// Takes the first `bits` bits of `name`.
    ///
    /// # Errors
    /// When `bits` is more than 128.
    pub fn of(name: Name, bits: u32) -> Result<Self, PrefixError> {
        Ok(Self { value: name.0 & mask(bits)?, bits })
    }

    /// Takes a prefix as it is stored: the bits behind it must be zero, so that equal prefixes
    /// have equal bytes.
    ///
    /// # Errors
    /// When `bits` is more than 128, or something follows them.
    pub fn from_bits(value: u128, bits: u32) -> Result<Self, PrefixError> {
        if value & !mask(bits)? != 0 {
            return Err(PrefixError::Untidy { bits });
        }
        Ok(Self { value, bits })
    }

    /// Everything under one path of a team (50 bits left open). Path 1 holds the messages, 4 the
    /// slots, and so on.
    #[must_use]
    pub fn team_path(team: TeamId, path: u8) -> Self {
        Self { value: team.head(path), bits: 78 }
    }

    /// Everything in a team, over all paths (the path bits are zero; 50 bits are left open).
    #[must_use]
    pub fn team(team: TeamId) -> Self {
        Self::team_path(team, 0)
    }

    /// All messages of a channel (40 bits left open).
    #[must_use]
    pub fn channel(team: TeamId, channel: Channel) -> Self {
        let channel = u128::from(channel.value()) << 40;
        Self { value: team.head(1) | channel, bits: 88 }
    }

    /// The log of one device in a channel (20 bits left open).
    #[must_use]
    pub fn log(team: TeamId, channel: Channel, device: Device) -> Self {
        let device = u128::from(device.value()) << 20;
        Self { value: Self::channel(team, channel).value | device, bits: 108 }
    }

    /// Does it cover `name`?
    #[must_use]
    pub fn covers(&self, name: Name) -> bool {
        (name.0 & self.mask()) == self.value
    }

    /// Does it cover every name that `other` covers?
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let all_paths = self.over_all_paths() || !other.over_all_paths();
        self.bits <= other.bits && all_paths && other.value & self.mask() == self.value
    }

    /// The team that everything under it belongs to; `None` when that may be several, or when it
    /// covers no name of this application.
    #[must_use]
    pub fn one_team(&self) -> Option<TeamId> {
        let path = if self.over_all_paths() { 1 << PATH_SHIFT } else { 0 };
        let lowest = Name::from_bits(self.value | path).ok()?;
        (self.bits >= TEAM_END).then(|| lowest.team())
    }

    /// Does it stand for the set over all paths? Path 0 names nothing, so a prefix with that
    /// path does.
    #[must_use]
    pub fn over_all_paths(&self) -> bool {
        self.bits >= PATH_END && self.value & PATH_MASK == 0
    }

    /// The lowest and the highest bits of each range that it covers: one, or one per path.
    #[must_use]
    pub fn ranges(&self) -> Vec<(u128, u128)> {
        let open = !mask(self.bits).unwrap_or(u128::MAX);
        if !self.over_all_paths() {
            return vec![(self.value, self.value | open)];
        }
        (1..=8_u128)
            .map(|path| self.value | path << PATH_SHIFT)
            .map(|low| (low, low | open))
            .collect()
    }

    fn mask(&self) -> u128 {
        let mask = mask(self.bits).unwrap_or(u128::MAX);
        if self.over_all_paths() { mask & !PATH_MASK } else { mask }
    }

    /// How many bits are fixed.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.bits
    }

    /// Does it cover every name there is?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// The fixed bits, followed by zeros.
    #[must_use]
    pub fn bits(&self) -> u128 {
        self.value
    }
}

impl From<Name> for Prefix {
    fn from(name: Name) -> Self {
        Self { value: name.0, bits: 128 }
    }
}

fn mask(bits: u32) -> Result<u128, PrefixError> {
    let Some(rest) = 128_u32.checked_sub(bits) else {
        return Err(PrefixError::TooLong { bits });
    };
    // A shift by 128 would overflow; the empty prefix has no bits to keep.
    Ok(u128::MAX.checked_shl(rest).unwrap_or(0))
}

/// The path stands in the 8 bits that end 40 bits into a name.
const PATH_SHIFT: u32 = 88;
const PATH_END: u32 = 40;
/// Origin, application, path, organisation and team are the first 78 bits.
const TEAM_END: u32 = 78;
const PATH_MASK: u128 = 0xff << PATH_SHIFT;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Number, Org, Origin, Rest, Slot, Team};

    fn team(team: u64) -> TeamId {
        let (origin, org) = (Origin::truncate(7), Org::truncate(9));
        TeamId { origin, org, team: Team::truncate(team) }
    }

    /// `NAMES-04`
    #[test]
    fn a_team_prefix_covers_every_path_of_its_team_and_of_no_other() {
        let message = Rest::Message {
            channel: Channel::truncate(2),
            device: Device::truncate(3),
            number: Number::truncate(4),
        };
        for rest in [message, Rest::Slot(Slot::MAX)] {
            assert!(Prefix::team(team(5)).covers(team(5).name(rest)));
            assert!(!Prefix::team(team(5)).covers(team(6).name(rest)));
            let bits = team(5).name(rest).bits();
            let within = |(low, high): &(u128, u128)| (*low..=*high).contains(&bits);
            assert_eq!(Prefix::team(team(5)).ranges().iter().filter(|r| within(r)).count(), 1);
        }
        let channel = Prefix::channel(team(5), Channel::truncate(2));
        assert!(Prefix::team(team(5)).includes(&channel));
        assert!(!channel.includes(&Prefix::team(team(5))));
        assert!(channel.covers(team(5).name(message)));
    }

    /// `NAMES-04`
    #[test]
    fn a_prefix_of_one_team_names_it_and_a_wider_one_none() {
        let channel = Prefix::channel(team(5), Channel::truncate(2));
        for prefix in [Prefix::team(team(5)), Prefix::team_path(team(5), 4), channel] {
            assert_eq!(prefix.one_team(), Some(team(5)));
        }
        let org = Prefix::from_bits(Prefix::team(team(0)).bits(), 58).unwrap();
        for prefix in [org, Prefix::from_bits(0, 0).unwrap(), Prefix::team_path(team(5), 9)] {
            assert_eq!(prefix.one_team(), None);
        }
    }

    /// `NAMES-05`
    #[test]
    fn a_prefix_is_never_longer_than_a_name_nor_untidy() {
        assert_eq!(Prefix::from_bits(0, 129), Err(PrefixError::TooLong { bits: 129 }));
        assert_eq!(Prefix::from_bits(1, 127), Err(PrefixError::Untidy { bits: 127 }));
        assert!(Prefix::from_bits(0, 0).is_ok_and(|all| all.is_empty()));
    }
}
