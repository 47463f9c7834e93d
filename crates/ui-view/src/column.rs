//! The messages of one conversation.

use egui::{Align2, Id, RichText, Ui, UiBuilder, pos2, vec2};
use names::Name;
use ui_model::{Command, Intent, Pages, Row, State, Talk};

use crate::icons::{self, Icon};
use crate::local::{Local, focus};
use crate::message::{self, Setting};
use crate::press::Press;
use crate::region::{Region, Regions};
use crate::theme;
use crate::timeline::Timeline;

/// What the view knows of a conversation.
#[derive(Default)]
pub(crate) struct Column {
    pub(crate) timeline: Timeline,
    current: Option<Name>,
    visible: Vec<Name>,
    focused: Option<Name>,
}

/// Which conversation, in which part of the window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) talk: Talk,
    pub(crate) region: Region,
}

impl Column {
    pub(crate) fn of_thread() -> Self {
        Self { timeline: Timeline::from_top(), ..Self::default() }
    }

    pub(crate) fn has_focus(&self) -> bool {
        self.focused.is_some()
    }
}

/// Shows the messages; says whether the person sees what arrives.
pub(crate) fn show(
    state: &State,
    column: &mut Column,
    regions: &mut Regions,
    ui: &mut Ui,
    place: Place,
    out: &mut Vec<Intent>,
) -> bool {
    let in_thread = place.talk.thread.is_some();
    let pages = if in_thread { state.thread_pages() } else { state.pages() };
    let rows = shown(pages, place.talk);
    if rows.is_empty() {
        if pages.has_older() {
            out.push(Intent::ShowOlder(place.talk));
        }
        column.visible.clear();
        column.focused = None;
        if !state.is_loading(place.talk) {
            start_of_channel(state, ui);
        }
        return ui.input(|input| input.focused) && !state.is_loading(place.talk);
    }
    let seen = column.visible.iter().find(|name| Some(**name) == column.current);
    let current = seen.or(column.visible.last()).copied();
    let mut visible = Vec::new();
    let mut focused = None;
    let area = ui.max_rect();
    let sight = column.timeline.show(ui, &rows, pages.version(), |ui, at| {
        let Some(row) = rows.get(at).copied() else {
            return;
        };
        let before = at.checked_sub(1).and_then(|at| rows.get(at).copied());
        let mut setting = setting(state, place.talk, row, before);
        setting.current = Some(row.name) == current;
        let touched = message::show(ui, row, &setting);
        if ui.is_visible() {
            visible.push(row.name);
        }
        if touched.focused {
            focused = Some(row.name);
        }
        if touched.open_thread {
            out.push(Intent::OpenThread(row.name));
        }
        if touched.copy {
            ui.ctx().copy_text(message::copied(row));
        }
    });
    column.current = focused.or(current);
    column.visible = visible;
    column.focused = focused;
    if let Some(current) = column.current.or(column.visible.last().copied()) {
        regions.show(place.region, area, message_id(place.talk, current));
    }
    if sight.near_start && pages.has_older() {
        out.push(Intent::ShowOlder(place.talk));
    }
    if sight.near_end && pages.has_newer() {
        out.push(Intent::ShowNewer(place.talk));
    }
    let at_end = sight.at_end && !pages.has_newer();
    if !at_end {
        jump_to_latest(state, column, ui, place, out);
    }
    at_end && ui.input(|input| input.focused)
}

/// Does what a key asked for while a message has the focus.
pub(crate) fn run(
    command: Command,
    state: &State,
    local: &mut Local,
    ui: &Ui,
    out: &mut Vec<Intent>,
) {
    let Some(open) = state.open() else { return };
    let (column, pages, talk) = match (local.branch.focused, state.thread()) {
        (Some(_), Some(root)) => (&mut local.branch, state.thread_pages(), open.thread(root)),
        _ => (&mut local.trunk, state.pages(), open),
    };
    let Some(name) = column.focused else { return };
    if command == Command::Thread {
        out.push(Intent::OpenThread(name));
    } else if command == Command::MessageUp || command == Command::MessageDown {
        step(column, pages, talk, ui, command == Command::MessageDown);
    } else if let (Command::CopyMessage, Some(row)) = (command, pages.row(name)) {
        ui.ctx().copy_text(message::copied(row));
    }
}

/// A channel shows what begins a thread, a thread its first message and what answers it.
fn shown(pages: &Pages, talk: Talk) -> Vec<&Row> {
    let belongs = |row: &&Row| match talk.thread {
        None => row.thread.is_none(),
        Some(root) => row.name == root || row.thread == Some(root),
    };
    pages.rows().iter().filter(belongs).collect()
}

fn step(column: &mut Column, pages: &Pages, talk: Talk, ui: &Ui, down: bool) {
    let rows = shown(pages, talk);
    let Some(at) = rows.iter().position(|row| Some(row.name) == column.focused) else {
        return;
    };
    let next = if down { at.checked_add(1) } else { at.checked_sub(1) };
    let Some(row) = next.and_then(|next| rows.get(next)) else {
        return;
    };
    column.timeline.reveal(row.name);
    column.current = Some(row.name);
    // It is laid out in this frame, and can hold the focus from then on.
    column.visible.push(row.name);
    focus(ui, message_id(talk, row.name));
}

fn setting<'a>(state: &State, talk: Talk, row: &'a Row, before: Option<&Row>) -> Setting<'a> {
    let day = state.zone.day(row.at);
    let same_day = before.is_some_and(|before| state.zone.day(before.at) == day);
    let new_line = talk.thread.is_none() && state.new_from() == Some(row.name);
    let series = before
        .is_some_and(|before| before.from == row.from && row.at.0.abs_diff(before.at.0) < SERIES);
    Setting {
        id: message_id(talk, row.name),
        head: !series || !same_day || new_line,
        day: (!same_day && talk.thread.is_none()).then(|| day.title(state.zone.day(state.now))),
        new_line,
        time: state.zone.time(row.at).to_string(),
        current: false,
        opens_thread: talk.thread.is_none(),
        from: &row.from,
    }
}

fn jump_to_latest(
    state: &State,
    column: &mut Column,
    ui: &mut Ui,
    place: Place,
    out: &mut Vec<Intent>,
) {
    let new = match place.talk.thread {
        None => state.unread(place.talk.team, place.talk.channel),
        Some(_) => 0,
    };
    let text =
        if new > 0 { format!("Jump to latest · {new} new") } else { "Jump to latest".into() };
    let wide = 150.0 + if new > 0 { 50.0 } else { 0.0 };
    let middle = pos2(ui.max_rect().center().x, ui.max_rect().bottom() - 28.0);
    let rect = Align2::CENTER_CENTER.anchor_size(middle, vec2(wide, 34.0));
    let mut pill = ui.new_child(UiBuilder::new().id_salt("latest").max_rect(rect));
    let press = Press::new(&text).with(Icon::Down).radius(17).height(34.0).width(wide);
    if press.show(&mut pill).clicked() {
        column.timeline.follow();
        out.push(Intent::ShowLatest(place.talk));
    }
}

fn start_of_channel(state: &State, ui: &mut Ui) {
    let t = theme::of(ui);
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        icons::show(ui, Icon::Thread, 40.0, t.text_3, None);
        ui.add_space(8.0);
        let name = crate::bidi::one_line(state.channel_name());
        ui.label(theme::strong(format!("This is the start of #{name}")).size(20.0));
        let team = state.team().map(|team| crate::bidi::one_line(&team.name)).unwrap_or_default();
        let who = format!("Only the devices of {team} can read what is written here.");
        ui.label(RichText::new(who).color(t.text_2));
    });
}

fn message_id(talk: Talk, name: Name) -> Id {
    Id::unique(("message", talk, name))
}

/// Messages of one author are a series if less than seven minutes lie between them.
const SERIES: u64 = 7 * 60 * 1_000;
