//! The history over a real vault.

use names::{Device, Number, Org, Origin, Team};
use tempfile::TempDir;

use super::*;

struct Shelved {
    _folder: TempDir,
    vault: Vault<PageKey>,
    book: Book,
}

fn team() -> TeamId {
    TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) }
}

const OWN: u64 = 5;

fn channel() -> Channel {
    Channel::truncate(4)
}

fn name(device: u64, number: u64) -> Name {
    let (device, number) = (Device::truncate(device), Number::truncate(number));
    team().name(Rest::Message { channel: channel(), device, number })
}

fn record(device: u64, at: u64, last: u32, after: &[Name]) -> Record {
    Record {
        user: "Alice".into(),
        device: u32::try_from(device).expect("small"),
        own: device == OWN,
        at,
        body: format!("text at {at}"),
        thread: None,
        after: after.iter().map(|name| name.bytes()).collect(),
        last,
        why: String::new(),
        missing: 0,
        signature: Vec::new(),
    }
}

impl Shelved {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let passphrase = vault_io::Passphrase::new("a long passphrase".to_owned().into());
        let path = folder.path().join("vault.db");
        let vault = vault_io::create(&path, &passphrase, &mut crate::clock::fill).expect("a vault");
        Self { _folder: folder, vault, book: Book::default() }
    }

    /// Ends the step and reads everything back.
    fn reload(&mut self) {
        self.vault.commit(&self.book.changes()).expect("a step");
        self.book = Book::load(&self.vault).expect("a book");
    }

    fn rows(&self, marks: Marks) -> Vec<Row> {
        let page = self.book.page(team(), channel(), None, None, 50);
        let row = |name| self.book.row(&self.vault, name, marks).expect("a vault").expect("a row");
        page.names.into_iter().map(row).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.rows(Marks::default()).iter().map(|row| row.text.as_str().to_owned()).collect()
    }
}

#[test]
fn a_watermark_never_ends_inside_a_message() {
    let mut book = Book::default();
    for (first, last) in [(0, 0), (1, 3), (4, 4)] {
        book.record(name(OWN, first), record(OWN, first, last, &[]));
    }
    let marks: Vec<u32> = (0..=5).map(|mark| book.whole(team(), channel(), mark)).collect();
    assert_eq!(marks, [0, 1, 1, 1, 4, 5]);
}

/// `SECURE-08`
#[test]
fn an_own_message_is_as_far_as_its_last_entry() {
    let mut all = Shelved::new();
    for (first, last) in [(0, 0), (1, 1), (2, 2), (3, 5)] {
        all.book.record(name(OWN, first), record(OWN, first, last, &[]));
    }
    all.book.record(name(6, 0), record(6, 9, 0, &[]));
    let states = |local, relay, delivered| -> Vec<State> {
        all.rows(Marks { local, relay, delivered }).iter().map(|row| row.state).collect()
    };
    let (queued, local, relay) = (State::Queued, State::LocalRelay, State::Relay);
    assert_eq!(states(0, 0, 0), [queued, queued, queued, queued, relay]);
    assert_eq!(states(3, 2, 1), [State::Delivered, relay, local, queued, relay]);
    assert_eq!(states(5, 5, 0), [relay, relay, relay, queued, relay]);
    // An origin that stored it without the relay on the way having said so.
    assert_eq!(states(0, 6, 0), [relay; 5]);
}

/// `SECURE-09`
#[test]
fn what_could_not_be_read_at_first_moves_below_what_its_author_had_seen() {
    let mut all = Shelved::new();
    let (first, late, last) = (name(6, 0), name(7, 0), name(8, 0));
    all.book.record(first, record(6, 100, 0, &[]));
    let mut unread = record(7, 50, 0, &[]);
    (unread.why, unread.body) = ("no key".into(), String::new());
    all.book.record(late, unread);
    all.book.record(last, record(8, 60, 0, &[late]));
    assert_eq!(all.texts(), ["", "text at 60", "text at 100"]);
    all.reload();
    all.book.record(late, record(7, 70, 0, &[first]));
    for _ in 0..2 {
        assert_eq!(all.texts(), ["text at 100", "text at 70", "text at 60"]);
        assert_eq!(all.book.frontier(team(), channel()), [last]);
        all.reload();
    }
}

/// `SECURE-10`
#[test]
fn a_message_under_another_name_keeps_its_place_its_thread_and_its_old_name() {
    let mut all = Shelved::new();
    let (theirs, old, reply) = (name(6, 0), name(OWN, 3), name(OWN, 6));
    all.book.record(theirs, record(6, 1, 0, &[]));
    all.book.record(old, record(OWN, 2, 5, &[theirs]));
    let mut answer = record(OWN, 3, 6, &[old]);
    answer.thread = Some(old.bytes());
    all.book.record(reply, answer);
    // Written after what this device had sent under that name before its vault was lost.
    let knows_more = name(7, 0);
    all.book.record(knows_more, record(7, 9, 0, &[old]));
    all.reload();
    let (new, newer) = (name(OWN, 13), name(OWN, 23));
    let mut rename = |from, to| all.book.rename(&all.vault, from, to).expect("a vault");
    assert_eq!(rename(old, new), [new, reply]);
    assert_eq!(rename(new, newer), [newer, reply]);
    for _ in 0..2 {
        assert_eq!(all.texts(), ["text at 1", "text at 2", "text at 3", "text at 9"]);
        let rows = all.rows(Marks { local: 25, relay: 25, delivered: 0 });
        let names: Vec<NameBits> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, [theirs, newer, reply, knows_more].map(|name| NameBits(name.bytes())));
        let thread: Vec<_> = rows.iter().map(|row| (row.thread, row.replies)).collect();
        let root = Some(NameBits(newer.bytes()));
        assert_eq!(thread, [(None, 0), (None, 1), (root, 0), (None, 0)]);
        assert_eq!(all.book.whole(team(), channel(), 25), 23, "it has three entries still");
        assert_eq!(all.book.whole(team(), channel(), 5), 5);
        assert_eq!(
            [old, new, newer, reply].map(|name| all.book.called(name)),
            [newer, newer, newer, reply]
        );
        assert!(!all.book.holds(old) && !all.book.holds(new));
        assert_eq!(all.book.frontier(team(), channel()), [reply, knows_more]);
        all.reload();
    }
    let again = all.book.rename(&all.vault, old, name(OWN, 40)).expect("a vault");
    assert_eq!(again, [], "nothing is called so any more");
    // What the lost copy had sent comes back under its own name.
    all.book.record(old, record(OWN, 1, 3, &[]));
    assert_eq!(all.texts().len(), 5);
    assert_eq!(all.book.called(old), newer);
}
