//! What comes down from the parent.

use names::{Device, Number, Prefix, Rest, Slot, TeamId};
use objects::{Claim, Hash, Millis, Object, Receipt, Spent, WelcomePointer};

use crate::check;
use crate::face::Fault;
use crate::notes;
use crate::relay::Relay;
use crate::settle::kept_until;
use crate::shelf::Shelf;
use crate::term::only_at_origin;

/// What becomes of an object from above.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Fate {
    Keep,
    /// It replaces what was stored here before: the origin has decided.
    Replace,
    /// A second entry under one name: both are kept.
    Fork,
    Ignore,
    /// What should be before it is missing here.
    Early,
}

impl<S: Shelf> Relay<S> {
    /// Takes an object of a subscription. They come in the order of the parent's store.
    pub(crate) fn delivered(
        &mut self,
        now: Millis,
        position: u64,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let team = object.name().team();
        let subscribed = self.up.as_ref().is_some_and(|up| up.subscribed.contains_key(&team));
        if !subscribed || self.root(team).is_none() {
            return Ok(());
        }
        self.take(now, object, receipt)?;
        let Some(up) = &self.up else {
            return Ok(());
        };
        // While a team is read again, frames of the subscription before may still come.
        if up.again.get(&team) == Some(&true) || up.once_more.contains(&team) {
            return Ok(());
        }
        // What is delivered a second time stands where it stood; a parent that was set back is
        // known by the end of its store.
        let topic = notes::cursor(team);
        let reached = self.shelf.note(&topic)?.as_deref().and_then(notes::read_pair);
        if reached.is_some_and(|(store, reached)| store == up.store && position < reached) {
            return Ok(());
        }
        let cursor = notes::pair(up.store, position);
        Ok(self.shelf.set_note(&topic, Some(&cursor))?)
    }

    /// A subscription has nothing more for now.
    pub(crate) fn caught_up(&mut self, id: u32, position: u64) -> Result<(), Fault> {
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        let Some(team) = up.subscriptions.get(&id).copied() else {
            return Ok(());
        };
        if up.subscribed.get(&team) != Some(&id) {
            return Ok(());
        }
        if let Some(reading) = up.again.get_mut(&team) {
            *reading = false;
        }
        if up.read_to.remove(&team).is_some_and(|read_to| position < read_to) {
            self.parent_forgot(team)?;
        }
        let Some(up) = &self.up else {
            return Ok(());
        };
        if up.once_more.contains(&team) {
            return Ok(());
        }
        let cursor = notes::pair(up.store, position);
        Ok(self.shelf.set_note(&notes::cursor(team), Some(&cursor))?)
    }

    /// Reads a team again from the beginning of the parent's store, once per link.
    pub(crate) fn read_again(&mut self, team: TeamId) -> Result<(), Fault> {
        self.shelf.set_note(&notes::cursor(team), None)?;
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        // A second time, the next link begins at the beginning.
        if let Some(reading) = up.again.get(&team) {
            if !reading {
                up.once_more.insert(team);
            }
            return Ok(());
        }
        if !up.is_related() {
            return Ok(());
        }
        up.again.insert(team, true);
        self.subscribe_up(team)
    }

    fn take(
        &mut self,
        now: Millis,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let (name, hash) = (object.name(), object.entry_hash());
        let receipt = receipt.filter(|receipt| (receipt.name, receipt.hash) == (name, hash));
        let settled = match (receipt, name.place().rest) {
            (Some(receipt), Rest::Slot(slot)) => self.decides(slot, receipt)?.then_some(*receipt),
            (Some(receipt), _) => self.settles(receipt)?.then_some(*receipt),
            (None, _) => None,
        };
        if let Some(kept) = self.shelf.find(name, &hash)? {
            self.restore(now, None, &kept, object)?;
            return match settled {
                Some(receipt) if !kept.settled => self.settled(name, &hash, &receipt),
                _ => Ok(()),
            };
        }
        match self.fate(now, object, settled.as_ref())? {
            Fate::Keep => {}
            Fate::Replace => self.remove_others(name, &hash)?,
            Fate::Fork => self.freeze(name)?,
            Fate::Ignore => return Ok(()),
            Fate::Early => return self.read_again(name.team()),
        }
        match settled {
            Some(receipt) => self.keep(now, None, object, &receipt, true),
            None => {
                let origin = self.is_origin(name.team())?;
                self.store(now, None, object, origin).map(|_| ())
            }
        }
    }

    fn fate(
        &mut self,
        now: Millis,
        object: &Object,
        settled: Option<&Receipt>,
    ) -> Result<Fate, Fault> {
        let name = object.name();
        let place = name.place();
        let Some(root) = self.root(place.team) else {
            return Ok(Fate::Ignore);
        };
        if only_at_origin(object) && settled.is_none() {
            return Ok(Fate::Ignore);
        }
        let good = match place.rest {
            Rest::Message { channel, device, number } => {
                if !self.signed_once(now, place.team, device, object, settled.is_some())? {
                    return Ok(Fate::Ignore);
                }
                let log = Prefix::log(place.team, channel, device);
                return self.follows(log, number, object, settled.is_some());
            }
            Rest::Slot(slot) => {
                if !self.claims_once(place.team, object)? {
                    return Ok(Fate::Ignore);
                }
                return self.next_claim(now, place.team, slot, object);
            }
            Rest::Blob { device, piece, .. } => {
                self.signed_once(now, place.team, device, object, settled.is_some())?
                    && check::blob_piece(object, piece.value()).is_ok()
            }
            Rest::KeyPackage { .. } => check::self_signed(object, place.team, &root).is_ok(),
            Rest::Welcome { .. } if settled.is_some() => {
                match WelcomePointer::parse(object.data().unwrap_or_default()) {
                    Ok(pointer) if WelcomePointer::rest(&pointer.announcement) == place.rest => {
                        self.points_once(&pointer, object)?
                    }
                    Ok(_) | Err(_) => false,
                }
            }
            Rest::Welcome { .. } => self.welcomes(now, (place.team, place.rest), object)?.is_ok(),
            Rest::Certificate { device, .. } => check::certified(object, device, &root).is_ok(),
            Rest::Use(_) => match Spent::parse(object.data().unwrap_or_default()) {
                Ok(spent) => {
                    // Its team may not be read here.
                    let keys = self.keys_ever(spent.team, spent.device)?;
                    keys.is_empty() || keys.iter().any(|key| object.verifies(key))
                }
                Err(_) => false,
            },
            Rest::Code(_) => false,
        };
        let gone = kept_until(object, settled.map_or(now, |receipt| receipt.at.max(now))) <= now;
        if !good || gone || object.data().is_none() {
            return Ok(Fate::Ignore);
        }
        Ok(match self.shelf.get(name)? {
            None => Fate::Keep,
            Some(kept) if kept.settled => Fate::Ignore,
            Some(_) if settled.is_some() => Fate::Replace,
            // The origin decides later which of them it is; it is asked for both.
            Some(_) if self.count_under(name)? < MOST_BESIDE => Fate::Keep,
            Some(_) => Fate::Ignore,
        })
    }

    /// Did `device` sign it? What the origin has taken may be by a key that counts no more.
    fn signed_once(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        object: &Object,
        settled: bool,
    ) -> Result<bool, Fault> {
        if settled {
            return self.signed_ever(team, device, object);
        }
        Ok(self.writer(team, device, now)?.is_ok_and(|key| object.verifies(&key)))
    }

    /// The origin's receipt covers no signature: a parent could have spoiled it on the way.
    fn signed_ever(
        &mut self,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<bool, Fault> {
        Ok(self.keys_ever(team, device)?.iter().any(|key| object.verifies(key)))
    }

    /// Is a claim whole, and signed by its device?
    fn claims_once(&mut self, team: TeamId, object: &Object) -> Result<bool, Fault> {
        match Claim::parse(object.data().unwrap_or_default()) {
            Ok(claim) => self.signed_ever(team, claim.device, object),
            Err(_) => Ok(false),
        }
    }

    /// Is a welcome pointer signed by the device of the claim that it names?
    fn points_once(&mut self, pointer: &WelcomePointer, object: &Object) -> Result<bool, Fault> {
        let team = pointer.welcome.first.team();
        let Some(kept) = self.shelf.find(team.name(Rest::Slot(pointer.slot)), &pointer.claim)?
        else {
            return Ok(true);
        };
        match Claim::parse(kept.object.data().unwrap_or_default()) {
            Ok(claim) => self.signed_ever(team, claim.device, object),
            Err(_) => Ok(false),
        }
    }

    fn follows(
        &mut self,
        log: Prefix,
        number: Number,
        object: &Object,
        settled: bool,
    ) -> Result<Fate, Fault> {
        let frozen = self.shelf.note(&notes::frozen(log))?.is_some();
        if frozen && !settled {
            return Ok(Fate::Ignore);
        }
        let next = self.next_number(log)?;
        if Some(number) < next || next.is_none() {
            return Ok(Fate::Fork);
        }
        if Some(number) > next {
            return Ok(Fate::Early);
        }
        let place = object.name().place();
        let known = match (place.rest, number.previous()) {
            (Rest::Message { channel, device, .. }, Some(number)) => {
                let before = place.team.name(Rest::Message { channel, device, number });
                self.shelf.find(before, &object.previous())?.is_some()
            }
            (_, _) => object.previous() == Hash::NONE,
        };
        Ok(if known { Fate::Keep } else { Fate::Ignore })
    }

    fn next_claim(
        &mut self,
        now: Millis,
        team: TeamId,
        slot: Slot,
        object: &Object,
    ) -> Result<Fate, Fault> {
        let (head, previous) = self.head(team)?.unwrap_or((Slot::ZERO, Hash::NONE));
        Ok(if slot <= head {
            // The origin shows two histories. Ours stays; its members prove it to each other. But
            // when the root has named a slot that ours does not lead to, the parent's way counts.
            let until = self.terms(team)?.last().map_or(Slot::ZERO, |term| term.after);
            if slot <= until && !self.stands(team)? {
                self.cut_claims(team, slot)?;
                self.restand_all(now, team)?;
                return self.next_claim(now, team, slot, object);
            } else {
                Fate::Ignore
            }
        } else if head.next() != Some(slot) || object.previous() != previous {
            Fate::Early
        } else {
            Fate::Keep
        })
    }
}

/// Objects under one name of which the origin has taken none yet.
const MOST_BESIDE: u64 = 8;
