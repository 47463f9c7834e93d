//! Logs: where an entry belongs, and what is missing before it.

use objects::{Hash, Object};

use crate::state::{Gap, LogRow};

/// How an entry fits a log.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Fit {
    /// It is the newest; so many are missing right before it.
    Next { missing_before: u32 },
    /// It was missing. The entry at `behind` is the next one that is here, and so many are still
    /// missing between the two.
    Fills {
        missing_before: u32,
        behind: u64,
        missing_behind: u32,
    },
    /// It does not follow from what is here: its author has written two histories.
    Fork,
}

impl LogRow {
    /// Is the entry here already?
    pub(crate) fn has(&self, number: u64) -> bool {
        number < self.next && !self.gaps.iter().any(|gap| gap.covers(number))
    }

    /// Puts an entry, whose signature was checked, into its place.
    pub(crate) fn fit(&mut self, number: u64, object: &Object) -> Fit {
        let (hash, previous) = (object.entry_hash(), object.previous());
        if number >= self.next {
            self.append(number, hash, previous)
        } else {
            self.fill(number, hash, previous)
        }
    }

    fn append(&mut self, number: u64, hash: Hash, previous: Hash) -> Fit {
        if number == self.next && previous.0 != self.tip {
            return Fit::Fork;
        }
        let missing = number.saturating_sub(self.next);
        if missing > 0 {
            let (from, before, after) = (self.next, self.tip, previous.0);
            self.gaps.push(Gap {
                from,
                to: number,
                before,
                after,
            });
        }
        self.next = number.saturating_add(1);
        self.tip = hash.0;
        Fit::Next {
            missing_before: count(missing),
        }
    }

    fn fill(&mut self, number: u64, hash: Hash, previous: Hash) -> Fit {
        let Some(index) = self.gaps.iter().position(|gap| gap.covers(number)) else {
            return Fit::Fork;
        };
        let gap = self.gaps.remove(index);
        let next = number.saturating_add(1);
        let follows = number != gap.from || previous.0 == gap.before;
        let leads = next != gap.to || hash.0 == gap.after;
        if !follows || !leads {
            return Fit::Fork;
        }
        let Gap {
            from,
            to,
            before,
            after,
        } = gap;
        let behind = Gap {
            from: next,
            to,
            before: hash.0,
            after,
        };
        let ahead = Gap {
            from,
            to: number,
            before,
            after: previous.0,
        };
        for gap in [behind, ahead] {
            if gap.from < gap.to {
                self.gaps.insert(index, gap);
            }
        }
        Fit::Fills {
            missing_before: count(number.saturating_sub(from)),
            behind: to,
            missing_behind: count(to.saturating_sub(next)),
        }
    }
}

impl Gap {
    fn covers(&self, number: u64) -> bool {
        (self.from..self.to).contains(&number)
    }
}

fn count(missing: u64) -> u32 {
    u32::try_from(missing).unwrap_or(u32::MAX)
}
