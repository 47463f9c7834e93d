//! A person or a team as a coloured tile with initials.

use egui::{Align2, Color32, FontId, Rect, Sense, Ui, vec2};

use crate::tokens::AVATARS;

/// Draws a person's tile in the flow of the layout. Decoration: the name stands beside it.
pub(crate) fn show(ui: &mut Ui, name: &str, size: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    paint(ui, rect, name);
}

/// Draws a person's tile there.
pub(crate) fn paint(ui: &Ui, rect: Rect, name: &str) {
    let size = rect.width();
    ui.painter().rect_filled(rect, size * 0.28, colour(name));
    let font = FontId::proportional(size * 0.38);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, initials(name), font, Color32::WHITE);
}

/// At most two letters that stand for a name.
pub(crate) fn initials(name: &str) -> String {
    let mut words =
        name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

fn colour(name: &str) -> Color32 {
    // FNV-1a; the high bits are mixed best.
    let mixed = name
        .bytes()
        .fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let at = usize::try_from(mixed >> 16).unwrap_or(0);
    AVATARS.get(at % AVATARS.len()).copied().unwrap_or(Color32::DARK_GRAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_stand_for_a_name() {
        for (name, expected) in
            [("Alice", "A"), ("Bob van Okafor", "BO"), ("  (dai)  tanaka ", "DT"), ("", "")]
        {
            assert_eq!(initials(name), expected);
        }
    }
}
