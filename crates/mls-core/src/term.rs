//! Terms: which relay orders the slots of a team, as the root says.

use names::{Device, Generation, Rest, Slot, Team, TeamId};
use objects::{
    CertificateError, Draft, Hash, Key, Millis, Object, Part, Receipt, RelayRef, Signer, Term,
};

use crate::open::{Ahead, ahead_prefix};
use crate::pool::org_of;
use crate::rows::Table;
use crate::state::{AheadRow, Head, Purpose, Stage, stored_object, team_key};
use crate::{Endpoint, Fault, Notice, Output};

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
        self.put_term(team, generation, object)?;
        self.recheck_held(team)?;
        if newest && !matches!(row.stage, Stage::Joining { .. }) {
            self.outputs.push_back(Output::Notice(Notice::NewTerm { team }));
        }
        self.drop_superseded(team)?;
        self.supersede(now, team)?;
        self.retry_claims(now, team)?;
        self.advance(now, team)
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
    fn drop_superseded(&self, team: TeamId) -> Result<(), Fault> {
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

    /// Goes back to the last slot that all terms together know, if others were followed here; terms
    /// may come in any order. What these slots changed in the group cannot be undone: then this
    /// device is behind.
    fn supersede(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)?.filter(|row| row.stage != Stage::Removed) else {
            return Ok(());
        };
        let terms: Vec<Term> = self.terms(team)?.into_iter().map(|(_, term)| term).collect();
        let rejected = |head: &&Head| !head.stands_with(team, &terms);
        let Some(gone) = row.heads.iter().find(rejected).map(|head| head.slot) else {
            return Ok(());
        };
        row.heads.retain(|head| head.slot < gone);
        let keep = Slot::truncate(gone.saturating_sub(1));
        // The slot that a term begins behind: the right claim for it may have been refused before.
        let begins = terms.iter().rev().find(|term| term.after.value() <= gone);
        if let Some(term) = begins
            && (term.after.value() == gone || row.heads.is_empty() && term.after > Slot::ZERO)
        {
            row.push_head(term.after, term.claim, &[]);
        }
        row.stage.set_added(None);
        self.undo_effects(team, keep)?;
        let group = self.groups.get(&team);
        let authenticator = group.map(|group| group.epoch_authenticator().as_slice().to_vec());
        let same = row.heads.last().map(|head| head.authenticator.clone()) == authenticator;
        if same && matches!(row.stage, Stage::Stalled { .. }) {
            row.stage = Stage::Member;
        }
        self.put_team(team, &row)?;
        if same && row.stage == Stage::Member {
            return self.lost(team);
        }
        self.rejoin(now, team)
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

impl Head {
    /// Is it a slot that these terms know, the newest of which is the last?
    fn stands_with(&self, team: TeamId, terms: &[Term]) -> bool {
        let slot = Slot::truncate(self.slot);
        let later = terms.iter().skip(1).map(|term| term.after).min();
        if later.is_none_or(|later| slot < later) {
            return true;
        }
        match terms.iter().rev().find(|term| term.after <= slot) {
            Some(term) if term.after == slot => term.claim.0 == self.claim,
            Some(term) => {
                let receipt = self.receipt(team);
                receipt.covers_hash(&term.key, receipt.name, &receipt.hash)
            }
            None => true,
        }
    }
}
