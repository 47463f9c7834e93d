//! The quick switcher: a few letters, and there.

use egui::{Frame, Id, Key, Margin, Modal, ScrollArea, Stroke, TextEdit, Ui};
use ui_model::{Intent, Jump, State, Target};

use crate::icons::Icon;
use crate::local::Local;
use crate::press::{Press, Weight};
use crate::{bidi, screen, theme};

/// What is typed and chosen in it.
#[derive(Debug, Default)]
pub(crate) struct Switcher {
    query: String,
    chosen: usize,
}

pub(crate) fn show(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let Some(mut switcher) = local.switcher.take() else {
        return;
    };
    let t = theme::of(ui);
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(12)
        .inner_margin(Margin::same(12));
    let modal = Modal::new(Id::unique("switcher")).frame(frame);
    let shown = modal.show(ui.ctx(), |ui| {
        let width = (ui.ctx().content_rect().width() - 80.0).clamp(240.0, 460.0);
        ui.set_width(width);
        let jumps = state.jumps(&switcher.query);
        keys(&mut switcher, jumps.len(), ui);
        query(&mut switcher, ui);
        ui.add_space(6.0);
        let enter = ui.input(|input| input.key_pressed(Key::Enter));
        list(&switcher, &jumps, ui).or_else(|| {
            let chosen = jumps.get(switcher.chosen).filter(|_| enter);
            chosen.map(|jump| jump.target)
        })
    });
    match shown.inner {
        Some(Target::Channel(team, channel)) => out.push(Intent::OpenChannel(team, channel)),
        Some(Target::Command(command)) => screen::run(command, state, local, ui, out),
        None if shown.should_close() => {}
        None => local.switcher = Some(switcher),
    }
}

fn keys(switcher: &mut Switcher, count: usize, ui: &mut Ui) {
    let (up, down) = ui.input_mut(|input| {
        let none = egui::Modifiers::NONE;
        (
            input.count_and_consume_key(none, Key::ArrowUp),
            input.count_and_consume_key(none, Key::ArrowDown),
        )
    });
    let last = count.saturating_sub(1);
    switcher.chosen = switcher.chosen.saturating_add(down).saturating_sub(up).min(last);
}

fn query(switcher: &mut Switcher, ui: &mut Ui) {
    let t = theme::of(ui);
    let hint = egui::RichText::new("Jump to a channel or command").color(t.text_3);
    let edit = TextEdit::singleline(&mut switcher.query)
        .hint_text(hint)
        .desired_width(f32::INFINITY)
        .text_color(t.text)
        .margin(Margin::symmetric(10, 8));
    let response = ui.add(edit).accessible_name("Quick switcher");
    if response.changed() {
        switcher.chosen = 0;
    }
    response.request_focus();
}

fn list(switcher: &Switcher, jumps: &[Jump], ui: &mut Ui) -> Option<Target> {
    let t = theme::of(ui);
    let mut gone_to = None;
    if jumps.is_empty() {
        ui.label(egui::RichText::new("Nothing matches.").color(t.text_2));
    }
    ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (at, jump) in jumps.iter().enumerate() {
            let label = bidi::one_line(&jump.label);
            let note = bidi::one_line(&jump.note);
            let is_channel = matches!(jump.target, Target::Channel(..));
            let icon = if is_channel { Icon::Hash } else { Icon::Run };
            let name = match jump.target {
                Target::Channel(..) => format!("Go to {}", bidi::tidy(&jump.label)),
                Target::Command(_) => jump.label.clone(),
            };
            let row = Press::new(&label)
                .with(icon)
                .note(&note, t.text_3)
                .weight(Weight::Ghost)
                .selected(at == switcher.chosen)
                .named(name)
                .width(ui.available_width());
            let response = row.show(ui);
            if at == switcher.chosen && !response.rect.intersects(ui.clip_rect().shrink(8.0)) {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                gone_to = Some(jump.target);
            }
        }
    });
    gone_to
}
