//! A shelf in memory, for tests and simulated worlds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use names::{Name, Prefix, Rest, TeamId};
use objects::{Hash, Millis, Object, Receipt};

use crate::shelf::{Kept, Note, Put, Shelf, ShelfFault};

/// A [`Shelf`] whose power can be cut: [`MemoryShelf::power_cut`] forgets what was not committed.
#[derive(Debug, Clone, Default)]
pub struct MemoryShelf {
    id: u64,
    newest: u64,
    kept: BTreeMap<u64, Kept>,
    by_name: BTreeMap<u128, Vec<u64>>,
    by_team: BTreeSet<(TeamId, u64)>,
    by_expiry: BTreeSet<(Millis, u64)>,
    bytes: BTreeMap<(names::Origin, names::Org), u64>,
    notes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How to take back what was not committed, in the order that it was done.
    undo: Vec<Undo>,
    durable_newest: u64,
    broken: bool,
}

#[derive(Debug, Clone)]
enum Undo {
    Object(u64, Option<Box<Kept>>),
    Note(Vec<u8>, Option<Vec<u8>>),
}

impl MemoryShelf {
    /// An empty store with this identity.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Forgets what was not committed.
    pub fn power_cut(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Object(position, before) => {
                    self.exchange(position, before.map(|kept| *kept));
                }
                Undo::Note(topic, before) => {
                    self.exchange_note(topic, before);
                }
            }
        }
        self.newest = self.durable_newest;
    }

    /// Lets every later commit fail, as a full or broken disk does.
    pub fn break_disk(&mut self) {
        self.broken = true;
    }

    /// Lets commits succeed again.
    pub fn mend_disk(&mut self) {
        self.broken = false;
    }

    /// Everything that is stored, in order of position.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.kept.values()
    }

    fn change(&mut self, position: u64, kept: Option<Kept>) {
        let before = self.exchange(position, kept);
        self.undo.push(Undo::Object(position, before.map(Box::new)));
    }

    /// Puts `kept` at `position`, in all indexes, and gives what was there.
    fn exchange(&mut self, position: u64, kept: Option<Kept>) -> Option<Kept> {
        let before = self.kept.remove(&position);
        if let Some(kept) = &before {
            let name = kept.object.name();
            self.by_team.remove(&(name.team(), position));
            self.by_expiry.remove(&(kept.until, position));
            if let Some(positions) = self.by_name.get_mut(&name.bits()) {
                positions.retain(|other| *other != position);
                if positions.is_empty() {
                    self.by_name.remove(&name.bits());
                }
            }
            let used = self.bytes.entry((name.team().origin, name.team().org)).or_default();
            *used = used.saturating_sub(len(&kept.object));
        }
        if let Some(kept) = kept {
            let name = kept.object.name();
            self.by_team.insert((name.team(), position));
            if kept.until != Millis::NEVER {
                self.by_expiry.insert((kept.until, position));
            }
            let positions = self.by_name.entry(name.bits()).or_default();
            positions.push(position);
            positions.sort_unstable();
            let used = self.bytes.entry((name.team().origin, name.team().org)).or_default();
            *used = used.saturating_add(len(&kept.object));
            self.kept.insert(position, kept);
        }
        before
    }

    fn exchange_note(&mut self, topic: Vec<u8>, note: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match note {
            Some(note) => self.notes.insert(topic, note),
            None => self.notes.remove(&topic),
        }
    }

    fn under(&self, name: Name) -> impl Iterator<Item = &Kept> {
        let positions = self.by_name.get(&name.bits()).into_iter().flatten();
        positions.filter_map(|position| self.kept.get(position))
    }
}

impl Shelf for MemoryShelf {
    fn id(&self) -> u64 {
        self.id
    }

    fn newest(&self) -> Result<u64, ShelfFault> {
        Ok(self.newest)
    }

    fn get(&self, name: Name) -> Result<Option<Kept>, ShelfFault> {
        Ok(self.under(name).next().cloned())
    }

    fn find(&self, name: Name, hash: &Hash) -> Result<Option<Kept>, ShelfFault> {
        Ok(self.under(name).find(|kept| kept.object.entry_hash() == *hash).cloned())
    }

    fn last(&self, prefix: Prefix) -> Result<Option<Kept>, ShelfFault> {
        let mut last = None;
        for (low, high) in prefix.ranges() {
            let found = self.by_name.range(low..=high).next_back();
            last = found.and_then(|(_, positions)| positions.first()).or(last);
        }
        Ok(last.and_then(|position| self.kept.get(position)).cloned())
    }

    fn behind(
        &self,
        team: TeamId,
        prefix: Prefix,
        position: u64,
        most: usize,
    ) -> Result<Vec<Kept>, ShelfFault> {
        let behind = (Bound::Excluded((team, position)), Bound::Included((team, u64::MAX)));
        let kept = self.by_team.range(behind).filter_map(|(_, at)| self.kept.get(at));
        let wanted = kept.filter(|kept| prefix.covers(kept.object.name()));
        Ok(wanted.take(most).cloned().collect())
    }

    fn count(&self, prefix: Prefix) -> Result<u64, ShelfFault> {
        let mut count = 0_usize;
        for (low, high) in prefix.ranges() {
            let names = self.by_name.range(low..=high);
            count = count.saturating_add(names.map(|(_, positions)| positions.len()).sum());
        }
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn stored_bytes(&self, team: TeamId) -> Result<u64, ShelfFault> {
        Ok(self.bytes.get(&(team.origin, team.org)).copied().unwrap_or(0))
    }

    fn put(&mut self, put: Put<'_>) -> Result<u64, ShelfFault> {
        let Put { object, receipt, settled, until } = put;
        if self.find(object.name(), &object.entry_hash())?.is_some() {
            return Err(ShelfFault(format!("{} was stored twice", object.name())));
        }
        let position = self.newest.saturating_add(1);
        let (object, receipt) = (object.clone(), *receipt);
        self.change(position, Some(Kept { position, object, receipt, settled, until }));
        self.newest = position;
        Ok(position)
    }

    fn set_receipt(&mut self, receipt: &Receipt, settled: bool) -> Result<(), ShelfFault> {
        if let Some(kept) = self.find(receipt.name, &receipt.hash)? {
            let position = kept.position;
            self.change(position, Some(Kept { receipt: *receipt, settled, ..kept }));
        }
        Ok(())
    }

    fn restore(&mut self, object: &Object, until: Millis) -> Result<(), ShelfFault> {
        if let Some(kept) = self.find(object.name(), &object.entry_hash())? {
            let position = kept.position;
            self.change(position, Some(Kept { object: object.clone(), until, ..kept }));
        }
        Ok(())
    }

    fn remove(&mut self, name: Name, hash: &Hash) -> Result<(), ShelfFault> {
        if let Some(kept) = self.find(name, hash)? {
            self.change(kept.position, None);
        }
        Ok(())
    }

    fn note(&self, topic: &[u8]) -> Result<Option<Vec<u8>>, ShelfFault> {
        Ok(self.notes.get(topic).cloned())
    }

    fn set_note(&mut self, topic: &[u8], note: Option<&[u8]>) -> Result<(), ShelfFault> {
        let before = self.exchange_note(topic.to_vec(), note.map(<[u8]>::to_vec));
        self.undo.push(Undo::Note(topic.to_vec(), before));
        Ok(())
    }

    fn notes(&self, head: &[u8], after: &[u8], most: usize) -> Result<Vec<Note>, ShelfFault> {
        // Nothing that begins with `head` stands before it.
        let from = if after < head { Bound::Included(head) } else { Bound::Excluded(after) };
        let behind = self.notes.range::<[u8], _>((from, Bound::Unbounded));
        let found = behind.take_while(|(topic, _)| topic.starts_with(head)).take(most);
        Ok(found.map(|(topic, note)| (topic.clone(), note.clone())).collect())
    }

    fn last_note(&self, head: &[u8]) -> Result<Option<Note>, ShelfFault> {
        let highest = [head, &[u8::MAX; 64]].concat();
        let before = (Bound::Included(head), Bound::Included(highest.as_slice()));
        let last = self.notes.range::<[u8], _>(before).next_back();
        Ok(last.map(|(topic, note)| (topic.clone(), note.clone())))
    }

    fn next_expiry(&self) -> Result<Option<Millis>, ShelfFault> {
        Ok(self.by_expiry.first().map(|(until, _)| *until))
    }

    fn sweep(&mut self, now: Millis, most: usize) -> Result<(), ShelfFault> {
        let expired = self.by_expiry.range(..=(now, u64::MAX)).take(most);
        let expired: Vec<u64> = expired.map(|(_, position)| *position).collect();
        for position in expired {
            let kept = self.kept.get(&position).cloned();
            let kept = kept.filter(|kept| chained(kept.object.name()));
            let bare = kept.map(|kept| Kept {
                object: kept.object.header_only(),
                until: Millis::NEVER,
                ..kept
            });
            self.change(position, bare);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ShelfFault> {
        if self.broken {
            return Err(ShelfFault("the disk is broken".to_owned()));
        }
        self.undo.clear();
        self.durable_newest = self.newest;
        Ok(())
    }
}

fn len(object: &Object) -> u64 {
    u64::try_from(object.bytes().len()).unwrap_or(u64::MAX)
}

fn chained(name: Name) -> bool {
    matches!(name.place().rest, Rest::Message { .. })
}
