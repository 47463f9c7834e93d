//! What only the view knows: what is scrolled where, half-typed forms, what has the focus.

use egui::{Id, Ui};
use names::Name;
use ui_model::{Screen, State, Talk};

use crate::column::Column;
use crate::door::Form;
use crate::region::Regions;
use crate::switcher::Switcher;

/// The view's own state beside the model's.
#[derive(Default)]
pub struct Local {
    pub(crate) form: Form,
    pub(crate) link: String,
    pub(crate) switcher: Option<Switcher>,
    pub(crate) trunk: Column,
    pub(crate) branch: Column,
    pub(crate) regions: Regions,
    /// The channel list covers a very narrow window.
    pub(crate) drawer: bool,
    /// The first field of a screen that has just appeared wants the focus.
    pub(crate) first_field: bool,
    screen: Option<Screen>,
    open: Option<Talk>,
    thread: Option<Name>,
    focus_next: Option<Id>,
    active_at: f64,
}

impl Local {
    /// How many messages the last frame laid out, in the channel and in the thread.
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.trunk.timeline.laid_out().saturating_add(self.branch.timeline.laid_out())
    }

    /// Follows what the model has changed since the last frame.
    pub(crate) fn begin(&mut self, state: &State, ui: &Ui) {
        let screen = state.screen();
        if self.screen != Some(screen) {
            let to_main = screen == Screen::Main;
            *self = Self {
                screen: Some(screen),
                first_field: !to_main,
                active_at: self.active_at,
                ..Self::default()
            };
            forget_typed(ui);
        }
        if self.open != state.open() {
            self.open = state.open();
            self.trunk = Column::default();
            self.drawer = false;
            if let Some(open) = self.open {
                self.focus_next = Some(composer_id(open));
            }
        }
        if self.thread != state.thread() {
            let closed = state.thread().is_none();
            self.thread = state.thread();
            self.branch = Column::of_thread();
            let talk = self.open.map(|open| Talk { thread: self.thread, ..open });
            if let (Some(talk), true) = (talk, self.switcher.is_none()) {
                self.focus_next = Some(composer_id(if closed { talk.trunk() } else { talk }));
            }
        }
        // Under a modal that the last frame showed, nothing can take the focus yet.
        let free = ui.memory(|memory| memory.top_modal_layer().is_none());
        if let Some(id) = self.focus_next.take_if(|_| free) {
            focus(ui, id);
        } else if self.focus_next.is_some() {
            ui.ctx().request_repaint();
        }
        self.still_caret(ui);
    }

    /// A caret that nobody looks at need not blink: each blink is a frame.
    fn still_caret(&mut self, ui: &Ui) {
        let now = ui.input(|input| input.time);
        if ui.input(|input| !input.events.is_empty()) {
            self.active_at = now;
        }
        let blink = now - self.active_at < CARET_BLINKS;
        if ui.visuals().text_cursor.blink != blink {
            ui.ctx().all_styles_mut(|style| style.visuals.text_cursor.blink = blink);
        }
    }
}

/// The composer of a conversation.
pub(crate) fn composer_id(talk: Talk) -> Id {
    Id::unique(("composer", talk))
}

/// Puts the keyboard there.
pub(crate) fn focus(ui: &Ui, id: Id) {
    ui.memory_mut(|memory| memory.request_focus(id));
    ui.ctx().request_repaint();
}

/// Drops the undo histories of all text fields: they hold what was typed.
fn forget_typed(ui: &Ui) {
    ui.data_mut(|data| data.remove_by_type::<egui::text_edit::TextEditState>());
}

/// Seconds after the last input.
const CARET_BLINKS: f64 = 10.0;
