//! For fuzzing alone: what this crate reads of strangers' bytes.

use openmls::prelude::tls_codec::{DeserializeBytes as _, Serialize as _};
use openmls::prelude::{KeyPackageIn, MlsMessageOut, ProtocolVersion, RatchetTreeIn};
use openmls_rust_crypto::RustCrypto;

use crate::bound::Bound;
use crate::content::{Content, unpadded};
use crate::framing::Framing;
use crate::identity::Leaf;
use crate::join::read_welcome;
use crate::open::protocol_message;
use crate::policy::Policy;

/// Reads the identity of a leaf and the signature in it.
#[must_use]
pub fn leaf(identity: &[u8]) -> bool {
    // Also what nobody signed: that would hide everything behind the signature.
    Leaf::parse(identity).is_some() || Leaf::read(identity).is_some()
}

/// Reads a content, and writes it again.
#[must_use]
pub fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Content::read(bytes)?.bytes().ok()?.to_vec())
}

/// Takes the padding off.
#[must_use]
pub fn piece(padded: &[u8]) -> Option<&[u8]> {
    unpadded(padded)
}

/// Epoch, content type and authenticated data of a private message.
pub type Head<'a> = (u64, u8, &'a [u8]);

/// Reads a private message: epoch and content type as OpenMLS sees them, and what is read of it
/// before.
#[must_use]
pub fn message(bytes: &[u8]) -> (Option<(u64, u8)>, Option<Head<'_>>) {
    let message = protocol_message(bytes);
    let seen = message.map(|message| (message.epoch().as_u64(), message.content_type() as u8));
    let head = Framing::read(bytes);
    (seen, head.map(|head| (head.epoch, head.content, head.authenticated)))
}

/// Reads a welcome, and writes it again.
#[must_use]
pub fn welcome(bytes: &[u8]) -> Option<Vec<u8>> {
    MlsMessageOut::from_welcome(read_welcome(bytes)?, ProtocolVersion::Mls10).to_bytes().ok()
}

/// Reads a key package and judges it.
#[must_use]
pub fn key_package(bytes: &[u8]) -> bool {
    let package = KeyPackageIn::tls_deserialize_exact_bytes(bytes);
    package.is_ok_and(|it| it.validate(&RustCrypto::default(), ProtocolVersion::Mls10).is_ok())
}

/// Reads the authenticated data of an entry, and writes them again.
#[must_use]
pub fn bound(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Bound::read(bytes)?.bytes())
}

/// Reads a policy, and writes it again.
#[must_use]
pub fn policy(bytes: &[u8]) -> Option<Vec<u8>> {
    Policy::read(bytes)?.bytes().ok()
}

/// Reads a ratchet tree, and writes it again.
#[must_use]
pub fn tree(bytes: &[u8]) -> Option<Vec<u8>> {
    RatchetTreeIn::tls_deserialize_exact_bytes(bytes).ok()?.tls_serialize_detached().ok()
}
