//! The channels of the open team, and who is sitting here.

use egui::accesskit::Role;
use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, ScrollArea, Ui, UiBuilder};
use ui_model::{Command, Confinement, Intent, State};

use crate::icons::{self, Icon};
use crate::local::Local;
use crate::press::{Press, Weight};
use crate::region::Region;
use crate::{avatar, bidi, screen, theme};

pub(crate) fn show(
    state: &State,
    local: &mut Local,
    ui: &mut Ui,
    width: f32,
    out: &mut Vec<Intent>,
) {
    let t = theme::of(ui);
    let frame = Frame::new().fill(t.sidebar).inner_margin(Margin::symmetric(8, 12));
    let panel = Panel::left("sidebar").exact_size(width).resizable(false);
    panel.show_separator_line(false).frame(frame).show(ui, |ui| {
        let label = "Channels";
        let builder =
            UiBuilder::new().accessibility_role(Role::Navigation).accessibility_label(label);
        ui.scope_builder(builder, |ui| {
            top(state, local, ui, out);
            me(state, ui);
            channels(state, local, ui, out);
        });
    });
}

fn top(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        let team = state.team().map(|team| bidi::one_line(&team.name)).unwrap_or_default();
        ui.add(Label::new(theme::strong(team).size(16.0).color(t.text)).truncate());
    });
    ui.add_space(4.0);
    let width = ui.available_width();
    let jump = Press::new("Jump to…").with(Icon::Search).note("Ctrl K", t.text_3).width(width);
    if jump.named("Jump to a channel (Ctrl+K)").show(ui).clicked() {
        screen::run(Command::Switcher, state, local, ui, out);
    }
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.add_space(8.0);
        ui.label(RichText::new("CHANNELS").size(11.5).color(t.text_3));
    });
}

fn channels(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let Some(open) = state.open() else { return };
    let area = ui.max_rect();
    let t = theme::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for channel in state.channels(open.team) {
            let selected = channel.id == open.channel;
            let unread = state.unread(open.team, channel.id);
            let draft = state.has_draft(open.team, channel.id) && !selected;
            let name = bidi::one_line(&channel.name);
            let mut spoken = format!("{} channel", bidi::tidy(&channel.name));
            if unread > 0 {
                spoken.push_str(&format!(", {unread} unread"));
            }
            if draft {
                spoken.push_str(", has a draft");
            }
            let note = match (unread, draft) {
                (0, true) => "draft".to_owned(),
                (0, false) => String::new(),
                (1_000.., _) => "999+".to_owned(),
                (unread, _) => unread.to_string(),
            };
            let colour = if unread > 0 { t.text } else { t.text_3 };
            let row = Press::new(&name)
                .with(Icon::Hash)
                .weight(Weight::Ghost)
                .selected(selected)
                .bold(unread > 0)
                .note(&note, colour)
                .named(spoken)
                .width(ui.available_width());
            let response = row.show(ui);
            if selected {
                local.regions.show(Region::Channels, area, response.id);
            }
            if response.clicked() {
                local.drawer = false;
                out.push(Intent::OpenChannel(open.team, channel.id));
            }
        }
    });
}

/// Who is sitting here, at the bottom.
fn me(state: &State, ui: &mut Ui) {
    let t = theme::of(ui);
    let Some(me) = state.me() else { return };
    let panel = Panel::bottom("me").resizable(false).show_separator_line(false);
    panel.frame(Frame::new().fill(t.sidebar).inner_margin(Margin::symmetric(8, 0))).show(
        ui,
        |ui| {
            confinement(state, ui);
            ui.horizontal(|ui| {
                avatar::show(ui, &me.name, 32.0);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let name = theme::strong(bidi::one_line(&me.name)).size(14.0).color(t.text);
                    ui.add(Label::new(name).truncate());
                    let device =
                        RichText::new(bidi::one_line(&me.device)).size(12.0).color(t.text_3);
                    ui.add(Label::new(device).truncate());
                });
            });
        },
    );
}

/// Says so if the processes are less confined than designed.
fn confinement(state: &State, ui: &mut Ui) {
    let t = theme::of(ui);
    let Confinement::Reduced(lacks) = state.confinement() else {
        return;
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.x = 6.0;
        icons::show(ui, Icon::Shield, 14.0, t.warn, None);
        let text = RichText::new("Reduced confinement").size(12.0).color(t.warn);
        ui.label(text).on_hover_text(lacks);
    });
    ui.add_space(6.0);
}
