//! RustCrypto, with HPKE drawn from a seed, and an eye on the keys that messages are sealed with.

mod commit;
mod hpke;
mod insider;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig,
    HpkeKeyPair, KemOutput, SignatureScheme,
};
use sha2::{Digest as _, Sha256};
use tls_codec::SecretVLBytes;

pub(crate) use commit::Malformed;
pub(crate) use insider::{Insider, Poison};

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
    insider: Arc<Mutex<Insider>>,
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
        insider: Arc<Mutex<Insider>>,
    ) -> Self {
        Self { inner: RustCrypto::default(), seed, sealings, insider }
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

    fn insider(&self) -> MutexGuard<'_, Insider> {
        self.insider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is this path secret to be damaged?
    fn spoils(&self, info: &[u8]) -> bool {
        // RFC 9420 §5.1.3: the label stands in the info.
        if !info.windows(PATH.len()).any(|window| window == PATH) {
            return false;
        }
        let poison = &mut self.insider().poison;
        match poison {
            Poison::Honest
            | Poison::Ciphertext
            | Poison::TagNext
            | Poison::ForeignKey { .. }
            | Poison::Malformed(_) => false,
            Poison::All => true,
            Poison::Tag => {
                *poison = Poison::TagNext;
                false
            }
            Poison::OneOf { after: 0 } => {
                *poison = Poison::Honest;
                true
            }
            Poison::OneOf { after } => {
                *after = after.saturating_sub(1);
                false
            }
        }
    }

    /// Is this ciphertext a commit's, and to be damaged?
    fn spoils_commit(&self, aad: &[u8]) -> bool {
        let poison = &mut self.insider().poison;
        let lies = matches!(*poison, Poison::All | Poison::Ciphertext) && is_commit(aad);
        lies && std::mem::take(poison) == Poison::Ciphertext
    }
}

/// Does the authenticated data of a private message say that it is a commit (RFC 9420 §6.3.1)?
/// Group, epoch, kind; group ids here are shorter than 64 bytes.
fn is_commit(aad: &[u8]) -> bool {
    let kind = aad.split_first().and_then(|(len, rest)| rest.get(usize::from(*len) + 8));
    kind == Some(&COMMIT)
}

/// Another value of the same length.
fn damaged(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
    bytes
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
        self.insider().extracted(salt, ikm);
        self.inner.hkdf_extract(hash_type, salt, ikm)
    }

    fn hmac(
        &self,
        hash_type: HashType,
        key: &[u8],
        message: &[u8],
    ) -> Result<SecretVLBytes, CryptoError> {
        let tag = self.inner.hmac(hash_type, key, message)?;
        // Here only confirmation tags are made so: all messages are private.
        let poison = &mut self.insider().poison;
        if *poison == Poison::TagNext {
            *poison = Poison::Honest;
            return Ok(damaged(tag.as_slice().to_vec()).into());
        }
        Ok(tag)
    }

    fn hkdf_expand(
        &self,
        hash_type: HashType,
        prk: &[u8],
        info: &[u8],
        okm_len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        let secret = self.inner.hkdf_expand(hash_type, prk, info, okm_len)?;
        self.insider().expanded(prk, info, secret.as_slice());
        Ok(secret)
    }

    fn hash(&self, hash_type: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.insider().hashes(data);
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
        let lie = is_commit(aad).then(|| self.insider().seals(&self.inner, aad, data)).flatten();
        let data = lie.as_deref().unwrap_or(data);
        let mut sealed = self.inner.aead_encrypt(alg, key, data, nonce, aad)?;
        if self.spoils_commit(aad) {
            sealed = damaged(sealed);
        }
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
            sealed.ciphertext = damaged(sealed.ciphertext.as_slice().to_vec()).into();
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
        let opened = self.inner.hpke_open(config, input, sk_r, info, aad)?;
        self.insider().opened(&opened);
        Ok(opened)
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
        if self.insider().swaps(ikm) {
            let other: [u8; 32] = Sha256::digest(ikm).into();
            return self.inner.derive_hpke_keypair(config, &other);
        }
        self.inner.derive_hpke_keypair(config, ikm)
    }
}

/// The content type of commits (RFC 9420 §6).
const COMMIT: u8 = 3;
const PATH: &[u8] = b"UpdatePathNode";
