//! The vault against a map in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::{delete, fresh, open, put, value};
use crate::{Change, CommitError, MAX_KEY, Table};

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(u8, u8, Option<Vec<u8>>)>),
    Checkpoint,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = (
        0_u8..3,
        0_u8..8,
        proptest::option::weighted(0.7, proptest::collection::vec(any::<u8>(), 0..3_000)),
    );
    let step = prop_oneof![
        6 => proptest::collection::vec(change, 0..6).prop_map(Step::Commit),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..20)
}

fn change((table, key, value): &(u8, u8, Option<Vec<u8>>)) -> Change {
    match value {
        Some(value) => put(*table, &[*key], value),
        None => delete(*table, &[*key]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// `VAULT-01`
    #[test]
    fn a_vault_is_a_map_that_survives_reopening(steps in steps()) {
        let (_folder, path, mut vault) = fresh();
        let mut model: BTreeMap<(u8, u8), Vec<u8>> = BTreeMap::new();
        for step in &steps {
            match step {
                Step::Commit(rows) => {
                    let changes: Vec<Change> = rows.iter().map(change).collect();
                    vault.commit(&changes).unwrap();
                    for (table, key, value) in rows {
                        match value {
                            Some(value) => model.insert((*table, *key), value.clone()),
                            None => model.remove(&(*table, *key)),
                        };
                    }
                }
                Step::Checkpoint => vault.checkpoint().unwrap(),
                Step::Reopen => {
                    vault.lock().unwrap();
                    vault = open(&path);
                }
            }
            for table in 0..3 {
                let found: Vec<(Vec<u8>, Vec<u8>)> = vault
                    .scan(Table(table))
                    .unwrap()
                    .into_iter()
                    .map(|(key, value)| (key, value.to_vec()))
                    .collect();
                let expected: Vec<(Vec<u8>, Vec<u8>)> = model
                    .iter()
                    .filter(|((of, _), _)| *of == table)
                    .map(|((_, key), value)| (vec![*key], value.clone()))
                    .collect();
                prop_assert_eq!(found, expected);
                for key in 0..8 {
                    prop_assert_eq!(
                        value(&vault, table, &[key]),
                        model.get(&(table, key)).cloned()
                    );
                }
            }
        }
    }
}

/// `VAULT-01`
#[test]
fn a_step_with_an_impossible_change_changes_nothing() {
    let (_folder, _path, mut vault) = fresh();
    let refused = vault.commit(&[put(1, b"a", b"1"), put(1, &vec![0; MAX_KEY + 1], b"2")]);
    assert_eq!(refused, Err(CommitError::TooLong));
    assert_eq!(value(&vault, 1, b"a"), None);
    vault.commit(&[put(1, &[7; MAX_KEY], b"2")]).unwrap();
    assert_eq!(value(&vault, 1, &[7; MAX_KEY]), Some(b"2".to_vec()));
}

/// `VAULT-01`
#[test]
fn of_several_changes_of_one_row_the_last_counts() {
    let (_folder, _path, mut vault) = fresh();
    vault
        .commit(&[put(1, b"a", b"1"), put(1, b"a", b"2"), put(1, b"b", b"1"), delete(1, b"b")])
        .unwrap();
    assert_eq!(value(&vault, 1, b"a"), Some(b"2".to_vec()));
    assert_eq!(value(&vault, 1, b"b"), None);
}

/// `VAULT-01`
#[test]
fn a_visit_ends_when_the_visitor_breaks_off() {
    let (_folder, _path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b""), put(1, b"b", b""), put(1, b"c", b"")]).unwrap();
    let mut seen = 0;
    vault
        .for_each(Table(1), |_, _| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 2);
}
