//! The relay of a run: the real decisions of `relay-core` over a store in memory, so that a run
//! needs no waiting and its relay can be copied at any moment.

use std::collections::{BTreeMap, VecDeque};

use names::Prefix;
use objects::wire::{FromRelay, ToRelay};
use objects::{Key, Millis, RelayRef, Signer};
use relay_core::{Input, Limits, MemoryShelf, Org, Output, Peer, Relay};

/// A relay and what it has said to whom.
pub(crate) struct Outside {
    relay: Relay<MemoryShelf>,
    /// Its clock stands still: nobody writes because time went by.
    pub(crate) now: Millis,
    said: BTreeMap<Peer, VecDeque<FromRelay>>,
    peers: u64,
}

/// One end of a link to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) peer: Peer,
    pub(crate) exporter: [u8; 32],
}

impl Outside {
    pub(crate) fn new(shelf: MemoryShelf, org: Org, now: Millis) -> Self {
        let relay = Relay::new(shelf, signer(), [org], Limits::default()).unwrap();
        Self { relay, now, said: BTreeMap::new(), peers: 0 }
    }

    /// Everything that it has stored.
    pub(crate) fn shelf(&mut self) -> MemoryShelf {
        self.relay.shelf_mut().clone()
    }

    /// A link, greeted.
    pub(crate) fn link(&mut self) -> Line {
        self.peers += 1;
        let peer = Peer(self.peers);
        let mut exporter = [0; 32];
        exporter[..8].copy_from_slice(&self.peers.to_be_bytes());
        self.handle(Input::Linked { peer, exporter, room: 1 << 20 });
        self.said.insert(peer, VecDeque::new());
        let line = Line { peer, exporter };
        self.say(line, &ToRelay::Hello { version: 1 });
        line
    }

    pub(crate) fn unlink(&mut self, line: Line) {
        self.said.remove(&line.peer);
        self.handle(Input::Unlinked { peer: line.peer });
    }

    pub(crate) fn say(&mut self, line: Line, frame: &ToRelay) {
        self.handle(Input::Heard { peer: line.peer, frame: frame.bytes() });
    }

    /// The next thing that it said over a link.
    pub(crate) fn hear(&mut self, line: Line) -> Option<FromRelay> {
        self.said.get_mut(&line.peer)?.pop_front()
    }

    fn handle(&mut self, input: Input) {
        self.relay.handle(self.now, input).unwrap();
        self.relay.settle().unwrap();
        while let Some(output) = self.relay.poll() {
            match output {
                Output::Answer { peer, frame } => self.keep(peer, *frame),
                Output::Deliver { peers, frame } => {
                    for peer in peers {
                        self.keep(peer, FromRelay::parse(&frame).unwrap());
                    }
                }
                Output::Drop { peer, why } => panic!("the relay drops {peer:?}: {why}"),
                Output::Up { .. } | Output::UpDrop { .. } => panic!("the relay has no parent"),
            }
        }
    }

    fn keep(&mut self, peer: Peer, frame: FromRelay) {
        if let Some(said) = self.said.get_mut(&peer) {
            said.push_back(frame);
        }
    }
}

/// Where it is said to be; nobody goes there.
pub(crate) fn place() -> RelayRef {
    RelayRef { address: "relay.test:4433".to_owned(), key: key() }
}

pub(crate) fn key() -> Key {
    signer().key()
}

/// A subscription to `prefix`, behind a position of the relay's store.
pub(crate) fn subscribe(id: u32, prefix: Prefix, store: u64, after: u64) -> ToRelay {
    ToRelay::Subscribe { id, prefix, store, after }
}

fn signer() -> Signer {
    Signer::from_seed(&[42; 32])
}
