//! Objects: what relays carry and cache.

use names::Name;

use crate::bytes::Reader;
use crate::{Hash, Label, Malformed, Signature, Signer, Verifies};

/// Milliseconds since 1970-01-01 UTC, without leap seconds.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// Never: what lives as long as its team.
    pub const NEVER: Self = Self(u64::MAX);

    /// This time and `millis` more; never wraps.
    #[must_use]
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// The position of an object inside a payload of several.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Part {
    /// From 0.
    pub index: u16,
    /// How many there are, at least 1.
    pub count: u16,
}

/// A signed, named, immutable piece of data. Holding one means that it is well formed; whether
/// its signer may write there is asked with [`Object::verifies`].
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Object {
    name: Name,
    created: Millis,
    expires: Millis,
    previous: Hash,
    data_hash: Hash,
    len: u16,
    part: Part,
    signature: Signature,
    data: Option<Vec<u8>>,
}

/// What a writer says of a new object; [`Draft::sign`] makes the object.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// Its name.
    pub name: Name,
    /// When it was made.
    pub created: Millis,
    /// When its data may be dropped.
    pub expires: Millis,
    /// The entry hash of the object before it in its log, [`Hash::NONE`] without one.
    pub previous: Hash,
    /// Its position inside a larger payload.
    pub part: Part,
    /// At most [`MAX_DATA`] bytes.
    pub data: &'a [u8],
}

/// Why a draft cannot become an object.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum ObjectError {
    /// Too much data for one object.
    #[error("{len} bytes do not fit an object of at most {MAX_DATA}")]
    TooLong {
        /// How many there are.
        len: usize,
    },
    /// A position behind the end of its payload.
    #[error("part {index} of {count} does not exist")]
    NoSuchPart {
        /// The position.
        index: u16,
        /// The end.
        count: u16,
    },
}

impl Part {
    /// A payload of one object.
    pub const ONLY: Self = Self { index: 0, count: 1 };
}

impl Draft<'_> {
    /// Makes the object.
    ///
    /// # Errors
    /// When the data is too long, or the part does not exist.
    pub fn sign(&self, signer: &Signer) -> Result<Object, ObjectError> {
        let too_long = ObjectError::TooLong { len: self.data.len() };
        if self.data.len() > MAX_DATA {
            return Err(too_long);
        }
        if self.part.index >= self.part.count {
            let Part { index, count } = self.part;
            return Err(ObjectError::NoSuchPart { index, count });
        }
        let mut object = Object {
            name: self.name,
            created: self.created,
            expires: self.expires,
            previous: self.previous,
            data_hash: Hash::of(Label::Data, self.data),
            len: u16::try_from(self.data.len()).map_err(|_| too_long)?,
            part: self.part,
            signature: Signature([0; 64]),
            data: Some(self.data.to_vec()),
        };
        object.signature = signer.sign(Label::Entry, &object.header());
        Ok(object)
    }
}

impl Object {
    /// Parses an object; the one layout of `SPEC.md`, nothing behind it.
    ///
    /// # Errors
    /// When a field is malformed or the data does not match its hash.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(VERSION, "version")?;
        let name = reader.name("name")?;
        let created = Millis(reader.u64("created")?);
        let expires = Millis(reader.u64("expires")?);
        let previous = reader.hash("previous")?;
        let data_hash = reader.hash("data hash")?;
        let len = reader.u16("length")?;
        let part = Part { index: reader.u16("part")?, count: reader.u16("part")? };
        let signature = reader.signature("signature")?;
        let rest = reader.rest();
        if usize::from(len) > MAX_DATA {
            return Err(Malformed { field: "length" });
        }
        if part.index >= part.count {
            return Err(Malformed { field: "part" });
        }
        let data = if rest.is_empty() && len > 0 {
            None
        } else if rest.len() == usize::from(len) && Hash::of(Label::Data, rest) == data_hash {
            Some(rest.to_vec())
        } else {
            return Err(Malformed { field: "data" });
        };
        Ok(Self { name, created, expires, previous, data_hash, len, part, signature, data })
    }

    /// The bytes of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        out.extend_from_slice(&self.signature.0);
        out.extend_from_slice(self.data.as_deref().unwrap_or_default());
        out
    }

    /// The object without its data: what stays when it has expired.
    #[must_use]
    pub fn header_only(mut self) -> Self {
        if self.len > 0 {
            self.data = None;
        }
        self
    }

    /// Did the owner of `key` sign it?
    #[must_use]
    pub fn verifies(&self, key: &impl Verifies) -> bool {
        key.verifies(Label::Entry, &self.header(), &self.signature)
    }

    /// Its writer's signature: over the header, whose hash [`Object::entry_hash`] is.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What the next entry of the log names: the hash over the header without the signature.
    #[must_use]
    pub fn entry_hash(&self) -> Hash {
        Hash::of(Label::Entry, &self.header())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// When its writer made it, by the writer's clock.
    #[must_use]
    pub fn created(&self) -> Millis {
        self.created
    }

    /// When its data may be dropped.
    #[must_use]
    pub fn expires(&self) -> Millis {
        self.expires
    }

    /// The entry hash of the object before it in its log.
    #[must_use]
    pub fn previous(&self) -> Hash {
        self.previous
    }

    /// Its position inside a larger payload.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// Its data; `None` when only the header is left.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    fn header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_OBJECT);
        out.push(VERSION);
        out.extend_from_slice(&self.name.bytes());
        out.extend_from_slice(&self.created.0.to_be_bytes());
        out.extend_from_slice(&self.expires.0.to_be_bytes());
        out.extend_from_slice(&self.previous.0);
        out.extend_from_slice(&self.data_hash.0);
        out.extend_from_slice(&self.len.to_be_bytes());
        out.extend_from_slice(&self.part.index.to_be_bytes());
        out.extend_from_slice(&self.part.count.to_be_bytes());
        out
    }
}

/// The version of the layout.
pub const VERSION: u8 = 1;
/// The most data that one object carries, in bytes.
pub const MAX_DATA: usize = 1024;
/// Header and signature, in bytes.
pub const HEADER_LEN: usize = 103 + 64;
/// The largest object, in bytes: less than one UDP datagram of 1,200.
pub const MAX_OBJECT: usize = HEADER_LEN + MAX_DATA;

#[cfg(test)]
mod tests {
    use super::*;
    use names::{Org, Origin, Rest, Slot, Team, TeamId};

    fn sign(len: usize, part: Part) -> Result<Object, ObjectError> {
        let team = TeamId { origin: Origin::ZERO, org: Org::ZERO, team: Team::ZERO };
        let draft = Draft {
            name: team.name(Rest::Slot(Slot::ZERO)),
            created: Millis(1),
            expires: Millis(2),
            previous: Hash::NONE,
            part,
            data: &vec![7; len],
        };
        draft.sign(&Signer::from_seed(&[1; 32]))
    }

    /// `OBJECTS-01`
    #[test]
    fn an_object_takes_as_much_as_fits_and_no_byte_more() {
        let full = sign(MAX_DATA, Part::ONLY).map(|object| object.bytes().len());
        assert_eq!(full, Ok(MAX_OBJECT));
        const { assert!(MAX_OBJECT <= 1_200 && HEADER_LEN <= 176) };
        let len = MAX_DATA + 1;
        assert_eq!(sign(len, Part::ONLY), Err(ObjectError::TooLong { len }));
    }

    /// `OBJECTS-01`
    #[test]
    fn a_part_lies_inside_its_payload() {
        let last = Part { index: u16::MAX - 1, count: u16::MAX };
        assert_eq!(sign(0, last).map(|object| object.part()), Ok(last));
        for (index, count) in [(0, 0), (1, 1), (u16::MAX, u16::MAX)] {
            let refused = Err(ObjectError::NoSuchPart { index, count });
            assert_eq!(sign(0, Part { index, count }), refused);
        }
    }

    /// `OBJECTS-03`
    #[test]
    fn no_time_wraps() {
        assert_eq!(Millis::NEVER.plus(1), Millis::NEVER);
        assert_eq!(Millis(1).plus(2), Millis(3));
    }
}
