//! What members send each other, and what newcomers send to admins.

use mls_core::decoders;

use crate::one_encoding;

pub(crate) fn leaf(bytes: &[u8]) -> bool {
    decoders::leaf(bytes)
}

pub(crate) fn content(bytes: &[u8]) -> bool {
    one_encoding(bytes, decoders::content(bytes).ok_or(()), Vec::clone)
}

pub(crate) fn padding(bytes: &[u8]) -> bool {
    let Some(piece) = decoders::piece(bytes) else {
        return false;
    };
    let (head, rest) = bytes.split_at(2);
    assert_eq!(head, u16::try_from(piece.len()).unwrap_or(0).to_be_bytes(), "its length");
    let (start, zeros) = rest.split_at(piece.len());
    assert!(start == piece && zeros.iter().all(|zero| *zero == 0), "zeros behind it");
    true
}

/// What is read of a message before OpenMLS sees it is what OpenMLS sees.
pub(crate) fn message(bytes: &[u8]) -> bool {
    let (seen, head) = decoders::message(bytes);
    let Some(seen) = seen else {
        return false;
    };
    assert_eq!(head.map(|(epoch, content, _)| (epoch, content)), Some(seen), "two readings");
    true
}

pub(crate) fn welcome(bytes: &[u8]) -> bool {
    one_encoding(bytes, decoders::welcome(bytes).ok_or(()), Vec::clone)
}

pub(crate) fn key_package(bytes: &[u8]) -> bool {
    decoders::key_package(bytes)
}

pub(crate) fn bound(bytes: &[u8]) -> bool {
    one_encoding(bytes, decoders::bound(bytes).ok_or(()), Vec::clone)
}

pub(crate) fn policy(bytes: &[u8]) -> bool {
    one_encoding(bytes, decoders::policy(bytes).ok_or(()), Vec::clone)
}

/// OpenMLS's own: only what it takes, not in which letters; the claim has the hash of the bytes.
pub(crate) fn tree(bytes: &[u8]) -> bool {
    decoders::tree(bytes).is_some()
}
