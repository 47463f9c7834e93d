//! A shelf in memory, for tests and simulated worlds.

use std::collections::BTreeMap;

use names::{Name, Prefix, Rest, TeamId};
use objects::{Millis, Object, Receipt};

use crate::shelf::{Kept, Shelf, ShelfFault};

/// A [`Shelf`] whose power can be cut: [`MemoryShelf::power_cut`] forgets what was not committed.
#[derive(Debug, Clone, Default)]
pub struct MemoryShelf {
    id: u64,
    state: State,
    durable: State,
    broken: bool,
}

#[derive(Debug, Clone, Default)]
struct State {
    newest: u64,
    kept: BTreeMap<Name, Kept>,
}

impl MemoryShelf {
    /// An empty store with this identity.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Forgets what was not committed.
    pub fn power_cut(&mut self) {
        self.state = self.durable.clone();
    }

    /// Lets every later commit fail, as a full or broken disk does.
    pub fn break_disk(&mut self) {
        self.broken = true;
    }

    fn swept(kept: &Kept, now: Millis) -> bool {
        kept.object.expires() <= now && sweeps(kept.object.name()) && kept.object.data().is_some()
    }
}

impl Shelf for MemoryShelf {
    fn id(&self) -> u64 {
        self.id
    }

    fn newest(&self) -> Result<u64, ShelfFault> {
        Ok(self.state.newest)
    }

    fn get(&self, name: Name) -> Result<Option<Kept>, ShelfFault> {
        Ok(self.state.kept.get(&name).cloned())
    }

    fn last(&self, prefix: Prefix) -> Result<Option<Kept>, ShelfFault> {
        let under = self.state.kept.iter().rev().find(|(name, _)| prefix.covers(**name));
        Ok(under.map(|(_, kept)| kept.clone()))
    }

    fn behind(
        &self,
        _team: TeamId,
        prefix: Prefix,
        position: u64,
        most: usize,
    ) -> Result<Vec<Kept>, ShelfFault> {
        let wanted = |kept: &&Kept| kept.position > position && prefix.covers(kept.object.name());
        let mut found: Vec<Kept> = self.state.kept.values().filter(wanted).cloned().collect();
        found.sort_by_key(|kept| kept.position);
        found.truncate(most);
        Ok(found)
    }

    fn count(&self, prefix: Prefix) -> Result<u64, ShelfFault> {
        let count = self.state.kept.keys().filter(|name| prefix.covers(**name)).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn stored_bytes(&self, team: TeamId) -> Result<u64, ShelfFault> {
        let org = |name: &Name| (name.team().origin, name.team().org) == (team.origin, team.org);
        let of_org = self.state.kept.iter().filter(|(name, _)| org(name));
        let bytes: usize = of_org.map(|(_, kept)| kept.object.bytes().len()).sum();
        Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    fn put(&mut self, object: &Object, receipt: &Receipt) -> Result<u64, ShelfFault> {
        let position = self.state.newest.saturating_add(1);
        let kept = Kept { position, object: object.clone(), receipt: *receipt };
        if self.state.kept.insert(object.name(), kept).is_some() {
            return Err(ShelfFault(format!("{} was stored twice", object.name())));
        }
        self.state.newest = position;
        Ok(position)
    }

    fn next_expiry(&self) -> Result<Option<Millis>, ShelfFault> {
        let dated = self.state.kept.values().filter(|kept| Self::swept(kept, Millis(u64::MAX - 1)));
        Ok(dated.map(|kept| kept.object.expires()).min())
    }

    fn sweep(&mut self, now: Millis, most: usize) -> Result<(), ShelfFault> {
        let expired = self.state.kept.values().filter(|kept| Self::swept(kept, now)).take(most);
        let expired: Vec<Kept> = expired.cloned().collect();
        for kept in expired {
            let name = kept.object.name();
            if chained(name) {
                let bare = Kept { object: kept.object.header_only(), ..kept };
                self.state.kept.insert(name, bare);
            } else {
                self.state.kept.remove(&name);
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ShelfFault> {
        if self.broken {
            return Err(ShelfFault("the disk is broken".to_owned()));
        }
        self.durable = self.state.clone();
        Ok(())
    }
}

fn chained(name: Name) -> bool {
    matches!(name.place().rest, Rest::Message { .. })
}

fn sweeps(name: Name) -> bool {
    matches!(name.place().rest.path(), 1 | 2 | 3 | 5)
}
