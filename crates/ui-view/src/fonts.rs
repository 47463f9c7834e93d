//! The two fonts that travel with the window; the operating system's answer for all other scripts.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily};

/// Gives a context our fonts.
///
/// Inter answers first, in all weights from one file. The emoji font stands before the system's, so
/// that everyone sees the same pictures.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [("Inter", INTER), ("Twemoji", TWEMOJI)] {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.splice(0..0, ["Inter".to_owned(), "Twemoji".to_owned()]);
    let monospace = fonts.families.entry(FontFamily::Monospace).or_default();
    monospace.insert(1.min(monospace.len()), "Twemoji".to_owned());
    ctx.set_fonts(fonts);
}

const INTER: &[u8] = include_bytes!("../fonts/Inter-sub.var.ttf");
const TWEMOJI: &[u8] = include_bytes!("../fonts/Twemoji-COLR.ttf");
