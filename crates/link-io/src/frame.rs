//! What travels on a stream: a length and that many bytes.

use bytes::{BufMut, Bytes, BytesMut};

/// What a stream is for. A link has at most one stream of each class, for as long as it lives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Hello, proofs, publishing, claims and their answers.
    Control,
    /// Objects that the other end subscribed to.
    Delivery,
}

impl Class {
    /// The longest frame of this class, without its length, in bytes; the same in both directions.
    #[must_use]
    pub fn cap(self) -> usize {
        match self {
            Self::Control => CONTROL_CAP,
            Self::Delivery => DELIVERY_CAP,
        }
    }

    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Delivery => 1,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Control),
            1 => Some(Self::Delivery),
            _ => None,
        }
    }

    /// Control first: an answer never waits behind a catch-up.
    pub(crate) fn priority(self) -> i32 {
        match self {
            Self::Control => 1,
            Self::Delivery => 0,
        }
    }
}

/// A frame ready to be sent, length included. Clones share one buffer, so that one frame serves any
/// number of links.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    wire: Bytes,
}

impl Frame {
    /// Puts the length before `body`.
    ///
    /// # Errors
    /// When `body` is empty or longer than any class allows.
    pub fn new(body: &[u8]) -> Result<Self, FrameError> {
        if body.is_empty() {
            return Err(FrameError::Empty);
        }
        let too_long = FrameError::TooLong { length: body.len(), cap: MOST };
        let length = match u32::try_from(body.len()) {
            Ok(length) if body.len() <= MOST => length,
            Ok(_) | Err(_) => return Err(too_long),
        };
        let mut wire = BytesMut::with_capacity(HEAD.saturating_add(body.len()));
        wire.put_u32(length);
        wire.put_slice(body);
        Ok(Self { wire: wire.freeze() })
    }

    /// How many bytes it takes on the wire.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.wire.len()
    }

    /// How many bytes it carries.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.wire.len().saturating_sub(HEAD)
    }

    pub(crate) fn wire(&self) -> Bytes {
        self.wire.clone()
    }
}

/// Why bytes cannot be a frame.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// A frame carries at least one byte.
    #[error("a frame of no bytes")]
    Empty,
    /// Longer than its class allows.
    #[error("a frame of {length} bytes, where {cap} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        cap: usize,
    },
}

/// The length before every frame takes four bytes.
pub(crate) const HEAD: usize = 4;
const CONTROL_CAP: usize = 8 * 1024;
const DELIVERY_CAP: usize = 8 * 1024;
const MOST: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_its_length_big_endian_and_its_bytes() {
        let frame = Frame::new(b"abc").unwrap();
        assert_eq!(frame.wire(), Bytes::from_static(b"\0\0\0\x03abc"));
        assert_eq!((frame.wire_len(), frame.body_len()), (7, 3));
    }

    #[test]
    fn no_frame_is_empty_or_over_the_cap() {
        assert_eq!(Frame::new(b""), Err(FrameError::Empty));
        assert!(Frame::new(&[0; MOST]).is_ok());
        assert_eq!(
            Frame::new(&[0; MOST + 1]),
            Err(FrameError::TooLong { length: MOST + 1, cap: MOST })
        );
    }

    /// `LINK-10`
    #[test]
    fn clones_of_a_frame_share_one_buffer() {
        let frame = Frame::new(b"one buffer for all").unwrap();
        assert_eq!(frame.wire().as_ptr(), frame.clone().wire().as_ptr());
    }
}
