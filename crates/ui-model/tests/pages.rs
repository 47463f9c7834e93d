//! The window of messages against a model that holds all of them.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what it found by panicking"
)]

use names::{Channel, Device, Name, Number, Org, Origin, Rest, Team, TeamId};
use proptest::prelude::*;
use ui_model::{Millis, PAGE, Pages, Put, Row, Standing, WINDOW, Words};

fn row(number: u64) -> Row {
    let team =
        TeamId { origin: Origin::truncate(1), org: Org::truncate(2), team: Team::truncate(3) };
    let name = team.name(Rest::Message {
        channel: Channel::truncate(4),
        device: Device::truncate(5),
        number: Number::truncate(number),
    });
    Row {
        name,
        from: "Bob".to_owned(),
        own: false,
        at: Millis(number),
        standing: Standing::Relay,
        why: String::new(),
        text: Words::new(number.to_string()),
        thread: None,
        replies: 0,
        missing_before: 0,
    }
}

/// Everything that was written, in its order.
struct History(Vec<Row>);

impl History {
    fn page(&self, before: Option<Name>, limit: usize) -> (Vec<Row>, bool) {
        let end = before.map_or(self.0.len(), |before| {
            self.0.iter().position(|row| row.name == before).unwrap()
        });
        let start = end.saturating_sub(limit);
        (self.0[start..end].to_vec(), start > 0)
    }

    fn restart(&self, pages: &mut Pages) {
        let (rows, more) = self.page(None, PAGE);
        pages.restart(rows, more);
    }

    fn older(&self, pages: &mut Pages) {
        if !pages.has_older() {
            return;
        }
        let (rows, more) = self.page(pages.rows().first().map(|row| row.name), PAGE);
        pages.extend_back(rows, more);
    }

    fn newer(&self, pages: &mut Pages) {
        let Some((before, count)) = pages.next_cut() else {
            return;
        };
        let (rows, more) = self.page(before, (count + PAGE / 2).min(WINDOW));
        pages.extend_forward(rows, more);
    }

    /// Writes a message at a place and tells the window.
    fn write(&mut self, pages: &mut Pages, number: u64, back: usize) {
        let at = self.0.len().saturating_sub(back);
        let above = at.checked_sub(1).map(|above| self.0[above].name);
        let mut row = row(number);
        // Late messages are dated among their neighbours.
        row.at = self.0.get(at).or(self.0.last()).map_or(Millis(0), |near| near.at);
        self.0.insert(at, row.clone());
        if pages.put(row, above) == Put::Lost {
            self.restart(pages);
        }
    }

    fn check(&self, pages: &Pages) -> Result<(), TestCaseError> {
        let held: Vec<Name> = pages.rows().iter().map(|row| row.name).collect();
        prop_assert!(held.len() <= WINDOW);
        let Some(first) = held.first() else {
            prop_assert!(self.0.is_empty());
            return Ok(());
        };
        let start = self.0.iter().position(|row| row.name == *first).unwrap();
        let whole: Vec<Name> =
            self.0[start..].iter().map(|row| row.name).take(held.len()).collect();
        prop_assert_eq!(&held, &whole, "a contiguous part in the same order");
        prop_assert_eq!(pages.has_older(), start > 0);
        let end = start + held.len();
        if !pages.has_newer() {
            prop_assert_eq!(end, self.0.len(), "nothing is missing at the end");
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    Older,
    Newer,
    Latest,
    Follow,
    Write { many: usize, back: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Older),
        3 => Just(Step::Newer),
        1 => Just(Step::Latest),
        1 => Just(Step::Follow),
        3 => (1_usize..30, 0_usize..3).prop_map(|(many, back)| Step::Write { many, back }),
    ]
}

proptest! {
    /// `UI-MODEL-16`
    #[test]
    fn the_window_is_always_a_contiguous_part_of_what_was_written(
        begin in 0_u64..1_500,
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let mut history = History((0..begin).map(row).collect());
        let mut pages = Pages::default();
        let mut next = begin;
        history.restart(&mut pages);
        for step in steps {
            match step {
                Step::Older => history.older(&mut pages),
                Step::Newer => history.newer(&mut pages),
                Step::Latest => history.restart(&mut pages),
                Step::Follow => pages.follow(),
                Step::Write { many, back } => {
                    for _ in 0..many {
                        history.write(&mut pages, next, back);
                        next += 1;
                    }
                }
            }
            history.check(&pages)?;
        }
    }
}

/// `UI-MODEL-16`
#[test]
fn reading_back_and_forth_again_shows_everything() {
    let history = History((0..2_000).map(row).collect());
    let mut pages = Pages::default();
    history.restart(&mut pages);
    while pages.has_older() {
        history.older(&mut pages);
    }
    assert_eq!(pages.rows()[0].name, row(0).name);
    let mut rounds = 0;
    while pages.has_newer() {
        history.newer(&mut pages);
        rounds += 1;
        assert!(rounds < 100);
    }
    assert_eq!(pages.rows().last().unwrap().name, row(1_999).name);
    assert_eq!(pages.rows().len(), WINDOW);
}
