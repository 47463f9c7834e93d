//! A relay below the origin.

use names::Name;
use objects::{Object, Receipt, Signer};

use super::World;
use crate::{Answer, Input};

/// A relay below the origin, of one node.
pub(in crate::tests) struct Home {
    pub(in crate::tests) signer: Signer,
    /// It cannot reach the origin.
    pub(in crate::tests) cut: bool,
    /// What the origin has not got yet.
    pub(super) kept: Vec<Object>,
}

impl Home {
    pub(super) fn get(&self, name: Name) -> Option<Object> {
        self.kept.iter().find(|object| object.name() == name).cloned()
    }

    pub(in crate::tests) fn new() -> Self {
        Self { signer: Signer::from_seed(&[8; 32]), cut: false, kept: Vec::new() }
    }
}

impl World {
    /// A relay below the origin stores it and says so; then it passes it on.
    pub(super) fn publish_at_home(&mut self, node: usize, id: u64, object: &Object) {
        let Some(home) = &mut self.nodes[node].home else { return };
        let receipt = Receipt::sign(&home.signer, object, names::Slot::ZERO, self.now);
        if !home.kept.contains(object) {
            home.kept.push(object.clone());
        }
        self.give(node, Input::Answered { id, answer: Answer::Receipt(receipt) });
        self.pass_on(node);
    }

    /// A relay below the origin passes on what it has, if it can.
    pub(super) fn pass_on(&mut self, node: usize) {
        let Some(home) = self.nodes[node].home.as_mut().filter(|home| !home.cut) else { return };
        for object in std::mem::take(&mut home.kept) {
            let Answer::Receipt(receipt) = self.relay.publish(&object) else {
                panic!("the origin refuses {}", object.name())
            };
            if self.nodes[node].linked {
                self.give(node, Input::Settled { receipt });
            }
        }
    }

    /// Cuts a relay below the origin off, or lets it reach the origin again.
    pub(in crate::tests) fn cut(&mut self, node: usize, cut: bool) {
        self.nodes[node].home.as_mut().unwrap().cut = cut;
        if self.nodes[node].linked {
            self.give(node, Input::Upstream { reachable: !cut });
        }
        self.pass_on(node);
    }
}
