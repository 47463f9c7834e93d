//! Who is in the team, and who of them is there.

use egui::accesskit::Role as Spoken;
use egui::{
    Align, CentralPanel, Frame, Label, Layout, Margin, Panel, RichText, ScrollArea, Sense, Ui,
    UiBuilder, vec2,
};
use ui_model::{Intent, Member, Role, State, span};

use crate::icons::Icon;
use crate::press::Press;
use crate::{avatar, bidi, theme};

/// At the right edge.
pub(crate) fn pane(state: &State, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    let panel = Panel::right("members").default_size(300.0).size_range(240.0..=420.0);
    panel.frame(Frame::new().fill(t.sidebar)).show(ui, |ui| {
        ui.visuals_mut().panel_fill = t.sidebar;
        show(state, ui, out);
    });
}

/// In all of `ui`.
pub(crate) fn show(state: &State, ui: &mut Ui, out: &mut Vec<Intent>) {
    let frame = Frame::new().inner_margin(Margin::symmetric(16, 8));
    let top = Panel::top("members-header").exact_size(52.0).resizable(false);
    top.frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(theme::strong("Members").size(16.0));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if Press::icon(Icon::Close, "Close members (Esc)").show(ui).clicked() {
                    out.push(Intent::ToggleMembers);
                }
            });
        });
    });
    CentralPanel::no_frame().show(ui, |ui| {
        let builder =
            UiBuilder::new().accessibility_role(Spoken::List).accessibility_label("Members");
        ui.scope_builder(builder, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.add_space(4.0);
                let mut last = None;
                for member in state.members() {
                    let first = last.replace(&member.user) != Some(&member.user);
                    row(state, member, first, ui);
                }
            });
        });
    });
}

/// One device; its person stands above the first one.
fn row(state: &State, member: &Member, first: bool, ui: &mut Ui) {
    let t = theme::of(ui);
    let presence = presence(state, member);
    let role = match member.role {
        Role::Root => "member tool",
        Role::Admin => "admin",
        Role::Member => "",
    };
    let spoken: Vec<&str> = [
        member.user.as_str(),
        member.name.as_str(),
        role,
        presence.as_str(),
        if member.two_faced { "shows two histories" } else { "" },
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    let builder = UiBuilder::new()
        .scope_id(egui::Id::unique(("member", member.number)))
        .sense(Sense::hover())
        .accessibility_role(Spoken::ListItem)
        .accessibility_label(bidi::tidy(&spoken.join(", ")));
    ui.scope_builder(builder, |ui| {
        let margin = Margin { left: 16, right: 16, top: if first { 8 } else { 0 }, bottom: 2 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                if first {
                    avatar::show(ui, &member.user, AVATAR);
                } else {
                    ui.allocate_exact_size(vec2(AVATAR, 1.0), Sense::hover());
                }
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    if first {
                        let name = theme::strong(bidi::one_line(&member.user)).size(14.0);
                        ui.add(Label::new(name.color(t.text)).truncate());
                    }
                    ui.horizontal(|ui| {
                        ui.spacing_mut().interact_size.y = 18.0;
                        ui.spacing_mut().item_spacing.x = 6.0;
                        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
                        let here = member.reachable || member.own;
                        ui.painter().circle_filled(
                            dot.center(),
                            4.0,
                            if here { t.ok } else { t.line },
                        );
                        let name = RichText::new(bidi::one_line(&member.name)).size(13.0);
                        ui.label(name.color(t.text_2));
                        if !role.is_empty() {
                            ui.label(RichText::new(role).size(12.0).color(t.accent));
                        }
                        let note = RichText::new(&presence).size(12.0).color(t.text_3);
                        ui.add(Label::new(note).truncate());
                    });
                    if member.two_faced {
                        let text = RichText::new("Shows two histories").size(12.5);
                        ui.label(text.color(t.danger));
                    }
                });
            });
        });
    });
}

fn presence(state: &State, member: &Member) -> String {
    match (member.own, member.reachable, member.heard) {
        (true, ..) => "this device".to_owned(),
        (_, true, _) => "there now".to_owned(),
        (_, _, Some(heard)) => format!("{} ago", span(state.now.0.saturating_sub(heard.0))),
        (_, _, None) => "not heard of yet".to_owned(),
    }
}

const AVATAR: f32 = 32.0;
