//! The line above the messages.

use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, Sense, Ui, vec2};
use ui_model::{Link, State};

use crate::icons::{self, Icon};
use crate::local::Local;
use crate::press::Press;
use crate::{bidi, theme};

pub(crate) fn show(state: &State, local: &mut Local, ui: &mut Ui, slim: bool) {
    let t = theme::of(ui);
    let frame = Frame::new().inner_margin(Margin::symmetric(16, 8));
    Panel::top("header").exact_size(52.0).resizable(false).frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            if slim && Press::icon(Icon::Menu, "Channels").show(ui).clicked() {
                local.drawer = !local.drawer;
            }
            icons::show(ui, Icon::Hash, 18.0, t.text_3, None);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                status(state, ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let name = bidi::one_line(state.channel_name());
                    let name = theme::strong(name).size(16.0).color(t.text);
                    ui.add(Label::new(name).truncate());
                });
            });
        });
    });
}

/// Whether messages get through, in one word.
fn status(state: &State, ui: &mut Ui) {
    let t = theme::of(ui);
    let (colour, word) = match state.link() {
        Link::Unknown => return,
        Link::Online => (t.ok, "Connected"),
        Link::NoRelay => (t.text_3, "No relay"),
        Link::Offline { .. } => (t.warn, "Offline"),
    };
    ui.label(RichText::new(word).size(13.0).color(t.text_2));
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, colour);
    icons::show(ui, Icon::Lock, 14.0, t.text_3, Some("End-to-end encrypted"));
}
