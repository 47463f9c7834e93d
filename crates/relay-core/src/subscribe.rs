//! Beginning and ending subscriptions, and single questions.

use names::{Name, Prefix, TeamId};
use objects::Millis;
use objects::wire::{FromRelay, SubscriptionStanding, ToRelay};

use crate::deliver;
use crate::face::{DropReason, Fault, Peer};
use crate::relay::Relay;
use crate::session::Subscription;
use crate::shelf::Shelf;
use crate::up::{Open, Up, nothing};

impl<S: Shelf> Relay<S> {
    pub(crate) fn subscribe(
        &mut self,
        now: Millis,
        peer: Peer,
        id: u32,
        prefix: Prefix,
        after: u64,
    ) -> Result<(), Fault> {
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(());
        };
        let most = if session.related { self.limits.teams } else { self.limits.subscriptions };
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
        self.ask_for(team)?;
        let (standing, until) = self.reads(peer, team, now)?;
        let standing = deliver::standing_of(&prefix, standing);
        self.note_ending(peer, team, until);
        let subscription = Subscription { prefix, team, standing, after, live: false };
        if let Some(session) = self.sessions.get_mut(&peer) {
            session.subscriptions.insert(id, subscription);
            if standing == SubscriptionStanding::Refused {
                session.refused.insert(team);
            }
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
        let (standing, _) = self.reads(peer, team, now)?;
        let open = deliver::for_newcomers(&name.into());
        if !open && standing != SubscriptionStanding::Active {
            self.answer(peer, nothing(seq));
            return Ok(());
        }
        self.ask_for(team)?;
        let kept = self.shelf.get(name)?;
        // It may be on its way down: the parent knows.
        if kept.is_none() && self.root(team).is_some() && !self.is_origin(team)? {
            self.get_above(now, peer, seq, name);
            return Ok(());
        }
        let kept = kept.and_then(|kept| deliver::shown(kept, now));
        let (object, receipt) = kept.map(|kept| (kept.object, kept.receipt)).unzip();
        self.answer(peer, FromRelay::Found { seq, object, receipt });
        Ok(())
    }

    fn get_above(&mut self, now: Millis, peer: Peer, seq: u32, name: Name) {
        match self.up.as_mut().filter(|up| Up::is_related(up)) {
            Some(up) => {
                let seq = up.ask(now, Open::Get { peer, seq });
                self.send_up(ToRelay::Get { seq, name });
            }
            None => self.answer(peer, nothing(seq)),
        }
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
