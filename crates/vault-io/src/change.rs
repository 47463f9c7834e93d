//! What a step changes.

use std::fmt;

use zeroize::Zeroizing;

/// The number of a table. Its meaning belongs to the caller; it stands readable in the file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Table(pub u8);

/// One row to write or to delete.
#[derive(Clone)]
pub struct Change {
    /// The table of the row.
    pub table: Table,
    /// The row's key in that table: at most [`MAX_KEY`] bytes; it never reaches the file readable.
    pub key: Vec<u8>,
    /// The new value of at most [`MAX_VALUE`] bytes; `None` deletes the row.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.value.is_some() { "write" } else { "delete" };
        write!(f, "Change({verb} in table {})", self.table.0)
    }
}

/// Longest key, in bytes.
pub const MAX_KEY: usize = 1 << 16;
/// Longest value, in bytes.
pub const MAX_VALUE: usize = 1 << 26;
