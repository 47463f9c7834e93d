//! How our groups are configured.

use openmls::prelude::{
    Capabilities, Ciphersuite, ExtensionType, Extensions, GroupContext, LeafNode, Lifetime,
    MlsGroupCreateConfig, MlsGroupJoinConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY,
    SenderRatchetConfiguration,
};

use crate::Fault;
use crate::bond::bond_type;
use crate::policy::POLICY;

pub(crate) fn create_config(
    extensions: Extensions<GroupContext>,
    leaf: Extensions<LeafNode>,
) -> Result<MlsGroupCreateConfig, Fault> {
    let builder = MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .with_group_context_extensions(extensions)
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(false)
        .max_past_epochs(PAST_EPOCHS)
        .sender_ratchet_configuration(ratchet())
        .capabilities(capabilities())
        .lifetime(unbounded());
    Ok(builder.with_leaf_node_extensions(leaf).map_err(|_| Fault::Mls)?.build())
}

pub(crate) fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(false)
        .max_past_epochs(PAST_EPOCHS)
        .sender_ratchet_configuration(ratchet())
        .build()
}

/// Just what we use: key packages must fit one object.
pub(crate) fn capabilities() -> Capabilities {
    let extensions = vec![ExtensionType::Unknown(POLICY), bond_type()];
    Capabilities::builder().ciphersuites(vec![SUITE]).extensions(extensions).build()
}

/// OpenMLS checks lifetimes against this machine's clock at every addition, also when it replays
/// an old one. Ours never end; the object of an announcement does.
pub(crate) fn unbounded() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

/// Entries that are missing now may come later; relays keep logs without gaps, so few do.
fn ratchet() -> SenderRatchetConfiguration {
    SenderRatchetConfiguration::new(256, 65_536)
}

pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
/// So many past epochs can still be read.
pub(crate) const KEPT_EPOCHS: u64 = 3;
const PAST_EPOCHS: usize = 3;
