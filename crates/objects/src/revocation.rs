//! What a relay shows to a device that it refuses: the proof of its removal.

use names::{Device, Rest, Slot};

use crate::bytes::Reader;
use crate::{
    Certificate, Claim, Issuer, Key, Malformed, Millis, Named, Object, Receipt, Standing, Term,
};

/// Everything that shows, without a word of whoever passes it on, that a device was removed.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Revocation {
    /// The term of the origin that gave the slot away.
    pub term: Object,
    /// The certificate of the admin who claimed the slot.
    pub admin: Object,
    /// The certificate that revokes.
    pub certificate: Object,
    /// The claim that names it.
    pub claim: Object,
    /// The origin's receipt for the claim.
    pub receipt: Receipt,
}

/// What a [`Revocation`] proves.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Revoked {
    /// Who was removed.
    pub device: Device,
    /// Its log key.
    pub log_key: Key,
    /// Since which slot.
    pub slot: Slot,
    /// Who removed it.
    pub by: Device,
    /// Did the root sign the revoking certificate? Only it stands above admins.
    pub by_root: bool,
    /// When, by the origin's clock.
    pub at: Millis,
}

impl Revocation {
    /// The longest one, in bytes: more than what these objects can fill.
    pub const MAX: usize = 2_500;

    /// What it proves to whoever knows the root key; `None` when it proves nothing.
    #[must_use]
    pub fn read(&self, root: &Key) -> Option<Revoked> {
        let team = self.claim.name().team();
        let others = [&self.term, &self.admin, &self.certificate];
        let Rest::Slot(slot) = self.claim.name().place().rest else {
            return None;
        };
        let term = Term::read(&self.term, root).ok()?;
        let at = self.receipt.at;
        let ordered = term.after < slot
            && self.receipt.head == slot
            && self.receipt.covers(&term.key, &self.claim);
        let claim = Claim::parse(self.claim.data()?).ok()?;
        let by = claim.device;
        let (of, admin) = certificate(&self.admin, root)?;
        let administers = match admin.standing {
            Standing::Admin(grant) => at < grant.until,
            Standing::Certified => by == Device::MEMBER_TOOL && admin.issuer == Issuer::Root,
            Standing::Revoked => false,
        };
        let claimed = of == by && admin.counts(at) && self.claim.verifies(&admin.log_key);
        let (device, revoked) = certificate(&self.certificate, root)?;
        let (name, hash) = (self.certificate.name(), self.certificate.entry_hash());
        let named = claim.certificates.contains(&Named { name, hash });
        let issued = match revoked.issuer {
            Issuer::Root => true,
            Issuer::Admin(issuer) => issuer.key == admin.log_key && device != Device::MEMBER_TOOL,
        };
        let holds = others.iter().all(|object| object.name().team() == team)
            && ordered
            && administers
            && claimed
            && named
            && issued
            && revoked.standing == Standing::Revoked;
        let (log_key, by_root) = (revoked.log_key, revoked.issuer == Issuer::Root);
        holds.then_some(Revoked { device, log_key, slot, by, by_root, at })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.receipt.bytes();
        for object in [&self.term, &self.admin, &self.certificate, &self.claim] {
            let bytes = object.bytes();
            out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
            out.extend_from_slice(&bytes);
        }
        out
    }

    /// Parses it.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > Self::MAX {
            return Err(Malformed { field: "revocation" });
        }
        let mut reader = Reader::new(bytes);
        let receipt = Receipt::parse(reader.take(Receipt::LEN, "receipt")?)?;
        let mut object = || {
            let len = usize::from(reader.u16("length of an object")?);
            Object::parse(reader.take(len, "object")?)
        };
        let [term, admin, certificate, claim] = [object()?, object()?, object()?, object()?];
        reader.end("revocation")?;
        Ok(Self { term, admin, certificate, claim, receipt })
    }
}

fn certificate(object: &Object, root: &Key) -> Option<(Device, Certificate)> {
    let Rest::Certificate { device, .. } = object.name().place().rest else {
        return None;
    };
    Some((device, Certificate::read(object, root).ok()?))
}
