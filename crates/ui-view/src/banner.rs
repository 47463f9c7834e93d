//! What the person should know now, above the messages: what is wrong and what still works.

use egui::accesskit::{Live, Role};
use egui::{Align, Color32, Frame, Id, Label, Layout, Margin, Panel, RichText, Ui};
use ui_model::{Confinement, Intent, Link, State, Weight};

use crate::icons::{self, Icon};
use crate::press::Press;
use crate::{bidi, theme};

pub(crate) fn show(state: &State, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    if let Confinement::Absent(why) = state.confinement() {
        let text = format!("Nothing confines these processes: {why}");
        strip(ui, "unconfined", Icon::Shield, t.danger, t.danger_bg, &text, |_| {});
    }
    if let Link::Offline { since, why } = state.link() {
        let text = offline(state, &state.zone.time(*since).to_string(), why);
        strip(ui, "offline", Icon::NoCloud, t.warn, t.warn_bg, &text, |_| {});
    }
    for (number, advice) in state.advice().iter().take(MOST_STRIPS).enumerate() {
        let (icon, colour, behind) = match advice.weight {
            Weight::Alarm => (Icon::Failed, t.danger, t.danger_bg),
            Weight::Warning => (Icon::Failed, t.warn, t.warn_bg),
            Weight::Calm => (Icon::NoCloud, t.text_2, t.raised),
        };
        strip(ui, ("advice", number), icon, colour, behind, &advice.text, |_| {});
    }
    if let Some(notice) = state.notice() {
        strip(ui, "notice", Icon::Failed, t.warn, t.warn_bg, notice, |ui| {
            if Press::icon(Icon::Close, "Dismiss notice").height(28.0).show(ui).clicked() {
                out.push(Intent::DismissNotice);
            }
        });
    }
}

fn offline(state: &State, since: &str, why: &str) -> String {
    let mut text = format!("No relay since {since}.");
    match state.waiting() {
        0 => text.push_str(" What you write waits here."),
        1 => text.push_str(" 1 message waits here."),
        count => text.push_str(&format!(" {count} messages wait here.")),
    }
    if !why.is_empty() {
        text.push(' ');
        text.push_str(why);
    }
    text
}

fn strip(
    ui: &mut Ui,
    id: impl std::hash::Hash + std::fmt::Debug,
    icon: Icon,
    colour: Color32,
    behind: Color32,
    text: &str,
    end: impl FnOnce(&mut Ui),
) {
    let t = theme::of(ui);
    let frame = Frame::new().fill(behind).inner_margin(Margin::symmetric(16, 4));
    let panel =
        Panel::top(Id::unique(id)).exact_size(36.0).resizable(false).show_separator_line(false);
    panel.frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            icons::show(ui, icon, 17.0, colour, None);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                end(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let line = RichText::new(bidi::one_line(text)).size(13.0).color(t.text);
                    let label = ui.add(Label::new(line).truncate());
                    ui.ctx().accesskit_node_builder(label.id, |node| {
                        node.set_role(Role::Status);
                        node.set_live(Live::Polite);
                    });
                });
            });
        });
    });
}

/// So much of the window at most may be told about the team; the rest is less.
const MOST_STRIPS: usize = 3;
