//! Relays: the real core over a store in memory whose power can be cut.

use crate::broken::Broken;
use objects::{Key, Millis, RelayRef, Signer};
use relay_core::{Input, Limits, MemoryShelf, Org, Output, Peer, Relay};

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
    /// Something is decided and not settled.
    pub(crate) unsettled: bool,
    pub(crate) spins: u32,
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
            unsettled: false,
            spins: 0,
        }
    }

    pub(crate) fn reference(&self, number: usize) -> RelayRef {
        RelayRef { address: format!("relay-{number}:1"), key: self.signer.key() }
    }

    pub(crate) fn start(&mut self) {
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
        }
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

    pub(crate) fn handle(&mut self, now: u64, input: Input) {
        if let Some(relay) = &mut self.relay {
            relay.handle(Millis(now), input).expect("a store in memory");
            self.unsettled = true;
        }
    }

    /// Makes durable what was decided, and gives what is to be told.
    pub(crate) fn settle(&mut self) -> Vec<Output> {
        self.unsettled = false;
        let Some(relay) = &mut self.relay else {
            return Vec::new();
        };
        relay.settle().expect("a store in memory");
        std::iter::from_fn(|| relay.poll()).collect()
    }

    pub(crate) fn wakes(&self) -> Option<u64> {
        self.relay.as_ref()?.wake_at().map(|at| at.0)
    }
}

pub(crate) fn linked(peer: u64, exporter: [u8; 32]) -> Input {
    Input::Linked { peer: Peer(peer), exporter, room: ROOM }
}

/// Frames that a delivery stream takes before they are read.
pub(crate) const ROOM: usize = 64;
