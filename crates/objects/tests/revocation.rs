//! What proves that a device was removed, and what does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use names::{Blob, Device, Generation, Name, Org, Origin, Piece, Rest, Slot, Team, TeamId};
use objects::{
    Admin, BlobRef, Certificate, Claim, Draft, Grant, Hash, Issuer, Label, Millis, Named, Object,
    Part, Receipt, Revocation, Revoked, Signer, Standing, Term,
};

/// What goes into a proof, to be made wrong in one place.
struct Script {
    /// Who signs term, admin's certificate, revocation, claim and receipt.
    signers: [u8; 5],
    admin: Device,
    grant: Option<Millis>,
    admin_until: Millis,
    issuer: Option<u8>,
    standing: Standing,
    revoked: Device,
    term_after: u64,
    receipt_head: u64,
    other_team: bool,
    names_it: bool,
}

/// What is wrong, and how it is made so.
type Case = (&'static str, fn(&mut Script));

/// `OBJECTS-12`
#[test]
fn the_member_tool_and_admins_remove_and_everybody_can_check_it() {
    let by_root = tool().proof().read(&signer(ROOT).key()).unwrap();
    let expected = Revoked {
        device: Device::truncate(7),
        log_key: signer(REMOVED).key(),
        slot: Slot::truncate(4),
        by: Device::MEMBER_TOOL,
        by_root: true,
        at: Millis(50),
    };
    assert_eq!(by_root, expected);
    let by_admin = admin().proof().read(&signer(ROOT).key()).unwrap();
    assert_eq!(by_admin, Revoked { by: Device::truncate(9), by_root: false, ..expected });
    let bytes = admin().proof().bytes();
    assert!(bytes.len() <= Revocation::MAX);
    assert_eq!(Revocation::parse(&bytes), Ok(admin().proof()));
    assert_eq!(admin().proof().read(&signer(STRANGER).key()), None, "another organisation");
}

/// `OBJECTS-12`
#[test]
fn without_every_signature_nothing_is_proven() {
    let wrong: [Case; 12] = [
        ("a term by a stranger", |script| script.signers[0] = STRANGER),
        ("an admin certified by a stranger", |script| script.signers[1] = STRANGER),
        ("a revocation by a stranger", |script| script.signers[2] = STRANGER),
        ("a claim by a stranger", |script| script.signers[3] = STRANGER),
        ("a receipt by another relay", |script| script.signers[4] = STRANGER),
        ("no admin", |script| script.grant = None),
        ("an admin whose time is over", |script| script.grant = Some(Millis(50))),
        ("a claimant whose time is over", |script| script.admin_until = Millis(50)),
        ("another admin's revocation", |script| {
            script.issuer = Some(STRANGER);
            script.signers[2] = STRANGER;
        }),
        ("a certificate that revokes nothing", |script| script.standing = Standing::Certified),
        ("the member tool, by an admin", |script| script.revoked = Device::MEMBER_TOOL),
        ("a claim that does not name it", |script| script.names_it = false),
    ];
    for (what, change) in wrong {
        let mut script = admin();
        change(&mut script);
        assert_eq!(script.proof().read(&signer(ROOT).key()), None, "{what}");
    }
    let places: [Case; 3] = [
        ("a slot of the term before", |script| script.term_after = 4),
        ("a receipt for another slot", |script| script.receipt_head = 5),
        ("a term of another team", |script| script.other_team = true),
    ];
    for (what, change) in places {
        let mut script = tool();
        change(&mut script);
        assert_eq!(script.proof().read(&signer(ROOT).key()), None, "{what}");
    }
}

fn tool() -> Script {
    Script {
        signers: [ROOT, ROOT, ROOT, ADMIN, RELAY],
        admin: Device::MEMBER_TOOL,
        grant: None,
        admin_until: Millis::NEVER,
        issuer: None,
        standing: Standing::Revoked,
        revoked: Device::truncate(7),
        term_after: 3,
        receipt_head: 4,
        other_team: false,
        names_it: true,
    }
}

fn admin() -> Script {
    Script {
        signers: [ROOT, ROOT, ADMIN, ADMIN, RELAY],
        admin: Device::truncate(9),
        grant: Some(Millis::NEVER),
        issuer: Some(ADMIN),
        ..tool()
    }
}

impl Script {
    fn proof(&self) -> Revocation {
        let [term_by, admin_by, revoked_by, claim_by, receipt_by] = self.signers.map(signer);
        let term = Term {
            key: signer(RELAY).key(),
            after: Slot::truncate(self.term_after),
            claim: Hash::of(Label::Entry, b"before"),
            address: "relay.example:4433".to_owned(),
        };
        let standing = self.grant.map_or(Standing::Certified, |until| {
            let root = signer(ROOT);
            let grant = Admin::name(&root, team(), signer(ADMIN).key(), Millis(0), until);
            Standing::Admin(Grant { until, signature: grant.signature })
        });
        let issuer = self.issuer.map_or(Issuer::Root, |issuer| {
            let key = signer(issuer).key();
            Issuer::Admin(Admin::name(&signer(ROOT), team(), key, Millis(0), Millis::NEVER))
        });
        let admin = certificate(standing, ADMIN, self.admin_until, Issuer::Root);
        let revoked = certificate(self.standing, REMOVED, Millis::NEVER, issuer);
        let term_team =
            if self.other_team { TeamId { team: Team::truncate(9), ..team() } } else { team() };
        let (term_name, admin_name, name) = (
            term_team.name(of(Device::ORIGIN)),
            team().name(of(self.admin)),
            team().name(of(self.revoked)),
        );
        let certificate = object(name, &revoked.bytes(), &revoked_by);
        let named = Named { name, hash: certificate.entry_hash() };
        let claim = Claim {
            epoch: 3,
            device: self.admin,
            generation: Generation::ZERO,
            commit: blob(),
            welcome: None,
            tree: None,
            skips: None,
            certificates: if self.names_it { vec![named] } else { Vec::new() },
            welcomed: Vec::new(),
        };
        let slot = team().name(Rest::Slot(Slot::truncate(4)));
        let claim = object(slot, &claim.bytes(), &claim_by);
        let head = Slot::truncate(self.receipt_head);
        Revocation {
            term: object(term_name, &term.bytes(), &term_by),
            admin: object(admin_name, &admin.bytes(), &admin_by),
            certificate,
            receipt: Receipt::sign(&receipt_by, &claim, head, Millis(50)),
            claim,
        }
    }
}

fn certificate(standing: Standing, log_key: u8, until: Millis, issuer: Issuer) -> Certificate {
    let credential = Hash::of(Label::Credential, b"credential");
    let log_key = signer(log_key).key();
    Certificate { standing, log_key, credential, from: Millis(0), until, issuer }
}

fn object(name: Name, data: &[u8], by: &Signer) -> Object {
    let (created, expires) = (Millis(40), Millis::NEVER);
    let draft = Draft { name, created, expires, previous: Hash::NONE, part: Part::ONLY, data };
    draft.sign(by).unwrap()
}

fn of(device: Device) -> Rest {
    Rest::Certificate { device, generation: Generation::truncate(1) }
}

fn blob() -> BlobRef {
    let (blob, piece) = (Blob::truncate(1), Piece::ZERO);
    let first = team().name(Rest::Blob { device: Device::MEMBER_TOOL, blob, piece });
    BlobRef { first, pieces: 1, len: 10, hash: Hash::of(Label::Blob, b"0123456789") }
}

fn team() -> TeamId {
    TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) }
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32])
}

const ROOT: u8 = 1;
const ADMIN: u8 = 2;
const RELAY: u8 = 3;
const REMOVED: u8 = 4;
const STRANGER: u8 = 5;
