//! The process dies, or the disk keeps only a part.

use std::fs;
use std::process::Command;

use super::{fresh, open, put, value};

const VICTIM: &str = "SOTTO_VAULT_VICTIM";

/// `VAULT-02`
#[test]
fn a_kill_in_the_middle_of_a_step_leaves_the_step_before() {
    if let Some(path) = std::env::var_os(VICTIM) {
        let mut vault = open(path.as_ref());
        vault.commit(&[put(1, b"a", b"committed"), put(1, b"b", b"committed")]).unwrap();
        // Everything of the next step but its end, enough of it to spill into the WAL.
        vault.db().execute_batch("PRAGMA cache_size = 2; BEGIN IMMEDIATE").unwrap();
        vault.db().execute("UPDATE kv SET value = zeroblob(200000)", []).unwrap();
        vault.db().execute("INSERT INTO kv VALUES (1, x'00', zeroblob(200000))", []).unwrap();
        std::process::abort();
    }
    let (_folder, path, vault) = fresh();
    vault.lock().unwrap();
    let died = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::a_kill_in_the_middle_of_a_step_leaves_the_step_before"])
        .env(VICTIM, &path)
        .output()
        .unwrap();
    assert!(!died.status.success());
    assert!(
        super::wal(&path).metadata().unwrap().len() > 200_000,
        "the half step reached the disk"
    );
    let vault = open(&path);
    assert_eq!(value(&vault, 1, b"a"), Some(b"committed".to_vec()));
    assert_eq!(vault.scan(crate::Table(1)).unwrap().len(), 2);
}

/// `VAULT-02`
#[test]
fn every_cut_of_the_wal_is_a_whole_step() {
    let (folder, path, mut vault) = fresh();
    vault.checkpoint().unwrap();
    for step in 0..8_u8 {
        vault.commit(&[put(1, b"a", &[step; 5_000]), put(2, b"b", &[step])]).unwrap();
    }
    let (file, wal) = (fs::read(&path).unwrap(), fs::read(super::wal(&path)).unwrap());
    let copy = folder.path().join("copy");
    let mut seen = Vec::new();
    for length in (0..wal.len()).step_by(1_000).chain([wal.len()]) {
        fs::write(&copy, &file).unwrap();
        fs::write(super::wal(&copy), &wal[..length]).unwrap();
        let vault = open(&copy);
        let step = value(&vault, 2, b"b");
        let long = value(&vault, 1, b"a");
        assert_eq!(long, step.as_ref().map(|step| step.repeat(5_000)), "cut at {length}");
        seen.push(step);
        vault.lock().unwrap();
    }
    seen.dedup();
    let steps: Vec<Option<Vec<u8>>> =
        [None].into_iter().chain((0..8).map(|step| Some(vec![step]))).collect();
    assert_eq!(seen, steps);
}

/// `VAULT-02`
#[test]
fn a_step_is_there_after_dropping_the_vault_without_locking() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    drop(vault);
    assert_eq!(value(&open(&path), 1, b"a"), Some(b"1".to_vec()));
}
