//! The line above the messages.

use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, Sense, Ui, vec2};
use ui_model::{Intent, Link, State};

use crate::icons::{self, Icon};
use crate::local::Local;
use crate::press::{Press, Weight};
use crate::{bidi, theme};

pub(crate) fn show(
    state: &State,
    local: &mut Local,
    ui: &mut Ui,
    slim: bool,
    out: &mut Vec<Intent>,
) {
    let t = theme::of(ui);
    let frame = Frame::new().inner_margin(Margin::symmetric(16, 8));
    Panel::top("header").exact_size(52.0).resizable(false).frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            if slim && Press::icon(Icon::Menu, "Channels").show(ui).clicked() {
                local.drawer = !local.drawer;
            }
            icons::show(ui, Icon::Hash, 18.0, t.text_3, None);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                members(state, ui, out);
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

/// How many others are there, and the way to them.
fn members(state: &State, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    let health = state.open().and_then(|open| state.health(open.team));
    let there = health.map_or(0, |health| health.reachable.len());
    let note = if there == 0 { String::new() } else { there.to_string() };
    let name = match there {
        0 => "Members".to_owned(),
        1 => "Members, 1 other device is there".to_owned(),
        count => format!("Members, {count} other devices are there"),
    };
    let press = Press::new("").with(Icon::People).weight(Weight::Ghost).note(&note, t.text_3);
    let press = press.selected(state.shows_members()).hint(name.clone()).named(name);
    if press.show(ui).clicked() {
        out.push(Intent::ToggleMembers);
    }
}

/// Whether messages get through, in one word.
fn status(state: &State, ui: &mut Ui) {
    let t = theme::of(ui);
    let (colour, word) = match state.link() {
        Link::Unknown => return,
        Link::Online { .. } => (t.ok, "Connected"),
        Link::NoRelay => (t.text_3, "No relay"),
        Link::Offline { .. } => (t.warn, "Offline"),
    };
    ui.label(RichText::new(word).size(13.0).color(t.text_2));
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, colour);
    icons::show(ui, Icon::Lock, 14.0, t.text_3, Some("End-to-end encrypted"));
}
