//! One message, with what stands above it.

use egui::accesskit::Role;
use egui::{
    Align, Color32, FontId, Id, Label, Layout, Margin, Rect, Response, RichText, Sense, Shape,
    TextStyle, Ui, UiBuilder, pos2, vec2,
};
use ui_model::{Row, Standing};

use crate::icons::{self, Icon};
use crate::press::{Press, Weight, focus_ring};
use crate::timeline::SCROLL_BAR;
use crate::{avatar, bidi, theme};

/// What a message needs to know beside its row.
pub(crate) struct Setting<'a> {
    /// Where the keyboard finds it.
    pub(crate) id: Id,
    /// Its first line of a series: with picture and name.
    pub(crate) head: bool,
    /// The day line above it.
    pub(crate) day: Option<String>,
    /// The "new" line stands above it.
    pub(crate) new_line: bool,
    /// When it was written, as it is shown.
    pub(crate) time: String,
    /// It is the one that the keyboard is on when the timeline gets it.
    pub(crate) current: bool,
    /// It can open its thread.
    pub(crate) opens_thread: bool,
    /// The name that others are called by.
    pub(crate) from: &'a str,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    pub(crate) focused: bool,
    pub(crate) open_thread: bool,
    pub(crate) copy: bool,
}

/// Lays a message out at the width of `ui`.
pub(crate) fn show(ui: &mut Ui, row: &Row, setting: &Setting<'_>) -> Touched {
    let mut touched = Touched::default();
    ui.spacing_mut().item_spacing = vec2(12.0, 0.0);
    if let Some(day) = &setting.day {
        rule(ui, day, theme::of(ui).text_3, theme::of(ui).line);
    }
    if setting.new_line {
        let danger = theme::of(ui).danger;
        rule(ui, "New", danger, danger);
    }
    let mut sense = Sense::hover();
    if setting.current {
        sense |= Sense::FOCUSABLE;
    }
    let builder = UiBuilder::new()
        .scope_id(setting.id)
        .sense(sense)
        .accessibility_role(Role::ListItem)
        .accessibility_label(spoken(row, setting));
    if row.missing_before > 0 {
        let count = row.missing_before;
        let plural = if count == 1 { "message" } else { "messages" };
        let who = bidi::one_line(setting.from);
        let missing = format!("{count} {plural} from {who} not here yet");
        rule(ui, &missing, theme::of(ui).text_3, theme::of(ui).line);
    }
    let background = ui.painter().add(Shape::Noop);
    let inner = ui.scope_builder(builder, |ui| body(ui, row, setting, &mut touched));
    let response = inner.response;
    let t = theme::of(ui);
    let rect = response.rect;
    let pointed = ui.rect_contains_pointer(rect) && ui.is_enabled();
    touched.focused = response.has_focus();
    if touched.focused {
        ui.painter().set(background, Shape::rect_filled(to_edge(rect), 0.0, t.hover));
        focus_ring(ui, rect.shrink(2.0), 6, true);
        let arrows = egui::EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(setting.id, arrows));
    } else if pointed {
        let soft = theme::between(t.canvas, t.hover, 0.6);
        ui.painter().set(background, Shape::rect_filled(to_edge(rect), 0.0, soft));
    }
    if pointed || touched.focused {
        tools(ui, rect, setting, &mut touched);
    }
    context_menu(&response, setting, &mut touched);
    touched
}

fn body(ui: &mut Ui, row: &Row, setting: &Setting<'_>, touched: &mut Touched) {
    let t = theme::of(ui);
    let margin = Margin { left: 16, right: 12, top: if setting.head { 8 } else { 2 }, bottom: 2 };
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            if setting.head {
                avatar::show(ui, setting.from, AVATAR);
            } else {
                ui.allocate_exact_size(vec2(AVATAR, 1.0), Sense::hover());
            }
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                if setting.head {
                    head(ui, setting);
                }
                let corner = pos2(ui.max_rect().right() - GUTTER, ui.cursor().top());
                let width = (ui.available_width() - GUTTER - 8.0).clamp(40.0, TEXT_MAX);
                if row.standing == Standing::Undecryptable {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().interact_size.y = 20.0;
                        ui.spacing_mut().item_spacing.x = 6.0;
                        icons::show(ui, Icon::Lock, 14.0, t.text_3, None);
                        let why = RichText::new(bidi::one_line(row.sentence())).size(14.0);
                        ui.add(Label::new(why.color(t.text_3)).wrap());
                    });
                } else {
                    text(ui, row.text.reveal(), width, t.text);
                }
                if row.own {
                    standing(ui, row, Rect::from_min_size(corner, vec2(GUTTER, 20.0)));
                }
                if row.standing == Standing::Failed {
                    ui.label(
                        RichText::new(bidi::one_line(row.sentence())).size(12.5).color(t.danger),
                    );
                }
                if setting.opens_thread && row.replies > 0 {
                    ui.add_space(2.0);
                    touched.open_thread |= replies(ui, row.replies).clicked();
                }
            });
        });
    });
}

fn head(ui: &mut Ui, setting: &Setting<'_>) {
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.spacing_mut().item_spacing.x = 8.0;
        let name = theme::strong(bidi::one_line(setting.from)).size(14.5).color(t.text);
        ui.add(Label::new(name).truncate());
        ui.label(RichText::new(&setting.time).size(12.0).color(t.text_3));
    });
}

/// Lays out what a person wrote, exactly as written.
fn text(ui: &mut Ui, written: &str, width: f32, colour: Color32) {
    let written = bidi::tidy(written);
    if !bidi::has_right_to_left(&written) {
        ui.scope(|ui| {
            ui.set_max_width(width);
            ui.add(Label::new(RichText::new(written.as_ref()).color(colour)).wrap());
        });
        return;
    }
    let font = TextStyle::Body.resolve(ui.style());
    let lines = bidi::visual_lines(&written, width, |piece| measure(ui, piece, &font));
    for line in lines {
        let layout = if line.right_to_left {
            Layout::right_to_left(Align::Min)
        } else {
            Layout::left_to_right(Align::Min)
        };
        ui.allocate_ui_with_layout(vec2(width, 0.0), layout, |ui| {
            ui.spacing_mut().interact_size.y = 0.0;
            // In the order of seeing, a selection would copy the words in that order too.
            let label = Label::new(RichText::new(line.text).color(colour)).extend();
            ui.add(label.selectable(false));
        });
    }
}

fn measure(ui: &Ui, piece: &str, font: &FontId) -> f32 {
    ui.fonts_mut(|fonts| {
        fonts.layout_no_wrap(piece.to_owned(), font.clone(), Color32::PLACEHOLDER).size().x
    })
}

fn standing(ui: &mut Ui, row: &Row, rect: Rect) {
    let t = theme::of(ui);
    let (icon, colour) = match row.standing {
        Standing::Queued => (Icon::Clock, t.text_3),
        Standing::LocalRelay => (Icon::DottedTick, t.text_3),
        Standing::Relay => (Icon::Tick, t.text_3),
        Standing::Delivered => (Icon::Ticks, t.ok),
        Standing::Failed => (Icon::Failed, t.danger),
        Standing::Undecryptable => return,
    };
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center));
    let mut gutter = ui.new_child(builder);
    icons::show(&mut gutter, icon, 15.0, colour, Some(row.sentence()));
}

fn replies(ui: &mut Ui, count: u32) -> Response {
    let text = if count == 1 { "1 reply".to_owned() } else { format!("{count} replies") };
    Press::new(&text)
        .with(Icon::Thread)
        .weight(Weight::Link)
        .bold(true)
        .height(26.0)
        .named(format!("Open thread, {text}"))
        .show(ui)
}

/// What can be done with the message under the pointer or the focus.
fn tools(ui: &mut Ui, rect: Rect, setting: &Setting<'_>, touched: &mut Touched) {
    let t = theme::of(ui);
    let count = if setting.opens_thread { 2.0 } else { 1.0 };
    let size = vec2(count * 30.0 + 4.0, 32.0);
    let corner = pos2(rect.right() - size.x - 44.0, rect.top() - 10.0);
    let area = Rect::from_min_size(corner, size);
    ui.painter().rect(
        area,
        8.0,
        t.raised,
        egui::Stroke::new(1.0, t.line),
        egui::StrokeKind::Inside,
    );
    let builder = UiBuilder::new()
        .id_salt(("tools", setting.id))
        .max_rect(area.shrink(2.0))
        .layout(Layout::left_to_right(Align::Center));
    let mut bar = ui.new_child(builder);
    bar.spacing_mut().item_spacing.x = 2.0;
    if setting.opens_thread {
        let reply = Press::icon(Icon::Thread, "Reply in thread").height(28.0).show(&mut bar);
        touched.open_thread |= reply.clicked();
    }
    touched.copy |= Press::icon(Icon::Copy, "Copy message").height(28.0).show(&mut bar).clicked();
}

fn context_menu(response: &Response, setting: &Setting<'_>, touched: &mut Touched) {
    response.container_context_menu(|ui| {
        ui.set_min_width(170.0);
        if setting.opens_thread {
            let reply = Press::new("Reply in thread").with(Icon::Thread).weight(Weight::Ghost);
            if reply.width(170.0).show(ui).clicked() {
                touched.open_thread = true;
                ui.close();
            }
        }
        let copy = Press::new("Copy message").with(Icon::Copy).weight(Weight::Ghost);
        if copy.width(170.0).show(ui).clicked() {
            touched.copy = true;
            ui.close();
        }
    });
}

/// A line across the timeline with a word in its middle.
fn rule(ui: &mut Ui, word: &str, colour: Color32, line: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, word));
    let font = FontId::proportional(12.0);
    let galley = ui.painter().layout_no_wrap(word.to_owned(), font, colour);
    let middle = rect.center();
    let half = galley.size().x / 2.0 + 12.0;
    let stroke = egui::Stroke::new(1.0, line);
    ui.painter().hline(rect.left() + 16.0..=middle.x - half, middle.y, stroke);
    ui.painter().hline(middle.x + half..=rect.right() - 16.0, middle.y, stroke);
    ui.painter().galley(middle - galley.size() / 2.0, galley, colour);
}

/// The row with the strip that belongs to the scroll bar.
fn to_edge(rect: Rect) -> Rect {
    rect.with_max_x(rect.right() + SCROLL_BAR)
}

/// The message in one sentence, in the order of reading.
fn spoken(row: &Row, setting: &Setting<'_>) -> String {
    let mut spoken = format!("{}, {}", bidi::tidy(setting.from), setting.time);
    if row.standing != Standing::Undecryptable {
        spoken.push_str(": ");
        spoken.push_str(&bidi::tidy(row.text.reveal()));
    }
    if row.own || row.standing == Standing::Undecryptable {
        spoken.push_str(". ");
        spoken.push_str(&bidi::tidy(row.sentence()));
    }
    spoken
}

/// What the clipboard gets.
pub(crate) fn copied(row: &Row) -> String {
    bidi::tidy(row.text.reveal()).into_owned()
}

const AVATAR: f32 = 36.0;
const GUTTER: f32 = 22.0;
const TEXT_MAX: f32 = 760.0;
