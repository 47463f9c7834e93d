//! What the relay needs of a store.

use names::{Name, Prefix, TeamId};
use objects::{Hash, Millis, Object, Receipt};

/// An object as it is stored.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Kept {
    /// Where it stands in the order of storing; from 1, never used twice.
    pub position: u64,
    /// The object; of an expired log entry only the header.
    pub object: Object,
    /// The best receipt that is known: the origin's, else this relay's own.
    pub receipt: Receipt,
    /// Is that receipt the origin's?
    pub settled: bool,
    /// When the store sweeps it; [`Millis::NEVER`] for what stays whole.
    pub until: Millis,
}

/// What is to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// The object. Exactly this one is not stored yet; another one under its name may be.
    pub object: &'a Object,
    /// Its receipt.
    pub receipt: &'a Receipt,
    /// As in [`Kept`].
    pub settled: bool,
    /// As in [`Kept`].
    pub until: Millis,
}

/// A topic and what is noted there.
pub type Note = (Vec<u8>, Vec<u8>);

/// The store failed. What it says is for the operator.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct ShelfFault(pub String);

/// A store of objects, and of notes in the order of their topics. What is put or noted can be read
/// at once, and survives a loss of power from the next [`Shelf::commit`] on; without one it may be
/// gone, but then all of it.
pub trait Shelf {
    /// Identifies this store: positions of another one mean nothing here.
    fn id(&self) -> u64;

    /// The highest position given so far; 0 before the first.
    ///
    /// # Errors
    /// When the store is broken, as with every other call.
    fn newest(&self) -> Result<u64, ShelfFault>;

    /// The first object that was stored under `name`.
    ///
    /// # Errors
    /// When the store is broken.
    fn get(&self, name: Name) -> Result<Option<Kept>, ShelfFault>;

    /// The object under `name` with this entry hash.
    ///
    /// # Errors
    /// When the store is broken.
    fn find(&self, name: Name, hash: &Hash) -> Result<Option<Kept>, ShelfFault>;

    /// The object with the highest name under `prefix`, which does not stand for several paths; of
    /// two under one name the first.
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

    /// Adds an object and gives its position.
    ///
    /// # Errors
    /// When the store is broken.
    fn put(&mut self, put: Put<'_>) -> Result<u64, ShelfFault>;

    /// Gives an object another receipt.
    ///
    /// # Errors
    /// When the store is broken.
    fn set_receipt(&mut self, receipt: &Receipt, settled: bool) -> Result<(), ShelfFault>;

    /// Gives an object that is stored without its data this copy's, until `until`; its position
    /// stays.
    ///
    /// # Errors
    /// When the store is broken.
    fn restore(&mut self, object: &Object, until: Millis) -> Result<(), ShelfFault>;

    /// Removes an object, if it is there; its position is not used again.
    ///
    /// # Errors
    /// When the store is broken.
    fn remove(&mut self, name: Name, hash: &Hash) -> Result<(), ShelfFault>;

    /// What is noted under `topic`.
    ///
    /// # Errors
    /// When the store is broken.
    fn note(&self, topic: &[u8]) -> Result<Option<Vec<u8>>, ShelfFault>;

    /// Notes something, or nothing any more.
    ///
    /// # Errors
    /// When the store is broken.
    fn set_note(&mut self, topic: &[u8], note: Option<&[u8]>) -> Result<(), ShelfFault>;

    /// The first `most` notes whose topics begin with `head` and come after `after`, in the order
    /// of their topics.
    ///
    /// # Errors
    /// When the store is broken.
    fn notes(&self, head: &[u8], after: &[u8], most: usize) -> Result<Vec<Note>, ShelfFault>;

    /// The last note whose topic begins with `head`.
    ///
    /// # Errors
    /// When the store is broken.
    fn last_note(&self, head: &[u8]) -> Result<Option<Note>, ShelfFault>;

    /// When the next object has to be swept.
    ///
    /// # Errors
    /// When the store is broken.
    fn next_expiry(&self) -> Result<Option<Millis>, ShelfFault>;

    /// Sweeps up to `most` objects whose time has come: takes the data of log entries (path 1), and
    /// removes all others.
    ///
    /// # Errors
    /// When the store is broken.
    fn sweep(&mut self, now: Millis, most: usize) -> Result<(), ShelfFault>;

    /// Makes everything since the last commit survive a loss of power.
    ///
    /// # Errors
    /// When the store is broken.
    fn commit(&mut self) -> Result<(), ShelfFault>;
}
