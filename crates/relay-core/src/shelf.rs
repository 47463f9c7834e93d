//! What the relay needs of a store.

use names::{Name, Prefix, TeamId};
use objects::{Millis, Object, Receipt};

/// An object as it is stored.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Kept {
    /// Where it stands in the order of storing; from 1, never used twice.
    pub position: u64,
    /// The object; of an expired log entry only the header.
    pub object: Object,
    /// The receipt that was given for it.
    pub receipt: Receipt,
}

/// The store failed. What it says is for the operator.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct ShelfFault(pub String);

/// A store of objects. What is put can be read at once, and survives a loss of power from the next
/// [`Shelf::commit`] on; without one it may be gone, but then all of it.
pub trait Shelf {
    /// Identifies this store: positions of another one mean nothing here.
    fn id(&self) -> u64;

    /// The highest position given so far; 0 before the first.
    ///
    /// # Errors
    /// When the store is broken, as with every other call.
    fn newest(&self) -> Result<u64, ShelfFault>;

    /// The object under `name`.
    ///
    /// # Errors
    /// When the store is broken.
    fn get(&self, name: Name) -> Result<Option<Kept>, ShelfFault>;

    /// The object with the highest name under `prefix`, which does not stand for several paths.
    ///
    /// # Errors
    /// When the store is broken.
    fn last(&self, prefix: Prefix) -> Result<Option<Kept>, ShelfFault>;

    /// The first `most` objects under `prefix`, which lies within `team`, behind `position`, in
    /// order of position. Fewer than `most` means that there are no more.
    ///
    /// # Errors
    /// When the store is broken.
    fn behind(
        &self,
        team: TeamId,
        prefix: Prefix,
        position: u64,
        most: usize,
    ) -> Result<Vec<Kept>, ShelfFault>;

    /// How many objects there are under `prefix`, which does not stand for several paths.
    ///
    /// # Errors
    /// When the store is broken.
    fn count(&self, prefix: Prefix) -> Result<u64, ShelfFault>;

    /// How many bytes the organisation of `team` has stored, over all its teams.
    ///
    /// # Errors
    /// When the store is broken.
    fn stored_bytes(&self, team: TeamId) -> Result<u64, ShelfFault>;

    /// Adds an object whose name is free, and gives its position.
    ///
    /// # Errors
    /// When the store is broken.
    fn put(&mut self, object: &Object, receipt: &Receipt) -> Result<u64, ShelfFault>;

    /// When the next object that [`Shelf::sweep`] cares for expires.
    ///
    /// # Errors
    /// When the store is broken.
    fn next_expiry(&self) -> Result<Option<Millis>, ShelfFault>;

    /// Takes the data of up to `most` log entries (path 1) that have expired, and removes expired
    /// key packages, welcome pointers and blob pieces (paths 2, 3, 5). Claims and certificates stay
    /// whole: a revocation that goes away would bring back what it revoked.
    ///
    /// # Errors
    /// When the store is broken.
    fn sweep(&mut self, now: Millis, most: usize) -> Result<(), ShelfFault>;

    /// Makes what was put and swept survive a loss of power.
    ///
    /// # Errors
    /// When the store is broken.
    fn commit(&mut self) -> Result<(), ShelfFault>;
}
