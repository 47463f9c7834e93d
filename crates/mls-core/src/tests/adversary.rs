use std::rc::Rc;

use names::{Blob, Channel, Device, Generation, Name, Number, Piece, Rest, TeamId};
use objects::{
    BlobRef, Claim, Draft, Hash, Label, Millis, Object, Part, Receipt, Signer, WelcomePointer,
};
use openmls::prelude::LeafNodeIndex;
use openmls_traits::OpenMlsProvider as _;

use super::world::World;
use crate::bound::{BOUND, Bound};
use crate::unsealed::private_message;
use crate::{Answer, Equivocation, Input, Notice, Output, Plaintext, ProofView, Skip, Unreadable};

/// The last entry that a device has at the relay in a channel.
pub(super) fn last_entry(world: &World, team: TeamId, node: usize, channel: Channel) -> Object {
    let device = device(world, team, node);
    let by = |name: &&Name| {
        let rest = name.place().rest;
        name.team() == team
            && matches!(rest, Rest::Message { channel: at, device: of, .. }
                if of == device && at == channel)
    };
    let name = world.relay.order.iter().rev().find(by).unwrap();
    world.relay.get(*name).unwrap().0.clone()
}

pub(super) fn device(world: &World, team: TeamId, node: usize) -> Device {
    world.nodes[node].endpoint.team(team).unwrap().unwrap().own()
}

pub(super) fn log_signer(world: &World, team: TeamId, node: usize) -> Rc<Signer> {
    crate::Endpoint::log_signer(&world.nodes[node].endpoint.team(team).unwrap().unwrap())
}

pub(super) fn signed(name: Name, previous: Hash, data: &[u8], signer: &Signer) -> Object {
    let (created, expires) = (Millis(1_000_000), Millis(u64::MAX / 2));
    Draft { name, created, expires, previous, part: Part::ONLY, data }.sign(signer).unwrap()
}

pub(super) fn arrive(world: &mut World, node: usize, object: &Object) {
    world.give(node, Input::Arrived { object: object.clone(), receipt: None });
}

/// Alice says something that Bob, who is away, has not heard; it is returned.
fn unheard(world: &mut World, team: TeamId, text: &str) -> Object {
    world.nodes[2].go(false);
    world.run();
    world.say(1, team, text);
    world.run();
    last_entry(world, team, 1, world.general(team))
}

/// `MLS-30`
#[test]
fn what_another_key_signed_is_dropped_and_reported() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let real = unheard(&mut world, team, "real");
    let signer = log_signer(&world, team, 2);
    let forged = signed(real.name(), real.previous(), real.data().unwrap(), &signer);
    arrive(&mut world, 2, &forged);
    assert_eq!(world.nodes[2].notices, [Notice::Forged { name: real.name() }]);
    assert_eq!(world.shows(2), []);
    arrive(&mut world, 2, &real);
    assert_eq!(world.shows(2).len(), 1, "the real one is not shadowed");
}

/// `MLS-31`
#[test]
fn a_ciphertext_under_another_name_is_refused_and_burns_no_key() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    let real = unheard(&mut world, team, "real");
    // Carol puts Alice's ciphertext into her own log, with and without Alice's authenticated data.
    let (channel, device) = (world.general(team), device(&world, team, 3));
    let name = team.name(Rest::Message { channel, device, number: Number::ZERO });
    let signer = log_signer(&world, team, 3);
    let moved = signed(name, Hash::NONE, real.data().unwrap(), &signer);
    arrive(&mut world, 2, &moved);
    assert_eq!(world.nodes[2].notices, [Notice::WrongAuthor { name }]);
    let mut data = real.data().unwrap().to_vec();
    let at = data.windows(16).position(|part| part == real.name().bytes()).unwrap();
    let mut bound = Bound::read(&data[at..at + BOUND]).unwrap();
    bound.name = team.name(Rest::Message { channel, device, number: Number::truncate(1) });
    bound.previous = moved.entry_hash();
    data[at..at + BOUND].copy_from_slice(&bound.bytes());
    let name = team.name(Rest::Message { channel, device, number: Number::truncate(1) });
    let adapted = signed(name, moved.entry_hash(), &data, &signer);
    arrive(&mut world, 2, &adapted);
    assert_eq!(world.nodes[2].shown[&name].unreadable, Some(Unreadable::Damaged));
    arrive(&mut world, 2, &real);
    assert_eq!(world.nodes[2].shown[&real.name()].body.reveal(), "real");
}

/// `MLS-32`
#[test]
fn leaf_name_and_signer_must_agree() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    // Somebody with Alice's log key and Carol's leaf writes in Alice's log.
    let (channel, alice) = (world.general(team), device(&world, team, 1));
    let name = team.name(Rest::Message { channel, device: alice, number: Number::ZERO });
    let carol = &mut world.nodes[3].endpoint;
    let row = carol.team(team).unwrap().unwrap();
    let group = carol.groups.get_mut(&team).unwrap();
    let bound = Bound { name, previous: Hash::NONE, head: row.seen_head(false) };
    group.set_aad(bound.bytes());
    let signer = row.leaf_seed.leaf_signer();
    let padded = [&[0, 0][..], &[0; 67]].concat();
    let sealed = group.create_message(&carol.provider, &signer, &padded).unwrap();
    let data = private_message(&sealed).unwrap();
    let object = signed(name, Hash::NONE, &data, &log_signer(&world, team, 1));
    arrive(&mut world, 2, &object);
    assert_eq!(world.nodes[2].notices, [Notice::WrongAuthor { name }]);
    assert!(world.nodes[2].shown.is_empty());
}

/// `MLS-16`
#[test]
fn the_same_entry_twice_is_shown_once() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let real = unheard(&mut world, team, "real");
    for _ in 0..3 {
        arrive(&mut world, 2, &real);
    }
    assert_eq!(world.shows(2).len(), 1);
    assert_eq!(world.nodes[2].notices, []);
}

/// `MLS-33`
#[test]
fn two_histories_of_a_log_freeze_it() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let first = unheard(&mut world, team, "first");
    let Rest::Message { channel, device, .. } = first.name().place().rest else { panic!() };
    let name = team.name(Rest::Message { channel, device, number: Number::truncate(1) });
    let signer = log_signer(&world, team, 1);
    let other = signed(name, Hash([1; 32]), first.data().unwrap(), &signer);
    arrive(&mut world, 2, &first);
    arrive(&mut world, 2, &other);
    let told = [Notice::Fork { name }, Notice::DeviceEquivocates { team, device, name }];
    assert_eq!(world.nodes[2].notices, told);
    world.say(1, team, "second");
    world.run();
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.shows(2).len(), 1);
}

/// `MLS-71`
#[test]
fn whoever_shows_two_histories_is_named_by_all_with_both_headers() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob", "Carol"]);
    world.nodes[3].go(false);
    let first = unheard(&mut world, team, "first");
    let name = first.name();
    let Rest::Message { device, .. } = name.place().rest else { panic!() };
    let other = signed(name, Hash::NONE, b"sealed otherwise", &log_signer(&world, team, 1));
    arrive(&mut world, 2, &first);
    arrive(&mut world, 3, &other);
    world.nodes[2].go(true);
    world.run_for(5_000);
    world.nodes[3].go(true);
    world.run_for(20_000);
    // The admin has seen one history only, and the proof by who saw the other.
    for node in [0, 2, 3] {
        let notices = &world.nodes[node].notices;
        let told = Notice::DeviceEquivocates { team, device, name };
        assert_eq!(
            notices.iter().filter(|notice| **notice == told).count(),
            1,
            "{node}: {notices:?}"
        );
        let proofs = world.nodes[node].endpoint.proofs().unwrap();
        assert_eq!(proofs, [ProofView { team, what: Equivocation::Device { device, name } }]);
    }
}

/// `MLS-34`
#[test]
fn a_gap_is_told_and_closes_when_the_missing_come() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    let mut entries = Vec::new();
    for text in ["a", "b", "c", "d", "e"] {
        world.say(1, team, text);
        world.run();
        entries.push(last_entry(&world, team, 1, world.general(team)));
    }
    let missing =
        |world: &World, index: usize| world.nodes[2].shown[&entries[index].name()].missing_before;
    arrive(&mut world, 2, &entries[0]);
    arrive(&mut world, 2, &entries[4]);
    assert_eq!(missing(&world, 4), 3);
    arrive(&mut world, 2, &entries[2]);
    assert_eq!((missing(&world, 2), missing(&world, 4)), (1, 1));
    arrive(&mut world, 2, &entries[1]);
    arrive(&mut world, 2, &entries[3]);
    assert_eq!((missing(&world, 2), missing(&world, 4)), (0, 0));
    assert_eq!(world.shows(2).len(), 5);
    assert_eq!(world.nodes[2].notices, []);
}

/// `MLS-22`
#[test]
fn what_is_sealed_in_a_later_epoch_waits_for_its_commit() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    world.say(1, team, "later");
    world.run();
    let early = last_entry(&world, team, 1, world.general(team));
    arrive(&mut world, 2, &early);
    assert_eq!(world.shows(2), []);
    world.nodes[2].restart();
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.shows(2).len(), 1);
    assert_eq!(world.nodes[2].notices, []);
}

/// `MLS-12`
#[test]
fn only_the_pinned_relays_receipt_empties_the_outbox() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let (channel, now) = (world.general(team), world.now);
    let endpoint = &mut world.nodes[1].endpoint;
    while endpoint.poll().is_some() {}
    endpoint.send(now, team, channel, Plaintext::from("hi"), None, Vec::new()).unwrap();
    let Some(Output::Publish { id, object }) = endpoint.poll() else { panic!() };
    let other = Signer::from_seed(&[9; 32]);
    let receipt = Receipt::sign(&other, &object, names::Slot::ZERO, now);
    let answer = Answer::Receipt(receipt);
    endpoint.handle(now, Input::Answered { id, answer }).unwrap();
    let name = object.name();
    let notice = endpoint.poll();
    assert!(matches!(notice, Some(Output::Notice(Notice::BadReceipt { name: of })) if of == name));
    assert_eq!(endpoint.team_status(team).unwrap().unwrap().queued, 1);
}

/// A claim by a node for the next slot, with this commit; everything of it at the relay.
pub(super) fn claim(world: &mut World, team: TeamId, node: usize, commit: &[u8]) -> Object {
    claim_with(world, team, node, commit, |_| {})
}

/// The same, with what else the claim is to say.
pub(super) fn claim_with(
    world: &mut World,
    team: TeamId,
    node: usize,
    commit: &[u8],
    also: impl FnOnce(&mut Claim),
) -> Object {
    let signer = log_signer(world, team, node);
    let row = world.nodes[node].endpoint.team(team).unwrap().unwrap();
    let epoch = world.nodes[node].endpoint.team_status(team).unwrap().unwrap().epoch;
    // A number of a blob is used once.
    world.act(node, |endpoint, _| {
        let mut row = row.clone();
        row.next_blob = row.next_blob.wrapping_add(1);
        endpoint.put_team(team, &row).unwrap();
    });
    let blob = Blob::truncate(row.next_blob);
    let place = |piece| Rest::Blob { device: row.own(), blob, piece };
    let mut piece = Piece::ZERO;
    let count = u16::try_from(commit.chunks(1024).count()).unwrap();
    for (index, data) in (0..count).zip(commit.chunks(1024)) {
        let draft = Draft {
            name: team.name(place(piece)),
            created: world.now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part { index, count },
            data,
        };
        world.relay.publish(&draft.sign(&signer).unwrap());
        piece = piece.next().unwrap();
    }
    let blob = BlobRef {
        first: team.name(place(Piece::ZERO)),
        pieces: count,
        len: u32::try_from(commit.len()).unwrap(),
        hash: Hash::of(Label::Blob, commit),
    };
    let mut claim = Claim {
        epoch,
        device: row.own(),
        generation: Generation::ZERO,
        commit: blob,
        welcome: None,
        tree: None,
        skips: None,
        certificates: Vec::new(),
        welcomed: Vec::new(),
    };
    also(&mut claim);
    let (slot, previous) = row.head();
    let name = team.name(Rest::Slot(slot.next().unwrap()));
    let object = signed(name, previous, &claim.bytes(), &signer);
    assert!(matches!(world.relay.claim(&object), Answer::Receipt(_)));
    object
}

/// The next slot goes to garbage; everybody skips it, and the team goes on.
fn is_skipped(world: &mut World, team: TeamId, liar: usize, why: Skip) {
    world.nodes[liar].go(false);
    world.run();
    for node in (0..3).filter(|node| *node != liar) {
        assert!(
            matches!(world.nodes[node].notices[..], [Notice::Skipped { why: told, .. }] if told == why),
            "node {node}: {:?}",
            world.nodes[node].notices
        );
        let status = world.nodes[node].endpoint.team_status(team).unwrap().unwrap();
        assert_eq!(status.standing, crate::TeamStanding::Member);
    }
    world.act(0, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let [a, b] = [0, if liar == 1 { 2 } else { 1 }]
        .map(|node| world.nodes[node].endpoint.team_status(team).unwrap().unwrap());
    assert_eq!((a.epoch, a.slot), (b.epoch, b.slot));
    assert_eq!(a.wishes, 0);
}

/// `MLS-23`
#[test]
fn a_commit_that_is_none_is_skipped_by_all() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    claim(&mut world, team, 1, b"this is no commit");
    is_skipped(&mut world, team, 1, Skip::NotValid);
}

/// `MLS-24`
#[test]
fn only_the_member_tool_may_remove() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let alice = &mut world.nodes[1].endpoint;
    let row = alice.team(team).unwrap().unwrap();
    let signer = row.leaf_seed.leaf_signer();
    let group = alice.groups.get_mut(&team).unwrap();
    let other = (0..3).map(LeafNodeIndex::new).find(|leaf| *leaf != group.own_leaf_index());
    let commit = group
        .commit_builder()
        .propose_removals(other)
        .load_psks(alice.provider.storage())
        .unwrap()
        .build(alice.provider.rand(), alice.provider.crypto(), &signer, |_| true)
        .unwrap()
        .stage_commit(&alice.provider)
        .unwrap();
    let commit = private_message(commit.commit()).unwrap();
    claim(&mut world, team, 1, &commit);
    is_skipped(&mut world, team, 1, Skip::Policy);
}

/// `MLS-23`
#[test]
fn a_commit_of_another_epoch_is_skipped_by_all() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    let signer = log_signer(&world, team, 1);
    let row = world.nodes[1].endpoint.team(team).unwrap().unwrap();
    let (slot, previous) = row.head();
    let blob =
        Rest::Blob { device: row.own(), blob: Blob::truncate(row.next_blob), piece: Piece::ZERO };
    let blob = team.name(blob);
    world.relay.publish(&signed(blob, Hash::NONE, b"old", &signer));
    let claim = Claim {
        epoch: 0,
        device: row.own(),
        generation: Generation::ZERO,
        commit: BlobRef { first: blob, pieces: 1, len: 3, hash: Hash::of(Label::Blob, b"old") },
        welcome: None,
        tree: None,
        skips: None,
        certificates: Vec::new(),
        welcomed: Vec::new(),
    };
    let name = team.name(Rest::Slot(slot.next().unwrap()));
    let object = signed(name, previous, &claim.bytes(), &signer);
    assert!(matches!(world.relay.claim(&object), Answer::Receipt(_)));
    is_skipped(&mut world, team, 1, Skip::WrongEpoch);
}

/// `MLS-26`
#[test]
fn a_claim_without_the_origins_receipt_is_nothing() {
    let (mut world, team) = World::team(&["Admin", "Alice", "Bob"]);
    world.nodes[2].go(false);
    world.run();
    world.act(1, |endpoint, now| endpoint.refresh(now, team).unwrap());
    world.run();
    let slot = world.nodes[1].endpoint.team_status(team).unwrap().unwrap().slot;
    let name = team.name(Rest::Slot(slot));
    let (object, real) = world.relay.get(name).cloned().unwrap();
    let before = world.nodes[2].endpoint.team_status(team).unwrap().unwrap().slot;
    let forged = Receipt::sign(&Signer::from_seed(&[9; 32]), &object, slot, real.at);
    for receipt in [None, Some(forged)] {
        world.give(2, Input::Arrived { object: object.clone(), receipt });
        let status = world.nodes[2].endpoint.team_status(team).unwrap().unwrap();
        assert_eq!(status.slot, before);
    }
    assert_eq!(world.nodes[2].notices, [Notice::BadReceipt { name }]);
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.nodes[2].endpoint.team_status(team).unwrap().unwrap().slot, slot);
}

/// `MLS-11`
#[test]
fn a_welcome_that_the_admin_did_not_point_to_is_refused() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    world.invite(team, 1);
    let link = world.nodes[0].endpoint.team_link(team).unwrap().unwrap();
    let joining = world.act(2, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    world.nodes[2].go(false);
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
    world.run();
    let name = team.name(WelcomePointer::rest(&joining.hash));
    let (real, _) = world.relay.get(name).cloned().unwrap();
    // Alice points to the same welcome: she may not.
    let forged = signed(name, Hash::NONE, real.data().unwrap(), &log_signer(&world, team, 1));
    arrive(&mut world, 2, &forged);
    world.nodes[2].go(true);
    world.run();
    assert_eq!(world.nodes[2].notices, [Notice::BadWelcome { team }]);
    assert_eq!(world.nodes[2].endpoint.teams().unwrap().len(), 1, "the real pointer counts");
}

/// `MLS-11`
#[test]
fn only_announcements_for_this_team_and_with_the_right_hash_are_added() {
    let mut world = World::new(&["Admin", "Alice", "Bob"]);
    let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
    let other = world.act(0, |endpoint, now| endpoint.create_team(now, "Other").unwrap());
    let link = world.nodes[0].endpoint.team_link(other).unwrap().unwrap();
    let joining = world.act(1, |endpoint, now| endpoint.join(now, &link).unwrap());
    world.run();
    let mut wrong = joining.hash;
    // The fingerprint in the name is the same, the rest of the hash is not.
    wrong.0[31] ^= 1;
    let cases = [
        (team, joining.hash, crate::NotAdded::NoSuchAnnouncement),
        (other, wrong, crate::NotAdded::NoSuchAnnouncement),
    ];
    for (team, hash, why) in cases {
        world.act(0, |endpoint, now| endpoint.add_device(now, team, hash).unwrap());
        world.run_for(15_000);
        assert_eq!(world.nodes[0].added.pop(), Some((hash, Err(why))));
    }
    let later = Millis(world.now.0 + 91 * 24 * 3_600_000);
    // The origin's clock says so; ours alone does not.
    world.relay.now = later;
    world.act(0, |endpoint, now| endpoint.refresh(now, other).unwrap());
    world.run();
    world.act(0, |endpoint, now| endpoint.add_device(now, other, joining.hash).unwrap());
    world.run();
    let expired = (joining.hash, Err(crate::NotAdded::Expired));
    assert_eq!(world.nodes[0].added.pop(), Some(expired));
    let refused = world.nodes[1].endpoint.add_device(later, other, joining.hash);
    assert_eq!(refused, Err(crate::AddDeviceError::NoSuchTeam));
}

/// `MLS-35`
#[test]
fn an_entry_of_ours_that_we_do_not_know_is_told() {
    let (mut world, team) = World::team(&["Admin", "Alice"]);
    let (channel, device) = (world.general(team), device(&world, team, 1));
    let name = team.name(Rest::Message { channel, device, number: Number::truncate(5) });
    let ours = signed(name, Hash::NONE, b"from the future", &log_signer(&world, team, 1));
    arrive(&mut world, 1, &ours);
    let told = [Notice::RestoredVault { name }, Notice::Rejoining { team }];
    assert_eq!(world.nodes[1].notices, told);
}
