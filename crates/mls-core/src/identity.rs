//! Who a leaf belongs to: its credential, and the certificate that vouches for it.

use std::collections::BTreeMap;

use names::{Device, Generation, Name, TeamId};
use objects::{Certificate, Hash, Key, Label, Signature, Signer, Standing, Term};
use openmls::prelude::{BasicCredential, Credential, CredentialWithKey, MlsGroup};
use serde::{Deserialize, Serialize};

use crate::rows::{decode, encode};
use crate::state::{TeamRow, UserRow};
use crate::verified::Verified;
use crate::{Endpoint, Fault};

/// What a leaf's credential says (`SPEC.md`): signed by the user, certified by the admin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) user: String,
    pub(crate) user_key: Key,
    pub(crate) device_name: String,
    pub(crate) device: Device,
    pub(crate) log_key: Key,
}

/// One array, so that there is one order and one encoding.
#[derive(Serialize, Deserialize)]
struct LeafBytes(
    u8,
    String,
    serde_bytes::ByteArray<32>,
    String,
    u64,
    serde_bytes::ByteArray<32>,
    serde_bytes::ByteArray<64>,
);

impl Leaf {
    pub(crate) fn own(user: &UserRow, device: Device, log_key: Key) -> Self {
        Self {
            user: user.user.clone(),
            user_key: user.seed.signer().key(),
            device_name: user.device.clone(),
            device,
            log_key,
        }
    }

    /// The identity of the credential: deterministic CBOR.
    pub(crate) fn signed(&self, user: &Signer) -> Result<Vec<u8>, Fault> {
        let signature = user.sign(Label::User, &self.claims()?);
        encode(&LeafBytes(
            LAYOUT,
            self.user.clone(),
            self.user_key.0.into(),
            self.device_name.clone(),
            self.device.value(),
            self.log_key.0.into(),
            signature.0.into(),
        ))
    }

    /// Reads an identity: one encoding, signed by the user that it names.
    pub(crate) fn read(identity: &[u8]) -> Option<Self> {
        let (leaf, signature) = Self::parse(identity)?;
        let named = [&leaf.user, &leaf.device_name].into_iter().all(|name| is_label(name));
        let signed = leaf.user_key.verifies(Label::User, &leaf.claims().ok()?, &signature);
        (named && signed).then_some(leaf)
    }

    pub(crate) fn parse(identity: &[u8]) -> Option<(Self, Signature)> {
        let bytes: LeafBytes = decode(identity).ok()?;
        if bytes.0 != LAYOUT || encode(&bytes).ok()? != identity {
            return None;
        }
        let LeafBytes(_, user, user_key, device_name, device, log_key, signature) = bytes;
        let leaf = Self {
            user,
            user_key: Key(user_key.into_array()),
            device_name,
            device: Device::new(device).ok()?,
            log_key: Key(log_key.into_array()),
        };
        Some((leaf, Signature(signature.into_array())))
    }

    fn claims(&self) -> Result<Vec<u8>, Fault> {
        encode(&(
            LAYOUT,
            &self.user,
            serde_bytes::Bytes::new(&self.user_key.0),
            &self.device_name,
            self.device.value(),
            serde_bytes::Bytes::new(&self.log_key.0),
        ))
    }
}

impl Endpoint {
    /// Whose leaf is it, and does the root's certificate say the same as the leaf?
    pub(crate) fn certified(
        &self,
        team: TeamId,
        credential: &Credential,
    ) -> Result<Vouched, Fault> {
        let identity = identity_of(credential);
        let hash = Hash::of(Label::Credential, identity);
        let known = self.memo.borrow().leaves.get(&hash).cloned();
        let Some(leaf) = known.or_else(|| Leaf::read(identity)) else {
            return Ok(Vouched::No);
        };
        let Some(certificate) = self.certificate(team, leaf.device)? else {
            return Ok(Vouched::NotYet);
        };
        let same = certificate.log_key == leaf.log_key && certificate.credential == hash;
        if !same {
            return Ok(Vouched::No);
        }
        if certificate.standing == Standing::Revoked {
            return Ok(Vouched::Revoked);
        }
        self.memo.borrow_mut().leaves.insert(hash, leaf.clone());
        Ok(Vouched::Yes(leaf))
    }

    pub(crate) fn device_of(credential: &Credential) -> Option<Device> {
        Leaf::parse(identity_of(credential)).map(|(leaf, _)| leaf.device)
    }

    /// The leaves of a group, as their credentials say; each was checked when it came in.
    pub(crate) fn leaves(group: &MlsGroup) -> impl Iterator<Item = Leaf> + '_ {
        let parse = |credential: &Credential| Some(Leaf::parse(identity_of(credential))?.0);
        group.members().filter_map(move |member| parse(&member.credential))
    }
}

/// Signatures that were checked: what changes nothing and may be forgotten at any time.
#[derive(Default)]
pub(crate) struct Memo {
    pub(crate) certificates: BTreeMap<(TeamId, Device), (Name, Certificate)>,
    leaves: BTreeMap<Hash, Leaf>,
    pub(crate) terms: BTreeMap<TeamId, Vec<(Generation, Term)>>,
    pub(crate) verified: Verified,
}

/// What the root says of a leaf.
pub(crate) enum Vouched {
    /// It certified exactly this.
    Yes(Leaf),
    /// It certified exactly this, and took it back.
    Revoked,
    /// It certified something else.
    No,
    /// Its certificate is not here yet.
    NotYet,
}

pub(crate) fn identity_of(credential: &Credential) -> &[u8] {
    // A basic credential's content is the identity itself in OpenMLS.
    credential.serialized_content()
}

pub(crate) fn own_credential(row: &TeamRow, leaf_key: [u8; 32]) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(row.credential.clone()).into(),
        signature_key: leaf_key.to_vec().into(),
    }
}

/// May people be shown this as the name of a person, device, team or channel? It has 1 to 64
/// bytes, and no control characters.
#[must_use]
pub fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.chars().any(char::is_control)
}

const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> (Leaf, Signer) {
        let user = Signer::from_seed(&[1; 32]);
        let leaf = Leaf {
            user: "Ann".to_owned(),
            user_key: user.key(),
            device_name: "pc".to_owned(),
            device: Device::MAX,
            log_key: Signer::from_seed(&[2; 32]).key(),
        };
        (leaf, user)
    }

    /// `MLS-32`
    #[test]
    fn a_credential_has_one_encoding_and_its_users_signature() {
        let (leaf, user) = leaf();
        let identity = leaf.signed(&user).unwrap();
        let keys = [leaf.user_key, leaf.log_key].map(|key| key.to_string());
        let written: String = identity.iter().map(|byte| format!("{byte:02x}")).collect();
        let head = format!("870163416e6e5820{}6270631a000fffff5820{}5840", keys[0], keys[1]);
        assert!(written.starts_with(&head), "{written}");
        assert_eq!(identity.len(), head.len() / 2 + 64);
        assert_eq!(Leaf::read(&identity), Some(leaf));
        for index in 0..identity.len() {
            let mut damaged = identity.clone();
            damaged[index] ^= 1;
            assert_eq!(Leaf::read(&damaged), None, "byte {index}");
        }
        let mut longer = identity.clone();
        longer.push(0);
        assert_eq!(Leaf::read(&longer), None);
    }

    /// `MLS-32`
    #[test]
    fn names_that_people_cannot_be_shown_are_refused() {
        let (mut leaf, user) = leaf();
        for name in ["", "a\nb", "\u{7f}", &"x".repeat(65)] {
            leaf.user = name.to_owned();
            assert_eq!(Leaf::read(&leaf.signed(&user).unwrap()), None);
            assert!(
                crate::Endpoint::create(name, "pc", crate::Entropy::system(Box::new(|_| {})))
                    .is_err()
            );
        }
    }
}
