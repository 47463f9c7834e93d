//! The bytes of objects and frames that every release must read.
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;

use names::{
    Blob, Channel, Device, Generation, Name, Number, Org, Origin, Piece, Prefix, Rest, Slot, Team,
    TeamId,
};
use objects::wire::{FromRelay, Refusal, SlotAnswer, SubscriptionStanding, ToRelay};
use objects::{
    Admin, Announcement, BlobRef, Certificate, Claim, Draft, Grant, Hash, Issuer, Label, Millis,
    Named, Object, OrgRoot, Part, Proof, Receipt, RelayProof, RelayRef, Revocation, Signer, Spent,
    Standing, TeamLink, Term, WelcomePointer,
};

/// `OBJECTS-09`
#[test]
fn objects_are_the_bytes_that_they_were() {
    compare("objects.hex", &objects());
    for line in objects().lines().filter(|line| !line.starts_with('#')) {
        let (kind, hex) = line.split_once(' ').unwrap();
        assert_eq!(Object::parse(&bytes(hex)).unwrap().bytes(), bytes(hex), "{kind}");
    }
}

/// `OBJECTS-09`
#[test]
fn frames_are_the_bytes_that_they_were() {
    compare("to-relay.hex", &to_relay());
    compare("from-relay.hex", &from_relay());
    for line in to_relay().lines().filter(|line| !line.starts_with('#')) {
        let (kind, hex) = line.split_once(' ').unwrap();
        assert_eq!(ToRelay::parse(&bytes(hex)).unwrap().bytes(), bytes(hex), "{kind}");
    }
    for line in from_relay().lines().filter(|line| !line.starts_with('#')) {
        let (kind, hex) = line.split_once(' ').unwrap();
        assert_eq!(FromRelay::parse(&bytes(hex)).unwrap().bytes(), bytes(hex), "{kind}");
    }
}

/// `OBJECTS-09`
#[test]
fn hashes_and_texts_are_what_they_were() {
    let root = OrgRoot { origin: team().origin, org: team().org, key: signer(1).key() };
    let link = TeamLink {
        team: team(),
        root: root.key,
        relay: RelayRef { address: "relay.example:4433".into(), key: signer(5).key() },
    };
    let mut lines = String::from("# what, then its text\n");
    let _ = writeln!(lines, "root-key {}", root.key);
    let _ = writeln!(lines, "root-fingerprint {}", root.fingerprint());
    let _ = writeln!(lines, "announcement-hash {}", announcement().hash());
    let _ = writeln!(lines, "entry-hash {}", entry().entry_hash());
    let _ = writeln!(lines, "team-link {link}");
    for label in [
        Label::Data,
        Label::Entry,
        Label::Blob,
        Label::Announcement,
        Label::Admin,
        Label::Receipt,
        Label::Session,
        Label::Root,
        Label::Credential,
        Label::User,
        Label::Content,
        Label::Relay,
        Label::Leaf,
    ] {
        let _ = writeln!(lines, "hash-of-abc-under-{label:?} {}", Hash::of(label, b"abc"));
    }
    compare("hashes.txt", &lines);
    assert_eq!(link.to_string().parse(), Ok(link));
}

fn objects() -> String {
    let mut lines = String::from("# kind, then the object; all times and seeds are fixed\n");
    let admin = Admin::name(&signer(1), team(), signer(2).key(), Millis(1), Millis::NEVER);
    let certificate = |standing, issuer| Certificate {
        standing,
        log_key: signer(3).key(),
        credential: Hash::of(Label::Credential, b"credential"),
        from: Millis(1_000),
        until: Millis::NEVER,
        issuer,
    };
    let by_root = certificate(Standing::Certified, Issuer::Root).bytes();
    let by_admin = certificate(Standing::Revoked, Issuer::Admin(admin)).bytes();
    let grant = Grant { until: Millis::NEVER, signature: admin.signature };
    let of_admin = certificate(Standing::Admin(grant), Issuer::Root).bytes();
    let term = Term {
        key: signer(5).key(),
        after: Slot::truncate(3),
        claim: claim().entry_hash(),
        address: "relay.example:4433".to_owned(),
    };
    let term_name =
        Rest::Certificate { device: Device::ORIGIN, generation: Generation::truncate(1) };
    let spent = Spent { announcement: announcement().hash(), team: team(), device: device() };
    let certificate_name = |generation| Rest::Certificate {
        device: device(),
        generation: Generation::truncate(generation),
    };
    let welcome = WelcomePointer {
        announcement: announcement().hash(),
        slot: Slot::truncate(1),
        claim: claim().entry_hash(),
        welcome: blob(2, 500),
    };
    let announced = announcement();
    let piece = Rest::Blob { device: device(), blob: Blob::truncate(1), piece: Piece::truncate(2) };
    let whole = Part { index: 2, count: 3 };
    for (kind, object) in [
        ("entry", entry()),
        ("entry-of-header-alone", entry().header_only()),
        ("empty-entry", object(message(1), Part::ONLY, b"", 3)),
        ("full-entry", object(message(2), Part::ONLY, &[0x5a; 1024], 3)),
        (
            "key-package",
            object(Announcement::rest(&announced.hash()), Part::ONLY, &announced.bytes(), 3),
        ),
        (
            "welcome-pointer",
            object(WelcomePointer::rest(&announced.hash()), Part::ONLY, &welcome.bytes(), 3),
        ),
        ("claim", claim()),
        ("blob-piece", object(piece, whole, b"the last piece", 3)),
        ("certificate-by-root", object(certificate_name(0), Part::ONLY, &by_root, 1)),
        ("revocation-by-admin", object(certificate_name(1), Part::ONLY, &by_admin, 2)),
        ("certificate-of-admin", object(certificate_name(2), Part::ONLY, &of_admin, 1)),
        ("term", object(term_name, Part::ONLY, &term.bytes(), 1)),
        ("use", object(Spent::rest(&announced.hash()), Part::ONLY, &spent.bytes(), 3)),
    ] {
        line(&mut lines, kind, &object.bytes());
    }
    lines
}

fn to_relay() -> String {
    let mut lines = String::from("# kind, then the frame\n");
    for (kind, frame) in [
        ("hello", ToRelay::Hello { version: 1 }),
        ("prove", ToRelay::Prove(proof())),
        ("publish", ToRelay::Publish { seq: 7, object: entry() }),
        ("claim", ToRelay::Claim { seq: 8, object: claim() }),
        (
            "subscribe",
            ToRelay::Subscribe { id: 9, prefix: Prefix::team(team()), store: 10, after: 11 },
        ),
        ("unsubscribe", ToRelay::Unsubscribe { id: 9 }),
        ("get", ToRelay::Get { seq: 12, name: entry().name() }),
        ("relay", ToRelay::Relay(RelayProof::sign(&signer(6), &signer(5).key(), &[6; 32]))),
    ] {
        line(&mut lines, kind, &frame.bytes());
    }
    lines
}

fn from_relay() -> String {
    let mut lines = String::from("# kind, then the frame\n");
    let receipt = Receipt::sign(&signer(5), &claim(), Slot::truncate(1), Millis(2_000));
    let refusals = [
        ("wrong-signer", Refusal::WrongSigner),
        ("uncertified", Refusal::Uncertified),
        ("revoked", Refusal::Revoked),
        ("gap", Refusal::Gap { next: 4 }),
        ("wrong-previous", Refusal::WrongPrevious),
        ("expired", Refusal::Expired),
        ("name-taken", Refusal::NameTaken),
        ("unknown-org", Refusal::UnknownOrg),
        ("malformed", Refusal::Malformed),
        ("quota", Refusal::Quota),
        ("forked", Refusal::Forked),
    ];
    let answers = [
        ("won", SlotAnswer::Won(receipt)),
        ("taken", SlotAnswer::Taken { winner: claim(), receipt }),
        ("slot-gap", SlotAnswer::Gap { head: Slot::truncate(3) }),
        ("incomplete", SlotAnswer::Incomplete),
        ("pending", SlotAnswer::Pending),
    ];
    let standings = [
        ("active", SubscriptionStanding::Active),
        ("waiting", SubscriptionStanding::Waiting),
        ("refused", SubscriptionStanding::Refused),
    ];
    let mut frames = vec![
        ("welcome", FromRelay::Welcome { version: 1, store: 10, now: Millis(2_000) }),
        ("proved", FromRelay::Proved(proof())),
        ("stored", FromRelay::Stored { seq: 7, receipt }),
        ("caught-up", FromRelay::CaughtUp { id: 9, position: 11 }),
        ("not-found", FromRelay::Found { seq: 12, object: None, receipt: None }),
        ("found", FromRelay::Found { seq: 12, object: Some(entry()), receipt: None }),
        ("deliver", FromRelay::Deliver { position: 12, object: entry(), receipt: None }),
        (
            "deliver-claim",
            FromRelay::Deliver { position: 13, object: claim(), receipt: Some(receipt) },
        ),
        ("settled", FromRelay::Settled { receipt }),
        ("reachable", FromRelay::Upstream { reachable: true }),
        ("unreachable", FromRelay::Upstream { reachable: false }),
        ("related", FromRelay::Related),
        ("removed", FromRelay::Revoked(Box::new(revocation(receipt)))),
    ];
    frames.extend(refusals.map(|(kind, why)| (kind, FromRelay::Refused { seq: 7, why })));
    frames.extend(answers.map(|(kind, answer)| (kind, FromRelay::Slot { seq: 8, answer })));
    frames.extend(
        standings.map(|(kind, standing)| (kind, FromRelay::Subscribed { id: 9, standing })),
    );
    for (kind, frame) in frames {
        line(&mut lines, kind, &frame.bytes());
    }
    lines
}

/// In its layout; it proves nothing.
fn revocation(receipt: Receipt) -> Revocation {
    let named = |kind: &str| {
        let lines = objects();
        let line = lines.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
        Object::parse(&bytes(line.unwrap())).unwrap()
    };
    Revocation {
        term: named("term"),
        admin: named("certificate-of-admin"),
        certificate: named("revocation-by-admin"),
        claim: claim(),
        receipt,
    }
}

fn team() -> TeamId {
    TeamId {
        origin: Origin::truncate(0x12_3456),
        org: Org::truncate(0x2_3456),
        team: Team::truncate(0xa_bcde),
    }
}

fn device() -> Device {
    Device::truncate(0x5_4321)
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32])
}

fn message(number: u64) -> Rest {
    Rest::Message {
        channel: Channel::truncate(2),
        device: device(),
        number: Number::truncate(number),
    }
}

fn object(rest: Rest, part: Part, data: &[u8], seed: u8) -> Object {
    let name: Name = team().name(rest);
    let draft = Draft {
        name,
        created: Millis(1_700_000_000_000),
        expires: Millis(1_707_776_000_000),
        previous: Hash::of(Label::Entry, b"before"),
        part,
        data,
    };
    draft.sign(&signer(seed)).unwrap()
}

fn entry() -> Object {
    object(message(0), Part::ONLY, b"sealed", 3)
}

fn announcement() -> Announcement {
    Announcement {
        root: signer(1).key(),
        team: team(),
        device: device(),
        log_key: signer(3).key(),
        key_package: b"key package".to_vec(),
    }
}

fn blob(blob: u64, len: u32) -> BlobRef {
    let first = team().name(Rest::Blob {
        device: Device::MEMBER_TOOL,
        blob: Blob::truncate(blob),
        piece: Piece::ZERO,
    });
    let pieces = u16::try_from(len.div_ceil(1024)).unwrap();
    BlobRef { first, pieces, len, hash: Hash::of(Label::Blob, b"blob") }
}

fn claim() -> Object {
    let name = team().name(Rest::Certificate { device: device(), generation: Generation::ZERO });
    let claim = Claim {
        epoch: 0,
        device: Device::MEMBER_TOOL,
        generation: Generation::ZERO,
        commit: blob(1, 2_500),
        welcome: Some(blob(2, 500)),
        tree: Some(blob(3, 2_000)),
        skips: None,
        certificates: vec![Named { name, hash: Hash::of(Label::Entry, b"certificate") }],
        welcomed: vec![announcement().hash()],
    };
    object(Rest::Slot(Slot::truncate(1)), Part::ONLY, &claim.bytes(), 4)
}

fn proof() -> Proof {
    Proof::sign(&signer(3), &signer(5).key(), &[6; 32], team(), device(), Millis(3_000))
}

fn line(lines: &mut String, kind: &str, bytes: &[u8]) {
    let _ = write!(lines, "{kind} ");
    for byte in bytes {
        let _ = write!(lines, "{byte:02x}");
    }
    lines.push('\n');
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Compares with the file of the last release; `UPDATE_VECTORS=1` writes it, for a new format.
fn compare(file: &str, lines: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/objects");
    let path = Path::new(folder).join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, lines).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines, "{}", path.display());
}
