//! Somebody who writes one message after the other, whatever happens around them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use harness::{Commands, Trouble, until};
use serde_json::Value;

/// A thread that writes "NAME 0", "NAME 1", .. with `sotto-cli send`.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<usize, Trouble>>,
    name: String,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    written: Mutex<usize>,
    changed: Condvar,
}

impl Writer {
    pub(crate) fn start(name: &str, commands: &Commands, place: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let (thread_shared, commands) = (Arc::clone(&shared), commands.clone());
        let (name_there, place) = (name.to_owned(), place.to_owned());
        let thread = std::thread::spawn(move || {
            let mut count = 0;
            while !thread_shared.stop.load(Ordering::Relaxed) {
                write(&commands, &place, &format!("{name_there} {count}"))?;
                count += 1;
                *thread_shared.written.lock().unwrap() = count;
                thread_shared.changed.notify_all();
            }
            Ok(count)
        });
        Self { shared, thread, name: name.to_owned() }
    }

    /// Waits until so many more are written.
    pub(crate) fn more(&self, count: usize) {
        let mut written = self.shared.written.lock().unwrap();
        let wanted = *written + count;
        while *written < wanted {
            let waited = self.shared.changed.wait_timeout(written, PATIENCE).unwrap();
            let ended = self.thread.is_finished() || waited.1.timed_out();
            assert!(!ended, "{} writes no more", self.name);
            written = waited.0;
        }
    }

    pub(crate) fn written(&self) -> usize {
        *self.shared.written.lock().unwrap()
    }

    /// Ends, and gives all texts in the order in which they were written.
    pub(crate) fn finish(self) -> Vec<String> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let count = self.thread.join().unwrap().unwrap();
        (0..count).map(|it| format!("{} {it}", self.name)).collect()
    }
}

/// Writes one message. Whoever gets no answer looks whether it stands there before trying again,
/// as a person would.
fn write(commands: &Commands, place: &str, text: &str) -> Result<(), Trouble> {
    if commands.cli(&["send", place, text]).is_ok() {
        return Ok(());
    }
    until("an endpoint that answers again", PATIENCE, || {
        let Ok(rows) = commands.cli(&["read", place, "--limit", "100"]) else {
            return Ok(None);
        };
        let there = rows.iter().any(|row| row.get("text") == Some(&Value::from(text)));
        if there || commands.cli(&["send", place, text]).is_ok() {
            return Ok(Some(()));
        }
        Ok(None)
    })
}

const PATIENCE: Duration = Duration::from_secs(120);
