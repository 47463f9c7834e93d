//! Sessions: how a device proves its log key to a relay.

use names::{Device, TeamId};

use crate::bytes::{Reader, team_bits};
use crate::{Key, Label, Malformed, Millis, Signature, Signer};

/// A device's proof that it holds a log key, for one session with one relay.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Proof {
    /// The team whose objects it wants.
    pub team: TeamId,
    /// The device number that it says the key writes as.
    pub device: Device,
    /// The log key.
    pub log_key: Key,
    /// Until when the proof counts.
    pub expires: Millis,
    /// Over relay key, TLS exporter (RFC 8446 §7.5) and the fields above.
    pub signature: Signature,
}

impl Proof {
    /// Proves `log_key` to the relay that holds `relay`, in the session with this exporter.
    #[must_use]
    pub fn sign(
        log_key: &Signer,
        relay: &Key,
        exporter: &[u8; 32],
        team: TeamId,
        device: Device,
        expires: Millis,
    ) -> Self {
        let signature = Signature([0; 64]);
        let mut proof = Self { team, device, log_key: log_key.key(), expires, signature };
        proof.signature = log_key.sign(Label::Session, &proof.signed(relay, exporter));
        proof
    }

    /// Does it hold for this relay and session at `now`?
    #[must_use]
    pub fn holds(&self, relay: &Key, exporter: &[u8; 32], now: Millis) -> bool {
        let signed = self.signed(relay, exporter);
        now < self.expires && self.log_key.verifies(Label::Session, &signed, &self.signature)
    }

    /// The bytes of the proof.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.fields();
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// Parses a proof.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let team = reader.team("team")?;
        let device = reader.u64("device")?;
        let device = Device::new(device).map_err(|_| Malformed { field: "device" })?;
        let log_key = reader.key("log key")?;
        let expires = Millis(reader.u64("expires")?);
        let signature = reader.signature("signature")?;
        reader.end("proof")?;
        Ok(Self { team, device, log_key, expires, signature })
    }

    fn fields(&self) -> Vec<u8> {
        let mut out = team_bits(self.team).to_vec();
        out.extend_from_slice(&self.device.value().to_be_bytes());
        out.extend_from_slice(&self.log_key.0);
        out.extend_from_slice(&self.expires.0.to_be_bytes());
        out
    }

    fn signed(&self, relay: &Key, exporter: &[u8; 32]) -> Vec<u8> {
        [&relay.0[..], exporter, &self.fields()].concat()
    }
}

/// A relay's proof of its link key to its parent, for one link.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct RelayProof {
    /// The child's link key.
    pub key: Key,
    /// Over the parent's key, the TLS exporter (RFC 8446 §7.5) and the child's key.
    pub signature: Signature,
}

impl RelayProof {
    /// Proves `child` to the relay that holds `parent`, on the link with this exporter.
    #[must_use]
    pub fn sign(child: &Signer, parent: &Key, exporter: &[u8; 32]) -> Self {
        let key = child.key();
        let signature = child.sign(Label::Relay, &Self::signed(&key, parent, exporter));
        Self { key, signature }
    }

    /// Does it hold for this parent and link?
    #[must_use]
    pub fn holds(&self, parent: &Key, exporter: &[u8; 32]) -> bool {
        let signed = Self::signed(&self.key, parent, exporter);
        self.key.verifies(Label::Relay, &signed, &self.signature)
    }

    /// The bytes of the proof.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.key.0.as_slice(), &self.signature.0].concat()
    }

    /// Parses a proof.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let key = reader.key("relay key")?;
        let signature = reader.signature("signature")?;
        reader.end("relay proof")?;
        Ok(Self { key, signature })
    }

    fn signed(key: &Key, parent: &Key, exporter: &[u8; 32]) -> Vec<u8> {
        [&parent.0[..], exporter, &key.0].concat()
    }
}
