//! Rows as people read them.

use ipc_schema::control::Confinement;
use ipc_schema_ui::{Row, State};

use crate::terminal::safe;

/// A state in words.
#[must_use]
pub fn state(state: State) -> &'static str {
    match state {
        State::Queued => "waiting for the network",
        State::LocalRelay => "at the local relay",
        State::Relay => "at the relay",
        State::Delivered => "delivered",
        State::Failed => "failed",
        State::Undecryptable => "cannot be read",
    }
}

/// A level of confinement in words.
#[must_use]
pub fn level(level: Option<&Confinement>) -> String {
    match level {
        None => "not running".to_owned(),
        Some(Confinement::Full) => "full".to_owned(),
        Some(Confinement::Reduced(why)) => format!("reduced: {}", safe(why.as_str())),
        Some(Confinement::None(why)) => format!("NONE: {}", safe(why.as_str())),
    }
}

/// A message with its head line; its text is set in by two blanks.
#[must_use]
pub fn line(row: &Row) -> String {
    let mut out = String::new();
    if row.missing_before > 0 {
        let count = row.missing_before;
        let what = if count == 1 { "message is" } else { "messages are" };
        out.push_str(&format!(
            "  ({count} {what} missing here from {})\n",
            safe(row.from.as_str())
        ));
    }
    let mut notes = vec![state(row.state).to_owned()];
    if row.thread.is_some() {
        notes.push("in a thread".to_owned());
    }
    if row.replies > 0 {
        let what = if row.replies == 1 { "reply" } else { "replies" };
        notes.push(format!("{} {what}", row.replies));
    }
    let from = safe(row.from.as_str());
    out.push_str(&format!("{}  {from}  [{}]", clock(row.at), notes.join(", ")));
    for text in safe(row.text.as_str()).lines() {
        out.push_str(&format!("\n  {text}"));
    }
    if !row.why.as_str().is_empty() {
        out.push_str(&format!("\n  ({})", safe(row.why.as_str())));
    }
    out
}

/// The time of this machine, in ms since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// A time in ms since 1970 as `2026-11-21 14:05`, in UTC.
#[must_use]
pub fn clock(at: u64) -> String {
    let minutes = at / 60_000;
    let (days, minute) = (minutes / 1440, minutes % 1440);
    let (year, month, day) = date(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}Z", minute / 60, minute % 60)
}

/// Year, month and day of a number of days since 1970, counted in eras of 400 years that start on
/// 1 March, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use ipc_schema::Text;
    use ipc_schema_ui::NameBits;

    use super::*;

    /// `CLI-04`
    #[test]
    fn times_are_the_calendar_s() {
        let cases = [
            (0, "1970-01-01 00:00Z"),
            (951_782_400_000, "2000-02-29 00:00Z"),
            (951_868_800_000, "2000-03-01 00:00Z"),
            (1_795_269_959_999, "2026-11-21 14:05Z"),
            (4_107_542_399_999, "2100-02-28 23:59Z"),
            (4_107_542_400_000, "2100-03-01 00:00Z"),
        ];
        for (at, text) in cases {
            assert_eq!(clock(at), text);
        }
    }

    /// `CLI-04`
    #[test]
    fn a_row_says_who_when_what_and_how_it_stands() {
        let mut row = Row {
            name: NameBits([0; 16]),
            from: Text::cut("Bob"),
            device: 3,
            own: false,
            at: 0,
            state: State::Relay,
            text: Text::cut("one\ntwo"),
            thread: None,
            replies: 0,
            why: Text::cut(""),
            missing_before: 0,
        };
        assert_eq!(line(&row), "1970-01-01 00:00Z  Bob  [at the relay]\n  one\n  two");
        row.state = State::Undecryptable;
        row.text = Text::cut("");
        row.why = Text::cut("it arrived before you joined");
        row.missing_before = 2;
        row.replies = 1;
        assert_eq!(
            line(&row),
            "  (2 messages are missing here from Bob)\n\
             1970-01-01 00:00Z  Bob  [cannot be read, 1 reply]\n  (it arrived before you joined)"
        );
    }
}
