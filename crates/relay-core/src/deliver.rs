//! Subscriptions: who gets what, from the store and as it comes.

use names::{Device, Name, Prefix, Rest, TeamId};
use objects::wire::{FromRelay, SubscriptionStanding};
use objects::{Millis, Object, Receipt};

use crate::face::{Fault, Output, Peer};
use crate::relay::Relay;
use crate::shelf::{Kept, Shelf};
use crate::term::only_at_origin;

impl<S: Shelf> Relay<S> {
    /// Delivers a fresh object to everybody who listens, but not back to where it came from, unless
    /// that is a relay that stores only what was decided. One encoding serves all.
    pub(crate) fn deliver_live(
        &mut self,
        from: Option<Peer>,
        position: u64,
        object: &Object,
        receipt: Option<&Receipt>,
    ) {
        let name = object.name();
        let mut peers = Vec::new();
        for peer in self.audience.get(&name.team()).into_iter().flatten() {
            let Some(session) = self.sessions.get_mut(peer) else {
                continue;
            };
            let back = Some(*peer) == from && !(session.related && only_at_origin(object));
            if back || !session.listens(|prefix| prefix.covers(name)) {
                continue;
            }
            match session.room.checked_sub(1) {
                Some(room) => {
                    session.room = room;
                    peers.push(*peer);
                }
                // Whoever does not read gets it from the store later; nobody else waits.
                None => session.fall_behind(position.saturating_sub(1)),
            }
        }
        if !peers.is_empty() {
            let frame = frame(position, object.clone(), receipt).bytes();
            self.push(Output::Deliver { peers, frame });
        }
    }

    /// Delivers from the store what a peer's subscriptions lack, as far as it has room.
    pub(crate) fn catch_up(&mut self, now: Millis, peer: Peer) -> Result<(), Fault> {
        self.show_revocations(peer)?;
        for _ in 0..PAGES_AT_ONCE {
            let Some(session) = self.sessions.get(&peer) else {
                return Ok(());
            };
            let Some(id) = session.behind().filter(|_| session.room > 0) else {
                return Ok(());
            };
            self.catch_up_page(now, peer, id)?;
        }
        self.hurried.insert(peer);
        Ok(())
    }

    fn catch_up_page(&mut self, now: Millis, peer: Peer, id: u32) -> Result<(), Fault> {
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(());
        };
        let Some(subscription) = session.subscriptions.get_mut(&id) else {
            return Ok(());
        };
        // The last frame of room is for saying that this was all.
        let most = session.room.saturating_sub(1).min(PAGE);
        let (team, prefix) = (subscription.team, subscription.prefix);
        let page = self.shelf.behind(team, prefix, subscription.after, most.max(1))?;
        let mut frames = Vec::new();
        if page.is_empty() {
            let position = self.shelf.newest()?;
            subscription.after = position;
            subscription.live = true;
            frames.push(FromRelay::CaughtUp { id, position }.bytes());
        }
        for kept in page {
            subscription.after = kept.position;
            if let Some(kept) = shown(kept, now) {
                let receipt = kept.settled.then_some(kept.receipt);
                frames.push(frame(kept.position, kept.object, receipt.as_ref()).bytes());
            }
        }
        session.room = session.room.saturating_sub(frames.len());
        for frame in frames {
            self.push(Output::Deliver { peers: vec![peer], frame });
        }
        Ok(())
    }

    /// A device's certificate has changed: its sessions may begin or have to cease to read.
    pub(crate) fn certified(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
    ) -> Result<(), Fault> {
        let peers: Vec<Peer> = self.audience.get(&team).into_iter().flatten().copied().collect();
        for peer in peers {
            let proven = self.sessions.get(&peer).and_then(|session| session.proofs.get(&team));
            if proven.is_some_and(|proven| proven.device == device) {
                self.restand(now, peer, team)?;
            }
        }
        Ok(())
    }

    /// Much has changed at once: everybody who reads a team may begin or have to cease to.
    pub(crate) fn restand_all(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let peers: Vec<Peer> = self.audience.get(&team).into_iter().flatten().copied().collect();
        peers.into_iter().try_for_each(|peer| self.restand(now, peer, team))
    }

    /// Looks again whether a peer may read a team, and tells it what has changed.
    pub(crate) fn restand(&mut self, now: Millis, peer: Peer, team: TeamId) -> Result<(), Fault> {
        if !self.sessions.get(&peer).is_some_and(|session| session.wants(team)) {
            return Ok(());
        }
        let (standing, until) = self.reads(peer, team, now)?;
        self.note_ending(peer, team, until);
        let newest = self.shelf.newest()?;
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(());
        };
        let mut changed = Vec::new();
        for (id, subscription) in &mut session.subscriptions {
            let standing = standing_of(&subscription.prefix, standing);
            if subscription.team == team && subscription.standing != standing {
                if std::mem::take(&mut subscription.live) {
                    subscription.after = newest;
                }
                subscription.standing = standing;
                changed.push((*id, standing));
            }
        }
        if changed.iter().any(|(_, standing)| *standing == SubscriptionStanding::Refused) {
            session.refused.insert(team);
        }
        for (id, standing) in changed {
            self.answer(peer, FromRelay::Subscribed { id, standing });
        }
        self.catch_up(now, peer)
    }

    /// Remembers when a reader's standing has to be looked at again.
    pub(crate) fn note_ending(&mut self, peer: Peer, team: TeamId, until: Millis) {
        self.endings.retain(|(_, other, of)| (*other, *of) != (peer, team));
        if until != Millis::NEVER {
            self.endings.insert((until, peer, team));
        }
    }
}

/// How a subscription stands for a reader: who proved a key may look for its welcome before it has
/// a certificate.
pub(crate) fn standing_of(prefix: &Prefix, reader: SubscriptionStanding) -> SubscriptionStanding {
    match reader {
        SubscriptionStanding::Waiting if for_newcomers(prefix) => SubscriptionStanding::Active,
        SubscriptionStanding::Active
        | SubscriptionStanding::Waiting
        | SubscriptionStanding::Refused => reader,
    }
}

/// Key packages, their uses, and welcome pointers, and nothing else?
pub(crate) fn for_newcomers(prefix: &Prefix) -> bool {
    let lowest = Name::from_bits(prefix.bits()).ok();
    lowest.is_some_and(|name| {
        matches!(name.place().rest, Rest::KeyPackage { .. } | Rest::Welcome { .. } | Rest::Use(_))
    })
}

/// What may still be seen of an object at `now`: of an expired log entry its header, of another
/// expired object nothing, except for what lives as long as its team.
pub(crate) fn shown(kept: Kept, now: Millis) -> Option<Kept> {
    if now < kept.until {
        return Some(kept);
    }
    match kept.object.name().place().rest {
        Rest::Message { .. } => Some(Kept { object: kept.object.header_only(), ..kept }),
        Rest::Slot(_) | Rest::Certificate { .. } | Rest::Use(_) => Some(kept),
        Rest::KeyPackage { .. } | Rest::Welcome { .. } | Rest::Blob { .. } | Rest::Code(_) => None,
    }
}

/// What the origin has stored goes with its receipt: a claim is worth nothing without.
fn frame(position: u64, object: Object, receipt: Option<&Receipt>) -> FromRelay {
    FromRelay::Deliver { position, object, receipt: receipt.copied() }
}

const PAGE: usize = 64;
const PAGES_AT_ONCE: usize = 8;
