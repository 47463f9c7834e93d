//! Beginning and ending subscriptions, and single questions.

use names::{Name, Prefix, TeamId};
use objects::Millis;
use objects::wire::{FromRelay, SubscriptionStanding};

use crate::deliver;
use crate::relay::{DropReason, Fault, Peer, Relay};
use crate::session::Subscription;
use crate::shelf::Shelf;

impl<S: Shelf> Relay<S> {
    pub(crate) fn subscribe(
        &mut self,
        now: Millis,
        peer: Peer,
        id: u32,
        prefix: Prefix,
        after: u64,
    ) -> Result<(), Fault> {
        let most = self.limits.subscriptions;
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(());
        };
        if session.subscriptions.len() >= most || session.subscriptions.contains_key(&id) {
            self.expel(peer, DropReason::TooMuch);
            return Ok(());
        }
        let Some(team) = prefix.one_team() else {
            // Nobody may read more than one team by one certificate.
            let standing = SubscriptionStanding::Refused;
            self.answer(peer, FromRelay::Subscribed { id, standing });
            return Ok(());
        };
        let proven = session.proofs.get(&team).copied();
        let (standing, until) = self.reader(team, proven, now)?;
        let standing = deliver::standing_of(&prefix, standing);
        self.note_ending(peer, team, until);
        let subscription = Subscription { prefix, team, standing, after, live: false };
        if let Some(session) = self.sessions.get_mut(&peer) {
            session.subscriptions.insert(id, subscription);
        }
        self.audience.entry(team).or_default().insert(peer);
        self.answer(peer, FromRelay::Subscribed { id, standing });
        self.catch_up(now, peer)
    }

    pub(crate) fn unsubscribe(&mut self, peer: Peer, id: u32) {
        let Some(session) = self.sessions.get_mut(&peer) else {
            return;
        };
        let Some(subscription) = session.subscriptions.remove(&id) else {
            return;
        };
        if !session.wants(subscription.team) {
            self.leave(peer, subscription.team);
        }
    }

    pub(crate) fn get(
        &mut self,
        now: Millis,
        peer: Peer,
        seq: u32,
        name: Name,
    ) -> Result<(), Fault> {
        let team = name.team();
        let proven = self.sessions.get(&peer).and_then(|session| session.proofs.get(&team));
        let (standing, _) = self.reader(team, proven.copied(), now)?;
        let open = deliver::for_newcomers(&name.into());
        let kept = if open || standing == SubscriptionStanding::Active {
            self.shelf.get(name)?
        } else {
            None
        };
        let kept = kept.and_then(|kept| deliver::shown(kept, now));
        let (object, receipt) = kept.map(|kept| (kept.object, kept.receipt)).unzip();
        self.answer(peer, FromRelay::Found { seq, object, receipt });
        Ok(())
    }

    pub(crate) fn leave(&mut self, peer: Peer, team: TeamId) {
        if let Some(peers) = self.audience.get_mut(&team) {
            peers.remove(&peer);
            if peers.is_empty() {
                self.audience.remove(&team);
            }
        }
    }
}
