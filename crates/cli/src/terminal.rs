//! Texts of others on a terminal.

/// The text with everything taken out of it that a terminal would act on: other people write it.
/// Line ends and tabs stay; controls, and marks that turn the direction of what follows, become
/// replacement characters.
#[must_use]
pub fn safe(text: &str) -> String {
    text.chars()
        .map(|letter| if acts(letter) { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

fn acts(letter: char) -> bool {
    let is_turning = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_turning || letter.is_control() && letter != '\n' && letter != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CLI-05`
    #[test]
    fn nothing_that_a_terminal_acts_on_gets_through() {
        assert_eq!(safe("a\x1b[31mb\u{9b}2J\r\u{7}c"), "a\u{fffd}[31mb\u{fffd}2J\u{fffd}\u{fffd}c");
        assert_eq!(safe("one\n\ttwo"), "one\n\ttwo");
        assert_eq!(safe("\u{202e}evil\u{2069}"), "\u{fffd}evil\u{fffd}");
        assert_eq!(safe("नमस्ते 你好 שלום 👋🏽"), "नमस्ते 你好 שלום 👋🏽");
    }
}
