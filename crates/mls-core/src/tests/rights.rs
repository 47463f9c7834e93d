//! Certificates and what claims may do: who adds, removes, issues; and what the removed keep.

use names::{Device, Generation, Rest, TeamId};
use objects::{
    Admin, Certificate, Draft, Grant, Hash, Issuer, Millis, Named, Object, Part, Signer, Standing,
};
use openmls::prelude::{CommitBuilder, Extensions, GroupContext, Initial, LeafNodeIndex, MlsGroup};
use openmls_traits::OpenMlsProvider as _;

use super::adversary::{arrive, claim_with, device, last_entry, log_signer, signed};
use super::stalls::{all_is_well, own};
use super::world::World;
use crate::identity::Leaf;
use crate::rows::Table;
use crate::state::Stage;
use crate::unsealed::private_message;
use crate::{Notice, Policy, SendError, Skip};

/// The root's word on a device: its newest key, another standing.
pub(super) fn certificate(
    world: &World,
    team: TeamId,
    device: Device,
    generation: u64,
    standing: Standing,
    issuer: Option<(&Signer, Admin)>,
) -> Object {
    let endpoint = &world.nodes[0].endpoint;
    let root = endpoint.org_row().unwrap().unwrap().seed.signer();
    let known = world.relay.certificate(team, device);
    let (log_key, credential) = known
        .map_or((Signer::from_seed(&[5; 32]).key(), Hash([5; 32])), |known| {
            (known.log_key, known.credential)
        });
    let certificate = Certificate {
        standing,
        log_key,
        credential,
        from: Millis(0),
        until: Millis::NEVER,
        issuer: issuer.map_or(Issuer::Root, |(_, admin)| Issuer::Admin(admin)),
    };
    let signer = issuer.map_or(&*root, |(signer, _)| signer);
    signed_certificate(world, team, device, generation, &certificate, signer)
}

fn signed_certificate(
    world: &World,
    team: TeamId,
    device: Device,
    generation: u64,
    certificate: &Certificate,
    signer: &Signer,
) -> Object {
    let draft = Draft {
        name: team.name(Rest::Certificate { device, generation: Generation::truncate(generation) }),
        created: world.now,
        expires: Millis::NEVER,
        previous: Hash::NONE,
        part: Part::ONLY,
        data: &certificate.bytes(),
    };
    draft.sign(signer).unwrap()
}

/// What makes a device an admin.
pub(super) fn grant(world: &World, team: TeamId, node: usize) -> (Standing, Admin) {
    let root = world.nodes[0].endpoint.org_row().unwrap().unwrap().seed.signer();
    let key = log_signer(world, team, node).key();
    let admin = Admin::name(&root, team, key, Millis(0), Millis::NEVER);
    (Standing::Admin(Grant { until: admin.until, signature: admin.signature }), admin)
}

/// A claim by a node: its commit as `build` makes it, naming certificates. The node knows it as
/// its own.
pub(super) fn commits(
    world: &mut World,
    team: TeamId,
    node: usize,
    certificates: &[Object],
    build: impl Fn(CommitBuilder<'_, Initial>) -> CommitBuilder<'_, Initial>,
) -> Object {
    for certificate in certificates {
        world.relay.publish(certificate);
    }
    let endpoint = &mut world.nodes[node].endpoint;
    let signer = endpoint.team(team).unwrap().unwrap().leaf_seed.leaf_signer();
    let group = endpoint.groups.get_mut(&team).unwrap();
    let (rand, crypto) = (endpoint.provider.rand(), endpoint.provider.crypto());
    let bundle = build(group.commit_builder().force_self_update(true))
        .load_psks(endpoint.provider.storage())
        .unwrap()
        .build(rand, crypto, &signer, |_| true)
        .unwrap()
        .stage_commit(&endpoint.provider)
        .unwrap();
    let bytes = private_message(bundle.commit()).unwrap();
    let object = claim_with(world, team, node, &bytes, |claim| {
        claim.certificates = certificates
            .iter()
            .map(|object| Named { name: object.name(), hash: object.entry_hash() })
            .collect();
    });
    own(world, team, node, &object);
    object
}

fn leaf(group: &MlsGroup, device: Device) -> LeafNodeIndex {
    let is = |credential: &openmls::prelude::Credential| {
        Leaf::read(credential.serialized_content()).is_some_and(|leaf| leaf.device == device)
    };
    group.members().find(|member| is(&member.credential)).unwrap().index
}

pub(super) fn leaf_at(world: &World, team: TeamId, node: usize, device: Device) -> LeafNodeIndex {
    leaf(&world.nodes[node].endpoint.groups[&team], device)
}

fn stage(world: &World, node: usize, team: TeamId) -> Stage {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().stage.clone()
}

fn devices(world: &World, node: usize, team: TeamId) -> u32 {
    world.nodes[node].endpoint.team_status(team).unwrap().unwrap().devices
}

pub(super) fn skipped(world: &World, node: usize, why: Skip) -> bool {
    let notices = &world.nodes[node].notices;
    notices.iter().any(|notice| matches!(notice, Notice::Skipped { why: told, .. } if *told == why))
}

/// `MLS-42`
#[test]
fn a_certificate_counts_from_the_claim_that_names_it() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let bob = Device::truncate(77);
    let object = certificate(&world, team, bob, 0, Standing::Certified, None);
    world.relay.publish(&object);
    world.run();
    let known = |world: &World, node: usize| {
        world.nodes[node].endpoint.certificate(team, bob).unwrap().is_some()
    };
    assert!(!known(&world, 0) && !known(&world, 1), "no claim has named it");
    world.nodes[1].restart();
    // The commit is skipped, and the certificate counts all the same.
    world.nodes[1].go(false);
    world.run();
    let named = object.clone();
    claim_with(&mut world, team, 0, b"no commit", |claim| {
        claim.certificates = vec![Named { name: named.name(), hash: named.entry_hash() }];
        claim.epoch += 5;
    });
    world.nodes[1].go(true);
    world.run();
    assert!(skipped(&world, 1, Skip::WrongEpoch));
    assert!(known(&world, 0) && known(&world, 1));
}

/// `MLS-42`
#[test]
fn a_claim_waits_for_the_certificates_that_it_names() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    world.nodes[1].go(false);
    world.run();
    let object = certificate(&world, team, Device::truncate(77), 0, Standing::Certified, None);
    let claim = commits(&mut world, team, 0, std::slice::from_ref(&object), |builder| builder);
    let (_, receipt) = world.relay.get(claim.name()).cloned().unwrap();
    let slot = |world: &World| world.nodes[1].endpoint.team(team).unwrap().unwrap().head().0;
    let before = slot(&world);
    for piece in world.relay.order.clone() {
        if matches!(piece.place().rest, Rest::Blob { .. }) {
            let (object, _) = world.relay.get(piece).cloned().unwrap();
            arrive(&mut world, 1, &object);
        }
    }
    world.give(1, crate::Input::Arrived { object: claim, receipt: Some(receipt) });
    assert_eq!(slot(&world), before);
    arrive(&mut world, 1, &object);
    assert_eq!(slot(&world), before.next().unwrap());
    assert_eq!(world.nodes[1].notices, []);
}

/// `MLS-42`
#[test]
fn only_admins_name_certificates_and_only_what_is_theirs() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let [alice, bob, carol] = [1, 2, 3].map(|node| device(&world, team, node));
    let signer = log_signer(&world, team, 1);
    let (standing, grant_of_alice) = grant(&world, team, 1);
    let by_alice = Some((&*signer, grant_of_alice));
    let standing_of = |world: &World, device: Device| {
        let endpoint = &world.nodes[0].endpoint;
        endpoint.certificate(team, device).unwrap().map(|known| known.standing)
    };
    // Alice is no admin yet: what she names is nothing, and neither is her claim.
    let somebody = Device::truncate(77);
    let object = certificate(&world, team, somebody, 0, Standing::Certified, by_alice);
    commits(&mut world, team, 1, &[object], |builder| builder);
    world.run();
    assert!(skipped(&world, 0, Skip::BadClaim) && skipped(&world, 1, Skip::BadClaim));
    assert_eq!(standing_of(&world, somebody), None);
    // The root makes her one.
    let admin = certificate(&world, team, alice, 1, standing, None);
    commits(&mut world, team, 0, &[admin], |builder| builder);
    world.run();
    assert!(world.nodes[2].endpoint.administers(team, alice).unwrap());
    // Over admins only the root has power.
    let (standing, _) = grant(&world, team, 3);
    let carols = certificate(&world, team, carol, 1, standing, None);
    commits(&mut world, team, 0, &[carols], |builder| builder);
    world.run();
    let revoked = certificate(&world, team, carol, 2, Standing::Revoked, by_alice);
    let index = leaf_at(&world, team, 1, carol);
    world.nodes[2].notices.clear();
    commits(&mut world, team, 1, &[revoked], |builder| builder.propose_removals([index]));
    world.run();
    assert!(skipped(&world, 2, Skip::BadClaim));
    // Over others, she has.
    let revoked = certificate(&world, team, bob, 1, Standing::Revoked, by_alice);
    let index = leaf_at(&world, team, 1, bob);
    commits(&mut world, team, 1, &[revoked], |builder| builder.propose_removals([index]));
    world.run();
    assert_eq!(standing_of(&world, bob), Some(Standing::Revoked));
    assert_eq!((devices(&world, 0, team), devices(&world, 1, team)), (3, 3));
}

/// `MLS-42`
#[test]
fn an_admin_gives_no_number_another_key_and_takes_no_revocation_back() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let [alice, bob] = [1, 2].map(|node| device(&world, team, node));
    let signer = log_signer(&world, team, 1);
    let (standing, grant_of_alice) = grant(&world, team, 1);
    let admin = certificate(&world, team, alice, 1, standing, None);
    commits(&mut world, team, 0, &[admin], |builder| builder);
    world.run();
    let known = |world: &World| world.nodes[3].endpoint.certificate(team, bob).unwrap().unwrap();
    let before = known(&world);
    let issuer = Issuer::Admin(grant_of_alice);
    let another_key = Certificate { log_key: signer.key(), issuer, ..before };
    let object = signed_certificate(&world, team, bob, 1, &another_key, &signer);
    commits(&mut world, team, 1, &[object], |builder| builder);
    world.run();
    assert!(skipped(&world, 3, Skip::BadClaim));
    assert_eq!(known(&world), before);
    let revoked = Certificate { standing: Standing::Revoked, issuer, ..before };
    let object = signed_certificate(&world, team, bob, 2, &revoked, &signer);
    let index = leaf_at(&world, team, 1, bob);
    commits(&mut world, team, 1, &[object], |builder| builder.propose_removals([index]));
    world.run();
    assert_eq!(known(&world), revoked);
    world.nodes[3].notices.clear();
    let back = Certificate { standing: Standing::Certified, issuer, ..before };
    let object = signed_certificate(&world, team, bob, 3, &back, &signer);
    commits(&mut world, team, 1, &[object], |builder| builder);
    world.run();
    assert!(skipped(&world, 3, Skip::BadClaim));
    assert_eq!(known(&world), revoked);
}

/// `MLS-42`
#[test]
fn nobody_but_the_root_issues_the_member_tools_certificate() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let (_, admin) = grant(&world, team, 1);
    let signer = log_signer(&world, team, 1);
    let tool = Device::MEMBER_TOOL;
    let object = certificate(&world, team, tool, 1, Standing::Revoked, Some((&*signer, admin)));
    arrive(&mut world, 2, &object);
    assert_eq!(world.nodes[2].notices, [Notice::Forged { name: object.name() }]);
    assert!(world.nodes[2].endpoint.administers(team, tool).unwrap());
}

/// `MLS-43`
#[test]
fn removal_and_revocation_go_together() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let bob = device(&world, team, 2);
    world.say(1, team, "before");
    world.run();
    // A removal without revocation, and a revocation without removal, are no commits for anybody.
    let index = leaf_at(&world, team, 1, bob);
    commits(&mut world, team, 0, &[], |builder| builder.propose_removals([index]));
    world.run();
    for node in 1..4 {
        assert!(skipped(&world, node, Skip::Policy), "node {node}");
        assert_eq!(devices(&world, node, team), 4);
    }
}

/// `MLS-43`
#[test]
fn the_removed_lose_their_keys_and_keep_what_they_read() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let bob = device(&world, team, 2);
    world.say(1, team, "before");
    world.run();
    let object = certificate(&world, team, bob, 1, Standing::Revoked, None);
    let index = leaf_at(&world, team, 0, bob);
    let claim = commits(&mut world, team, 0, std::slice::from_ref(&object), |builder| {
        builder.propose_removals([index])
    });
    // The relay may still tell those who are reading now.
    let (_, receipt) = world.relay.get(claim.name()).cloned().unwrap();
    arrive(&mut world, 2, &object);
    world.give(2, crate::Input::Arrived { object: claim, receipt: Some(receipt) });
    world.run();
    assert_eq!(world.nodes[2].notices, [Notice::Removed { team }]);
    assert!(stage(&world, 2, team) == Stage::Removed);
    assert_eq!(world.shows(2).len(), 1, "what was read stays");
    let endpoint = &world.nodes[2].endpoint;
    assert!(endpoint.subscriptions().is_empty());
    let [left] = endpoint.teams().unwrap().try_into().unwrap();
    assert_eq!(left.removed.unwrap().user, "Admin");
    assert!(!endpoint.groups.contains_key(&team));
    for table in [Table::Intent, Table::Claim, Table::Part, Table::Outbox] {
        assert_eq!(endpoint.rows().count(table, &[]), 0, "{table:?}");
    }
    let row = endpoint.team(team).unwrap().unwrap();
    assert_eq!(row.log_seed.signer().key(), Signer::from_seed(&[0; 32]).key());
    let (now, channel) = (world.now, world.general(team));
    let endpoint = &mut world.nodes[2].endpoint;
    let refused = endpoint.send(now, team, channel, "hi".into(), None, Vec::new());
    assert_eq!(refused, Err(SendError::NoSuchTeam));
    world.nodes[2].restart();
    assert!(world.nodes[2].endpoint.subscriptions().is_empty());
    for node in [0, 1, 3] {
        assert_eq!(devices(&world, node, team), 3, "node {node}");
        assert_eq!(world.nodes[node].notices, [], "node {node}");
    }
    // It comes back as somebody new, where it left the order of slots.
    world.invite(team, 2);
    world.run();
    world.nodes[2].notices.clear();
    all_is_well(&mut world, team);
    assert_ne!(device(&world, team, 2), bob);
}

/// `MLS-44`
#[test]
fn what_the_revoked_write_is_refused() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let bob = device(&world, team, 2);
    let signer = log_signer(&world, team, 2);
    world.say(2, team, "before");
    world.run();
    let last = last_entry(&world, team, 2, world.general(team));
    let object = certificate(&world, team, bob, 1, Standing::Revoked, None);
    let index = leaf_at(&world, team, 0, bob);
    commits(&mut world, team, 0, &[object], |builder| builder.propose_removals([index]));
    world.run();
    let Rest::Message { channel, device, number } = last.name().place().rest else { panic!() };
    let name = team.name(Rest::Message { channel, device, number: number.next().unwrap() });
    let late = signed(name, last.entry_hash(), last.data().unwrap(), &signer);
    arrive(&mut world, 1, &late);
    assert_eq!(world.nodes[1].notices, [Notice::Forged { name }]);
    assert_eq!(world.shows(1).len(), 1);
    // Neither does its claim count.
    let before = world.nodes[1].endpoint.team(team).unwrap().unwrap().head().0;
    let claim = signed(
        team.name(Rest::Slot(before.next().unwrap())),
        world.nodes[1].endpoint.team(team).unwrap().unwrap().head().1,
        b"",
        &signer,
    );
    let receipt = world.relay.store(&claim);
    let head = before.next().unwrap();
    let receipt = objects::Receipt::sign(&world.relay.origin, &claim, head, receipt.at);
    world.give(1, crate::Input::Arrived { object: claim, receipt: Some(receipt) });
    assert!(skipped(&world, 1, Skip::BadClaim));
}

/// A member proposes other extensions of the group; everybody else passes over it, and goes on.
fn policy_is_refused(liar: usize, extensions: &Extensions<GroupContext>) {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let before = world.nodes[2].endpoint.policy(team).unwrap();
    commits(&mut world, team, liar, &[], |builder| {
        builder.propose_group_context_extensions(extensions.clone()).unwrap()
    });
    // Its own software takes what it has made for good.
    world.nodes[liar].go(false);
    world.run();
    world.act(2, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let others: Vec<usize> = (0..4).filter(|node| *node != liar).collect();
    let slot = |node: usize| world.nodes[node].endpoint.team_status(team).unwrap().unwrap().slot;
    for node in others.iter().copied() {
        assert!(skipped(&world, node, Skip::Policy), "{:?}", world.nodes[node].notices);
        assert_eq!(world.nodes[node].endpoint.policy(team), Some(before), "node {node}");
        assert_eq!(slot(node), slot(2), "node {node}");
        assert!(world.nodes[node].endpoint.is_settled(), "node {node}");
    }
}

/// `MLS-84`
#[test]
fn a_policy_of_somebody_who_is_no_admin_is_skipped_by_all() {
    let mine = Policy { max_offline_send: 60_000, refresh_every: 60_000 };
    policy_is_refused(1, &mine.extensions().unwrap());
}

/// `MLS-84`
#[test]
fn nobody_takes_the_policy_away() {
    policy_is_refused(1, &Extensions::empty());
    policy_is_refused(0, &Extensions::empty());
}

/// `MLS-42`
#[test]
fn generations_that_an_admin_has_taken_stop_nobody_for_good() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let [alice, bob, carol] = [1, 2, 3].map(|node| device(&world, team, node));
    let signer = log_signer(&world, team, 1);
    let (_, admin) = grant(&world, team, 1);
    for (node, role) in [(0, true), (0, false)] {
        world.act(node, |endpoint, now| endpoint.set_role(now, team, alice, role).unwrap());
        world.run();
    }
    // What somebody stored who was an admin once, as no relay should.
    let highest = Generation::MAX.value();
    let by_alice = Some((&*signer, admin));
    let squat = certificate(&world, team, bob, highest, Standing::Certified, by_alice);
    world.relay.store(&squat);
    for generation in 1..=8 {
        let by_alice = Some((&*signer, admin));
        let squat = certificate(&world, team, carol, generation, Standing::Certified, by_alice);
        world.relay.store(&squat);
    }
    world.run();
    for device in [bob, carol] {
        world.act(0, |endpoint, now| endpoint.remove_device(now, team, device).unwrap());
        world.run();
        assert_eq!(world.nodes[0].wished.last(), Some(&(crate::Wish::Remove(device), Ok(()))));
    }
    assert_eq!(devices(&world, 1, team), 2);
}

/// `MLS-42`
#[test]
fn a_wish_for_which_no_generation_is_left_to_an_admin_ends_and_the_root_has_its_own() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let [alice, bob, carol] = [1, 2, 3].map(|node| device(&world, team, node));
    let (_, grant_of_carol) = grant(&world, team, 3);
    let signer = log_signer(&world, team, 3);
    for admin in [alice, carol] {
        world.act(0, |endpoint, now| endpoint.set_role(now, team, admin, true).unwrap());
        world.run();
    }
    for generation in 1..=8 {
        let by_carol = Some((&*signer, grant_of_carol));
        let squat = certificate(&world, team, bob, generation, Standing::Certified, by_carol);
        world.relay.store(&squat);
    }
    world.run();
    world.act(1, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    let taken = (crate::Wish::Remove(bob), Err(crate::NotDone::NumbersTaken));
    assert_eq!(world.nodes[1].wished.last(), Some(&taken));
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(crate::Wish::Remove(bob), Ok(()))));
    assert_eq!(devices(&world, 1, team), 3);
}

/// `MLS-42`
#[test]
fn an_admin_names_no_generation_behind_which_nobody_could_revoke() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let [alice, bob] = [1, 2].map(|node| device(&world, team, node));
    let (_, admin) = grant(&world, team, 1);
    let signer = log_signer(&world, team, 1);
    world.act(0, |endpoint, now| endpoint.set_role(now, team, alice, true).unwrap());
    world.run();
    let highest = Generation::MAX.value();
    let by_alice = Some((&*signer, admin));
    let object = certificate(&world, team, bob, highest, Standing::Certified, by_alice);
    commits(&mut world, team, 1, &[object], |builder| builder);
    world.run();
    assert!(skipped(&world, 0, Skip::BadClaim) && skipped(&world, 2, Skip::BadClaim));
    world.act(0, |endpoint, now| endpoint.remove_device(now, team, bob).unwrap());
    world.run();
    assert_eq!(world.nodes[0].wished.last(), Some(&(crate::Wish::Remove(bob), Ok(()))));
}
