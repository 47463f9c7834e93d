//! Sealed values and keyed tags: `SPEC.md`, "Rows".

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag as AeadTag, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::change::Table;
use crate::keys::{KeyHold, Keys, hmac};

/// What stands in the file in place of a key.
pub(crate) type Tag = [u8; 16];

/// A row as it was written.
pub(crate) struct Opened {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

/// The tag of `key` in `table`.
pub(crate) fn tag<K: KeyHold>(keys: &Keys<K>, table: Table, key: &[u8]) -> Tag {
    let whole = keys.tag.with(|tag_key| hmac(tag_key, &[TAG_LABEL, &[table.0], key]));
    let mut tag = [0_u8; 16];
    for (to, from) in tag.iter_mut().zip(whole.iter()) {
        *to = *from;
    }
    tag
}

/// Seals key and value for the row `tag`; `None` only where the lengths are beyond the format.
pub(crate) fn seal<K: KeyHold>(
    keys: &Keys<K>,
    table: Table,
    tag: &Tag,
    key: &[u8],
    value: &[u8],
    nonce: &[u8; 24],
) -> Option<Vec<u8>> {
    let length = u32::try_from(key.len()).ok()?.to_be_bytes();
    let mut plain = Zeroizing::new(Vec::with_capacity(4 + key.len() + value.len()));
    plain.extend_from_slice(&length);
    plain.extend_from_slice(key);
    plain.extend_from_slice(value);
    keys.seal.with(|seal_key| encrypt(seal_key, nonce, &row_label(table, tag), plain))
}

/// Opens a sealed value of the row `tag`; `None` if anything about it was changed or moved.
pub(crate) fn open<K: KeyHold>(
    keys: &Keys<K>,
    table: Table,
    row: &Tag,
    sealed: &[u8],
) -> Option<Opened> {
    let plain = keys.seal.with(|seal_key| decrypt(seal_key, &row_label(table, row), sealed))?;
    let (length, rest) = plain.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (key, value) = rest.split_at_checked(length)?;
    if tag(keys, table, key) != *row {
        return None;
    }
    Some(Opened { key: key.to_vec(), value: Zeroizing::new(value.to_vec()) })
}

/// `nonce | ciphertext | authenticator`, made in the buffer of the plaintext.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    label: &[u8],
    mut plain: Zeroizing<Vec<u8>>,
) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new(key.into());
    let authenticator = cipher.encrypt_in_place_detached(nonce.into(), label, &mut plain).ok()?;
    let mut sealed = Vec::with_capacity(nonce.len() + plain.len() + authenticator.len());
    sealed.extend_from_slice(nonce);
    sealed.extend_from_slice(&plain);
    sealed.extend_from_slice(&authenticator);
    Some(sealed)
}

/// The inverse of [`encrypt`].
pub(crate) fn decrypt(key: &[u8; 32], label: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<24>()?;
    let (cipher_text, authenticator) = rest.split_last_chunk::<16>()?;
    let mut plain = Zeroizing::new(cipher_text.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(
            nonce.into(),
            label,
            &mut plain,
            AeadTag::from_slice(authenticator),
        )
        .ok()?;
    Some(plain)
}

fn row_label(table: Table, tag: &Tag) -> Vec<u8> {
    let mut label = ROW_LABEL.to_vec();
    label.push(table.0);
    label.extend_from_slice(tag);
    label
}

const ROW_LABEL: &[u8] = b"sotto vault 1 row";
const TAG_LABEL: &[u8] = b"sotto vault 1 tag";
