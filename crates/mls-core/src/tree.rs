//! The ratchet tree for newcomers (RFC 9420 §12.4.3.3): sealed, in a blob of its own, so that a
//! welcome fits one object whatever the size of the team.

use names::TeamId;
use openmls::prelude::{
    Extension, OpenMlsCrypto as _, ProcessedWelcome, RatchetTreeIn, UnknownExtension,
    tls_codec::{DeserializeBytes as _, Serialize as _},
};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::types::AeadType;
use zeroize::Zeroizing;

use crate::endpoint::group_id;
use crate::{Endpoint, Fault};

/// The key of one tree; it stands in the encrypted group info of the welcome.
pub(crate) struct TreeKey(Zeroizing<[u8; 32]>);

impl TreeKey {
    /// The extension of the group info that carries the key.
    pub(crate) fn extension(&self) -> Extension {
        Extension::Unknown(TREE_KEY, UnknownExtension(self.0.to_vec()))
    }

    pub(crate) fn of(welcome: &ProcessedWelcome) -> Option<Self> {
        let extension = welcome.unverified_group_info().extensions().unknown(TREE_KEY)?;
        let key: [u8; 32] = extension.0.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(key)))
    }
}

impl Endpoint {
    pub(crate) fn draw_tree_key(&mut self) -> TreeKey {
        let mut key = Zeroizing::new([0; 32]);
        self.provider.fill(key.as_mut());
        TreeKey(key)
    }

    /// The tree behind our pending commit, sealed.
    pub(crate) fn sealed_tree(&self, team: TeamId, key: &TreeKey) -> Result<Vec<u8>, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let crypto = self.provider.crypto();
        let mut tree = group.export_ratchet_tree();
        if let Some(commit) = group.pending_commit() {
            let behind = commit.export_ratchet_tree(crypto, tree);
            tree = behind.ok().flatten().ok_or(Fault::Mls)?;
        }
        let tree = tree.tls_serialize_detached().map_err(|_| Fault::Mls)?;
        let team = group_id(team);
        crypto
            .aead_encrypt(AEAD, key.0.as_ref(), &tree, &NONCE, team.as_slice())
            .map_err(|_| Fault::Mls)
    }

    pub(crate) fn open_tree(
        &self,
        team: TeamId,
        key: &TreeKey,
        sealed: &[u8],
    ) -> Option<RatchetTreeIn> {
        let team = group_id(team);
        let crypto = self.provider.crypto();
        let tree = crypto.aead_decrypt(AEAD, key.0.as_ref(), sealed, &NONCE, team.as_slice());
        RatchetTreeIn::tls_deserialize_exact_bytes(&tree.ok()?).ok()
    }
}

/// The type of the extension (RFC 9420 §17.3: for private use).
const TREE_KEY: u16 = 0xfa51;
const AEAD: AeadType = AeadType::ChaCha20Poly1305;
/// Every key seals one tree.
const NONCE: [u8; 12] = [0; 12];
