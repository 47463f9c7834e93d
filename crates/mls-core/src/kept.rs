//! Rows that many steps read are decoded once, and stay beside their bytes until those change.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Fault;
use crate::rows::{Rows, Stored, Table, decode};

/// A row, shared with the rows as long as nobody changes it; who does has a copy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept<T>(Rc<T>);

impl<T> From<T> for Kept<T> {
    fn from(row: T) -> Self {
        Self(Rc::new(row))
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        Rc::make_mut(&mut self.0)
    }
}

impl Rows {
    /// A row that is decoded at most once until it is written again.
    pub(crate) fn kept<T: DeserializeOwned + 'static>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Kept<T>>, Fault> {
        self.with(table, key, |stored| {
            if let Some(Ok(row)) = stored.decoded.clone().map(Rc::downcast::<T>) {
                return Ok(Kept(row));
            }
            let row: Rc<T> = Rc::new(decode(&stored.bytes)?);
            stored.decoded = Some(row.clone());
            Ok(Kept(row))
        })
        .transpose()
    }

    /// Writes a row, and keeps it as it is for those who read it next.
    pub(crate) fn keep<T: Serialize + 'static>(
        &self,
        table: Table,
        key: &[u8],
        row: &Kept<T>,
    ) -> Result<(), Fault> {
        let bytes = self.encoded(table, key, &*row.0)?;
        let decoded: Rc<dyn Any> = row.0.clone();
        self.set(table, key, Some(Stored { bytes, decoded: Some(decoded) }));
        Ok(())
    }
}
