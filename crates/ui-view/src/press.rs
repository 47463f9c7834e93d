//! The one button of the window: icon, text, note; named, focusable, at least 32 points high.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Sense, Stroke, StrokeKind, TextWrapMode,
    Ui, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::icons::Icon;
use crate::theme;

/// How much a button stands out.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Weight {
    /// The one thing to do here.
    Primary,
    /// Something else to do here.
    Plain,
    /// Part of the furniture; shows its shape under the pointer.
    Ghost,
    /// Leads somewhere, inside a text.
    Link,
}

/// A button being described.
pub(crate) struct Press<'a> {
    name: String,
    text: &'a str,
    icon: Option<Icon>,
    note: &'a str,
    note_colour: Option<Color32>,
    weight: Weight,
    selected: bool,
    bold: bool,
    enabled: bool,
    width: Option<f32>,
    height: f32,
    radius: u8,
    centred: bool,
    hint: Option<String>,
}

impl<'a> Press<'a> {
    /// A button with a text, which is also its name.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            name: text.to_owned(),
            text,
            icon: None,
            note: "",
            note_colour: None,
            weight: Weight::Plain,
            selected: false,
            bold: false,
            enabled: true,
            width: None,
            height: 32.0,
            radius: 6,
            centred: false,
            hint: None,
        }
    }

    /// A square button with an icon alone; its name is shown under the pointer.
    pub(crate) fn icon(icon: Icon, name: &str) -> Self {
        Self { hint: Some(name.to_owned()), ..Self::new("") }
            .with(icon)
            .named(name)
            .weight(Weight::Ghost)
    }

    pub(crate) fn with(self, icon: Icon) -> Self {
        Self { icon: Some(icon), ..self }
    }

    pub(crate) fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    pub(crate) fn note(self, note: &'a str, colour: Color32) -> Self {
        Self { note, note_colour: Some(colour), ..self }
    }

    pub(crate) fn weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    pub(crate) fn selected(self, selected: bool) -> Self {
        Self { selected, ..self }
    }

    pub(crate) fn bold(self, bold: bool) -> Self {
        Self { bold, ..self }
    }

    pub(crate) fn enabled(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }

    pub(crate) fn width(self, width: f32) -> Self {
        Self { width: Some(width), ..self }
    }

    pub(crate) fn height(self, height: f32) -> Self {
        Self { height, ..self }
    }

    pub(crate) fn radius(self, radius: u8) -> Self {
        Self { radius, ..self }
    }

    pub(crate) fn centred(self) -> Self {
        Self { centred: true, ..self }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Draws it and says what happened to it.
    pub(crate) fn show(self, ui: &mut Ui) -> Response {
        let enabled = self.enabled && ui.is_enabled();
        let font = FontId::proportional(14.0);
        let text = if self.bold { theme::strong(self.text) } else { self.text.into() };
        let text = WidgetText::from(text.font(font));
        let note = ui.painter().layout_no_wrap(
            self.note.to_owned(),
            FontId::proportional(12.0),
            Color32::PLACEHOLDER,
        );
        let note_space = if self.note.is_empty() { 0.0 } else { note.size().x + 8.0 };
        let icon_space = match (self.icon, self.text.is_empty()) {
            (Some(_), true) => ICON,
            (Some(_), false) => ICON + 8.0,
            (None, _) => 0.0,
        };
        let padding = match (self.text.is_empty(), self.weight) {
            (true, _) => (self.height - ICON) / 2.0,
            (false, Weight::Link) => 6.0,
            (false, _) => 12.0,
        };
        let around = 2.0 * padding + icon_space + note_space;
        let room = self.width.map_or(f32::INFINITY, |width| (width - around).max(8.0));
        let galley =
            text.into_galley(ui, Some(TextWrapMode::Truncate), room, egui::TextStyle::Button);
        let width = self.width.unwrap_or(galley.size().x + around);
        let sense = if enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(width, self.height), sense);
        let name = self.name.clone();
        let selected = self.selected;
        response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, selected, &name));
        if ui.is_rect_visible(rect) {
            let colour = self.paint_shape(ui, rect, &response, enabled);
            let mut x = rect.left() + padding;
            if self.width.is_some() && (self.centred || self.weight == Weight::Primary) {
                x = rect.center().x - (galley.size().x + icon_space) / 2.0;
            }
            if let Some(icon) = self.icon {
                let icon_rect =
                    Rect::from_center_size(pos2(x + ICON / 2.0, rect.center().y), vec2(ICON, ICON));
                let quiet = self.weight == Weight::Ghost && !self.text.is_empty() && !selected;
                let tint = if quiet { theme::of(ui).text_3 } else { colour };
                icon.paint(ui.painter(), icon_rect, ICON, tint);
            }
            let at = pos2(x + icon_space, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, colour);
            if !self.note.is_empty() {
                let at = Align2::RIGHT_CENTER
                    .anchor_size(pos2(rect.right() - padding, rect.center().y), note.size());
                ui.painter().galley(at.min, note, self.note_colour.unwrap_or(colour));
            }
        }
        match self.hint {
            Some(hint) => response.on_hover_text(hint),
            None => response,
        }
    }

    fn paint_shape(&self, ui: &Ui, rect: Rect, response: &Response, enabled: bool) -> Color32 {
        let t = theme::of(ui);
        let hovered = response.hovered() && enabled;
        let down = response.is_pointer_button_down_on() && enabled;
        let (fill, outline, text) = match self.weight {
            Weight::Primary if !enabled => (t.hover, t.line, t.text_3),
            Weight::Primary if down => {
                (theme::between(t.accent, t.canvas, 0.25), Color32::TRANSPARENT, t.on_accent)
            }
            Weight::Primary if hovered => {
                (theme::between(t.accent, t.text, 0.12), Color32::TRANSPARENT, t.on_accent)
            }
            Weight::Primary => (t.accent, Color32::TRANSPARENT, t.on_accent),
            Weight::Plain if !enabled => (t.raised, t.line, t.text_3),
            _ if self.selected || down => (t.selected, Color32::TRANSPARENT, t.text),
            Weight::Plain if hovered => (t.hover, t.line, t.text),
            Weight::Plain => (t.raised, t.line, t.text),
            Weight::Link if hovered => (t.hover, Color32::TRANSPARENT, t.accent),
            Weight::Link => (Color32::TRANSPARENT, Color32::TRANSPARENT, t.accent),
            Weight::Ghost if hovered => (t.hover, Color32::TRANSPARENT, t.text),
            Weight::Ghost if self.bold => (Color32::TRANSPARENT, Color32::TRANSPARENT, t.text),
            Weight::Ghost => (Color32::TRANSPARENT, Color32::TRANSPARENT, t.text_2),
        };
        let radius = CornerRadius::same(self.radius);
        ui.painter().rect(rect, radius, fill, Stroke::new(1.0, outline), StrokeKind::Inside);
        focus_ring(ui, rect, self.radius, response.has_focus());
        text
    }
}

/// The outline of what the keyboard is on.
pub(crate) fn focus_ring(ui: &Ui, rect: Rect, radius: u8, focused: bool) {
    if focused {
        let ring = Stroke::new(1.5, theme::of(ui).accent);
        ui.painter().rect_stroke(rect, CornerRadius::same(radius), ring, StrokeKind::Outside);
    }
}

const ICON: f32 = 16.0;
