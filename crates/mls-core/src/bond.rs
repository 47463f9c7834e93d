//! Whose a leaf's signature key is (RFC 9420 §5.3.1): the log key of its device says so in the
//! leaf. Credential and certificate are known to all members; without this word any of them could
//! put a key of its own under the credential of another.

use names::Device;
use objects::{Key, Label, Signature, Signer};
use openmls::prelude::{
    Extension, ExtensionType, Extensions, LeafNode, Lifetime, UnknownExtension,
};

use crate::Fault;
use crate::identity::{Leaf, identity_of};

/// The extensions of a leaf of this device that signs with `leaf_key`.
pub(crate) fn bond(
    log: &Signer,
    device: Device,
    leaf_key: &[u8; 32],
) -> Result<Extensions<LeafNode>, Fault> {
    let signature = log.sign(Label::Leaf, &said(device, leaf_key));
    let bond = Extension::Unknown(BOND, UnknownExtension(signature.0.to_vec()));
    Extensions::single(bond).map_err(|_| Fault::Mls)
}

/// Does the log key of the leaf's credential say that the leaf's key is its device's? Then that
/// is all that the leaf's extensions say.
pub(crate) fn is_bound(node: &LeafNode) -> bool {
    let Some((leaf, _)) = Leaf::parse(identity_of(node.credential())) else {
        return false;
    };
    let mut all = node.extensions().iter();
    let (Some(Extension::Unknown(BOND, bytes)), None) = (all.next(), all.next()) else {
        return false;
    };
    let signature = <[u8; 64]>::try_from(bytes.0.as_slice());
    let leaf_key = <[u8; 32]>::try_from(node.signature_key().as_slice());
    signature.is_ok_and(|signature| {
        leaf_key.is_ok_and(|leaf_key| holds(&leaf, &leaf_key, &Signature(signature)))
    })
}

fn holds(leaf: &Leaf, leaf_key: &[u8; 32], signature: &Signature) -> bool {
    let key: Key = leaf.log_key;
    key.verifies(Label::Leaf, &said(leaf.device, leaf_key), signature)
}

/// Does a key package never end? Whether another does is a matter of this machine's clock: some
/// members would apply its addition, and others pass over it.
pub(crate) fn never_ends(lifetime: &Lifetime) -> bool {
    (lifetime.not_before(), lifetime.not_after()) == (0, u64::MAX)
}

fn said(device: Device, leaf_key: &[u8; 32]) -> Vec<u8> {
    [&device.value().to_be_bytes()[..], leaf_key].concat()
}

pub(crate) fn bond_type() -> ExtensionType {
    ExtensionType::Unknown(BOND)
}

/// The type of the extension (RFC 9420 §17.3: for private use).
const BOND: u16 = 0xfa52;
