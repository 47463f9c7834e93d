//! The store, as the relay's decisions need it.

use names::{Name, Prefix, TeamId};
use objects::{Millis, Object, Receipt};
use relay_core::{Kept, Shelf, ShelfFault};
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

    fn put(&mut self, object: &Object, receipt: &Receipt) -> Result<u64, ShelfFault> {
        self.0.put(object, Some(receipt)).map_err(fault)
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
    let store_io::Kept { position, object, receipt } = kept;
    match receipt {
        Some(receipt) => Ok(Kept { position, object, receipt }),
        None => Err(ShelfFault(format!("{} has no receipt", object.name()))),
    }
}

fn fault(error: StoreError) -> ShelfFault {
    ShelfFault(error.to_string())
}
