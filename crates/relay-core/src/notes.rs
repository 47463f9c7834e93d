//! What a relay notes beside its objects: the topics, and what stands there.

use names::{Device, Generation, Name, Prefix, Slot, TeamId};
use objects::Hash;

/// Every team that something is stored of: nothing.
pub(crate) const TEAMS: &[u8] = b"t";
/// Objects without the origin's receipt, by position: name and entry hash.
pub(crate) const UNSETTLED: &[u8] = b"u";

pub(crate) fn team(team: TeamId) -> Vec<u8> {
    [TEAMS, &team_bytes(team)].concat()
}

pub(crate) fn team_of(topic: &[u8]) -> Option<TeamId> {
    let bits = u64::from_be_bytes(topic.strip_prefix(TEAMS)?.try_into().ok()?);
    Some(TeamId {
        origin: names::Origin::truncate(bits >> 38),
        org: names::Org::truncate(bits >> 20),
        team: names::Team::truncate(bits),
    })
}

pub(crate) fn unsettled(position: u64) -> Vec<u8> {
    [UNSETTLED, &position.to_be_bytes()].concat()
}

pub(crate) fn position_of(topic: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(topic.strip_prefix(UNSETTLED)?.try_into().ok()?))
}

/// An object, as a note names it.
pub(crate) fn named(name: Name, hash: &Hash) -> Vec<u8> {
    [&name.bytes()[..], &hash.0].concat()
}

pub(crate) fn read_named(note: &[u8]) -> Option<(Name, Hash)> {
    let (name, hash) = note.split_at_checked(16)?;
    let name = Name::from_bytes(name.try_into().ok()?).ok()?;
    Some((name, Hash(hash.try_into().ok()?)))
}

/// How far a team was read at the parent: the identity of its store, and a position.
pub(crate) fn cursor(team: TeamId) -> Vec<u8> {
    [b"c", &team_bytes(team)[..]].concat()
}

/// The last object of a team that came from here and that the origin has: name and entry hash.
pub(crate) fn last_up(team: TeamId) -> Vec<u8> {
    [b"l", &team_bytes(team)[..]].concat()
}

/// A log that has two histories: nothing.
pub(crate) fn frozen(log: Prefix) -> Vec<u8> {
    [b"f", &log.bits().to_be_bytes()[..]].concat()
}

/// The certificates of a team that took effect: slot and entry hash.
pub(crate) fn effects(team: TeamId) -> Vec<u8> {
    [b"e", &team_bytes(team)[..]].concat()
}

pub(crate) fn effects_of(team: TeamId, device: Device) -> Vec<u8> {
    [effects(team), device.value().to_be_bytes().to_vec()].concat()
}

pub(crate) fn effect(team: TeamId, device: Device, generation: Generation) -> Vec<u8> {
    [effects_of(team, device), generation.value().to_be_bytes().to_vec()].concat()
}

/// The device of the topic of an effect.
pub(crate) fn device_of(topic: &[u8]) -> Option<Device> {
    let (rest, _generation) = topic.split_last_chunk::<8>()?;
    let (_, device) = rest.split_last_chunk::<8>()?;
    Device::new(u64::from_be_bytes(*device)).ok()
}

/// What ends the topic of an effect.
pub(crate) fn generation_of(topic: &[u8]) -> Option<Generation> {
    let (_, generation) = topic.split_last_chunk::<8>()?;
    Generation::new(u64::from_be_bytes(*generation)).ok()
}

pub(crate) fn effect_by(slot: Slot, hash: &Hash) -> Vec<u8> {
    [&slot.value().to_be_bytes()[..], &hash.0].concat()
}

pub(crate) fn read_effect(note: &[u8]) -> Option<(Slot, Hash)> {
    let (slot, hash) = note.split_first_chunk::<8>()?;
    let slot = Slot::new(u64::from_be_bytes(*slot)).ok()?;
    Some((slot, Hash(hash.try_into().ok()?)))
}

/// Two numbers in one note.
pub(crate) fn pair(first: u64, second: u64) -> Vec<u8> {
    [first.to_be_bytes(), second.to_be_bytes()].concat()
}

pub(crate) fn read_pair(note: &[u8]) -> Option<(u64, u64)> {
    let (first, second) = note.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*first), u64::from_be_bytes(second.try_into().ok()?)))
}

fn team_bytes(team: TeamId) -> [u8; 8] {
    let TeamId { origin, org, team } = team;
    (origin.value() << 38 | org.value() << 20 | team.value()).to_be_bytes()
}
