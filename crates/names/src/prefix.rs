//! Prefixes of names: what a subscription, a dump or a quota covers.

use std::fmt;

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

    /// Everything in a team: a prefix for each of its eight paths.
    #[must_use]
    pub fn team(team: TeamId) -> [Self; 8] {
        [1, 2, 3, 4, 5, 6, 7, 8].map(|path| Self::team_path(team, path))
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
        mask(self.bits).is_ok_and(|mask| name.0 & mask == self.value)
    }

    /// Does it cover every name that `other` covers?
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.bits <= other.bits
            && mask(self.bits).is_ok_and(|mask| other.value & mask == self.value)
    }

    /// The lowest and the highest 128 bits that it covers.
    #[must_use]
    pub fn range(&self) -> (u128, u128) {
        (self.value, self.value | !mask(self.bits).unwrap_or(u128::MAX))
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

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}/{}", self.value, self.bits)
    }
}

fn mask(bits: u32) -> Result<u128, PrefixError> {
    let Some(rest) = 128_u32.checked_sub(bits) else {
        return Err(PrefixError::TooLong { bits });
    };
    // A shift by 128 would overflow; the empty prefix has no bits to keep.
    Ok(u128::MAX.checked_shl(rest).unwrap_or(0))
}
