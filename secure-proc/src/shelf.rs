//! One channel of the history: its order, and what the next message comes after.

use std::collections::{BTreeMap, BTreeSet};

use names::Name;
use timeline_core::{Entry, InsertError, Timeline};

use crate::record::{Record, number_of};

/// One channel.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) timeline: Timeline,
    /// What nothing that is here has been written after: the next message names it.
    frontier: Vec<(u64, Name)>,
    /// Named by something that is here, and not here itself yet.
    awaited: BTreeSet<Name>,
    /// Own texts of several entries: number of the first, and the number behind the last.
    long: BTreeMap<u64, u64>,
}

impl Shelf {
    /// What a message written now comes after; at most 8.
    pub(crate) fn frontier(&self) -> Vec<Name> {
        let mut seen = self.frontier.clone();
        seen.sort_unstable();
        let surplus = seen.len().saturating_sub(MOST_AFTER);
        seen.split_off(surplus).into_iter().map(|(_, name)| name).collect()
    }

    /// A watermark of own entries that never ends inside a message.
    pub(crate) fn whole(&self, mark: u32) -> u32 {
        let end = u64::from(mark);
        let inside = self.long.range(..end).next_back().filter(|(_, behind)| end < **behind);
        inside.map_or(mark, |(first, _)| u32::try_from(*first).unwrap_or(u32::MAX))
    }

    /// Puts a message in its place.
    pub(crate) fn place(&mut self, name: Name, record: &Record) {
        let after = record.after();
        let entry = Entry {
            name,
            after: after.clone(),
            thread: record.thread(),
            author_time_ms: record.at,
        };
        let leads = match self.timeline.insert(entry.clone()) {
            Ok(inserted) if !inserted.is_new => return,
            Ok(_) => !self.awaited.remove(&name),
            // It could not be read before, or what it names is called otherwise: only now is known
            // what it comes after.
            Err(InsertError::Forked { .. }) => {
                self.timeline.remove(name);
                if self.timeline.insert(entry).is_err() {
                    return;
                }
                let seen = self.frontier.iter().any(|(_, first)| *first == name);
                self.frontier.retain(|(_, first)| *first != name);
                seen
            }
            Err(InsertError::NotAMessage { .. } | InsertError::TooManyAfter { .. }) => return,
        };
        let (first, end) = (number_of(name).value(), record.end(name));
        if record.own && first.saturating_add(1) < end {
            self.long.insert(first, end);
        }
        self.frontier.retain(|(_, seen)| !after.contains(seen));
        let missing = after.into_iter().filter(|seen| self.timeline.position(*seen).is_none());
        self.awaited.extend(missing.collect::<Vec<_>>());
        if leads {
            self.frontier.push((record.at, name));
        }
    }

    /// Takes a message away that goes on under another name.
    pub(crate) fn take(&mut self, name: Name) {
        self.timeline.remove(name);
        self.frontier.retain(|(_, seen)| *seen != name);
        self.long.remove(&number_of(name).value());
    }
}

/// So many messages does a new one name as seen.
const MOST_AFTER: usize = timeline_core::MAX_AFTER;
