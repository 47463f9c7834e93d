//! Whether an object may be stored: checked before, so that nobody can squat a name.

use names::{Channel, Device, Name, Number, Prefix, Rest, Slot, Team, TeamId};
use objects::wire::{Refusal, SubscriptionStanding};
use objects::{
    Announcement, Certificate, CertificateError, Claim, Hash, Issuer, Millis, Object, Part,
    Receipt, Spent, WelcomePointer,
};

use crate::face::{Fault, Peer};
use crate::notes;
use crate::relay::Relay;
use crate::shelf::{Kept, Shelf};
use crate::term;

/// What becomes of an object that somebody publishes.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Store it.
    Good,
    /// Exactly this is stored; its receipt.
    Again(Receipt),
    /// A second entry under one name, by its writer: keep both, and nothing after them.
    Fork,
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
        if let Some(kept) = self.shelf.find(name, &object.entry_hash())? {
            self.restore(now, Some(peer), &kept, object)?;
            return Ok(Verdict::Again(kept.receipt));
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
            Rest::Certificate { device, .. } => match certified(object, device, &root) {
                Ok(Some(read)) => self.may_issue(now, object.name(), &read)?,
                Ok(None) => Ok(()),
                Err(why) => Err(why),
            },
            Rest::Slot(_) | Rest::Use(_) | Rest::Code(_) => Err(Refusal::Malformed),
        };
        if let Err(why) = signed {
            return Ok(why.into());
        }
        let expired = object.expires() <= now;
        // Of an expired entry the header is enough: it carries the log on.
        let carries_on = expired && matches!(place.rest, Rest::Message { .. });
        if object.data().is_none() && !carries_on {
            return Ok(Refusal::Malformed.into());
        }
        let bare = object.data().is_none_or(<[u8]>::is_empty);
        let brief = matches!(place.rest, Rest::Blob { .. }) && object.expires() != Millis::NEVER;
        if (expired && !(bare && carries_on)) || brief {
            return Ok(Refusal::Expired.into());
        }
        let taken = self.shelf.get(name)?;
        if let Rest::Message { channel, device, number } = place.rest {
            let log = Prefix::log(place.team, channel, device);
            return self.extends((log, channel), number, object, taken.as_ref());
        }
        if taken.is_some() {
            return Ok(Refusal::NameTaken.into());
        }
        let fits = match place.rest {
            Rest::Blob { piece, .. } => blob_piece(object, piece.value()),
            Rest::KeyPackage { .. } => self.room_for_key_package(now, peer, object)?,
            Rest::Message { .. }
            | Rest::Welcome { .. }
            | Rest::Slot(_)
            | Rest::Certificate { .. }
            | Rest::Use(_)
            | Rest::Code(_) => alone(object),
        };
        Ok(match fits {
            Ok(()) => Verdict::Good,
            Err(why) => why.into(),
        })
    }

    /// The receipt of exactly this object, when it is stored.
    pub(crate) fn receipt_of(&self, object: &Object) -> Result<Option<Receipt>, Fault> {
        let kept = self.shelf.find(object.name(), &object.entry_hash())?;
        Ok(kept.map(|kept| kept.receipt))
    }

    /// Did the current key of `device` sign it?
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
            Ok(_) => Ok(()),
        })
    }

    /// Counts the bytes of an object against what its session and its organisation may use. What a
    /// relay below passes on was counted there.
    pub(crate) fn over_quota(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Option<Refusal>, Fault> {
        let bytes = u64::try_from(object.bytes().len()).unwrap_or(u64::MAX);
        let session = self.sessions.get_mut(&peer).filter(|session| !session.related);
        if session.is_some_and(|session| !session.bytes.take(bytes, now)) {
            return Ok(Some(Refusal::Quota));
        }
        let stored = self.shelf.stored_bytes(object.name().team())?;
        let most = self.limits.stored_bytes;
        let reserve = most.checked_div(RESERVE).unwrap_or(0);
        if stored.saturating_add(bytes) <= most.saturating_sub(reserve) {
            return Ok(None);
        }
        // The rest is for those who can make room: a member who fills the store stops no removal.
        let within = stored.saturating_add(bytes) <= most && self.is_reserved(now, object)?;
        Ok((!within).then_some(Refusal::Quota))
    }

    /// Is it what admins decide with, or a term?
    fn is_reserved(&mut self, now: Millis, object: &Object) -> Result<bool, Fault> {
        let data = object.data().unwrap_or_default();
        let team = object.name().team();
        let (team, device) = match object.name().place().rest {
            Rest::Certificate { .. } | Rest::Welcome { .. } => return Ok(true),
            Rest::Blob { device, .. } => (team, Some(device)),
            Rest::Slot(_) => (team, Claim::parse(data).ok().map(|claim| claim.device)),
            Rest::Use(_) => match Spent::parse(data) {
                Ok(spent) => (spent.team, Some(spent.device)),
                Err(_) => return Ok(false),
            },
            Rest::Message { .. } | Rest::KeyPackage { .. } | Rest::Code(_) => return Ok(false),
        };
        match device {
            Some(device) => Ok(self.admin(now, team, device)?.is_some()),
            None => Ok(false),
        }
    }

    /// Looking up the pieces that a claim names is charged to who asks.
    pub(crate) fn affords(&mut self, now: Millis, peer: Peer, pieces: u64) -> bool {
        let session = self.sessions.get_mut(&peer).filter(|session| !session.related);
        let cost = pieces.saturating_mul(PIECE_COST);
        session.is_none_or(|session| session.bytes.take(cost, now))
    }

    /// The number that is next in a log; `None` when it is full.
    pub(crate) fn next_number(&self, log: Prefix) -> Result<Option<Number>, Fault> {
        Ok(match self.shelf.last(log)? {
            None => Some(Number::ZERO),
            Some(kept) => number_of(kept.object.name()).and_then(Number::next),
        })
    }

    /// Is it the next entry of its log, and does it name the one before?
    fn extends(
        &mut self,
        (log, channel): (Prefix, Channel),
        number: Number,
        object: &Object,
        taken: Option<&Kept>,
    ) -> Result<Verdict, Fault> {
        if channel == Channel::ALL {
            return Ok(Refusal::Malformed.into());
        }
        if self.shelf.note(&notes::frozen(log))?.is_some() {
            return Ok(Refusal::Forked.into());
        }
        if taken.is_some() {
            return Ok(Verdict::Fork);
        }
        let Some(next) = self.next_number(log)? else {
            // The log is full: every number is taken, and its device needs a new one.
            return Ok(Refusal::NameTaken.into());
        };
        let before = self.shelf.last(log)?;
        let previous = before.map_or(Hash::NONE, |kept| kept.object.entry_hash());
        Ok(if number != next {
            Refusal::Gap { next: u32::try_from(next.value()).unwrap_or(u32::MAX) }.into()
        } else if object.previous() != previous {
            Refusal::WrongPrevious.into()
        } else {
            Verdict::Good
        })
    }

    /// A log has two histories: nothing is added to it any more.
    pub(crate) fn freeze(&mut self, name: Name) -> Result<(), Fault> {
        if let Rest::Message { channel, device, .. } = name.place().rest {
            let log = Prefix::log(name.team(), channel, device);
            self.shelf.set_note(&notes::frozen(log), Some(&[]))?;
        }
        Ok(())
    }

    /// Does the decided claim of its slot welcome the announcement, and did its claimant sign? A
    /// pointer for an announcement for any team stands beside it, and speaks of the team that its
    /// welcome is in.
    pub(crate) fn welcomes(
        &mut self,
        now: Millis,
        (place, rest): (TeamId, Rest),
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        let Ok(pointer) = WelcomePointer::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(Refusal::Malformed));
        };
        let team = pointer.welcome.first.team();
        let beside = place == team || place == (TeamId { team: Team::ORG, ..team });
        if WelcomePointer::rest(&pointer.announcement) != rest || !beside {
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

    fn room_for_key_package(
        &mut self,
        now: Millis,
        peer: Peer,
        object: &Object,
    ) -> Result<Result<(), Refusal>, Fault> {
        let team = object.name().team();
        let kept = self.shelf.count(Prefix::team_path(team, KEY_PACKAGE_PATH))?;
        let pool = team.team == Team::ORG;
        let mut most =
            if pool { self.limits.pool_per_org } else { self.limits.key_packages_per_team };
        let share = if pool && self.is_certified_somewhere(now, peer, team)? {
            self.limits.pool_per_session
        } else {
            self.limits.key_packages_per_session
        };
        // A device of the team that has to come back does not wait behind strangers.
        let returns = !pool && self.returns(now, team, object)?;
        if returns {
            most = most.saturating_mul(2);
        }
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(Err(Refusal::Quota));
        };
        let used = if returns { &mut session.returns } else { &mut session.key_packages };
        let granted = kept < most && (session.related || *used < share);
        if granted {
            *used = used.saturating_add(1);
        }
        Ok(if granted { Ok(()) } else { Err(Refusal::Quota) })
    }

    /// Is it announced with the certified log key of a device of its team?
    fn returns(&mut self, now: Millis, team: TeamId, object: &Object) -> Result<bool, Fault> {
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(false);
        };
        Ok(self.writer(team, announcement.device, now)? == Ok(announcement.log_key))
    }

    /// Has the session proved a certified key in some team of an organisation?
    fn is_certified_somewhere(
        &mut self,
        now: Millis,
        peer: Peer,
        org: TeamId,
    ) -> Result<bool, Fault> {
        let Some(session) = self.sessions.get(&peer) else {
            return Ok(false);
        };
        let teams: Vec<TeamId> = session.proofs.keys().copied().collect();
        for team in teams {
            if (team.origin, team.org) == (org.origin, org.org)
                && self.reads(peer, team, now)?.0 == SubscriptionStanding::Active
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A key package certifies itself: its name is its hash, its key signs it, and its owner has
/// confirmed organisation and team.
pub(crate) fn self_signed(
    object: &Object,
    team: TeamId,
    root: &objects::Key,
) -> Result<(), Refusal> {
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

/// A certificate of the organisation; those of the member tool are the root's own, and so is the
/// term that stands under the number of no device, which is none.
pub(crate) fn certified(
    object: &Object,
    device: Device,
    root: &objects::Key,
) -> Result<Option<Certificate>, Refusal> {
    alone(object)?;
    let read = if device == Device::ORIGIN {
        term::read(object, root).map(|_| None)
    } else {
        Certificate::read(object, root).map(Some)
    };
    match read {
        Ok(Some(Certificate { issuer: Issuer::Admin(_), .. })) if device == Device::MEMBER_TOOL => {
            Err(Refusal::Uncertified)
        }
        Ok(read) => Ok(read),
        Err(CertificateError::UnknownAdmin { .. }) => Err(Refusal::Uncertified),
        Err(CertificateError::Forged { .. }) => Err(Refusal::WrongSigner),
        Err(CertificateError::OtherPath { .. } | CertificateError::Malformed(_)) => {
            Err(Refusal::Malformed)
        }
    }
}

/// Not part of a log, nor of a larger payload.
pub(crate) fn alone(object: &Object) -> Result<(), Refusal> {
    if object.previous() == Hash::NONE && object.part() == Part::ONLY {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

pub(crate) fn blob_piece(object: &Object, piece: u64) -> Result<(), Refusal> {
    if object.previous() == Hash::NONE && u64::from(object.part().index) == piece {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

fn number_of(name: Name) -> Option<Number> {
    if let Rest::Message { number, .. } = name.place().rest { Some(number) } else { None }
}

const KEY_PACKAGE_PATH: u8 = 2;
/// This part of what an organisation may have stored is for what admins decide with.
const RESERVE: u64 = 16;
/// Bytes that looking for a piece counts as.
const PIECE_COST: u64 = 256;
