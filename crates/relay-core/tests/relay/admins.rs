//! Who brings certificates into effect, and over whom.

use names::Generation;
use objects::wire::{FromRelay, Refusal, SlotAnswer, SubscriptionStanding};
use objects::{Admin, Claim, Grant, Issuer, Object, Standing};
use relay_core::Peer;

use crate::people::{DAY, Writer, named};
use crate::{World, signer};

/// An admin's standing, and the issuer that it signs as.
fn grant(world: &World, writer: &Writer) -> (Standing, Issuer) {
    let (root, team) = (&world.cast.root, world.cast.team);
    let until = world.now.plus(DAY);
    let admin = Admin::name(root, team, writer.log.key(), objects::Millis(0), until);
    (Standing::Admin(Grant { until, signature: admin.signature }), Issuer::Admin(admin))
}

fn issued(world: &World, by: &Writer, of: &Writer, generation: u64, standing: Standing) -> Object {
    let times = (world.now, world.now.plus(DAY));
    let issuer = grant(world, by).1;
    world.cast.certificate_by(&by.log, issuer, of, generation, standing, times)
}

impl World {
    /// Claims the next slot as `writer`, naming a certificate that is stored.
    fn name(
        &mut self,
        peer: Peer,
        writer: &mut Writer,
        certificate: &Object,
    ) -> Result<SlotAnswer, Refusal> {
        self.publish(peer, certificate)?;
        let commit = self.stored_blob(peer, writer, b"commit");
        let certificates = vec![named(certificate)];
        let claim = Claim { certificates, ..writer.claims(commit) };
        let claim = self.cast.claim(self.head.0 + 1, self.head.1, &claim, &writer.log);
        self.claim(peer, &claim)
    }
}

fn won(answer: &Result<SlotAnswer, Refusal>) -> bool {
    matches!(answer, Ok(SlotAnswer::Won(_)))
}

/// `RELAY-19`
#[test]
fn an_admin_certifies_and_revokes_and_another_device_does_not() {
    let mut world = World::new();
    let (mut ada, mut bob, carol) =
        (world.cast.writer(11), world.cast.writer(12), world.cast.writer(13));
    world.certify(&bob);
    let (standing, _) = grant(&world, &ada);
    let certificate = world.cast.certificate(&ada, 0, standing);
    world.effect(&certificate);
    let peer = world.peer();
    let by_root = world.cast.certificate(&carol, 0, Standing::Certified);
    let refused = world.name(peer, &mut bob, &by_root);
    assert_eq!(refused, Err(Refusal::Uncertified), "no admin's");
    assert!(won(&world.name(peer, &mut ada, &by_root)));
    let revoked = issued(&world, &ada, &carol, 1, Standing::Revoked);
    assert!(won(&world.name(peer, &mut ada, &revoked)));
    let entry = carol.entry(&world.cast, b"late").sign(&carol.log).unwrap();
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Revoked));
    world.now = world.now.plus(DAY);
    let dave = world.cast.writer(14);
    let late = world.cast.certificate(&dave, 0, Standing::Certified);
    assert_eq!(world.name(peer, &mut ada, &late), Err(Refusal::Uncertified), "its time is over");
}

/// `RELAY-19`
#[test]
fn an_admin_names_only_what_the_root_or_itself_issued_and_not_over_admins() {
    let mut world = World::new();
    let (mut ada, eva, bob) = (world.cast.writer(11), world.cast.writer(12), world.cast.writer(13));
    for admin in [&ada, &eva] {
        let (standing, _) = grant(&world, admin);
        let certificate = world.cast.certificate(admin, 0, standing);
        world.effect(&certificate);
    }
    let peer = world.peer();
    let by_another = issued(&world, &eva, &bob, 0, Standing::Certified);
    assert_eq!(world.name(peer, &mut ada, &by_another), Err(Refusal::Uncertified));
    let over_admin = issued(&world, &ada, &eva, 1, Standing::Revoked);
    assert_eq!(world.name(peer, &mut ada, &over_admin), Err(Refusal::Uncertified));
    let tool = world.cast.writer(0);
    let over_tool = issued(&world, &ada, &tool, 1, Standing::Revoked);
    assert_eq!(world.publish(peer, &over_tool), Err(Refusal::Uncertified));
    let (standing, _) = grant(&world, &bob);
    let makes_admin = issued(&world, &ada, &bob, 1, standing);
    assert_eq!(world.publish(peer, &makes_admin), Err(Refusal::Uncertified));
    let by_root = world.cast.certificate(&eva, 2, Standing::Revoked);
    assert!(won(&world.name(peer, &mut ada, &by_root)), "the root may");
    let term = world.cast.term(1, signer().key(), world.head);
    let named_term = world.name(peer, &mut ada, &term);
    assert_eq!(named_term, Err(Refusal::Malformed), "a term is no certificate");
}

/// `RELAY-19`
#[test]
fn an_admin_gives_no_number_another_key_and_takes_no_revocation_back() {
    let mut world = World::new();
    let (mut ada, bob) = (world.cast.writer(11), world.cast.writer(12));
    let mut other = world.cast.writer(12);
    other.log = signer();
    let (standing, _) = grant(&world, &ada);
    let certificate = world.cast.certificate(&ada, 0, standing);
    world.effect(&certificate);
    world.certify(&bob);
    let peer = world.peer();
    let another_key = issued(&world, &ada, &other, 1, Standing::Certified);
    assert_eq!(world.name(peer, &mut ada, &another_key), Err(Refusal::Uncertified));
    let revoked = issued(&world, &ada, &bob, 2, Standing::Revoked);
    assert!(won(&world.name(peer, &mut ada, &revoked)));
    let back = issued(&world, &ada, &bob, 3, Standing::Certified);
    assert_eq!(world.name(peer, &mut ada, &back), Err(Refusal::Uncertified));
    let by_root = world.cast.certificate(&bob, 4, Standing::Certified);
    assert!(won(&world.name(peer, &mut ada, &by_root)), "the root may");
}

/// `RELAY-19`
#[test]
fn the_first_claim_that_names_a_certificate_lets_a_newcomer_read_and_write() {
    let mut world = World::new();
    let mut bob = world.cast.writer(12);
    let admin = world.peer();
    world.found(admin);
    let peer = world.peer();
    world.prove(peer, &bob);
    world.subscribe(peer, 0);
    let subscribed = |standing| FromRelay::Subscribed { id: 1, standing };
    let certificate = world.cast.certificate(&bob, 0, Standing::Certified);
    world.publish(admin, &certificate).unwrap();
    assert_eq!(*world.last_answer(peer), subscribed(SubscriptionStanding::Waiting));
    let entry = bob.say(&world.cast, b"hello");
    assert_eq!(world.publish(admin, &entry), Err(Refusal::Uncertified));
    let claim = world.naming(admin, &[&certificate]);
    assert!(won(&world.claim(admin, &claim)));
    assert_eq!(*world.last_answer(peer), subscribed(SubscriptionStanding::Active));
    assert_eq!(world.names(peer).last(), Some(&claim.name()));
    world.publish(admin, &entry).unwrap();
}

/// `RELAY-28`
#[test]
fn whoever_was_an_admin_once_takes_no_generation_of_anybody() {
    let mut world = World::new();
    let (ada, bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&bob);
    let (standing, _) = grant(&world, &ada);
    let certificate = world.cast.certificate(&ada, 0, standing);
    world.effect(&certificate);
    let revoked = world.cast.certificate(&ada, 1, Standing::Revoked);
    world.effect(&revoked);
    let peer = world.peer();
    for generation in [1, 2, 8, Generation::MAX.value()] {
        let late = issued(&world, &ada, &bob, generation, Standing::Revoked);
        assert_eq!(world.publish(peer, &late), Err(Refusal::Uncertified), "{generation}");
    }
    let by_root = world.cast.certificate(&bob, 1, Standing::Revoked);
    world.effect(&by_root);
}

/// `RELAY-28`
#[test]
fn an_admin_that_takes_all_generations_within_reach_leaves_the_root_its_own() {
    let mut world = World::new();
    let (mut eva, bob) = (world.cast.writer(11), world.cast.writer(12));
    world.certify(&bob);
    let (standing, _) = grant(&world, &eva);
    let certificate = world.cast.certificate(&eva, 0, standing);
    world.effect(&certificate);
    let peer = world.peer();
    for generation in 1..=8 {
        let taken = issued(&world, &eva, &bob, generation, Standing::Certified);
        world.publish(peer, &taken).unwrap();
    }
    for generation in [9, Generation::MAX.value()] {
        let beyond = issued(&world, &eva, &bob, generation, Standing::Certified);
        assert_eq!(world.name(peer, &mut eva, &beyond), Err(Refusal::Uncertified));
    }
    // Its own, an admin does not take at all.
    let own = issued(&world, &eva, &eva, 1, Standing::Certified);
    assert_eq!(world.publish(peer, &own), Err(Refusal::Uncertified));
    for generation in [17, Generation::MAX.value()] {
        let beyond = world.cast.certificate(&bob, generation, Standing::Revoked);
        assert_eq!(world.publish(peer, &beyond), Err(Refusal::Uncertified), "{generation}");
    }
    let (bobs, evas) = (
        world.cast.certificate(&bob, 9, Standing::Revoked),
        world.cast.certificate(&eva, 1, Standing::Revoked),
    );
    world.effect(&bobs);
    world.effect(&evas);
    let entry = bob.entry(&world.cast, b"late").sign(&bob.log).unwrap();
    assert_eq!(world.publish(peer, &entry), Err(Refusal::Revoked));
}
