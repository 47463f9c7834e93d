//! Terms: which relay is the origin of a team, and whose receipts count.

use names::{Rest, Slot, Team, TeamId};
use objects::{Hash, Millis, Object, Receipt, Term};

use crate::broken::Broken;
use crate::face::Fault;
use crate::notes;
use crate::relay::Relay;
use crate::shelf::Shelf;

impl<S: Shelf> Relay<S> {
    /// Does this relay order the slots of a team?
    pub(crate) fn is_origin(&mut self, team: TeamId) -> Result<bool, Fault> {
        let own = self.key;
        Ok(match self.terms(team)?.last() {
            Some(term) => term.key == own,
            // What is for any team of an organisation has no slots and no term: the root of the
            // tree settles it.
            None => team.team == Team::ORG && self.parent.is_none(),
        })
    }

    /// Does this relay order the slots of a team by now? The newest term names it, and the claims
    /// that the term builds on are here: until then it has to stay below the origin before it.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn orders(&mut self, team: TeamId) -> Result<bool, Fault> {
        Ok(self.is_origin(team)? && self.stands(team)?)
    }

    /// Is a receipt the origin's? That of an earlier term stays good as far as its term went.
    pub(crate) fn settles(&mut self, receipt: &Receipt) -> Result<bool, Fault> {
        let (own, parent) = (self.key, self.parent);
        let terms = self.terms(receipt.name.team())?;
        if receipt.name.team().team == Team::ORG {
            let key = parent.unwrap_or(own);
            return Ok(receipt.covers_hash(&key, receipt.name, &receipt.hash));
        }
        let mut until = None;
        for term in terms.iter().rev() {
            let in_time = until.is_none_or(|until| receipt.head <= until);
            if in_time && receipt.covers_hash(&term.key, receipt.name, &receipt.hash) {
                return Ok(true);
            }
            until = Some(term.after);
        }
        Ok(false)
    }

    /// Is it the receipt of the claim of `slot`, by the origin of the slot's term?
    pub(crate) fn decides(&mut self, slot: Slot, receipt: &Receipt) -> Result<bool, Fault> {
        if self.breaks(Broken::BelievesReceipts) {
            return Ok(true);
        }
        let terms = self.terms(receipt.name.team())?;
        let term = terms.iter().rev().find(|term| term.after < slot);
        Ok(receipt.head == slot
            && term.is_some_and(|term| receipt.covers_hash(&term.key, receipt.name, &receipt.hash)))
    }

    /// Are the claims here on which the newest term stands?
    pub(crate) fn stands(&mut self, team: TeamId) -> Result<bool, Fault> {
        let Some(Term { after, claim, .. }) = self.terms(team)?.last().cloned() else {
            return Ok(true);
        };
        if after == Slot::ZERO {
            return Ok(true);
        }
        Ok(self.shelf.find(team.name(Rest::Slot(after)), &claim)?.is_some())
    }

    /// The terms of a team, the newest last.
    pub(crate) fn terms(&mut self, team: TeamId) -> Result<&[Term], Fault> {
        if !self.terms.contains_key(&team) {
            let mut terms = Vec::new();
            if let Some(root) = self.root(team) {
                let kept = self.newest_terms(team)?;
                terms.extend(kept.iter().filter_map(|kept| Term::read(&kept.object, &root).ok()));
            }
            self.terms.insert(team, terms);
        }
        Ok(self.terms.get(&team).map_or(&[], Vec::as_slice))
    }

    /// A term was stored: who is the origin, and what counts, may have changed. Terms come in any
    /// order.
    pub(crate) fn term_begins(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let before = self.terms(team)?.to_vec();
        self.terms.remove(&team);
        let terms = self.terms(team)?.to_vec();
        let began = terms.iter().find(|term| !before.contains(term));
        let (Some(newest), Some(began)) = (terms.last(), began) else {
            return Ok(());
        };
        self.supersede(now, team, &terms)?;
        let other = before.last().is_none_or(|before| before.key != newest.key);
        if newest.key == self.key {
            self.settle_all(now, team, began.after)?;
        } else {
            self.unsettle_all(team, began.after, other)?;
        }
        if !before.is_empty() {
            // What the terms before did not know was passed over.
            self.read_again(team)?;
        }
        self.tell_upstream();
        self.pass_term_up(team)
    }

    /// An origin that is still below another relay tells it the term: the origin before it must not
    /// go on, and its people have to know.
    fn pass_term_up(&mut self, team: TeamId) -> Result<(), Fault> {
        if self.parent.is_none() || !self.is_origin(team)? {
            return Ok(());
        }
        match self.newest_terms(team)?.pop() {
            Some(kept) => self.send_again(&kept),
            None => Ok(()),
        }
    }

    /// Drops the claims that the terms together do not know, from the lowest slot on: those of
    /// another origin than their slot's, and those that a term does not stand on.
    fn supersede(&mut self, now: Millis, team: TeamId, terms: &[Term]) -> Result<(), Fault> {
        let head = self.head(team)?.map_or(Slot::ZERO, |(slot, _)| slot);
        let first = terms.iter().skip(1).map(|term| term.after).min();
        let mut slot = first.map(|after| after.max(FIRST));
        while let Some(at) = slot.filter(|at| *at <= head) {
            let Some(kept) = self.shelf.get(slot_name(team, at))? else {
                break;
            };
            let begins = terms.iter().rev().find(|term| term.after <= at);
            let agreed =
                begins.is_none_or(|term| term.after < at || term.claim == kept.object.entry_hash());
            if !agreed || !self.decides(at, &kept.receipt)? {
                break;
            }
            slot = at.next();
        }
        let Some(first) = slot.filter(|slot| *slot <= head) else {
            return Ok(());
        };
        self.cut_claims(team, first)?;
        self.restand_all(now, team)
    }

    /// Drops the claims from this slot on, with what they brought into effect.
    pub(crate) fn cut_claims(&mut self, team: TeamId, first: Slot) -> Result<(), Fault> {
        let head = self.head(team)?.map_or(Slot::ZERO, |(slot, _)| slot);
        let mut slot = Some(first);
        while let Some(gone) = slot.filter(|slot| *slot <= head) {
            if let Some(kept) = self.shelf.get(slot_name(team, gone))? {
                self.shelf.remove(kept.object.name(), &kept.object.entry_hash())?;
            }
            slot = gone.next();
        }
        self.take_effect_back(team, first.previous().unwrap_or(Slot::ZERO))
    }

    /// This relay is the origin now: its own receipts are the origin's, and what only has one that
    /// does not count any more gets one.
    fn settle_all(&mut self, now: Millis, team: TeamId, after: Slot) -> Result<(), Fault> {
        let head = self.head(team)?.map_or(Slot::ZERO, |(slot, _)| slot);
        self.for_each(team, |relay, kept| {
            let hash = kept.object.entry_hash();
            let own = kept.receipt.covers(&relay.key, &kept.object);
            let stays = own || kept.settled && relay.still_settles(kept, after)?;
            let receipt = if stays {
                kept.receipt
            } else {
                Receipt::sign(&relay.signer, &kept.object, head, now)
            };
            relay.settled(kept.object.name(), &hash, &receipt)
        })
    }

    /// Receipts of another relay count now. That may be the origin anew (`other`), which may lack
    /// what we have.
    fn unsettle_all(&mut self, team: TeamId, after: Slot, other: bool) -> Result<(), Fault> {
        self.for_each(team, |relay, kept| {
            let (name, hash) = (kept.object.name(), kept.object.entry_hash());
            let ended = kept.settled && !relay.still_settles(kept, after)?;
            if ended {
                relay.shelf.set_receipt(&kept.receipt, false)?;
            }
            if ended || other {
                let topic = notes::unsettled(kept.position);
                relay.shelf.set_note(&topic, Some(&notes::named(name, &hash)))?;
            }
            Ok(())
        })?;
        if let Some(up) = &mut self.up {
            up.sent = 0;
        }
        Ok(())
    }

    /// Is the receipt of what was settled still the origin's, after a term that begins behind
    /// `after`?
    fn still_settles(&mut self, kept: &crate::Kept, after: Slot) -> Result<bool, Fault> {
        Ok(kept.receipt.head <= after || self.settles(&kept.receipt)?)
    }

    /// Everything of a team but its claims and uses of key packages, which only origins decide.
    fn for_each(
        &mut self,
        team: TeamId,
        mut each: impl FnMut(&mut Self, &crate::Kept) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let page = self.shelf.behind(team, names::Prefix::team(team), after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.position;
            for kept in page.iter().filter(|kept| !only_at_origin(&kept.object)) {
                each(self, kept)?;
            }
        }
    }
}

fn slot_name(team: TeamId, slot: Slot) -> names::Name {
    team.name(Rest::Slot(slot))
}

/// Is it decided by the origin alone, so that another relay stores it only with its receipt?
pub(crate) fn only_at_origin(object: &Object) -> bool {
    matches!(object.name().place().rest, Rest::Slot(_) | Rest::Use(_))
}

/// Reads a term of `root`: signed, and not of the team that no slots have.
pub(crate) fn read(
    object: &Object,
    root: &objects::Key,
) -> Result<Term, objects::CertificateError> {
    let name = object.name();
    if name.team().team == Team::ORG || object.previous() != Hash::NONE {
        return Err(objects::CertificateError::OtherPath { name });
    }
    Term::read(object, root)
}

const PAGE: usize = 256;
const FIRST: Slot = Slot::truncate(1);
