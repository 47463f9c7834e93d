//! OpenMLS's storage, over our rows: it collects changes and writes nothing anywhere.

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Fault;
use crate::rows::{Rows, Table, encode};

/// What a row of [`Table::Mls`] holds; the first byte of its key.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    KeyPackage = 1,
    Psk = 2,
    EncryptionKeyPair = 3,
    SignatureKeyPair = 4,
    EpochKeyPairs = 5,
    Tree = 6,
    GroupContext = 7,
    InterimTranscriptHash = 8,
    ConfirmationTag = 9,
    JoinConfig = 10,
    OwnLeafNodes = 11,
    GroupState = 12,
    QueuedProposals = 13,
    OwnLeafIndex = 14,
    EpochSecrets = 15,
    ResumptionPsks = 16,
    MessageSecrets = 17,
}

impl Rows {
    fn write(
        &self,
        kind: Kind,
        key: &impl Serialize,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Fault> {
        self.put(Table::Mls, &row_key(kind, key)?, value)
    }

    fn read<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &impl Serialize,
    ) -> Result<Option<T>, Fault> {
        self.get(Table::Mls, &row_key(kind, key)?)
    }

    fn delete(&self, kind: Kind, key: &impl Serialize) -> Result<(), Fault> {
        self.remove(Table::Mls, &row_key(kind, key)?);
        Ok(())
    }
}

fn row_key(kind: Kind, key: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![kind as u8];
    bytes.extend(encode(key)?);
    Ok(bytes)
}

const V: u16 = CURRENT_VERSION;

/// References and proposals, encoded.
type Queue = Vec<(Vec<u8>, Vec<u8>)>;

macro_rules! group_rows {
    ($($kind:ident $trait:ident: $write:ident $read:ident $delete:ident;)*) => {$(
        fn $write<G: traits::GroupId<V>, T: traits::$trait<V>>(
            &self,
            group: &G,
            value: &T,
        ) -> Result<(), Fault> {
            self.write(Kind::$kind, group, value)
        }

        fn $read<G: traits::GroupId<V>, T: traits::$trait<V>>(
            &self,
            group: &G,
        ) -> Result<Option<T>, Fault> {
            self.read(Kind::$kind, group)
        }

        fn $delete<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), Fault> {
            self.delete(Kind::$kind, group)
        }
    )*};
}

impl StorageProvider<CURRENT_VERSION> for Rows {
    type Error = Fault;

    group_rows! {
        JoinConfig MlsGroupJoinConfig:
            write_mls_join_config mls_group_join_config delete_group_config;
        Tree TreeSync: write_tree tree delete_tree;
        InterimTranscriptHash InterimTranscriptHash:
            write_interim_transcript_hash interim_transcript_hash delete_interim_transcript_hash;
        GroupContext GroupContext: write_context group_context delete_context;
        ConfirmationTag ConfirmationTag:
            write_confirmation_tag confirmation_tag delete_confirmation_tag;
        MessageSecrets MessageSecrets:
            write_message_secrets message_secrets delete_message_secrets;
        ResumptionPsks ResumptionPskStore:
            write_resumption_psk_store resumption_psk_store delete_all_resumption_psk_secrets;
        OwnLeafIndex LeafNodeIndex: write_own_leaf_index own_leaf_index delete_own_leaf_index;
        EpochSecrets GroupEpochSecrets:
            write_group_epoch_secrets group_epoch_secrets delete_group_epoch_secrets;
    }

    // The trait names the type parameters of this one the other way round.
    fn write_group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
        value: &T,
    ) -> Result<(), Fault> {
        self.write(Kind::GroupState, group, value)
    }

    fn group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
    ) -> Result<Option<T>, Fault> {
        self.read(Kind::GroupState, group)
    }

    fn delete_group_state<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), Fault> {
        self.delete(Kind::GroupState, group)
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        group: &G,
        leaf: &T,
    ) -> Result<(), Fault> {
        let mut leaves: Vec<Vec<u8>> = self.read(Kind::OwnLeafNodes, group)?.unwrap_or_default();
        leaves.push(encode(leaf)?);
        self.write(Kind::OwnLeafNodes, group, &leaves)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<T>, Fault> {
        let leaves: Vec<Vec<u8>> = self.read(Kind::OwnLeafNodes, group)?.unwrap_or_default();
        leaves.iter().map(|leaf| crate::rows::decode(leaf)).collect()
    }

    fn delete_own_leaf_nodes<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), Fault> {
        self.delete(Kind::OwnLeafNodes, group)
    }

    fn queue_proposal<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
        reference: &R,
        proposal: &T,
    ) -> Result<(), Fault> {
        let mut queue = self.proposals(group)?;
        queue.push((encode(reference)?, encode(proposal)?));
        self.write(Kind::QueuedProposals, group, &queue)
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<R>, Fault> {
        let queue = self.proposals(group)?;
        queue.iter().map(|(reference, _)| crate::rows::decode(reference)).collect()
    }

    fn queued_proposals<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
    ) -> Result<Vec<(R, T)>, Fault> {
        let queue = self.proposals(group)?;
        let decode = |(reference, proposal): &(Vec<u8>, Vec<u8>)| {
            Ok((crate::rows::decode(reference)?, crate::rows::decode(proposal)?))
        };
        queue.iter().map(decode).collect()
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
        reference: &R,
    ) -> Result<(), Fault> {
        let reference = encode(reference)?;
        let mut queue = self.proposals(group)?;
        queue.retain(|(queued, _)| *queued != reference);
        self.write(Kind::QueuedProposals, group, &queue)
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<(), Fault> {
        self.delete(Kind::QueuedProposals, group)
    }

    fn write_signature_key_pair<
        K: traits::SignaturePublicKey<V>,
        T: traits::SignatureKeyPair<V>,
    >(
        &self,
        key: &K,
        pair: &T,
    ) -> Result<(), Fault> {
        self.write(Kind::SignatureKeyPair, key, pair)
    }

    fn signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, Fault> {
        self.read(Kind::SignatureKeyPair, key)
    }

    fn delete_signature_key_pair<K: traits::SignaturePublicKey<V>>(
        &self,
        key: &K,
    ) -> Result<(), Fault> {
        self.delete(Kind::SignatureKeyPair, key)
    }

    fn write_encryption_key_pair<K: traits::EncryptionKey<V>, T: traits::HpkeKeyPair<V>>(
        &self,
        key: &K,
        pair: &T,
    ) -> Result<(), Fault> {
        self.write(Kind::EncryptionKeyPair, key, pair)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, Fault> {
        self.read(Kind::EncryptionKeyPair, key)
    }

    fn delete_encryption_key_pair<K: traits::EncryptionKey<V>>(
        &self,
        key: &K,
    ) -> Result<(), Fault> {
        self.delete(Kind::EncryptionKeyPair, key)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
        pairs: &[T],
    ) -> Result<(), Fault> {
        self.write(Kind::EpochKeyPairs, &(group, epoch, leaf), pairs)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<Vec<T>, Fault> {
        let pairs = self.read(Kind::EpochKeyPairs, &(group, epoch, leaf))?;
        Ok(pairs.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<(), Fault> {
        self.delete(Kind::EpochKeyPairs, &(group, epoch, leaf))
    }

    fn write_key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        key: &K,
        package: &T,
    ) -> Result<(), Fault> {
        self.write(Kind::KeyPackage, key, package)
    }

    fn key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, Fault> {
        self.read(Kind::KeyPackage, key)
    }

    fn delete_key_package<K: traits::HashReference<V>>(&self, key: &K) -> Result<(), Fault> {
        self.delete(Kind::KeyPackage, key)
    }

    fn write_psk<K: traits::PskId<V>, T: traits::PskBundle<V>>(
        &self,
        key: &K,
        psk: &T,
    ) -> Result<(), Fault> {
        self.write(Kind::Psk, key, psk)
    }

    fn psk<T: traits::PskBundle<V>, K: traits::PskId<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, Fault> {
        self.read(Kind::Psk, key)
    }

    fn delete_psk<K: traits::PskId<V>>(&self, key: &K) -> Result<(), Fault> {
        self.delete(Kind::Psk, key)
    }
}

impl Rows {
    fn proposals(&self, group: &impl Serialize) -> Result<Queue, Fault> {
        Ok(self.read(Kind::QueuedProposals, group)?.unwrap_or_default())
    }
}
