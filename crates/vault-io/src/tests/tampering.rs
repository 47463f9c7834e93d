//! Somebody else writes into the file.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{fresh, open, put};
use crate::{ReadError, Table};

fn edit(path: &Path, edit: impl FnOnce(&Connection)) {
    let db = Connection::open(path).unwrap();
    edit(&db);
    db.close().unwrap();
}

/// `VAULT-05`
#[test]
fn every_changed_byte_of_a_sealed_value_is_noticed() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"key", b"value")]).unwrap();
    vault.lock().unwrap();
    let db = Connection::open(&path).unwrap();
    let sealed: Vec<u8> = db.query_row("SELECT value FROM kv", [], |row| row.get(0)).unwrap();
    db.close().unwrap();
    for at in 0..sealed.len() {
        let mut forged = sealed.clone();
        forged[at] ^= 1;
        edit(&path, |db| {
            db.execute("UPDATE kv SET value = ?1", [&forged]).unwrap();
        });
        let vault = open(&path);
        let refused = ReadError::Forged { table: Table(1) };
        assert_eq!(vault.get(Table(1), b"key"), Err(refused), "byte {at}");
    }
    for length in 0..sealed.len() {
        edit(&path, |db| {
            db.execute("UPDATE kv SET value = ?1", [&sealed[..length]]).unwrap();
        });
        let refused = ReadError::Forged { table: Table(1) };
        assert_eq!(open(&path).get(Table(1), b"key"), Err(refused), "length {length}");
    }
}

/// `VAULT-05`
#[test]
fn values_cannot_change_places_within_or_between_tables() {
    let cases = [
        "UPDATE kv SET value = (SELECT value FROM kv AS o WHERE o.tbl = kv.tbl AND o.tag <> kv.tag)
         WHERE tbl = 1",
        "UPDATE kv SET tbl = tbl + 10",
        "UPDATE kv SET tag = zeroblob(16) WHERE tbl = 2",
    ];
    for sql in cases {
        let (_folder, path, mut vault) = fresh();
        vault.commit(&[put(1, b"a", b"1"), put(1, b"b", b"2"), put(2, b"a", b"3")]).unwrap();
        vault.lock().unwrap();
        edit(&path, |db| {
            assert!(db.execute(sql, params![]).unwrap() > 0);
        });
        let vault = open(&path);
        let forged = (0..20)
            .filter(|table| matches!(vault.scan(Table(*table)), Err(ReadError::Forged { .. })))
            .count();
        assert!(forged > 0, "{sql}");
    }
}
