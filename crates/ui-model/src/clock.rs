//! Times as people read them; nothing here asks what time it is.

use std::fmt;

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Millis(pub u64);

/// A day of the local calendar.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Day(i64);

/// Hours and minutes of the local day.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

/// The local time zone as a list of changes: from which second, how many seconds east of UTC.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub struct Zone {
    changes: Vec<(i64, i32)>,
}

impl Zone {
    /// Takes the changes in any order; before the first one the zone is at the first offset.
    #[must_use]
    pub fn new(mut changes: Vec<(i64, i32)>) -> Self {
        changes.sort_unstable();
        Self { changes }
    }

    /// The local day.
    #[must_use]
    pub fn day(&self, at: Millis) -> Day {
        Day(self.local_seconds(at).div_euclid(86_400))
    }

    /// The local time of day.
    #[must_use]
    pub fn time(&self, at: Millis) -> TimeOfDay {
        let minutes = self.local_seconds(at).rem_euclid(86_400) / 60;
        TimeOfDay {
            hour: u8::try_from(minutes / 60).unwrap_or(0),
            minute: u8::try_from(minutes % 60).unwrap_or(0),
        }
    }

    fn local_seconds(&self, at: Millis) -> i64 {
        let seconds = i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX / 2);
        let next = self.changes.partition_point(|(from, _)| *from <= seconds);
        let change = self.changes.get(next.saturating_sub(1));
        seconds.saturating_add(change.map_or(0, |(_, offset)| i64::from(*offset)))
    }
}

impl Day {
    /// How the day line reads when it is `today`.
    #[must_use]
    pub fn title(self, today: Self) -> String {
        match today.0.saturating_sub(self.0) {
            0 => "Today".to_owned(),
            1 => "Yesterday".to_owned(),
            _ => {
                let (year, month, day) = self.civil();
                let month = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or("?");
                let title = format!("{} {day} {month}", self.weekday());
                if year == today.civil().0 { title } else { format!("{title} {year}") }
            }
        }
    }

    fn weekday(self) -> &'static str {
        // 1970-01-01 was a Thursday.
        let index = usize::try_from(self.0.saturating_add(3).rem_euclid(7)).unwrap_or(0);
        WEEKDAYS.get(index).copied().unwrap_or("?")
    }

    /// Year, month from 1, day from 1 of the Gregorian calendar, by the days-to-civil algorithm
    /// over eras of 400 years that start in March.
    fn civil(self) -> (i64, usize, i64) {
        let days = self.0.saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (year, usize::try_from(month).unwrap_or(1), day)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Millis {
        Millis(seconds * 1_000)
    }

    /// `UI-MODEL-09`
    #[test]
    fn a_day_is_named_as_people_name_it() {
        let zone = Zone::default();
        let today = zone.day(at(1_795_219_200)); // 2026-11-21
        for (seconds, title) in [
            (1_795_219_200 + 3_600, "Today"),
            (1_795_219_200 - 1, "Yesterday"),
            (1_795_219_200 - 10 * 86_400, "Wednesday 11 November"),
            (1_709_164_800, "Thursday 29 February 2024"),
            (0, "Thursday 1 January 1970"),
        ] {
            assert_eq!(zone.day(at(seconds)).title(today), title);
        }
    }

    /// `UI-MODEL-09`
    #[test]
    fn the_zone_that_held_then_counts_not_the_one_that_holds_now() {
        // Paris: summer time until 2026-10-25 01:00 UTC.
        let paris = Zone::new(vec![(1_792_890_000, 3_600), (1_774_746_000, 7_200)]);
        assert_eq!(paris.time(at(1_792_890_000 - 60)).to_string(), "02:59");
        assert_eq!(paris.time(at(1_792_890_000)).to_string(), "02:00");
        let west = Zone::new(vec![(0, -5 * 3_600)]);
        assert_eq!(west.time(at(1_795_219_200)).to_string(), "19:00");
        assert_eq!(west.day(at(1_795_219_200)), Zone::default().day(at(1_795_219_200 - 1)));
    }
}
