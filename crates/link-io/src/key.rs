//! The relay's link key, and its public half as clients pin it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::SigningKey;
use zeroize::{Zeroize, Zeroizing};

use crate::tls;

/// A relay's public link key (Ed25519), in text 64 hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RelayKey(pub [u8; 32]);

impl fmt::Display for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayKey({self})")
    }
}

impl FromStr for RelayKey {
    type Err = RelayKeyError;

    fn from_str(text: &str) -> Result<Self, RelayKeyError> {
        let mut key = [0; 32];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(RelayKeyError);
        };
        if pairs.len() != key.len() {
            return Err(RelayKeyError);
        }
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(key))
    }
}

/// A text that is no relay key.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("a relay key is 64 hexadecimal digits")]
pub struct RelayKeyError;

/// A relay's link key, private half included.
#[derive(Clone)]
pub struct LinkKey {
    seed: Zeroizing<[u8; 32]>,
    signing: Arc<dyn SigningKey>,
    public: RelayKey,
}

impl LinkKey {
    /// Reads the key from `path`; makes it there, readable by nobody else, if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, or others may read it.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match File::open(path) {
            Ok(file) => Self::load(file, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(KeyError::Unreadable(error)),
        }
    }

    /// The key that an Ed25519 seed stands for.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] when the cryptography refuses it.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        let seed = Zeroizing::new(seed);
        let mut der = Zeroizing::new([0_u8; PKCS8_HEAD.len() + 32]);
        let (head, tail) = der.split_at_mut(PKCS8_HEAD.len());
        head.copy_from_slice(&PKCS8_HEAD);
        tail.copy_from_slice(seed.as_slice());
        let pkcs8 = PrivatePkcs8KeyDer::from(der.as_slice());
        let signing = rustls::crypto::aws_lc_rs::sign::any_eddsa_type(&pkcs8)
            .map_err(|_| KeyError::Damaged)?;
        let spki = signing.public_key().ok_or(KeyError::Damaged)?;
        let public = tls::key_of_spki(&spki).ok_or(KeyError::Damaged)?;
        Ok(Self { seed, signing, public })
    }

    /// The half that clients pin.
    #[must_use]
    pub fn public(&self) -> RelayKey {
        self.public
    }

    /// The seed itself, for the relay's signatures outside TLS; every call is a place where it can
    /// leak.
    #[must_use]
    pub fn reveal_seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub(crate) fn signing(&self) -> Arc<dyn SigningKey> {
        Arc::clone(&self.signing)
    }

    fn load(file: File, path: &Path) -> Result<Self, KeyError> {
        let mode = file.metadata().map_err(KeyError::Unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.display().to_string(), mode: mode & 0o777 });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        file.take(33).read_to_end(&mut bytes).map_err(KeyError::Unreadable)?;
        let mut seed = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Damaged)?;
        let key = Self::from_seed(seed);
        seed.zeroize();
        key
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        tls::fill_random(seed.as_mut_slice()).ok_or(KeyError::NoRandomness)?;
        let key = Self::from_seed(*seed)?;
        // Under another name first: a half-written key would be a relay that nobody recognises.
        let fresh = path.with_extension("new");
        if let Err(error) = std::fs::remove_file(&fresh)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(KeyError::Unwritable(error));
        }
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(seed.as_slice())?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(KeyError::Unwritable)?;
        Ok(key)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkKey({}, ..)", self.public)
    }
}

/// Why a relay has no link key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read.
    #[error("the link key cannot be read: {0}")]
    Unreadable(io::Error),
    /// The key file cannot be made.
    #[error("the link key cannot be written: {0}")]
    Unwritable(io::Error),
    /// The file is not 32 bytes long, or its bytes are no key.
    #[error(
        "the link key file is damaged; restore it, or delete it and have clients pin a new key"
    )]
    Damaged,
    /// Other users may read the file.
    #[error("others may read the link key {path} (mode {mode:o}); run chmod 600 on it")]
    Exposed {
        /// Which file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

fn nibble(digit: u8) -> Result<u8, RelayKeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(RelayKeyError),
    }
}

/// What stands before the seed in the PKCS#8 form of an Ed25519 key (RFC 8410 §7).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `LINK-03`
    #[test]
    fn the_key_is_made_once_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link.key");
        let made = LinkKey::load_or_create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(LinkKey::load_or_create(&path).unwrap().public(), made.public());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// `LINK-03`
    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link.key");
        LinkKey::load_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            LinkKey::load_or_create(&path),
            Err(KeyError::Exposed { mode: 0o640, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for length in [0, 31, 33] {
            std::fs::write(&path, vec![7; length]).unwrap();
            assert!(matches!(LinkKey::load_or_create(&path), Err(KeyError::Damaged)));
        }
    }

    /// The first test key of RFC 8032 §7.1.
    #[test]
    fn a_seed_stands_for_its_ed25519_key() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed: RelayKey = seed.parse().unwrap();
        let key = LinkKey::from_seed(seed.0).unwrap();
        assert_eq!(
            key.public().to_string(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert!(!format!("{key:?}").contains("9d61"));
    }

    #[test]
    fn a_relay_key_reads_back_from_its_text_and_nothing_else_does() {
        let key = RelayKey([0xa5; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.to_string().to_uppercase().parse(), Ok(key));
        for wrong in ["", "a5", &"a5".repeat(33), &"a".repeat(63), &"g5".repeat(32)] {
            assert_eq!(wrong.parse::<RelayKey>(), Err(RelayKeyError));
        }
    }
}
