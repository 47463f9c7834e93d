//! Where keys live, and how the working keys follow from the vault key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Memory that keeps one key; the process decides what kind (locked, hidden from the kernel).
pub trait KeyHold: Sized {
    /// Takes a key into keeping.
    fn hold(key: Zeroizing<[u8; 32]>) -> Result<Self, NoPage>;
    /// Lends the key to `f`; nothing that `f` makes of it may outlive the call.
    fn with<R>(&self, f: impl FnOnce(&[u8; 32]) -> R) -> R;
}

/// The system gave no memory that may keep a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no protected memory for a key; raise the limit of locked memory (ulimit -l)")]
pub struct NoPage;

/// A key on the ordinary heap, wiped when dropped: for tools that read a copy, and for tests.
pub struct BoxedKey(Box<Zeroizing<[u8; 32]>>);

impl KeyHold for BoxedKey {
    fn hold(key: Zeroizing<[u8; 32]>) -> Result<Self, NoPage> {
        Ok(Self(Box::new(key)))
    }

    fn with<R>(&self, f: impl FnOnce(&[u8; 32]) -> R) -> R {
        f(&self.0)
    }
}

impl fmt::Debug for BoxedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedKey(..)")
    }
}

/// The two keys that an open vault works with.
pub(crate) struct Keys<K> {
    pub(crate) seal: K,
    pub(crate) tag: K,
}

impl<K: KeyHold> Keys<K> {
    /// Derives both from the vault key, which is not needed any more afterwards.
    pub(crate) fn of(vault_key: &[u8; 32]) -> Result<Self, NoPage> {
        Ok(Self {
            seal: K::hold(hmac(vault_key, &[SEAL_LABEL]))?,
            tag: K::hold(hmac(vault_key, &[TAG_KEY_LABEL]))?,
        })
    }
}

/// HMAC-SHA-256 over the concatenation of `parts`.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // HMAC pads short keys with zeros to its block size, so this is the same function without the
    // fallible constructor.
    let mut block = Zeroizing::new([0_u8; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

const SEAL_LABEL: &[u8] = b"sotto vault 1 seal key";
const TAG_KEY_LABEL: &[u8] = b"sotto vault 1 tag key";
