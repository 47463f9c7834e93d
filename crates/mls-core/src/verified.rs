//! Signatures that were found right a moment ago are not computed again.

use std::collections::VecDeque;

use objects::{Hash, Key, Object, Receipt, Signature, Verifier};

use crate::Endpoint;

/// The newest signatures that were found right, in memory only. The same key, bytes and signature
/// always give the same answer, so nothing is believed that would not verify again.
#[derive(Default)]
pub(crate) struct Verified {
    /// Entry hashes stand for headers: all that the signature is over.
    objects: Recent<(Key, Hash, Signature)>,
    receipts: Recent<(Key, Receipt)>,
    /// Those who signed lately: reading a key's point is a tenth of a check.
    keys: Recent<(Key, Verifier)>,
}

struct Recent<T>(VecDeque<T>);

impl Endpoint {
    /// Did the owner of `key` sign this piece or claim? It is asked when it comes, and again when
    /// its slot is decided.
    pub(crate) fn is_signed_by(&self, object: &Object, key: &Key) -> bool {
        let what = (*key, object.entry_hash(), *object.signature());
        let mut memo = self.memo.borrow_mut();
        let Verified { objects, keys, .. } = &mut memo.verified;
        objects.check(what, || keys.verifier(key).is_some_and(|key| object.verifies(&key)))
    }

    /// A key, ready to check signatures; `None` if it is none.
    pub(crate) fn verifier(&self, key: &Key) -> Option<Verifier> {
        self.memo.borrow_mut().verified.keys.verifier(key)
    }

    /// An object that was signed here with this key.
    pub(crate) fn note_signed(&self, object: &Object, key: Key) {
        let what = (key, object.entry_hash(), *object.signature());
        self.memo.borrow_mut().verified.objects.note(what);
    }

    /// Did `relay` sign this receipt, for exactly this object? It is asked when the answer comes,
    /// and again for each place that the object passes on its way.
    pub(crate) fn covers(&self, receipt: &Receipt, relay: &Key, object: &Object) -> bool {
        let (name, hash) = (object.name(), object.entry_hash());
        let mut memo = self.memo.borrow_mut();
        let Verified { receipts, keys, .. } = &mut memo.verified;
        let signed =
            || keys.verifier(relay).is_some_and(|key| receipt.covers_hash(&key, name, &hash));
        receipt.name == name && receipt.hash == hash && receipts.check((*relay, *receipt), signed)
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq> Recent<T> {
    fn check(&mut self, what: T, verify: impl FnOnce() -> bool) -> bool {
        if self.0.contains(&what) {
            return true;
        }
        let right = verify();
        if right {
            self.note(what);
        }
        right
    }
}

impl Recent<(Key, Verifier)> {
    fn verifier(&mut self, key: &Key) -> Option<Verifier> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| known == key) {
            return Some(known.clone());
        }
        let verifier = key.verifier()?;
        self.note((*key, verifier.clone()));
        Some(verifier)
    }
}

impl<T> Recent<T> {
    fn note(&mut self, what: T) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(what);
    }
}

/// The pieces of the largest commit that comes often, and a few claims.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// `MLS-30`
    #[test]
    fn only_what_was_right_and_is_exactly_the_same_is_not_asked_again() {
        let mut recent = Recent::default();
        assert!(!recent.check(1, || false) && !recent.check(1, || false));
        assert!(recent.check(1, || true) && recent.check(1, || false));
        assert!(!recent.check(2, || false));
        for other in 0..MOST {
            recent.note(other + 10);
        }
        assert!(!recent.check(1, || false));
        assert_eq!(recent.0.len(), MOST);
    }
}
