use openmls::prelude::MlsGroup;
use openmls_traits::storage::{CURRENT_VERSION, Entity, Key, StorageProvider, traits};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::endpoint::group_id;
use crate::rows::{Rows, Table};
use crate::{Fault, LoadError};

/// `MLS-02`
#[test]
fn a_group_reads_back_from_its_rows_as_it_was() {
    let (world, team) = World::team(&["Admin", "Alice"]);
    for node in &world.nodes {
        let loaded = node.reload().unwrap();
        let kept = &node.endpoint.groups[&team];
        let read = MlsGroup::load(loaded.rows(), &group_id(team)).unwrap().unwrap();
        assert_eq!(read.epoch(), kept.epoch());
        assert_eq!(read.epoch_authenticator().as_slice(), kept.epoch_authenticator().as_slice());
        assert_eq!(read.own_leaf_index(), kept.own_leaf_index());
        assert_eq!(read.export_ratchet_tree(), kept.export_ratchet_tree());
    }
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
struct Any(String);

impl Key<CURRENT_VERSION> for Any {}
impl Entity<CURRENT_VERSION> for Any {}
impl traits::GroupId<CURRENT_VERSION> for Any {}
impl traits::ProposalRef<CURRENT_VERSION> for Any {}
impl traits::QueuedProposal<CURRENT_VERSION> for Any {}
impl traits::LeafNode<CURRENT_VERSION> for Any {}
impl traits::EpochKey<CURRENT_VERSION> for Any {}
impl traits::HpkeKeyPair<CURRENT_VERSION> for Any {}
impl traits::SignaturePublicKey<CURRENT_VERSION> for Any {}
impl traits::SignatureKeyPair<CURRENT_VERSION> for Any {}
impl traits::EncryptionKey<CURRENT_VERSION> for Any {}
impl traits::HashReference<CURRENT_VERSION> for Any {}
impl traits::KeyPackage<CURRENT_VERSION> for Any {}
impl traits::PskId<CURRENT_VERSION> for Any {}
impl traits::PskBundle<CURRENT_VERSION> for Any {}

fn any(text: &str) -> Any {
    Any(text.to_owned())
}

/// `MLS-02`
#[test]
fn lists_of_the_storage_grow_shrink_and_empty() {
    let rows = Rows::default();
    let (group, other) = (any("group"), any("other"));
    for name in ["a", "b", "c"] {
        rows.queue_proposal(&group, &any(name), &any(&name.repeat(2))).unwrap();
        rows.append_own_leaf_node(&group, &any(name)).unwrap();
    }
    rows.remove_proposal(&group, &any("b")).unwrap();
    assert_eq!(rows.queued_proposal_refs(&group), Ok(vec![any("a"), any("c")]));
    let queued = rows.queued_proposals(&group);
    assert_eq!(queued, Ok(vec![(any("a"), any("aa")), (any("c"), any("cc"))]));
    assert_eq!(rows.own_leaf_nodes(&group), Ok(vec![any("a"), any("b"), any("c")]));
    assert_eq!(rows.own_leaf_nodes::<_, Any>(&other), Ok(Vec::new()));
    rows.clear_proposal_queue::<_, Any>(&group).unwrap();
    rows.delete_own_leaf_nodes(&group).unwrap();
    assert_eq!(rows.queued_proposals::<_, Any, Any>(&group), Ok(Vec::new()));
    assert_eq!(rows.own_leaf_nodes::<_, Any>(&group), Ok(Vec::new()));
}

/// `MLS-02`
#[test]
fn keys_of_the_storage_come_back_under_their_own_name_only() {
    let rows = Rows::default();
    let (key, value) = (any("key"), any("value"));
    rows.write_signature_key_pair(&key, &value).unwrap();
    assert_eq!(rows.encryption_key_pair::<Any, _>(&key), Ok(None));
    rows.write_encryption_key_pair(&key, &value).unwrap();
    rows.write_key_package(&key, &value).unwrap();
    rows.write_psk(&key, &value).unwrap();
    rows.write_encryption_epoch_key_pairs(&key, &any("epoch"), 1, std::slice::from_ref(&value))
        .unwrap();
    assert_eq!(rows.signature_key_pair(&key), Ok(Some(value.clone())));
    assert_eq!(rows.encryption_key_pair(&key), Ok(Some(value.clone())));
    assert_eq!(rows.key_package(&key), Ok(Some(value.clone())));
    assert_eq!(rows.psk(&key), Ok(Some(value.clone())));
    assert_eq!(rows.encryption_epoch_key_pairs(&key, &any("epoch"), 1), Ok(vec![value]));
    assert_eq!(rows.encryption_epoch_key_pairs::<_, _, Any>(&key, &any("epoch"), 2), Ok(vec![]));
    rows.delete_signature_key_pair(&key).unwrap();
    rows.delete_encryption_key_pair(&key).unwrap();
    rows.delete_key_package(&key).unwrap();
    rows.delete_psk(&key).unwrap();
    rows.delete_encryption_epoch_key_pairs(&key, &any("epoch"), 1).unwrap();
    assert_eq!(rows.count(Table::Mls, &[]), 0);
}

/// `MLS-02`
#[test]
fn an_attempt_that_fails_leaves_every_row_as_before() {
    let mut rows = Rows::default();
    rows.put(Table::Team, b"kept", &1_u64).unwrap();
    rows.put(Table::Team, b"gone", &2_u64).unwrap();
    rows.changes();
    let failed: Result<(), Fault> = rows.attempt(|| {
        rows.put(Table::Team, b"kept", &3_u64)?;
        rows.put(Table::Team, b"kept", &4_u64)?;
        rows.put(Table::Team, b"new", &5_u64)?;
        rows.remove(Table::Team, b"gone");
        Err(Fault::Mls)
    });
    assert_eq!(failed, Err(Fault::Mls));
    assert_eq!(rows.get(Table::Team, b"kept"), Ok(Some(1_u64)));
    assert_eq!(rows.get(Table::Team, b"gone"), Ok(Some(2_u64)));
    assert_eq!(rows.get::<u64>(Table::Team, b"new"), Ok(None));
}

/// `MLS-01`
#[test]
fn changes_hold_one_value_per_row_and_only_once() {
    let mut rows = Rows::default();
    rows.put(Table::Team, b"a", &1_u64).unwrap();
    rows.put(Table::Team, b"a", &2_u64).unwrap();
    rows.put(Table::Log, b"b", &3_u64).unwrap();
    rows.remove(Table::Log, b"b");
    let changes = rows.changes();
    assert_eq!(changes.len(), 2);
    assert!(changes[0].value.is_some() && changes[1].value.is_none());
    assert!(rows.changes().is_empty());
}

#[test]
fn table_numbers_come_back_and_leave_room_for_others() {
    for code in 0..=255 {
        if let Some(table) = Table::from_code(code) {
            assert_eq!(table.code(), code);
            assert!(code < 64);
        }
    }
}

/// `MLS-02`
#[test]
fn damaged_rows_are_a_fault_and_no_rows_no_user() {
    let (mut world, _) = World::team(&["Admin", "Alice"]);
    world.nodes[1].damage(Table::Mls).unwrap();
    let damaged = world.nodes[1].reload().err();
    assert_eq!(damaged, Some(LoadError::Fault(Fault::Row)));
    let empty = crate::Endpoint::load([], crate::Entropy::system(Box::new(|_| {}))).err();
    assert_eq!(empty, Some(LoadError::NoUser));
}

/// `MLS-02`
#[test]
fn what_is_kept_decoded_is_always_what_the_bytes_say() {
    let rows = Rows::default();
    let read = |rows: &Rows| {
        let kept = rows.kept::<String>(Table::Team, b"key").unwrap().map(|row| String::clone(&row));
        assert_eq!(kept, rows.get(Table::Team, b"key").unwrap());
        kept
    };
    assert_eq!(read(&rows), None);
    let mut row = crate::kept::Kept::from("a".to_owned());
    rows.keep(Table::Team, b"key", &row).unwrap();
    row.push('b');
    assert_eq!(read(&rows).as_deref(), Some("a"));
    let failed: Result<(), Fault> = rows.attempt(|| {
        rows.keep(Table::Team, b"key", &row)?;
        assert_eq!(read(&rows).as_deref(), Some("ab"));
        Err(Fault::Row)
    });
    assert_eq!(failed, Err(Fault::Row));
    assert_eq!(read(&rows).as_deref(), Some("a"));
    rows.put(Table::Team, b"key", "c").unwrap();
    assert_eq!(read(&rows).as_deref(), Some("c"));
    rows.remove(Table::Team, b"key");
    assert_eq!(read(&rows), None);
}
