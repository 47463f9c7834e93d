//! Who a leaf belongs to: its credential, and the certificate that vouches for it.

use names::{Device, TeamId};
use objects::{Certificate, Hash, Key, Label, Object, Signature, Signer, Standing};
use openmls::prelude::{BasicCredential, Credential, CredentialWithKey, MlsGroup};
use serde::{Deserialize, Serialize};

use crate::rows::{Table, decode, encode};
use crate::state::{TeamRow, UserRow, stored_object, team_key};
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
            user_key: Signer::from_seed(&user.seed).key(),
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
        let named = [&leaf.user, &leaf.device_name]
            .into_iter()
            .all(|name| is_label(name));
        let signature = Signature(signature.into_array());
        let signed = leaf
            .user_key
            .verifies(Label::User, &leaf.claims().ok()?, &signature);
        (named && signed).then_some(leaf)
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
    /// The newest certificate of a device in a team.
    pub(crate) fn certificate(
        &self,
        team: TeamId,
        device: Device,
    ) -> Result<Option<Certificate>, Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(None);
        };
        let stored: Option<serde_bytes::ByteBuf> = self
            .rows()
            .get(Table::Certificate, &certificate_key(team, device))?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let object = stored_object(&stored)?;
        Certificate::read(&object, &Key(row.root))
            .map(Some)
            .map_err(|_| Fault::Row)
    }

    pub(crate) fn put_certificate(
        &self,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<(), Fault> {
        let bytes = serde_bytes::ByteBuf::from(object.bytes());
        self.rows()
            .put(Table::Certificate, &certificate_key(team, device), &bytes)
    }

    /// Whose leaf is it? `None` unless the root's certificate says the same as the leaf.
    pub(crate) fn certified(
        &self,
        team: TeamId,
        credential: &Credential,
    ) -> Result<Vouched, Fault> {
        let identity = identity_of(credential);
        let Some(leaf) = Leaf::read(identity) else {
            return Ok(Vouched::No);
        };
        let Some(certificate) = self.certificate(team, leaf.device)? else {
            return Ok(Vouched::NotYet);
        };
        let same = certificate.standing == Standing::Certified
            && certificate.log_key == leaf.log_key
            && certificate.credential == Hash::of(Label::Credential, identity);
        Ok(if same {
            Vouched::Yes(leaf)
        } else {
            Vouched::No
        })
    }

    /// The leaves of a group, as their credentials say.
    pub(crate) fn leaves(group: &MlsGroup) -> impl Iterator<Item = Leaf> + '_ {
        group
            .members()
            .filter_map(|member| Leaf::read(identity_of(&member.credential)))
    }
}

/// What the root says of a leaf.
pub(crate) enum Vouched {
    /// It certified exactly this.
    Yes(Leaf),
    /// It certified something else, or revoked it.
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

/// What people see of a person, device, team or channel: 1 to 64 bytes, no control characters.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.chars().any(char::is_control)
}

pub(crate) fn certificate_key(team: TeamId, device: Device) -> Vec<u8> {
    let [_, _, _, _, low @ ..] = device.value().to_be_bytes();
    [&team_key(team)[..], &low].concat()
}

const LAYOUT: u8 = 1;
