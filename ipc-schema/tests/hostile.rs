//! Bytes that are no message.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use ipc_schema::{
    Bytes, CAP_TO_UI, CodecError, List, SchemaHash, Secret, Text, TooLong, decode, encode,
    schema_hash,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct All {
    number: u32,
    text: Text<4>,
    bytes: Bytes<4>,
    list: List<u16, 3>,
    choice: Option<bool>,
}

const GOOD: &[u8] = &[7, 2, b'h', b'i', 1, 9, 2, 1, 2, 1, 1];

fn refused(bytes: &[u8]) -> CodecError {
    decode::<All>(bytes).unwrap_err()
}

/// `IPC-SCHEMA-01`, `IPC-SCHEMA-02`, `IPC-SCHEMA-03`
#[test]
fn each_kind_of_bad_bytes_is_refused() {
    let good = decode::<All>(GOOD).unwrap();
    assert_eq!(encode(&good).unwrap(), GOOD);
    let malformed = CodecError::Malformed;
    let cases: [(&str, &[u8], CodecError); 16] = [
        ("nothing", &[], malformed),
        ("cut short", &[7, 2, b'h'], malformed),
        ("a byte too many", &[7, 0, 0, 0, 0, 0], CodecError::Trailing { extra: 1 }),
        ("a number in three bytes", &[251, 0, 7, 0, 0, 0, 0], CodecError::NotCanonical),
        ("a number in five bytes", &[252, 0, 0, 0, 7, 0, 0, 0, 0], CodecError::NotCanonical),
        ("a length in three bytes", &[7, 251, 0, 0, 0, 0, 0], CodecError::NotCanonical),
        ("a number too large", &[253, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], malformed),
        ("a reserved marker", &[255, 0, 0, 0, 0], malformed),
        ("a text too long", &[7, 5, b'h', b'e', b'l', b'l', b'o', 0, 0, 0], malformed),
        ("a text that is none", &[7, 1, 0xff, 0, 0, 0], malformed),
        ("bytes too long", &[7, 0, 5, 1, 2, 3, 4, 5, 0, 0], malformed),
        ("a list too long", &[7, 0, 0, 4, 1, 2, 3, 4, 0], malformed),
        ("a choice of two", &[7, 0, 0, 0, 2], malformed),
        ("a bool of two", &[7, 0, 0, 0, 1, 2], malformed),
        ("a list without its items", &[7, 0, 0, 3, 1, 2], malformed),
        ("an item in three bytes", &[7, 0, 0, 1, 251, 0, 2, 0], CodecError::NotCanonical),
    ];
    for (what, bytes, error) in cases {
        assert_eq!(refused(bytes), error, "{what}");
    }
}

/// `IPC-SCHEMA-03`
#[test]
fn a_claimed_length_allocates_nothing() {
    // Eight bytes that claim as many items, texts and bytes as there can be: done at once, where
    // a trusting decoder would ask for exabytes.
    let huge = [253, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(decode::<List<u64, 1000>>(&huge), Err(CodecError::Malformed));
    assert_eq!(decode::<Text<1000>>(&huge), Err(CodecError::Malformed));
    assert_eq!(decode::<Bytes<1000>>(&huge), Err(CodecError::Malformed));
    // A length that the list would allow, and no items.
    assert_eq!(decode::<List<u64, 1000>>(&[251, 3, 232]), Err(CodecError::Malformed));
}

/// `IPC-SCHEMA-03`
#[test]
fn nothing_is_built_that_is_longer_than_its_schema_says() {
    assert!(Text::<4>::new("1234").is_ok());
    assert_eq!(Text::<4>::new("12345"), Err(TooLong { len: 5, most: 4 }));
    assert_eq!(Bytes::<4>::new(vec![0; 5]), Err(TooLong { len: 5, most: 4 }));
    assert_eq!(List::<u8, 4>::new(vec![0; 5]), Err(TooLong { len: 5, most: 4 }));
    assert!(Secret::<4>::new("12345".to_owned()).is_err());
    assert_eq!(List::<u8, 2>::cut(vec![1, 2, 3]).as_slice(), [1, 2]);
    assert_eq!(Text::<5>::cut("aäöü").as_str(), "aäö");
    assert_eq!(Text::<4>::cut("aäöü").as_str(), "aä");
    assert_eq!(Text::<4>::cut("").as_str(), "");
}

/// `IPC-SCHEMA-03`
#[test]
fn what_does_not_fit_the_largest_frame_is_not_encoded() {
    let fits = Bytes::<{ CAP_TO_UI }>::new(vec![0; CAP_TO_UI - 8]).unwrap();
    assert!(encode(&fits).is_ok());
    let beyond = Bytes::<{ 2 * CAP_TO_UI }>::new(vec![0; CAP_TO_UI + 1]).unwrap();
    let bytes = encode(&beyond);
    // The codec's own limit concerns what is decoded; the channel's cap what is sent.
    if let Ok(bytes) = bytes {
        assert_eq!(decode::<Bytes<{ 2 * CAP_TO_UI }>>(&bytes), Err(CodecError::Malformed));
    }
}

/// `IPC-SCHEMA-05`
#[test]
fn texts_and_secrets_do_not_print_what_they_say() {
    let text = Text::<16>::new("plaintext").unwrap();
    assert_eq!(format!("{text:?}"), "Text(9 bytes)");
    let secret = Secret::<16>::new("passphrase".to_owned()).unwrap();
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    assert_eq!(secret.reveal(), "passphrase");
}

/// `IPC-SCHEMA-06`
#[test]
fn a_schema_hash_tells_sources_apart_wherever_their_bounds_are() {
    let hashes = [
        schema_hash(&["ab", "c"]),
        schema_hash(&["a", "bc"]),
        schema_hash(&["abc"]),
        schema_hash(&["abc", ""]),
        schema_hash(&[]),
    ];
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash), "{index}");
    }
    assert_eq!(schema_hash(&["abc"]), schema_hash(&["abc"]));
    assert_ne!(schema_hash(&[]), SchemaHash([0; 32]));
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// `IPC-SCHEMA-02`
        #[test]
        fn whatever_is_accepted_is_the_only_form_of_its_message(
            bytes in prop::collection::vec(0_u8..6, 0..24),
            noise in prop::collection::vec(any::<u8>(), 0..24),
        ) {
            for bytes in [bytes, noise] {
                if let Ok(message) = decode::<All>(&bytes) {
                    prop_assert_eq!(encode(&message).unwrap(), bytes);
                }
            }
        }
    }
}
