//! The same team with OpenMLS alone: its own storage in memory, the same cryptography, the same
//! configuration, the same additions and commits.

use ed25519_dalek::{Signer as _, SigningKey};
use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, KeyPackage, LeafNodeParameters,
    Lifetime, MlsGroup, MlsGroupCreateConfig, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent,
    SenderRatchetConfiguration, StagedWelcome,
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use crate::spent::{Spent, timed};

pub(crate) struct Bare {
    admin: Member,
    member: Member,
    members: usize,
}

struct Member {
    provider: OpenMlsRustCrypto,
    key: LeafKey,
    group: MlsGroup,
}

struct LeafKey(SigningKey);

impl Bare {
    pub(crate) fn new() -> Self {
        let provider = OpenMlsRustCrypto::default();
        let (key, credential) = person(0);
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(SUITE)
            .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
            .max_past_epochs(3)
            .sender_ratchet_configuration(ratchet())
            .capabilities(capabilities())
            .lifetime(Lifetime::init(0, u64::MAX))
            .build();
        let group = MlsGroup::new(&provider, &key, &config, credential).unwrap();
        let mut admin = Member { provider, key, group };
        let member = admin.add(&mut [], 1, 1).pop().unwrap();
        let mut bare = Self { admin, member, members: 2 };
        let commit = bare.member.commit();
        bare.admin.process(&commit);
        bare
    }

    pub(crate) fn grow(&mut self, members: usize) {
        while self.members < members {
            let count = (members - self.members).min(8);
            let mut newcomers = self.admin.add(&mut [&mut self.member], self.members, count);
            self.members += count;
            for index in 0..count {
                let commit = newcomers[index].commit();
                for (other, newcomer) in newcomers.iter_mut().enumerate() {
                    if other != index {
                        newcomer.process(&commit);
                    }
                }
                self.admin.process(&commit);
                self.member.process(&commit);
            }
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.admin.group.epoch() == self.member.group.epoch()
            && self.admin.group.members().count() == self.members
    }

    /// The member commits, the admin follows.
    pub(crate) fn commit(&mut self) -> (Spent, Spent) {
        let (commit, made) = timed(|| self.member.commit());
        let ((), followed) = timed(|| self.admin.process(&commit));
        (made, followed)
    }

    /// The member commits `count` times, and the admin replays them.
    pub(crate) fn replay(&mut self, count: u64) -> Spent {
        let commits: Vec<_> = (0..count).map(|_| self.member.commit()).collect();
        timed(|| commits.iter().for_each(|commit| self.admin.process(commit))).1
    }

    /// The member writes a text in so many messages, the admin reads.
    pub(crate) fn text(&mut self, text: &str, messages: usize) -> (Spent, Spent) {
        let (sealed, sent) = timed(|| {
            let Member { provider, key, group } = &mut self.member;
            let pieces = text.as_bytes().chunks(text.len().div_ceil(messages));
            let seal = |piece| {
                // As long as ours: a name, a hash, a slot and the beginning of a hash.
                group.set_aad(vec![7; 64]);
                group.create_message(provider, key, piece).unwrap().to_bytes().unwrap()
            };
            pieces.map(seal).collect::<Vec<_>>()
        });
        let ((), read) = timed(|| sealed.iter().for_each(|piece| self.admin.process(piece)));
        (sent, read)
    }
}

impl Member {
    /// Adds so many people, and lets them and `others` in.
    fn add(&mut self, others: &mut [&mut Self], first: usize, count: usize) -> Vec<Self> {
        let newcomers: Vec<_> = (first..first + count).map(newcomer).collect();
        let packages: Vec<KeyPackage> = newcomers.iter().map(|it| it.2.clone()).collect();
        let (provider, key) = (&self.provider, &self.key);
        let (commit, welcome, _) = self.group.add_members(provider, key, &packages).unwrap();
        self.group.merge_pending_commit(provider).unwrap();
        let commit = commit.to_bytes().unwrap();
        others.iter_mut().for_each(|other| other.process(&commit));
        let tree = self.group.export_ratchet_tree();
        let join = |(provider, key, _): (OpenMlsRustCrypto, LeafKey, KeyPackage)| {
            let config = MlsGroupJoinConfig::builder()
                .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
                .max_past_epochs(3)
                .sender_ratchet_configuration(ratchet())
                .build();
            let tree = Some(tree.clone().into());
            let welcome = body(&welcome);
            let staged = StagedWelcome::new_from_welcome(&provider, &config, welcome, tree);
            let group = staged.unwrap().into_group(&provider).unwrap();
            Self { provider, key, group }
        };
        newcomers.into_iter().map(join).collect()
    }

    fn commit(&mut self) -> Vec<u8> {
        let Self { provider, key, group } = self;
        let bundle = group.self_update(provider, key, LeafNodeParameters::default()).unwrap();
        let commit = bundle.into_commit().to_bytes().unwrap();
        group.merge_pending_commit(provider).unwrap();
        commit
    }

    fn process(&mut self, bytes: &[u8]) {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap();
        let message = message.try_into_protocol_message().unwrap();
        let processed = self.group.process_message(&self.provider, message).unwrap();
        match processed.into_content() {
            ProcessedMessageContent::StagedCommitMessage(commit) => {
                self.group.merge_staged_commit(&self.provider, *commit).unwrap();
            }
            ProcessedMessageContent::ApplicationMessage(message) => {
                assert!(!message.into_bytes().is_empty());
            }
            _ => unreachable!("only commits and texts are sent here"),
        }
    }
}

impl Signer for LeafKey {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

fn newcomer(number: usize) -> (OpenMlsRustCrypto, LeafKey, KeyPackage) {
    let provider = OpenMlsRustCrypto::default();
    let (key, credential) = person(number);
    let package = KeyPackage::builder()
        .leaf_node_capabilities(capabilities())
        .key_package_lifetime(Lifetime::init(0, u64::MAX))
        .build(SUITE, &provider, &key, credential)
        .unwrap();
    (provider, key, package.key_package().clone())
}

/// A credential as long as ours.
fn person(number: usize) -> (LeafKey, CredentialWithKey) {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    let key = SigningKey::from_bytes(&seed);
    let identity = [&number.to_be_bytes()[..], &[7; 160]].concat();
    let credential = BasicCredential::new(identity).into();
    let signature_key = key.verifying_key().to_bytes().to_vec().into();
    (LeafKey(key), CredentialWithKey { credential, signature_key })
}

fn body(welcome: &MlsMessageOut) -> openmls::prelude::Welcome {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&welcome.to_bytes().unwrap()).unwrap();
    match message.extract() {
        MlsMessageBodyIn::Welcome(welcome) => welcome,
        _ => unreachable!("a welcome"),
    }
}

fn capabilities() -> Capabilities {
    Capabilities::builder().ciphersuites(vec![SUITE]).build()
}

fn ratchet() -> SenderRatchetConfiguration {
    SenderRatchetConfiguration::new(256, 65_536)
}

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
