//! Hashes and keys as people write them.

use std::fmt::Write as _;

/// Two digits per byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Reads 64 digits; blanks between them are passed over, since people copy them in groups.
///
/// # Errors
/// When it is no whole hash.
pub fn parse_hash(text: &str) -> Result<[u8; 32], String> {
    parse(text).ok_or_else(|| "give the whole hash: 64 digits from 0 to 9 and a to f".to_owned())
}

/// Reads a public key, written as [`parse_hash`] reads a hash.
///
/// # Errors
/// When it is no key.
pub fn parse_key(text: &str) -> Result<[u8; 32], String> {
    let wrong = "give the key that `sotto-relay key` prints: 64 digits from 0 to 9 and a to f";
    parse(text).ok_or_else(|| wrong.to_owned())
}

/// Reads the number of a request: 32 digits.
///
/// # Errors
/// When it is none.
pub fn parse_request(text: &str) -> Result<[u8; 16], String> {
    let wrong = "give 32 digits from 0 to 9 and a to f, drawn at random for this message";
    parse(text).ok_or_else(|| wrong.to_owned())
}

pub(crate) fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut digits = text.chars().filter(|digit| !digit.is_whitespace());
    for byte in &mut bytes {
        let high = digits.next()?.to_digit(16)?;
        let low = digits.next()?.to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CLI-03`
    #[test]
    fn a_hash_is_read_whole_or_not_at_all() {
        let digits = "00ff".repeat(16);
        let bytes = parse_hash(&digits).unwrap();
        assert_eq!(hex(&bytes), digits);
        assert_eq!(parse_hash(&"00ff ".repeat(16)), Ok(bytes));
        assert_eq!(parse_hash(&digits.to_uppercase()), Ok(bytes));
        for bad in [
            "",
            "00",
            &digits.replacen('0', "", 1),
            &format!("{digits}0"),
            &digits.replace('f', "g"),
        ] {
            assert!(parse_hash(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_request(&"0f".repeat(16)), Ok([0x0f; 16]));
        assert!(parse_request(&digits).is_err());
    }
}
