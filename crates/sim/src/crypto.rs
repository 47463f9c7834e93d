//! RustCrypto, with HPKE drawn from a seed, and an eye on the keys that messages are sealed with.

mod hpke;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig,
    HpkeKeyPair, KemOutput, SignatureScheme,
};
use sha2::{Digest as _, Sha256};
use tls_codec::SecretVLBytes;

/// The end of a ciphertext, by which an object on its way is recognised.
pub(crate) type Tail = [u8; 16];

/// Which key sealed what.
#[derive(Debug, Default)]
pub(crate) struct Sealings {
    keys: BTreeMap<Tail, [u8; 32]>,
}

/// Cryptography as an endpoint of the simulation computes with it.
pub(crate) struct SeededCrypto {
    inner: RustCrypto,
    seed: [u8; 32],
    sealings: Arc<Mutex<Sealings>>,
    /// An insider's: every so many'th path secret is sealed to nobody.
    poison: Arc<Mutex<Poison>>,
}

/// What an insider does to the paths of its commits (RFC 9420 §7.6).
#[derive(Debug, Default, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Poison {
    /// Nothing.
    #[default]
    Honest,
    /// The secret for one of those who need it is damaged, those after it are right.
    OneOf {
        /// So many are right before it.
        after: u64,
    },
}

impl Sealings {
    /// The key that sealed a ciphertext with this end.
    pub(crate) fn key(&self, tail: &Tail) -> Option<[u8; 32]> {
        self.keys.get(tail).copied()
    }
}

impl SeededCrypto {
    pub(crate) fn new(
        seed: [u8; 32],
        sealings: Arc<Mutex<Sealings>>,
        poison: Arc<Mutex<Poison>>,
    ) -> Self {
        Self { inner: RustCrypto::default(), seed, sealings, poison }
    }

    /// What a single sealing draws from: the same inputs give the same ciphertext, in whatever
    /// order they come.
    fn seed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn spoils(&self, info: &[u8]) -> bool {
        // RFC 9420 §5.1.3: the label stands in the info.
        let path = info.windows(PATH.len()).any(|window| window == PATH);
        let mut poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *poison, path) {
            (Poison::Honest, _) | (_, false) => false,
            (Poison::OneOf { after: 0 }, true) => {
                *poison = Poison::Honest;
                true
            }
            (Poison::OneOf { after }, true) => {
                *after = after.saturating_sub(1);
                false
            }
        }
    }
}

/// The last bytes of a ciphertext.
pub(crate) fn tail(bytes: &[u8]) -> Option<Tail> {
    bytes.last_chunk().copied()
}

impl fmt::Debug for SeededCrypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededCrypto(..)")
    }
}

impl OpenMlsCrypto for SeededCrypto {
    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        self.inner.supports(ciphersuite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        self.inner.supported_ciphersuites()
    }

    fn hkdf_extract(
        &self,
        hash_type: HashType,
        salt: &[u8],
        ikm: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.inner.hkdf_extract(hash_type, salt, ikm)
    }

    fn hmac(
        &self,
        hash_type: HashType,
        key: &[u8],
        message: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        self.inner.hmac(hash_type, key, message)
    }

    fn hkdf_expand(
        &self,
        hash_type: HashType,
        prk: &[u8],
        info: &[u8],
        okm_len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        self.inner.hkdf_expand(hash_type, prk, info, okm_len)
    }

    fn hash(&self, hash_type: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.inner.hash(hash_type, data)
    }

    fn aead_encrypt(
        &self,
        alg: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let sealed = self.inner.aead_encrypt(alg, key, data, nonce, aad)?;
        if let Some(tail) = tail(&sealed) {
            let mut sealings = self.sealings.lock().unwrap_or_else(PoisonError::into_inner);
            sealings.keys.insert(tail, Sha256::digest(key).into());
        }
        Ok(sealed)
    }

    fn aead_decrypt(
        &self,
        alg: AeadType,
        key: &[u8],
        ct_tag: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.inner.aead_decrypt(alg, key, ct_tag, nonce, aad)
    }

    fn signature_key_gen(&self, _: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        // It would draw from the system. Leaves have keys of the endpoint's own.
        Err(CryptoError::UnsupportedSignatureScheme)
    }

    fn verify_signature(
        &self,
        alg: SignatureScheme,
        data: &[u8],
        pk: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.inner.verify_signature(alg, data, pk, signature)
    }

    fn sign(&self, alg: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.inner.sign(alg, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        aad: &[u8],
        ptxt: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        let seed = self.seed(&[b"seal", pk_r, info, aad, ptxt]);
        let mut sealed = hpke::seal(seed, config, pk_r, info, aad, ptxt)?;
        if self.spoils(info) {
            let mut bytes = sealed.ciphertext.as_slice().to_vec();
            if let Some(byte) = bytes.first_mut() {
                *byte ^= 1;
            }
            sealed.ciphertext = bytes.into();
        }
        Ok(sealed)
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        sk_r: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.inner.hpke_open(config, input, sk_r, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        let seed = self.seed(&[b"export", pk_r, info, exporter_context]);
        hpke::setup_sender_and_export(seed, config, pk_r, info, exporter_context, exporter_length)
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        enc: &[u8],
        sk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        let length = exporter_length;
        self.inner.hpke_setup_receiver_and_export(config, enc, sk_r, info, exporter_context, length)
    }

    fn derive_hpke_keypair(
        &self,
        config: HpkeConfig,
        ikm: &[u8],
    ) -> Result<HpkeKeyPair, CryptoError> {
        self.inner.derive_hpke_keypair(config, ikm)
    }
}

const PATH: &[u8] = b"UpdatePathNode";
