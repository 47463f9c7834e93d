//! A relay that trusts everybody: what endpoints do is measured, not what it does.

use std::collections::{BTreeMap, BTreeSet};

use mls_core::Answer;
use names::{Device, Name, Rest, Slot};
use objects::{Claim, Key, Millis, Object, Receipt, Signer};

pub(crate) struct Relay {
    signer: Signer,
    stored: BTreeMap<Name, (Object, Receipt)>,
    order: Vec<Name>,
    head: Slot,
    now: Millis,
    /// The devices whose claims have won.
    pub(crate) won: BTreeSet<Device>,
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self {
            signer: Signer::from_seed(&[7; 32]),
            stored: BTreeMap::new(),
            order: Vec::new(),
            head: Slot::ZERO,
            now: Millis(1_000_000),
            won: BTreeSet::new(),
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.signer.key()
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The object at a position, with the receipt that goes with claims.
    pub(crate) fn at(&self, position: usize) -> (Object, Option<Receipt>) {
        let (object, receipt) = &self.stored[&self.order[position]];
        let claim = matches!(object.name().place().rest, Rest::Slot(_));
        (object.clone(), claim.then_some(*receipt))
    }

    pub(crate) fn rest_at(&self, position: usize) -> Rest {
        self.order[position].place().rest
    }

    pub(crate) fn get(&self, name: Name) -> (Option<Object>, Option<Receipt>) {
        self.stored.get(&name).cloned().unzip()
    }

    pub(crate) fn publish(&mut self, now: Millis, object: &Object) -> Answer {
        let known = self.stored.get(&object.name()).map(|(_, receipt)| *receipt);
        Answer::Receipt(known.unwrap_or_else(|| self.store(now, object)))
    }

    pub(crate) fn claim(&mut self, now: Millis, object: &Object) -> Answer {
        if let Some((winner, receipt)) = self.stored.get(&object.name()).cloned() {
            let same = winner.entry_hash() == object.entry_hash();
            return if same { Answer::Receipt(receipt) } else { Answer::Taken { winner, receipt } };
        }
        let Rest::Slot(slot) = object.name().place().rest else {
            unreachable!("a claim is for a slot")
        };
        if self.head.next() != Some(slot) {
            return Answer::Gap { head: self.head };
        }
        self.head = slot;
        self.won.insert(Claim::parse(object.data().unwrap()).unwrap().device);
        Answer::Receipt(self.store(now, object))
    }

    fn store(&mut self, now: Millis, object: &Object) -> Receipt {
        self.now = now.max(self.now).plus(1);
        let receipt = Receipt::sign(&self.signer, object, self.head, self.now);
        self.stored.insert(object.name(), (object.clone(), receipt));
        self.order.push(object.name());
        receipt
    }
}
