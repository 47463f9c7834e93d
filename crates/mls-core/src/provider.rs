//! What OpenMLS needs from outside: cryptography, randomness, storage, signatures.

use ed25519_dalek::{Signer as _, SigningKey};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use crate::rows::Rows;

/// RustCrypto, and our rows as storage.
#[derive(Default)]
pub(crate) struct Provider {
    crypto: RustCrypto,
    pub(crate) rows: Rows,
}

/// The signature key in our leaf (RFC 9420 §7.2); another than the log key, since MLS signs with
/// labels of its own.
pub(crate) struct LeafSigner(SigningKey);

/// OpenMLS encrypts paths on rayon's global pool, which would start threads. Call this first, in
/// a process that may have one thread only: the pool then is the current thread, and starts none.
///
/// Says whether the pool is ours; a pool that exists already cannot be changed.
pub fn prepare_threads() -> bool {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().is_ok()
}

impl Provider {
    pub(crate) fn new(rows: Rows) -> Self {
        Self { crypto: RustCrypto::default(), rows }
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = Rows;

    fn storage(&self) -> &Rows {
        &self.rows
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

impl LeafSigner {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    pub(crate) fn key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl Signer for LeafSigner {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
