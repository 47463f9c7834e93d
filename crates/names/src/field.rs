//! The fields of a name: numbers that fit their bits.

use std::fmt;

/// A number that does not fit the bits of its field.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[error("{value} does not fit the {bits} bits of {field}")]
pub struct FieldError {
    /// Which field, by its name in `SPEC.md`.
    pub field: &'static str,
    /// What was given.
    pub value: u64,
    /// How many bits the field has.
    pub bits: u32,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $bits:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Width of the field in bits.
            pub const BITS: u32 = $bits;
            /// The highest number of the field.
            pub const MAX: Self = Self((1 << $bits) - 1);
            /// The number zero.
            pub const ZERO: Self = Self(0);

            /// Takes a number.
            ///
            /// # Errors
            /// When it does not fit the field.
            pub const fn new(value: u64) -> Result<Self, FieldError> {
                if value > Self::MAX.0 {
                    return Err(FieldError { field: stringify!($name), value, bits: $bits });
                }
                Ok(Self(value))
            }

            /// Keeps the low bits of `value`: for numbers drawn at random.
            #[must_use]
            pub const fn truncate(value: u64) -> Self {
                Self(value & Self::MAX.0)
            }

            /// The number.
            #[must_use]
            pub const fn value(self) -> u64 {
                self.0
            }

            /// The number after this one; `None` when the field has run out.
            #[must_use]
            pub const fn next(self) -> Option<Self> {
                if self.0 >= Self::MAX.0 {
                    return None;
                }
                Some(Self(self.0.saturating_add(1)))
            }

            /// The number before this one; `None` before zero.
            #[must_use]
            pub const fn previous(self) -> Option<Self> {
                match self.0.checked_sub(1) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

fields! {
    /// The root relay of an organisation's tree.
    Origin: 24;
    /// An organisation at an origin.
    Org: 18;
    /// A team of an organisation; team 1 manages the organisation's devices.
    Team: 20;
    /// A channel of a team; 0 stands for all and is never written, 1 manages the team.
    Channel: 10;
    /// A device in a team; 0 is the organisation's member tool. Never the leaf index.
    Device: 20;
    /// The position of an entry in a log, from 0, without gaps.
    Number: 20;
    /// Which part of an object that needs up to four.
    Fragment: 2;
    /// The first 48 bits of a SHA-256 hash. It only routes; trust compares the whole hash.
    Fingerprint: 48;
    /// The position of a claim in a team's one order of commits, from 1.
    Slot: 32;
    /// A blob of a device.
    Blob: 18;
    /// Which part of a blob.
    Piece: 12;
    /// How often the certificate of a device number was renewed.
    Generation: 30;
}

impl Channel {
    /// Stands for all channels; nothing is written there.
    pub const ALL: Self = Self(0);
    /// Announces channels and manages the team.
    pub const MANAGE: Self = Self(1);
}

impl Team {
    /// Manages the devices of an organisation.
    pub const ORG: Self = Self(1);
}

impl Device {
    /// The organisation's member tool.
    pub const MEMBER_TOOL: Self = Self(0);
    /// No device: the certificates under this number say which relay is a team's origin.
    pub const ORIGIN: Self = Self::MAX;
}

impl Fingerprint {
    /// The first 48 bits of a hash, most significant first.
    #[must_use]
    pub fn of(hash: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, ..] = *hash;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAMES-02`
    #[test]
    fn a_field_holds_what_fits_and_refuses_the_next() {
        assert_eq!(Channel::new(1023).map(Channel::value), Ok(1023));
        assert_eq!(Channel::new(1024), Err(FieldError { field: "Channel", value: 1024, bits: 10 }));
        assert_eq!(Slot::new(1 << 32).map_err(|error| error.bits), Err(32));
    }

    /// `NAMES-03`
    #[test]
    fn a_field_that_has_run_out_has_no_next() {
        assert_eq!(Number::new(41).ok().and_then(Number::next), Number::new(42).ok());
        assert_eq!(Number::MAX.next(), None);
        assert_eq!(Number::ZERO.previous(), None);
    }

    #[test]
    fn a_fingerprint_is_the_start_of_a_hash() {
        let mut hash = [0xff; 32];
        hash[..6].copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(Fingerprint::of(&hash).value(), 0x0102_0304_0506);
    }
}
