//! Waiting for what really happens, never for a time that should be enough.

use std::time::{Duration, Instant};

use crate::Trouble;

/// Asks again and again until there is an answer, at most for `limit`.
///
/// # Errors
/// When the question itself fails, or the limit is over; `what` says what was waited for.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, Trouble>,
) -> Result<T, Trouble> {
    let end = Instant::now().checked_add(limit);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if end.is_none_or(|end| Instant::now() >= end) {
            let limit = limit.as_secs_f32();
            return Err(Trouble::new(format!("{what}: not within {limit} s")));
        }
        // The answer comes from another process; between two questions it gets the processor.
        std::thread::sleep(BETWEEN);
    }
}

/// As [`until`], but a failing question is asked again: for a process that is just starting.
///
/// # Errors
/// When the limit is over; the last failure is in the words.
pub fn within<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut last = String::new();
    let answer = until(what, limit, || match ask() {
        Ok(answer) => Ok(Some(answer)),
        Err(trouble) => {
            last = trouble.what;
            Ok(None)
        }
    });
    answer.map_err(|trouble| Trouble::new(format!("{trouble}; at last: {last}")))
}

const BETWEEN: Duration = Duration::from_millis(25);

#[cfg(test)]
mod tests {
    use super::*;

    /// `HARNESS-01`
    #[test]
    fn waiting_ends_with_the_answer() {
        let mut asked = 0;
        let answer = until("the third", Duration::from_secs(60), || {
            asked += 1;
            Ok((asked == 3).then_some(asked))
        });
        assert_eq!(answer.ok(), Some(3));
    }

    /// `HARNESS-01`
    #[test]
    fn waiting_ends_with_its_limit_and_says_for_what() {
        let never = || Err::<(), _>(Trouble::new("not yet"));
        let trouble = within("the end", Duration::from_millis(1), never).unwrap_err();
        assert!(trouble.what.contains("the end"), "{trouble}");
        assert!(trouble.what.contains("not yet"), "{trouble}");
    }
}
