//! The vault's keys, in pages that no other process can read.

use sandbox_io::pages::KeyPage;
use vault_io::{KeyHold, NoPage};
use zeroize::Zeroizing;

/// A key of the vault in a page of its own.
pub(crate) struct PageKey(KeyPage<32>);

impl KeyHold for PageKey {
    fn hold(key: Zeroizing<[u8; 32]>) -> Result<Self, NoPage> {
        let mut page = KeyPage::new().map_err(|_| NoPage)?;
        page.with_mut(|kept| kept.copy_from_slice(&*key));
        Ok(Self(page))
    }

    fn with<R>(&self, f: impl FnOnce(&[u8; 32]) -> R) -> R {
        self.0.with(f)
    }
}
