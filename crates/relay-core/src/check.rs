//! Whether an object may be stored: checked before, so that nobody can squat a name.

use std::ops::RangeInclusive;

use names::{Channel, Device, Name, Number, Prefix, Rest, Slot, TeamId};
use objects::wire::Refusal;
use objects::{
    Announcement, Certificate, CertificateError, Claim, Hash, Millis, Object, Part, Receipt,
    WelcomePointer,
};

use crate::relay::{Fault, Peer, Relay};
use crate::shelf::{Kept, Shelf};
use crate::writer;

/// What becomes of an object that somebody publishes.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Store it.
    Good,
    /// Exactly this is stored; its receipt.
    Again(Receipt),
    /// Do not.
    Bad(Refusal),
}

impl From<Refusal> for Verdict {
    fn from(why: Refusal) -> Self {
        Self::Bad(why)
    }
}

impl<S: Shelf> Relay<S> {
    /// Judges an object by its path (`objects/SPEC.md` has a row for each).
    pub(crate) fn judge(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Verdict, Fault> {
        let name = object.name();
        let place = name.place();
        let Some(root) = self.root(place.team) else {
            return Ok(Refusal::UnknownOrg.into());
        };
        let taken = self.shelf.get(name)?;
        if let Some(receipt) = same(taken.as_ref(), object) {
            return Ok(Verdict::Again(receipt));
        }
        if let Some(why) = self.over_quota(now, peer, object)? {
            return Ok(why.into());
        }
        let signed = match place.rest {
            Rest::Message { device, .. } | Rest::Blob { device, .. } => {
                self.signed_by(now, place.team, device, object)?
            }
            Rest::KeyPackage { .. } => self_signed(object, place.team, &root),
            Rest::Welcome { .. } => self.welcomes(now, (place.team, place.rest), object)?,
            Rest::Certificate { .. } => certified(object, &root),
            Rest::Slot(_) | Rest::Use(_) | Rest::Code(_) => Err(Refusal::Malformed),
        };
        if let Err(why) = signed {
            return Ok(why.into());
        }
        if taken.is_some() {
            return Ok(Refusal::NameTaken.into());
        }
        if !lifetime(&place.rest, now).contains(&object.expires()) {
            return Ok(Refusal::Expired.into());
        }
        let fits = match place.rest {
            Rest::Message { channel, device, number } => {
                self.extends(place.team, channel, device, number, object)?
            }
            Rest::Blob { piece, .. } => blob_piece(object, piece.value()),
            Rest::KeyPackage { .. } => self.room_for_key_package(peer, place.team)?,
            Rest::Certificate { device, .. } => self.renews(place.team, device, object)?,
            Rest::Welcome { .. } | Rest::Slot(_) | Rest::Use(_) | Rest::Code(_) => alone(object),
        };
        Ok(match fits {
            Ok(()) => Verdict::Good,
            Err(why) => why.into(),
        })
    }

    /// Did the current key of `device` sign it, with its data?
    pub(crate) fn signed_by(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        Ok(match self.writer(team, device, now)? {
            Err(why) => Err(why),
            Ok(key) if !object.verifies(&key) => Err(Refusal::WrongSigner),
            Ok(_) if object.data().is_none() => Err(Refusal::Malformed),
            Ok(_) => Ok(()),
        })
    }

    /// Counts the bytes of an object against what its session and its organisation may use.
    pub(crate) fn over_quota(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Option<Refusal>, Fault> {
        let bytes = u64::try_from(object.bytes().len()).unwrap_or(u64::MAX);
        let session = self.sessions.get_mut(&peer);
        if session.is_some_and(|session| !session.bytes.take(bytes, now)) {
            return Ok(Some(Refusal::Quota));
        }
        let stored = self.shelf.stored_bytes(object.name().team())?;
        let over = stored.saturating_add(bytes) > self.limits.stored_bytes;
        Ok(over.then_some(Refusal::Quota))
    }

    /// Is it the next entry of its log, and does it name the one before?
    fn extends(
        &self,
        team: TeamId,
        channel: Channel,
        device: Device,
        number: Number,
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        if channel == Channel::ALL {
            return Ok(Err(Refusal::Malformed));
        }
        let last = self.shelf.last(Prefix::log(team, channel, device))?;
        let (next, previous) = match &last {
            None => (Number::ZERO, Hash::NONE),
            Some(kept) => {
                let Some(next) = number_of(kept.object.name()).and_then(Number::next) else {
                    // The log is full: every number is taken, and its device needs a new one.
                    return Ok(Err(Refusal::NameTaken));
                };
                (next, kept.object.entry_hash())
            }
        };
        Ok(if number != next {
            Err(Refusal::Gap { next: u32::try_from(next.value()).unwrap_or(u32::MAX) })
        } else if object.previous() != previous {
            Err(Refusal::WrongPrevious)
        } else {
            Ok(())
        })
    }

    /// Does the decided claim of its slot welcome the announcement, and did its claimant sign?
    fn welcomes(
        &mut self,
        now: Millis,
        (team, rest): (TeamId, Rest),
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        let Ok(pointer) = WelcomePointer::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(Refusal::Malformed));
        };
        if WelcomePointer::rest(&pointer.announcement) != rest {
            return Ok(Err(Refusal::Malformed));
        }
        let Some(kept) = self.shelf.get(team.name(Rest::Slot(pointer.slot)))? else {
            let head = self.head(team)?.map_or(Slot::ZERO, |(slot, _)| slot);
            let next = head.value().saturating_add(1);
            return Ok(Err(Refusal::Gap { next: u32::try_from(next).unwrap_or(u32::MAX) }));
        };
        let Ok(claim) = Claim::parse(kept.object.data().unwrap_or_default()) else {
            return Ok(Err(Refusal::Malformed));
        };
        let signed = self.signed_by(now, team, claim.device, object)?;
        Ok(signed.and_then(|()| {
            if kept.object.entry_hash() != pointer.claim {
                Err(Refusal::WrongPrevious)
            } else if !claim.welcomed.contains(&pointer.announcement) {
                Err(Refusal::Malformed)
            } else {
                Ok(())
            }
        }))
    }

    /// Is its generation above every stored one? An older one could bring back what was revoked.
    fn renews(
        &self,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        let last = self.shelf.last(writer::generations(team, device)?)?;
        let older = last.is_some_and(|kept| kept.object.name() > object.name());
        Ok(if older { Err(Refusal::NameTaken) } else { alone(object) })
    }

    fn room_for_key_package(
        &mut self,
        peer: Peer,
        team: TeamId,
    ) -> Result<Result<(), Refusal>, Fault> {
        let kept = self.shelf.count(Prefix::team_path(team, KEY_PACKAGE_PATH))?;
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(Err(Refusal::Quota));
        };
        let granted = session.key_packages < self.limits.key_packages_per_session
            && kept < self.limits.key_packages_per_team;
        if granted {
            session.key_packages = session.key_packages.saturating_add(1);
        }
        Ok(if granted { Ok(()) } else { Err(Refusal::Quota) })
    }
}

/// The receipt of an object that is stored already, byte for byte.
pub(crate) fn same(taken: Option<&Kept>, object: &Object) -> Option<Receipt> {
    let kept = taken?;
    (kept.object.entry_hash() == object.entry_hash()).then_some(kept.receipt)
}

/// A key package certifies itself: its name is its hash, its key signs it, and its owner has
/// confirmed organisation and team.
fn self_signed(object: &Object, team: TeamId, root: &objects::Key) -> Result<(), Refusal> {
    let data = object.data().ok_or(Refusal::Malformed)?;
    let announcement = Announcement::parse(data).map_err(|_| Refusal::Malformed)?;
    let hash = announcement.hash();
    if announcement.team != team
        || announcement.root != *root
        || Announcement::rest(&hash) != object.name().place().rest
    {
        return Err(Refusal::Malformed);
    }
    if !object.verifies(&announcement.log_key) {
        return Err(Refusal::WrongSigner);
    }
    alone(object)
}

fn certified(object: &Object, root: &objects::Key) -> Result<(), Refusal> {
    Certificate::read(object, root).map(|_| ()).map_err(|error| match error {
        CertificateError::UnknownAdmin { .. } => Refusal::Uncertified,
        CertificateError::Forged { .. } => Refusal::WrongSigner,
        CertificateError::OtherPath { .. } | CertificateError::Malformed(_) => Refusal::Malformed,
    })
}

/// Not part of a log, nor of a larger payload.
fn alone(object: &Object) -> Result<(), Refusal> {
    if object.previous() == Hash::NONE && object.part() == Part::ONLY {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

fn blob_piece(object: &Object, piece: u64) -> Result<(), Refusal> {
    if object.previous() == Hash::NONE && u64::from(object.part().index) == piece {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

/// The times until which an object of this path may ask to be kept.
fn lifetime(rest: &Rest, now: Millis) -> RangeInclusive<Millis> {
    match rest {
        Rest::Message { .. } | Rest::KeyPackage { .. } => now.plus(1)..=now.plus(MOST_DAYS * DAY),
        Rest::Blob { .. } => Millis::NEVER..=Millis::NEVER,
        Rest::Welcome { .. }
        | Rest::Slot(_)
        | Rest::Certificate { .. }
        | Rest::Use(_)
        | Rest::Code(_) => now.plus(1)..=Millis::NEVER,
    }
}

fn number_of(name: Name) -> Option<Number> {
    if let Rest::Message { number, .. } = name.place().rest { Some(number) } else { None }
}

const KEY_PACKAGE_PATH: u8 = 2;
/// 90 days, and one for clocks that differ.
const MOST_DAYS: u64 = 91;
const DAY: u64 = 24 * 60 * 60 * 1000;
