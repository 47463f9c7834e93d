//! The codec: the only file that knows bincode.

use bincode::config::{Configuration, Limit, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Why bytes are no message, or a message has no bytes.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CodecError {
    /// Not a message of this direction, too large inside, or cut short.
    #[error("the frame is no message of this direction")]
    Malformed,
    /// There are bytes behind the message.
    #[error("{extra} bytes follow the message")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// The message can be written shorter: only the shortest form is accepted.
    #[error("the message is not in its shortest form")]
    NotCanonical,
    /// A message of ours is larger than its direction allows.
    #[error("the message does not fit a frame")]
    TooLarge,
}

/// Identifies the exact schema of a direction; both ends compare it in their first message.
#[derive(Debug, Clone, Copy, Eq, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemaHash(pub [u8; 32]);

/// Encodes a message.
///
/// # Errors
/// When it does not fit the largest frame there is.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    bincode::serde::encode_to_vec(message, config()).map_err(|_| CodecError::TooLarge)
}

/// Decodes a message: every byte is used, and encoding it again gives the same bytes.
///
/// # Errors
/// As [`CodecError`] says.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (message, used) = bincode::serde::decode_from_slice::<T, _>(bytes, config())
        .map_err(|_| CodecError::Malformed)?;
    let extra = bytes.len().saturating_sub(used);
    if extra > 0 {
        return Err(CodecError::Trailing { extra });
    }
    let again = zeroize::Zeroizing::new(encode(&message)?);
    if again.as_slice() == bytes { Ok(message) } else { Err(CodecError::NotCanonical) }
}

/// The hash of a schema, given the source text that defines it.
#[must_use]
pub fn schema_hash(sources: &[&str]) -> SchemaHash {
    let mut hash = Sha256::new();
    for source in sources {
        hash.update(source.len().to_be_bytes());
        hash.update(source.as_bytes());
    }
    SchemaHash(hash.finalize().into())
}

/// The largest cap of any direction; the cap of a direction is checked before its bytes get here.
const LIMIT: usize = crate::CAP_TO_UI;

fn config() -> Configuration<bincode::config::BigEndian, bincode::config::Varint, Limit<LIMIT>> {
    standard().with_big_endian().with_limit::<LIMIT>()
}
