//! Scripts of what happens to a relay, and what it decides.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed"
)]

#[path = "../cast/people.rs"]
mod people;

mod admins;
mod limits;
mod pools;
mod reading;
mod slots;
mod storing;
mod tree;

use std::collections::BTreeMap;

use names::Rest;
use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{BlobRef, Claim, Hash, Millis, Object, Signer, Standing};
use relay_core::{DropReason, Input, Limits, MemoryShelf, Org, Output, Peer, Relay};

use crate::people::{Cast, Writer, named};

const NOW: Millis = Millis(1_800_000_000_000);
const STORE: u64 = 42;
const EXPORTER: [u8; 32] = [9; 32];

/// A relay, the time, and what every peer was told.
struct World {
    relay: Relay<MemoryShelf>,
    cast: Cast,
    now: Millis,
    peers: u64,
    answers: BTreeMap<Peer, Vec<FromRelay>>,
    delivered: BTreeMap<Peer, Vec<FromRelay>>,
    /// How many frames were encoded for delivery.
    encoded: usize,
    dropped: Vec<(Peer, DropReason)>,
    /// What was sent to the parent.
    up: Vec<ToRelay>,
    /// The member tool's device.
    tool: Writer,
    /// The last slot that was decided, and the entry hash of its claim.
    head: (u64, Hash),
}

impl World {
    fn new() -> Self {
        Self::with(Limits::default(), MemoryShelf::new(STORE))
    }

    fn with(limits: Limits, shelf: MemoryShelf) -> Self {
        let cast = Cast::new(NOW);
        Self {
            relay: Relay::new(shelf, signer(), [org(&cast)], limits).unwrap(),
            tool: cast.writer(0),
            head: (0, Hash::NONE),
            up: Vec::new(),
            cast,
            now: NOW,
            peers: 0,
            answers: BTreeMap::new(),
            delivered: BTreeMap::new(),
            encoded: 0,
            dropped: Vec::new(),
        }
    }

    fn give(&mut self, input: Input) {
        self.relay.handle(self.now, input).unwrap();
        self.settle();
    }

    fn settle(&mut self) {
        self.relay.settle().unwrap();
        while let Some(output) = self.relay.poll() {
            match output {
                Output::Answer { peer, frame } => {
                    self.answers.entry(peer).or_default().push(*frame);
                }
                Output::Deliver { peers, frame } => {
                    self.encoded += 1;
                    for peer in peers {
                        let frame = FromRelay::parse(&frame).unwrap();
                        self.delivered.entry(peer).or_default().push(frame);
                    }
                }
                Output::Drop { peer, why } => self.dropped.push((peer, why)),
                Output::Up { frame } => self.up.push(*frame),
                Output::UpDrop { why } => panic!("{why}"),
            }
        }
    }

    /// A peer with a greeted link and much room.
    fn peer(&mut self) -> Peer {
        self.peer_with_room(10_000)
    }

    fn peer_with_room(&mut self, room: usize) -> Peer {
        self.peers += 1;
        let peer = Peer(self.peers);
        self.give(Input::Linked { peer, exporter: EXPORTER, room });
        self.tell(peer, &ToRelay::Hello { version: 1 });
        self.answers.remove(&peer);
        peer
    }

    fn tell(&mut self, peer: Peer, frame: &ToRelay) {
        self.give(Input::Heard { peer, frame: frame.bytes() });
    }

    fn last_answer(&self, peer: Peer) -> &FromRelay {
        self.answers[&peer].last().unwrap()
    }

    fn publish(&mut self, peer: Peer, object: &Object) -> Result<objects::Receipt, Refusal> {
        self.tell(peer, &ToRelay::Publish { seq: 5, object: object.clone() });
        match self.last_answer(peer) {
            FromRelay::Stored { seq: 5, receipt } => Ok(*receipt),
            FromRelay::Refused { seq: 5, why } => Err(*why),
            other => panic!("{other:?}"),
        }
    }

    /// Certifies a writer.
    fn certify(&mut self, writer: &Writer) {
        let certificate = self.cast.certificate(writer, 0, Standing::Certified);
        self.effect(&certificate);
    }

    /// Publishes a certificate, and lets the member tool claim a slot that names it.
    fn effect(&mut self, certificate: &Object) {
        let peer = self.peer();
        self.publish(peer, certificate).unwrap();
        let claim = self.naming(peer, &[certificate]);
        assert!(matches!(self.claim(peer, &claim), Ok(SlotAnswer::Won(_))));
    }

    /// A claim of the member tool that names certificates.
    fn naming(&mut self, peer: Peer, certificates: &[&Object]) -> Object {
        self.found(peer);
        let mut tool = std::mem::replace(&mut self.tool, self.cast.writer(0));
        let commit = self.stored_blob(peer, &mut tool, b"commit");
        let certificates = certificates.iter().copied().map(named).collect();
        let claim = Claim { certificates, ..tool.claims(commit) };
        self.tool = tool;
        self.cast.claim(self.head.0 + 1, self.head.1, &claim, &self.tool.log)
    }

    /// The team's first term, and the member tool's certificate.
    fn found(&mut self, peer: Peer) {
        let term = self.cast.term(0, signer().key(), (0, Hash::NONE));
        let own = self.cast.certificate(&self.tool, 0, Standing::Certified);
        for object in [term, own] {
            self.publish(peer, &object).unwrap();
        }
    }

    fn claim(&mut self, peer: Peer, object: &Object) -> Result<SlotAnswer, Refusal> {
        self.tell(peer, &ToRelay::Claim { seq: 3, object: object.clone() });
        match self.last_answer(peer) {
            FromRelay::Slot { seq: 3, answer } => {
                let answer = answer.clone();
                if let (SlotAnswer::Won(_), Rest::Slot(slot)) =
                    (&answer, object.name().place().rest)
                    && slot.value() > self.head.0
                {
                    self.head = (slot.value(), object.entry_hash());
                }
                Ok(answer)
            }
            FromRelay::Refused { seq: 3, why } => Err(*why),
            other => panic!("{other:?}"),
        }
    }

    /// Publishes a blob and gives its reference.
    fn stored_blob(&mut self, peer: Peer, writer: &mut Writer, whole: &[u8]) -> BlobRef {
        let (pieces, blob) = writer.blob(&self.cast, whole);
        for piece in &pieces {
            self.publish(peer, piece).unwrap();
        }
        blob
    }

    fn prove(&mut self, peer: Peer, writer: &Writer) {
        let proof = self.cast.proof(writer, &signer().key(), &EXPORTER);
        self.tell(peer, &ToRelay::Prove(proof));
    }

    fn subscribe(&mut self, peer: Peer, after: u64) {
        let prefix = names::Prefix::team(self.cast.team);
        self.tell(peer, &ToRelay::Subscribe { id: 1, prefix, store: STORE, after });
    }

    /// A certified device that reads everything in the team.
    fn reader(&mut self, seed: u8, room: usize) -> (Peer, Writer) {
        let writer = self.cast.writer(seed);
        self.certify(&writer);
        let peer = self.peer_with_room(room);
        self.prove(peer, &writer);
        self.subscribe(peer, 0);
        (peer, writer)
    }

    /// The objects that were delivered to a peer, as (path, last bits), in order.
    fn names(&self, peer: Peer) -> Vec<names::Name> {
        let frames = self.delivered.get(&peer).into_iter().flatten();
        let objects = frames.filter_map(|frame| match frame {
            FromRelay::Deliver { object, .. } => Some(object.name()),
            _ => None,
        });
        objects.collect()
    }

    fn stores(&mut self, object: &Object) -> bool {
        use relay_core::Shelf;
        let kept = self.relay.shelf_mut().get(object.name()).unwrap();
        kept.is_some_and(|kept| kept.object == *object)
    }
}

fn signer() -> Signer {
    Signer::from_seed(&[200; 32])
}

fn org(cast: &Cast) -> Org {
    Org { origin: cast.team.origin, org: cast.team.org, root: cast.root.key() }
}
