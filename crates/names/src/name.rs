//! Names and the places they stand for.

use crate::{
    Blob, Channel, Device, Fingerprint, Fragment, Generation, Number, Org, Origin, Piece, Slot,
    Team,
};

/// The name of an object: 128 bits, big-endian, fields from the most significant bit.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Name(pub(crate) u128);

/// A team: the fields that every name in it shares.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TeamId {
    /// The root relay of the organisation.
    pub origin: Origin,
    /// The organisation that owns the team.
    pub org: Org,
    /// The team's number in the organisation.
    pub team: Team,
}

/// A name, taken apart.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Place {
    /// The team that the object belongs to.
    pub team: TeamId,
    /// What it is, and which one.
    pub rest: Rest,
}

/// The path of a name and its last 50 bits (`SPEC.md` has a row for each).
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Rest {
    /// Path 1: an entry of a device's log in a channel.
    Message {
        /// Where it was written.
        channel: Channel,
        /// Who wrote it.
        device: Device,
        /// Its position in the log.
        number: Number,
    },
    /// Path 2: a key package (RFC 9420 §10), announced by a newcomer.
    KeyPackage {
        /// Which part.
        fragment: Fragment,
        /// Of the SHA-256 over the whole announcement.
        fingerprint: Fingerprint,
    },
    /// Path 3: tells the owner of a key package where its welcome is.
    Welcome {
        /// Which part.
        fragment: Fragment,
        /// Of the announcement that is welcomed.
        fingerprint: Fingerprint,
    },
    /// Path 4: the claim of one commit.
    Slot(Slot),
    /// Path 5: a part of a commit, a welcome or another large payload.
    Blob {
        /// Who wrote it.
        device: Device,
        /// Which of its blobs.
        blob: Blob,
        /// Which part.
        piece: Piece,
    },
    /// Path 6: which key writes as which device number.
    Certificate {
        /// The device number.
        device: Device,
        /// How often it was renewed; the highest counts.
        generation: Generation,
    },
    /// Path 7: the use of a key package, claimed once.
    Use(Fingerprint),
    /// Path 8: messages of a join by code.
    Code(Fingerprint),
}

/// Bits that are no name of ours: another application, an unknown path, or spare bits in use.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[error("{bits:032x} is not a name of this application")]
pub struct ForeignName {
    /// What was given.
    pub bits: u128,
}

impl Name {
    /// Takes 128 bits.
    ///
    /// # Errors
    /// When they name nothing of this application (app 1, paths 1 to 8, spare bits zero).
    pub fn from_bits(bits: u128) -> Result<Self, ForeignName> {
        let name = Self(bits);
        if name.taken_apart().is_none() {
            return Err(ForeignName { bits });
        }
        Ok(name)
    }

    /// Takes 16 bytes, most significant first.
    ///
    /// # Errors
    /// As [`Name::from_bits`].
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, ForeignName> {
        Self::from_bits(u128::from_be_bytes(bytes))
    }

    /// The 128 bits.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The 16 bytes, most significant first.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The team that the object belongs to.
    #[must_use]
    pub fn team(self) -> TeamId {
        TeamId {
            origin: Origin::truncate(self.low(104)),
            org: Org::truncate(self.low(70)),
            team: Team::truncate(self.low(50)),
        }
    }

    /// The name, taken apart.
    #[must_use]
    pub fn place(self) -> Place {
        // Every constructor has checked this, so the fallback is never taken.
        let rest = self.taken_apart().unwrap_or(Rest::Slot(Slot::ZERO));
        Place { team: self.team(), rest }
    }

    fn taken_apart(self) -> Option<Rest> {
        if self.low(96) & 0xff != u64::from(APP) {
            return None;
        }
        let fingerprint = Fingerprint::truncate(self.low(0));
        let fragment = Fragment::truncate(self.low(48));
        let device = Device::truncate(self.low(30));
        let low30 = self.low(0) & 0x3fff_ffff;
        match self.low(88) & 0xff {
            1 => Some(Rest::Message {
                channel: Channel::truncate(self.low(40)),
                device: Device::truncate(self.low(20)),
                number: Number::truncate(self.low(0)),
            }),
            2 => Some(Rest::KeyPackage { fragment, fingerprint }),
            3 => Some(Rest::Welcome { fragment, fingerprint }),
            4 if self.low(0) & 0x3_ffff == 0 => Some(Rest::Slot(Slot::truncate(self.low(18)))),
            5 => Some(Rest::Blob {
                device,
                blob: Blob::truncate(self.low(12)),
                piece: Piece::truncate(low30),
            }),
            6 => Some(Rest::Certificate { device, generation: Generation::truncate(low30) }),
            7 if fragment == Fragment::ZERO => Some(Rest::Use(fingerprint)),
            8 if fragment == Fragment::ZERO => Some(Rest::Code(fingerprint)),
            _ => None,
        }
    }

    /// The 64 bits from bit `shift` (counted from the least significant) upwards.
    fn low(self, shift: u32) -> u64 {
        let [_, _, _, _, _, _, _, _, low @ ..] =
            self.0.checked_shr(shift).unwrap_or(0).to_be_bytes();
        u64::from_be_bytes(low)
    }
}

impl Place {
    /// Puts the name together.
    #[must_use]
    pub fn name(self) -> Name {
        let (path, rest) = self.rest.packed();
        Name(self.team.head(path) | u128::from(rest))
    }
}

impl TeamId {
    /// The name of `rest` in this team.
    #[must_use]
    pub fn name(self, rest: Rest) -> Name {
        Place { team: self, rest }.name()
    }

    /// The first 78 bits of every name under `path` in this team, the other 50 zero.
    pub(crate) fn head(self, path: u8) -> u128 {
        at(self.origin.value(), 104)
            | at(u64::from(APP), 96)
            | at(u64::from(path), 88)
            | at(self.org.value(), 70)
            | at(self.team.value(), 50)
    }
}

impl Rest {
    /// The number of the path.
    #[must_use]
    pub fn path(&self) -> u8 {
        self.packed().0
    }

    fn packed(&self) -> (u8, u64) {
        match *self {
            Self::Message { channel, device, number } => {
                (1, channel.value() << 40 | device.value() << 20 | number.value())
            }
            Self::KeyPackage { fragment, fingerprint } => {
                (2, fragment.value() << 48 | fingerprint.value())
            }
            Self::Welcome { fragment, fingerprint } => {
                (3, fragment.value() << 48 | fingerprint.value())
            }
            Self::Slot(slot) => (4, slot.value() << 18),
            Self::Blob { device, blob, piece } => {
                (5, device.value() << 30 | blob.value() << 12 | piece.value())
            }
            Self::Certificate { device, generation } => {
                (6, device.value() << 30 | generation.value())
            }
            Self::Use(fingerprint) => (7, fingerprint.value()),
            Self::Code(fingerprint) => (8, fingerprint.value()),
        }
    }
}

fn at(value: u64, shift: u32) -> u128 {
    u128::from(value).checked_shl(shift).unwrap_or(0)
}

/// The application that all names here belong to.
pub(crate) const APP: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAMES-01`
    #[test]
    fn every_bit_of_the_layout_is_where_the_table_says() {
        let team = TeamId {
            origin: Origin::truncate(0xAA_AAAA),
            org: Org::truncate(0),
            team: Team::truncate(0xF_FFFF),
        };
        let name = team.name(Rest::Message {
            channel: Channel::truncate(2),
            device: Device::truncate(3),
            number: Number::truncate(4),
        });
        assert_eq!(format!("{:032x}", name.bits()), "aaaaaa010100003ffffc020000300004");
    }

    /// `NAMES-01`
    #[test]
    fn bits_of_other_applications_and_spare_bits_are_refused() {
        for bits in
            [0, 1 << 96, 9 << 88 | 1 << 96, 4 << 88 | 1 << 96 | 1, 7 << 88 | 1 << 96 | 1 << 49]
        {
            assert_eq!(Name::from_bits(bits), Err(ForeignName { bits }));
        }
    }
}
