//! The labelled operations of RFC 9420 §5 and §8, spelled out here over the provider's primitives.

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::{Ciphersuite, HashType, HpkeCiphertext, SignatureScheme};
use serde_json::Value;

use crate::{hex, read};

/// `TESTS-21`
#[test]
fn labelled_operations_of_the_provider() {
    let cases = read("mls/crypto-basics.json");
    let [case] = cases.as_array().unwrap().as_slice() else {
        unreachable!("one case, of our suite");
    };
    assert_eq!(case["cipher_suite"], 1);
    hashes_and_secrets(case);
    signatures(&case["sign_with_label"]);
    encryption(&case["encrypt_with_label"]);
}

fn hashes_and_secrets(case: &Value) {
    let crypto = RustCrypto::default();
    let reference = &case["ref_hash"];
    let input = [vector(label(reference).as_bytes()), vector(&hex(reference, "value"))].concat();
    assert_eq!(crypto.hash(HashType::Sha2_256, &input).unwrap(), hex(reference, "out"));
    let expanded = |secret: &[u8], label: &str, context: &[u8], length: u64| {
        let length = u16::try_from(length).unwrap();
        let label = format!("MLS 1.0 {label}");
        let info = [&length.to_be_bytes()[..], &vector(label.as_bytes()), &vector(context)];
        let out = crypto.hkdf_expand(HashType::Sha2_256, secret, &info.concat(), length.into());
        out.unwrap().as_slice().to_vec()
    };
    let it = &case["expand_with_label"];
    let length = it["length"].as_u64().unwrap();
    let out = expanded(&hex(it, "secret"), label(it), &hex(it, "context"), length);
    assert_eq!(out, hex(it, "out"));
    let it = &case["derive_secret"];
    assert_eq!(expanded(&hex(it, "secret"), label(it), &[], 32), hex(it, "out"));
    let it = &case["derive_tree_secret"];
    let generation = u32::try_from(it["generation"].as_u64().unwrap()).unwrap().to_be_bytes();
    let length = it["length"].as_u64().unwrap();
    assert_eq!(expanded(&hex(it, "secret"), label(it), &generation, length), hex(it, "out"));
}

fn signatures(it: &Value) {
    let crypto = RustCrypto::default();
    let label = format!("MLS 1.0 {}", label(it));
    let content = [vector(label.as_bytes()), vector(&hex(it, "content"))].concat();
    let (public, scheme) = (hex(it, "pub"), SignatureScheme::ED25519);
    let good = |signature: &[u8]| crypto.verify_signature(scheme, &content, &public, signature);
    assert!(good(&hex(it, "signature")).is_ok());
    let again = crypto.sign(scheme, &content, &hex(it, "priv"));
    // Some libraries keep the private key alone, some with the public key behind it.
    let again = again
        .or_else(|_| crypto.sign(scheme, &content, &[hex(it, "priv"), public.clone()].concat()));
    assert_eq!(again.unwrap(), hex(it, "signature"));
}

fn encryption(it: &Value) {
    let crypto = RustCrypto::default();
    let label = format!("MLS 1.0 {}", label(it));
    let context = [vector(label.as_bytes()), vector(&hex(it, "context"))].concat();
    let (private, plain) = (hex(it, "priv"), hex(it, "plaintext"));
    let sealed = HpkeCiphertext {
        kem_output: hex(it, "kem_output").into(),
        ciphertext: hex(it, "ciphertext").into(),
    };
    let config = || Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519.hpke_config();
    assert_eq!(crypto.hpke_open(config(), &sealed, &private, &context, &[]).unwrap(), plain);
    let fresh = crypto.hpke_seal(config(), &hex(it, "pub"), &context, &[], &plain).unwrap();
    assert_eq!(crypto.hpke_open(config(), &fresh, &private, &context, &[]).unwrap(), plain);
}

/// A vector of TLS with its length in front (RFC 9420 §2.1.2).
fn vector(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    let short = u8::try_from(len).ok().filter(|len| *len < 64);
    let head = short.map_or((len | 0x4000).to_be_bytes().to_vec(), |len| vec![len]);
    [&head[..], bytes].concat()
}

fn label(value: &Value) -> &str {
    value["label"].as_str().unwrap()
}
