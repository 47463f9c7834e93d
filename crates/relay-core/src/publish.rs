//! What goes up: everything that the origin has not settled yet, in order.

use names::{Name, Number, Prefix, Rest, TeamId};
use objects::wire::{Refusal, ToRelay};
use objects::{Claim, Hash, Millis, Object};

use crate::face::{DropReason, Fault};
use crate::notes;
use crate::relay::Relay;
use crate::settle::SLOT_PATH;
use crate::shelf::Shelf;
use crate::up::{Open, Up, may_change};

impl<S: Shelf> Relay<S> {
    /// Sends up what may go: at most so many objects at once, and each question behind what was
    /// stored before it.
    pub(crate) fn pump(&mut self, now: Millis) -> Result<(), Fault> {
        loop {
            let Some(sent) = self.up.as_ref().filter(|up| up.is_related()).map(|up| up.sent) else {
                return Ok(());
            };
            let next = self.shelf.notes(notes::UNSETTLED, &notes::unsettled(sent), 1)?.pop();
            let next = next
                .and_then(|(topic, note)| notes::position_of(&topic).zip(notes::read_named(&note)));
            let position = next.map_or(u64::MAX, |(position, _)| position);
            while let Some((_, asked)) = self.forwards.pop_front_if(|(after, _)| *after < position)
            {
                let object = asked.object.clone();
                let Some(up) = &mut self.up else {
                    return Ok(());
                };
                let claim = matches!(object.name().place().rest, Rest::Slot(_));
                let seq = up.ask(now, Open::Decide(asked));
                self.send_up(if claim {
                    ToRelay::Claim { seq, object }
                } else {
                    ToRelay::Publish { seq, object }
                });
            }
            let Some((position, (name, hash))) = next else {
                return Ok(());
            };
            if self.up.as_ref().is_none_or(|up| up.in_flight >= IN_FLIGHT) {
                return Ok(());
            }
            self.publish_up(now, position, name, hash)?;
        }
    }

    fn publish_up(
        &mut self,
        now: Millis,
        position: u64,
        name: Name,
        hash: Hash,
    ) -> Result<(), Fault> {
        let object = self.shelf.find(name, &hash)?.and_then(|kept| passed_on(kept.object, now));
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        up.sent = position;
        let Some(object) = object else {
            // It has expired, and nobody wants it any more.
            return Ok(self.shelf.set_note(&notes::unsettled(position), None)?);
        };
        up.in_flight = up.in_flight.saturating_add(1);
        let seq = up.ask(now, Open::Publish { name, hash });
        self.send_up(ToRelay::Publish { seq, object });
        Ok(())
    }

    /// The parent does not take an object of ours.
    pub(crate) fn refused_above(
        &mut self,
        now: Millis,
        name: Name,
        hash: &Hash,
        why: Refusal,
    ) -> Result<(), Fault> {
        let Some(kept) = self.shelf.find(name, hash)? else {
            return Ok(());
        };
        let origin = self.is_origin(name.team())?;
        if kept.settled && !origin {
            self.parent_forgot(name.team())?;
        }
        if origin || !may_change(why) {
            // It stays here, for those who have seen it, and never becomes the origin's.
            return Ok(self.shelf.set_note(&notes::unsettled(kept.position), None)?);
        }
        if let Refusal::Gap { next } = why {
            return self.refill(name, next);
        }
        if let Some(up) = &mut self.up {
            up.retry_at.get_or_insert(now.plus(RETRY));
        }
        Ok(())
    }

    /// What the parent only had to hear has come there.
    pub(crate) fn is_up(&mut self, name: Name, hash: &Hash) -> Result<(), Fault> {
        let kept = self.shelf.find(name, hash)?;
        let topic = kept.map(|kept| notes::unsettled(kept.position));
        topic.map_or(Ok(()), |topic| Ok(self.shelf.set_note(&topic, None)?))
    }

    /// The parent lacks entries that it once had: they go up again, once per link.
    fn refill(&mut self, name: Name, next: u32) -> Result<(), Fault> {
        let place = name.place();
        let Rest::Message { channel, device, number } = place.rest else {
            return Ok(());
        };
        let log = Prefix::log(place.team, channel, device);
        if self.up.as_mut().is_none_or(|up| !up.refilled.insert(log)) {
            return Ok(());
        }
        for missing in u64::from(next)..=number.value() {
            let number = Number::truncate(missing);
            let rest = Rest::Message { channel, device, number };
            if let Some(kept) = self.shelf.get(place.team.name(rest))? {
                self.send_again(&kept)?;
            }
        }
        Ok(())
    }

    /// The parent lacks something that a claim names.
    pub(crate) fn send_named_again(&mut self, claim: &Object) -> Result<(), Fault> {
        let Ok(parsed) = Claim::parse(claim.data().unwrap_or_default()) else {
            return Ok(());
        };
        let mut names: Vec<Name> = parsed.certificates.iter().map(|named| named.name).collect();
        for blob in crate::slot::blobs(&parsed) {
            // Once per link: a claim that is never complete would send all of it each time.
            if self.up.as_mut().is_none_or(|up| !up.resent.insert(blob.first)) {
                continue;
            }
            names.extend((0..blob.pieces).filter_map(|piece| crate::slot::piece_of(&blob, piece)));
        }
        for name in names {
            if let Some(kept) = self.shelf.get(name)? {
                self.send_again(&kept)?;
            }
        }
        Ok(())
    }

    pub(crate) fn send_again(&mut self, kept: &crate::Kept) -> Result<(), Fault> {
        let note = notes::named(kept.object.name(), &kept.object.entry_hash());
        self.shelf.set_note(&notes::unsettled(kept.position), Some(&note))?;
        if let Some(up) = &mut self.up {
            up.sent = up.sent.min(kept.position.saturating_sub(1));
        }
        Ok(())
    }

    /// Publishes the last thing of a team again that the origin had from here: another answer than
    /// before tells that the parent was set back.
    pub(crate) fn probe(&mut self, team: TeamId) -> Result<(), Fault> {
        let note = self.shelf.note(&notes::last_up(team))?;
        let Some((name, hash)) = note.as_deref().and_then(notes::read_named) else {
            return Ok(());
        };
        match self.shelf.find(name, &hash)? {
            Some(kept) => self.send_again(&kept),
            None => Ok(()),
        }
    }

    /// The parent was set back: everything of a team goes up again, once per link, except for
    /// claims, which only the origin decides.
    pub(crate) fn parent_forgot(&mut self, team: TeamId) -> Result<(), Fault> {
        let first = self.up.as_mut().is_some_and(|up| up.forgot.insert(team));
        if !first {
            return Ok(());
        }
        let claims = Prefix::team_path(team, SLOT_PATH);
        let mut after = 0;
        loop {
            let page = self.shelf.behind(team, Prefix::team(team), after, PAGE)?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.position;
            for kept in page.iter().filter(|kept| !claims.covers(kept.object.name())) {
                let note = notes::named(kept.object.name(), &kept.object.entry_hash());
                self.shelf.set_note(&notes::unsettled(kept.position), Some(&note))?;
            }
        }
        if let Some(up) = &mut self.up {
            up.sent = 0;
        }
        Ok(())
    }

    /// A parent that says nothing is dropped, and what it could not take some time ago goes up
    /// again.
    pub(crate) fn retry(&mut self, now: Millis) -> Result<(), Fault> {
        if self.up.as_ref().and_then(Up::silent_at).is_some_and(|at| at <= now) {
            return self.up_drop(DropReason::Silent);
        }
        if let Some(up) = &mut self.up
            && up.retry_at.is_some_and(|at| at <= now)
        {
            up.retry_at = None;
            up.sent = 0;
        }
        Ok(())
    }

    pub(crate) fn retry_at(&self) -> Option<Millis> {
        let up = self.up.as_ref()?;
        [up.retry_at, up.silent_at()].into_iter().flatten().min()
    }
}

/// What of an object goes up at `now`: of an expired entry its header, which carries the log on.
fn passed_on(object: Object, now: Millis) -> Option<Object> {
    let entry = matches!(object.name().place().rest, Rest::Message { .. });
    if now < object.expires() && object.data().is_some() {
        Some(object)
    } else {
        entry.then(|| object.header_only())
    }
}

/// Objects that are on their way up at once; the parent reads so many requests ahead.
const IN_FLIGHT: usize = 128;
const RETRY: u64 = 30_000;
const PAGE: usize = 256;
