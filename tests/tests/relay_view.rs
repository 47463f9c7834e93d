//! What a relay can tell of a team, and what it cannot: read from its own files after real traffic.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use harness::source::root;
use harness::{Bins, Folder, Shape, World, until};
use names::{Device, Prefix, Rest, TeamId};
use objects::{Announcement, Certificate, Claim};
use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{KeyPackageIn, OpenMlsProvider as _, ProtocolVersion};
use openmls_rust_crypto::OpenMlsRustCrypto;
use store_io::{Durability, Kept, Store};

/// Everything that the relay has.
struct View {
    team: TeamId,
    objects: Vec<Kept>,
    files: Vec<u8>,
}

type Row = (&'static str, fn(&View));

const SEEN: &[Row] = &[
    ("organisations and teams, by their numbers", teams),
    ("device numbers, their log keys, and when each was certified", devices),
    ("channel numbers, and how many entries each device wrote there and when", channels),
    ("the size of an entry, in one of three classes", sizes),
    ("the epoch of an entry, and the last slot that its writer knew", epochs),
    ("who claimed which slot when, the epoch, and how large commit, welcome and tree are", slots),
    ("which announcement was welcomed when, and the device number that it asked for", newcomers),
    (
        "user name, user key and device name in every announced key package, until it expires",
        leaves,
    ),
];

const UNSEEN: &[Row] = &[
    ("what is written, and the names of teams, channels and organisations", words),
    ("names of users and devices outside of announced key packages", names_of_people),
    ("the tree of the group: no key of a leaf outside of announced key packages", tree),
];

/// What only members should know.
const SECRETS: [&str; 6] = [
    "a short word",
    "the longer text that fills a second class of sizes",
    "Sotto demo",
    "Two people",
    "general",
    "channel-of-canaries",
];

/// `SERVE-07`
#[test]
fn a_relays_files_tell_what_its_readme_says_and_no_more() {
    let folder = Folder::new("view").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let shapes = [Shape::Headless, Shape::Headless];
    let mut world = World::start(&bins, folder.path(), shapes).unwrap();
    world.admin.run(&["channel", "create", &world.team, "channel-of-canaries"]).unwrap();
    let place = world.general();
    let long = [SECRETS[1], &"x".repeat(300)].concat();
    let longest = "y".repeat(700);
    for text in [SECRETS[0], &long, &longest] {
        for person in [&world.alice, &world.bob] {
            person.commands().cli(&["send", &place, text]).unwrap();
        }
    }
    until("everything at both", Duration::from_secs(60), || {
        let rows = [&world.alice, &world.bob].map(|it| it.commands().read_all(&place));
        let [alice, bob] = rows;
        let all = [alice?.len(), bob?.len()];
        Ok((all.iter().all(|len| *len >= 6)).then_some(()))
    })
    .unwrap();
    let team: TeamId = world.team.parse().unwrap();
    let data = world.relay.data().to_owned();
    world.stop().unwrap();
    let view = View::read(team, &data);
    for (_, check) in SEEN.iter().chain(UNSEEN) {
        check(&view);
    }
}

/// `SERVE-07`
#[test]
fn the_readme_lists_exactly_the_rows_that_are_checked() {
    let readme = fs::read_to_string(root().join("crates/relay/README.md")).unwrap();
    let section = readme.split("\n## What a relay can tell").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let items = |heading: &str| -> Vec<String> {
        let part = section.split(heading).nth(1).unwrap();
        let part = part.split("\n**").next().unwrap();
        let joined = part.replace("\n  ", " ");
        let items = joined.lines().filter_map(|line| line.strip_prefix("- "));
        items.map(str::to_owned).collect()
    };
    let rows = |rows: &[Row]| rows.iter().map(|(row, _)| (*row).to_owned()).collect::<Vec<_>>();
    assert_eq!(items("**It can tell"), rows(SEEN));
    assert_eq!(items("**It cannot tell"), rows(UNSEEN));
}

impl View {
    fn read(team: TeamId, data: &Path) -> Self {
        let mut files = Vec::new();
        for file in fs::read_dir(data).unwrap() {
            files.extend(fs::read(file.unwrap().path()).unwrap());
        }
        let store = Store::open(&data.join("relay.db"), Durability::Process).unwrap();
        let objects = store.behind(team, Prefix::team(team), 0, usize::MAX).unwrap();
        Self { team, objects, files }
    }

    fn of_path(&self, path: u8) -> impl Iterator<Item = &Kept> {
        self.objects.iter().filter(move |kept| kept.object.name().place().rest.path() == path)
    }

    fn announcements(&self) -> Vec<Announcement> {
        let parsed = |kept: &Kept| Announcement::parse(kept.object.data().unwrap()).unwrap();
        self.of_path(2).map(parsed).collect()
    }

    fn claims(&self) -> Vec<(Claim, u64)> {
        let claims = self.of_path(4);
        let parsed = claims.map(|kept| {
            let claim = Claim::parse(kept.object.data().unwrap()).unwrap();
            (claim, kept.receipt.unwrap().at.0)
        });
        parsed.collect()
    }

    /// Everything but announced key packages, as it is stored.
    fn rest(&self) -> Vec<u8> {
        let others = self.objects.iter().filter(|kept| kept.object.name().place().rest.path() != 2);
        others.flat_map(|kept| kept.object.bytes()).collect()
    }
}

fn teams(view: &View) {
    assert!(view.objects.iter().all(|kept| kept.object.name().team() == view.team));
    assert!(view.team.org.value() > 0 && !view.objects.is_empty());
}

fn devices(view: &View) {
    let numbers: BTreeSet<Device> = view
        .of_path(6)
        .filter_map(|kept| {
            let Rest::Certificate { device, .. } = kept.object.name().place().rest else {
                return None;
            };
            (device != Device::ORIGIN).then_some(device)
        })
        .collect();
    assert_eq!(numbers.len(), 3, "the member tool, Alice and Bob");
    assert!(view.of_path(6).all(|kept| kept.receipt.unwrap().at.0 > 0));
    let root = view.announcements().first().unwrap().root;
    let read = view.of_path(6).filter_map(|kept| Certificate::read(&kept.object, &root).ok());
    let keys: BTreeSet<[u8; 32]> = read.map(|certificate| certificate.log_key.0).collect();
    assert_eq!(keys.len(), 3);
}

fn channels(view: &View) {
    let mut counts: BTreeMap<(u64, u64), Vec<u64>> = BTreeMap::new();
    for kept in view.of_path(1) {
        let Rest::Message { channel, device, .. } = kept.object.name().place().rest else {
            continue;
        };
        let times = counts.entry((channel.value(), device.value())).or_default();
        times.push(kept.receipt.unwrap().at.0);
    }
    let talk = counts.iter().filter(|((channel, _), _)| *channel > 1);
    let talk: Vec<usize> = talk.map(|(_, times)| times.len()).collect();
    assert!(talk.len() == 2 && talk.iter().all(|count| *count >= 3), "{talk:?}");
}

fn sizes(view: &View) {
    let sizes: BTreeSet<usize> =
        view.of_path(1).map(|kept| kept.object.data().unwrap().len()).collect();
    assert!(sizes.len() <= 3, "{sizes:?}");
    assert!(sizes.first().is_some_and(|least| *least >= 256), "{sizes:?}");
}

/// Reads a PrivateMessage up to its authenticated data (RFC 9420 §6.3.1): epoch, and that data.
fn opened(message: &[u8]) -> (u64, Vec<u8>) {
    let (_, rest) = vector(message);
    let (epoch, rest) = rest.split_first_chunk::<8>().unwrap();
    let (_, rest) = rest.split_first().unwrap();
    (u64::from_be_bytes(*epoch), vector(rest).0.to_vec())
}

/// A vector with its length in one or two bytes (RFC 9420 §2.1.2), and what follows.
fn vector(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (first, rest) = bytes.split_first().unwrap();
    if first >> 6 == 0 {
        return rest.split_at(usize::from(*first));
    }
    let (second, rest) = rest.split_first().unwrap();
    rest.split_at(usize::from(first & 0x3f) << 8 | usize::from(*second))
}

fn epochs(view: &View) {
    let mut known = BTreeSet::new();
    for kept in view.of_path(1) {
        let (epoch, told) = opened(kept.object.data().unwrap());
        // Name and previous hash, then the slot.
        let slot = told.get(48..52).and_then(|slot| slot.try_into().ok()).map(u32::from_be_bytes);
        known.insert((epoch, slot.unwrap()));
    }
    assert!(known.iter().any(|(epoch, slot)| *epoch > 0 && *slot > 0), "{known:?}");
}

fn slots(view: &View) {
    let claims = view.claims();
    assert!(claims.len() >= 2);
    assert!(claims.iter().all(|(claim, at)| claim.commit.len > 0 && *at > 0));
    let added: Vec<_> = claims.iter().filter_map(|(claim, _)| claim.welcome).collect();
    assert!(added.iter().all(|welcome| welcome.len > 0) && !added.is_empty());
    assert!(claims.iter().any(|(claim, _)| claim.device == Device::MEMBER_TOOL));
}

fn newcomers(view: &View) {
    let claims = view.claims();
    let welcomed: BTreeSet<[u8; 32]> =
        claims.iter().flat_map(|(claim, _)| &claim.welcomed).map(|hash| hash.0).collect();
    let announced = view.announcements();
    let asked: BTreeSet<Device> = announced
        .iter()
        .filter(|announcement| welcomed.contains(&announcement.hash().0))
        .map(|announcement| announcement.device)
        .collect();
    assert_eq!(asked.len(), 2, "Alice and Bob");
}

fn leaves(view: &View) {
    let packages: Vec<u8> =
        view.announcements().into_iter().flat_map(|it| it.key_package).collect();
    for name in ["Alice", "Bob", "demo"] {
        assert!(holds(&packages, name.as_bytes()), "{name} is not in a key package any more");
    }
}

fn words(view: &View) {
    let all: Vec<u8> = view.objects.iter().flat_map(|kept| kept.object.bytes()).collect();
    for secret in SECRETS {
        assert!(!holds(&view.files, secret.as_bytes()), "{secret} is in a file of the relay");
        assert!(!holds(&all, secret.as_bytes()), "{secret} is in an object");
    }
    // The search itself finds what is there.
    assert!(holds(&all, &view.announcements().first().unwrap().root.0));
}

fn names_of_people(view: &View) {
    let rest = view.rest();
    for name in ["Alice", "Bob"] {
        assert!(!holds(&rest, name.as_bytes()), "{name}");
    }
}

fn tree(view: &View) {
    let provider = OpenMlsRustCrypto::default();
    let rest = view.rest();
    for announcement in view.announcements() {
        let mut bytes = announcement.key_package.as_slice();
        let package =
            <KeyPackageIn as openmls::prelude::tls_codec::Deserialize>::tls_deserialize(&mut bytes);
        let package = package.unwrap().validate(provider.crypto(), ProtocolVersion::Mls10).unwrap();
        let leaf = package.leaf_node();
        // Behind its length.
        let encryption = leaf.encryption_key().tls_serialize_detached().unwrap();
        for key in [leaf.signature_key().as_slice(), encryption.get(1..).unwrap()] {
            assert!(holds(&announcement.key_package, key));
            assert!(!holds(&rest, key));
        }
    }
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn vectors_of_the_mls_layout_are_taken_apart() {
    let long = [&[0x41, 0x02][..], &[7; 258], b"rest"].concat();
    assert_eq!(vector(&long), (&[7; 258][..], &b"rest"[..]));
    assert_eq!(vector(b"\x02abc"), (&b"ab"[..], &b"c"[..]));
}
