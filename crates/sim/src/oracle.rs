//! The judge: what must hold in the end, said from notes of its own.

use std::collections::BTreeMap;

use mls_core::{Notice, Policy};
use names::{Name, Rest};
use timeline_core::{Entry, Timeline};

use crate::broken::{Broken, Shell};
use crate::ghost::ghosts;

use crate::world::World;

/// Looks at a world that has come to rest.
pub(crate) fn judge(world: &mut World) {
    read_entries(world);
    let mut wrong = Vec::new();
    agree(world, &mut wrong);
    decided(world, &mut wrong);
    wishes(world, &mut wrong);
    readable(world, &mut wrong);
    unread(world, &mut wrong);
    order(world, &mut wrong);
    ghosts(world, &mut wrong);
    named(world, &mut wrong);
    whole(world, &mut wrong);
    for violation in wrong {
        world.facts.violate(violation);
    }
}

fn live(world: &World) -> impl Iterator<Item = usize> + '_ {
    (0..world.devices.len()).filter(|device| !world.devices[*device].gone)
}

/// One epoch, one slot, one secret.
fn agree(world: &World, wrong: &mut Vec<String>) {
    let Some(team) = world.team else {
        return;
    };
    let mut states = BTreeMap::new();
    // Nobody shows an insider the claim that it has published past its own endpoint.
    for device in live(world).filter(|device| !world.facts.insiders.contains(device)) {
        let Some(endpoint) = &world.devices[device].endpoint else {
            wrong.push(format!("device {device} does not run"));
            continue;
        };
        match endpoint.team_status(team) {
            Ok(Some(status)) if matches!(status.standing, mls_core::TeamStanding::Stalled(_)) => {
                wrong.push(format!("device {device} stands still at slot {}", status.slot.value()));
            }
            Ok(Some(status)) => {
                let authenticator = endpoint.authenticator(team).ok().flatten();
                let state = (status.epoch, status.slot, status.devices, authenticator);
                states.entry(state).or_insert_with(Vec::new).push(device);
            }
            Ok(None) | Err(_) => wrong.push(format!("device {device} is not in the team")),
        }
    }
    if states.len() > 1 {
        let states: Vec<_> = states.iter().map(|(state, who)| (state.0, state.1, who)).collect();
        wrong.push(format!("members disagree: {states:?}"));
    }
}

/// Who is an admin, who is out, and what was agreed on are as admins wished.
fn decided(world: &World, wrong: &mut Vec<String>) {
    let Some(team) = world.team else {
        return;
    };
    let facts = &world.facts;
    for device in live(world).filter(|device| !facts.insiders.contains(device)) {
        let Some(endpoint) = &world.devices[device].endpoint else {
            continue;
        };
        let policy = endpoint.policy(team).unwrap_or_default();
        if policy != Policy::default() && !facts.policies.contains(&policy) {
            wrong.push(format!("device {device} holds to {policy:?}, which nobody wished"));
        }
        for known in endpoint.devices(team).unwrap_or_default() {
            let number = known.number;
            if facts.removed.contains_key(&number) {
                wrong.push(format!("device {device} knows {number:?}, which had to go"));
            }
            let root = number == names::Device::MEMBER_TOOL;
            let admin = root || facts.roles.get(&number).copied().unwrap_or(false);
            if known.admin != admin {
                let says = known.admin;
                wrong.push(format!("device {device} says of {number:?} as an admin: {says}"));
            }
        }
    }
}

/// Every wish has come true once.
fn wishes(world: &World, wrong: &mut Vec<String>) {
    for (hash, device) in &world.facts.invited {
        match world.facts.joined.get(device) {
            Some(_) => {}
            None => wrong.push(format!("device {device} never joined")),
        }
        if !world.facts.told(hash) {
            wrong.push(format!("nobody was told that device {device} was added"));
        }
    }
    for (device, times) in &world.facts.refreshes {
        // Admins commit for others, and newcomers refresh by themselves.
        if *device == 0
            || *device >= world.profile.people
            || world.facts.admins.contains(device)
            || world.facts.was_behind(*device)
            || world.facts.back.contains_key(device)
            || world.facts.restored.contains(device)
            || world.facts.insiders.contains(device)
        {
            continue;
        }
        let number = world.facts.numbers.get(device);
        let claimed = number.and_then(|number| world.facts.claimed.get(number)).copied();
        let claimed = claimed.unwrap_or(0);
        // A clock that is set may be the time of a renewal, and who is behind is added by others.
        let behind = (0..world.devices.len()).any(|device| world.facts.was_behind(device));
        let most = if behind || world.profile.skews > 0 { u32::MAX } else { *times };
        if !world.devices[*device].gone && !(1..=most).contains(&claimed) {
            wrong.push(format!("device {device} refreshed {claimed} times for {times} wishes"));
        }
    }
    for device in &world.facts.unasked {
        if !world.devices[*device].gone && !world.facts.joined.contains_key(device) {
            wrong.push(format!("device {device} never came into the team"));
        }
    }
    for device in &world.facts.returning {
        wrong.push(format!("device {device} never came back"));
    }
    for device in live(world) {
        let endpoint = world.devices[device].endpoint.as_ref();
        if !endpoint.is_some_and(mls_core::Endpoint::is_settled) {
            wrong.push(format!("something still waits on device {device}"));
        }
    }
}

/// Whoever was a member when something was sealed has read it, as it was written.
fn readable(world: &World, wrong: &mut Vec<String>) {
    for (name, said) in &world.facts.said {
        // What came there too late, and is in nobody's vault, nobody can seal again.
        let late = world.facts.late.contains(name) && !is_read(world, *name);
        let excused = said.lost && (late || !world.facts.is_stored(*name, said));
        let insider = world.facts.insiders.contains(&said.device);
        // What waits on a device that is removed never leaves it, also when it comes back.
        let before = world.facts.back.get(&said.device).is_some_and(|back| said.at < *back);
        if world.devices[said.device].gone || excused || insider || before {
            continue;
        }
        let Some(epoch) = world.facts.epochs.get(name) else {
            wrong.push(format!("{name} never left device {}", said.device));
            continue;
        };
        for device in live(world) {
            let since = world.facts.since.get(&device).copied();
            // An old vault may not know any more what it has lost of that time.
            let behind = world.facts.was_behind(device) && world.facts.restored.contains(&device);
            if behind && !said.body.starts_with(LAST) {
                continue;
            }
            // What it had not read when it went it cannot read any more.
            let back = world.facts.away.get(&device).into_iter().flatten();
            let since = back.map(|(_, back)| *back).max().or(since);
            let member = since.is_some_and(|since| since <= *epoch);
            let history = &world.devices[device].vault.history;
            let reads = history.get(name).is_some_and(|opened| opened.unreadable.is_none());
            if member && !reads {
                wrong.push(format!(
                    "device {device}, in the team since epoch {since:?}, cannot read {name} of \
                     device {} from epoch {epoch}, written at {}",
                    said.device, said.at
                ));
            }
        }
    }
}

/// Was somebody who has come back out of the team in an epoch?
fn was_out(world: &World, device: usize, epoch: u64) -> bool {
    let away = world.facts.away.get(&device).into_iter().flatten();
    away.clone().any(|(from, to)| (*from..*to).contains(&epoch))
}

/// Who was out has read nothing of that time.
fn unread(world: &World, wrong: &mut Vec<String>) {
    for device in world.facts.away.keys() {
        for (name, opened) in &world.devices[*device].vault.history {
            let epoch = world.facts.epochs.get(name).filter(|_| opened.unreadable.is_none());
            if epoch.is_some_and(|epoch| was_out(world, *device, *epoch)) {
                wrong.push(format!("device {device} reads {name}, sealed while it was out"));
            }
        }
    }
}

/// Has anybody read a message?
fn is_read(world: &World, name: Name) -> bool {
    let mut read = world.devices.iter().map(|device| device.vault.history.get(&name));
    read.any(|opened| opened.is_some_and(|opened| opened.unreadable.is_none()))
}

/// Has everybody read what is theirs to read, what had to be sealed again too?
pub(crate) fn all_read(world: &World) -> bool {
    let mut wrong = Vec::new();
    readable(world, &mut wrong);
    wrong.is_empty()
}

/// Nothing stands above what it answers, and everybody who has the same sees the same.
fn order(world: &World, wrong: &mut Vec<String>) {
    for device in live(world) {
        let mut channels: BTreeMap<_, Timeline> = BTreeMap::new();
        for opened in world.devices[device].vault.history.values() {
            if opened.unreadable.is_some() {
                continue;
            }
            let blind = world.broken == Some(Broken::Shell(Shell::OrdersByClock));
            let entry = Entry {
                name: opened.name,
                after: if blind { Vec::new() } else { opened.after.clone() },
                thread: opened.thread.filter(|_| !blind),
                author_time_ms: opened.at.0,
            };
            let timeline = channels.entry(opened.channel).or_default();
            if let Err(error) = timeline.insert(entry) {
                wrong.push(format!("device {device} cannot place a message: {error}"));
            }
        }
        for timeline in channels.values() {
            let places: BTreeMap<Name, usize> =
                timeline.iter().map(|at| at.name).zip(0..).collect();
            for (name, place) in &places {
                // What was to have the name of a restored device that was removed is nowhere.
                let opened = world.devices[device].vault.history.get(name);
                let said = world.facts.said.get(name);
                let Some(said) = said.filter(|said| opened.is_none_or(|opened| said.is(opened)))
                else {
                    continue;
                };
                for before in said.after.iter().chain(&said.thread) {
                    if places.get(before).is_some_and(|before| before >= place) {
                        wrong.push(format!("{name} stands above {before} on device {device}"));
                    }
                }
            }
        }
    }
}

/// Whoever showed two histories is named by everybody who was in the team then.
fn named(world: &World, wrong: &mut Vec<String>) {
    let log = |name: &Name| {
        let Rest::Message { channel, device, .. } = name.place().rest else {
            return None;
        };
        Some((channel, device))
    };
    let facts = &world.facts;
    for (name, (hash, device)) in &facts.twins {
        let both = facts.left.get(name).is_some_and(|(left, _)| left != hash);
        let Some(epoch) = facts.epochs.get(name).filter(|_| both) else {
            continue;
        };
        // What comes of the revoked is refused, whatever else it shows.
        if facts
            .removed
            .iter()
            .any(|(number, it)| it.device == *device && facts.out.contains_key(number))
        {
            continue;
        }
        for who in live(world) {
            let member = facts.since.get(&who).is_some_and(|since| since <= epoch);
            // An old vault may have forgotten what it knew of either.
            let excused = facts.insiders.contains(&who) || facts.restored.contains(&who);
            let named = |(by, notice): &(usize, Notice)| {
                let named = if let Notice::Fork { name } = notice { log(name) } else { None };
                *by == who && named == log(name)
            };
            if member && !excused && !facts.notices.iter().any(named) {
                wrong.push(format!("device {who} does not name device {device} for {name}"));
            }
        }
    }
}

/// Nobody honest is said to have shown two histories, also not with an old vault.
fn whole(world: &World, wrong: &mut Vec<String>) {
    for (who, notice) in &world.facts.notices {
        let name = match notice {
            Notice::Fork { name } | Notice::DeviceEquivocates { name, .. } => name,
            _ => continue,
        };
        let Rest::Message { device, .. } = name.place().rest else {
            continue;
        };
        let twin = world.facts.twins.keys().any(
            |twin| matches!(twin.place().rest, Rest::Message { device: of, .. } if of == device),
        );
        if !twin {
            wrong.push(format!("device {who} says that an honest log parts at {name}"));
        }
    }
}

/// The entries that the origin has.
pub(crate) fn read_entries(world: &mut World) {
    let origin = world.origin;
    let (Some(team), Some(relay)) = (world.team, &mut world.relays[origin].relay) else {
        return;
    };
    let prefix = names::Prefix::team_path(team, 1);
    let entries = relay_core::Shelf::behind(relay.shelf_mut(), team, prefix, 0, usize::MAX);
    for kept in entries.unwrap_or_default() {
        let (name, data) = (kept.object.name(), kept.object.data().unwrap_or_default());
        world.facts.stored.insert(name, kept.object.part());
        // It may have been on its way when the vault that sealed it was put back.
        if let Some(epoch) = crate::facts::epoch(data) {
            world.facts.epochs.entry(name).or_insert(epoch);
        }
    }
}

/// The slots that the origin has decided, and since which epoch each device is in the team.
pub(crate) fn read_slots(world: &mut World) {
    let Some(team) = world.team else {
        return;
    };
    let origin = world.origin;
    let Some(relay) = &mut world.relays[origin].relay else {
        return;
    };
    // The member tool has made the team.
    world.facts.since.insert(0, 0);
    let prefix = names::Prefix::team_path(team, 4);
    let claims = relay_core::Shelf::behind(relay.shelf_mut(), team, prefix, 0, usize::MAX);
    let prefix = names::Prefix::team_path(team, 1);
    let entries = relay_core::Shelf::behind(relay.shelf_mut(), team, prefix, 0, usize::MAX);
    let mut epochs = BTreeMap::new();
    let mut founded = world.facts.founded;
    let mut used = BTreeMap::new();
    world.facts.away.clear();
    for kept in claims.unwrap_or_default() {
        if !matches!(kept.object.name().place().rest, Rest::Slot(_)) {
            continue;
        }
        world.facts.counts.commits += 1;
        let Rest::Slot(slot) = kept.object.name().place().rest else {
            continue;
        };
        let Ok(claim) = objects::Claim::parse(kept.object.data().unwrap_or_default()) else {
            continue;
        };
        epochs.insert(slot, claim.epoch.saturating_add(1));
        if world.facts.founded == 0 {
            founded = slot.value();
        } else if slot.value() > world.facts.founded {
            let claimed = world.facts.claimed.entry(claim.device).or_default();
            *claimed = claimed.saturating_add(1);
        }
        for named in &claim.certificates {
            let Rest::Certificate { device, generation } = named.name.place().rest else {
                continue;
            };
            if world.facts.removed.contains_key(&device) && generation.value() > 0 {
                let Rest::Slot(slot) = kept.object.name().place().rest else {
                    continue;
                };
                world.facts.out.insert(device, (slot, claim.epoch.saturating_add(1)));
            }
        }
        for hash in &claim.welcomed {
            let added = claim.epoch.saturating_add(1);
            if world.facts.pool.contains_key(hash)
                && let Some(before) = used.insert(*hash, slot)
            {
                let what = format!("a key package of slot {before:?} is used again in {slot:?}");
                world.facts.violate(what);
            }
            let unasked = world.facts.pool.get(hash).map(|(device, _)| *device);
            let Some(device) = world.facts.invited.get(hash).copied().or(unasked) else {
                continue;
            };
            match world.facts.since.get(&device) {
                None => {
                    world.facts.since.insert(device, added);
                }
                Some(_) => came_again(world, device, added),
            }
        }
    }
    world.facts.founded = founded;
    for kept in entries.unwrap_or_default() {
        let name = kept.object.name();
        let head = epochs.range(..=kept.receipt.head).map(|(_, epoch)| *epoch).max();
        let sealed = world.facts.epochs.get(&name).copied();
        if let (Some(head), Some(sealed)) = (head, sealed)
            && head > sealed.saturating_add(PAST_EPOCHS)
            && world.facts.said.contains_key(&name)
        {
            world.facts.counts.late += 1;
            world.facts.late.insert(name);
        }
    }
}

/// Somebody was welcomed a second time: out since the newest removal before it.
fn came_again(world: &mut World, device: usize, epoch: u64) {
    let facts = &mut world.facts;
    let removed = facts.removed.iter().filter(|(_, removed)| removed.device == device);
    let outs = removed.filter_map(|(number, _)| facts.out.get(number)).map(|(_, out)| *out);
    if let Some(out) = outs.filter(|out| *out <= epoch).max() {
        facts.away.entry(device).or_default().push((out, epoch));
    }
}

/// Secrets of so many past epochs are kept.
const PAST_EPOCHS: u64 = 3;
/// How last words begin.
pub(crate) const LAST: &str = "last word";
