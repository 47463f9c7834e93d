//! Objects and what stands in their data, receipts, proofs, and the frames of a link.

use names::{Device, Generation, Org, Origin, Rest, Team, TeamId};
use objects::wire::{FromRelay, MAX_FRAME, ToRelay};
use objects::{
    Announcement, Certificate, CertificateError, Claim, Draft, Hash, MAX_OBJECT, Millis, Object,
    Part, Proof, Receipt, RelayProof, Signer, Spent, Term, WelcomePointer,
};

use crate::one_encoding;

pub(crate) fn object(bytes: &[u8]) -> bool {
    let parsed = Object::parse(bytes);
    if let Ok(object) = &parsed {
        assert!(bytes.len() <= MAX_OBJECT, "an object longer than any");
        let header = object.clone().header_only();
        assert_eq!(header.entry_hash(), object.entry_hash(), "a header is still the entry");
        assert_eq!(Object::parse(&header.bytes()), Ok(header), "a header is still an object");
    }
    one_encoding(bytes, parsed, Object::bytes)
}

pub(crate) fn to_relay(bytes: &[u8]) -> bool {
    within(bytes, MAX_FRAME) && one_encoding(bytes, ToRelay::parse(bytes), ToRelay::bytes)
}

pub(crate) fn from_relay(bytes: &[u8]) -> bool {
    within(bytes, MAX_FRAME) && one_encoding(bytes, FromRelay::parse(bytes), FromRelay::bytes)
}

pub(crate) fn claim(bytes: &[u8]) -> bool {
    let parsed = Claim::parse(bytes);
    if let Ok(claim) = &parsed {
        let most = claim.certificates.len().max(claim.welcomed.len());
        assert!(most <= Claim::MOST, "a claim names more than it may");
        for blob in [Some(claim.commit), claim.welcome, claim.tree].into_iter().flatten() {
            assert_eq!(u32::from(blob.pieces), blob.len.div_ceil(1024).max(1), "pieces of a blob");
        }
    }
    one_encoding(bytes, parsed, Claim::bytes)
}

pub(crate) fn receipt(bytes: &[u8]) -> bool {
    one_encoding(bytes, Receipt::parse(bytes), Receipt::bytes)
}

pub(crate) fn announcement(bytes: &[u8]) -> bool {
    one_encoding(bytes, Announcement::parse(bytes), Announcement::bytes)
}

pub(crate) fn welcome_pointer(bytes: &[u8]) -> bool {
    one_encoding(bytes, WelcomePointer::parse(bytes), WelcomePointer::bytes)
}

pub(crate) fn spent(bytes: &[u8]) -> bool {
    one_encoding(bytes, Spent::parse(bytes), Spent::bytes)
}

pub(crate) fn proof(bytes: &[u8]) -> bool {
    one_encoding(bytes, Proof::parse(bytes), Proof::bytes)
}

pub(crate) fn relay_proof(bytes: &[u8]) -> bool {
    one_encoding(bytes, RelayProof::parse(bytes), RelayProof::bytes)
}

pub(crate) fn term(bytes: &[u8]) -> bool {
    let parsed = Term::parse(bytes);
    if let Ok(term) = &parsed {
        assert!(term.address.len() <= 255, "an address longer than any");
    }
    one_encoding(bytes, parsed, Term::bytes)
}

/// A certificate is read only when its issuer signed it, so the root or the vectors' admin does.
pub(crate) fn certificate(bytes: &[u8]) -> bool {
    let root = Signer::from_seed(&[1; 32]);
    let parsed = match signed(&root, bytes).map(|object| Certificate::read(&object, &root.key())) {
        Some(Err(CertificateError::Forged { .. })) => {
            let admin = Signer::from_seed(&[2; 32]);
            signed(&admin, bytes).map(|object| Certificate::read(&object, &root.key()))
        }
        other => other,
    };
    one_encoding(bytes, parsed.ok_or(()).and_then(|read| read.map_err(|_| ())), Certificate::bytes)
}

fn signed(signer: &Signer, data: &[u8]) -> Option<Object> {
    let team = TeamId {
        origin: Origin::truncate(0x12_3456),
        org: Org::truncate(0x2_3456),
        team: Team::truncate(0xa_bcde),
    };
    let (device, generation) = (Device::truncate(0x5_4321), Generation::ZERO);
    let draft = Draft {
        name: team.name(Rest::Certificate { device, generation }),
        created: Millis(1_700_000_000_000),
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data,
    };
    draft.sign(signer).ok()
}

fn within(bytes: &[u8], most: usize) -> bool {
    bytes.len() <= most
}
