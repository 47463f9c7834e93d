//! The history as it is shown: order in memory, texts in the vault.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ipc_schema::Text;
use ipc_schema_ui::{Body, Label, MAX_ROWS, NameBits, Row, State};
use names::{Channel, Name, Rest, TeamId};
use vault_io::{Change, ReadError, Vault};

use crate::page_key::PageKey;
use crate::record::{HISTORY, RENAMED, Record, number_of};
use crate::shelf::Shelf;

/// Everything that was said, by channel.
#[derive(Default)]
pub(crate) struct Book {
    shelves: BTreeMap<(TeamId, Channel), Shelf>,
    /// What messages are called that had another name.
    renamed: BTreeMap<Name, Name>,
    changes: BTreeMap<Name, Option<Record>>,
    renames: BTreeMap<Name, Name>,
}

/// How far own entries of a channel have come: numbers below are covered.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct Marks {
    pub(crate) local: u64,
    pub(crate) relay: u64,
    pub(crate) delivered: u64,
}

/// A piece of a channel.
pub(crate) struct Page {
    /// In display order.
    pub(crate) names: Vec<Name>,
    /// Is there more above?
    pub(crate) more: bool,
}

impl Book {
    /// Reads the order of everything in the vault.
    pub(crate) fn load(vault: &Vault<PageKey>) -> Result<Self, ReadError> {
        let mut book = Self::default();
        vault.for_each(HISTORY, |key, value| {
            // A record of a later release stays in the vault, unseen.
            if let (Some(name), Ok(record)) = (name_of(&key), Record::read(&value)) {
                book.place(name, &record);
            }
            ControlFlow::Continue(())
        })?;
        for (from, to) in vault.scan(RENAMED)? {
            if let (Some(from), Some(to)) = (name_of(&from), name_of(&to)) {
                book.renamed.insert(from, to);
            }
        }
        Ok(book)
    }

    /// Puts a message in its place, or replaces what is known of it.
    pub(crate) fn record(&mut self, name: Name, record: Record) {
        self.place(name, &record);
        self.changes.insert(name, Some(record));
    }

    /// Gives a message that waits here another name, and what names it too. Returns what is shown
    /// otherwise because of it, the message itself among it.
    pub(crate) fn rename(
        &mut self,
        vault: &Vault<PageKey>,
        from: Name,
        to: Name,
    ) -> Result<Vec<Name>, ReadError> {
        let Some(mut record) = self.stored(vault, from)? else {
            return Ok(Vec::new());
        };
        let Some(shelf) = self.shelf_mut(from) else {
            return Ok(Vec::new());
        };
        let followers: Vec<Name> = shelf.timeline.followers(from).collect();
        shelf.take(from);
        let parts = u64::from(record.last).saturating_sub(number_of(from).value());
        let last = number_of(to).value().saturating_add(parts);
        record.last = u32::try_from(last).unwrap_or(u32::MAX);
        self.changes.insert(from, None);
        self.record(to, record);
        let mut shown = vec![to];
        for follower in followers {
            // Others have seen what a lost copy of this device has sent under that name, if any.
            if let Some(mut record) = self.stored(vault, follower)?.filter(|record| record.own) {
                record.point(from, to);
                self.record(follower, record);
                shown.push(follower);
            }
        }
        for called in self.renamed.iter_mut().filter(|(_, called)| **called == from) {
            *called.1 = to;
            self.renames.insert(*called.0, to);
        }
        self.renamed.insert(from, to);
        self.renames.insert(from, to);
        Ok(shown)
    }

    /// What a message is called now: it may have had another name.
    pub(crate) fn called(&self, name: Name) -> Name {
        self.renamed.get(&name).copied().unwrap_or(name)
    }

    /// What the vault must hold before anything of it is shown.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let records = std::mem::take(&mut self.changes).into_iter().map(|(name, record)| Change {
            table: HISTORY,
            key: name.bytes().to_vec(),
            value: record.map(|record| record.bytes()),
        });
        let renames = std::mem::take(&mut self.renames).into_iter().map(|(from, to)| Change {
            table: RENAMED,
            key: from.bytes().to_vec(),
            value: Some(to.bytes().to_vec().into()),
        });
        records.chain(renames).collect()
    }

    /// What a message written now in this channel comes after; at most 8.
    pub(crate) fn frontier(&self, team: TeamId, channel: Channel) -> Vec<Name> {
        self.shelves.get(&(team, channel)).map(Shelf::frontier).unwrap_or_default()
    }

    pub(crate) fn holds(&self, name: Name) -> bool {
        self.shelf(name).is_some_and(|shelf| shelf.timeline.position(name).is_some())
    }

    pub(crate) fn count(&self, team: TeamId, channel: Channel) -> usize {
        self.shelves.get(&(team, channel)).map_or(0, |shelf| shelf.timeline.len())
    }

    /// A watermark of own entries, for those who know messages only by their first entry: it
    /// never ends inside a message.
    pub(crate) fn whole(&self, team: TeamId, channel: Channel, mark: u32) -> u32 {
        self.shelves.get(&(team, channel)).map_or(mark, |shelf| shelf.whole(mark))
    }

    /// The message that stands above another.
    pub(crate) fn above(&self, name: Name) -> Option<Name> {
        self.shelf(name)?.timeline.page(Some(name), 1).first().map(|above| above.name)
    }

    /// At most `limit` messages above `before`, or the newest ones.
    pub(crate) fn page(
        &self,
        team: TeamId,
        channel: Channel,
        thread: Option<Name>,
        before: Option<Name>,
        limit: usize,
    ) -> Page {
        let empty = Page { names: Vec::new(), more: false };
        let Some(shelf) = self.shelves.get(&(team, channel)) else {
            return empty;
        };
        let limit = limit.clamp(1, MAX_ROWS);
        // One more than wanted tells whether there is more.
        let wanted = limit.saturating_add(1);
        let mut names: Vec<Name> = match thread {
            None => shelf.timeline.page(before, wanted).iter().map(|place| place.name).collect(),
            Some(root) => {
                let replies = shelf.timeline.thread(root).map(|place| place.name);
                let mut all: Vec<Name> = std::iter::once(root)
                    .filter(|root| shelf.timeline.position(*root).is_some())
                    .chain(replies)
                    .take_while(|name| Some(*name) != before)
                    .collect();
                let surplus = all.len().saturating_sub(wanted);
                all.split_off(surplus)
            }
        };
        let more = names.len() > limit;
        if more {
            names.remove(0);
        }
        Page { names, more }
    }

    /// A message as it is shown; `None` when the vault does not have it.
    pub(crate) fn row(
        &self,
        vault: &Vault<PageKey>,
        name: Name,
        marks: Marks,
    ) -> Result<Option<Row>, ReadError> {
        Ok(self.stored(vault, name)?.map(|record| self.shown(name, &record, marks)))
    }

    /// The record of a message, to change something in it.
    pub(crate) fn stored(
        &self,
        vault: &Vault<PageKey>,
        name: Name,
    ) -> Result<Option<Record>, ReadError> {
        if let Some(record) = self.changes.get(&name) {
            return Ok(record.clone());
        }
        Ok(vault.get(HISTORY, &name.bytes())?.and_then(|value| Record::read(&value).ok()))
    }

    fn shown(&self, name: Name, record: &Record, marks: Marks) -> Row {
        let end = record.end(name);
        let state = match (record.own, record.why.is_empty()) {
            (true, false) => State::Failed,
            (false, false) => State::Undecryptable,
            (true, true) if end <= marks.delivered => State::Delivered,
            (true, true) if end <= marks.relay => State::Relay,
            (true, true) if end <= marks.local => State::LocalRelay,
            (true, true) => State::Queued,
            (false, true) => State::Relay,
        };
        Row {
            name: NameBits(name.bytes()),
            from: Label::cut(&record.user),
            device: record.device,
            own: record.own,
            at: record.at,
            state,
            text: Body::cut(&record.body),
            thread: record.thread.map(NameBits),
            replies: self.replies(name),
            why: Text::cut(&record.why),
            missing_before: record.missing,
        }
    }

    fn replies(&self, name: Name) -> u32 {
        let count = self.shelf(name).map_or(0, |shelf| shelf.timeline.replies(name));
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn shelf(&self, name: Name) -> Option<&Shelf> {
        let Rest::Message { channel, .. } = name.place().rest else {
            return None;
        };
        self.shelves.get(&(name.team(), channel))
    }

    fn shelf_mut(&mut self, name: Name) -> Option<&mut Shelf> {
        let Rest::Message { channel, .. } = name.place().rest else {
            return None;
        };
        Some(self.shelves.entry((name.team(), channel)).or_default())
    }

    fn place(&mut self, name: Name, record: &Record) {
        if let Some(shelf) = self.shelf_mut(name) {
            shelf.place(name, record);
        }
    }
}

fn name_of(bytes: &[u8]) -> Option<Name> {
    Name::from_bytes(bytes.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests;
