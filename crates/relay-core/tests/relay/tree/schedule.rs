//! Any schedule of links, losses, crashes and writing ends the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

use names::{Name, Rest};
use objects::wire::{FromRelay, SlotAnswer, ToRelay};
use objects::{Hash, Object};
use proptest::prelude::*;
use relay_core::Input;

use super::{At, Tree, Way, key};
use crate::people::Writer;

#[derive(Debug, Clone)]
enum Step {
    /// A link between a relay and its parent is made, or cut.
    Link(At),
    Cut(At),
    /// So many frames move on one stream.
    Carry(At, u8, u8),
    /// The power of a relay fails, after it has taken an entry that it has not committed.
    Crash(At, bool),
    /// A device writes, or asks for the next slot.
    Write(usize),
    Claim(usize),
    /// A device finds its relay again.
    Relink(usize),
}

const RELAYS: usize = 4;
const DEVICES: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let child = 1..RELAYS;
    prop_oneof![
        3 => child.clone().prop_map(Step::Link),
        1 => child.clone().prop_map(Step::Cut),
        12 => (child, 0..3_u8, 1..20_u8).prop_map(|(at, way, count)| Step::Carry(at, way, count)),
        1 => (0..RELAYS, any::<bool>()).prop_map(|(at, taken)| Step::Crash(at, taken)),
        4 => (0..DEVICES).prop_map(Step::Write),
        2 => (0..DEVICES).prop_map(Step::Claim),
        3 => (0..DEVICES).prop_map(Step::Relink),
    ]
}

struct Run {
    tree: Tree,
    writers: Vec<Writer>,
    clients: Vec<usize>,
    /// Claims that devices still ask for.
    claims: Vec<Option<Object>>,
}

impl Run {
    /// A root with a child and a grandchild, and another child; a device at each.
    fn new() -> Self {
        let mut tree = Tree::new(&[None, Some(0), Some(1), Some(0)]);
        for child in 1..RELAYS {
            tree.link(child);
        }
        let admin = tree.client(0);
        tree.found(admin);
        let writers: Vec<Writer> = (11..).take(DEVICES).map(|n| tree.cast.writer(n)).collect();
        for writer in &writers {
            tree.certify(admin, writer);
        }
        let clients: Vec<usize> = (0..DEVICES).map(|at| tree.client(at % RELAYS)).collect();
        for (client, writer) in clients.iter().zip(&writers) {
            tree.read(*client, writer);
        }
        tree.run();
        Self { tree, writers, clients, claims: vec![None; DEVICES] }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Link(at) => self.tree.link(at),
            Step::Cut(at) => self.tree.cut(at),
            Step::Carry(at, way, count) => {
                let way = [Way::Up, Way::Control, Way::Delivery][usize::from(way)];
                for _ in 0..count {
                    self.tree.carry(at, way);
                }
            }
            Step::Crash(at, taken) => {
                if let Some(device) = (0..DEVICES).find(|device| taken && device % RELAYS == at) {
                    self.write_uncommitted(device);
                }
                self.tree.crash(at);
            }
            Step::Write(device) => {
                let entry = self.writers[device].say(&self.tree.cast, b"an entry");
                self.tree.publish(self.clients[device], &entry);
            }
            Step::Claim(device) => self.claim(device),
            Step::Relink(device) => self.relink(device),
        }
    }

    /// An entry that a relay takes, without the time to make it durable.
    fn write_uncommitted(&mut self, device: usize) {
        let client = self.clients[device];
        let object = self.writers[device].say(&self.tree.cast, b"an entry");
        self.tree.clients[client].outbox.push(object.clone());
        let (at, peer) = (self.tree.clients[client].at, self.tree.clients[client].peer);
        if let Some(peer) = peer {
            let frame = ToRelay::Publish { seq: 1, object }.bytes();
            let node = &mut self.tree.nodes[at];
            node.relay.handle(self.tree.now, Input::Heard { peer, frame }).unwrap();
            assert_eq!(node.relay.poll(), None, "nothing is told before it is durable");
        }
    }

    fn claim(&mut self, device: usize) {
        let client = self.clients[device];
        let (head, previous) = self.tree.head(self.tree.clients[client].at);
        let writer = &mut self.writers[device];
        let (pieces, commit) = writer.blob(&self.tree.cast, &[9; 2500]);
        let claim = self.tree.cast.claim(head + 1, previous, &writer.claims(commit), &writer.log);
        for piece in &pieces {
            self.tree.publish(client, piece);
        }
        self.tree.ask(client, &ToRelay::Claim { seq: 3, object: claim.clone() });
        self.claims[device] = Some(claim);
    }

    fn relink(&mut self, device: usize) {
        let client = self.clients[device];
        self.tree.relink(client);
        self.tree.read(client, &self.writers[device]);
        if let Some(object) = self.claims[device].clone() {
            self.tree.ask(client, &ToRelay::Claim { seq: 3, object });
        }
    }

    /// All links hold, and everybody has said everything.
    fn heal(&mut self) {
        for _ in 0..4 {
            for child in 1..RELAYS {
                self.tree.link(child);
            }
            self.tree.run();
            for device in 0..DEVICES {
                self.relink(device);
            }
            self.tree.run();
        }
    }

    fn check(&mut self) {
        let root = self.tree.stored(0);
        for at in 0..RELAYS {
            assert_eq!(self.tree.stored(at), root, "relay {at}");
            let kept = self.tree.kept(at);
            assert!(kept.iter().all(|kept| kept.settled), "relay {at}");
            let sound = |kept: &relay_core::Kept| kept.receipt.covers(&key(0), &kept.object);
            assert!(kept.iter().all(sound), "relay {at}");
            strict(kept.iter().map(|kept| &kept.object));
        }
        for (device, client) in self.clients.clone().into_iter().enumerate() {
            assert_eq!(self.tree.clients[client].outbox, [], "device {device}");
            let written = &self.writers[device];
            let next = written.entry(&self.tree.cast, b"").name;
            let Rest::Message { number, .. } = next.place().rest else { panic!() };
            let of_device = |(name, _): &&(Name, _)| match name.place().rest {
                Rest::Message { device, .. } => device == written.device,
                _ => false,
            };
            let stored = root.iter().filter(of_device).count();
            assert_eq!(u64::try_from(stored), Ok(number.value()), "device {device}");
        }
        self.no_slot_was_decided_twice();
    }

    fn no_slot_was_decided_twice(&self) {
        let mut winners: BTreeMap<Name, BTreeSet<[u8; 32]>> = BTreeMap::new();
        for frame in self.tree.clients.iter().flat_map(|client| &client.said) {
            if let FromRelay::Slot {
                answer: SlotAnswer::Won(receipt) | SlotAnswer::Taken { receipt, .. },
                ..
            } = frame
            {
                winners.entry(receipt.name).or_default().insert(receipt.hash.0);
            }
        }
        assert!(winners.values().all(|hashes| hashes.len() == 1));
    }
}

/// Every log is complete from number 0, and every entry and claim names the one before.
fn strict<'a>(objects: impl Iterator<Item = &'a Object>) {
    let mut last: BTreeMap<u128, (u64, Hash)> = BTreeMap::new();
    for object in objects {
        let (log, number) = match object.name().place().rest {
            Rest::Message { number, .. } => (object.name().bits() >> 20, number.value()),
            Rest::Slot(slot) => (u128::MAX, slot.value() - 1),
            _ => continue,
        };
        let (next, previous) = last.get(&log).copied().unwrap_or((0, Hash::NONE));
        assert_eq!((number, object.previous()), (next, previous));
        last.insert(log, (number + 1, object.entry_hash()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// `RELAY-25`
    #[test]
    fn whatever_happens_all_relays_end_with_the_same(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.heal();
        run.check();
    }
}
