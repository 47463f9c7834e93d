#![doc = include_str!("../README.md")]

mod avatar;
mod banner;
pub mod bidi;
mod card;
mod chords;
mod column;
mod composer;
mod door;
mod fonts;
mod header;
mod heights;
mod icons;
mod join;
mod local;
mod members;
mod message;
mod press;
mod rail;
mod region;
mod screen;
mod sidebar;
mod switcher;
mod theme;
mod thread;
mod timeline;
mod tokens;

pub use fonts::install as install_fonts;
pub use local::Local;
pub use screen::view;
pub use theme::install as install_theme;
pub use tokens::{AVATARS, DARK, LIGHT, Tokens, contrast};

/// Gives a fresh egui context our fonts, colours and sizes.
pub fn install(ctx: &egui::Context) {
    fonts::install(ctx);
    theme::install(ctx);
}
