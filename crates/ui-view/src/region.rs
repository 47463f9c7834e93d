//! The parts of the window that F6 walks through.

use egui::{Id, Rect, Ui};

/// A part of the window.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(crate) enum Region {
    Teams,
    Channels,
    Messages,
    Composer,
    Thread,
    ThreadComposer,
}

/// The parts that the last frame showed.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    shown: Vec<Shown>,
    showing: Vec<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    region: Region,
    area: Rect,
    stop: Id,
}

impl Regions {
    /// Starts a frame.
    pub(crate) fn begin(&mut self) {
        self.shown = std::mem::take(&mut self.showing);
        self.shown.sort_by_key(|shown| shown.region);
    }

    /// Says that a part is there, and what gets the focus when F6 reaches it.
    pub(crate) fn show(&mut self, region: Region, area: Rect, stop: Id) {
        self.showing.push(Shown { region, area, stop });
    }

    /// The stop of the next part, or of the one before.
    pub(crate) fn step(&self, ui: &Ui, forward: bool) -> Option<Id> {
        let focused = ui.memory(|memory| memory.focused());
        let at = focused.and_then(|id| ui.ctx().read_response(id)).map(|found| found.rect.center());
        let here = self.shown.iter().position(|shown| {
            Some(shown.stop) == focused || at.is_some_and(|at| shown.area.contains(at))
        });
        let count = self.shown.len();
        let next = match (here, forward) {
            (None, true) => 0,
            (None, false) => count.saturating_sub(1),
            (Some(here), true) => here.saturating_add(1).checked_rem(count)?,
            (Some(here), false) => {
                here.saturating_add(count).saturating_sub(1).checked_rem(count)?
            }
        };
        self.shown.get(next).map(|shown| shown.stop)
    }
}
