//! Everything an endpoint knows, as rows: what is not here is gone after a restart.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::Fault;

/// A table of the vault. Numbers from 64 on belong to others.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(u8)]
pub enum Table {
    /// The user, the organisation of an admin, the pinned relay.
    Identity = 1,
    /// What OpenMLS stores.
    Mls = 2,
    /// One row per team or join.
    Team = 3,
    /// One row per log: its tip, its gaps.
    Log = 4,
    /// What waits for the relay, in order.
    Outbox = 5,
    /// Wishes that wait for their slot.
    Intent = 6,
    /// The own claim of a team.
    Claim = 7,
    /// Objects that came before they could be used.
    Ahead = 8,
    /// Opened parts of messages that are not whole yet.
    Part = 9,
    /// Certificates of devices: those in effect, and those that no claim has named yet.
    Certificate = 10,
    /// Which of our entries other devices have.
    Cover = 11,
    /// Terms: which relay orders the slots of a team.
    Term = 12,
    /// Which devices have said that they cannot apply a commit.
    Stall = 13,
    /// Proofs that somebody has shown two histories.
    Proof = 14,
    /// The newest headers of each log.
    Header = 15,
    /// What was written and waits to be sealed.
    Unsealed = 16,
    /// Messages that cannot be read here and that others are asked for.
    Want = 17,
    /// The epoch in which each device came.
    Since = 18,
    /// When the own leaf of a team is to be renewed.
    Renewal = 20,
    /// Announcements that a claim has welcomed.
    Welcomed = 21,
    /// Key packages for any team of an organisation.
    Pool = 22,
    /// Key packages of people who are to be added.
    Candidate = 23,
    /// What the origin has said of each slot.
    Slot = 24,
    /// By whom and when this device was removed from a team.
    Removal = 25,
    /// Name and channels of a team, as the member tool signed them.
    Roster = 26,
    /// Wishes that have come true with slots that a new term may take back.
    Done = 27,
    /// The newest own entries of each log that the origin had.
    Sent = 28,
}

/// One row to write or to delete.
#[derive(Clone)]
pub struct Change {
    /// The table.
    pub table: Table,
    /// The key in that table.
    pub key: Vec<u8>,
    /// The new value; `None` deletes the row.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

impl Table {
    /// All tables, in order.
    pub const ALL: &[Self] = &[
        Self::Identity,
        Self::Mls,
        Self::Team,
        Self::Log,
        Self::Outbox,
        Self::Intent,
        Self::Claim,
        Self::Ahead,
        Self::Part,
        Self::Certificate,
        Self::Cover,
        Self::Term,
        Self::Stall,
        Self::Proof,
        Self::Header,
        Self::Unsealed,
        Self::Want,
        Self::Since,
        Self::Renewal,
        Self::Welcomed,
        Self::Pool,
        Self::Candidate,
        Self::Slot,
        Self::Removal,
        Self::Roster,
        Self::Done,
        Self::Sent,
    ];

    /// The number of the table.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The table with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|table| table.code() == code)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.value.is_some() { "write" } else { "delete" };
        write!(f, "Change({verb} in {:?})", self.table)
    }
}

/// The rows, in memory, and which of them have changed. Nothing here touches a disk.
#[derive(Default)]
pub(crate) struct Rows {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    values: BTreeMap<Table, BTreeMap<Vec<u8>, Stored>>,
    dirty: BTreeSet<Key>,
    /// While something is tried: what the rows were before.
    before: Option<BTreeMap<Key, Option<Stored>>>,
}

/// The value of a row.
pub(crate) struct Stored {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// What the bytes say, if somebody has read it: it goes with them.
    pub(crate) decoded: Option<Rc<dyn Any>>,
}

type Key = (Table, Vec<u8>);

impl Rows {
    pub(crate) fn load(
        rows: impl IntoIterator<Item = (Table, Vec<u8>, Zeroizing<Vec<u8>>)>,
    ) -> Self {
        let mut inner = Inner::default();
        for (table, key, bytes) in rows {
            inner.put(table, key, Some(Stored { bytes, decoded: None }));
        }
        Self { inner: RefCell::new(inner) }
    }

    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, Fault> {
        self.with(table, key, |stored| decode(&stored.bytes)).transpose()
    }

    /// Looks at a value, if there is one.
    pub(crate) fn with<T>(
        &self,
        table: Table,
        key: &[u8],
        look: impl FnOnce(&mut Stored) -> T,
    ) -> Option<T> {
        let mut inner = self.inner.borrow_mut();
        inner.values.get_mut(&table)?.get_mut(key).map(look)
    }

    pub(crate) fn has(&self, table: Table, key: &[u8]) -> bool {
        self.inner.borrow().values.get(&table).is_some_and(|rows| rows.contains_key(key))
    }

    pub(crate) fn put<T: Serialize + ?Sized>(
        &self,
        table: Table,
        key: &[u8],
        value: &T,
    ) -> Result<(), Fault> {
        let bytes = self.encoded(table, key, value)?;
        self.set(table, key, Some(Stored { bytes, decoded: None }));
        Ok(())
    }

    /// A value in as much space as the one before it took: growing copies it several times.
    pub(crate) fn encoded<T: Serialize + ?Sized>(
        &self,
        table: Table,
        key: &[u8],
        value: &T,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let before = self.with(table, key, |stored| stored.bytes.len()).unwrap_or(0);
        let space = Vec::with_capacity(before.saturating_add(32));
        let bytes = cbor4ii::serde::to_vec(space, &value).map_err(|_| Fault::Encode)?;
        Ok(Zeroizing::new(bytes))
    }

    pub(crate) fn remove(&self, table: Table, key: &[u8]) {
        if self.has(table, key) {
            self.set(table, key, None);
        }
    }

    pub(crate) fn set(&self, table: Table, key: &[u8], value: Option<Stored>) {
        let mut inner = self.inner.borrow_mut();
        let old = inner.put(table, key.to_vec(), value);
        let key = (table, key.to_vec());
        if let Some(before) = &mut inner.before {
            before.entry(key.clone()).or_insert(old);
        }
        inner.dirty.insert(key);
    }

    /// The keys in a table that start with `prefix`, in order.
    pub(crate) fn keys(&self, table: Table, prefix: &[u8]) -> Vec<Vec<u8>> {
        let inner = self.inner.borrow();
        inner.from(table, Bound::Included(prefix), prefix).cloned().collect()
    }

    /// The first key of a table that is above `above`, if it starts with `prefix`.
    pub(crate) fn next_key(&self, table: Table, prefix: &[u8], above: &[u8]) -> Option<Vec<u8>> {
        let inner = self.inner.borrow();
        inner.from(table, Bound::Excluded(above), prefix).next().cloned()
    }

    pub(crate) fn count(&self, table: Table, prefix: &[u8]) -> usize {
        self.inner.borrow().from(table, Bound::Included(prefix), prefix).count()
    }

    /// Tries something; when it fails, every row is as before.
    pub(crate) fn attempt<T, E>(&self, attempt: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.inner.borrow_mut().before = Some(BTreeMap::new());
        let result = attempt();
        let mut inner = self.inner.borrow_mut();
        let before = inner.before.take().unwrap_or_default();
        if result.is_err() {
            for ((table, key), value) in before {
                inner.put(table, key, value);
            }
        }
        result
    }

    /// Everything that changed since the last call, one value per row.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let inner = self.inner.get_mut();
        let dirty = std::mem::take(&mut inner.dirty);
        let value =
            |table: Table, key: &[u8]| Some(inner.values.get(&table)?.get(key)?.bytes.clone());
        dirty
            .into_iter()
            .map(|(table, key)| Change { value: value(table, &key), table, key })
            .collect()
    }
}

impl Inner {
    /// Puts a value into its place, or takes it out of there; what was there before.
    fn put(&mut self, table: Table, key: Vec<u8>, value: Option<Stored>) -> Option<Stored> {
        match value {
            Some(value) => self.values.entry(table).or_default().insert(key, value),
            None => self.values.get_mut(&table)?.remove(&key),
        }
    }

    /// The keys of a table from a place on, as long as they start with `prefix`.
    fn from<'a>(
        &'a self,
        table: Table,
        from: Bound<&'a [u8]>,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = &'a Vec<u8>> {
        let rows = self.values.get(&table).into_iter();
        rows.flat_map(move |rows| rows.range::<[u8], _>((from, Bound::Unbounded)))
            .map(|(key, _)| key)
            .take_while(move |key| key.starts_with(prefix))
    }
}

/// CBOR (RFC 8949): it describes itself, which OpenMLS needs to read its own types back.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    cbor4ii::serde::to_vec(Vec::new(), &value).map_err(|_| Fault::Encode)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    cbor4ii::serde::from_slice(bytes).map_err(|_| Fault::Row)
}
