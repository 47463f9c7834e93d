//! The teams at the left edge.

use egui::accesskit::Role;
use egui::{
    Align, Align2, FontId, Frame, Layout, Margin, Panel, Sense, StrokeKind, Ui, UiBuilder,
    WidgetInfo, vec2,
};
use ui_model::{Command, Intent, State, TeamEntry};

use crate::icons::Icon;
use crate::local::Local;
use crate::press::{Press, focus_ring};
use crate::region::Region;
use crate::{avatar, bidi, screen, theme};

pub(crate) fn show(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    let frame = Frame::new().fill(t.rail).inner_margin(Margin::symmetric(12, 12));
    let panel = Panel::left("rail").exact_size(64.0).resizable(false).show_separator_line(false);
    panel.frame(frame).show(ui, |ui| {
        let builder =
            UiBuilder::new().accessibility_role(Role::Navigation).accessibility_label("Teams");
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing.y = 10.0;
            let mut stop = None;
            for team in state.teams() {
                let response = tile(state, ui, team);
                if is_open(state, team) || stop.is_none() {
                    stop = Some(response.id);
                }
                if response.clicked() {
                    out.push(Intent::OpenTeam(team.id));
                }
            }
            let join = Press::icon(Icon::Plus, "Join a team").height(40.0).radius(12).show(ui);
            if join.clicked() {
                out.push(Intent::BeginJoin);
            }
            let area = ui.max_rect();
            local.regions.show(Region::Teams, area, stop.unwrap_or(join.id));
            ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
                let lock = Press::icon(Icon::Lock, "Lock (Ctrl+Shift+L)").height(40.0).show(ui);
                if lock.clicked() {
                    out.push(Intent::Lock);
                }
                let dark = ui.visuals().dark_mode;
                let (icon, name) = if dark {
                    (Icon::Sun, "Switch to light")
                } else {
                    (Icon::Moon, "Switch to dark")
                };
                if Press::icon(icon, name).height(40.0).show(ui).clicked() {
                    screen::run(Command::Theme, state, local, ui, out);
                }
            });
        });
    });
}

fn is_open(state: &State, team: &TeamEntry) -> bool {
    state.open().is_some_and(|open| open.team == team.id)
}

fn tile(state: &State, ui: &mut Ui, team: &TeamEntry) -> egui::Response {
    let t = theme::of(ui);
    let open = is_open(state, team);
    let (rect, response) = ui.allocate_exact_size(vec2(40.0, 40.0), Sense::click());
    let unread = state.team_unread(team.id);
    let name = bidi::tidy(&team.name);
    let label = if unread > 0 { format!("{name}, {unread} unread") } else { name.to_string() };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, &label));
    let (fill, text) = if open {
        (t.accent, t.on_accent)
    } else if response.hovered() {
        (t.selected, t.text)
    } else {
        (t.hover, t.text_2)
    };
    ui.painter().rect(rect, 12.0, fill, egui::Stroke::NONE, StrokeKind::Inside);
    let initials = avatar::initials(&team.name);
    let font = FontId::proportional(15.0);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, initials, font, text);
    if unread > 0 && !open {
        ui.painter().circle_filled(rect.right_top() + vec2(-3.0, 3.0), 6.5, t.rail);
        ui.painter().circle_filled(rect.right_top() + vec2(-3.0, 3.0), 4.5, t.danger);
    }
    focus_ring(ui, rect.expand(2.0), 14, response.has_focus());
    response.on_hover_text(bidi::one_line(&team.name))
}
