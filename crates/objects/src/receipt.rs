//! Receipts: a relay's signed word that an object survives power loss.

use names::{Name, Slot};

use crate::bytes::Reader;
use crate::{Hash, Key, Label, Malformed, Millis, Object, Signature, Signer, Verifies};

/// A relay's word that it has stored an object; for a claim, that it won its slot.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Receipt {
    /// The object.
    pub name: Name,
    /// Its entry hash.
    pub hash: Hash,
    /// The last decided slot of the team when it was stored; zero before the first.
    pub head: Slot,
    /// When it was stored, by the relay's clock.
    pub at: Millis,
    /// The relay's signature.
    pub signature: Signature,
}

impl Receipt {
    /// Length in bytes.
    pub const LEN: usize = 1 + 16 + 32 + 8 + 8 + 64;

    /// Signs a receipt for `object`.
    #[must_use]
    pub fn sign(relay: &Signer, object: &Object, head: Slot, at: Millis) -> Self {
        let (name, hash) = (object.name(), object.entry_hash());
        let mut receipt = Self { name, hash, head, at, signature: Signature([0; 64]) };
        receipt.signature = relay.sign(Label::Receipt, &receipt.signed());
        receipt
    }

    /// Did `relay` sign it, for exactly `object`?
    #[must_use]
    pub fn covers(&self, relay: &Key, object: &Object) -> bool {
        self.covers_hash(relay, object.name(), &object.entry_hash())
    }

    /// Did `relay` sign it, for exactly this name and entry hash?
    #[must_use]
    pub fn covers_hash(&self, relay: &impl Verifies, name: Name, hash: &Hash) -> bool {
        self.name == name
            && self.hash == *hash
            && relay.verifies(Label::Receipt, &self.signed(), &self.signature)
    }

    /// The bytes of the receipt.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.signed();
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// Parses a receipt.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "receipt version")?;
        let name = reader.name("name")?;
        let hash = reader.hash("hash")?;
        let head = Slot::new(reader.u64("head")?).map_err(|_| Malformed { field: "head" })?;
        let at = Millis(reader.u64("at")?);
        let signature = reader.signature("signature")?;
        reader.end("receipt")?;
        Ok(Self { name, hash, head, at, signature })
    }

    fn signed(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.name.bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&self.head.value().to_be_bytes());
        out.extend_from_slice(&self.at.0.to_be_bytes());
        out
    }
}

const LAYOUT: u8 = 1;
