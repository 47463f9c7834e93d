//! The secret bytes of signature keys.

use objects::Signer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::provider::LeafSigner;

/// 32 secret bytes; wiped when they go.
#[derive(Clone)]
pub(crate) struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// In place of one that is gone.
    pub(crate) fn none() -> Self {
        Self(Zeroizing::new([0; 32]))
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::from_seed(&self.0)
    }

    pub(crate) fn leaf_signer(&self) -> LeafSigner {
        LeafSigner::from_seed(&self.0)
    }
}

impl Endpoint {
    pub(crate) fn draw_seed(&mut self) -> Seed {
        let mut seed = Zeroizing::new([0; 32]);
        self.provider.fill(seed.as_mut());
        Seed(seed)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_ref())
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteArray::<32>::deserialize(deserializer)?;
        Ok(Self(Zeroizing::new(bytes.into_array())))
    }
}
