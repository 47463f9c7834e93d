//! Slots: the origin puts the commits of a team into one order.

use names::{Name, Rest, Slot, TeamId};
use objects::wire::{Refusal, SlotAnswer};
use objects::{BlobRef, Claim, Hash, Millis, Object};

use crate::check::same;
use crate::relay::{Fault, Peer, Relay};
use crate::shelf::Shelf;

/// What is stored of something that a claim names.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
enum Found {
    Whole,
    Missing,
    /// Something else has its name for good.
    Other,
}

impl<S: Shelf> Relay<S> {
    /// Decides a claim: `Ok(None)` means that it wins and has to be stored.
    pub(crate) fn decide(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Result<Option<SlotAnswer>, Refusal>, Fault> {
        let name = object.name();
        let team = name.team();
        let Rest::Slot(slot) = name.place().rest else {
            return Ok(Err(Refusal::Malformed));
        };
        if self.root(team).is_none() {
            return Ok(Err(Refusal::UnknownOrg));
        }
        let taken = self.shelf.get(name)?;
        if let Some(receipt) = same(taken.as_ref(), object) {
            return Ok(Ok(Some(SlotAnswer::Won(receipt))));
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
        if let Some(kept) = taken {
            let (winner, receipt) = (kept.object, kept.receipt);
            return Ok(Ok(Some(SlotAnswer::Taken { winner, receipt })));
        }
        let (head, previous) = self.head(team)?.unwrap_or((Slot::ZERO, Hash::NONE));
        if head.next() != Some(slot) {
            return Ok(Ok(Some(SlotAnswer::Gap { head })));
        }
        if object.previous() != previous {
            return Ok(Err(Refusal::WrongPrevious));
        }
        Ok(match self.named_by(team, &claim)? {
            Found::Whole => Ok(None),
            Found::Missing => Ok(Some(SlotAnswer::Incomplete)),
            Found::Other => Err(Refusal::Malformed),
        })
    }

    /// Is everything stored that a claim names?
    fn named_by(&self, team: TeamId, claim: &Claim) -> Result<Found, Fault> {
        let mut worst = self.blob(team, &claim.commit)?;
        if let Some(welcome) = &claim.welcome {
            worst = worst.max(self.blob(team, welcome)?);
        }
        for named in &claim.certificates {
            let certificate = matches!(named.name.place().rest, Rest::Certificate { .. });
            let found = match self.shelf.get(named.name)? {
                _ if !certificate || named.name.team() != team => Found::Other,
                None => Found::Missing,
                Some(kept) if kept.object.entry_hash() == named.hash => Found::Whole,
                Some(_) => Found::Other,
            };
            worst = worst.max(found);
        }
        Ok(worst)
    }

    /// Puts a blob together from its pieces and compares its hash.
    fn blob(&self, team: TeamId, blob: &BlobRef) -> Result<Found, Fault> {
        if blob.first.team() != team {
            return Ok(Found::Other);
        }
        let mut whole = Vec::new();
        for piece in 0..blob.pieces {
            let Some(name) = piece_of(blob.first, piece) else {
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

fn piece_of(first: Name, index: u16) -> Option<Name> {
    let Rest::Blob { device, blob, .. } = first.place().rest else {
        return None;
    };
    let piece = names::Piece::new(u64::from(index)).ok()?;
    Some(first.team().name(Rest::Blob { device, blob, piece }))
}
