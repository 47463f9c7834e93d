//! The cache: sealed objects on disk, which can be deleted at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use names::{Prefix, Rest};
use objects::{Millis, Object};
use store_io::{Durability, Store, StoreError};

/// Opens the cache in `folder`. One that is damaged, or of another version, is thrown away: it only
/// holds what relays have as well.
///
/// # Errors
/// When another process has it, or the disk fails.
pub(crate) fn open(folder: &Path) -> Result<Store, StoreError> {
    match Store::open(&file(folder, ""), Durability::Process) {
        Err(StoreError::Damaged(_) | StoreError::TooNew { .. } | StoreError::TooOld { .. }) => {
            throw_away(folder)?;
            Store::open(&file(folder, ""), Durability::Process)
        }
        opened => opened,
    }
}

fn throw_away(folder: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(file(folder, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::Disk(error.to_string()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn file(folder: &Path, suffix: &str) -> PathBuf {
    folder.join(format!("cache.db{suffix}"))
}

/// When the cache sweeps an object: claims and certificates never, all others in their own time.
pub(crate) fn until(object: &Object) -> Millis {
    match object.name().place().rest {
        Rest::Message { .. } if object.data().is_none_or(<[u8]>::is_empty) => Millis::NEVER,
        Rest::Message { .. }
        | Rest::KeyPackage { .. }
        | Rest::Welcome { .. }
        | Rest::Blob { .. } => object.expires(),
        Rest::Slot(_) | Rest::Certificate { .. } | Rest::Use(_) | Rest::Code(_) => Millis::NEVER,
    }
}

/// How far a subscription has read at a relay.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct Reached {
    /// The relay's store.
    pub(crate) store: u64,
    /// The position there.
    pub(crate) position: u64,
}

/// Where the last `Deliver` of a subscription stood at the relay with this key.
pub(crate) fn reached(
    cache: &Store,
    relay: &[u8; 32],
    prefix: &Prefix,
) -> Result<Reached, StoreError> {
    let note = cache.note(&topic(relay, prefix))?;
    let both = note.as_deref().and_then(|note| note.split_first_chunk::<8>());
    let Some((store, position)) = both else {
        return Ok(Reached::default());
    };
    let Ok(position) = <[u8; 8]>::try_from(position) else {
        return Ok(Reached::default());
    };
    Ok(Reached { store: u64::from_be_bytes(*store), position: u64::from_be_bytes(position) })
}

pub(crate) fn set_reached(
    cache: &mut Store,
    relay: &[u8; 32],
    prefix: &Prefix,
    reached: Reached,
) -> Result<(), StoreError> {
    let note = [reached.store.to_be_bytes(), reached.position.to_be_bytes()].concat();
    cache.set_note(&topic(relay, prefix), &note)
}

fn topic(relay: &[u8; 32], prefix: &Prefix) -> Vec<u8> {
    let (bits, len) = (prefix.bits().to_be_bytes(), prefix.len().to_be_bytes());
    [b"reached ".as_slice(), relay, &bits, &len].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NET-06`
    #[test]
    fn a_damaged_cache_is_thrown_away_and_another_begins() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap().id();
        assert_eq!(open(folder.path()).unwrap().id(), first);
        fs::write(file(folder.path(), ""), [0x5a; 5000]).unwrap();
        let second = open(folder.path()).unwrap().id();
        assert_ne!(second, first);
        throw_away(folder.path()).unwrap();
        assert_ne!(open(folder.path()).unwrap().id(), second);
    }

    /// `NET-04`
    #[test]
    fn what_was_reached_is_remembered_per_relay_and_subscription() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = open(folder.path()).unwrap();
        let (one, other) = (Prefix::from_bits(0, 3).unwrap(), Prefix::from_bits(0, 4).unwrap());
        let far = Reached { store: 7, position: 9 };
        set_reached(&mut cache, &[1; 32], &one, far).unwrap();
        assert_eq!(reached(&cache, &[1; 32], &one).unwrap(), far);
        assert_eq!(reached(&cache, &[2; 32], &one).unwrap(), Reached::default());
        assert_eq!(reached(&cache, &[1; 32], &other).unwrap(), Reached::default());
    }
}
