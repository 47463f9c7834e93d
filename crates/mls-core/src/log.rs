//! Logs: where an entry belongs, and what is missing before it.

use objects::{Hash, Object};

use crate::state::{Gap, LogRow};

/// How an entry fits a log.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Fit {
    /// It is the newest; so many are missing right before it.
    Next { missing_before: u32 },
    /// It was missing. The entry at `behind` is the next one that is here, and so many are still
    /// missing between the two.
    Fills { missing_before: u32, behind: u64, missing_behind: u32 },
    /// It does not follow from what is here: its author has written two histories.
    Fork,
}

impl LogRow {
    /// Is the entry here already?
    pub(crate) fn has(&self, number: u64) -> bool {
        number < self.next && !self.gaps.iter().any(|gap| gap.covers(number))
    }

    /// Does it have the number of the newest entry, and is it another one? Only the hash of the
    /// newest is known; a log that goes on differently from there shows at its next entry.
    pub(crate) fn contradicts(&self, number: u64, object: &Object) -> bool {
        number.checked_add(1) == Some(self.next) && object.entry_hash().0 != self.tip
    }

    /// Notes in which epoch an entry was sealed.
    pub(crate) fn turn(&mut self, number: u64, epoch: u64) {
        let at = self.turns.partition_point(|(from, _)| *from <= number);
        if self.epoch(number) == Some(epoch) {
            return;
        }
        match self.turns.get_mut(at) {
            Some((from, of)) if *of == epoch => *from = number,
            Some(_) | None => self.turns.insert(at, (number, epoch)),
        }
        if self.turns.len() > MOST_TURNS {
            self.turns.remove(0);
        }
    }

    /// In which epoch an entry was sealed; `None` when that is so long ago that nobody remembers.
    pub(crate) fn epoch(&self, number: u64) -> Option<u64> {
        let before = self.turns.iter().take_while(|(from, _)| *from <= number);
        before.last().map(|(_, epoch)| *epoch)
    }

    /// How many entries are missing right before one.
    pub(crate) fn missing_before(&self, number: u64) -> u32 {
        let gap = self.gaps.iter().find(|gap| gap.to == number);
        gap.map_or(0, |gap| count(gap.to.saturating_sub(gap.from)))
    }

    /// Puts an entry, whose signature was checked, into its place.
    pub(crate) fn fit(&mut self, number: u64, object: &Object) -> Fit {
        let (hash, previous) = (object.entry_hash(), object.previous());
        if number >= self.next {
            self.append(number, hash, previous)
        } else {
            self.fill(number, hash, previous)
        }
    }

    fn append(&mut self, number: u64, hash: Hash, previous: Hash) -> Fit {
        if number == self.next && previous.0 != self.tip {
            return Fit::Fork;
        }
        let missing = number.saturating_sub(self.next);
        if missing > 0 {
            let (from, before, after) = (self.next, self.tip, previous.0);
            self.gaps.push(Gap { from, to: number, before, after });
        }
        self.next = number.saturating_add(1);
        self.tip = hash.0;
        Fit::Next { missing_before: count(missing) }
    }

    fn fill(&mut self, number: u64, hash: Hash, previous: Hash) -> Fit {
        let Some(index) = self.gaps.iter().position(|gap| gap.covers(number)) else {
            return Fit::Fork;
        };
        let gap = self.gaps.remove(index);
        let next = number.saturating_add(1);
        let follows = number != gap.from || previous.0 == gap.before;
        let leads = next != gap.to || hash.0 == gap.after;
        if !follows || !leads {
            return Fit::Fork;
        }
        let Gap { from, to, before, after } = gap;
        let behind = Gap { from: next, to, before: hash.0, after };
        let ahead = Gap { from, to: number, before, after: previous.0 };
        for gap in [behind, ahead] {
            if gap.from < gap.to {
                self.gaps.insert(index, gap);
            }
        }
        Fit::Fills {
            missing_before: count(number.saturating_sub(from)),
            behind: to,
            missing_behind: count(to.saturating_sub(next)),
        }
    }
}

impl Gap {
    fn covers(&self, number: u64) -> bool {
        (self.from..self.to).contains(&number)
    }
}

fn count(missing: u64) -> u32 {
    u32::try_from(missing).unwrap_or(u32::MAX)
}

/// Epochs of a log that are remembered.
const MOST_TURNS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use names::{Channel, Device, Number, Org, Origin, Rest, Team, TeamId};
    use objects::{Draft, Millis, Part, Signer};
    use proptest::prelude::*;

    fn chain(len: u64) -> Vec<Object> {
        let signer = Signer::from_seed(&[1; 32]);
        let team = TeamId { origin: Origin::MAX, org: Org::MAX, team: Team::MAX };
        let mut previous = Hash::NONE;
        let entry = |number| {
            let number = Number::truncate(number);
            let (channel, device) = (Channel::MAX, Device::MAX);
            let draft = Draft {
                name: team.name(Rest::Message { channel, device, number }),
                created: Millis(1),
                expires: Millis::NEVER,
                previous,
                part: Part::ONLY,
                data: &[],
            };
            let object = draft.sign(&signer).unwrap();
            previous = object.entry_hash();
            object
        };
        (0..len).map(entry).collect()
    }

    proptest! {
        /// `MLS-34`
        #[test]
        fn in_whatever_order_a_log_arrives_it_is_whole_in_the_end(
            order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let entries = chain(12);
            let mut log = LogRow::default();
            let mut here = [false; 12];
            for index in order {
                let number = index as u64;
                prop_assert!(!log.has(number));
                let fit = log.fit(number, &entries[index]);
                here[index] = true;
                let missing = here[..index].iter().rev().take_while(|here| !**here).count();
                let missing = u32::try_from(missing).unwrap();
                match fit {
                    Fit::Next { missing_before } => prop_assert_eq!(missing_before, missing),
                    Fit::Fills { missing_before, behind, .. } => {
                        prop_assert_eq!(missing_before, missing);
                        prop_assert!(here[behind as usize]);
                    }
                    Fit::Fork => prop_assert!(false, "one history is no fork"),
                }
                for (index, here) in here.iter().enumerate() {
                    prop_assert_eq!(log.has(index as u64), *here);
                }
            }
            prop_assert!(log.gaps.is_empty());
            prop_assert_eq!(log.tip, entries[11].entry_hash().0);
        }
    }

    /// `MLS-33`
    #[test]
    fn an_entry_that_does_not_follow_is_a_fork_wherever_it_belongs() {
        let (entries, mut other) = (chain(5), chain(6));
        // The other history begins with what is the second entry of the first.
        other.remove(0);
        for (here, number) in [(vec![0], 1), (vec![0, 3], 1), (vec![0, 3], 2)] {
            let mut log = LogRow::default();
            for index in here {
                log.fit(index as u64, &entries[index]);
            }
            assert_eq!(log.fit(number, &other[number as usize]), Fit::Fork);
        }
        let mut log = LogRow::default();
        log.fit(0, &entries[0]);
        assert!(!log.contradicts(0, &entries[0]));
        assert!(log.contradicts(0, &other[0]));
    }
}
