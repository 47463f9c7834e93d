//! What holds for terms, admins, uses of key packages, and relays below relays.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use names::{Device, Generation, Name, Org, Origin, Rest, Slot, Team, TeamId};
use objects::{
    Admin, Announcement, Certificate, CertificateError, Draft, Grant, Hash, Issuer, Key, Malformed,
    Millis, Object, Part, RelayProof, Signer, Spent, Standing, Term,
};
use proptest::prelude::*;

fn signer() -> impl Strategy<Value = Signer> {
    any::<[u8; 32]>().prop_map(|seed| Signer::from_seed(&seed))
}

fn team() -> impl Strategy<Value = TeamId> {
    any::<(u64, u64, u64)>().prop_map(|(origin, org, team)| TeamId {
        origin: Origin::truncate(origin),
        org: Org::truncate(org),
        team: Team::truncate(team),
    })
}

prop_compose! {
    fn term()(key: [u8; 32], after: u64, claim: [u8; 32], address in "[!-~]{0,255}") -> Term {
        let after = Slot::truncate(after);
        let claim = if after == Slot::ZERO { Hash::NONE } else { Hash(claim) };
        Term { key: Key(key), after, claim, address }
    }
}

prop_compose! {
    fn spent()(announcement: [u8; 32], team in team(), device: u64) -> Spent {
        Spent { announcement: Hash(announcement), team, device: Device::truncate(device) }
    }
}

fn object(name: Name, data: &[u8], by: &Signer) -> Object {
    let (created, expires, previous) = (Millis(15), Millis::NEVER, Hash::NONE);
    Draft { name, created, expires, previous, part: Part::ONLY, data }.sign(by).unwrap()
}

/// Whatever is read is written the same, and nothing shorter than `fixed` is read.
fn one_layout<T: PartialEq + std::fmt::Debug>(
    value: &T,
    bytes: &[u8],
    fixed: usize,
    parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    assert_eq!(parse(bytes).as_ref(), Ok(value));
    for cut in 0..fixed {
        assert!(parse(bytes.get(..cut).unwrap()).is_err(), "{cut}");
    }
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.to_vec();
            *changed.get_mut(index).unwrap() ^= 1_u8 << bit;
            if let Ok(read) = parse(&changed) {
                assert_eq!(write(&read), changed, "bit {bit} of byte {index}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// `OBJECTS-01`
    #[test]
    fn terms_uses_and_proofs_of_relays_have_one_layout(
        term in term(), spent in spent(), child in signer(), parent: [u8; 32],
    ) {
        one_layout(&term, &term.bytes(), 73, Term::parse, Term::bytes);
        one_layout(&spent, &spent.bytes(), 49, Spent::parse, Spent::bytes);
        let proof = RelayProof::sign(&child, &Key(parent), &[7; 32]);
        one_layout(&proof, &proof.bytes(), 96, RelayProof::parse, RelayProof::bytes);
        for bytes in [spent.bytes(), proof.bytes()] {
            let longer = [&bytes[..], &[0]].concat();
            prop_assert!(Spent::parse(&longer).is_err() && RelayProof::parse(&longer).is_err());
        }
    }

    /// `OBJECTS-10`
    #[test]
    fn a_term_is_the_roots_alone_and_stands_under_the_number_of_no_device(
        root in signer(), stranger in signer(), team in team(), term in term(), generation: u64,
    ) {
        let generation = Generation::truncate(generation);
        let name = |device| team.name(Rest::Certificate { device, generation });
        let by_root = object(name(Device::ORIGIN), &term.bytes(), &root);
        prop_assert_eq!(Term::read(&by_root, &root.key()), Ok(term.clone()));
        let forged = object(name(Device::ORIGIN), &term.bytes(), &stranger);
        let why = CertificateError::Forged { name: forged.name() };
        prop_assert_eq!(Term::read(&forged, &root.key()), Err(why));
        let elsewhere = object(name(Device::truncate(5)), &term.bytes(), &root);
        let why = CertificateError::OtherPath { name: elsewhere.name() };
        prop_assert_eq!(Term::read(&elsewhere, &root.key()), Err(why));
    }

    /// `OBJECTS-10`
    #[test]
    fn a_first_term_has_no_claim_before_it_and_every_other_has_one(term in term()) {
        let claim = if term.after == Slot::ZERO { Hash([1; 32]) } else { Hash::NONE };
        let other = Term { claim, ..term.clone() };
        prop_assert!(Term::parse(&other.bytes()).is_err());
        let address = format!("{}{}", term.address, "x".repeat(256 - term.address.len()));
        let long = Term { address, ..term };
        prop_assert!(Term::parse(&long.bytes()).is_err());
    }

    /// `OBJECTS-05`
    #[test]
    fn only_the_root_makes_an_admin(
        root in signer(), admin in signer(), other in signer(), team in team(), device: u64, until: u64,
    ) {
        let name = team.name(Rest::Certificate {
            device: Device::truncate(device),
            generation: Generation::ZERO,
        });
        let named = |key, by: &Signer| Admin::name(by, team, key, Millis(0), Millis(until));
        let write = |log_key, grant: Admin, issuer, by: &Signer| {
            let standing = Standing::Admin(Grant { until: grant.until, signature: grant.signature });
            let credential = Hash([3; 32]);
            let (from, until) = (Millis(0), Millis::NEVER);
            let certificate = Certificate { standing, log_key, credential, from, until, issuer };
            (certificate, object(name, &certificate.bytes(), by))
        };
        let grant = named(admin.key(), &root);
        let (certificate, good) = write(admin.key(), grant, Issuer::Root, &root);
        prop_assert_eq!(Certificate::read(&good, &root.key()), Ok(certificate));
        prop_assert_eq!(certificate.grant(), Some(grant));
        let by_admin = Issuer::Admin(Admin::name(&root, team, admin.key(), Millis(0), Millis(99)));
        for (_, bad) in [
            write(admin.key(), named(admin.key(), &other), Issuer::Root, &root),
            write(other.key(), grant, Issuer::Root, &root),
            write(admin.key(), grant, by_admin, &admin),
        ] {
            let why = CertificateError::UnknownAdmin { name };
            prop_assert_eq!(Certificate::read(&bad, &root.key()), Err(why));
        }
    }

    /// `OBJECTS-11`
    #[test]
    fn a_use_stands_where_its_announcement_does(spent in spent()) {
        let Rest::KeyPackage { fingerprint, .. } = Announcement::rest(&spent.announcement) else {
            unreachable!();
        };
        prop_assert_eq!(Spent::rest(&spent.announcement), Rest::Use(fingerprint));
    }

    /// `OBJECTS-07`
    #[test]
    fn a_relays_proof_holds_for_one_parent_and_one_link(
        child in signer(), other in signer(), parent: [u8; 32], exporter: [u8; 32],
    ) {
        let proof = RelayProof::sign(&child, &Key(parent), &exporter);
        prop_assert!(proof.holds(&Key(parent), &exporter));
        prop_assert!(!proof.holds(&other.key(), &exporter));
        prop_assert!(!proof.holds(&Key(parent), &other.key().0));
        let of_another = RelayProof { key: other.key(), ..proof };
        prop_assert!(!of_another.holds(&Key(parent), &exporter));
    }
}
