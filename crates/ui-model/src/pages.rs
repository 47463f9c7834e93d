//! The window of messages that a timeline holds.

use names::Name;

use crate::{Row, Standing};

/// How many messages a timeline holds at most; the rest stays in the secure process.
pub const WINDOW: usize = 400;

/// How many messages are asked for at once.
pub const PAGE: usize = 100;

/// A contiguous part of one conversation, in its order, oldest first.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub struct Pages {
    rows: Vec<Row>,
    older: bool,
    /// What was dropped at the end, the nearest part last.
    cuts: Vec<Cut>,
    reading_back: bool,
    version: u64,
}

/// Messages that were dropped at the end of the window while the person read back.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
struct Cut {
    first: Name,
    count: usize,
}

/// What became of a message that was put into a window.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Put {
    /// The window holds it.
    Held,
    /// It stands outside the window.
    Outside,
    /// Its place cannot be found: the window has to be asked for again.
    Lost,
}

impl Pages {
    /// The messages, oldest first.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether there are messages before the first one.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.older
    }

    /// Whether there are messages after the last one.
    #[must_use]
    pub fn has_newer(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// Changes whenever a message appears, moves or goes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The message of that name, if it is in the window.
    #[must_use]
    pub fn row(&self, name: Name) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Starts over with the newest messages; `more` says whether there are older ones.
    pub fn restart(&mut self, rows: Vec<Row>, more: bool) {
        self.rows = rows;
        self.older = more;
        self.cuts.clear();
        self.reading_back = false;
        self.shrink();
    }

    /// Adds the page that ends where the window starts.
    pub fn extend_back(&mut self, mut rows: Vec<Row>, more: bool) {
        rows.retain(|row| self.row(row.name).is_none());
        rows.append(&mut self.rows);
        self.rows = rows;
        self.older = more;
        self.reading_back = true;
        self.shrink();
    }

    /// What to ask for to go on after the last message: everything before this one (`None`: up to
    /// the newest), at least so many.
    #[must_use]
    pub fn next_cut(&self) -> Option<(Option<Name>, usize)> {
        let (nearest, rest) = self.cuts.split_last()?;
        Some((rest.last().map(|cut| cut.first), nearest.count))
    }

    /// Adds the page that [`Pages::next_cut`] described. If it does not reach back to the window,
    /// because much has been written meanwhile, the window starts over with it.
    pub fn extend_forward(&mut self, mut rows: Vec<Row>, more: bool) {
        let last = self.rows.last().map(|row| row.name);
        let Some(joint) = rows.iter().position(|row| Some(row.name) == last) else {
            self.cuts.pop();
            let cuts = std::mem::take(&mut self.cuts);
            self.restart(rows, more);
            self.cuts = cuts;
            return;
        };
        self.cuts.pop();
        self.reading_back = false;
        self.rows.extend(rows.drain(..).skip(joint.saturating_add(1)));
        self.shrink();
    }

    /// Takes a new message or a new form of one, which stands under `above` (`None`: at the top of
    /// the conversation).
    pub fn put(&mut self, row: Row, above: Option<Name>) -> Put {
        let held = self.rows.iter().position(|held| held.name == row.name);
        if let Some(at) = held {
            let stays = match at.checked_sub(1).and_then(|before| self.rows.get(before)) {
                Some(before) => Some(before.name) == above,
                // What stands above the first one held is not known.
                None => above.is_none_or(|above| self.row(above).is_none()),
            };
            if stays && let Some(held) = self.rows.get_mut(at) {
                *held = row;
                return Put::Held;
            }
            self.rows.remove(at);
            self.version = self.version.wrapping_add(1);
        }
        let at = match above {
            None if self.older => return Put::Outside,
            None => 0,
            Some(above) => match self.rows.iter().position(|held| held.name == above) {
                Some(at) => at.saturating_add(1),
                None => return self.outside(&row),
            },
        };
        let name = row.name;
        self.rows.insert(at, row);
        self.shrink();
        if self.row(name).is_some() { Put::Held } else { Put::Outside }
    }

    /// The person is at the newest message again: from now on the oldest ones make room.
    pub fn follow(&mut self) {
        self.reading_back = false;
    }

    /// Notes how far messages got; returns those that got further.
    pub fn settle(&mut self, standing: impl Fn(&Row) -> Option<Standing>) {
        for row in &mut self.rows {
            if let Some(standing) = standing(row) {
                row.standing = standing;
            }
        }
    }

    /// A message has another name; what answers it answers that one.
    pub fn rename(&mut self, from: Name, to: Name) {
        for row in &mut self.rows {
            if row.name == from {
                row.name = to;
                self.version = self.version.wrapping_add(1);
            }
            if row.thread == Some(from) {
                row.thread = Some(to);
            }
        }
        for cut in &mut self.cuts {
            if cut.first == from {
                cut.first = to;
            }
        }
    }

    /// Notes how many messages answer one.
    pub fn set_replies(&mut self, root: Name, replies: u32) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == root) {
            row.replies = replies;
        }
    }

    fn outside(&mut self, row: &Row) -> Put {
        if let Some(tail) = self.cuts.first_mut() {
            tail.count = tail.count.saturating_add(1);
            return Put::Outside;
        }
        let before_the_window =
            self.older && self.rows.first().is_some_and(|first| row.at < first.at);
        if before_the_window { Put::Outside } else { Put::Lost }
    }

    /// Keeps the side that the person reads.
    fn shrink(&mut self) {
        self.version = self.version.wrapping_add(1);
        let surplus = self.rows.len().saturating_sub(WINDOW);
        if surplus == 0 {
            return;
        }
        if !self.reading_back {
            self.rows.drain(..surplus);
            self.older = true;
            return;
        }
        let dropped = self.rows.split_off(WINDOW);
        let Some(first) = dropped.first().map(|row| row.name) else {
            return;
        };
        match self.cuts.last_mut() {
            Some(near) if near.count.saturating_add(surplus) <= PAGE => {
                *near = Cut { first, count: near.count.saturating_add(surplus) };
            }
            _ => self.cuts.push(Cut { first, count: surplus }),
        }
    }
}
