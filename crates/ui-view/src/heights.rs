//! Heights of rows with prefix sums that follow a change in logarithmic time (a Fenwick tree).

/// The heights of a list of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heights {
    rows: Vec<Height>,
    tree: Vec<f64>,
}

/// How high a row is, and when that was measured; round 0 is a guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Height {
    pub(crate) points: f32,
    pub(crate) round: u32,
}

impl Heights {
    pub(crate) fn new(rows: Vec<Height>) -> Self {
        let mut tree: Vec<f64> = rows.iter().map(|row| f64::from(row.points)).collect();
        for index in 0..tree.len() {
            let Some(parent) = parent(index) else {
                continue;
            };
            let sum = tree.get(index).copied().unwrap_or(0.0);
            if let Some(above) = tree.get_mut(parent) {
                *above += sum;
            }
        }
        Self { rows, tree }
    }

    pub(crate) fn get(&self, index: usize) -> Height {
        self.rows.get(index).copied().unwrap_or(Height { points: 0.0, round: 0 })
    }

    pub(crate) fn set(&mut self, index: usize, height: Height) {
        let Some(row) = self.rows.get_mut(index) else {
            return;
        };
        let change = f64::from(height.points) - f64::from(row.points);
        *row = height;
        let mut at = Some(index);
        while let Some(node) = at.and_then(|at| self.tree.get_mut(at)) {
            *node += change;
            at = at.and_then(parent);
        }
    }

    /// The sum of the heights before `index`.
    pub(crate) fn before(&self, index: usize) -> f64 {
        let mut sum = 0.0;
        let mut left = index.min(self.tree.len());
        while left > 0 {
            sum += self.tree.get(left.wrapping_sub(1)).copied().unwrap_or(0.0);
            left &= left.wrapping_sub(1);
        }
        sum
    }

    pub(crate) fn total(&self) -> f64 {
        self.before(self.tree.len())
    }

    /// The row at height `y`; the last one below all of them.
    pub(crate) fn at(&self, y: f64) -> usize {
        let mut rest = y;
        let mut found = 0_usize;
        let mut step = self.tree.len().next_power_of_two();
        while step > 0 {
            let next = found.saturating_add(step);
            if let Some(sum) = self.tree.get(next.wrapping_sub(1))
                && *sum <= rest
            {
                rest -= sum;
                found = next;
            }
            step /= 2;
        }
        found.min(self.rows.len().saturating_sub(1))
    }
}

/// The next node whose sum covers this one.
fn parent(index: usize) -> Option<usize> {
    let number = index.checked_add(1)?;
    number.checked_add(number & number.wrapping_neg())?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// `UI-VIEW-08`
        #[test]
        fn sums_agree_with_adding_up(
            first in proptest::collection::vec(1_u16..300, 0..80),
            changes in proptest::collection::vec((0_usize..80, 1_u16..300), 0..40),
        ) {
            let mut naive: Vec<f64> = first.iter().map(|points| f64::from(*points)).collect();
            let height = |points: u16| Height { points: f32::from(points), round: 1 };
            let mut heights = Heights::new(first.iter().map(|points| height(*points)).collect());
            for (at, points) in changes {
                heights.set(at, height(points));
                if let Some(row) = naive.get_mut(at) {
                    *row = f64::from(points);
                }
            }
            let mut sum = 0.0;
            for (at, row) in naive.iter().enumerate() {
                prop_assert_eq!(heights.before(at), sum);
                prop_assert_eq!(heights.at(sum), at);
                prop_assert_eq!(heights.at(sum + row - 0.5), at);
                sum += row;
            }
            prop_assert_eq!(heights.total(), sum);
        }
    }
}
