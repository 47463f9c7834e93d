//! Storing, and what is still to be settled by the origin.

use names::{Device, Name, Prefix, Rest, Slot, TeamId};
use objects::wire::FromRelay;
use objects::{Claim, Hash, Millis, Object, Receipt};

use crate::face::{Fault, Peer};
use crate::notes;
use crate::relay::Relay;
use crate::shelf::{Kept, Put, Shelf, ShelfFault};

impl<S: Shelf> Relay<S> {
    /// Stores an object that was found good, with a receipt of this relay.
    pub(crate) fn store(
        &mut self,
        now: Millis,
        from: Option<Peer>,
        object: &Object,
        settled: bool,
    ) -> Result<Receipt, Fault> {
        let place = object.name().place();
        let head = if let Rest::Slot(slot) = place.rest {
            slot
        } else {
            self.head(place.team)?.map_or(Slot::ZERO, |(slot, _)| slot)
        };
        let receipt = Receipt::sign(&self.signer, object, head, now);
        self.keep(now, from, object, &receipt, settled)?;
        Ok(receipt)
    }

    /// Stores an object with this receipt, tells those who listen, and lets it take effect.
    pub(crate) fn keep(
        &mut self,
        now: Millis,
        from: Option<Peer>,
        object: &Object,
        receipt: &Receipt,
        settled: bool,
    ) -> Result<(), Fault> {
        let (name, hash) = (object.name(), object.entry_hash());
        let team = name.team();
        // Whichever clock is ahead: the origin's, if it is behind, would take the data at once.
        let until = kept_until(object, receipt.at.max(now));
        let position = self.shelf.put(Put { object, receipt, settled, until })?;
        if until != Millis::NEVER {
            self.sweep_at = Some(self.sweep_at.map_or(until, |at| at.min(until)));
        }
        if self.stored_teams.insert(team) {
            self.shelf.set_note(&notes::team(team), Some(&[]))?;
            self.ask_for(team)?;
        }
        if !settled {
            let topic = notes::unsettled(position);
            self.shelf.set_note(&topic, Some(&notes::named(name, &hash)))?;
        }
        let shown = settled.then_some(receipt);
        self.deliver_live(from, position, object, shown);
        self.release(&name);
        match name.place().rest {
            Rest::Certificate { device: Device::ORIGIN, .. } => self.term_begins(now, team),
            Rest::Certificate { device: Device::MEMBER_TOOL, .. } => {
                self.certificates.remove(&(team, Device::MEMBER_TOOL));
                self.certified(now, team, Device::MEMBER_TOOL)
            }
            Rest::Slot(slot) => match Claim::parse(object.data().unwrap_or_default()) {
                Ok(claim) => self.take_effect(now, team, slot, &claim),
                Err(_) => Ok(()),
            },
            Rest::Message { .. }
            | Rest::KeyPackage { .. }
            | Rest::Welcome { .. }
            | Rest::Blob { .. }
            | Rest::Certificate { .. }
            | Rest::Use(_)
            | Rest::Code(_) => Ok(()),
        }
    }

    /// A copy of what is stored here came. If only the header is here although its time has not
    /// come, it gets its data, and those who listen hear of it again.
    pub(crate) fn restore(
        &mut self,
        now: Millis,
        from: Option<Peer>,
        kept: &Kept,
        object: &Object,
    ) -> Result<(), Fault> {
        let until = kept_until(object, kept.receipt.at);
        let bare = kept.object.data().is_none() && object.data().is_some();
        // The same signature: its writer signed the hash of this data.
        if !bare || until <= now || object.signature() != kept.object.signature() {
            return Ok(());
        }
        self.shelf.restore(object, until)?;
        if until != Millis::NEVER {
            self.sweep_at = Some(self.sweep_at.map_or(until, |at| at.min(until)));
        }
        let shown = kept.settled.then_some(&kept.receipt);
        self.deliver_live(from, kept.position, object, shown);
        Ok(())
    }

    /// The origin has this object: its receipt is kept, and whoever published it is told.
    pub(crate) fn settled(
        &mut self,
        name: Name,
        hash: &Hash,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let Some(kept) = self.shelf.find(name, hash)? else {
            return Ok(());
        };
        if !kept.settled || kept.receipt != *receipt {
            self.shelf.set_receipt(receipt, true)?;
        }
        self.shelf.set_note(&notes::unsettled(kept.position), None)?;
        if !matches!(name.place().rest, Rest::Message { .. }) {
            self.remove_others(name, hash)?;
        }
        for peer in self.awaiting.remove(&(name, *hash)).unwrap_or_default() {
            if self.sessions.contains_key(&peer) {
                self.answer(peer, FromRelay::Settled { receipt: *receipt });
            }
        }
        Ok(())
    }

    /// The origin has this object under its name: what else is stored there has gone.
    pub(crate) fn remove_others(&mut self, name: Name, hash: &Hash) -> Result<(), Fault> {
        let count = self.count_under(name)?;
        let here = self.shelf.find(name, hash)?.is_some();
        if count == 0 || (here && count == 1) {
            return Ok(());
        }
        let under = Prefix::of(name, 128).map_err(|error| ShelfFault(error.to_string()))?;
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        for kept in self.shelf.behind(name.team(), under, 0, most)? {
            let other = kept.object.entry_hash();
            if other != *hash {
                self.shelf.set_note(&notes::unsettled(kept.position), None)?;
                self.shelf.remove(name, &other)?;
            }
        }
        Ok(())
    }

    /// How many objects are stored under a name.
    pub(crate) fn count_under(&self, name: Name) -> Result<u64, Fault> {
        let under = Prefix::of(name, 128).map_err(|error| ShelfFault(error.to_string()))?;
        Ok(self.shelf.count(under)?)
    }

    /// Remembers whom to tell when the origin has an object that is only stored here.
    pub(crate) fn await_settling(&mut self, peer: Peer, object: &Object) -> Result<(), Fault> {
        let kept = self.shelf.find(object.name(), &object.entry_hash())?;
        if kept.is_none_or(|kept| kept.settled) {
            return Ok(());
        }
        let peers = self.awaiting.entry((object.name(), object.entry_hash())).or_default();
        peers.retain(|peer| self.sessions.contains_key(peer));
        peers.insert(peer);
        Ok(())
    }

    /// The last decided slot of a team.
    pub(crate) fn head(&self, team: TeamId) -> Result<Option<(Slot, Hash)>, Fault> {
        let Some(kept) = self.shelf.last(Prefix::team_path(team, SLOT_PATH))? else {
            return Ok(None);
        };
        let Rest::Slot(slot) = kept.object.name().place().rest else {
            return Ok(None);
        };
        Ok(Some((slot, kept.object.entry_hash())))
    }
}

/// Until when an object is kept that was stored at `at`: messages and key packages as long as they
/// ask for, but at most 91 days; header entries and all other paths as long as their time says.
pub(crate) fn kept_until(object: &Object, at: Millis) -> Millis {
    match object.name().place().rest {
        Rest::Message { .. } if object.data().is_none_or(<[u8]>::is_empty) => Millis::NEVER,
        Rest::Message { .. } | Rest::KeyPackage { .. } => {
            object.expires().min(at.plus(MOST_DAYS * DAY))
        }
        Rest::Welcome { .. } | Rest::Blob { .. } => object.expires(),
        Rest::Slot(_) | Rest::Certificate { .. } | Rest::Use(_) | Rest::Code(_) => Millis::NEVER,
    }
}

pub(crate) const SLOT_PATH: u8 = 4;
/// 90 days, and one for clocks that differ.
const MOST_DAYS: u64 = 91;
const DAY: u64 = 24 * 60 * 60 * 1000;
