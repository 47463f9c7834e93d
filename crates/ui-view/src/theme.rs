//! Gives egui our colours and sizes.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, RichText, Stroke, Style, TextStyle,
    Theme, Ui, Visuals, vec2,
};

use crate::tokens::{DARK, LIGHT, Tokens};

/// The colours of this window.
pub(crate) fn of(ui: &Ui) -> Tokens {
    if ui.visuals().dark_mode { DARK } else { LIGHT }
}

/// Text in the weight of names and headings.
pub(crate) fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).variation("wght", 600.0)
}

/// Gives a context our colours and sizes, for both themes.
pub fn install(ctx: &Context) {
    for (theme, tokens) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
        ctx.style_mut_of(theme, |style| dress(style, theme, tokens));
    }
    // The table of keys has the zoom keys; egui's own would make them work twice.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

fn dress(style: &mut Style, theme: Theme, t: Tokens) {
    style.visuals = visuals(theme, t);
    style.spacing.item_spacing = vec2(8.0, 4.0);
    // The timeline sets its own end when a message comes; egui would take that for a drag past the
    // end, and swing back for seconds of frames.
    style.spacing.scroll.kinetic.rubber_band = false;
    style.spacing.button_padding = vec2(12.0, 6.0);
    style.spacing.interact_size.y = 32.0;
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.extra_text_line_spacing = 3.0;
    style.interaction.tooltip_delay = 0.4;
    style.text_styles = [
        (TextStyle::Small, FontId::new(12.0, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(15.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(14.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(13.5, FontFamily::Monospace)),
        (TextStyle::Heading, FontId::new(22.0, FontFamily::Proportional)),
    ]
    .into();
}

fn visuals(theme: Theme, t: Tokens) -> Visuals {
    let mut v = if theme == Theme::Dark { Visuals::dark() } else { Visuals::light() };
    v.panel_fill = t.canvas;
    v.window_fill = t.raised;
    v.extreme_bg_color = t.input;
    v.text_edit_bg_color = Some(t.input);
    v.faint_bg_color = t.hover;
    v.hyperlink_color = t.accent;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.danger;
    v.weak_text_color = Some(t.text_3);
    v.selection.bg_fill = t.selected;
    v.selection.stroke = Stroke::new(1.5, t.accent);
    v.window_stroke = Stroke::new(1.0, t.line);
    v.window_corner_radius = CornerRadius::same(12);
    v.menu_corner_radius = CornerRadius::same(8);
    v.text_cursor.stroke = Stroke::new(2.0, t.accent);
    let rest = (t.raised, t.line, t.text_2);
    let near = (t.hover, t.line, t.text);
    let down = (t.selected, t.accent, t.text);
    let w = &mut v.widgets;
    for (widget, (fill, outline, text)) in [
        (&mut w.noninteractive, (t.canvas, t.line, t.text)),
        (&mut w.inactive, rest),
        (&mut w.hovered, near),
        (&mut w.active, down),
        (&mut w.open, near),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, outline);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    v
}

/// A colour between two others.
pub(crate) fn between(one: Color32, other: Color32, part: f32) -> Color32 {
    one.lerp_to_gamma(other, part)
}
