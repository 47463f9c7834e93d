//! Where messages are written.

use egui::{
    Align, Color32, Event, EventFilter, Frame, Key, KeyboardShortcut, Label, Layout, Margin,
    Modifiers, Panel, RichText, ScrollArea, Stroke, StrokeKind, TextEdit, Ui,
};
use ui_model::{Command, Intent, Scope, State, Talk, Words};

use crate::icons::Icon;
use crate::local::{Local, composer_id, focus};
use crate::press::{Press, Weight};
use crate::region::Region;
use crate::theme;

pub(crate) fn show(
    state: &State,
    local: &mut Local,
    ui: &mut Ui,
    talk: Talk,
    hint: &str,
    region: Region,
    out: &mut Vec<Intent>,
) {
    let t = theme::of(ui);
    let behind = ui.visuals().panel_fill;
    let margin = Margin {
        left: 16,
        right: 16,
        top: 8,
        bottom: 14,
    };
    let panel = Panel::bottom(("composer", region))
        .resizable(false)
        .show_separator_line(false);
    let area = panel
        .frame(Frame::new().fill(behind).inner_margin(margin))
        .show(ui, |ui| {
            if let Some(trouble) = state.send_trouble(talk) {
                let trouble = RichText::new(&trouble.0).size(13.0).color(t.danger);
                ui.add(Label::new(trouble).wrap());
            }
            let frame = Frame::new()
                .fill(t.input)
                .stroke(Stroke::new(1.0, t.line))
                .corner_radius(10);
            let inner = frame.inner_margin(Margin::symmetric(10, 7)).show(ui, |ui| {
                ui.with_layout(Layout::right_to_left(Align::Max), |ui| {
                    let send = send_button(state, ui, talk, region);
                    if send.clicked() {
                        out.push(Intent::Send(talk));
                        focus(ui, composer_id(talk));
                    }
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        field(state, ui, talk, hint, out);
                    });
                });
            });
            if ui.memory(|memory| memory.has_focus(composer_id(talk))) {
                let ring = Stroke::new(1.5, t.accent);
                ui.painter()
                    .rect_stroke(inner.response.rect, 10.0, ring, StrokeKind::Inside);
            }
            bytes_left(state, ui, talk);
        });
    local
        .regions
        .show(region, area.response.rect, composer_id(talk));
}

fn field(state: &State, ui: &mut Ui, talk: Talk, hint: &str, out: &mut Vec<Intent>) {
    let id = composer_id(talk);
    if ui.memory(|memory| memory.has_focus(id)) {
        for command in crate::chords::take(ui, Scope::Composer) {
            if command == Command::Send {
                out.push(Intent::Send(talk));
            } else if command == Command::NewLine {
                // The table takes the key; the field gets it back as its own.
                ui.input_mut(|input| input.events.push(shift_enter()));
            }
        }
    }
    let mut text = state.draft(talk).to_owned();
    ScrollArea::vertical().max_height(132.0).show(ui, |ui| {
        let name = if talk.thread.is_some() {
            "Thread composer"
        } else {
            "Message composer"
        };
        let edit = TextEdit::multiline(&mut text)
            .id(id)
            .hint_text(RichText::new(hint).color(theme::of(ui).text_3))
            .desired_rows(1)
            .desired_width(f32::INFINITY)
            .frame(Frame::NONE.inner_margin(Margin {
                left: 2,
                right: 2,
                top: 7,
                bottom: 5,
            }))
            .background_color(Color32::TRANSPARENT)
            .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter))
            .event_filter(EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                tab: false,
                escape: false,
            });
        let response = ui.add(edit).accessible_name(name);
        if response.changed() {
            out.insert(0, Intent::Draft(talk, Words::new(text.as_str())));
        }
    });
}

fn send_button(state: &State, ui: &mut Ui, talk: Talk, region: Region) -> egui::Response {
    let name = if region == Region::ThreadComposer {
        "Send reply"
    } else {
        "Send"
    };
    Press::new("Send")
        .with(Icon::Send)
        .weight(Weight::Primary)
        .enabled(state.can_send(talk))
        .named(name)
        .hint("Enter sends, Shift+Enter makes a new line")
        .show(ui)
}

fn bytes_left(state: &State, ui: &mut Ui, talk: Talk) {
    let t = theme::of(ui);
    let left = state.bytes_left(talk);
    if left > NEAR_THE_LIMIT {
        return;
    }
    let (text, colour) = if left < 0 {
        (format!("{} bytes too long", left.unsigned_abs()), t.danger)
    } else {
        (format!("{left} bytes left"), t.text_3)
    };
    ui.label(RichText::new(text).size(12.0).color(colour));
}

fn shift_enter() -> Event {
    Event::Key {
        key: Key::Enter,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::SHIFT,
    }
}

/// Bytes from the limit at which it is shown.
const NEAR_THE_LIMIT: i64 = 200;
