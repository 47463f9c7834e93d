//! Spans of time as people write them.

/// Reads `7d`, `12h`, `30m` or `90s`; the answer is in ms.
///
/// # Errors
/// When it is none, or longer than a hundred years.
pub fn parse_span(text: &str) -> Result<u64, String> {
    let wrong = || "give a number and d, h, m or s, as in 7d or 12h; a hundred years at most";
    let unit = UNITS.iter().find(|(letter, _)| text.ends_with(*letter));
    let span = unit.and_then(|(letter, ms)| {
        let digits = text.strip_suffix(*letter)?;
        // "+5" is a number for the parser, and for nobody else.
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let count: u64 = plain.then(|| digits.parse().ok()).flatten()?;
        count.checked_mul(*ms).filter(|span| *span <= MOST_MS)
    });
    span.ok_or_else(|| wrong().to_owned())
}

/// A span in its largest whole unit, as [`parse_span`] reads it; parts of a second are left out.
#[must_use]
pub fn span(ms: u64) -> String {
    let whole = UNITS.iter().find(|(_, unit)| ms >= *unit && ms.is_multiple_of(*unit));
    let (letter, unit) = whole.copied().unwrap_or(('s', 1_000));
    format!("{}{letter}", ms / unit)
}

/// A span as people say it, in its largest unit and rounded down.
#[must_use]
pub fn spoken_span(ms: u64) -> String {
    let named = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)];
    let fit = named.into_iter().find(|(_, unit)| ms >= *unit);
    let (name, unit) = fit.unwrap_or(("second", 1_000));
    let count = ms / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

const UNITS: [(char, u64); 4] = [('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1_000)];
const MOST_MS: u64 = 100 * 366 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// `CLI-11`
    #[test]
    fn a_span_is_a_number_and_a_unit_and_nothing_else() {
        for (text, ms) in [("7d", 604_800_000), ("12h", 43_200_000), ("30m", 1_800_000), ("0s", 0)]
        {
            assert_eq!(parse_span(text), Ok(ms));
        }
        for bad in ["", "d", "7", "7 d", "-1d", "+1d", "1.5h", "7D", "7days", "ü", "99999999999d"]
        {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
        for text in ["7d", "25h", "90m", "61s"] {
            assert_eq!(parse_span(text).map(span).as_deref(), Ok(text));
        }
        assert_eq!((span(1_500).as_str(), span(86_400_000).as_str()), ("1s", "1d"));
        assert_eq!(spoken_span(86_399_999), "23 hours");
        assert_eq!(
            (spoken_span(60_000).as_str(), spoken_span(5).as_str()),
            ("1 minute", "0 seconds")
        );
    }
}
