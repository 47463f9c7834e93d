//! The readable head of a private message (RFC 9420 §6.3), for what must be known before OpenMLS
//! sees it.

/// Epoch, content type and authenticated data; all of it authenticated by the encryption.
pub(crate) struct Framing<'a> {
    pub(crate) epoch: u64,
    pub(crate) content: u8,
    pub(crate) authenticated: &'a [u8],
}

impl<'a> Framing<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (_group, rest) = vector(bytes)?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (content, rest) = rest.split_first()?;
        let (authenticated, _) = vector(rest)?;
        Some(Self { epoch: u64::from_be_bytes(*epoch), content: *content, authenticated })
    }
}

/// A vector with its length before it, in 1, 2 or 4 bytes (RFC 9000 §16).
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match *bytes {
        [a @ 0..=0x3f, ref rest @ ..] => (u32::from(a), rest),
        [a @ 0x40..=0x7f, b, ref rest @ ..] => (u32::from_be_bytes([0, 0, a & 0x3f, b]), rest),
        [a @ 0x80..=0xbf, b, c, d, ref rest @ ..] => {
            (u32::from_be_bytes([a & 0x3f, b, c, d]), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// Content types of RFC 9420 §6.
pub(crate) const APPLICATION: u8 = 1;
pub(crate) const COMMIT: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_and_what_is_cut_off_is_not() {
        let message =
            [&[2, 7, 7][..], &[0, 0, 0, 0, 0, 0, 0, 9], &[1], &[0x40, 3, 1, 2, 3]].concat();
        let head = Framing::read(&message).unwrap();
        assert_eq!(
            (head.epoch, head.content, head.authenticated),
            (9, APPLICATION, &[1, 2, 3][..])
        );
        for len in 0..message.len() {
            assert!(Framing::read(&message[..len]).is_none());
        }
        assert!(vector(&[0xc0, 0, 0, 0, 0, 0, 0, 0]).is_none(), "lengths of 8 bytes are none");
        assert_eq!(vector(&[0x80, 0, 0, 1, 5, 6]), Some((&[5][..], &[6][..])));
    }
}
