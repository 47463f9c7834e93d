//! Where messages are written.

use egui::{
    Align2, Color32, Event, EventFilter, Frame, Key, KeyboardShortcut, Label, Margin, Modifiers,
    Panel, RichText, ScrollArea, Stroke, StrokeKind, TextEdit, Ui, UiBuilder, Vec2, pos2, vec2,
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
    let margin = Margin { left: 16, right: 16, top: 8, bottom: 14 };
    let panel = Panel::bottom(("composer", region)).resizable(false).show_separator_line(false);
    if state.is_removed_from(talk.team) {
        panel.frame(Frame::new().inner_margin(margin)).show(ui, closed);
        return;
    }
    let area = panel.frame(Frame::new().inner_margin(margin)).show(ui, |ui| {
        if let Some(trouble) = state.send_trouble(talk) {
            let trouble = RichText::new(&trouble.0).size(13.0).color(t.danger);
            ui.add(Label::new(trouble).wrap());
        }
        let frame = Frame::new().fill(t.input).stroke(Stroke::new(1.0, t.line)).corner_radius(10);
        let inner = frame.inner_margin(Margin::symmetric(10, 7)).show(ui, |ui| {
            let width = ui.available_width();
            ui.set_width(width);
            let text = ui.scope(|ui| {
                ui.set_width((width - SEND.x - 8.0).max(40.0));
                field(state, ui, talk, hint, out);
            });
            // At the last line of the text, beside it.
            let corner = pos2(ui.max_rect().right(), text.response.rect.bottom());
            let rect = Align2::RIGHT_BOTTOM.anchor_size(corner, SEND);
            let mut beside = ui.new_child(UiBuilder::new().id_salt("send").max_rect(rect));
            if send_button(state, &mut beside, talk, region).clicked() {
                out.push(Intent::Send(talk));
                focus(ui, composer_id(talk));
            }
        });
        if ui.memory(|memory| memory.has_focus(composer_id(talk))) {
            let ring = Stroke::new(1.5, t.accent);
            ui.painter().rect_stroke(inner.response.rect, 10.0, ring, StrokeKind::Inside);
        }
        bytes_left(state, ui, talk);
    });
    local.regions.show(region, area.response.rect, composer_id(talk));
}

/// In place of the field, where this device was removed.
fn closed(ui: &mut Ui) {
    let t = theme::of(ui);
    let frame = Frame::new().fill(t.raised).corner_radius(10);
    frame.inner_margin(Margin::symmetric(14, 12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let text =
            "You can read what was said here. Nothing new comes, and nothing can be written.";
        ui.add(Label::new(RichText::new(text).size(14.0).color(t.text_2)).wrap());
    });
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
    ScrollArea::vertical().max_height(TALLEST).min_scrolled_height(TALLEST).show(ui, |ui| {
        let name = if talk.thread.is_some() { "Thread composer" } else { "Message composer" };
        let edit = TextEdit::multiline(&mut text)
            .id(id)
            .hint_text(RichText::new(hint).color(theme::of(ui).text_3))
            .desired_rows(1)
            .text_color(theme::of(ui).text)
            .desired_width(f32::INFINITY)
            .frame(Frame::NONE.inner_margin(Margin { left: 2, right: 2, top: 7, bottom: 5 }))
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
    let name = if region == Region::ThreadComposer { "Send reply" } else { "Send" };
    Press::new("Send")
        .with(Icon::Send)
        .weight(Weight::Primary)
        .enabled(state.can_send(talk))
        .named(name)
        .width(SEND.x)
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

/// The size of the button that sends.
const SEND: Vec2 = vec2(82.0, 32.0);

/// The height of the text before it scrolls: six lines.
const TALLEST: f32 = 138.0;

/// Bytes from the limit at which it is shown.
const NEAR_THE_LIMIT: i64 = 200;
