//! A marked text and every key of a person, looked for where they must not be: in the memory of
//! `net-proc`, of the relay and of the launcher, in files, on the wire, and after `lock` anywhere.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken set-up has to fail the test"
)]
#![expect(clippy::print_stdout, reason = "what was looked for, and where, is said")]

mod hold;
mod keys;
mod scan;
mod scene;
mod wire;

use std::time::Duration;

use harness::{Role, until};

use keys::Keys;
use scan::{Hits, Needles};
use scene::{ALICE, BOB, Scene};

/// `TESTS-11` `SECURE-07` `VAULT-03` `SANDBOX-07`
#[test]
fn texts_and_keys_are_nowhere_but_where_they_belong_and_nowhere_after_lock() {
    if hold::is_control() || !may_read_memory() {
        return;
    }
    let scene = Scene::new();
    let [from_alice, from_bob] = [marker(), marker()];
    let net = scene.pid(&scene.alice, Role::Net);
    let trace = hold::calls_of(net, &scene.folder.path().join("net.strace"));
    let filler = "x".repeat(25_000);
    scene.say(&scene.alice, &format!("{from_alice}, says Alice {filler}"));
    scene.say(&scene.bob, &format!("{from_bob}, says Bob"));
    scene.rest();
    let moved = trace.stop();

    let texts = Keys::from([
        ("text of Alice".to_owned(), vec![from_alice.into_bytes()]),
        ("text of Bob".to_owned(), vec![from_bob.into_bytes()]),
    ]);
    let mut secrets = Keys::new();
    for (person, name, passphrase) in [(&scene.alice, "Alice", ALICE), (&scene.bob, "Bob", BOB)] {
        for (what, values) in keys::of(person.data(), passphrase, now_ms()) {
            secrets.insert(format!("{name}, {what}"), values);
        }
        let words = vec![passphrase.as_bytes().to_vec()];
        secrets.insert(format!("{name}, passphrase"), words);
    }
    complete(&secrets);
    let (texts, secrets) = (Needles::of(&texts), Needles::of(&secrets));
    println!("canary: {} forms of texts, {} of keys", texts.count(), secrets.count());

    shown(&scene, &texts);
    let mut wrong = Vec::new();
    outside(&scene, [&texts, &secrets], &moved, &mut wrong);
    let guest = inside(&scene, &texts, &secrets, &mut wrong);
    hold::control(TEST, &[&texts, &secrets]);
    locked(&scene, [&texts, &secrets], &mut wrong);
    drop(guest);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing may be where no key is.
fn outside(scene: &Scene, both: [&Needles; 2], moved: &[u8], wrong: &mut Vec<String>) {
    let Scene { alice, bob, relay, wire, folder, .. } = scene;
    let mut processes = vec![("relay".to_owned(), relay.pid().unwrap())];
    for (name, person) in [("Alice", alice), ("Bob", bob)] {
        for role in [Role::Net, Role::Launcher] {
            processes.push((format!("{name}'s {}", role.key()), scene.pid(person, role)));
        }
    }
    let datagrams = wire.seen();
    for needles in both {
        for (who, pid) in &processes {
            let mut hits = Hits::new();
            let seen = needles.find_in_process(*pid, who, &mut hits);
            assert!(seen.bytes > 1 << 20, "{who}: only {} bytes could be read", seen.bytes);
            println!("canary: {who}, {} MiB", seen.bytes >> 20);
            blame(hits, wrong);
        }
        let mut hits = Hits::new();
        let files = needles.find_in_folder(folder.path(), &mut hits);
        let mut bytes = 0;
        for datagram in &datagrams {
            needles.find(datagram, "the wire", &mut hits);
            bytes += datagram.len();
        }
        needles.find(moved, "what net-proc reads and writes", &mut hits);
        blame(hits, wrong);
        let (count, moved) = (datagrams.len(), moved.len());
        assert!(files > 0 && count > 50 && moved > 1000, "{files} {count} {moved}");
        println!("canary: {files} bytes of files, {count} datagrams of {bytes} bytes");
        println!("canary: {moved} bytes that net-proc read or wrote");
    }
}

/// The window has texts and no keys; `secure-proc` has both, but the vault's keys out of reach.
/// The reader that does not read stays, and with it what waits for it.
fn inside(
    scene: &Scene,
    texts: &Needles,
    secrets: &Needles,
    wrong: &mut Vec<String>,
) -> ipc_io::Client {
    let [secure, window] = [Role::Secure, Role::Window].map(|role| scene.pid(&scene.alice, role));
    let mut hits = Hits::new();
    secrets.find_in_process(window, "ui-proc", &mut hits);
    blame(hits, wrong);

    let (team, channel) = scene.place();
    let guest = hold::unread(scene.alice.data(), team, channel);
    until("texts on their way in secure-proc", LIMIT, || {
        let mut hits = Hits::new();
        texts.find_in_process(secure, "secure-proc", &mut hits);
        Ok((hits.len() >= 2).then_some(()))
    })
    .unwrap();

    let mut hits = Hits::new();
    let seen = secrets.find_in_process(secure, "secure-proc", &mut hits);
    println!("canary: secure-proc has {} secret pages, {} readable", seen.closed, seen.open);
    if seen.closed < 2 || seen.open > 0 {
        wrong.push(format!("pages of the vault's keys: {seen:?}"));
    }
    let count = hits.len();
    // The keys of MLS live on the heap while the vault is open, those of the group for both.
    hits.retain(|name, _| {
        !name.starts_with("Alice, table") && !GROUP.iter().any(|it| name.contains(it))
    });
    println!("canary: the control finds {} keys of MLS in secure-proc", count - hits.len());
    assert!(count > hits.len(), "the control finds no key in secure-proc");
    blame(hits, wrong);
    guest
}

/// Waits until both texts are on the screen, as far as memory tells.
fn shown(scene: &Scene, texts: &Needles) {
    let window = scene.pid(&scene.alice, Role::Window);
    until("both texts in the window", LIMIT, || {
        let mut hits = Hits::new();
        texts.find_in_process(window, "ui-proc", &mut hits);
        Ok((hits.len() >= 2).then_some(()))
    })
    .unwrap();
}

/// After `lock` nothing is left, neither in `secure-proc` nor in the window: not even what waits for
/// a reader who does not read.
fn locked(scene: &Scene, both: [&Needles; 2], wrong: &mut Vec<String>) {
    scene.alice.commands().cli(&["lock"]).unwrap();
    let [secure, window] = [Role::Secure, Role::Window].map(|role| scene.pid(&scene.alice, role));
    let mut hits = Hits::new();
    for needles in both {
        needles.find_in_process(secure, "secure-proc after lock", &mut hits);
    }
    blame(hits, wrong);
    let mut left = Hits::new();
    let gone = until("a window without texts", LIMIT, || {
        left.clear();
        for needles in both {
            needles.find_in_process(window, "ui-proc after lock", &mut left);
        }
        Ok(left.is_empty().then_some(()))
    });
    if gone.is_err() {
        blame(left, wrong);
    }
}

/// Is every kind of key there?
fn complete(secrets: &Keys) {
    for person in ["Alice", "Bob"] {
        for kind in KINDS {
            let names = |name: &&String| name.starts_with(person) && name.contains(kind);
            let count = secrets.iter().filter(|(name, _)| names(name)).map(|(_, all)| all.len());
            let count: usize = count.sum();
            println!("canary: {person}, {kind}: {count}");
            assert!(count > 0, "no {kind} was found in the vault of {person}");
        }
    }
}

fn blame(hits: Hits, wrong: &mut Vec<String>) {
    wrong.extend(hits.into_iter().map(|(name, places)| format!("{name} in {places:?}")));
}

/// Only root may look at memory that is not dumpable.
fn may_read_memory() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not run: needs root");
    println!("not run: needs root");
    false
}

/// A word that stands nowhere else.
fn marker() -> String {
    let mut bytes = [0; 16];
    let flags = rustix::rand::GetRandomFlags::empty();
    assert_eq!(rustix::rand::getrandom(&mut bytes, flags).unwrap(), bytes.len());
    format!("canary{:032x}", u128::from_be_bytes(bytes))
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

const TEST: &str = "texts_and_keys_are_nowhere_but_where_they_belong_and_nowhere_after_lock";
const LIMIT: Duration = Duration::from_secs(30);
/// Bob's keys that Alice has as well: the group's.
const GROUP: &[&str] = &["kind 15/", "kind 17/"];
/// What must be among the keys: of the vault, of the person, of the log, of the leaf, of MLS.
const KINDS: &[&str] = &[
    "vault: seal key",
    "vault: tag key",
    "/seed",
    "/log_seed",
    "/leaf_seed",
    "private_key",
    "init_secret",
    "exporter_secret",
    "sender_ratchets",
];
