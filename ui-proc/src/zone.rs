//! The time zone of this machine, read once before the lock-down.

use jiff::{Timestamp, tz::TimeZone};
use ui_model::Zone;

/// Every change of the local offset up to two years ahead.
pub(crate) fn local(now: Timestamp) -> Zone {
    let zone = TimeZone::system();
    let start = Timestamp::UNIX_EPOCH;
    let mut changes = vec![(start.as_second(), zone.to_offset(start).seconds())];
    let end = now.as_second().saturating_add(TWO_YEARS);
    for change in zone.following(start) {
        let at = change.timestamp().as_second();
        if at > end {
            break;
        }
        changes.push((at, change.offset().seconds()));
    }
    Zone::new(changes)
}

const TWO_YEARS: i64 = 2 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use ui_model::Millis;

    use super::*;

    #[test]
    fn our_offsets_are_those_of_the_system() {
        let now = Timestamp::from_second(1_795_219_200).unwrap();
        let zone = local(now);
        for back in 0..60_i64 {
            let at = Timestamp::from_second(now.as_second() - back * 40 * 86_400).unwrap();
            let expected = at.to_zoned(TimeZone::system());
            let time = zone.time(Millis(u64::try_from(at.as_millisecond()).unwrap()));
            assert_eq!(time.to_string(), expected.strftime("%H:%M").to_string());
        }
    }
}
