//! What the relay knows of one peer, for as long as its link lives.

use std::collections::{BTreeMap, BTreeSet};

use names::{Device, Prefix, TeamId};
use objects::wire::SubscriptionStanding;
use objects::{Key, Millis};

use crate::deliver::for_newcomers;
use crate::gate::Phase;
use crate::quota::{Bucket, Limits};

#[derive(Debug)]
pub(crate) struct Session {
    /// The TLS exporter of the link, which the proofs are bound to.
    pub(crate) exporter: [u8; 32],
    pub(crate) phase: Phase,
    /// How many more frames the delivery stream takes now.
    pub(crate) room: usize,
    pub(crate) proofs: BTreeMap<TeamId, Proven>,
    pub(crate) subscriptions: BTreeMap<u32, Subscription>,
    /// Teams that it was refused, and was not shown yet whether it was removed from them.
    pub(crate) refused: BTreeSet<TeamId>,
    pub(crate) bytes: Bucket,
    pub(crate) refusals: Bucket,
    pub(crate) requests: Bucket,
    pub(crate) key_packages: u32,
    /// Key packages of devices of their teams that were published here.
    pub(crate) returns: u32,
    /// It is a relay below that is listed here.
    pub(crate) related: bool,
}

/// A log key that the session has proved to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proven {
    pub(crate) device: Device,
    pub(crate) key: Key,
    pub(crate) expires: Millis,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) prefix: Prefix,
    pub(crate) team: TeamId,
    pub(crate) standing: SubscriptionStanding,
    /// Everything up to this position has been delivered; counts while not `live`.
    pub(crate) after: u64,
    /// Nothing is missing: objects are delivered as they are stored.
    pub(crate) live: bool,
}

impl Session {
    pub(crate) fn new(exporter: [u8; 32], room: usize, limits: &Limits, now: Millis) -> Self {
        Self {
            exporter,
            phase: Phase::New,
            room,
            proofs: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            refused: BTreeSet::new(),
            bytes: Bucket::full(limits.burst_bytes, limits.bytes_per_second, now),
            refusals: Bucket::full(limits.burst_refusals, limits.refusals_per_second, now),
            requests: Bucket::full(limits.burst_requests, limits.requests_per_second, now),
            key_packages: 0,
            returns: 0,
            related: false,
        }
    }

    /// Does it read a team here? Anybody at all may look for key packages and welcomes.
    pub(crate) fn reads_a_team(&self) -> bool {
        let reads = |sub: &Subscription| {
            sub.standing == SubscriptionStanding::Active && !for_newcomers(&sub.prefix)
        };
        self.related || self.subscriptions.values().any(reads)
    }

    /// Does a live subscription cover a name that this one describes?
    pub(crate) fn listens(&self, covers: impl Fn(&Prefix) -> bool) -> bool {
        self.subscriptions.values().any(|sub| sub.live && covers(&sub.prefix))
    }

    /// No live subscription gets what was stored behind `position` until it has caught up.
    pub(crate) fn fall_behind(&mut self, position: u64) {
        for sub in self.subscriptions.values_mut().filter(|sub| sub.live) {
            sub.live = false;
            sub.after = position;
        }
    }

    /// A subscription that has to catch up.
    pub(crate) fn behind(&self) -> Option<u32> {
        let active = |sub: &Subscription| sub.standing == SubscriptionStanding::Active;
        let mut behind = self.subscriptions.iter().filter(|(_, sub)| active(sub) && !sub.live);
        behind.next().map(|(id, _)| *id)
    }

    pub(crate) fn is_greeted(&self) -> bool {
        self.phase == Phase::Greeted
    }

    pub(crate) fn wants(&self, team: TeamId) -> bool {
        self.subscriptions.values().any(|sub| sub.team == team)
    }
}
