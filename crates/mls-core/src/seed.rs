//! The secret bytes of signature keys.

use std::cell::OnceCell;
use std::rc::Rc;

use objects::Signer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::Endpoint;
use crate::provider::LeafSigner;

/// 32 secret bytes; wiped when they go, and with them the key that was made of them, which knows
/// its public half: computing that costs as much as a signature.
#[derive(Clone)]
pub(crate) struct Seed {
    bytes: Zeroizing<[u8; 32]>,
    signer: OnceCell<Rc<Signer>>,
    leaf_signer: OnceCell<LeafSigner>,
}

impl Seed {
    /// In place of one that is gone.
    pub(crate) fn none() -> Self {
        Self::new(Zeroizing::new([0; 32]))
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { bytes, signer: OnceCell::new(), leaf_signer: OnceCell::new() }
    }

    pub(crate) fn signer(&self) -> Rc<Signer> {
        self.signer.get_or_init(|| Rc::new(Signer::from_seed(&self.bytes))).clone()
    }

    pub(crate) fn leaf_signer(&self) -> LeafSigner {
        self.leaf_signer.get_or_init(|| LeafSigner::from_seed(&self.bytes)).clone()
    }
}

impl Endpoint {
    pub(crate) fn draw_seed(&mut self) -> Seed {
        let mut seed = Zeroizing::new([0; 32]);
        self.provider.fill(seed.as_mut());
        Seed::new(seed)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.bytes.as_ref())
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteArray::<32>::deserialize(deserializer)?;
        Ok(Self::new(Zeroizing::new(bytes.into_array())))
    }
}
