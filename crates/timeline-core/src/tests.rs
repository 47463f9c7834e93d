//! Scripts, and the machine against a slow and simple one.

use std::collections::{BTreeMap, BTreeSet};

use names::{Channel, Device, Name, Number, Org, Origin, Rest, Slot, Team, TeamId};
use proptest::prelude::*;

use crate::{Entry, InsertError, MAX_AFTER, MAX_TIME_MS, Position, Timeline};

fn team() -> TeamId {
    TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) }
}

fn name(device: u64, number: u64) -> Name {
    team().name(Rest::Message {
        channel: Channel::truncate(4),
        device: Device::truncate(device),
        number: Number::truncate(number),
    })
}

fn entry(name: Name, time: u64, after: &[Name]) -> Entry {
    Entry { name, after: after.to_vec(), thread: None, author_time_ms: time }
}

fn reply(name: Name, time: u64, parent: Name) -> Entry {
    Entry { name, after: Vec::new(), thread: Some(parent), author_time_ms: time }
}

fn filled(entries: &[Entry]) -> Timeline {
    let mut timeline = Timeline::new();
    for entry in entries {
        timeline.insert(entry.clone()).unwrap();
    }
    timeline
}

fn shown(timeline: &Timeline) -> Vec<Name> {
    timeline.iter().map(|position| position.name).collect()
}

/// `TIMELINE-01`
#[test]
fn an_answer_stands_below_what_its_author_had_seen_however_wrong_a_clock_is() {
    let (question, answer, other) = (name(1, 1), name(2, 1), name(3, 1));
    let timeline = filled(&[
        entry(question, 9_000_000, &[]),
        entry(answer, 5, &[question]),
        entry(other, 8_999_999, &[]),
    ]);
    assert_eq!(shown(&timeline), [other, question, answer]);
    assert_eq!(timeline.position(answer).unwrap().hybrid_ms, 9_000_001);
}

/// `TIMELINE-01`
#[test]
fn even_the_latest_clock_leaves_room_below() {
    let (first, second, third) = (name(3, 1), name(2, 1), name(1, 1));
    let timeline = filled(&[
        entry(first, u64::MAX, &[]),
        reply(second, u64::MAX, first),
        entry(third, 0, &[second]),
    ]);
    assert_eq!(shown(&timeline), [first, second, third]);
    assert_eq!(timeline.position(third).unwrap().hybrid_ms, MAX_TIME_MS + 2);
}

/// `TIMELINE-02`
#[test]
fn unrelated_messages_stand_by_time_and_then_by_name() {
    let (a, b, c) = (name(1, 1), name(2, 1), name(3, 1));
    let timeline = filled(&[entry(c, 10, &[]), entry(b, 20, &[]), entry(a, 20, &[])]);
    assert_eq!(shown(&timeline), [c, a, b]);
}

/// `TIMELINE-03`
#[test]
fn a_late_cause_moves_all_that_followed_from_it_and_says_so() {
    let (cause, middle, last, other) = (name(1, 1), name(2, 1), name(3, 1), name(4, 1));
    let mut timeline =
        filled(&[entry(last, 3, &[middle]), entry(middle, 2, &[cause]), entry(other, 50, &[])]);
    assert_eq!(shown(&timeline), [middle, last, other]);
    let inserted = timeline.insert(entry(cause, 100, &[])).unwrap();
    assert!(inserted.is_new);
    assert_eq!(inserted.moved, [middle, last]);
    assert_eq!(shown(&timeline), [other, cause, middle, last]);
}

/// `TIMELINE-03`
#[test]
fn a_hundred_thousand_messages_in_order_move_nothing() {
    let mut timeline = Timeline::new();
    let mut seen: Vec<Name> = Vec::new();
    for number in 0..100_000_u64 {
        let name = name(number % 5, number / 5);
        let inserted = timeline.insert(entry(name, 1_000 - (number % 7), &seen)).unwrap();
        assert_eq!(inserted.moved, []);
        seen = vec![name];
    }
    assert_eq!(timeline.len(), 100_000);
    assert_eq!(timeline.page(None, 1).first().unwrap().name, *seen.first().unwrap());
}

/// `TIMELINE-04`
#[test]
fn the_same_entry_twice_changes_nothing_and_another_under_its_name_is_a_fork() {
    let (a, b, c) = (name(1, 1), name(2, 1), name(3, 1));
    let mut timeline = filled(&[entry(a, 1, &[]), entry(b, 2, &[])]);
    timeline.insert(entry(c, 3, &[a, b])).unwrap();
    let again = timeline.insert(entry(c, 3, &[b, a, b, c])).unwrap();
    assert!(!again.is_new);
    assert_eq!(timeline.len(), 3);
    let forked = timeline.insert(entry(c, 4, &[a, b]));
    assert_eq!(forked, Err(InsertError::Forked { name: c }));
    assert_eq!(timeline.entry(c).unwrap().author_time_ms, 3);
}

/// `TIMELINE-04`
#[test]
fn what_can_have_no_place_is_refused_and_changes_nothing() {
    let mut timeline = Timeline::new();
    let slot = team().name(Rest::Slot(Slot::truncate(1)));
    let refused = timeline.insert(entry(slot, 1, &[]));
    assert_eq!(refused, Err(InsertError::NotAMessage { name: slot }));
    let seen: Vec<Name> = (0..=MAX_AFTER).map(|at| name(9, u64::try_from(at).unwrap())).collect();
    let many = timeline.insert(entry(name(1, 1), 1, &seen));
    assert_eq!(many, Err(InsertError::TooManyAfter { name: name(1, 1) }));
    assert!(timeline.is_empty());
    assert_eq!(timeline.devices().count(), 0);
}

/// `TIMELINE-05`
#[test]
fn pages_follow_on_each_other_without_overlap() {
    let names: Vec<Name> = (0..10).map(|number| name(1, number)).collect();
    let mut timeline = Timeline::new();
    for (time, name) in (0..).zip(&names) {
        timeline.insert(entry(*name, time, &[])).unwrap();
    }
    timeline.insert(reply(name(2, 0), 0, names[9])).unwrap();
    let page = |before, limit| -> Vec<Name> {
        timeline.page_of_roots(before, limit).iter().map(|position| position.name).collect()
    };
    assert_eq!(page(None, 4), names[6..]);
    assert_eq!(page(Some(names[6]), 4), names[2..6]);
    assert_eq!(page(Some(names[2]), 4), names[..2]);
    assert_eq!(page(Some(names[0]), 4), []);
    assert_eq!(page(Some(name(8, 8)), 4), []);
    assert_eq!(timeline.page(None, 2).last().unwrap().name, name(2, 0));
}

/// `TIMELINE-05`
#[test]
fn replies_stand_in_their_thread_also_before_its_parent_arrives() {
    let (parent, early, late) = (name(1, 1), name(2, 1), name(3, 1));
    let mut timeline = filled(&[reply(late, 9, parent), reply(early, 8, parent)]);
    let thread = |timeline: &Timeline| -> Vec<Name> {
        timeline.thread(parent).map(|position| position.name).collect()
    };
    assert_eq!(thread(&timeline), [early, late]);
    timeline.insert(entry(parent, 100, &[])).unwrap();
    // Both now stand right below their parent, where the name decides.
    assert_eq!(thread(&timeline), [early, late]);
    assert_eq!(shown(&timeline), [parent, early, late]);
    assert_eq!(timeline.replies(parent), 2);
    assert_eq!(timeline.page_of_roots(None, 9).len(), 1);
}

/// `TIMELINE-06`
#[test]
fn gaps_are_named_until_they_are_filled() {
    let device = Device::truncate(1);
    let mut timeline = filled(&[entry(name(1, 3), 1, &[]), entry(name(1, 7), 1, &[])]);
    assert_eq!(timeline.gaps(device), [4..=6]);
    timeline.hold(name(1, 5));
    assert_eq!(timeline.gaps(device), [4..=4, 6..=6]);
    timeline.hear_of(device, Number::truncate(9));
    assert_eq!(timeline.gaps(device), [4..=4, 6..=6, 8..=9]);
    for number in [4, 8, 6, 9, 9, 4] {
        timeline.hold(name(1, number));
    }
    assert_eq!(timeline.gaps(device), []);
    assert_eq!(timeline.gaps(Device::truncate(2)), []);
    let last = Number::MAX.value();
    timeline.hold(name(1, last));
    assert_eq!(timeline.gaps(device), [10..=last - 1]);
}

/// `TIMELINE-07`
#[test]
fn claims_that_bite_their_tail_share_one_time_and_keep_replies_below() {
    // Device 9 predicted the name that device 1 would write next.
    let (honest, liar, below) = (name(5, 1), name(1, 1), name(2, 1));
    let entries = [entry(honest, 10, &[liar]), reply(liar, 70, honest), entry(below, 1, &[honest])];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let timeline = filled(&order.map(|at: usize| entries[at].clone()));
        assert_eq!(shown(&timeline), [honest, liar, below], "{order:?}");
        let times: Vec<u64> = timeline.iter().map(|position| position.hybrid_ms).collect();
        assert_eq!(times, [70, 70, 71], "{order:?}");
    }
}

/// The order by its definition, at any price: who reaches whom, then times from the causes on.
fn by_definition(entries: &[Entry]) -> Vec<Name> {
    let known: BTreeMap<Name, &Entry> = entries.iter().map(|entry| (entry.name, entry)).collect();
    let causes = |of: Name| -> BTreeSet<Name> {
        let entry = known[&of];
        let all = entry.after.iter().copied().chain(entry.thread);
        all.filter(|cause| known.contains_key(cause) && *cause != of).collect()
    };
    let past = |of: Name| -> BTreeSet<Name> {
        let (mut past, mut open) = (BTreeSet::new(), vec![of]);
        while let Some(next) = open.pop() {
            open.extend(causes(next).into_iter().filter(|cause| past.insert(*cause)));
        }
        past
    };
    let pasts: BTreeMap<Name, BTreeSet<Name>> =
        known.keys().map(|name| (*name, past(*name))).collect();
    let knot = |of: Name| -> BTreeSet<Name> {
        let tied = pasts[&of].iter().copied().filter(|cause| pasts[cause].contains(&of));
        tied.chain([of]).collect()
    };
    let mut times: BTreeMap<Name, u64> = BTreeMap::new();
    // As many rounds as entries let every time travel as far as it can.
    for _ in 0..=known.len() {
        for name in known.keys() {
            let members = knot(*name);
            let wished = members.iter().map(|member| known[member].author_time_ms).max().unwrap();
            let caused = members
                .iter()
                .flat_map(|member| causes(*member))
                .filter(|cause| !members.contains(cause))
                .map(|cause| times.get(&cause).copied().unwrap_or(0) + 1)
                .max();
            times.insert(*name, wished.max(caused.unwrap_or(0)));
        }
    }
    let mut order: Vec<(u64, bool, Name)> = known
        .keys()
        .map(|name| {
            let reply = known[name].thread.is_some_and(|parent| parent != *name);
            (times[name], reply && knot(*name).len() > 1, *name)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, name)| name).collect()
}

fn any_name() -> impl Strategy<Value = Name> {
    (0_u64..4, 0_u64..5).prop_map(|(device, number)| name(device, number))
}

/// Entries of any claims, lies and circles among them, one under each name.
fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (
        any_name(),
        proptest::collection::vec(any_name(), 0..3),
        proptest::option::weighted(0.3, any_name()),
        0_u64..12,
    );
    proptest::collection::vec(entry, 0..20).prop_map(|entries| {
        let unique: BTreeMap<Name, Entry> = entries
            .into_iter()
            .map(|(name, after, thread, author_time_ms)| {
                (name, Entry { name, after, thread, author_time_ms })
            })
            .collect();
        unique.into_values().collect()
    })
}

/// Entries as honest devices write them: each knows only earlier ones.
fn honest_entries() -> impl Strategy<Value = Vec<Entry>> {
    let claim = (
        0_u64..4,
        proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        any::<bool>(),
        0_u64..40,
    );
    proptest::collection::vec(claim, 1..40).prop_map(|claims| {
        let mut entries: Vec<Entry> = Vec::new();
        for (number, (device, seen, is_reply, author_time_ms)) in (0..).zip(claims) {
            let mut after: Vec<Name> = Vec::new();
            if !entries.is_empty() {
                after.extend(seen.iter().map(|at| at.get(&entries).name));
            }
            let thread = is_reply.then(|| after.pop()).flatten();
            entries.push(Entry { name: name(device, number), after, thread, author_time_ms });
        }
        entries
    })
}

fn shuffled(
    entries: impl Strategy<Value = Vec<Entry>>,
) -> impl Strategy<Value = (Vec<Entry>, Vec<Entry>)> {
    entries.prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// `TIMELINE-04` `TIMELINE-07`
    #[test]
    fn any_order_of_arrival_gives_the_order_by_definition((entries, arrival) in shuffled(any_entries())) {
        let mut timeline = Timeline::new();
        for at in 0..arrival.len() {
            let stood: BTreeMap<Name, Position> =
                timeline.iter().map(|position| (position.name, position)).collect();
            let inserted = timeline.insert(arrival[at].clone()).unwrap();
            prop_assert_eq!(shown(&timeline), by_definition(&arrival[..=at]));
            prop_assert_eq!(timeline.position(arrival[at].name), Some(inserted.at));
            let moved: Vec<Name> = stood
                .iter()
                .filter(|(name, position)| timeline.position(**name) != Some(**position))
                .map(|(name, _)| *name)
                .collect();
            prop_assert_eq!(inserted.moved, moved);
        }
        let in_threads: BTreeSet<Position> = timeline
            .page_of_roots(None, usize::MAX)
            .into_iter()
            .chain(entries.iter().filter_map(|entry| entry.thread).flat_map(|parent| timeline.thread(parent)))
            .collect();
        prop_assert!(in_threads.into_iter().eq(timeline.iter()));
    }

    /// `TIMELINE-08`
    #[test]
    fn what_is_taken_away_leaves_what_never_knew_it((_, arrival) in shuffled(any_entries())) {
        let mut timeline = filled(&arrival);
        for at in 0..arrival.len() {
            let claimed = filled(&arrival).entry(arrival[at].name).cloned();
            prop_assert_eq!(timeline.remove(arrival[at].name), claimed);
            let (left, rest) = (by_definition(&arrival[at + 1..]), filled(&arrival[at + 1..]));
            prop_assert_eq!(shown(&timeline), left);
            prop_assert!(timeline.iter().eq(rest.iter()));
            for Entry { name, .. } in &arrival {
                prop_assert!(timeline.thread(*name).eq(rest.thread(*name)));
                prop_assert!(timeline.followers(*name).eq(rest.followers(*name)));
            }
        }
        prop_assert!(timeline.is_empty());
    }

    /// `TIMELINE-01` `TIMELINE-04`
    #[test]
    fn merges_commute_associate_and_are_idempotent_and_no_effect_stands_above_its_cause(
        (entries, arrival) in shuffled(honest_entries()),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(entries.len());
        let straight = filled(&entries);
        let mut halves = filled(&arrival[cut..]);
        for entry in arrival.iter().take(cut).chain(&entries) {
            halves.insert(entry.clone()).unwrap();
        }
        prop_assert!(straight.iter().eq(halves.iter()));
        for entry in &entries {
            for cause in entry.after.iter().copied().chain(entry.thread) {
                prop_assert!(straight.position(cause) < straight.position(entry.name));
            }
        }
    }
}
