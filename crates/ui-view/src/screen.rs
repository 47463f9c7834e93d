//! The whole window.

use egui::accesskit::Role;
use egui::{CentralPanel, Event, Ui, UiBuilder};
use ui_model::{Command, Intent, Scope, Screen, State};

use crate::column::Place;
use crate::local::{Local, composer_id, focus};
use crate::region::Region;
use crate::{
    banner, card, column, composer, door, header, join, members, rail, sidebar, switcher, thread,
};

/// Shows the window and says what the person asked for.
pub fn view(state: &State, local: &mut Local, ui: &mut Ui) -> Vec<Intent> {
    let mut out = Vec::new();
    local.begin(state, ui);
    local.regions.begin();
    for command in chords(local, ui) {
        run(command, state, local, ui, &mut out);
    }
    match state.screen() {
        Screen::Starting => card::empty(ui),
        Screen::FirstStart => door::first_start(state, local, ui, &mut out),
        Screen::Unlock => door::unlock(state, local, ui, &mut out),
        Screen::Gone => door::gone(ui, &mut out),
        Screen::Join => join::show(state, local, ui, &mut out),
        Screen::Main => main(state, local, ui, &mut out),
    }
    switcher::show(state, local, ui, &mut out);
    out
}

fn chords(local: &Local, ui: &Ui) -> Vec<Command> {
    let mut commands = Vec::new();
    if local.trunk.has_focus() || local.branch.has_focus() {
        commands.extend(crate::chords::take(ui, Scope::Message));
    }
    if local.switcher.is_none() {
        commands.extend(crate::chords::take(ui, Scope::Anywhere));
    }
    commands
}

/// Does what a key, a button or the quick switcher asked for.
#[expect(clippy::wildcard_enum_match_arm, reason = "most commands belong to the main screen")]
pub(crate) fn run(
    command: Command,
    state: &State,
    local: &mut Local,
    ui: &Ui,
    out: &mut Vec<Intent>,
) {
    let ctx = ui.ctx();
    match command {
        Command::Quit => out.push(Intent::Quit),
        Command::ZoomIn => egui::gui_zoom::zoom_in(ctx),
        Command::ZoomOut => egui::gui_zoom::zoom_out(ctx),
        Command::ZoomReset => ctx.set_zoom_factor(1.0),
        Command::Theme => {
            let dark = ui.visuals().dark_mode;
            ctx.set_theme(if dark { egui::Theme::Light } else { egui::Theme::Dark });
        }
        Command::NextRegion | Command::PreviousRegion => {
            if let Some(stop) = local.regions.step(ui, command == Command::NextRegion) {
                focus(ui, stop);
            }
        }
        Command::Dismiss if state.screen() == Screen::Join => out.push(Intent::LeaveJoin),
        other if state.screen() == Screen::Main => run_main(other, state, local, ui, out),
        _ => {}
    }
}

fn run_main(command: Command, state: &State, local: &mut Local, ui: &Ui, out: &mut Vec<Intent>) {
    match command {
        Command::Switcher => local.switcher = Some(switcher::Switcher::default()),
        Command::ChannelUp => out.push(Intent::StepChannel(-1)),
        Command::ChannelDown => out.push(Intent::StepChannel(1)),
        Command::UnreadUp => out.push(Intent::StepUnread(-1)),
        Command::UnreadDown => out.push(Intent::StepUnread(1)),
        Command::Back => out.push(Intent::StepHistory(-1)),
        Command::Forward => out.push(Intent::StepHistory(1)),
        Command::Team(number) => {
            let team = state.teams().get(usize::from(number.saturating_sub(1)));
            out.extend(team.map(|team| Intent::OpenTeam(team.id)));
        }
        Command::Latest => {
            local.trunk.timeline.follow();
            out.extend(state.open().map(Intent::ShowLatest));
        }
        Command::FirstUnread => {
            if let Some(name) = state.new_from() {
                local.trunk.timeline.centre(name);
            }
        }
        Command::Compose => {
            let talk = state.open().map(|open| match state.thread() {
                Some(root) if local.branch.has_focus() => open.thread(root),
                _ => open,
            });
            if let Some(talk) = talk {
                focus(ui, composer_id(talk));
            }
        }
        Command::ToggleThread => out.push(Intent::ToggleThread),
        Command::Members => out.push(Intent::ToggleMembers),
        Command::Dismiss if local.drawer => local.drawer = false,
        Command::Dismiss if state.shows_members() => out.push(Intent::ToggleMembers),
        Command::Dismiss if state.thread().is_some() => out.push(Intent::CloseThread),
        Command::JoinTeam => out.push(Intent::BeginJoin),
        Command::Lock => out.push(Intent::Lock),
        Command::Thread | Command::CopyMessage | Command::MessageUp | Command::MessageDown => {
            column::run(command, state, local, ui, out);
        }
        // Elsewhere: `run` has had the first ones, the composer takes the last ones itself.
        Command::Quit
        | Command::ZoomIn
        | Command::ZoomOut
        | Command::ZoomReset
        | Command::Theme
        | Command::NextRegion
        | Command::PreviousRegion
        | Command::Dismiss
        | Command::Send
        | Command::NewLine => {}
    }
}

fn main(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let width = ui.available_width();
    let (slim, narrow) = (width < SLIM, width < NARROW);
    just_type(state, ui);
    rail::show(state, local, ui, out);
    if slim && local.drawer {
        let all = ui.available_width();
        sidebar::show(state, local, ui, all, out);
        return;
    }
    if !slim {
        sidebar::show(state, local, ui, if narrow { 192.0 } else { 248.0 }, out);
    }
    if state.thread().is_some() && !narrow {
        thread::pane(state, local, ui, out);
    }
    if state.shows_members() && !narrow {
        members::pane(state, ui, out);
    }
    // The window is cleared in the colour of the canvas, so nothing here fills it again: where the
    // processor draws, every layer of the same colour costs as much as the first.
    CentralPanel::no_frame().show(ui, |ui| {
        if state.thread().is_some() && narrow {
            thread::show(state, local, ui, out);
        } else if state.shows_members() && narrow {
            members::show(state, ui, out);
        } else {
            channel(state, local, ui, slim, out);
        }
    });
}

fn channel(state: &State, local: &mut Local, ui: &mut Ui, slim: bool, out: &mut Vec<Intent>) {
    header::show(state, local, ui, slim, out);
    banner::show(state, ui, out);
    let Some(talk) = state.open() else { return };
    let hint = format!("Message #{}", crate::bidi::one_line(state.channel_name()));
    composer::show(state, local, ui, talk, &hint, Region::Composer, out);
    CentralPanel::no_frame().show(ui, |ui| {
        let label = format!("Messages in {}", crate::bidi::tidy(state.channel_name()));
        let builder = UiBuilder::new().accessibility_role(Role::Log).accessibility_label(label);
        ui.scope_builder(builder, |ui| {
            let place = Place { talk, region: Region::Messages };
            let watching =
                column::show(state, &mut local.trunk, &mut local.regions, ui, place, out);
            if watching != state.is_watching() {
                out.push(Intent::Watch(watching));
            }
        });
    });
}

/// Someone who begins to type with nothing in focus means the composer.
fn just_type(state: &State, ui: &Ui) {
    let Some(open) = state.open() else { return };
    let nothing =
        ui.memory(|memory| memory.focused().is_none() && memory.top_modal_layer().is_none());
    let typed = ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Text(_))));
    if nothing && typed {
        focus(ui, composer_id(open));
    }
}

/// Below this width the thread takes the place of the channel.
const NARROW: f32 = 900.0;
/// Below this width the channel list hides until it is asked for.
const SLIM: f32 = 600.0;
