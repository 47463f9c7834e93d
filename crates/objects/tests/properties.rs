//! What holds for everything that is signed, stored or sent.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

use std::fmt::Debug;

use names::{
    Blob, Channel, Device, Generation, Name, Number, Org, Origin, Piece, Prefix, Rest, Slot, Team,
    TeamId,
};
use objects::wire::{FromRelay, Refusal, SlotAnswer, SubscriptionStanding, ToRelay};
use objects::{
    Admin, Announcement, BlobRef, Certificate, CertificateError, Claim, Draft, HEADER_LEN, Hash,
    Issuer, Key, Label, MAX_DATA, MAX_OBJECT, Malformed, Millis, Named, Object, Part, Proof,
    Receipt, RelayProof, RelayRef, Revocation, Signer, Standing, TeamLink, WelcomePointer,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn team() -> impl Strategy<Value = TeamId> {
    any::<(u64, u64, u64)>().prop_map(|(origin, org, team)| TeamId {
        origin: Origin::truncate(origin),
        org: Org::truncate(org),
        team: Team::truncate(team),
    })
}

fn message() -> impl Strategy<Value = Name> {
    (team(), any::<(u64, u64, u64)>()).prop_map(|(team, (channel, device, number))| {
        team.name(Rest::Message {
            channel: Channel::truncate(channel),
            device: Device::truncate(device),
            number: Number::truncate(number),
        })
    })
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn key() -> impl Strategy<Value = Key> {
    any::<[u8; 32]>().prop_map(Key)
}

fn signer() -> impl Strategy<Value = Signer> {
    any::<[u8; 32]>().prop_map(|seed| Signer::from_seed(&seed))
}

fn millis() -> impl Strategy<Value = Millis> {
    any::<u64>().prop_map(Millis)
}

prop_compose! {
    fn object()(
        name in message(),
        created in millis(),
        expires in millis(),
        previous in hash(),
        (index, more) in any::<(u16, u8)>(),
        data in vec(any::<u8>(), 0..=MAX_DATA),
        signer in signer(),
        header_only: bool,
    ) -> Object {
        let index = index.min(u16::MAX - 256);
        let part = Part { index, count: index + 1 + u16::from(more) };
        let draft = Draft { name, created, expires, previous, part, data: &data };
        let object = draft.sign(&signer).unwrap();
        if header_only { object.header_only() } else { object }
    }
}

prop_compose! {
    fn blob()(team in team(), (device, blob) in any::<(u64, u64)>(), len in 0..=4_194_304_u32, hash in hash()) -> BlobRef {
        let first = team.name(Rest::Blob {
            device: Device::truncate(device),
            blob: Blob::truncate(blob),
            piece: Piece::ZERO,
        });
        BlobRef { first, pieces: u16::try_from(len.div_ceil(1024).max(1)).unwrap(), len, hash }
    }
}

prop_compose! {
    fn claim()(
        epoch: u64,
        (device, generation) in any::<(u64, u64)>(),
        commit in blob(),
        (welcome, tree) in (option::of(blob()), option::of(blob())),
        skips: u64,
        certificates in vec((message(), hash()).prop_map(|(name, hash)| Named { name, hash }), 0..=Claim::MOST),
        welcomed in vec(hash(), 0..=Claim::MOST),
    ) -> Claim {
        let (device, generation) = (Device::truncate(device), Generation::truncate(generation));
        let skips = Some(Slot::truncate(skips)).filter(|slot| *slot != Slot::ZERO);
        Claim { epoch, device, generation, commit, welcome, tree, skips, certificates, welcomed }
    }
}

prop_compose! {
    fn receipt()(object in object(), relay in signer(), head: u64, at in millis()) -> Receipt {
        Receipt::sign(&relay, &object, Slot::truncate(head), at)
    }
}

prop_compose! {
    fn proof()(log_key in signer(), relay in key(), exporter: [u8; 32], team in team(), device: u64, expires in millis()) -> Proof {
        Proof::sign(&log_key, &relay, &exporter, team, Device::truncate(device), expires)
    }
}

prop_compose! {
    fn announcement()(root in key(), team in team(), device: u64, log_key in key(), key_package in vec(any::<u8>(), 0..900)) -> Announcement {
        Announcement { root, team, device: Device::truncate(device), log_key, key_package }
    }
}

prop_compose! {
    fn pointer()(announcement in hash(), slot: u64, claim in hash(), welcome in blob()) -> WelcomePointer {
        WelcomePointer { announcement, slot: Slot::truncate(slot), claim, welcome }
    }
}

fn to_relay() -> impl Strategy<Value = ToRelay> {
    prop_oneof![
        any::<u16>().prop_map(|version| ToRelay::Hello { version }),
        proof().prop_map(ToRelay::Prove),
        (any::<u32>(), object()).prop_map(|(seq, object)| ToRelay::Publish { seq, object }),
        (any::<u32>(), object()).prop_map(|(seq, object)| ToRelay::Claim { seq, object }),
        (any::<(u32, u64, u64)>(), message(), 0..=128_u32).prop_map(
            |((id, store, after), name, bits)| {
                let prefix = Prefix::of(name, bits).unwrap();
                ToRelay::Subscribe { id, prefix, store, after }
            }
        ),
        any::<u32>().prop_map(|id| ToRelay::Unsubscribe { id }),
        (any::<u32>(), message()).prop_map(|(seq, name)| ToRelay::Get { seq, name }),
        (signer(), key(), any::<[u8; 32]>()).prop_map(|(child, parent, exporter)| {
            ToRelay::Relay(RelayProof::sign(&child, &parent, &exporter))
        }),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::WrongSigner),
        Just(Refusal::Uncertified),
        Just(Refusal::Revoked),
        any::<u32>().prop_map(|next| Refusal::Gap { next }),
        Just(Refusal::WrongPrevious),
        Just(Refusal::Expired),
        Just(Refusal::NameTaken),
        Just(Refusal::UnknownOrg),
        Just(Refusal::Malformed),
        Just(Refusal::Quota),
        Just(Refusal::Forked),
    ]
}

fn answer() -> impl Strategy<Value = SlotAnswer> {
    prop_oneof![
        receipt().prop_map(SlotAnswer::Won),
        (object(), receipt()).prop_map(|(winner, receipt)| SlotAnswer::Taken { winner, receipt }),
        any::<u64>().prop_map(|head| SlotAnswer::Gap { head: Slot::truncate(head) }),
        Just(SlotAnswer::Incomplete),
        Just(SlotAnswer::Pending),
    ]
}

fn from_relay() -> impl Strategy<Value = FromRelay> {
    let standing = prop_oneof![
        Just(SubscriptionStanding::Active),
        Just(SubscriptionStanding::Waiting),
        Just(SubscriptionStanding::Refused),
    ];
    let found = option::of((object(), option::of(receipt())));
    prop_oneof![
        (any::<(u16, u64)>(), millis()).prop_map(|((version, store), now)| FromRelay::Welcome {
            version,
            store,
            now
        }),
        proof().prop_map(FromRelay::Proved),
        (any::<u32>(), receipt()).prop_map(|(seq, receipt)| FromRelay::Stored { seq, receipt }),
        (any::<u32>(), refusal()).prop_map(|(seq, why)| FromRelay::Refused { seq, why }),
        (any::<u32>(), answer()).prop_map(|(seq, answer)| FromRelay::Slot { seq, answer }),
        (any::<u32>(), standing).prop_map(|(id, standing)| FromRelay::Subscribed { id, standing }),
        any::<(u32, u64)>().prop_map(|(id, position)| FromRelay::CaughtUp { id, position }),
        (any::<u32>(), found).prop_map(|(seq, found)| {
            let (object, receipt) =
                found.map_or((None, None), |(object, receipt)| (Some(object), receipt));
            FromRelay::Found { seq, object, receipt }
        }),
        (any::<u64>(), object(), option::of(receipt())).prop_map(|(position, object, receipt)| {
            FromRelay::Deliver { position, object, receipt }
        }),
        receipt().prop_map(|receipt| FromRelay::Settled { receipt }),
        any::<bool>().prop_map(|reachable| FromRelay::Upstream { reachable }),
        Just(FromRelay::Related),
        revocation().prop_map(|revocation| FromRelay::Revoked(Box::new(revocation))),
    ]
}

fn revocation() -> impl Strategy<Value = Revocation> {
    let short =
        || {
            object().prop_map(|object| {
                if object.bytes().len() < 590 { object } else { object.header_only() }
            })
        };
    (receipt(), [short(), short(), short(), short()]).prop_map(|(receipt, objects)| {
        let [term, admin, certificate, claim] = objects;
        Revocation { term, admin, certificate, claim, receipt }
    })
}

/// The one layout: what is written is read back, a byte more is refused, and so is every cut (the
/// cuts that `still` accepts excepted: a header without data is an object too).
fn one_layout<T: Debug + PartialEq>(
    value: &T,
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    still: impl Fn(usize) -> bool,
) {
    assert_eq!(parse(bytes).as_ref(), Ok(value));
    for cut in 0..bytes.len() {
        let parsed = parse(&bytes[..cut]);
        assert!(parsed.is_err() || still(cut), "{cut} of {}", bytes.len());
    }
}

/// Whatever is read is written the same: nothing is passed over, nothing has two spellings.
fn no_second_spelling<T>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.to_vec();
            changed[index] ^= 1_u8 << bit;
            if let Ok(value) = parse(&changed) {
                assert_eq!(write(&value), changed, "bit {bit} of byte {index}");
            }
        }
    }
}

fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// `OBJECTS-01`
    #[test]
    fn an_object_has_one_layout(object in object()) {
        let bytes = object.bytes();
        prop_assert!(bytes.len() <= MAX_OBJECT);
        one_layout(&object, &bytes, Object::parse, |cut| cut == HEADER_LEN);
        prop_assert!(Object::parse(&longer(&bytes)).is_err());
        let head = bytes.len().min(HEADER_LEN + 2);
        no_second_spelling(&bytes[..head], Object::parse, Object::bytes);
    }

    /// `OBJECTS-02`
    #[test]
    fn a_changed_header_or_other_data_does_not_verify(
        name in message(), previous in hash(), data in vec(any::<u8>(), 1..64), signer in signer(), at in 0..HEADER_LEN, bit in 0..8,
    ) {
        let (created, expires) = (Millis(5), Millis(9));
        let draft = Draft { name, created, expires, previous, part: Part::ONLY, data: &data };
        let object = draft.sign(&signer).unwrap();
        prop_assert!(object.verifies(&signer.key()));
        let mut bytes = object.bytes();
        bytes[at] ^= 1_u8 << bit;
        if let Ok(changed) = Object::parse(&bytes) {
            prop_assert!(!changed.verifies(&signer.key()));
        }
        let mut bytes = object.bytes();
        bytes[HEADER_LEN] ^= 1_u8 << bit;
        prop_assert!(Object::parse(&bytes).is_err());
    }

    /// `OBJECTS-03`
    #[test]
    fn a_header_stays_valid_without_its_data(object in object()) {
        let header = object.clone().header_only();
        prop_assert_eq!(header.entry_hash(), object.entry_hash());
        prop_assert!(header.bytes().len() == HEADER_LEN);
        prop_assert_eq!(Object::parse(&header.bytes()), Ok(header));
    }

    /// `OBJECTS-01`
    #[test]
    fn a_claim_has_one_layout(claim in claim()) {
        let bytes = claim.bytes();
        prop_assert!(bytes.len() <= MAX_DATA);
        one_layout(&claim, &bytes, Claim::parse, |_| false);
        prop_assert!(Claim::parse(&longer(&bytes)).is_err());
        no_second_spelling(&bytes, Claim::parse, Claim::bytes);
    }

    /// `OBJECTS-01`
    #[test]
    fn a_welcome_pointer_has_one_layout(pointer in pointer()) {
        let bytes = pointer.bytes();
        one_layout(&pointer, &bytes, WelcomePointer::parse, |_| false);
        prop_assert!(WelcomePointer::parse(&longer(&bytes)).is_err());
        no_second_spelling(&bytes, WelcomePointer::parse, WelcomePointer::bytes);
    }

    /// `OBJECTS-01`
    #[test]
    fn an_announcement_has_one_layout(announcement in announcement()) {
        let bytes = announcement.bytes();
        let fixed = bytes.len() - announcement.key_package.len();
        one_layout(&announcement, &bytes, Announcement::parse, |cut| cut >= fixed);
        no_second_spelling(&bytes[..fixed], Announcement::parse, Announcement::bytes);
    }

    /// `OBJECTS-01`
    #[test]
    fn receipts_and_proofs_have_one_layout(receipt in receipt(), proof in proof()) {
        one_layout(&receipt, &receipt.bytes(), Receipt::parse, |_| false);
        one_layout(&proof, &proof.bytes(), Proof::parse, |_| false);
        prop_assert_eq!(receipt.bytes().len(), Receipt::LEN);
        prop_assert!(Receipt::parse(&longer(&receipt.bytes())).is_err());
        prop_assert!(Proof::parse(&longer(&proof.bytes())).is_err());
        no_second_spelling(&receipt.bytes(), Receipt::parse, Receipt::bytes);
        no_second_spelling(&proof.bytes(), Proof::parse, Proof::bytes);
    }

    /// `OBJECTS-01`
    #[test]
    fn frames_have_one_layout(to in to_relay(), from in from_relay()) {
        prop_assert_eq!(ToRelay::parse(&to.bytes()), Ok(to.clone()));
        prop_assert_eq!(FromRelay::parse(&from.bytes()), Ok(from.clone()));
        for frame in [to.bytes(), from.bytes()] {
            prop_assert!(frame.len() <= objects::wire::MAX_FRAME);
        }
        prop_assert!(ToRelay::parse(&longer(&to.bytes())).is_err());
        prop_assert!(FromRelay::parse(&longer(&from.bytes())).is_err());
        no_second_spelling(&to.bytes(), ToRelay::parse, ToRelay::bytes);
        no_second_spelling(&from.bytes(), FromRelay::parse, FromRelay::bytes);
    }

    /// `OBJECTS-01`
    #[test]
    fn any_bytes_are_refused_or_written_the_same(bytes in vec(any::<u8>(), 0..400), version in 0..15_u8) {
        let bytes = [&[version][..], &bytes].concat();
        if let Ok(frame) = ToRelay::parse(&bytes) {
            prop_assert_eq!(frame.bytes(), bytes.clone());
        }
        if let Ok(frame) = FromRelay::parse(&bytes) {
            prop_assert_eq!(frame.bytes(), bytes.clone());
        }
        if let Ok(object) = Object::parse(&bytes) {
            prop_assert_eq!(object.bytes(), bytes);
        }
    }

    /// `OBJECTS-05`
    #[test]
    fn a_certificate_counts_only_from_the_root_or_an_admin_that_it_names(
        root in signer(), admin in signer(), stranger in signer(), team in team(), other in team(),
        log_key in key(), credential in hash(), device: u64, generation: u64,
    ) {
        let rest = Rest::Certificate { device: Device::truncate(device), generation: Generation::truncate(generation) };
        let write = |issuer, by: &Signer, team: TeamId| {
            let certificate = Certificate {
                standing: Standing::Certified, log_key, credential, from: Millis(10), until: Millis(20), issuer,
            };
            let draft = Draft {
                name: team.name(rest), created: Millis(15), expires: Millis::NEVER, previous: Hash::NONE,
                part: Part::ONLY, data: &certificate.bytes(),
            };
            (certificate, draft.sign(by).unwrap())
        };
        let named = |from, until| Issuer::Admin(Admin::name(&root, team, admin.key(), Millis(from), Millis(until)));
        let self_named = Issuer::Admin(Admin::name(&admin, team, admin.key(), Millis(0), Millis(99)));
        let (certificate, by_root) = write(Issuer::Root, &root, team);
        prop_assert_eq!(Certificate::read(&by_root, &root.key()), Ok(certificate));
        let (certificate, by_admin) = write(named(0, 99), &admin, team);
        prop_assert_eq!(Certificate::read(&by_admin, &root.key()), Ok(certificate));
        for forged in [write(Issuer::Root, &stranger, team).1, write(named(0, 99), &root, team).1] {
            let name = forged.name();
            prop_assert_eq!(Certificate::read(&forged, &root.key()), Err(CertificateError::Forged { name }));
        }
        prop_assume!((team.origin, team.org) != (other.origin, other.org));
        for unnamed in [write(self_named, &admin, team).1, write(named(0, 15), &admin, team).1,
            write(named(16, 99), &admin, team).1, write(named(0, 99), &admin, other).1] {
            let name = unnamed.name();
            prop_assert_eq!(Certificate::read(&unnamed, &root.key()), Err(CertificateError::UnknownAdmin { name }));
        }
        prop_assert!(!certificate.counts(Millis(9)) && certificate.counts(Millis(10)));
        prop_assert!(certificate.counts(Millis(19)) && !certificate.counts(Millis(20)));
    }

    /// `OBJECTS-06`
    #[test]
    fn a_receipt_covers_one_object_of_one_relay(object in object(), other in object(), relay in signer(), stranger in signer(), head: u64) {
        let receipt = Receipt::sign(&relay, &object, Slot::truncate(head), Millis(1));
        prop_assert!(receipt.covers(&relay.key(), &object));
        prop_assert!(!receipt.covers(&stranger.key(), &object));
        prop_assert!(!receipt.covers(&relay.key(), &other));
        let later = Receipt { at: Millis(2), ..receipt };
        prop_assert!(!later.covers(&relay.key(), &object));
    }

    /// `OBJECTS-07`
    #[test]
    fn a_proof_holds_for_one_relay_one_session_and_its_time(log_key in signer(), relay in key(), other in key(), exporter: [u8; 32], team in team()) {
        let proof = Proof::sign(&log_key, &relay, &exporter, team, Device::truncate(7), Millis(100));
        prop_assert!(proof.holds(&relay, &exporter, Millis(99)));
        prop_assert!(!proof.holds(&relay, &exporter, Millis(100)));
        prop_assert!(!proof.holds(&other, &exporter, Millis(99)));
        prop_assert!(!proof.holds(&relay, &other.0, Millis(99)));
        let elsewhere = Proof { device: Device::truncate(8), ..proof };
        prop_assert!(!elsewhere.holds(&relay, &exporter, Millis(99)));
    }

    /// `OBJECTS-08`
    #[test]
    fn a_team_link_survives_the_clipboard(team in team(), root in key(), key in key(), port in 1..=u16::MAX, host in "[a-z][a-z0-9.-]{0,40}") {
        let link = TeamLink { team, root, relay: RelayRef { address: format!("{host}:{port}"), key } };
        prop_assert_eq!(format!(" {link}\n").parse(), Ok(link.clone()));
        let text = link.to_string();
        for cut in 0..text.rfind(':').unwrap() {
            prop_assert!(text[..cut].parse::<TeamLink>().is_err());
        }
    }

    /// `OBJECTS-04`
    #[test]
    fn a_signature_under_one_label_counts_under_no_other(signer in signer(), bytes in vec(any::<u8>(), 0..80)) {
        for label in LABELS {
            let signature = signer.sign(label, &bytes);
            for other in LABELS {
                prop_assert_eq!(signer.key().verifies(other, &bytes, &signature), other == label);
                prop_assert_eq!(Hash::of(other, &bytes) == Hash::of(label, &bytes), other == label);
            }
        }
    }
}

const LABELS: [Label; 13] = [
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
];
