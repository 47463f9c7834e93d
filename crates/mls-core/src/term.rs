//! Terms: which relay orders the slots of a team, as the root says.

use names::{Device, Generation, Rest, Slot, Team, TeamId};
use objects::{
    CertificateError, Draft, Hash, Key, Millis, Object, Part, Receipt, RelayRef, Signer, Term,
};

use crate::open::{Ahead, ahead_prefix};
use crate::pool::org_of;
use crate::rows::Table;
use crate::state::{AheadRow, Head, Purpose, Stage, TeamRow, stored_object, team_key};
use crate::{Broken, Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// The relay that orders the slots of a team now; `None` before its first term is here.
    pub(crate) fn origin(&self, team: TeamId) -> Result<Option<Key>, Fault> {
        Ok(self.terms(team)?.pop().map(|(_, term)| term.key))
    }

    /// The relay that orders, or ordered, a slot: that of the newest term that begins before it.
    pub(crate) fn origin_of(&self, team: TeamId, slot: Slot) -> Result<Option<Key>, Fault> {
        let covering = |(_, term): (Generation, Term)| (term.after < slot).then_some(term.key);
        Ok(self.terms(team)?.into_iter().rev().find_map(covering))
    }

    /// Has the origin given this slot to this claim? `None` when no term says who that is.
    pub(crate) fn ordered(&self, claim: &Object, receipt: &Receipt) -> Result<Option<bool>, Fault> {
        let name = claim.name();
        let Rest::Slot(slot) = name.place().rest else {
            return Ok(Some(false));
        };
        let origin = self.origin_of(name.team(), slot)?;
        let agreed = self.agreed(name.team(), slot)?;
        let other = agreed.is_some_and(|hash| hash != claim.entry_hash());
        Ok(origin.map(|key| receipt.head == slot && !other && self.covers(receipt, &key, claim)))
    }

    /// Is it the receipt of an origin of the object's team? A relay on the way hands it on for what
    /// has been at the origin before.
    pub(crate) fn is_origins(&self, object: &Object, receipt: &Receipt) -> Result<bool, Fault> {
        let team = object.name().team();
        let mut teams = vec![team];
        if team.team == Team::ORG {
            // What is about the whole organisation is ordered by the origin of any of its teams.
            teams = self.subscriptions();
            teams.retain(|of| org_of(*of) == team);
        }
        for team in teams {
            if self.terms(team)?.iter().any(|(_, term)| self.covers(receipt, &term.key, object)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The claim that a later term names as the last before it.
    fn agreed(&self, team: TeamId, slot: Slot) -> Result<Option<Hash>, Fault> {
        let begins = |(_, term): &(Generation, Term)| term.after <= slot;
        let newest = self.terms(team)?.into_iter().rev().find(begins);
        Ok(newest.filter(|(_, term)| term.after == slot).map(|(_, term)| term.claim))
    }

    /// All terms that are known, the oldest first.
    pub(crate) fn terms(&self, team: TeamId) -> Result<Vec<(Generation, Term)>, Fault> {
        if let Some(known) = self.memo.borrow().terms.get(&team) {
            return Ok(known.clone());
        }
        let Some(row) = self.team(team)? else {
            return Ok(Vec::new());
        };
        let mut terms = Vec::new();
        for key in self.rows().keys(Table::Term, &team_key(team)) {
            let stored: Option<serde_bytes::ByteBuf> = self.rows().get(Table::Term, &key)?;
            let object = stored_object(&stored.ok_or(Fault::Row)?)?;
            let term = Term::read(&object, &Key(row.root)).map_err(|_| Fault::Row)?;
            let Rest::Certificate { generation, .. } = object.name().place().rest else {
                return Err(Fault::Row);
            };
            terms.push((generation, term));
        }
        self.memo.borrow_mut().terms.insert(team, terms.clone());
        Ok(terms)
    }

    /// Makes the next term of a team, and queues it: from the slot after `after` on, `relay`
    /// orders.
    pub(crate) fn make_term(
        &mut self,
        now: Millis,
        team: TeamId,
        root: &Signer,
        relay: &RelayRef,
        (after, claim): (Slot, Hash),
    ) -> Result<(), Fault> {
        let newest = self.terms(team)?.pop();
        let generation = match newest {
            None => Generation::ZERO,
            Some((newest, _)) => newest.next().ok_or(Fault::Encode)?,
        };
        let RelayRef { key, address } = relay.clone();
        let mut term = Term { key, after, claim, address };
        if Term::parse(&term.bytes()).is_err() {
            // An address that no reader would take; it is only a hint.
            term.address.clear();
        }
        let draft = Draft {
            name: team.name(Rest::Certificate { device: Device::ORIGIN, generation }),
            created: now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &term.bytes(),
        };
        let object = draft.sign(root).map_err(|_| Fault::Encode)?;
        self.put_term(team, generation, &object)?;
        self.claims_leave();
        self.queue(&object, Purpose::Plain)
    }

    /// Takes a term; it counts from now on.
    pub(crate) fn term_came(
        &mut self,
        now: Millis,
        team: TeamId,
        object: &Object,
    ) -> Result<(), Fault> {
        let name = object.name();
        let (Some(row), Rest::Certificate { generation, .. }) =
            (self.team(team)?, name.place().rest)
        else {
            return Ok(());
        };
        match Term::read(object, &Key(row.root)) {
            Ok(_) => {}
            Err(
                CertificateError::Forged { .. }
                | CertificateError::Malformed(_)
                | CertificateError::OtherPath { .. }
                | CertificateError::UnknownAdmin { .. },
            ) => {
                self.outputs.push_back(Output::Notice(Notice::Forged { name }));
                return Ok(());
            }
        }
        let terms = self.terms(team)?;
        if terms.iter().any(|(known, _)| *known == generation) {
            return Ok(());
        }
        let newest = terms.last().is_some_and(|(known, _)| *known < generation);
        let before = terms.last().map(|(_, term)| term.key);
        self.put_term(team, generation, object)?;
        self.claims_leave();
        if newest {
            self.follow_origin(team, before)?;
        }
        self.recheck_held(team)?;
        if newest && !matches!(row.stage, Stage::Joining { .. }) {
            self.outputs.push_back(Output::Notice(Notice::NewTerm { team }));
        }
        self.drop_superseded(team)?;
        self.supersede(now, team)?;
        self.retry_claims(now, team)?;
        self.advance(now, team)?;
        self.revive_claim(team)
    }

    /// A device whose relay was the origin goes with it. One with another relay stays there.
    fn follow_origin(&mut self, team: TeamId, before: Option<Key>) -> Result<(), Fault> {
        let (Some(pinned), Some((_, term))) = (self.relay(), self.terms(team)?.pop()) else {
            return Ok(());
        };
        let moved = term.key != pinned.key && before == Some(pinned.key);
        if !moved || term.address.is_empty() {
            return Ok(());
        }
        self.repin(&RelayRef { address: term.address, key: term.key })
    }

    /// What was not to be decided by the origin before may leave.
    fn claims_leave(&mut self) {
        if let Some(link) = &mut self.link {
            link.let_leave();
        }
    }

    fn put_term(&self, team: TeamId, generation: Generation, object: &Object) -> Result<(), Fault> {
        let before = self.origin(team)?;
        let bytes = serde_bytes::ByteBuf::from(object.bytes());
        self.memo.borrow_mut().terms.remove(&team);
        let key = [&team_key(team)[..], &generation.value().to_be_bytes()].concat();
        self.rows().put(Table::Term, &key, &bytes)?;
        let (newest, row) = (self.terms(team)?.pop(), self.team(team)?);
        if let (Some((_, term)), Some(mut row)) = (newest, row)
            && before.is_some_and(|before| before != term.key)
        {
            // Another clock: the one before may have been ahead.
            (row.pulse.origin, row.pulse.term) = (0, term.after.value());
            self.put_team(team, &row)?;
        }
        Ok(())
    }

    /// Drops claims whose receipt is that of a relay that did not order their slot.
    pub(crate) fn drop_superseded(&self, team: TeamId) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Claim)) {
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                continue;
            };
            let receipt = kept.receipt()?.ok_or(Fault::Row)?;
            if self.ordered(&kept.object()?, &receipt)? != Some(true) {
                self.rows().remove(Table::Ahead, &key);
            }
        }
        Ok(())
    }

    /// The newest slot that our group stands on.
    pub(crate) fn last_sound(&self, team: TeamId, row: &TeamRow) -> (Slot, Hash) {
        let group = self.groups.get(&team);
        let ours = group.map(|group| group.epoch_authenticator().as_slice().to_vec());
        let sound = |head: &&Head| ours.as_ref() == Some(&head.authenticator);
        let usable = row.stage.awaits().is_none() || row.former_leaf.is_some();
        let found = row.heads.iter().rev().find(sound).filter(|_| usable);
        found.map_or(row.head(), |head| (Slot::truncate(head.slot), Hash(head.claim)))
    }

    /// Goes back to the last slot that all terms together know, if others were followed here; terms
    /// may come in any order.
    pub(crate) fn supersede(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)?.filter(|row| row.stage != Stage::Removed) else {
            return Ok(());
        };
        if self.breaks(Broken::NoWayBack) {
            return Ok(());
        }
        if let Some(term) = self.stands_elsewhere(team)? {
            if row.head().0 >= term.after {
                if !self.take_stand(now, team)? {
                    // The slots that lead to the term were not shown here.
                    self.rejoin(now, team)?;
                    self.ask_for_slots(team);
                }
                return Ok(());
            }
            // What leads there may have come already, and have been taken for the other history.
            if self.was_deceived(team, term.after)? {
                self.ask_for_slots(team);
            }
        }
        let terms: Vec<Term> = self.terms(team)?.into_iter().map(|(_, term)| term).collect();
        let Some(gone) = self.first_rejected(team, &terms)? else {
            return Ok(());
        };
        // The right claim for it may have been refused before.
        self.ask_for_slots(team);
        self.go_back(now, team, row, gone.previous().unwrap_or(Slot::ZERO))
    }

    /// Takes the claims that came before the term that says who orders.
    fn retry_claims(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Unordered)) {
            if let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? {
                self.rows().remove(Table::Ahead, &key);
                self.arrived(now, &kept.object()?, kept.receipt()?.as_ref())?;
            }
        }
        Ok(())
    }
}

/// Is it what the origin said of a slot that these terms know, the newest of which is the last?
pub(crate) fn stands_with(receipt: &Receipt, terms: &[Term]) -> bool {
    let slot = receipt.head;
    let later = terms.iter().skip(1).map(|term| term.after).min();
    if later.is_none_or(|later| slot < later) {
        return true;
    }
    match terms.iter().rev().find(|term| term.after <= slot) {
        Some(term) if term.after == slot => term.claim == receipt.hash,
        Some(term) => receipt.covers_hash(&term.key, receipt.name, &receipt.hash),
        None => true,
    }
}
