//! Stores on a real disk, closed and opened again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use names::{
    Blob, Channel, Device, Fingerprint, Fragment, Generation, Name, Number, Org, Origin, Piece,
    Prefix, Rest, Slot, Team, TeamId,
};
use objects::{Draft, Hash, Millis, Object, Part, Receipt, Signer};
use store_io::{Durability, Put, Store, StoreError};

const DAY: u64 = 86_400_000;

fn team(team: u64) -> TeamId {
    let (origin, org) = (Origin::truncate(7), Org::truncate(9));
    TeamId { origin, org, team: Team::truncate(team) }
}

fn message(number: u64) -> Rest {
    let number = Number::truncate(number);
    Rest::Message { channel: Channel::truncate(2), device: Device::truncate(3), number }
}

fn object(name: Name, expires: Millis, data: &[u8]) -> Object {
    let (created, previous) = (Millis(0), Hash::NONE);
    let draft = Draft { name, created, expires, previous, part: Part::ONLY, data };
    draft.sign(&Signer::from_seed(&[1; 32])).unwrap()
}

fn entry(number: u64) -> Object {
    object(team(1).name(message(number)), Millis(DAY), &number.to_be_bytes())
}

fn receipt(object: &Object) -> Receipt {
    Receipt::sign(&Signer::from_seed(&[2; 32]), object, Slot::ZERO, Millis(5))
}

fn open(path: &Path) -> Store {
    Store::open(path, Durability::PowerLoss).unwrap()
}

/// Stores it until it expires, except for claims and certificates, which stay.
fn put(store: &mut Store, object: &Object, receipt: Option<&Receipt>) -> Result<u64, StoreError> {
    let stays = matches!(object.name().place().rest.path(), 4 | 6) || object.data().is_none();
    let until = if stays { Millis::NEVER } else { object.expires() };
    store.put(Put { object, receipt, settled: false, until })
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// `STORE-01`
#[test]
fn what_is_committed_stays_and_what_is_not_goes_as_a_whole() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    let id = store.id();
    let with_receipt = receipt(&entry(0));
    assert_eq!(put(&mut store, &entry(0), Some(&with_receipt)).unwrap(), 1);
    assert_eq!(put(&mut store, &entry(1), None).unwrap(), 2);
    store.set_note(b"cursor", b"17").unwrap();
    store.commit().unwrap();
    store.commit().unwrap();
    put(&mut store, &entry(2), None).unwrap();
    store.set_note(b"cursor", b"18").unwrap();
    assert!(store.get(entry(2).name()).unwrap().is_some(), "seen before the commit");
    drop(store);
    let store = open(&path);
    assert_eq!((store.id(), store.newest().unwrap()), (id, 2));
    let kept = store.get(entry(0).name()).unwrap().unwrap();
    assert_eq!((kept.position, kept.object, kept.receipt), (1, entry(0), Some(with_receipt)));
    assert_eq!(store.get(entry(1).name()).unwrap().unwrap().receipt, None);
    assert_eq!(store.get(entry(2).name()).unwrap(), None);
    assert_eq!(store.note(b"cursor").unwrap().unwrap(), b"17");
    assert_eq!(store.note(b"other").unwrap(), None);
}

/// `STORE-01`
#[test]
fn a_store_copied_without_what_was_not_synced_has_every_commit() {
    let (_folder, path) = folder();
    let (_elsewhere, copy) = folder_copy();
    let mut store = open(&path);
    for number in 0..50 {
        put(&mut store, &entry(number), None).unwrap();
        store.commit().unwrap();
        // The files as they are now, while the owner goes on: what a dead process leaves.
        copy_store(&path, &copy);
        let after = open(&copy);
        assert_eq!(after.newest().unwrap(), number + 1);
        assert_eq!(after.get(entry(number).name()).unwrap().unwrap().object, entry(number));
    }
}

fn folder_copy() -> (tempfile::TempDir, PathBuf) {
    folder()
}

fn copy_store(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let file = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(file(from), file(to)).unwrap();
    }
}

/// `STORE-02`
#[test]
fn a_position_is_never_used_twice() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    let (device, blob) = (Device::truncate(3), Blob::ZERO);
    let piece = |piece| team(1).name(Rest::Blob { device, blob, piece: Piece::truncate(piece) });
    for n in 0..3 {
        put(&mut store, &object(piece(n), Millis(10), b"piece"), None).unwrap();
    }
    store.commit().unwrap();
    store.sweep(Millis(10), 100).unwrap();
    store.commit().unwrap();
    assert_eq!(store.get(piece(2)).unwrap(), None);
    assert_eq!(store.newest().unwrap(), 3);
    drop(store);
    assert_eq!(put(&mut open(&path), &entry(0), None).unwrap(), 4);
}

/// `STORE-03`
#[test]
fn what_is_behind_a_position_comes_in_order_page_by_page() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    for number in 0..40 {
        put(&mut store, &entry(number), None).unwrap();
        let elsewhere = team(2).name(message(number));
        put(&mut store, &object(elsewhere, Millis(DAY), b"other team"), None).unwrap();
        let claim = team(1).name(Rest::Slot(Slot::truncate(number + 1)));
        put(&mut store, &object(claim, Millis::NEVER, b"claim"), None).unwrap();
    }
    let read = |prefix, mut after| {
        let mut found: Vec<(u64, Name)> = Vec::new();
        loop {
            let page = store.behind(team(1), prefix, after, 7).unwrap();
            after = page.last().map_or(after, |kept| kept.position);
            let last = page.len() < 7;
            found.extend(page.into_iter().map(|kept| (kept.position, kept.object.name())));
            if last {
                return found;
            }
        }
    };
    let all = read(Prefix::team(team(1)), 0);
    assert_eq!(all.len(), 80);
    assert!(all.is_sorted());
    let channel = read(Prefix::channel(team(1), Channel::truncate(2)), 60);
    let wanted: Vec<(u64, Name)> =
        (20..40).map(|number| (number * 3 + 1, entry(number).name())).collect();
    assert_eq!(channel, wanted);
    let last = store.last(Prefix::team_path(team(1), 4)).unwrap().unwrap();
    assert_eq!(last.object.name(), team(1).name(Rest::Slot(Slot::truncate(40))));
    assert_eq!(store.last(Prefix::team_path(team(3), 4)).unwrap(), None);
    assert_eq!(store.count(Prefix::team_path(team(1), 1)).unwrap(), 40);
}

/// `STORE-04`
#[test]
fn two_objects_under_one_name_are_kept_and_the_first_is_found() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    let name = entry(0).name();
    let other = object(name, Millis(DAY), b"fork");
    put(&mut store, &entry(0), None).unwrap();
    put(&mut store, &other, None).unwrap();
    assert_eq!(store.get(name).unwrap().unwrap().object, entry(0));
    let copies = store.copies(name, &other.entry_hash()).unwrap();
    assert_eq!(copies.iter().map(|kept| kept.position).collect::<Vec<_>>(), [2]);
    assert_eq!(store.copies(name, &Hash::NONE).unwrap(), []);
    put(&mut store, &entry(0).header_only(), None).unwrap();
    let copies = store.copies(name, &entry(0).entry_hash()).unwrap();
    let whole = copies.iter().map(|kept| kept.object.data().is_some());
    assert_eq!(whole.collect::<Vec<_>>(), [true, false]);
    assert_eq!(store.behind(team(1), Prefix::team(team(1)), 0, 9).unwrap().len(), 3);
}

/// `STORE-08`
#[test]
fn what_is_stored_without_its_data_is_given_it_at_the_same_position() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    put(&mut store, &entry(0), None).unwrap();
    let bytes = store.stored_bytes(team(1)).unwrap();
    put(&mut store, &entry(1), None).unwrap();
    let both = store.stored_bytes(team(1)).unwrap();
    let (bare, hash) = (entry(0).header_only(), entry(0).entry_hash());
    store.remove(bare.name(), &hash).unwrap();
    put(&mut store, &bare, None).unwrap();
    assert!(store.stored_bytes(team(1)).unwrap() < both);
    store.restore(&entry(0), Millis(DAY)).unwrap();
    store.commit().unwrap();
    let kept = store.get(bare.name()).unwrap().unwrap();
    assert_eq!((kept.object, kept.position, kept.until), (entry(0), 3, Millis(DAY)));
    assert_eq!(store.stored_bytes(team(1)).unwrap(), both);
    assert!(both > bytes);
}

/// `STORE-05`
#[test]
fn sweeping_takes_what_has_expired_and_leaves_what_lives_with_its_team() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    let fingerprint = Fingerprint::truncate(5);
    let fragment = Fragment::ZERO;
    let device = Device::truncate(3);
    let places = [
        message(0),
        Rest::KeyPackage { fragment, fingerprint },
        Rest::Welcome { fragment, fingerprint },
        Rest::Slot(Slot::truncate(1)),
        Rest::Blob { device, blob: Blob::ZERO, piece: Piece::ZERO },
        Rest::Certificate { device, generation: Generation::ZERO },
    ];
    let objects = places.map(|rest| object(team(1).name(rest), Millis(100), &[7; 500]));
    for object in &objects {
        put(&mut store, object, None).unwrap();
    }
    let late = object(team(1).name(message(1)), Millis(200), &[7; 500]);
    put(&mut store, &late, None).unwrap();
    let before = store.stored_bytes(team(1)).unwrap();
    assert_eq!(before, 7 * late.bytes().len() as u64);
    assert_eq!(store.next_expiry().unwrap(), Some(Millis(100)));
    store.sweep(Millis(99), 100).unwrap();
    assert_eq!(store.stored_bytes(team(1)).unwrap(), before);
    store.sweep(Millis(100), 100).unwrap();
    store.commit().unwrap();
    let found = objects.clone().map(|object| {
        let kept = store.get(object.name()).unwrap();
        kept.map(|kept| kept.object == object)
    });
    assert_eq!(found, [Some(false), None, None, Some(true), None, Some(true)]);
    let header = store.get(objects[0].name()).unwrap().unwrap().object;
    assert_eq!(header, objects[0].clone().header_only());
    assert_eq!(store.stored_bytes(team(1)).unwrap(), before - 4 * 500 - 3 * 167);
    assert_eq!(store.next_expiry().unwrap(), Some(Millis(200)));
    store.sweep(Millis(200), 100).unwrap();
    assert_eq!(store.next_expiry().unwrap(), None);
}

/// `STORE-06`
#[test]
fn a_store_in_use_a_damaged_one_and_one_from_the_future_are_told_apart() {
    let (_folder, path) = folder();
    let store = open(&path);
    let second = Store::open(&path, Durability::Process);
    assert!(matches!(second, Err(StoreError::InUse)), "{second:?}");
    drop(store);
    let rubbish = path.with_extension("rubbish");
    std::fs::write(&rubbish, [0x5a; 9000]).unwrap();
    let damaged = Store::open(&rubbish, Durability::Process);
    assert!(matches!(damaged, Err(StoreError::Damaged(_))), "{damaged:?}");
    assert_eq!(std::fs::read(&rubbish).unwrap(), [0x5a; 9000]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 4).unwrap();
    drop(connection);
    let future = Store::open(&path, Durability::Process);
    assert!(matches!(future, Err(StoreError::TooNew { found: 4, known: 3 })), "{future:?}");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    let past = Store::open(&path, Durability::Process);
    assert!(matches!(past, Err(StoreError::TooOld { found: 1, known: 3 })), "{past:?}");
}

/// `STORE-08`
#[test]
fn a_receipt_is_replaced_an_object_removed_and_its_bytes_and_position_are_accounted_for() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    put(&mut store, &entry(0), Some(&receipt(&entry(0)))).unwrap();
    put(&mut store, &entry(1), Some(&receipt(&entry(1)))).unwrap();
    let better = Receipt::sign(&Signer::from_seed(&[3; 32]), &entry(0), Slot::ZERO, Millis(6));
    store.set_receipt(&better, true).unwrap();
    let before = store.stored_bytes(team(1)).unwrap();
    store.remove(entry(1).name(), &entry(1).entry_hash()).unwrap();
    store.remove(entry(2).name(), &entry(2).entry_hash()).unwrap();
    store.commit().unwrap();
    drop(store);
    let mut store = open(&path);
    let hash = entry(0).entry_hash();
    let kept = store.find(entry(0).name(), &hash).unwrap().unwrap();
    assert_eq!((kept.receipt, kept.settled), (Some(better), true));
    assert_eq!(store.find(entry(0).name(), &Hash::NONE).unwrap(), None);
    assert_eq!(store.get(entry(1).name()).unwrap(), None);
    let len = u64::try_from(entry(1).bytes().len()).unwrap();
    assert_eq!(store.stored_bytes(team(1)).unwrap(), before - len);
    assert_eq!(put(&mut store, &entry(1), None).unwrap(), 3);
}

/// `STORE-08`
#[test]
fn notes_come_in_the_order_of_their_topics() {
    let (_folder, path) = folder();
    let mut store = open(&path);
    for topic in [&b"a"[..], b"b", b"b\0", b"b\x01\xff", b"b\xff", b"c"] {
        store.set_note(topic, topic).unwrap();
    }
    store.remove_note(b"b\0").unwrap();
    store.commit().unwrap();
    let topics = |notes: Vec<store_io::Note>| notes.into_iter().map(|(topic, _)| topic);
    let topics = |notes| topics(notes).collect::<Vec<_>>();
    let all = [&b"b"[..], b"b\x01\xff", b"b\xff"].map(<[u8]>::to_vec);
    assert_eq!(topics(store.notes(b"b", b"", 10).unwrap()), all);
    assert_eq!(topics(store.notes(b"b", b"b", 10).unwrap()), all[1..]);
    assert_eq!(topics(store.notes(b"b", b"b\x01", 1).unwrap()), all[1..2]);
    assert_eq!(store.last_note(b"b").unwrap().unwrap().0, b"b\xff");
    assert_eq!(store.last_note(b"d").unwrap(), None);
}

/// `STORE-07`
#[test]
fn the_files_are_readable_by_their_owner_alone() {
    let (folder, path) = folder();
    let mut store = open(&path);
    put(&mut store, &entry(0), None).unwrap();
    store.commit().unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        files += 1;
    }
    assert!(files >= 2, "the log is there as well");
}

/// `STORE-02`
#[test]
fn no_position_comes_back_when_the_last_commits_are_lost_with_the_power() {
    let (folder, path) = folder();
    let process = |path: &Path| Store::open(path, Durability::Process).unwrap();
    let mut store = process(&path);
    put(&mut store, &entry(0), None).unwrap();
    store.commit().unwrap();
    // What the disk has when the power goes: nothing that came later.
    let after = folder.path().join("after.db");
    for suffix in ["", "-wal"] {
        let of = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if of(&path).exists() {
            std::fs::copy(of(&path), of(&after)).unwrap();
        }
    }
    let mut given = 0;
    for number in 1..5 {
        given = put(&mut store, &entry(number), None).unwrap();
        store.commit().unwrap();
    }
    let mut again = process(&after);
    assert_eq!(again.id(), store.id());
    assert!(again.get(entry(1).name()).unwrap().is_none(), "it was forgotten");
    let position = put(&mut again, &entry(1), None).unwrap();
    assert!(position > given, "{position} was given before");
    again.commit().unwrap();
    drop(again);
    // Every opening goes on ahead.
    assert!(put(&mut process(&after), &entry(2), None).unwrap() > position + 1);
}
