//! Vectors of others against the very crates that we use: Wycheproof for the primitives, the MLS
//! working group's for OpenMLS. Where they come from stands in `vectors/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails"
)]

mod crypto_basics;
mod mls;
mod wycheproof;

use std::path::Path;

use serde_json::Value;

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

/// A field in hexadecimal.
fn hex(value: &Value, key: &str) -> Vec<u8> {
    unhex(value[key].as_str().unwrap())
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
