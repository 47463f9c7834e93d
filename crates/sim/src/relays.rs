//! Relays: the real core over a store in memory whose power can be cut.

use crate::broken::Broken;
use names::Name;
use objects::{Hash, Key, Millis, RelayRef, Signer};
use relay_core::{Input, Limits, MemoryShelf, Org, Output, Peer, Relay, Shelf as _};

/// A relay of the tree.
pub(crate) struct RelayNode {
    /// `None` while it is down.
    pub(crate) relay: Option<Relay<MemoryShelf>>,
    shelf: MemoryShelf,
    pub(crate) signer: Signer,
    pub(crate) orgs: Vec<Org>,
    pub(crate) broken: Option<Broken>,
    /// The relay above, and its key.
    pub(crate) parent: Option<(usize, Key)>,
    /// The relays that may be its children.
    pub(crate) children: Vec<Key>,
    /// The link to the parent.
    pub(crate) up: Option<u64>,
    pub(crate) connecting: bool,
    /// It is never seen again.
    pub(crate) dead: bool,
    /// Something is decided and not settled.
    pub(crate) unsettled: bool,
    pub(crate) spins: u32,
    /// Its clock minus the true time, in ms.
    pub(crate) skew: i128,
    /// The true time at which it is woken.
    wake: Option<u64>,
}

impl RelayNode {
    pub(crate) fn new(id: u64, seed: &[u8; 32]) -> Self {
        Self {
            relay: None,
            shelf: MemoryShelf::new(id),
            signer: Signer::from_seed(seed),
            orgs: Vec::new(),
            broken: None,
            parent: None,
            children: Vec::new(),
            up: None,
            connecting: false,
            dead: false,
            unsettled: false,
            spins: 0,
            skew: 0,
            wake: None,
        }
    }

    pub(crate) fn reference(&self, number: usize) -> RelayRef {
        RelayRef { address: format!("relay-{number}:1"), key: self.signer.key() }
    }

    pub(crate) fn start(&mut self, now: u64) {
        if self.relay.is_none() {
            let shelf = std::mem::take(&mut self.shelf);
            let signer = Signer::from_seed(&self.signer.reveal());
            let relay = Relay::new(shelf, signer, self.orgs.clone(), Limits::default());
            let relay = relay.expect("a store in memory").with_relays(self.children.clone());
            let mut relay = match self.parent {
                Some((_, key)) => relay.with_parent(key),
                None => relay,
            };
            relay.break_rules(self.broken.and_then(Broken::relays));
            self.relay = Some(relay);
            self.sleeps(now);
        }
    }

    /// Is this object stored here?
    pub(crate) fn has(&mut self, name: Name, hash: &Hash) -> bool {
        let shelf = self.relay.as_mut().map_or(&mut self.shelf, Relay::shelf_mut);
        shelf.find(name, hash).expect("a store in memory").is_some()
    }

    /// The power goes: what was not settled is gone.
    pub(crate) fn power_cut(&mut self) {
        if let Some(relay) = self.relay.take() {
            self.shelf = relay.into_shelf();
            self.shelf.power_cut();
        }
        self.unsettled = false;
        self.up = None;
        self.connecting = false;
    }

    /// Its clock at a true time.
    fn clock(&self, now: u64) -> u64 {
        clock(now, self.skew)
    }

    pub(crate) fn handle(&mut self, now: u64, input: Input) {
        let local = self.clock(now);
        if let Some(relay) = &mut self.relay {
            relay.handle(Millis(local), input).expect("a store in memory");
            self.unsettled = true;
        }
        self.sleeps(now);
    }

    /// Makes durable what was decided, and gives what is to be told.
    pub(crate) fn settle(&mut self, now: u64) -> Vec<Output> {
        self.unsettled = false;
        let Some(relay) = &mut self.relay else {
            return Vec::new();
        };
        relay.settle().expect("a store in memory");
        let outputs = std::iter::from_fn(|| relay.poll()).collect();
        self.sleeps(now);
        outputs
    }

    fn sleeps(&mut self, now: u64) {
        let (local, relay) = (self.clock(now), self.relay.as_ref());
        let until = relay.and_then(Relay::wake_at);
        self.wake = until.map(|at| now.saturating_add(at.0.saturating_sub(local)));
    }

    pub(crate) fn wakes(&self) -> Option<u64> {
        self.relay.as_ref()?;
        self.wake
    }
}

/// A clock that is wrong by so much, at a true time.
pub(crate) fn clock(now: u64, skew: i128) -> u64 {
    u64::try_from(i128::from(now).saturating_add(skew)).unwrap_or(0)
}

pub(crate) fn linked(peer: u64, exporter: [u8; 32]) -> Input {
    Input::Linked { peer: Peer(peer), exporter, room: ROOM }
}

/// Frames that a delivery stream takes before they are read.
pub(crate) const ROOM: usize = 64;
