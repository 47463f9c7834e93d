//! One seed, from the founding of a team to the judgement.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::broken::Broken;
use crate::chance::Chance;
use crate::facts::Counts;
use crate::oracle;
use crate::world::{Act, Decision, Event, World};

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was violated; empty when all is well.
    pub violations: Vec<String>,
    /// How much happened.
    pub counts: Counts,
    /// The hash of every frame and of every row, in order.
    pub fingerprint: [u8; 32],
}

/// Runs one seed on this thread. Call [`prepare`] once on the thread before.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    run_broken(seed, None)
}

/// As [`run`], with a rule that nobody keeps.
#[must_use]
pub fn run_broken(seed: u64, broken: Option<Broken>) -> Outcome {
    let mut world = World::new(seed, broken);
    world.facts.trace = std::env::var_os("SIM_TRACE").is_some();
    let ran = catch_unwind(AssertUnwindSafe(|| story(&mut world)));
    if let Err(panic) = ran {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        world.facts.violate(format!("panicked: {what}"));
    }
    Outcome {
        seed,
        violations: world.facts.violations.clone(),
        counts: world.facts.counts,
        fingerprint: world.facts.fingerprint(),
    }
}

/// OpenMLS computes on rayon's pool: here it is this thread, so that order is always the same.
pub fn prepare() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    // The pool is found through this thread, and has to outlive everything that it does.
    std::mem::forget(pool);
}

fn story(world: &mut World) {
    world.found();
    oracle::read_slots(world);
    world.facts.counts = Counts::default();
    if !world.facts.violations.is_empty() {
        return;
    }
    storm(world);
    calm(world);
    oracle::read_slots(world);
    last_words(world);
    oracle::judge(world);
}

/// People talk while everything goes wrong.
fn storm(world: &mut World) {
    let end = world.now.saturating_add(world.profile.storm);
    world.rough = true;
    let mut chance: Chance = world.chance.fork(3);
    let people = world.devices.len();
    for number in 0..world.profile.acts {
        let device = chance.index(people);
        let act = match chance.below(10) {
            0 => Act::Refresh { device },
            1 if number % 3 == 0 => Act::Channel { name: format!("channel {number}") },
            _ => {
                let long = chance.happens(60);
                let text = format!("{number} of device {device} ");
                let text = if long { text.repeat(chance.index(90).max(1)) } else { text };
                Act::Say { device, text }
            }
        };
        let at = chance.between(world.now, end);
        world.at(at, Event::Act(act));
    }
    for number in 0..world.profile.newcomers {
        let device = world.arrive(&format!("Newcomer {number}"));
        let link = world.link();
        let at = chance.between(world.now, end);
        world.at(at, Event::Act(Act::Join { device, link }));
    }
    for _ in 0..world.profile.removals {
        let most = if world.profile.restores > 0 { people - 2 } else { people - 1 };
        let device = chance.between(1, most as u64);
        let device = usize::try_from(device).unwrap_or(1);
        let at = chance.between(world.now, end);
        world.at(at, Event::Act(Act::Decide { by: 0, what: Decision::Remove { device } }));
    }
    world.plan_faults(end);
    world.plan_decisions(end);
    world.plan_returns(end);
    world.plan_scenes(end);
    world.run_until(end);
}

/// Faults stop, everything heals, and time passes until nothing waits.
fn calm(world: &mut World) {
    world.rough = false;
    world.links.cuts.clear();
    world.put_some_right();
    world.all_are_honest();
    let done = world.run_till(MOST_CALM, |world| world.moving.is_none() && world.settled());
    if !done && world.facts.violations.is_empty() {
        let mut waiting = Vec::new();
        for device in &world.devices {
            let Some(endpoint) = device.endpoint.as_ref().filter(|it| !it.is_settled()) else {
                continue;
            };
            let team = world.team.expect("a team");
            let status = endpoint.team_status(team).ok().flatten();
            let status = status.map(|status| (status.queued, status.wishes, status.slot));
            waiting.push(format!("{}: queued, wishes, slot {status:?}", device.name));
        }
        let missing = world.facts.invited.keys().filter(|hash| !world.facts.told(hash)).count();
        world.facts.violate(format!(
            "half an hour after the last fault something still waits: {waiting:?}, {missing} joins"
        ));
    }
    world.run_until(world.now.saturating_add(10_000));
}

/// Everybody says something, and everybody hears it.
fn last_words(world: &mut World) {
    if !world.facts.violations.is_empty() {
        return;
    }
    let live: Vec<usize> =
        (0..world.devices.len()).filter(|device| !world.devices[*device].gone).collect();
    for device in &live {
        world.act(Act::Say { device: *device, text: format!("last word of {device}") });
    }
    let all = live.len();
    world.run_till(MOST_CALM, |world| {
        let last = world.facts.said.iter().filter(|(_, said)| said.body.starts_with(oracle::LAST));
        let last: Vec<_> = last.map(|(name, _)| *name).collect();
        world.settled()
            && last.len() == all
            && last.iter().all(|name| {
                live.iter().all(|device| world.facts.seen.contains_key(&(*device, *name)))
            })
    });
    oracle::read_entries(world);
    world.run_till(MOST_CALM, |world| world.settled() && oracle::all_read(world));
    // A slot that was won just now is still on its way to some.
    for _ in 0..SOME {
        world.run_until(world.now.saturating_add(10_000));
        if world.settled() {
            break;
        }
    }
    let last = world.facts.said.values().filter(|said| said.body.starts_with(oracle::LAST));
    if last.count() < all {
        world.facts.violate("somebody cannot write any more".to_owned());
    }
}

/// Clocks that were set make somebody renew a leaf at any time.
const SOME: usize = 60;
/// Half an hour.
const MOST_CALM: u64 = 1_800_000;
