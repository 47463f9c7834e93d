//! The store, as the relay's decisions need it.

use names::{Name, Prefix, TeamId};
use objects::{Hash, Millis, Object, Receipt};
use relay_core::{Kept, Note, Put, Shelf, ShelfFault};
use store_io::{Store, StoreError};

/// A [`Store`] whose objects all have receipts.
#[derive(Debug)]
pub(crate) struct StoreShelf(pub(crate) Store);

impl Shelf for StoreShelf {
    fn id(&self) -> u64 {
        self.0.id()
    }

    fn newest(&self) -> Result<u64, ShelfFault> {
        self.0.newest().map_err(fault)
    }

    fn get(&self, name: Name) -> Result<Option<Kept>, ShelfFault> {
        self.0.get(name).map_err(fault)?.map(kept).transpose()
    }

    fn find(&self, name: Name, hash: &Hash) -> Result<Option<Kept>, ShelfFault> {
        self.0.find(name, hash).map_err(fault)?.map(kept).transpose()
    }

    fn last(&self, prefix: Prefix) -> Result<Option<Kept>, ShelfFault> {
        self.0.last(prefix).map_err(fault)?.map(kept).transpose()
    }

    fn behind(
        &self,
        team: TeamId,
        prefix: Prefix,
        position: u64,
        most: usize,
    ) -> Result<Vec<Kept>, ShelfFault> {
        let found = self.0.behind(team, prefix, position, most).map_err(fault)?;
        found.into_iter().map(kept).collect()
    }

    fn count(&self, prefix: Prefix) -> Result<u64, ShelfFault> {
        self.0.count(prefix).map_err(fault)
    }

    fn stored_bytes(&self, team: TeamId) -> Result<u64, ShelfFault> {
        self.0.stored_bytes(team).map_err(fault)
    }

    fn put(&mut self, put: Put<'_>) -> Result<u64, ShelfFault> {
        let Put { object, receipt, settled, until } = put;
        let put = store_io::Put { object, receipt: Some(receipt), settled, until };
        self.0.put(put).map_err(fault)
    }

    fn set_receipt(&mut self, receipt: &Receipt, settled: bool) -> Result<(), ShelfFault> {
        self.0.set_receipt(receipt, settled).map_err(fault)
    }

    fn restore(&mut self, object: &Object, until: Millis) -> Result<(), ShelfFault> {
        self.0.restore(object, until).map_err(fault)
    }

    fn remove(&mut self, name: Name, hash: &Hash) -> Result<(), ShelfFault> {
        self.0.remove(name, hash).map_err(fault)
    }

    fn note(&self, topic: &[u8]) -> Result<Option<Vec<u8>>, ShelfFault> {
        self.0.note(topic).map_err(fault)
    }

    fn set_note(&mut self, topic: &[u8], note: Option<&[u8]>) -> Result<(), ShelfFault> {
        match note {
            Some(note) => self.0.set_note(topic, note),
            None => self.0.remove_note(topic),
        }
        .map_err(fault)
    }

    fn notes(&self, head: &[u8], after: &[u8], most: usize) -> Result<Vec<Note>, ShelfFault> {
        self.0.notes(head, after, most).map_err(fault)
    }

    fn last_note(&self, head: &[u8]) -> Result<Option<Note>, ShelfFault> {
        self.0.last_note(head).map_err(fault)
    }

    fn next_expiry(&self) -> Result<Option<Millis>, ShelfFault> {
        self.0.next_expiry().map_err(fault)
    }

    fn sweep(&mut self, now: Millis, most: usize) -> Result<(), ShelfFault> {
        self.0.sweep(now, most).map_err(fault)
    }

    fn commit(&mut self) -> Result<(), ShelfFault> {
        self.0.commit().map_err(fault)
    }
}

fn kept(kept: store_io::Kept) -> Result<Kept, ShelfFault> {
    let store_io::Kept { position, object, receipt, settled, until } = kept;
    match receipt {
        Some(receipt) => Ok(Kept { position, object, receipt, settled, until }),
        None => Err(ShelfFault(format!("{} has no receipt", object.name()))),
    }
}

fn fault(error: StoreError) -> ShelfFault {
    ShelfFault(error.to_string())
}
