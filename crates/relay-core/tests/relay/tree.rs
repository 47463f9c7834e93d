//! Several relays in a tree, with links that take their time, break, and come back.

mod failover;
mod forwarding;
mod schedule;
mod settling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Prefix, Rest};
use objects::wire::{FromRelay, SlotAnswer, ToRelay};
use objects::{Claim, Hash, Key, Millis, Object, Receipt, Signer, Standing};
use relay_core::{DropReason, Input, Kept, Limits, MemoryShelf, Output, Peer, Relay, Shelf};

use crate::people::{Cast, Writer, named};
use crate::{EXPORTER, NOW, org};

/// Which relay; 0 is the root of the tree.
pub(crate) type At = usize;

pub(crate) struct Tree {
    limits: Limits,
    pub(crate) cast: Cast,
    pub(crate) now: Millis,
    nodes: Vec<Node>,
    peers: u64,
    ends: BTreeMap<(At, Peer), End>,
    pub(crate) clients: Vec<Client>,
    pub(crate) dropped: Vec<(At, DropReason)>,
    pub(crate) tool: Writer,
}

struct Node {
    relay: Relay<MemoryShelf>,
    parent: Option<At>,
    /// The link to the parent.
    wire: Option<Wire>,
}

/// Frames under way on a link between two relays.
struct Wire {
    peer: Peer,
    up: VecDeque<Vec<u8>>,
    control: VecDeque<Vec<u8>>,
    delivery: VecDeque<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Relay(At),
    Client(usize),
}

/// A device at some relay: what it was told, and what it still has to bring to the origin.
pub(crate) struct Client {
    pub(crate) at: At,
    pub(crate) peer: Option<Peer>,
    pub(crate) outbox: Vec<Object>,
    pub(crate) said: Vec<FromRelay>,
    pub(crate) delivered: Vec<(Object, Option<Receipt>)>,
}

/// The streams of a link between two relays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Up,
    Control,
    Delivery,
}

impl Tree {
    /// A tree of relays, each with the index of its parent.
    pub(crate) fn new(parents: &[Option<At>]) -> Self {
        Self::with(Limits::default(), parents)
    }

    pub(crate) fn with(limits: Limits, parents: &[Option<At>]) -> Self {
        let cast = Cast::new(NOW);
        let mut tree = Self {
            limits,
            tool: cast.writer(0),
            cast,
            now: NOW,
            nodes: Vec::new(),
            peers: 0,
            ends: BTreeMap::new(),
            clients: Vec::new(),
            dropped: Vec::new(),
        };
        for (at, parent) in parents.iter().enumerate() {
            let shelf = MemoryShelf::new(1000 + u64::try_from(at).unwrap());
            let relay = tree.relay_with(at, *parent, shelf);
            tree.nodes.push(Node { relay, parent: *parent, wire: None });
        }
        tree
    }

    fn relay_with(&self, at: At, parent: Option<At>, shelf: MemoryShelf) -> Relay<MemoryShelf> {
        let relay = Relay::new(shelf, signer(at), [org(&self.cast)], self.limits).unwrap();
        let relay = relay.with_relays((0..9).map(key));
        match parent {
            Some(parent) => relay.with_parent(key(parent)),
            None => relay,
        }
    }

    /// Gives an input, makes it durable, and sends what comes of it.
    pub(crate) fn give(&mut self, at: At, input: Input) {
        self.nodes[at].relay.handle(self.now, input).unwrap();
        self.settle(at);
    }

    pub(crate) fn settle(&mut self, at: At) {
        self.nodes[at].relay.settle().unwrap();
        while let Some(output) = self.nodes[at].relay.poll() {
            match output {
                Output::Answer { peer, frame } => self.say(at, peer, &frame.bytes(), false),
                Output::Deliver { peers, frame } => {
                    for peer in peers {
                        self.say(at, peer, &frame, true);
                    }
                }
                Output::Drop { peer, why } => {
                    self.dropped.push((at, why));
                    match self.ends.remove(&(at, peer)) {
                        Some(End::Relay(child)) => self.cut(child),
                        Some(End::Client(client)) => self.clients[client].peer = None,
                        None => {}
                    }
                }
                Output::Up { frame } => {
                    if let Some(wire) = &mut self.nodes[at].wire {
                        wire.up.push_back(frame.bytes());
                    }
                }
                Output::UpDrop { why } => {
                    self.dropped.push((at, why));
                    self.cut(at);
                }
            }
        }
    }

    fn say(&mut self, at: At, peer: Peer, frame: &[u8], delivery: bool) {
        match self.ends.get(&(at, peer)).copied() {
            Some(End::Relay(child)) => {
                if let Some(wire) = &mut self.nodes[child].wire {
                    let way = if delivery { &mut wire.delivery } else { &mut wire.control };
                    way.push_back(frame.to_vec());
                }
            }
            Some(End::Client(client)) => {
                let frame = FromRelay::parse(frame).unwrap();
                self.hear(client, frame);
            }
            None => {}
        }
    }

    fn hear(&mut self, client: usize, frame: FromRelay) {
        let origins: Vec<Key> = (0..self.nodes.len()).map(key).collect();
        let client = &mut self.clients[client];
        match &frame {
            FromRelay::Stored { receipt, .. } | FromRelay::Settled { receipt } => {
                let by_origin = receipt.covers_hash(&origins[0], receipt.name, &receipt.hash);
                client.outbox.retain(|object| !by_origin || object.name() != receipt.name);
            }
            FromRelay::Deliver { object, receipt, .. } => {
                client.delivered.push((object.clone(), *receipt));
            }
            _ => {}
        }
        client.said.push(frame);
    }

    /// Links a relay with its parent.
    pub(crate) fn link(&mut self, child: At) {
        let Some(parent) = self.nodes[child].parent.filter(|_| self.nodes[child].wire.is_none())
        else {
            return;
        };
        let peer = self.new_peer();
        let queues = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        let (up, control, delivery) = queues;
        self.nodes[child].wire = Some(Wire { peer, up, control, delivery });
        self.ends.insert((parent, peer), End::Relay(child));
        self.give(parent, Input::Linked { peer, exporter: EXPORTER, room: 1 << 40 });
        self.give(child, Input::UpLinked { exporter: EXPORTER });
    }

    /// Cuts the link of a relay with its parent; what is under way is lost.
    pub(crate) fn cut(&mut self, child: At) {
        if let Some((wire, parent)) = self.nodes[child].wire.take().zip(self.nodes[child].parent) {
            self.ends.remove(&(parent, wire.peer));
            self.give(parent, Input::Unlinked { peer: wire.peer });
            self.give(child, Input::UpUnlinked);
        }
    }

    /// The power fails: what was not committed is gone, and so are all links.
    pub(crate) fn crash(&mut self, at: At) {
        self.cut(at);
        for child in 0..self.nodes.len() {
            if self.nodes[child].parent == Some(at) {
                self.cut(child);
            }
        }
        self.ends.retain(|(of, _), _| *of != at);
        for client in self.clients.iter_mut().filter(|client| client.at == at) {
            client.peer = None;
        }
        let mut shelf = self.nodes[at].relay.shelf_mut().clone();
        shelf.power_cut();
        self.nodes[at].relay = self.relay_with(at, self.nodes[at].parent, shelf);
    }

    /// Another place in the tree: the relay is started anew.
    pub(crate) fn move_below(&mut self, at: At, parent: Option<At>) {
        self.cut(at);
        self.nodes[at].parent = parent;
        self.crash(at);
    }

    /// Moves one frame between a relay and its parent, if there is one.
    pub(crate) fn carry(&mut self, child: At, way: Way) -> bool {
        let parent = self.nodes[child].parent;
        let Some((wire, parent)) = self.nodes[child].wire.as_mut().zip(parent) else {
            return false;
        };
        let peer = wire.peer;
        let frame = match way {
            Way::Up => wire.up.pop_front(),
            Way::Control => wire.control.pop_front(),
            Way::Delivery => wire.delivery.pop_front(),
        };
        let Some(frame) = frame else {
            return false;
        };
        match way {
            Way::Up => self.give(parent, Input::Heard { peer, frame }),
            Way::Control | Way::Delivery => self.give(child, Input::UpHeard { frame }),
        }
        true
    }

    /// Carries everything that is under way, until nothing is.
    pub(crate) fn run(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for child in 0..self.nodes.len() {
                for way in [Way::Up, Way::Control, Way::Delivery] {
                    while self.carry(child, way) {
                        moved = true;
                    }
                }
                if self.nodes[child].relay.wake_at() == Some(Millis(0)) {
                    self.give(child, Input::Woken);
                    moved = true;
                }
            }
        }
    }

    /// A device that is linked with a relay.
    pub(crate) fn client(&mut self, at: At) -> usize {
        let (outbox, said, delivered) = (Vec::new(), Vec::new(), Vec::new());
        self.clients.push(Client { at, peer: None, outbox, said, delivered });
        let client = self.clients.len() - 1;
        self.relink(client);
        client
    }

    /// Links a client, which sends everything again that the origin does not have.
    pub(crate) fn relink(&mut self, client: usize) {
        if self.clients[client].peer.is_none() {
            let peer = self.new_peer();
            let at = self.clients[client].at;
            self.ends.insert((at, peer), End::Client(client));
            self.clients[client].peer = Some(peer);
            self.give(at, Input::Linked { peer, exporter: EXPORTER, room: 1 << 40 });
            self.ask(client, &ToRelay::Hello { version: 1 });
        }
        for object in self.clients[client].outbox.clone() {
            self.ask(client, &ToRelay::Publish { seq: 1, object });
        }
    }

    pub(crate) fn ask(&mut self, client: usize, frame: &ToRelay) {
        if let Some(peer) = self.clients[client].peer {
            self.give(self.clients[client].at, Input::Heard { peer, frame: frame.bytes() });
        }
    }

    /// Publishes something, which stays in the client's outbox until the origin has it.
    pub(crate) fn publish(&mut self, client: usize, object: &Object) {
        self.clients[client].outbox.push(object.clone());
        self.ask(client, &ToRelay::Publish { seq: 1, object: object.clone() });
    }

    pub(crate) fn last(&self, client: usize) -> &FromRelay {
        self.clients[client].said.last().unwrap()
    }

    /// Asks for a slot, and gives the last thing that the client was told when all is quiet.
    pub(crate) fn claim(&mut self, client: usize, object: &Object) -> FromRelay {
        self.ask(client, &ToRelay::Claim { seq: 3, object: object.clone() });
        self.run();
        self.last(client).clone()
    }

    /// A term of the team, and the member tool's certificate.
    pub(crate) fn found(&mut self, client: usize) {
        let term = self.term(0, 0, (0, Hash::NONE));
        self.publish(client, &term);
        let own = self.cast.certificate(&self.tool, 0, Standing::Certified);
        self.publish(client, &own);
    }

    /// A term that begins behind a slot, with a relay as its origin.
    pub(crate) fn term(&self, number: u64, origin: At, after: (u64, Hash)) -> Object {
        self.cast.term(number, key(origin), after)
    }

    /// Publishes a complete claim of the member tool that names certificates, and gives it.
    pub(crate) fn complete(
        &mut self,
        client: usize,
        (slot, previous): (u64, Hash),
        certificates: &[Object],
    ) -> Object {
        let (pieces, commit) = self.tool.blob(&self.cast, &[7; 1500]);
        for object in certificates.iter().chain(&pieces) {
            self.publish(client, object);
        }
        let certificates = certificates.iter().map(named).collect();
        let claim = Claim { certificates, ..self.tool.claims(commit) };
        self.cast.claim(slot, previous, &claim, &self.tool.log)
    }

    /// Certifies a writer with the next slot.
    pub(crate) fn certify(&mut self, client: usize, writer: &Writer) {
        let certificate = self.cast.certificate(writer, 0, Standing::Certified);
        let (head, previous) = self.head(self.clients[client].at);
        let claim = self.complete(client, (head + 1, previous), &[certificate]);
        let answer = self.claim(client, &claim);
        assert!(matches!(answer, FromRelay::Slot { answer: SlotAnswer::Won(_), .. }), "{answer:?}");
    }

    /// Proves a writer's key and subscribes to the team.
    pub(crate) fn read(&mut self, client: usize, writer: &Writer) {
        let at = self.clients[client].at;
        let proof = self.cast.proof(writer, &key(at), &EXPORTER);
        self.ask(client, &ToRelay::Prove(proof));
        let prefix = Prefix::team(self.cast.team);
        self.ask(client, &ToRelay::Subscribe { id: 1, prefix, store: 0, after: 0 });
    }

    /// When a relay wants to be woken, leaving aside what it sweeps.
    pub(crate) fn wake_at(&mut self, at: At) -> Option<Millis> {
        self.nodes[at].relay.wake_at().filter(|at| *at < self.now.plus(60_000))
    }

    pub(crate) fn kept(&mut self, at: At) -> Vec<Kept> {
        self.nodes[at].relay.shelf_mut().all().cloned().collect()
    }

    /// What is stored, by name and entry hash.
    pub(crate) fn stored(&mut self, at: At) -> BTreeSet<(names::Name, [u8; 32])> {
        let kept = self.kept(at);
        kept.iter().map(|kept| (kept.object.name(), kept.object.entry_hash().0)).collect()
    }

    pub(crate) fn holds(&mut self, at: At, object: &Object) -> bool {
        self.stored(at).contains(&(object.name(), object.entry_hash().0))
    }

    /// The last slot that is stored somewhere, and its entry hash.
    pub(crate) fn head(&mut self, at: At) -> (u64, Hash) {
        let prefix = Prefix::team_path(self.cast.team, 4);
        let last = self.nodes[at].relay.shelf_mut().last(prefix).unwrap();
        last.map_or((0, Hash::NONE), |kept| {
            let Rest::Slot(slot) = kept.object.name().place().rest else { panic!() };
            (slot.value(), kept.object.entry_hash())
        })
    }

    fn new_peer(&mut self) -> Peer {
        self.peers += 1;
        Peer(self.peers)
    }
}

pub(crate) fn signer(at: At) -> Signer {
    Signer::from_seed(&[200 + u8::try_from(at).unwrap(); 32])
}

pub(crate) fn key(at: At) -> Key {
    signer(at).key()
}
