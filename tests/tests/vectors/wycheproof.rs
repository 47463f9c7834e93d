//! Every case of the algorithms in use, in the sizes that we use.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use ed25519_dalek::{Signature, VerifyingKey};
use hpke_rs_crypto::HpkeCrypto as _;
use hpke_rs_crypto::types::KemAlgorithm;
use hpke_rs_rust_crypto::HpkeRustCrypto;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::{AeadType, HashType, SignatureScheme};
use serde_json::Value;

use crate::{hex, list, read};

/// How many cases were right: valid ones taken, others refused.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    valid: usize,
    invalid: usize,
    /// Neither, as Wycheproof sees it; a result must still be the expected one.
    acceptable: usize,
}

/// Runs a file: `outcome` is `None` when the case was refused, else whether it gave what it should.
fn run(file: &str, outcome: impl Fn(&Value, &Value) -> Option<bool>) -> Count {
    let mut count = Count::default();
    for group in list(&read(&format!("wycheproof/{file}_test.json")), "testGroups") {
        for case in list(group, "tests") {
            let result = outcome(group, case);
            let (fits, counted) = match case["result"].as_str().unwrap() {
                "valid" => (result == Some(true), &mut count.valid),
                "acceptable" => (result != Some(false), &mut count.acceptable),
                _ => (result.is_none(), &mut count.invalid),
            };
            assert!(fits, "{file}: {result:?} for {case}");
            *counted += 1;
        }
    }
    count
}

/// Signatures of objects, certificates and receipts are verified like this (`objects::Key`).
///
/// `TESTS-20`
#[test]
fn ed25519_strict() {
    let count = run("ed25519", |group, case| {
        let key = VerifyingKey::try_from(&*hex(&group["publicKey"], "pk")).unwrap();
        let signature = Signature::from_slice(&hex(case, "sig")).ok()?;
        key.verify_strict(&hex(case, "msg"), &signature).ok().map(|()| true)
    });
    assert_eq!(count, Count { valid: 88, invalid: 63, acceptable: 0 });
}

/// Signatures inside MLS.
///
/// `TESTS-20`
#[test]
fn ed25519_of_the_provider() {
    let crypto = RustCrypto::default();
    let count = run("ed25519", |group, case| {
        let key = hex(&group["publicKey"], "pk");
        let (message, signature) = (hex(case, "msg"), hex(case, "sig"));
        let verified =
            crypto.verify_signature(SignatureScheme::ED25519, &message, &key, &signature);
        verified.ok().map(|()| true)
    });
    assert_eq!(count, Count { valid: 88, invalid: 63, acceptable: 0 });
}

/// `TESTS-20`
#[test]
fn x25519_of_hpke() {
    let count = run("x25519", |_, case| {
        let (public, private) = (hex(case, "public"), hex(case, "private"));
        let shared = HpkeRustCrypto::dh(KemAlgorithm::DhKem25519, &public, &private).ok()?;
        Some(shared == hex(case, "shared"))
    });
    assert_eq!(count, Count { valid: 264, invalid: 0, acceptable: 254 });
}

/// `TESTS-20`
#[test]
fn aes_128_gcm_of_the_provider() {
    let crypto = RustCrypto::default();
    let count = run("aes_gcm", |_, case| {
        let [key, nonce, aad, plain, sealed] = aead(case);
        let opened = crypto.aead_decrypt(AeadType::Aes128Gcm, &key, &sealed, &nonce, &aad).ok()?;
        let again = crypto.aead_encrypt(AeadType::Aes128Gcm, &key, &plain, &nonce, &aad).unwrap();
        Some(opened == plain && again == sealed)
    });
    assert_eq!(count, Count { valid: 40, invalid: 27, acceptable: 0 });
}

/// `TESTS-20`
#[test]
fn xchacha20_poly1305_of_the_vault() {
    let count = run("xchacha20_poly1305", |_, case| {
        let [key, nonce, aad, plain, sealed] = aead(case);
        let nonce: [u8; 24] = nonce.try_into().ok()?;
        let cipher = XChaCha20Poly1305::new_from_slice(&key).ok()?;
        stream(&cipher, &nonce.into(), &aad, &plain, &sealed)
    });
    assert_eq!(count, Count { valid: 246, invalid: 69, acceptable: 0 });
}

/// `TESTS-20`
#[test]
fn chacha20_poly1305() {
    let count = run("chacha20_poly1305", |_, case| {
        let [key, nonce, aad, plain, sealed] = aead(case);
        let nonce: [u8; 12] = nonce.try_into().ok()?;
        let cipher = ChaCha20Poly1305::new_from_slice(&key).ok()?;
        stream(&cipher, &nonce.into(), &aad, &plain, &sealed)
    });
    assert_eq!(count, Count { valid: 256, invalid: 69, acceptable: 0 });
}

/// `TESTS-20`
#[test]
fn hmac_sha256_of_vault_and_provider() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let crypto = RustCrypto::default();
    let count = run("hmac_sha256", |group, case| {
        let (key, message, tag) = (hex(case, "key"), hex(case, "msg"), hex(case, "tag"));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(&message);
        let mut ours = mac.finalize().into_bytes().to_vec();
        let theirs = crypto.hmac(HashType::Sha2_256, &key, &message).unwrap();
        assert_eq!(theirs.as_slice(), ours);
        ours.truncate(usize::try_from(group["tagSize"].as_u64().unwrap() / 8).unwrap());
        (ours == tag).then_some(true)
    });
    assert_eq!(count, Count { valid: 66, invalid: 108, acceptable: 0 });
}

/// `TESTS-20`
#[test]
fn hkdf_sha256_of_the_provider() {
    let crypto = RustCrypto::default();
    let count = run("hkdf_sha256", |_, case| {
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        let (input, salt, info) = (hex(case, "ikm"), hex(case, "salt"), hex(case, "info"));
        let extracted = crypto.hkdf_extract(HashType::Sha2_256, &salt, &input).unwrap();
        let expanded = crypto.hkdf_expand(HashType::Sha2_256, extracted.as_slice(), &info, size);
        Some(expanded.ok()?.as_slice() == hex(case, "okm"))
    });
    assert_eq!(count, Count { valid: 83, invalid: 3, acceptable: 0 });
}

fn stream<C: Aead>(
    cipher: &C,
    nonce: &chacha20poly1305::aead::Nonce<C>,
    aad: &[u8],
    plain: &[u8],
    sealed: &[u8],
) -> Option<bool> {
    let opened = cipher.decrypt(nonce, Payload { msg: sealed, aad }).ok()?;
    let again = cipher.encrypt(nonce, Payload { msg: plain, aad }).unwrap();
    Some(opened == plain && again == sealed)
}

fn aead(case: &Value) -> [Vec<u8>; 5] {
    let sealed = [hex(case, "ct"), hex(case, "tag")].concat();
    [hex(case, "key"), hex(case, "iv"), hex(case, "aad"), hex(case, "msg"), sealed]
}
