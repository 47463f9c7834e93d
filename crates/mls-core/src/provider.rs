//! What OpenMLS needs from outside: cryptography, randomness, storage, signatures.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use ed25519_dalek::{Signer as _, SigningKey};
use openmls_traits::OpenMlsProvider;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use crate::crypto::Crypto;
use crate::rows::Rows;
use crate::{Entropy, Random};

/// Cryptography and randomness as they were given, and our rows as storage.
pub(crate) struct Provider {
    crypto: Crypto,
    rand: Rand,
    pub(crate) rows: Rows,
}

/// The endpoint's randomness, as OpenMLS asks for it.
pub(crate) struct Rand(RefCell<Random>);

/// The signature key in our leaf (RFC 9420 §7.2); another than the log key, since MLS signs with
/// labels of its own.
#[derive(Clone)]
pub(crate) struct LeafSigner(Rc<SigningKey>);

/// OpenMLS encrypts paths on rayon's global pool, which would start threads. Call this first, in
/// a process that may have one thread only: the pool then is the current thread, and starts none.
///
/// Says whether the pool is ours; a pool that exists already cannot be changed.
pub fn prepare_threads() -> bool {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().is_ok()
}

impl Provider {
    pub(crate) fn new(rows: Rows, entropy: Entropy) -> Self {
        let Entropy { random, crypto } = entropy;
        Self { crypto: Crypto(crypto), rand: Rand(RefCell::new(random)), rows }
    }

    pub(crate) fn fill(&self, space: &mut [u8]) {
        (self.rand.0.borrow_mut())(space);
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = Crypto;
    type RandProvider = Rand;
    type StorageProvider = Rows;

    fn storage(&self) -> &Rows {
        &self.rows
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &Rand {
        &self.rand
    }
}

impl OpenMlsRand for Rand {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Infallible> {
        let mut space = [0; N];
        (self.0.borrow_mut())(&mut space);
        Ok(space)
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Infallible> {
        let mut space = vec![0; len];
        (self.0.borrow_mut())(&mut space);
        Ok(space)
    }
}

impl LeafSigner {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Rc::new(SigningKey::from_bytes(seed)))
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
