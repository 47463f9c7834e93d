//! Joining a team: paste the link, compare the fingerprint, hand over the hash.

use egui::accesskit::Role;
use egui::{Align2, FontId, Frame, Label, Margin, RichText, Sense, Stroke, Ui, WidgetInfo, vec2};
use names::TeamId;
use ui_model::{Fingerprint, Intent, Join, Offer, State, Trouble};

use crate::icons::Icon;
use crate::local::Local;
use crate::press::{Press, Weight};
use crate::{bidi, card, door, theme};

pub(crate) fn show(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let Some(join) = state.join() else { return };
    card::show(ui, 560.0, |ui| {
        match join {
            Join::Entering { trouble } => enter(local, ui, trouble.as_ref(), false, out),
            Join::Checking { .. } => enter(local, ui, None, true, out),
            Join::Confirming { offer, trouble, .. } => {
                confirm(ui, offer, trouble.as_ref(), false, out);
            }
            Join::Publishing { offer, .. } => confirm(ui, offer, None, true, out),
            Join::Waiting { hash } => wait(ui, hash),
        }
        let leave = if state.teams().is_empty() { None } else { Some("Back to your teams") };
        if let Some(leave) = leave
            && Press::new(leave).with(Icon::Back).weight(Weight::Ghost).show(ui).clicked()
        {
            out.push(Intent::LeaveJoin);
        }
    });
}

fn enter(
    local: &mut Local,
    ui: &mut Ui,
    trouble: Option<&Trouble>,
    busy: bool,
    out: &mut Vec<Intent>,
) {
    step(ui, 1);
    let sentence = "Ask the admin of the team for its link, and paste it here.";
    card::title(ui, "Join a team", sentence);
    let wants_focus = std::mem::take(&mut local.first_field);
    let enter = door::field(ui, "Team link", "Paste the link", &mut local.link, wants_focus);
    if let Some(trouble) = trouble {
        card::trouble(ui, &trouble.0);
    }
    ui.add_space(4.0);
    let ready = !local.link.trim().is_empty() && !busy;
    let text = if busy { "Reading the link…" } else { "Continue" };
    if primary(ui, text, ready) || (enter && ready) {
        out.push(Intent::EnterLink(local.link.clone()));
    }
}

fn confirm(
    ui: &mut Ui,
    offer: &Offer,
    trouble: Option<&Trouble>,
    busy: bool,
    out: &mut Vec<Intent>,
) {
    step(ui, 2);
    let sentence = "Compare this fingerprint with the one that the admin tells you, in person or \
                    on a call. If a single group differs, the link is not from them.";
    card::title(ui, "Is this the right organisation?", sentence);
    fact(ui, "Organisation", &organisation(offer.team));
    fact(ui, "Team", &team(offer.team));
    fact(ui, "Relay", &bidi::one_line(&offer.relay));
    ui.add_space(4.0);
    groups(ui, "Fingerprint of the organisation", &offer.root);
    if let Some(trouble) = trouble {
        card::trouble(ui, &trouble.0);
    }
    ui.add_space(4.0);
    let text = if busy { "Making your key package…" } else { "It is the same" };
    if primary(ui, text, !busy) {
        out.push(Intent::ConfirmJoin);
    }
    let other = Press::new("It differs, or I cannot compare").enabled(!busy).centred();
    if other.width(ui.available_width()).height(40.0).show(ui).clicked() {
        out.push(Intent::BeginJoin);
    }
}

fn wait(ui: &mut Ui, hash: &Fingerprint) {
    step(ui, 3);
    let sentence = "Give this hash to the admin, whole, in a way that nobody can change it. \
                    The team opens here as soon as the admin has added this device.";
    card::title(ui, "Waiting for the admin", sentence);
    groups(ui, "Hash of your key package", hash);
    ui.add_space(4.0);
    let copy = Press::new("Copy hash").with(Icon::Copy).weight(Weight::Primary);
    if copy.width(ui.available_width()).height(40.0).show(ui).clicked() {
        ui.ctx().copy_text(hash.to_string());
    }
}

fn step(ui: &mut Ui, number: u8) {
    let t = theme::of(ui);
    let text = format!("Step {number} of 3");
    ui.label(RichText::new(text).size(12.5).color(t.text_3));
}

fn primary(ui: &mut Ui, text: &str, enabled: bool) -> bool {
    let button = Press::new(text).weight(Weight::Primary).enabled(enabled);
    button.width(ui.available_width()).height(40.0).show(ui).clicked()
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        let (rect, _) = ui.allocate_exact_size(vec2(110.0, 20.0), Sense::hover());
        let font = FontId::proportional(14.0);
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, font, t.text_3);
        let label = Label::new(RichText::new(value).size(14.5).color(t.text)).truncate();
        ui.add(label).accessible_name(format!("{name}: {value}"));
    });
}

fn organisation(team: TeamId) -> String {
    format!("number {} of origin {}", team.org, team.origin)
}

fn team(team: TeamId) -> String {
    format!("number {}", team.team)
}

/// Eight groups of eight digits in two lines, and as one text for a screen reader.
fn groups(ui: &mut Ui, name: &str, fingerprint: &Fingerprint) {
    let t = theme::of(ui);
    ui.label(RichText::new(name).size(13.0).color(t.text_2));
    let frame = Frame::new()
        .fill(t.input)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(8)
        .inner_margin(Margin::symmetric(14, 12));
    frame.show(ui, |ui| {
        let width = ui.available_width();
        let all = fingerprint.groups();
        let per_line = if width < 420.0 { 2_usize } else { 4 };
        let lines = all.chunks(per_line);
        let count = lines.len();
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "at most four")]
        let height = 28.0 * count as f32;
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let spoken = format!("{name}: {}", all.join(" "));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        let font = FontId::monospace(17.0);
        let mut y = rect.top() + 14.0;
        for line in lines {
            ui.painter().text(
                egui::pos2(rect.center().x, y),
                Align2::CENTER_CENTER,
                line.join("  "),
                font.clone(),
                t.text,
            );
            y += 28.0;
        }
    });
}
