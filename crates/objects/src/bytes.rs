//! Reading and writing fixed layouts: big-endian, no padding, every byte accounted for.

use names::{Name, TeamId};

use crate::{Hash, Key, Signature};

/// Bytes that are not the layout that they should be. The field is named as in `SPEC.md`.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[error("malformed {field}")]
pub struct Malformed {
    /// The first field that is wrong.
    pub field: &'static str,
}

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed { field })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed { field })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(crate) fn name(&mut self, field: &'static str) -> Result<Name, Malformed> {
        Name::from_bytes(self.array(field)?).map_err(|_| Malformed { field })
    }

    pub(crate) fn hash(&mut self, field: &'static str) -> Result<Hash, Malformed> {
        self.array(field).map(Hash)
    }

    pub(crate) fn key(&mut self, field: &'static str) -> Result<Key, Malformed> {
        self.array(field).map(Key)
    }

    pub(crate) fn signature(&mut self, field: &'static str) -> Result<Signature, Malformed> {
        self.array(field).map(Signature)
    }

    pub(crate) fn team(&mut self, field: &'static str) -> Result<TeamId, Malformed> {
        let bytes: [u8; 8] = self.array(field)?;
        team_from(u64::from_be_bytes(bytes)).ok_or(Malformed { field })
    }

    /// A byte that must be exactly `wanted`.
    pub(crate) fn exactly(&mut self, wanted: u8, field: &'static str) -> Result<(), Malformed> {
        if self.u8(field)? == wanted { Ok(()) } else { Err(Malformed { field }) }
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn end(self, field: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed { field }) }
    }
}

/// A team as 64 bits: two zero bits, then origin 24, org 18, team 20.
pub(crate) fn team_bits(team: TeamId) -> [u8; 8] {
    (team.origin.value() << 38 | team.org.value() << 20 | team.team.value()).to_be_bytes()
}

fn team_from(bits: u64) -> Option<TeamId> {
    let team = TeamId {
        origin: names::Origin::new(bits >> 38).ok()?,
        org: names::Org::truncate(bits >> 20),
        team: names::Team::truncate(bits),
    };
    Some(team)
}
