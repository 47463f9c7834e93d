//! Ed25519 keys and signatures, every signature under a label of its own.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// What a hash or signature is for. Its text stands before the bytes, so that no signature can
/// be taken for another.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Label {
    /// The data of an object.
    Data,
    /// The header of an object: its signature and the hash that the next entry names.
    Entry,
    /// A whole blob.
    Blob,
    /// A key-package announcement.
    Announcement,
    /// An admin's certificate, signed by the root.
    Admin,
    /// A relay's receipt.
    Receipt,
    /// A session with a relay.
    Session,
    /// The root key of an organisation, for its fingerprint.
    Root,
    /// The credential in a leaf (RFC 9420 §5.3).
    Credential,
    /// What a person is known by: user name and user key, signed by the user key.
    User,
    /// What an entry says, signed by its author: also when somebody else seals it again.
    Content,
    /// A relay's link to its parent.
    Relay,
    /// The signature key of a leaf (RFC 9420 §5.3.1).
    Leaf,
}

impl Label {
    /// The text before the bytes; it ends with a zero byte, so no label begins another.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Data => b"sotto 1 data\0",
            Self::Entry => b"sotto 1 entry\0",
            Self::Blob => b"sotto 1 blob\0",
            Self::Announcement => b"sotto 1 announcement\0",
            Self::Admin => b"sotto 1 admin\0",
            Self::Receipt => b"sotto 1 receipt\0",
            Self::Session => b"sotto 1 session\0",
            Self::Root => b"sotto 1 root\0",
            Self::Credential => b"sotto 1 credential\0",
            Self::User => b"sotto 1 user\0",
            Self::Content => b"sotto 1 content\0",
            Self::Relay => b"sotto 1 relay\0",
            Self::Leaf => b"sotto 1 leaf\0",
        }
    }
}

/// A public Ed25519 key.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Key(pub [u8; 32]);

/// A public key whose point was computed from its bytes: for who checks many signatures by it.
#[derive(Clone)]
pub struct Verifier(VerifyingKey);

/// What tells whether its owner has signed something: a [`Key`] or a [`Verifier`], with the same
/// answers.
pub trait Verifies {
    /// Did the owner sign `bytes` under `label`? Strict: no malleable signatures, no weak keys.
    fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool;
}

/// An Ed25519 signature.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Signature(pub [u8; 64]);

/// A private Ed25519 key; wiped when it goes.
pub struct Signer(SigningKey);

impl Key {
    /// Did the owner of this key sign `bytes` under `label`? Strict: no malleable signatures, no
    /// weak keys.
    #[must_use]
    pub fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool {
        self.verifier().is_some_and(|key| key.verifies(label, bytes, signature))
    }

    /// The key, ready to check signatures; `None` if it is none.
    #[must_use]
    pub fn verifier(&self) -> Option<Verifier> {
        VerifyingKey::from_bytes(&self.0).ok().map(Verifier)
    }
}

impl Verifies for Key {
    fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool {
        Self::verifies(self, label, bytes, signature)
    }
}

impl Verifies for Verifier {
    fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(&labelled(label, bytes), &signature).is_ok()
    }
}

impl Signer {
    /// Takes the 32 secret bytes, which the caller drew at random.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The 32 secret bytes; every call is a place where a secret can leak.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> Key {
        Key(self.0.verifying_key().to_bytes())
    }

    /// Signs `bytes` under `label`.
    #[must_use]
    pub fn sign(&self, label: Label, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(&labelled(label, bytes)).to_bytes())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", Key(self.0.to_bytes()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

fn labelled(label: Label, bytes: &[u8]) -> Vec<u8> {
    [label.bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OBJECTS-04`
    #[test]
    fn a_key_that_was_read_once_gives_the_same_answers() {
        let [signer, other] = [1, 2].map(|seed| Signer::from_seed(&[seed; 32]));
        let verifier = signer.key().verifier().unwrap();
        let signature = signer.sign(Label::Data, b"bytes");
        let answers = |key: &dyn Verifies| {
            [
                key.verifies(Label::Data, b"bytes", &signature),
                key.verifies(Label::Entry, b"bytes", &signature),
                key.verifies(Label::Data, b"other", &signature),
            ]
        };
        assert_eq!(answers(&verifier), [true, false, false]);
        assert_eq!(answers(&signer.key()), [true, false, false]);
        assert_eq!(answers(&other.key()), [false; 3]);
        assert!(!format!("{verifier:?}").contains("EdwardsPoint"));
        let mut no_point = [0; 32];
        no_point[0] = 2;
        assert!(Key(no_point).verifier().is_none());
    }
}
