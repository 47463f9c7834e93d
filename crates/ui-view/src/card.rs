//! A card in the middle of the window, for everything before the first message.

use egui::{
    CentralPanel, Frame, Label, Margin, Response, RichText, ScrollArea, Sense, Stroke, Ui, vec2,
};

use crate::theme;

/// The bare window.
pub(crate) fn empty(ui: &mut Ui) {
    let t = theme::of(ui);
    CentralPanel::no_frame().frame(Frame::new().fill(t.sidebar)).show(ui, |_| {});
}

/// Shows a card of at most this width.
pub(crate) fn show<R>(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let t = theme::of(ui);
    let panel = CentralPanel::no_frame().frame(Frame::new().fill(t.sidebar));
    let shown = panel.show(ui, |ui| {
        let scroll = ScrollArea::vertical().auto_shrink(false);
        scroll.show(ui, |ui| {
            let width = width.min(ui.available_width() - 24.0);
            let left = ((ui.available_width() - width) / 2.0).max(0.0);
            ui.add_space((ui.available_height() * 0.12).max(12.0));
            ui.horizontal_top(|ui| {
                ui.add_space(left);
                let frame = Frame::new()
                    .fill(t.raised)
                    .stroke(Stroke::new(1.0, t.line))
                    .corner_radius(12)
                    .inner_margin(Margin::same(28));
                let card = frame.show(ui, |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(width - 58.0);
                        ui.spacing_mut().item_spacing.y = 8.0;
                        contents(ui)
                    })
                });
                card.inner.inner
            })
            .inner
        })
    });
    shown.inner.inner
}

/// The mark of the program: two bubbles, one inside the other's shade.
pub(crate) fn mark(ui: &mut Ui) {
    let t = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(44.0, 44.0), Sense::hover());
    ui.painter().rect_filled(rect, 13.0, t.accent);
    let behind = egui::Rect::from_min_size(rect.min + vec2(15.0, 10.0), vec2(20.0, 15.0));
    let before = egui::Rect::from_min_size(rect.min + vec2(9.0, 18.0), vec2(20.0, 15.0));
    let soft = theme::between(t.accent, t.on_accent, 0.45);
    ui.painter().rect_filled(behind, 5.0, soft);
    ui.painter().rect(
        before,
        5.0,
        t.on_accent,
        Stroke::new(2.0, t.accent),
        egui::StrokeKind::Outside,
    );
}

/// The card's title and the sentence under it.
pub(crate) fn title(ui: &mut Ui, title: &str, sentence: &str) {
    let t = theme::of(ui);
    ui.add_space(4.0);
    ui.label(theme::strong(title).size(22.0).color(t.text));
    paragraph(ui, sentence);
    ui.add_space(6.0);
}

/// A sentence for the person.
pub(crate) fn paragraph(ui: &mut Ui, sentence: &str) -> Response {
    let t = theme::of(ui);
    ui.add(Label::new(RichText::new(sentence).size(14.5).color(t.text_2)).wrap())
}

/// What went wrong.
pub(crate) fn trouble(ui: &mut Ui, sentence: &str) {
    let t = theme::of(ui);
    let frame =
        Frame::new().fill(t.danger_bg).corner_radius(6).inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let label = ui.add(Label::new(RichText::new(sentence).size(14.0).color(t.text)).wrap());
        ui.ctx().accesskit_node_builder(label.id, |node| {
            node.set_role(egui::accesskit::Role::Alert);
            node.set_live(egui::accesskit::Live::Assertive);
        });
    });
}
