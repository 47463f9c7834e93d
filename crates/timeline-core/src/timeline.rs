//! One channel's messages in the order of display.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use names::{Device, Name, Number, Rest};

use crate::entry::{Entry, InsertError, Position};
use crate::log::{Gap, Logs};
use crate::order::{Moved, Order};

/// The messages of one channel.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    order: Order,
    all: BTreeSet<Position>,
    /// Under `None` what is no reply, under a name its replies.
    threads: BTreeMap<Option<Name>, BTreeSet<Position>>,
    logs: Logs,
}

/// What came of inserting an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inserted {
    /// Where it stands.
    pub at: Position,
    /// Whether it was not there before.
    pub is_new: bool,
    /// Other entries that stand elsewhere now, since they came after this one; by name.
    pub moved: Vec<Name>,
}

impl Timeline {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an entry in its place; one that is there already changes nothing.
    ///
    /// # Errors
    /// When it can have no place; nothing is changed then.
    pub fn insert(&mut self, entry: Entry) -> Result<Inserted, InsertError> {
        let entry = entry.settled()?;
        let (name, thread) = (entry.name, entry.thread);
        if let Some(known) = self.order.entry(name) {
            let at = self.order.position(name).filter(|_| *known == entry);
            let at = at.ok_or(InsertError::Forked { name })?;
            return Ok(Inserted { at, is_new: false, moved: Vec::new() });
        }
        self.hold(name);
        let moved = self.order.add(entry);
        self.shift(&moved);
        let at = self.order.position(name).ok_or(InsertError::NotAMessage { name })?;
        self.all.insert(at);
        self.threads.entry(thread).or_default().insert(at);
        Ok(Inserted {
            at,
            is_new: true,
            moved: moved.iter().map(|change| change.to.name).collect(),
        })
    }

    /// Takes an entry away, and returns it. Its number in the log still counts as here.
    pub fn remove(&mut self, name: Name) -> Option<Entry> {
        let at = self.order.position(name)?;
        let (entry, moved) = self.order.remove(name)?;
        self.all.remove(&at);
        if let Some(thread) = self.threads.get_mut(&entry.thread) {
            thread.remove(&at);
        }
        self.shift(&moved);
        Some(entry)
    }

    /// What claims to come after an entry, or replies to it; the entry itself need not be here.
    pub fn followers(&self, name: Name) -> impl Iterator<Item = Name> + '_ {
        self.order.effects(name)
    }

    /// Counts a log entry that is not shown by itself (an edit, a reaction) as here, so that it
    /// leaves no gap. Names of anything else are ignored.
    pub fn hold(&mut self, name: Name) {
        if let Rest::Message { device, number, .. } = name.place().rest {
            self.logs.hold(device, number);
        }
    }

    /// Takes note that a device's log reaches up to `tip`.
    pub fn hear_of(&mut self, device: Device, tip: Number) {
        self.logs.hear_of(device, tip);
    }

    /// The numbers that are missing from a device's log, oldest first: between the oldest here
    /// and the newest heard of.
    pub fn gaps(&self, device: Device) -> Vec<Gap> {
        self.logs.gaps(device)
    }

    /// The devices with entries here or heard of.
    pub fn devices(&self) -> impl Iterator<Item = Device> + '_ {
        self.logs.devices()
    }

    /// The entry of that name, with its claims sorted.
    pub fn entry(&self, name: Name) -> Option<&Entry> {
        self.order.entry(name)
    }

    /// Where an entry stands.
    pub fn position(&self, name: Name) -> Option<Position> {
        self.order.position(name)
    }

    /// How many messages there are, replies included.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All messages with their replies, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Position> + '_ {
        self.all.iter().copied()
    }

    /// The last `limit` messages above `before`, or of all, oldest first; none above an unknown one.
    pub fn page(&self, before: Option<Name>, limit: usize) -> Vec<Position> {
        self.page_of(&self.all, before, limit)
    }

    /// The same without replies: what the main column shows.
    pub fn page_of_roots(&self, before: Option<Name>, limit: usize) -> Vec<Position> {
        self.threads.get(&None).map_or_else(Vec::new, |roots| self.page_of(roots, before, limit))
    }

    /// The replies to `parent`, oldest first, also while the parent itself is missing.
    pub fn thread(&self, parent: Name) -> impl DoubleEndedIterator<Item = Position> + '_ {
        self.threads.get(&Some(parent)).into_iter().flatten().copied()
    }

    /// How many replies `parent` has.
    pub fn replies(&self, parent: Name) -> usize {
        self.threads.get(&Some(parent)).map_or(0, BTreeSet::len)
    }

    fn shift(&mut self, moved: &[Moved]) {
        for change in moved {
            self.all.remove(&change.from);
            self.all.insert(change.to);
            let thread = self.order.entry(change.to.name).and_then(|entry| entry.thread);
            let thread = self.threads.entry(thread).or_default();
            thread.remove(&change.from);
            thread.insert(change.to);
        }
    }

    fn page_of(
        &self,
        of: &BTreeSet<Position>,
        before: Option<Name>,
        limit: usize,
    ) -> Vec<Position> {
        let end = match before.map(|name| self.position(name)) {
            None => Bound::Unbounded,
            Some(Some(position)) => Bound::Excluded(position),
            Some(None) => return Vec::new(),
        };
        let mut page: Vec<Position> =
            of.range((Bound::Unbounded, end)).rev().take(limit).copied().collect();
        page.reverse();
        page
    }
}
