//! What the window remembers: where it stood, its theme and its size of text. Nothing that was
//! read or written.

use std::path::{Path, PathBuf};

use egui::{Context, Theme};

use crate::args::Geometry;

/// The settings, as they are kept in one small file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Settings {
    /// Where the window stood.
    pub(crate) geometry: Option<Geometry>,
    /// The theme that was chosen; the system's otherwise.
    pub(crate) theme: Option<Theme>,
    /// The size of text that was chosen, 1 is normal.
    pub(crate) zoom: Option<f32>,
}

impl Settings {
    /// Reads what was kept; what is damaged or missing counts as not chosen.
    pub(crate) fn read(folder: Option<&Path>) -> Self {
        let text = folder.and_then(|folder| std::fs::read_to_string(file(folder)).ok());
        Self::parse(&text.unwrap_or_default())
    }

    /// Keeps them. A folder that cannot be written costs the settings and nothing else.
    pub(crate) fn write(&self, folder: Option<&Path>) {
        let Some(folder) = folder else { return };
        let new = folder.join("window.new");
        if std::fs::write(&new, self.text()).is_ok() {
            let _ = std::fs::rename(&new, file(folder));
        }
    }

    /// Applies what the toolkit has to know.
    pub(crate) fn apply(&self, ctx: &Context) {
        if let Some(theme) = self.theme {
            ctx.set_theme(theme);
        }
        if let Some(zoom) = self.zoom {
            ctx.set_zoom_factor(zoom);
        }
    }

    /// Notes the theme and the size of text; says whether they are others than before.
    pub(crate) fn note_choices(&mut self, ctx: &Context) -> bool {
        let before = (self.theme, self.zoom);
        let zoom = ctx.zoom_factor();
        self.zoom = ((zoom - 1.0).abs() > f32::EPSILON).then_some(zoom);
        self.theme = match ctx.options(|options| options.theme_preference) {
            egui::ThemePreference::Dark => Some(Theme::Dark),
            egui::ThemePreference::Light => Some(Theme::Light),
            egui::ThemePreference::System => None,
        };
        (self.theme, self.zoom) != before
    }

    /// Notes where the window stands.
    pub(crate) fn note_place(&mut self, ctx: &Context) {
        let zoom = ctx.zoom_factor();
        let geometry = ctx.input(|input| {
            let viewport = input.viewport();
            let inner = viewport.inner_rect?;
            let corner = viewport.outer_rect.unwrap_or(inner).min;
            // The rectangles are in points of the zoomed window.
            Geometry::of(inner.size() * zoom, corner * zoom)
        });
        self.geometry = geometry.or(self.geometry);
    }

    fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "geometry" => settings.geometry = Geometry::read(value),
                "theme" if value == "dark" => settings.theme = Some(Theme::Dark),
                "theme" if value == "light" => settings.theme = Some(Theme::Light),
                "zoom" => {
                    let zoom = value.parse().ok();
                    settings.zoom = zoom.filter(|zoom| (0.5..=3.0).contains(zoom));
                }
                _ => {}
            }
        }
        settings
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(geometry) = self.geometry {
            text.push_str(&format!("geometry={geometry}\n"));
        }
        if let Some(theme) = self.theme {
            let theme = if theme == Theme::Dark { "dark" } else { "light" };
            text.push_str(&format!("theme={theme}\n"));
        }
        if let Some(zoom) = self.zoom {
            text.push_str(&format!("zoom={zoom}\n"));
        }
        text
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("window")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-07`
    #[test]
    fn settings_are_read_as_they_were_written_and_damage_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            geometry: Geometry::read("900x700+10-5"),
            theme: Some(Theme::Light),
            zoom: Some(1.2),
        };
        settings.write(Some(folder.path()));
        assert_eq!(Settings::read(Some(folder.path())), settings);
        let damaged = Settings::parse("geometry=big\ntheme=light\nzoom=900\n\0\nwhat=ever\n");
        assert_eq!(damaged, Settings { theme: Some(Theme::Light), ..Settings::default() });
        assert_eq!(Settings::read(Some(&folder.path().join("gone"))), Settings::default());
        assert_eq!(Settings::read(None), Settings::default());
    }
}
