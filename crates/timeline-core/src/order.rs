//! Hybrid times over claims that may lie.
//!
//! Claims form a graph from causes to effects. Honest ones have no circle; who predicts a name can
//! close one. The entries of a circle are one *knot* with one time, so that the order stays a
//! function of the set of entries alone.

use std::collections::{BTreeMap, BTreeSet};

use names::Name;

use crate::entry::{Entry, Position};

/// All entries and their positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    nodes: BTreeMap<Name, Node>,
    /// Cause and effect, also of causes that are not here.
    effects: BTreeMap<Name, BTreeSet<Name>>,
    /// The members of each knot, under the least of their names.
    knots: BTreeMap<Name, BTreeSet<Name>>,
}

#[derive(Clone, Debug)]
struct Node {
    entry: Entry,
    hybrid_ms: u64,
    /// Itself, or the knot that it is tied into.
    unit: Name,
}

/// An entry that stands elsewhere than before.
pub(crate) struct Moved {
    pub(crate) from: Position,
    pub(crate) to: Position,
}

impl Order {
    pub(crate) fn entry(&self, name: Name) -> Option<&Entry> {
        self.nodes.get(&name).map(|node| &node.entry)
    }

    pub(crate) fn position(&self, name: Name) -> Option<Position> {
        self.nodes.get(&name).map(|node| self.position_of(node))
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds an entry that is not there yet, and returns what moved because of it, once each.
    pub(crate) fn add(&mut self, entry: Entry) -> Vec<Moved> {
        let name = entry.name;
        for cause in entry.causes() {
            self.effects.entry(cause).or_default().insert(name);
        }
        self.nodes.insert(name, Node { entry, hybrid_ms: 0, unit: name });
        let mut before = BTreeMap::new();
        self.tie(name, &mut before);
        self.settle(self.unit_of(name).unwrap_or(name), &mut before);
        before.remove(&name);
        self.moved_from(before)
    }

    /// What claims to come after an entry, or to reply to it.
    pub(crate) fn effects(&self, name: Name) -> impl Iterator<Item = Name> + '_ {
        self.effects.get(&name).into_iter().flatten().copied()
    }

    fn moved_from(&self, before: Before) -> Vec<Moved> {
        before
            .into_values()
            .filter_map(|from| {
                let to = self.position(from.name)?;
                (from != to).then_some(Moved { from, to })
            })
            .collect()
    }

    /// Takes an entry away, and returns it with what moved because of it, once each.
    pub(crate) fn remove(&mut self, name: Name) -> Option<(Entry, Vec<Moved>)> {
        let unit = self.unit_of(name)?;
        let mut before = BTreeMap::new();
        let others: Vec<Name> =
            self.members(unit).into_iter().filter(|member| *member != name).collect();
        let after = self.units_after(unit);
        self.remember(&others, &mut before);
        self.knots.remove(&unit);
        let Node { entry, .. } = self.nodes.remove(&name)?;
        for cause in entry.causes() {
            let left = self.effects.get_mut(&cause).is_some_and(|effects| {
                effects.remove(&name);
                !effects.is_empty()
            });
            if !left {
                self.effects.remove(&cause);
            }
        }
        // What is left of a knot may be one still, or several, or none.
        for member in &others {
            if let Some(node) = self.nodes.get_mut(member) {
                node.unit = *member;
            }
        }
        for member in &others {
            self.tie(self.unit_of(*member).unwrap_or(*member), &mut before);
        }
        for start in others.into_iter().chain(after) {
            self.settle(self.unit_of(start).unwrap_or(start), &mut before);
        }
        Some((entry, self.moved_from(before)))
    }

    /// Makes one knot of everything that now comes both before and after `name`.
    fn tie(&mut self, name: Name, before: &mut Before) {
        let latest = self.units_before(name).filter_map(|unit| self.time(unit)).max();
        let Some(latest) = latest.filter(|_| self.effects.contains_key(&name)) else {
            return;
        };
        let circle = self.reaching(name, &self.reached(name, latest));
        if circle.len() < 2 {
            return;
        }
        let members: BTreeSet<Name> = circle.iter().flat_map(|unit| self.members(*unit)).collect();
        self.remember(&members, before);
        for unit in &circle {
            self.knots.remove(unit);
        }
        let Some(knot) = members.first().copied() else {
            return;
        };
        for member in &members {
            if let Some(node) = self.nodes.get_mut(member) {
                node.unit = knot;
            }
        }
        self.knots.insert(knot, members);
    }

    /// What `start` leads to, no later than `latest`: times never fall from cause to effect, so
    /// that nothing later leads back.
    fn reached(&self, start: Name, latest: u64) -> BTreeSet<Name> {
        let mut reached = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(unit) = open.pop() {
            for next in self.units_after(unit) {
                let is_early = self.time(next).is_some_and(|time| time <= latest);
                if is_early && reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// What leads to `end`, among `within`.
    fn reaching(&self, end: Name, within: &BTreeSet<Name>) -> BTreeSet<Name> {
        let mut reaching = BTreeSet::from([end]);
        let mut open = vec![end];
        while let Some(unit) = open.pop() {
            for next in self.units_before(unit) {
                if within.contains(&next) && reaching.insert(next) {
                    open.push(next);
                }
            }
        }
        reaching
    }

    /// Brings the times of `start` and of all that follows from it up to date.
    ///
    /// The times before the change sort causes before effects among all that follows, so taking
    /// the earliest first visits everything once.
    fn settle(&mut self, start: Name, before: &mut Before) {
        self.set_time(start, before);
        let mut open: BTreeSet<(u64, Name)> = BTreeSet::new();
        self.open_after(start, &mut open);
        while let Some((_, unit)) = open.pop_first() {
            if self.set_time(unit, before) {
                self.open_after(unit, &mut open);
            }
        }
    }

    fn open_after(&self, unit: Name, open: &mut BTreeSet<(u64, Name)>) {
        open.extend(
            self.units_after(unit).into_iter().filter_map(|next| Some((self.time(next)?, next))),
        );
    }

    /// Computes the time of a unit anew; whether it changed.
    fn set_time(&mut self, unit: Name, before: &mut Before) -> bool {
        let members = self.members(unit);
        let wished = members.iter().filter_map(|member| self.entry(*member));
        let wished = wished.map(|entry| entry.author_time_ms).max().unwrap_or(0);
        let caused = self.units_before(unit).filter_map(|cause| self.time(cause)).max();
        let caused = caused.map_or(0, |time| time.saturating_add(1));
        let hybrid_ms = wished.max(caused);
        // A knot that was just tied has members of several times.
        if members.iter().all(|member| self.time(*member) == Some(hybrid_ms)) {
            return false;
        }
        self.remember(&members, before);
        for member in members {
            if let Some(node) = self.nodes.get_mut(&member) {
                node.hybrid_ms = hybrid_ms;
            }
        }
        true
    }

    fn remember<'a>(&self, members: impl IntoIterator<Item = &'a Name>, before: &mut Before) {
        for member in members {
            if let Some(position) = self.position(*member) {
                before.entry(*member).or_insert(position);
            }
        }
    }

    fn time(&self, unit: Name) -> Option<u64> {
        self.nodes.get(&unit).map(|node| node.hybrid_ms)
    }

    fn position_of(&self, node: &Node) -> Position {
        let is_tied = self.knots.contains_key(&node.unit);
        let rank = u8::from(is_tied && node.entry.thread.is_some());
        Position { hybrid_ms: node.hybrid_ms, rank, name: node.entry.name }
    }

    fn unit_of(&self, name: Name) -> Option<Name> {
        self.nodes.get(&name).map(|node| node.unit)
    }

    fn members(&self, unit: Name) -> Vec<Name> {
        self.knots.get(&unit).map_or_else(|| vec![unit], |knot| knot.iter().copied().collect())
    }

    /// The units that come directly after `unit`.
    fn units_after(&self, unit: Name) -> BTreeSet<Name> {
        let mut after: BTreeSet<Name> = self
            .members(unit)
            .iter()
            .filter_map(|member| self.effects.get(member))
            .flatten()
            .filter_map(|effect| self.unit_of(*effect))
            .collect();
        after.remove(&unit);
        after
    }

    /// The units that come directly before `unit`, as far as they are here.
    fn units_before(&self, unit: Name) -> impl Iterator<Item = Name> + '_ {
        self.members(unit)
            .into_iter()
            .filter_map(|member| self.entry(member))
            .flat_map(Entry::causes)
            .filter_map(|cause| self.unit_of(cause))
            .filter(move |cause| *cause != unit)
    }
}

/// Where entries stood before a change.
type Before = BTreeMap<Name, Position>;
