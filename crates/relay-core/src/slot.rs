//! Slots: the origin puts the commits of a team into one order.

use names::{Device, Name, Rest, Slot, TeamId};
use objects::wire::{FromRelay, Refusal, SlotAnswer};
use objects::{BlobRef, Certificate, Claim, Hash, Issuer, Key, Millis, Named, Object, Spent};

use crate::broken::Broken;
use crate::check::alone;
use crate::face::{Fault, Peer};
use crate::relay::Relay;
use crate::shelf::Shelf;
use crate::up::Asked;

/// How a claim stands.
enum Decision {
    /// It is answered.
    Answer(Box<SlotAnswer>),
    /// It wins and has to be stored.
    Wins,
    /// Another relay decides.
    Above,
}

/// What is stored of something that a claim names.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
enum Found {
    Whole,
    Missing,
    /// It is not the claimant's to name.
    Forbidden,
    /// Something else has its name for good.
    Other,
}

impl<S: Shelf> Relay<S> {
    /// Answers a claim, or asks the origin.
    pub(crate) fn claim(
        &mut self,
        now: Millis,
        peer: Peer,
        seq: u32,
        object: &Object,
    ) -> Result<(), Fault> {
        let answer = match self.decide(now, peer, object)? {
            Err(why) => return self.refuse(now, peer, seq, why),
            Ok(Decision::Wins) => SlotAnswer::Won(self.store(now, Some(peer), object, true)?),
            Ok(Decision::Answer(answer)) => *answer,
            Ok(Decision::Above) => {
                return self.forward(Asked { peer, seq, object: object.clone() });
            }
        };
        self.answer(peer, FromRelay::Slot { seq, answer });
        Ok(())
    }

    /// The use of a key package: the origin of the team that it is spent for takes the first.
    pub(crate) fn spend(
        &mut self,
        now: Millis,
        peer: Peer,
        seq: u32,
        object: &Object,
    ) -> Result<(), Fault> {
        if let Some(receipt) = self.receipt_of(object)? {
            self.answer(peer, FromRelay::Stored { seq, receipt });
            return Ok(());
        }
        let spent = match self.judge_use(now, peer, object)? {
            Err(why) => return self.refuse(now, peer, seq, why),
            Ok(spent) => spent,
        };
        if !self.is_origin(spent.team)? {
            return self.forward(Asked { peer, seq, object: object.clone() });
        }
        if self.shelf.get(object.name())?.is_some() {
            return self.refuse(now, peer, seq, Refusal::NameTaken);
        }
        let receipt = self.store(now, Some(peer), object, true)?;
        self.answer(peer, FromRelay::Stored { seq, receipt });
        Ok(())
    }

    fn judge_use(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Result<Spent, Refusal>, Fault> {
        let name = object.name();
        if self.root(name.team()).is_none() {
            return Ok(Err(Refusal::UnknownOrg));
        }
        if let Some(why) = self.over_quota(now, peer, object)? {
            return Ok(Err(why));
        }
        let Ok(spent) = Spent::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(Refusal::Malformed));
        };
        let org = |team: TeamId| (team.origin, team.org);
        if Spent::rest(&spent.announcement) != name.place().rest
            || org(spent.team) != org(name.team())
        {
            return Ok(Err(Refusal::Malformed));
        }
        let mut signed = self.signed_by(now, spent.team, spent.device, object)?;
        if signed.is_ok() && self.admin(now, spent.team, spent.device)?.is_none() {
            // Who adds nobody would only use up what others are to be added with.
            signed = Err(Refusal::Uncertified);
        }
        let fits = signed.and_then(|()| alone(object));
        let expired = object.expires() <= now;
        Ok(fits.and(if expired { Err(Refusal::Expired) } else { Ok(spent) }))
    }

    fn decide(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Result<Decision, Refusal>, Fault> {
        let name = object.name();
        let team = name.team();
        let Rest::Slot(slot) = name.place().rest else {
            return Ok(Err(Refusal::Malformed));
        };
        if self.root(team).is_none() {
            return Ok(Err(Refusal::UnknownOrg));
        }
        if let Some(receipt) = self.receipt_of(object)? {
            return Ok(Ok(answered(SlotAnswer::Won(receipt))));
        }
        if let Some(why) = self.over_quota(now, peer, object)? {
            return Ok(Err(why));
        }
        let Ok(claim) = Claim::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(Refusal::Malformed));
        };
        if let Err(why) = self.signed_by(now, team, claim.device, object)? {
            return Ok(Err(why));
        }
        if object.expires() <= now {
            return Ok(Err(Refusal::Expired));
        }
        if !self.affords(now, peer, blobs(&claim).map(|blob| u64::from(blob.pieces)).sum()) {
            return Ok(Err(Refusal::Quota));
        }
        if let Some(kept) = self.shelf.get(name)? {
            let (winner, receipt) = (kept.object, kept.receipt);
            return Ok(Ok(answered(SlotAnswer::Taken { winner, receipt })));
        }
        if !self.breaks(Broken::AnswersForOthers) && !self.is_origin(team)? {
            return Ok(Ok(Decision::Above));
        }
        if !self.stands(team)? {
            // The claims that this term builds on are not here.
            return Ok(Ok(answered(SlotAnswer::Pending)));
        }
        let (head, previous) = self.head(team)?.unwrap_or((Slot::ZERO, Hash::NONE));
        if head.next() != Some(slot) {
            return Ok(Ok(answered(SlotAnswer::Gap { head })));
        }
        if object.previous() != previous && !self.breaks(Broken::AnyHistory) {
            return Ok(Err(Refusal::WrongPrevious));
        }
        if claim.skips.is_some_and(|skipped| skipped >= slot) {
            return Ok(Err(Refusal::Malformed));
        }
        Ok(match self.named_by(now, team, &claim)? {
            Found::Whole => Ok(Decision::Wins),
            Found::Missing => Ok(answered(SlotAnswer::Incomplete)),
            Found::Forbidden => Err(Refusal::Uncertified),
            Found::Other => Err(Refusal::Malformed),
        })
    }

    /// Is everything stored that a claim names, and may its claimant name it?
    fn named_by(&mut self, now: Millis, team: TeamId, claim: &Claim) -> Result<Found, Fault> {
        let mut worst = Found::Whole;
        // Pieces come in order: the last ones tell at once that a blob is not here yet.
        for blob in blobs(claim) {
            let last = blob.pieces.checked_sub(1).and_then(|last| piece_of(&blob, last));
            if let Some(last) = last
                && last.team() == team
                && self.shelf.get(last)?.is_none()
            {
                return Ok(Found::Missing);
            }
        }
        for blob in blobs(claim) {
            worst = worst.max(self.blob(team, &blob)?);
        }
        if claim.certificates.is_empty() {
            return Ok(worst);
        }
        let Some(admin) = self.admin(now, team, claim.device)? else {
            return Ok(worst.max(Found::Forbidden));
        };
        for named in &claim.certificates {
            worst = worst.max(self.certificate_named(now, team, admin, named)?);
        }
        Ok(worst)
    }

    /// May a certificate with this name be brought into effect by the admin with this key? What the
    /// root has issued, and what it has issued itself, as far as it may issue.
    fn certificate_named(
        &mut self,
        now: Millis,
        team: TeamId,
        admin: Key,
        named: &Named,
    ) -> Result<Found, Fault> {
        let Rest::Certificate { device, .. } = named.name.place().rest else {
            return Ok(Found::Other);
        };
        if named.name.team() != team || device == Device::ORIGIN {
            return Ok(Found::Other);
        }
        let Some(kept) = self.shelf.get(named.name)? else {
            return Ok(Found::Missing);
        };
        if kept.object.entry_hash() != named.hash {
            return Ok(Found::Other);
        }
        let Some(Ok(read)) = self.root(team).map(|root| Certificate::read(&kept.object, &root))
        else {
            return Ok(Found::Other);
        };
        let own = match read.issuer {
            Issuer::Root => true,
            Issuer::Admin(issuer) => issuer.key == admin,
        };
        let allowed = own && self.may_issue(now, named.name, &read)?.is_ok();
        Ok(if allowed { Found::Whole } else { Found::Forbidden })
    }

    /// Puts a blob together from its pieces and compares its hash.
    fn blob(&self, team: TeamId, blob: &BlobRef) -> Result<Found, Fault> {
        if blob.first.team() != team {
            return Ok(Found::Other);
        }
        let mut whole = Vec::new();
        for piece in 0..blob.pieces {
            let Some(name) = piece_of(blob, piece) else {
                return Ok(Found::Other);
            };
            let Some(kept) = self.shelf.get(name)? else {
                return Ok(Found::Missing);
            };
            whole.extend_from_slice(kept.object.data().unwrap_or_default());
        }
        Ok(if blob.matches(&whole) { Found::Whole } else { Found::Other })
    }
}

/// All blobs that a claim names.
pub(crate) fn blobs(claim: &Claim) -> impl Iterator<Item = BlobRef> + use<> {
    [Some(claim.commit), claim.welcome, claim.tree].into_iter().flatten()
}

fn answered(answer: SlotAnswer) -> Decision {
    Decision::Answer(Box::new(answer))
}

pub(crate) fn piece_of(blob: &BlobRef, index: u16) -> Option<Name> {
    let first = blob.first;
    let Rest::Blob { device, blob, .. } = first.place().rest else {
        return None;
    };
    let piece = names::Piece::new(u64::from(index)).ok()?;
    Some(first.team().name(Rest::Blob { device, blob, piece }))
}
