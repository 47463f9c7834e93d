//! Terms: which relay orders the slots of a team.

use names::{Device, Rest, Slot};

use crate::bytes::Reader;
use crate::{CertificateError, Hash, Key, Malformed, Object};

/// The data of a path-6 object of device [`Device::ORIGIN`]; its generation is the term's number.
/// The claims of slots above `after` need a receipt by `key`; those before keep the receipt that
/// they have.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Term {
    /// The origin's key in this term.
    pub key: Key,
    /// The last slot of the terms before; zero in the first term.
    pub after: Slot,
    /// The entry hash of the claim of that slot; [`Hash::NONE`] for slot 0.
    pub claim: Hash,
    /// Where the origin can be reached, `HOST:PORT`: a hint, at most 255 bytes of visible ASCII.
    pub address: String,
}

impl Term {
    /// Reads a term and checks that `root` signed it.
    ///
    /// # Errors
    /// As [`CertificateError`] says.
    pub fn read(object: &Object, root: &Key) -> Result<Self, CertificateError> {
        let name = object.name();
        let Rest::Certificate { device: Device::ORIGIN, .. } = name.place().rest else {
            return Err(CertificateError::OtherPath { name });
        };
        let term = Self::parse(object.data().unwrap_or_default())?;
        if object.verifies(root) { Ok(term) } else { Err(CertificateError::Forged { name }) }
    }

    /// The data of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&self.after.value().to_be_bytes());
        out.extend_from_slice(&self.claim.0);
        out.extend_from_slice(self.address.as_bytes());
        out
    }

    /// Parses the data of a term.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "term version")?;
        let key = reader.key("origin")?;
        let after = Slot::new(reader.u64("after")?).map_err(|_| Malformed { field: "after" })?;
        let claim = reader.hash("claim")?;
        let address = reader.rest();
        let visible = address.iter().all(u8::is_ascii_graphic) && address.len() <= 255;
        let first = after == Slot::ZERO;
        if !visible || first != (claim == Hash::NONE) {
            return Err(Malformed { field: "term" });
        }
        let address = String::from_utf8_lossy(address).into_owned();
        Ok(Self { key, after, claim, address })
    }
}

const LAYOUT: u8 = 1;
