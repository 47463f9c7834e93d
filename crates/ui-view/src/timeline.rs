//! A list of rows of different heights, of which only those in view are laid out.
//!
//! It holds on to a row, not to a number of points: whatever is added, dropped or measured above,
//! the row that the person reads stays where it is.

use std::collections::BTreeMap;

use egui::{Rangef, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};
use names::Name;
use ui_model::Row;

use crate::heights::{Height, Heights};

/// Where a list of rows is scrolled to.
pub(crate) struct Timeline {
    order: Vec<Name>,
    version: Option<u64>,
    heights: Heights,
    width: f32,
    /// Counts the widths; heights from an earlier one are guesses.
    round: u32,
    follow: bool,
    anchor: Anchor,
    reveal: Option<Name>,
    centre: Option<Name>,
    laid_out: usize,
    from_top: bool,
}

/// What was found out while showing the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    /// The end of the last row is in view.
    pub(crate) at_end: bool,
    /// The first row is less than a page away.
    pub(crate) near_start: bool,
    /// The last row is less than a page away.
    pub(crate) near_end: bool,
}

/// The row at the top edge, and how many points of it are above the edge.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    name: Option<Name>,
    index: usize,
    hidden: f64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            version: None,
            heights: Heights::default(),
            width: 0.0,
            round: 1,
            follow: true,
            anchor: Anchor { name: None, index: 0, hidden: 0.0 },
            reveal: None,
            centre: None,
            laid_out: 0,
            from_top: false,
        }
    }
}

impl Timeline {
    /// A list that begins at the top even while it is short.
    pub(crate) fn from_top() -> Self {
        Self { from_top: true, ..Self::default() }
    }

    /// Goes to the end and stays there.
    pub(crate) fn follow(&mut self) {
        self.follow = true;
    }

    /// Brings a row into view, moving as little as possible.
    pub(crate) fn reveal(&mut self, name: Name) {
        self.reveal = Some(name);
    }

    /// Brings a row to a third of the height.
    pub(crate) fn centre(&mut self, name: Name) {
        self.centre = Some(name);
    }

    /// How many rows the last frame laid out.
    pub(crate) fn laid_out(&self) -> usize {
        self.laid_out
    }

    /// Shows the rows; `draw` lays one out at the full width it is given.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        rows: &[&Row],
        version: u64,
        mut draw: impl FnMut(&mut Ui, usize),
    ) -> Sight {
        self.laid_out = 0;
        self.take_rows(rows, version);
        let view = ui.max_rect();
        let height = f64::from(view.height());
        if (view.width() - self.width).abs() > 0.5 {
            self.width = view.width();
            self.round = self.round.wrapping_add(1);
        }
        let across = Rangef::new(view.left(), view.right() - SCROLL_BAR);
        self.obey_jumps(height);
        self.measure_above(ui, across, height, &mut draw);

        let end = (self.heights.total() - height).max(0.0);
        let target = if self.follow {
            end
        } else {
            (self.heights.before(self.anchor.index) + self.anchor.hidden).clamp(0.0, end)
        };
        // Only a person moves the view; that egui clamps an offset does not count. Read before the
        // scroll area takes the movement.
        let by_person =
            ui.input(|input| input.smooth_scroll_delta().y != 0.0 || input.pointer.any_down());
        #[expect(clippy::as_conversions, reason = "a window of rows is far below 2^24 points")]
        let offset = target as f32;
        let scrolled = ScrollArea::vertical()
            .auto_shrink(false)
            .vertical_scroll_offset(offset)
            .show_viewport(ui, |ui, _| {
                self.draw_visible(ui, across, height, target, &mut draw);
            });
        let moved = f64::from(scrolled.state.clamped_offset().y - offset);
        self.read_back(target, moved, by_person, height)
    }

    fn take_rows(&mut self, rows: &[&Row], version: u64) {
        if self.version == Some(version) && self.order.len() == rows.len() {
            return;
        }
        self.version = Some(version);
        let known: BTreeMap<_, _> =
            self.order.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let heights = rows.iter().map(|row| {
            let at = known.get(&row.name);
            at.map_or(Height { points: GUESS, round: 0 }, |at| self.heights.get(*at))
        });
        self.heights = Heights::new(heights.collect());
        self.order = rows.iter().map(|row| row.name).collect();
        let last = self.order.len().saturating_sub(1);
        let held = self.anchor.name.and_then(|name| self.index_of(name));
        self.anchor.index = held.unwrap_or(self.anchor.index).min(last);
    }

    fn obey_jumps(&mut self, height: f64) {
        if let Some(at) = self.centre.take().and_then(|name| self.index_of(name)) {
            self.hold(at, -height / 3.0);
        }
        let Some(at) = self.reveal.take().and_then(|name| self.index_of(name)) else {
            return;
        };
        let end = (self.heights.total() - height).max(0.0);
        let top = if self.follow {
            end
        } else {
            self.heights.before(self.anchor.index) + self.anchor.hidden
        };
        let above = self.heights.before(at);
        let below = above + f64::from(self.heights.get(at).points);
        if above < top {
            self.hold(at, -MARGIN);
        } else if below > top + height {
            if at.saturating_add(1) >= self.order.len() {
                self.follow = true;
            } else {
                self.hold(at, f64::from(self.heights.get(at).points) + MARGIN - height);
            }
        }
    }

    fn hold(&mut self, index: usize, hidden: f64) {
        self.follow = false;
        self.anchor = Anchor { name: self.order.get(index).copied(), index, hidden };
    }

    fn index_of(&self, name: Name) -> Option<usize> {
        self.order.iter().position(|held| *held == name)
    }

    /// Measures the rows that may come into view from above with this movement, so that it moves
    /// what is in view by exactly as much as the person asked for.
    fn measure_above(
        &mut self,
        ui: &mut Ui,
        across: Rangef,
        height: f64,
        draw: &mut impl FnMut(&mut Ui, usize),
    ) {
        let (from, mut wanted) = if self.follow {
            (self.order.len(), height + AHEAD)
        } else {
            (self.anchor.index.saturating_add(1).min(self.order.len()), AHEAD - self.anchor.hidden)
        };
        for index in (0..from).rev() {
            if wanted <= 0.0 {
                break;
            }
            if self.heights.get(index).round != self.round {
                let rect = Rect::from_x_y_ranges(across, -20_000.0..=-10_000.0);
                let salt = ("measured", self.order.get(index));
                let mut hidden =
                    ui.new_child(UiBuilder::new().id_salt(salt).max_rect(rect).invisible());
                draw(&mut hidden, index);
                self.note(index, hidden.min_rect().height());
            }
            wanted -= f64::from(self.heights.get(index).points);
        }
    }

    fn draw_visible(
        &mut self,
        ui: &mut Ui,
        across: Rangef,
        height: f64,
        target: f64,
        draw: &mut impl FnMut(&mut Ui, usize),
    ) {
        let total = self.heights.total();
        #[expect(clippy::as_conversions, reason = "a window of rows is far below 2^24 points")]
        let (content, slack) = (total as f32, (height - total).max(0.0) as f32);
        ui.set_height(content);
        // A short conversation stands on the composer, as a long one does.
        let top = ui.clip_rect().top() + if self.from_top { 0.0 } else { slack };
        let mut index = self.heights.at(target);
        let mut y = self.heights.before(index) - target;
        while index < self.order.len() && y < height {
            #[expect(clippy::as_conversions, reason = "an offset inside the view")]
            let corner = pos2(across.min, top + y as f32);
            let rect = Rect::from_min_size(corner, vec2(across.span(), 10_000.0));
            let salt = ("row", self.order.get(index));
            let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(rect));
            draw(&mut child, index);
            let points = child.min_rect().height();
            self.note(index, points);
            y += f64::from(points);
            index = index.saturating_add(1);
        }
    }

    fn note(&mut self, index: usize, points: f32) {
        self.laid_out = self.laid_out.saturating_add(1);
        self.heights.set(index, Height { points, round: self.round });
    }

    fn read_back(&mut self, target: f64, moved: f64, by_person: bool, height: f64) -> Sight {
        let end = (self.heights.total() - height).max(0.0);
        let now = (target + moved).clamp(0.0, end);
        if by_person && moved < -0.5 {
            self.follow = false;
        }
        if by_person && moved > 0.5 && now >= end - 2.0 {
            self.follow = true;
        }
        if by_person && !self.follow {
            let index = self.heights.at(now);
            self.hold(index, now - self.heights.before(index));
        }
        Sight {
            at_end: self.follow || now >= end - 2.0,
            near_start: now < height,
            near_end: now + height > end,
        }
    }
}

/// The height of a row that was never laid out.
const GUESS: f32 = 56.0;
/// How far above the view rows are measured.
const AHEAD: f64 = 600.0;
/// What stays free beside a row that was brought into view.
const MARGIN: f64 = 12.0;
/// What stays free at the right edge.
pub(crate) const SCROLL_BAR: f32 = 10.0;
