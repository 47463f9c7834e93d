//! Names, prefixes and teams, as bits and as text.

use std::fmt::Display;
use std::str::FromStr;

use names::{Name, Prefix, TeamId};
use objects::TeamLink;

use crate::one_encoding;

pub(crate) fn name(bytes: &[u8]) -> bool {
    let parsed = <[u8; 16]>::try_from(bytes).map_err(|_| ()).and_then(|bytes| {
        let name = Name::from_bytes(bytes).map_err(|_| ())?;
        assert_eq!(name.place().name(), name, "a name and its place are one");
        Ok(name)
    });
    one_encoding(bytes, parsed, |name| name.bytes().to_vec())
}

pub(crate) fn prefix(bytes: &[u8]) -> bool {
    let parsed = <[u8; 20]>::try_from(bytes).map_err(|_| ()).and_then(|bytes| {
        let (value, len) = bytes.split_first_chunk().ok_or(())?;
        let len = u32::from_be_bytes(len.try_into().map_err(|_| ())?);
        let prefix = Prefix::from_bits(u128::from_be_bytes(*value), len).map_err(|_| ())?;
        assert_eq!(prefix.to_string().parse(), Ok(prefix), "every prefix has a text");
        assert!(prefix.includes(&prefix), "a prefix includes itself");
        for (low, high) in prefix.ranges() {
            assert!(low <= high, "a range runs upwards");
        }
        Ok(prefix)
    });
    one_encoding(bytes, parsed, |prefix| {
        [&prefix.bits().to_be_bytes()[..], &prefix.len().to_be_bytes()].concat()
    })
}

pub(crate) fn name_text(bytes: &[u8]) -> bool {
    one_text::<Name>(bytes)
}

pub(crate) fn prefix_text(bytes: &[u8]) -> bool {
    one_text::<Prefix>(bytes)
}

pub(crate) fn team_text(bytes: &[u8]) -> bool {
    one_text::<TeamId>(bytes)
}

/// People paste links with blanks around them and keys in capitals, so that only what is written
/// has one form.
pub(crate) fn team_link(bytes: &[u8]) -> bool {
    let Some(link) = parsed::<TeamLink>(bytes) else {
        return false;
    };
    let text = link.to_string();
    assert_eq!(text.parse(), Ok(link), "{text}");
    assert!(text.len() <= LONGEST_LINK, "a link longer than its field in requests: {text}");
    true
}

fn one_text<T: FromStr + Display>(bytes: &[u8]) -> bool {
    one_encoding(bytes, parsed::<T>(bytes).ok_or(()), |it| it.to_string().into_bytes())
}

fn parsed<T: FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// `ipc_schema_ui::LinkText`.
const LONGEST_LINK: usize = 512;
