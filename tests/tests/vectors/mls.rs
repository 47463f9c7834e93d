//! Clients that are welcomed into groups of other libraries, and follow their commits.

use openmls::group::MIXED_PLAINTEXT_WIRE_FORMAT_POLICY;
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    HpkePrivateKey, JoinBuilder, KeyPackage, KeyPackageBundle, MlsGroup, MlsGroupJoinConfig,
    MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider as _, OpenMlsSignaturePublicKey,
    ProcessedMessageContent, ProcessedWelcome, RatchetTreeIn, Verifiable as _, Welcome,
};
use openmls::schedule::PreSharedKeyId;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::storage::StorageProvider as _;
use openmls_traits::types::SignatureScheme;
use serde_json::{Value, json};

use crate::{hex, list, read, unhex};

/// `TESTS-21`
#[test]
fn a_client_is_welcomed() {
    assert_eq!(follow_all("mls/passive-client-welcome.json"), (8, 0));
}

/// `TESTS-21`
#[test]
fn a_client_follows_commits() {
    assert_eq!(follow_all("mls/passive-client-handling-commit.json"), (13, 22));
}

/// `TESTS-21`
#[test]
fn a_welcome_opens_with_the_init_key() {
    let cases = read("mls/welcome.json");
    for case in cases.as_array().unwrap() {
        let provider = OpenMlsRustCrypto::default();
        store_key_package(&provider, case, &[0; 32]);
        let welcome = welcome(case);
        let opened = ProcessedWelcome::new_from_welcome(&provider, &config(), welcome).unwrap();
        let key = OpenMlsSignaturePublicKey::new(
            hex(case, "signer_pub").into(),
            SignatureScheme::ED25519,
        );
        let info = opened.unverified_group_info().clone();
        assert!(info.verify(provider.crypto(), &key.unwrap()).is_ok());
    }
    assert_eq!(cases.as_array().unwrap().len(), 1);
}

/// `TESTS-21`
#[test]
fn messages_are_read_and_written_the_same() {
    let cases = read("mls/messages.json");
    for case in cases.as_array().unwrap() {
        for kind in [
            "mls_welcome",
            "mls_group_info",
            "mls_key_package",
            "public_message_application",
            "public_message_proposal",
            "public_message_commit",
            "private_message",
        ] {
            let bytes = hex(case, kind);
            let parsed = message(&bytes);
            assert_eq!(parsed.tls_serialize_detached().unwrap(), bytes, "{kind}");
        }
        let bytes = hex(case, "ratchet_tree");
        let tree = RatchetTreeIn::tls_deserialize_exact(&bytes).unwrap();
        assert_eq!(tree.tls_serialize_detached().unwrap(), bytes);
    }
    assert_eq!(cases.as_array().unwrap().len(), 100);
}

/// How many clients were welcomed, and how many epochs they followed.
fn follow_all(file: &str) -> (usize, usize) {
    let cases = read(file);
    let cases = cases.as_array().unwrap();
    (cases.len(), cases.iter().map(follow).sum())
}

fn follow(case: &Value) -> usize {
    let provider = OpenMlsRustCrypto::default();
    for psk in list(case, "external_psks") {
        let id = PreSharedKeyId::external(hex(psk, "psk_id"), Vec::new());
        id.store(&provider, &hex(psk, "psk")).unwrap();
    }
    store_key_package(&provider, case, &hex(case, "encryption_priv"));
    let mut group = join(&provider, case);
    let authenticator = |group: &MlsGroup| group.epoch_authenticator().as_slice().to_vec();
    assert_eq!(authenticator(&group), hex(case, "initial_epoch_authenticator"));
    let epochs = list(case, "epochs");
    for (index, epoch) in epochs.iter().enumerate() {
        let proposals = list(epoch, "proposals").iter();
        let proposals = proposals.map(|proposal| unhex(proposal.as_str().unwrap()));
        for message in proposals.chain([hex(epoch, "commit")]) {
            if !take(&provider, &mut group, &message) {
                return index;
            }
        }
        assert_eq!(authenticator(&group), hex(epoch, "epoch_authenticator"));
    }
    epochs.len()
}

fn join(provider: &OpenMlsRustCrypto, case: &Value) -> MlsGroup {
    let welcome = welcome(case);
    let opened = ProcessedWelcome::new_from_welcome(provider, &config(), welcome).unwrap();
    // The vectors' leaves ended years ago, which is not what is tested here.
    let mut join = JoinBuilder::new(provider, opened).skip_lifetime_validation();
    if let Some(tree) = case["ratchet_tree"].as_str() {
        join = join.with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact(unhex(tree)).unwrap());
    }
    join.build().unwrap().into_group(provider).unwrap()
}

/// `false`: it adds somebody whose key package ended years ago, which OpenMLS judges by this
/// machine's clock.
fn take(provider: &OpenMlsRustCrypto, group: &mut MlsGroup, bytes: &[u8]) -> bool {
    let parsed = message(bytes).try_into_protocol_message().unwrap();
    let processed = match group.process_message(provider, parsed) {
        Err(error) if format!("{error:?}").contains("LifetimeError(Expired") => return false,
        other => other.unwrap(),
    };
    match processed.into_content() {
        ProcessedMessageContent::ProposalMessage(proposal) => {
            group.store_pending_proposal(provider.storage(), *proposal).unwrap();
        }
        ProcessedMessageContent::StagedCommitMessage(commit) => {
            group.merge_staged_commit(provider, *commit).unwrap();
        }
        other => unreachable!("no such message in these vectors: {other:?}"),
    }
    true
}

/// OpenMLS makes key packages itself; one from outside comes in as its own store would read it.
fn store_key_package(provider: &OpenMlsRustCrypto, case: &Value, encryption_key: &[u8]) {
    let MlsMessageBodyIn::KeyPackage(parsed) = message(&hex(case, "key_package")).extract() else {
        unreachable!("a key package");
    };
    let private = |bytes: &[u8]| json!(HpkePrivateKey::from(bytes.to_vec()));
    let key_package: KeyPackage = serde_json::from_value(json!(parsed)).unwrap();
    let bundle: KeyPackageBundle = serde_json::from_value(json!({
        "key_package": key_package,
        "private_init_key": private(&hex(case, "init_priv")),
        "private_encryption_key": { "key": private(encryption_key) },
    }))
    .unwrap();
    let reference = key_package.hash_ref(provider.crypto()).unwrap();
    provider.storage().write_key_package(&reference, &bundle).unwrap();
}

fn welcome(case: &Value) -> Welcome {
    let MlsMessageBodyIn::Welcome(welcome) = message(&hex(case, "welcome")).extract() else {
        unreachable!("a welcome");
    };
    welcome
}

fn message(bytes: &[u8]) -> MlsMessageIn {
    MlsMessageIn::tls_deserialize_exact(bytes).unwrap()
}

fn config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .use_ratchet_tree_extension(true)
        .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
        .number_of_resumption_psks(16)
        .build()
}
