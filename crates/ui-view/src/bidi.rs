//! Right-to-left text on a canvas that lays words out left to right.
//!
//! egui shapes the letters of an Arabic or Hebrew word right and then places words from left to
//! right. So lines are broken here, in the order of reading, and each line is handed over with its
//! words in the order of seeing (Unicode Standard Annex 9).

use std::borrow::Cow;
use std::ops::Range;

use unicode_bidi::{BidiClass, BidiInfo, bidi_class};

/// One line as it is seen.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct VisualLine {
    /// Its text, words from left to right.
    pub text: String,
    /// Whether its paragraph reads from right to left.
    pub right_to_left: bool,
}

/// Whether anything in the text reads from right to left.
#[must_use]
pub fn has_right_to_left(text: &str) -> bool {
    // Nothing below the Hebrew block does, which settles most texts at once.
    text.chars().any(|c| c >= '\u{0590}' && matches!(bidi_class(c), BidiClass::R | BidiClass::AL))
}

/// Drops what a sender could disguise a text with: embeddings, overrides and isolates, control
/// characters, and more than eight marks on one letter.
#[must_use]
pub fn tidy(text: &str) -> Cow<'_, str> {
    let mut marks = 0_u8;
    let mut keep = |c: char| {
        marks = if is_mark(c) { marks.saturating_add(1) } else { 0 };
        !is_disguise(c) && marks <= MARKS_PER_LETTER
    };
    if text.chars().all(&mut keep) {
        return Cow::Borrowed(text);
    }
    marks = 0;
    let mut keep = |c: char| {
        marks = if is_mark(c) { marks.saturating_add(1) } else { 0 };
        !is_disguise(c) && marks <= MARKS_PER_LETTER
    };
    Cow::Owned(text.chars().filter(|c| keep(*c)).collect())
}

/// A name or another short text on one line, as it is seen.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = tidy(text).replace(['\n', '\t'], " ");
    if !has_right_to_left(&text) {
        return text;
    }
    let lines = visual_lines(&text, f32::INFINITY, |_| 0.0);
    lines.into_iter().next().map(|line| line.text).unwrap_or_default()
}

/// Breaks a text into lines no wider than `max_width`, where `width` measures a piece of it.
pub fn visual_lines(
    text: &str,
    max_width: f32,
    mut width: impl FnMut(&str) -> f32,
) -> Vec<VisualLine> {
    let mut seen = Vec::new();
    for paragraph in tidy(text).split('\n') {
        let info = BidiInfo::new(paragraph, None);
        let Some(whole) = info.paragraphs.first() else {
            seen.push(VisualLine { text: String::new(), right_to_left: false });
            continue;
        };
        let right_to_left = whole.level.is_rtl();
        for line in broken(paragraph, max_width, &mut width) {
            let read = paragraph.get(line.clone()).unwrap_or_default().trim_end();
            let line = line.start..line.start.saturating_add(read.len());
            let mut text = String::with_capacity(line.len());
            if !line.is_empty() {
                let (levels, runs) = info.visual_runs(whole, line);
                for run in runs {
                    let level = levels.get(run.start);
                    let piece = paragraph.get(run.clone()).unwrap_or_default();
                    if level.is_some_and(|level| level.is_rtl()) {
                        push_backwards(&mut text, piece);
                    } else {
                        text.push_str(piece);
                    }
                }
            }
            seen.push(VisualLine { text, right_to_left });
        }
    }
    seen
}

/// Where the lines of a paragraph are, in the order of reading.
fn broken(
    paragraph: &str,
    max_width: f32,
    width: &mut impl FnMut(&str) -> f32,
) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut used, mut at) = (0_usize, 0.0_f32, 0_usize);
    for word in paragraph.split_inclusive(' ') {
        let wide = width(word.trim_end());
        if used + wide > max_width && at > start {
            lines.push(start..at);
            (start, used) = (at, 0.0);
        }
        if wide > max_width {
            // One word wider than the line: cut it where it stops fitting, never before a mark.
            for (offset, letter) in word.char_indices() {
                let here = at.saturating_add(offset);
                let mut bytes = [0; 4];
                let wide = width(letter.encode_utf8(&mut bytes));
                if used + wide > max_width && here > start && !is_mark(letter) {
                    lines.push(start..here);
                    (start, used) = (here, 0.0);
                }
                used += wide;
            }
        } else {
            used += width(word);
        }
        at = at.saturating_add(word.len());
    }
    lines.push(start..paragraph.len());
    lines
}

/// Words backwards; the letters of a word stay in the order of reading, since the shaper turns
/// them.
fn push_backwards(line: &mut String, run: &str) {
    let letters: Vec<char> = run.chars().collect();
    for word in letters.chunk_by(|one, other| in_word(*one) && in_word(*other)).rev() {
        if word.first().copied().is_some_and(in_word) {
            line.extend(word);
        } else {
            line.extend(word.iter().rev().map(|c| mirrored(*c)));
        }
    }
}

/// Whether the shaper takes it together with the letters of a right-to-left word: the script's
/// own punctuation comes from the same font.
fn in_word(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::NSM)
        || matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
        || matches!(c, '\u{200C}' | '\u{200D}')
}

fn mirrored(c: char) -> char {
    let Some(at) = MIRRORS.iter().position(|mirror| *mirror == c) else {
        return c;
    };
    MIRRORS.get(at ^ 1).copied().unwrap_or(c)
}

fn is_disguise(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        || (c.is_control() && !matches!(c, '\n' | '\t'))
}

fn is_mark(c: char) -> bool {
    c >= '\u{0300}' && bidi_class(c) == BidiClass::NSM
}

const MARKS_PER_LETTER: u8 = 8;

/// Pairs that stand facing each other.
const MIRRORS: [char; 14] = ['(', ')', '[', ']', '{', '}', '<', '>', '«', '»', '‹', '›', '≤', '≥'];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> Vec<String> {
        visual_lines(text, f32::INFINITY, |_| 0.0).into_iter().map(|line| line.text).collect()
    }

    fn length(text: &str) -> f32 {
        text.chars().fold(0.0, |sum, _| sum + 1.0)
    }

    /// `UI-VIEW-06`
    #[test]
    fn words_change_places_and_letters_do_not() {
        for (read, expected) in [
            ("plain text", "plain text"),
            ("שלום עולם", "עולם שלום"),
            ("שלום עולם, abc def (גם) זה.", ".זה (גם) abc def ,עולם שלום"),
            ("see שלום עולם now", "see עולם שלום now"),
            ("مرحبا بالعالم، نعم", "نعم بالعالم، مرحبا"),
            ("غرفة 2026 هنا", "هنا 2026 غرفة"),
            ("א < ב", "ב > א"),
            ("עמוד [3] «סוף»", "«סוף» [3] עמוד"),
        ] {
            assert_eq!(seen(read), [expected], "{read}");
        }
    }

    /// `UI-VIEW-06`
    #[test]
    fn a_paragraph_reads_in_the_direction_of_its_first_letter() {
        let lines = visual_lines("abc שלום\n1. שלום abc\n", f32::INFINITY, |_| 0.0);
        let directions: Vec<_> = lines.iter().map(|line| line.right_to_left).collect();
        assert_eq!(directions, [false, true, false]);
    }

    /// `UI-VIEW-06`
    #[test]
    fn lines_are_broken_in_the_order_of_reading() {
        let lines = visual_lines("א ב ג ד", 3.0, length);
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["ב א", "ד ג"]);
        let cut = visual_lines("אבגדהו", 4.0, length);
        assert_eq!(cut.len(), 2, "{cut:?}");
    }

    /// `UI-VIEW-07`
    #[test]
    fn disguises_are_dropped_and_piles_of_marks_cut_down() {
        assert_eq!(tidy("gnp\u{202E}exe.doc\u{2066}\u{7}"), "gnpexe.doc");
        let pile = format!("a{}b", "\u{0301}".repeat(40));
        assert_eq!(tidy(&pile), format!("a{}b", "\u{0301}".repeat(8)));
        assert!(matches!(tidy("naïve\n\tשָׁלוֹם 👩‍👩‍👧"), Cow::Borrowed(_)));
    }

    proptest! {
        /// `UI-VIEW-06`: reordering loses nothing but the spaces at line ends.
        #[test]
        fn every_letter_is_seen_once(text in "[a-zא-ת0-9 (),.]{0,60}", room in 3_u8..40) {
            let lines = visual_lines(&text, f32::from(room), length);
            let mut seen: Vec<char> =
                lines.iter().flat_map(|line| line.text.chars()).filter(|c| *c != ' ').collect();
            let mut read: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
            let one_side = |c: &mut char| if *c == ')' { *c = '(' };
            seen.iter_mut().for_each(one_side);
            read.iter_mut().for_each(one_side);
            seen.sort_unstable();
            read.sort_unstable();
            prop_assert_eq!(seen, read);
            for line in &lines {
                prop_assert!(length(line.text.trim()) <= f32::from(room), "{:?}", line);
            }
        }

        /// `UI-VIEW-07`
        #[test]
        fn any_text_can_be_shown(text in "\\PC{0,80}", room in 1_u8..20) {
            visual_lines(&text, f32::from(room), length);
            prop_assert!(!one_line(&text).contains('\n'));
        }
    }
}
