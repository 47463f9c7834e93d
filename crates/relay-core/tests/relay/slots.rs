//! One order of commits.

use names::Slot;
use objects::wire::{Refusal, SlotAnswer};
use objects::{BlobRef, Claim, Hash, Object, Signer, Standing, WelcomePointer};
use relay_core::Peer;

use crate::people::{Writer, named};
use crate::{World, signer};

impl World {
    /// A complete claim of a slot, so many behind the last one that was decided.
    fn whole_claim(
        &mut self,
        peer: Peer,
        writer: &mut Writer,
        ahead: i64,
        previous: Hash,
    ) -> Object {
        let slot = self.head.0.saturating_add_signed(ahead);
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
    let head = world.head;
    let first = world.whole_claim(a, &mut alice, 1, head.1);
    let second = world.whole_claim(b, &mut bob, 1, head.1);
    let Ok(SlotAnswer::Won(receipt)) = world.claim(a, &first) else { panic!() };
    assert!(receipt.covers(&signer().key(), &first));
    assert_eq!(receipt.head, Slot::truncate(head.0 + 1));
    let taken = SlotAnswer::Taken { winner: first.clone(), receipt };
    assert_eq!(world.claim(b, &second), Ok(taken));
    world.now = world.now.plus(9);
    assert_eq!(world.claim(a, &first), Ok(SlotAnswer::Won(receipt)), "same bytes, same answer");
    let next = world.whole_claim(b, &mut bob, 1, first.entry_hash());
    assert!(matches!(world.claim(b, &next), Ok(SlotAnswer::Won(_))));
    let mut carol = world.cast.writer(13);
    world.certify(&carol);
    let entry = carol.say(&world.cast, b"entry");
    assert_eq!(world.publish(a, &entry).unwrap().head, Slot::truncate(head.0 + 3));
}

/// `RELAY-08`
#[test]
fn slots_have_no_gaps_and_every_claim_names_the_one_before() {
    let mut world = World::new();
    let mut alice = world.cast.writer(11);
    world.certify(&alice);
    let peer = world.peer();
    let (head, previous) = (Slot::truncate(world.head.0), world.head.1);
    let early = world.whole_claim(peer, &mut alice, 2, previous);
    assert_eq!(world.claim(peer, &early), Ok(SlotAnswer::Gap { head }));
    let zero = world.whole_claim(peer, &mut alice, -1, previous);
    assert_eq!(world.claim(peer, &zero), Ok(SlotAnswer::Gap { head }));
    for wrong in [Hash([5; 32]), Hash::NONE] {
        let wrong = world.whole_claim(peer, &mut alice, 1, wrong);
        assert_eq!(world.claim(peer, &wrong), Err(Refusal::WrongPrevious));
    }
    let first = world.whole_claim(peer, &mut alice, 1, previous);
    world.claim(peer, &first).unwrap();
    let wrong = world.whole_claim(peer, &mut alice, 1, previous);
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
    let forged =
        world.cast.claim(world.head.0 + 1, world.head.1, &claim, &Signer::from_seed(&[66; 32]));
    assert_eq!(world.claim(peer, &forged), Err(Refusal::WrongSigner));
    let stranger = world.cast.writer(13);
    let claimed = Claim { device: stranger.device, ..claim.clone() };
    let uncertified = world.cast.claim(world.head.0 + 1, world.head.1, &claimed, &stranger.log);
    assert_eq!(world.claim(peer, &uncertified), Err(Refusal::Uncertified));
    let good = world.cast.claim(world.head.0 + 1, world.head.1, &claim, &alice.log);
    assert_eq!(world.publish(peer, &good), Err(Refusal::Malformed));
    let entry = alice.say(&world.cast, b"entry");
    assert_eq!(world.claim(peer, &entry), Err(Refusal::Malformed));
    let revoked = world.cast.certificate(&alice, 1, Standing::Revoked);
    world.effect(&revoked);
    assert_eq!(world.claim(peer, &good), Err(Refusal::Revoked));
    assert!(!world.stores(&good));
}

/// `RELAY-09`
#[test]
fn a_claim_is_incomplete_until_everything_that_it_names_is_stored() {
    let mut world = World::new();
    let (mut alice, bob) = (world.cast.writer(0), world.cast.writer(12));
    let peer = world.peer();
    world.found(peer);
    let (commit, commit_ref) = alice.blob(&world.cast, &[1; 2500]);
    let (welcome, welcome_ref) = alice.blob(&world.cast, &[2; 600]);
    let (tree, tree_ref) = alice.blob(&world.cast, &[3; 1600]);
    let certificate = world.cast.certificate(&bob, 0, Standing::Certified);
    let claim = Claim {
        welcome: Some(welcome_ref),
        tree: Some(tree_ref),
        certificates: vec![named(&certificate)],
        ..alice.claims(commit_ref)
    };
    let claim = world.cast.claim(world.head.0 + 1, world.head.1, &claim, &alice.log);
    let pieces = commit.iter().rev().chain(&welcome).chain(&tree).chain([&certificate]);
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
    let claim =
        world.cast.claim(world.head.0 + 1, world.head.1, &alice.claims(damaged), &alice.log);
    assert_eq!(world.claim(peer, &claim), Err(Refusal::Malformed));
    let later = Claim { skips: Some(Slot::truncate(world.head.0 + 1)), ..alice.claims(commit) };
    let later = world.cast.claim(world.head.0 + 1, world.head.1, &later, &alice.log);
    assert_eq!(world.claim(peer, &later), Err(Refusal::Malformed));
    let mut other = named(&world.cast.certificate(&alice, 0, Standing::Certified));
    other.hash = Hash([7; 32]);
    let mut tool = world.cast.writer(0);
    tool.skip_blobs(9);
    let commit = world.stored_blob(peer, &mut tool, b"commit");
    let claim = Claim { certificates: vec![other], ..tool.claims(commit) };
    let claim = world.cast.claim(world.head.0 + 1, world.head.1, &claim, &tool.log);
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
    let claim = world.cast.claim(world.head.0 + 1, world.head.1, &claim, &alice.log);
    let slot = Slot::truncate(world.head.0 + 1);
    let pointer = WelcomePointer { announcement, slot, claim: claim.entry_hash(), welcome };
    let good = world.cast.welcome(&pointer, &alice.log);
    assert_eq!(
        world.publish(peer, &good),
        Err(Refusal::Gap { next: u32::try_from(world.head.0 + 1).unwrap() })
    );
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

/// `RELAY-18`
#[test]
fn without_a_term_that_names_it_a_relay_decides_nothing() {
    let mut world = World::new();
    let peer = world.peer();
    let own = world.cast.certificate(&world.tool, 0, Standing::Certified);
    world.publish(peer, &own).unwrap();
    let mut tool = world.cast.writer(0);
    let claim = world.whole_claim(peer, &mut tool, 1, Hash::NONE);
    assert_eq!(world.claim(peer, &claim), Ok(SlotAnswer::Pending));
    let elsewhere = world.cast.term(0, Signer::from_seed(&[9; 32]).key(), (0, Hash::NONE));
    world.publish(peer, &elsewhere).unwrap();
    assert_eq!(world.claim(peer, &claim), Ok(SlotAnswer::Pending));
    let here = world.cast.term(1, signer().key(), (0, Hash::NONE));
    world.publish(peer, &here).unwrap();
    assert!(matches!(world.claim(peer, &claim), Ok(SlotAnswer::Won(_))));
    let older = world.cast.term(0, signer().key(), (0, Hash::NONE));
    assert_eq!(world.publish(peer, &older), Err(Refusal::NameTaken));
}
