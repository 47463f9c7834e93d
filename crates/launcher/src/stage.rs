//! The life of one child: started, ready, dead, due again.

use ipc_schema::control::{Confinement, Life};

use crate::part::Death;

/// Where a child is, and how often it has been there.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    now: Now,
    starts: u32,
    /// How long the last wait was, in ms; 0 before the first.
    waited: u64,
    /// Exits of its own before it was ready, in a row.
    refusals: u32,
}

#[derive(Debug, Default)]
enum Now {
    #[default]
    Absent,
    Due {
        at: u64,
    },
    Alive {
        pid: u32,
        since: u64,
        confinement: Option<Confinement>,
        closed: bool,
    },
}

/// What follows a death.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It was expected.
    Over,
    /// It is started again after so many ms.
    Again { after: u64 },
    /// It will not run here.
    GivenUp,
}

impl Stage {
    pub(crate) fn start(&mut self, now: u64) {
        self.starts = self.starts.saturating_add(1);
        self.now = Now::Alive { pid: 0, since: now, confinement: None, closed: false };
    }

    pub(crate) fn started(&mut self, process: u32) {
        if let Now::Alive { pid, .. } = &mut self.now {
            *pid = process;
        }
    }

    pub(crate) fn ready(&mut self, level: Confinement) {
        if let Now::Alive { confinement, .. } = &mut self.now {
            *confinement = Some(level);
            self.refusals = 0;
        }
    }

    pub(crate) fn closed(&mut self) {
        if let Now::Alive { closed, .. } = &mut self.now {
            *closed = true;
        }
    }

    /// It could not be started.
    pub(crate) fn gone(&mut self) {
        self.now = Now::Absent;
    }

    /// It is not started again.
    pub(crate) fn cancel(&mut self) {
        if let Now::Due { .. } = self.now {
            self.now = Now::Absent;
        }
    }

    pub(crate) fn died(&mut self, now: u64, death: Death, is_stopping: bool) -> Fate {
        let Now::Alive { since, confinement, closed, .. } = std::mem::take(&mut self.now) else {
            return Fate::Over;
        };
        if is_stopping || closed || death == Death::Code(0) {
            return Fate::Over;
        }
        if let (Death::Code(code), None) = (death, confinement) {
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals >= MOST_REFUSALS || FINAL.contains(&code) {
                self.refusals = 0;
                return Fate::GivenUp;
            }
        }
        if now.saturating_sub(since) >= LIVED_MS {
            self.waited = 0;
        }
        self.waited = self.waited.saturating_mul(2).clamp(FIRST_WAIT_MS, LONGEST_WAIT_MS);
        self.now = Now::Due { at: now.saturating_add(self.waited) };
        Fate::Again { after: self.waited }
    }

    pub(crate) fn starts(&self) -> u32 {
        self.starts
    }

    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.now, Now::Alive { .. })
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.now, Now::Alive { confinement: Some(_), closed: false, .. })
    }

    pub(crate) fn due_at(&self) -> Option<u64> {
        match self.now {
            Now::Due { at } => Some(at),
            Now::Absent | Now::Alive { .. } => None,
        }
    }

    pub(crate) fn life(&self) -> Option<Life> {
        match &self.now {
            Now::Alive { pid, confinement, .. } => {
                Some(Life { pid: *pid, generation: self.starts, confinement: confinement.clone() })
            }
            Now::Absent | Now::Due { .. } => None,
        }
    }
}

const FIRST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 10_000;
/// Whoever lived so long starts with the first wait again.
const LIVED_MS: u64 = 10_000;
const MOST_REFUSALS: u32 = 5;
/// The statuses of a child that found something wrong with how it was started: no use to repeat.
const FINAL: std::ops::RangeInclusive<i32> = 70..=79;
