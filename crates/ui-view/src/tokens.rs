//! Colours as data, once for a dark and once for a light window.

use egui::Color32;

/// Every colour that the window uses.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Tokens {
    /// Behind the teams.
    pub rail: Color32,
    /// Behind the channels, the thread and the doors.
    pub sidebar: Color32,
    /// Behind the messages.
    pub canvas: Color32,
    /// Behind menus, cards and buttons.
    pub raised: Color32,
    /// Behind text that is being typed.
    pub input: Color32,
    /// Lines and outlines.
    pub line: Color32,
    /// Behind what the pointer is on.
    pub hover: Color32,
    /// Behind what is chosen.
    pub selected: Color32,
    /// Text.
    pub text: Color32,
    /// Text of lesser weight.
    pub text_2: Color32,
    /// Text of least weight.
    pub text_3: Color32,
    /// What acts, and the focus ring.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// What went well.
    pub ok: Color32,
    /// What a person should know.
    pub warn: Color32,
    /// Behind warnings.
    pub warn_bg: Color32,
    /// What went wrong.
    pub danger: Color32,
    /// Behind what went wrong.
    pub danger_bg: Color32,
}

/// The dark window.
pub const DARK: Tokens = Tokens {
    rail: rgb(0x0F1115),
    sidebar: rgb(0x15181E),
    canvas: rgb(0x1A1E25),
    raised: rgb(0x222731),
    input: rgb(0x12151A),
    line: rgb(0x2C323D),
    hover: rgb(0x252B36),
    selected: rgb(0x2A3B55),
    text: rgb(0xE9EDF3),
    text_2: rgb(0xB2BBC8),
    text_3: rgb(0x8A94A3),
    accent: rgb(0x6EA8FE),
    on_accent: rgb(0x0B1524),
    ok: rgb(0x4CC38A),
    warn: rgb(0xF2B84B),
    warn_bg: rgb(0x3A2F16),
    danger: rgb(0xFF7B72),
    danger_bg: rgb(0x3B1D1E),
};

/// The light window.
pub const LIGHT: Tokens = Tokens {
    rail: rgb(0xE7EAEF),
    sidebar: rgb(0xF3F5F8),
    canvas: rgb(0xFFFFFF),
    raised: rgb(0xFFFFFF),
    input: rgb(0xF3F5F8),
    line: rgb(0xD5DAE1),
    hover: rgb(0xE9EDF2),
    selected: rgb(0xD6E6FF),
    text: rgb(0x171B21),
    text_2: rgb(0x454E5B),
    text_3: rgb(0x5F6977),
    accent: rgb(0x1D5FD1),
    on_accent: rgb(0xFFFFFF),
    ok: rgb(0x0F7B4F),
    warn: rgb(0x8A5A00),
    warn_bg: rgb(0xFFF3D6),
    danger: rgb(0xC4291C),
    danger_bg: rgb(0xFDE7E4),
};

/// Behind the initials of people, in both windows; the initials are white.
pub const AVATARS: [Color32; 6] =
    [rgb(0x3E6FC4), rgb(0x24786B), rgb(0xA5551C), rgb(0x8257B8), rgb(0x5B6574), rgb(0xB0446E)];

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

/// The contrast of two opaque colours, 1 to 21 (WCAG 2, 1.4.3).
#[must_use]
pub fn contrast(one: Color32, other: Color32) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: Color32) -> f32 {
    let linear = |channel: u8| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-VIEW-05`
    #[test]
    fn text_stands_out_from_everything_it_is_drawn_on() {
        for (window, t) in [("dark", DARK), ("light", LIGHT)] {
            for (what, text, behind, least) in [
                ("text/canvas", t.text, t.canvas, 7.0),
                ("text/selected", t.text, t.selected, 7.0),
                ("text/warn_bg", t.text, t.warn_bg, 7.0),
                ("text/danger_bg", t.text, t.danger_bg, 7.0),
                ("text/hover", t.text, t.hover, 7.0),
                ("text/input", t.text, t.input, 7.0),
                ("text_2/canvas", t.text_2, t.canvas, 4.5),
                ("text_2/sidebar", t.text_2, t.sidebar, 4.5),
                ("text_2/rail", t.text_2, t.rail, 4.5),
                ("text_2/hover", t.text_2, t.hover, 4.5),
                ("text_2/selected", t.text_2, t.selected, 4.5),
                ("text_3/canvas", t.text_3, t.canvas, 4.5),
                ("text_3/sidebar", t.text_3, t.sidebar, 4.5),
                ("text_3/raised", t.text_3, t.raised, 4.5),
                ("text_3/input", t.text_3, t.input, 4.5),
                ("on_accent/accent", t.on_accent, t.accent, 4.5),
                ("accent/canvas", t.accent, t.canvas, 4.5),
                ("accent/sidebar", t.accent, t.sidebar, 4.5),
                ("ok/canvas", t.ok, t.canvas, 4.5),
                ("ok/sidebar", t.ok, t.sidebar, 4.5),
                ("warn/warn_bg", t.warn, t.warn_bg, 4.5),
                ("warn/sidebar", t.warn, t.sidebar, 4.5),
                ("danger/canvas", t.danger, t.canvas, 4.5),
                ("danger/sidebar", t.danger, t.sidebar, 4.5),
                ("danger/danger_bg", t.danger, t.danger_bg, 4.5),
                ("focus ring/rail", t.accent, t.rail, 3.0),
                ("focus ring/input", t.accent, t.input, 3.0),
            ] {
                let found = contrast(text, behind);
                assert!(found >= least, "{window} {what}: {found:.2} is less than {least}");
            }
        }
        for behind in AVATARS {
            let found = contrast(Color32::WHITE, behind);
            assert!(found >= 4.5, "initials on {behind:?}: {found:.2}");
        }
    }
}
