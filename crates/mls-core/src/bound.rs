//! What an entry is bound to: its place in its log, and the history that it was sealed on.

use names::{Name, Slot};
use objects::{Hash, Millis, Signature};

use crate::content::{Prefix, prefix};
use crate::state::{Head, TeamRow};

/// The authenticated data of an entry (RFC 9420 §6.3.1): a ciphertext that is moved elsewhere
/// fails, and everybody sees on which history it was sealed.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Bound {
    pub(crate) name: Name,
    pub(crate) previous: Hash,
    pub(crate) head: SeenHead,
}

/// The newest slot that an author knew.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct SeenHead {
    pub(crate) slot: Slot,
    /// How the entry hash of its claim begins.
    pub(crate) claim: Prefix,
    /// In beacons: the whole hash, and what the origin's receipt says beside it.
    pub(crate) word: Option<Word>,
}

/// The origin's receipt for a claim, without what the claim says itself.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Word {
    pub(crate) claim: Hash,
    pub(crate) at: Millis,
    pub(crate) signature: Signature,
}

impl Bound {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let SeenHead { slot, claim, word } = &self.head;
        let slot = u32::try_from(slot.value()).unwrap_or(u32::MAX).to_be_bytes();
        let mut out = [&self.name.bytes()[..], &self.previous.0, &slot, claim].concat();
        if let Some(Word { claim, at, signature }) = word {
            out.extend_from_slice(claim.0.last_chunk::<REST>().unwrap_or(&[0; REST]));
            out.extend_from_slice(&at.0.to_be_bytes());
            out.extend_from_slice(&signature.0);
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (name, bytes) = bytes.split_first_chunk()?;
        let (previous, bytes) = bytes.split_first_chunk()?;
        let (slot, bytes) = bytes.split_first_chunk()?;
        let (claim, bytes) = bytes.split_first_chunk::<12>()?;
        let word = if bytes.is_empty() {
            None
        } else {
            let (rest, bytes) = bytes.split_first_chunk::<REST>()?;
            let (at, signature) = bytes.split_first_chunk()?;
            let hash = [&claim[..], rest].concat();
            Some(Word {
                claim: Hash(hash.try_into().ok()?),
                at: Millis(u64::from_be_bytes(*at)),
                signature: Signature(signature.try_into().ok()?),
            })
        };
        let slot = Slot::new(u32::from_be_bytes(*slot).into()).ok()?;
        let head = SeenHead { slot, claim: *claim, word };
        let (name, previous) = (Name::from_bytes(*name).ok()?, Hash(*previous));
        Some(Self { name, previous, head })
    }
}

impl SeenHead {
    /// Is it the same claim?
    pub(crate) fn is(&self, known: &Head) -> bool {
        self.slot.value() == known.slot && self.claim == prefix(&Hash(known.claim))
    }
}

impl TeamRow {
    /// The slot that is sealed on; whole in beacons.
    pub(crate) fn seen_head(&self, whole: bool) -> SeenHead {
        let Some(head) = self.heads.last() else {
            return SeenHead { slot: Slot::ZERO, claim: [0; 12], word: None };
        };
        let claim = Hash(head.claim);
        let (at, signature) = (Millis(head.at), Signature(head.signature));
        let word = whole.then_some(Word { claim, at, signature });
        SeenHead { slot: Slot::truncate(head.slot), claim: prefix(&claim), word }
    }

    /// A slot that was decided here, if it is still remembered.
    pub(crate) fn known_head(&self, slot: Slot) -> Option<&Head> {
        self.heads.iter().find(|head| head.slot == slot.value())
    }
}

/// The length of the authenticated data of everything but beacons.
pub(crate) const BOUND: usize = 16 + 32 + 4 + 12;
/// What a prefix leaves of a hash.
const REST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use names::{Org, Origin, Rest, Team, TeamId};

    /// `MLS-61`
    #[test]
    fn authenticated_data_have_two_lengths_and_one_layout() {
        let team = TeamId { origin: Origin::MAX, org: Org::ZERO, team: Team::MAX };
        let (slot, claim) = (Slot::truncate(0x0102_0304), Hash([0xaa; 32]));
        let head = SeenHead { slot, claim: prefix(&claim), word: None };
        let bound = Bound { name: team.name(Rest::Slot(slot)), previous: Hash([5; 32]), head };
        let (at, signature) = (Millis(7), Signature([0xcc; 64]));
        let word = SeenHead { word: Some(Word { claim, at, signature }), ..head };
        let beacon = Bound { head: word, ..bound };
        assert_eq!((bound.bytes().len(), beacon.bytes().len()), (BOUND, BOUND + 92));
        assert_eq!(bound.bytes()[48..], [&[1, 2, 3, 4][..], &[0xaa; 12]].concat());
        for bound in [bound, beacon] {
            let bytes = bound.bytes();
            assert_eq!(Bound::read(&bytes), Some(bound));
            for len in (0..bytes.len()).filter(|len| *len != BOUND) {
                assert_eq!(Bound::read(&bytes[..len]), None, "{len}");
            }
            assert_eq!(Bound::read(&[&bytes[..], &[0]].concat()), None);
        }
    }
}
