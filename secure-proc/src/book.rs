//! The history as it is shown: order in memory, texts in the vault.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use ipc_schema::Text;
use ipc_schema_ui::{Body, Label, MAX_ROWS, NameBits, Row, State};
use names::{Channel, Name, Rest, TeamId};
use timeline_core::{Entry, Timeline};
use vault_io::{Change, ReadError, Vault};

use crate::page_key::PageKey;
use crate::record::{HISTORY, Record, number_of};

/// Everything that was said, by channel.
#[derive(Default)]
pub(crate) struct Book {
    shelves: BTreeMap<(TeamId, Channel), Shelf>,
    changes: BTreeMap<Name, Record>,
}

/// One channel.
#[derive(Default)]
struct Shelf {
    timeline: Timeline,
    /// What nothing that is here has been written after: the next message names it.
    frontier: Vec<(u64, Name)>,
    /// Named by something that is here, and not here itself yet.
    awaited: BTreeSet<Name>,
    /// Own texts of several entries: number of the first, and the number behind the last.
    long: BTreeMap<u64, u64>,
}

/// How far own entries of a channel have come: numbers below are covered.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct Marks {
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
            let name =
                <[u8; 16]>::try_from(key.as_slice()).ok().and_then(|b| Name::from_bytes(b).ok());
            // A record of a later release stays in the vault, unseen.
            if let (Some(name), Ok(record)) = (name, Record::read(&value)) {
                book.place(name, &record);
            }
            ControlFlow::Continue(())
        })?;
        Ok(book)
    }

    /// Puts a message in its place, or replaces what is known of it.
    pub(crate) fn record(&mut self, name: Name, record: Record) {
        self.place(name, &record);
        self.changes.insert(name, record);
    }

    /// What the vault must hold before anything of it is shown.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
            .into_iter()
            .map(|(name, record)| Change {
                table: HISTORY,
                key: name.bytes().to_vec(),
                value: Some(record.bytes()),
            })
            .collect()
    }

    /// What a message written now in this channel comes after; at most 8.
    pub(crate) fn frontier(&self, team: TeamId, channel: Channel) -> Vec<Name> {
        let mut seen = match self.shelves.get(&(team, channel)) {
            Some(shelf) => shelf.frontier.clone(),
            None => return Vec::new(),
        };
        seen.sort_unstable();
        let surplus = seen.len().saturating_sub(MOST_AFTER);
        seen.split_off(surplus).into_iter().map(|(_, name)| name).collect()
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
        let mark = u64::from(mark);
        let shelf = self.shelves.get(&(team, channel));
        let inside = shelf
            .and_then(|shelf| shelf.long.range(..mark).next_back())
            .filter(|(_, end)| mark < **end);
        let whole = inside.map_or(mark, |(first, _)| *first);
        u32::try_from(whole).unwrap_or(u32::MAX)
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
        if let Some(record) = self.changes.get(&name) {
            return Ok(Some(self.shown(name, record, marks)));
        }
        let value = vault.get(HISTORY, &name.bytes())?;
        let record = value.and_then(|value| Record::read(&value).ok());
        Ok(record.map(|record| self.shown(name, &record, marks)))
    }

    /// The record of a message, to change something in it.
    pub(crate) fn stored(
        &self,
        vault: &Vault<PageKey>,
        name: Name,
    ) -> Result<Option<Record>, ReadError> {
        if let Some(record) = self.changes.get(&name) {
            return Ok(Some(record.clone()));
        }
        Ok(vault.get(HISTORY, &name.bytes())?.and_then(|value| Record::read(&value).ok()))
    }

    fn shown(&self, name: Name, record: &Record, marks: Marks) -> Row {
        let end = record.end(name);
        let state = match (record.own, record.why.is_empty()) {
            (true, false) => State::Failed,
            (false, false) => State::Undecryptable,
            (true, true) if end <= marks.delivered => State::Delivered,
            (true, true) if end > marks.relay => State::Queued,
            (_, true) => State::Relay,
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

    fn place(&mut self, name: Name, record: &Record) {
        let Rest::Message { channel, .. } = name.place().rest else {
            return;
        };
        let shelf = self.shelves.entry((name.team(), channel)).or_default();
        let after = record.after();
        let entry = Entry {
            name,
            after: after.clone(),
            thread: record.thread(),
            author_time_ms: record.at,
        };
        // One that is there already keeps its place: only what is known of it changes.
        if shelf.timeline.position(name).is_some() || shelf.timeline.insert(entry).is_err() {
            return;
        }
        let (first, end) = (number_of(name).value(), record.end(name));
        if record.own && first.saturating_add(1) < end {
            shelf.long.insert(first, end);
        }
        shelf.frontier.retain(|(_, seen)| !after.contains(seen));
        let missing = after.into_iter().filter(|seen| shelf.timeline.position(*seen).is_none());
        shelf.awaited.extend(missing.collect::<Vec<_>>());
        if !shelf.awaited.remove(&name) {
            shelf.frontier.push((record.at, name));
        }
    }
}

/// So many messages does a new one name as seen.
const MOST_AFTER: usize = timeline_core::MAX_AFTER;

#[cfg(test)]
mod tests {
    use names::{Device, Number, Org, Origin, Team};

    use super::*;

    #[test]
    fn a_watermark_never_ends_inside_a_message() {
        let (origin, org) = (Origin::truncate(1), Org::truncate(2));
        let team = TeamId { origin, org, team: Team::truncate(3) };
        let channel = Channel::truncate(4);
        let mut book = Book::default();
        for (first, last) in [(0, 0), (1, 3), (4, 4)] {
            let (device, number) = (Device::truncate(5), Number::truncate(first));
            let record = Record {
                user: "Alice".into(),
                device: 5,
                own: true,
                at: first,
                body: "text".into(),
                thread: None,
                after: Vec::new(),
                last,
                why: String::new(),
                missing: 0,
            };
            book.record(team.name(Rest::Message { channel, device, number }), record);
        }
        let marks: Vec<u32> = (0..=5).map(|mark| book.whole(team, channel, mark)).collect();
        assert_eq!(marks, [0, 1, 1, 1, 4, 5]);
    }
}
