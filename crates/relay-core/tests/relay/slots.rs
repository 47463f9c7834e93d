//! One order of commits.

use names::Slot;
use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{BlobRef, Claim, Hash, Object, Signer, Standing, WelcomePointer};
use relay_core::Peer;

use crate::people::{Writer, named};
use crate::{World, signer};

impl World {
    fn claim(&mut self, peer: Peer, object: &Object) -> Result<SlotAnswer, Refusal> {
        self.tell(peer, &ToRelay::Claim { seq: 3, object: object.clone() });
        match self.last_answer(peer) {
            FromRelay::Slot { seq: 3, answer } => Ok(answer.clone()),
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

    /// A complete claim of a slot.
    fn whole_claim(
        &mut self,
        peer: Peer,
        writer: &mut Writer,
        slot: u64,
        previous: Hash,
    ) -> Object {
        let commit = self.stored_blob(peer, writer, &[writer.device.value() as u8; 3000]);
        self.cast.claim(slot, previous, &writer.claims(commit), &writer.log)
    }
}

/// `RELAY-08`
#[test]
fn the_first_claim_wins_the_slot_and_the_second_learns_who_did() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&alice);
    world.certify(&bob);
    let (a, b) = (world.peer(), world.peer());
    let first = world.whole_claim(a, &mut alice, 1, Hash::NONE);
    let second = world.whole_claim(b, &mut bob, 1, Hash::NONE);
    let Ok(SlotAnswer::Won(receipt)) = world.claim(a, &first) else { panic!() };
    assert!(receipt.covers(&signer().key(), &first));
    assert_eq!(receipt.head, Slot::truncate(1));
    let taken = SlotAnswer::Taken { winner: first.clone(), receipt };
    assert_eq!(world.claim(b, &second), Ok(taken));
    world.now = world.now.plus(9);
    assert_eq!(world.claim(a, &first), Ok(SlotAnswer::Won(receipt)), "same bytes, same answer");
    let next = world.whole_claim(b, &mut bob, 2, first.entry_hash());
    assert!(matches!(world.claim(b, &next), Ok(SlotAnswer::Won(_))));
    let mut carol = world.cast.writer(13);
    world.certify(&carol);
    let entry = carol.say(&world.cast, b"entry");
    assert_eq!(world.publish(a, &entry).unwrap().head, Slot::truncate(2));
}

/// `RELAY-08`
#[test]
fn slots_have_no_gaps_and_every_claim_names_the_one_before() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let early = world.whole_claim(peer, &mut alice, 2, Hash::NONE);
    assert_eq!(world.claim(peer, &early), Ok(SlotAnswer::Gap { head: Slot::ZERO }));
    let zero = world.whole_claim(peer, &mut alice, 0, Hash::NONE);
    assert_eq!(world.claim(peer, &zero), Ok(SlotAnswer::Gap { head: Slot::ZERO }));
    let wrong = world.whole_claim(peer, &mut alice, 1, Hash([5; 32]));
    assert_eq!(world.claim(peer, &wrong), Err(Refusal::WrongPrevious));
    let first = world.whole_claim(peer, &mut alice, 1, Hash::NONE);
    world.claim(peer, &first).unwrap();
    let wrong = world.whole_claim(peer, &mut alice, 2, Hash::NONE);
    assert_eq!(world.claim(peer, &wrong), Err(Refusal::WrongPrevious));
    assert!(!world.stores(&early) && !world.stores(&zero) && !world.stores(&wrong));
}

/// `RELAY-08`
#[test]
fn only_a_certified_device_claims_and_only_by_claiming() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let commit = world.stored_blob(peer, &mut alice, b"commit");
    let claim = alice.claims(commit);
    let forged = world.cast.claim(1, Hash::NONE, &claim, &Signer::from_seed(&[66; 32]));
    assert_eq!(world.claim(peer, &forged), Err(Refusal::WrongSigner));
    let stranger = world.cast.writer(13);
    let claimed = Claim { device: stranger.device, ..claim.clone() };
    let uncertified = world.cast.claim(1, Hash::NONE, &claimed, &stranger.log);
    assert_eq!(world.claim(peer, &uncertified), Err(Refusal::Uncertified));
    let good = world.cast.claim(1, Hash::NONE, &claim, &alice.log);
    assert_eq!(world.publish(peer, &good), Err(Refusal::Malformed));
    let entry = alice.say(&world.cast, b"entry");
    assert_eq!(world.claim(peer, &entry), Err(Refusal::Malformed));
    let revoked = world.cast.certificate(&alice, 1, Standing::Revoked);
    world.publish(peer, &revoked).unwrap();
    assert_eq!(world.claim(peer, &good), Err(Refusal::Revoked));
    assert!(!world.stores(&good));
}

/// `RELAY-09`
#[test]
fn a_claim_is_incomplete_until_everything_that_it_names_is_stored() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    let bob = world.cast.writer(12);
    world.certify(&alice);
    let peer = world.peer();
    let (commit, commit_ref) = alice.blob(&world.cast, &[1; 2500]);
    let (welcome, welcome_ref) = alice.blob(&world.cast, &[2; 600]);
    let certificate = world.cast.certificate(&bob, 0, Standing::Certified);
    let claim = Claim {
        welcome: Some(welcome_ref),
        certificates: vec![named(&certificate)],
        ..alice.claims(commit_ref)
    };
    let claim = world.cast.claim(1, Hash::NONE, &claim, &alice.log);
    let pieces = commit.iter().rev().chain(&welcome).chain([&certificate]);
    for piece in pieces {
        assert_eq!(world.claim(peer, &claim), Ok(SlotAnswer::Incomplete));
        world.publish(peer, piece).unwrap();
    }
    assert!(matches!(world.claim(peer, &claim), Ok(SlotAnswer::Won(_))));
}

/// `RELAY-09`
#[test]
fn a_claim_that_can_never_be_complete_is_refused() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let commit = world.stored_blob(peer, &mut alice, &[1; 2500]);
    let damaged = BlobRef { hash: Hash([7; 32]), ..commit };
    let claim = world.cast.claim(1, Hash::NONE, &alice.claims(damaged), &alice.log);
    assert_eq!(world.claim(peer, &claim), Err(Refusal::Malformed));
    let mut other = named(&world.cast.certificate(&alice, 0, Standing::Certified));
    other.hash = Hash([7; 32]);
    let claim = Claim { certificates: vec![other], ..alice.claims(commit) };
    let claim = world.cast.claim(1, Hash::NONE, &claim, &alice.log);
    assert_eq!(world.claim(peer, &claim), Err(Refusal::Malformed));
}

/// `RELAY-10`
#[test]
fn a_welcome_pointer_waits_for_the_slot_that_welcomes() {
    let mut world = World::new();
    let (mut alice, mut eve) = (world.cast.writer(11), world.cast.writer(13));
    let bob = world.cast.writer(12);
    world.certify(&alice);
    world.certify(&eve);
    let peer = world.peer();
    let announcement = world.cast.announcement(&bob, b"package").hash();
    let commit = world.stored_blob(peer, &mut alice, b"commit");
    let welcome = world.stored_blob(peer, &mut alice, b"welcome");
    let claim =
        Claim { welcome: Some(welcome), welcomed: vec![announcement], ..alice.claims(commit) };
    let claim = world.cast.claim(1, Hash::NONE, &claim, &alice.log);
    let slot = Slot::truncate(1);
    let pointer = WelcomePointer { announcement, slot, claim: claim.entry_hash(), welcome };
    let good = world.cast.welcome(&pointer, &alice.log);
    assert_eq!(world.publish(peer, &good), Err(Refusal::Gap { next: 1 }));
    world.claim(peer, &claim).unwrap();
    let by_another = world.cast.welcome(&pointer, &eve.log);
    assert_eq!(world.publish(peer, &by_another), Err(Refusal::WrongSigner));
    let wrong_claim = WelcomePointer { claim: Hash([7; 32]), ..pointer.clone() };
    let wrong_claim = world.cast.welcome(&wrong_claim, &alice.log);
    assert_eq!(world.publish(peer, &wrong_claim), Err(Refusal::WrongPrevious));
    let unwelcome = WelcomePointer { announcement: Hash([7; 32]), ..pointer };
    let unwelcome = world.cast.welcome(&unwelcome, &alice.log);
    assert_eq!(world.publish(peer, &unwelcome), Err(Refusal::Malformed));
    world.publish(peer, &good).unwrap();
    let _ = eve.say(&world.cast, b"unused");
}
