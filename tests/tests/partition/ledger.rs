//! Who wrote what, noted by those who wrote it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use harness::{Commands, Dice, During as _, Trouble, within};
use serde_json::Value;

use crate::oracle::{Message, word};

/// Everything that was written, in the order in which it was answered.
#[derive(Debug)]
pub(crate) struct Ledger {
    messages: Mutex<Vec<Message>>,
    requests: AtomicU64,
    seed: u64,
}

/// Who must have what is written now, and who may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audience {
    pub(crate) must: &'static [&'static str],
    pub(crate) may: &'static [&'static str],
}

/// Somebody who writes, through the command lines only.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) name: &'static str,
    pub(crate) commands: Commands,
    pub(crate) place: String,
    dice: Mutex<Dice>,
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        Self { messages: Mutex::default(), requests: AtomicU64::new(0), seed }
    }

    pub(crate) fn all(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The names of what `by` wrote behind the first `from` messages.
    pub(crate) fn names(&self, by: &str, from: usize) -> Vec<String> {
        let all = self.all();
        all.iter().skip(from).filter(|it| it.by == by).map(|it| it.name.clone()).collect()
    }

    fn note(&self, message: Message) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

impl Voice {
    pub(crate) fn new(name: &'static str, commands: &Commands, place: &str, seed: u64) -> Self {
        let dice = Mutex::new(Dice::new(seed));
        Self { name, commands: commands.clone(), place: place.to_owned(), dice }
    }

    /// Writes so many messages, one in three of them in answer to one that was read before.
    pub(crate) fn talk(
        &self,
        ledger: &Ledger,
        count: usize,
        audience: Audience,
    ) -> Result<(), Trouble> {
        for _ in 0..count {
            // An endpoint that was just killed does not answer, and is asked again.
            let rows = within("reading", PATIENCE, || {
                self.commands.cli(&["read", &self.place, "--limit", "400"])
            })?;
            let reply = {
                let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
                let tops: Vec<&Value> =
                    rows.iter().rev().filter(|row| row.get("thread").is_none()).take(8).collect();
                if dice.permille(333) {
                    dice.pick(&tops).map(|row| word(row, "name"))
                } else {
                    None
                }
            };
            let seen = rows.iter().map(|row| word(row, "name").to_owned()).collect();
            self.say(ledger, reply, seen, audience)?;
        }
        Ok(())
    }

    /// Writes one. Whoever gets no answer asks again under the same number.
    fn say(
        &self,
        ledger: &Ledger,
        reply: Option<&str>,
        seen: BTreeSet<String>,
        audience: Audience,
    ) -> Result<(), Trouble> {
        let number = ledger.requests.fetch_add(1, Ordering::Relaxed);
        let text = format!("{number:03} {} {:016x}", self.name, ledger.seed);
        let request = format!("{:016x}{number:016x}", ledger.seed);
        let mut args = vec!["send", &self.place, &text, "--request", &request];
        args.extend(reply.iter().flat_map(|name| ["--reply-to", name]));
        let what = format!("an answer to {text}");
        let sent = within(&what, PATIENCE, || self.commands.cli(&args))?;
        let name = sent.first().map(|sent| word(sent, "name").to_owned());
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ledger.note(Message {
            by: self.name.to_owned(),
            text,
            name: name.during("send names no message")?,
            thread: reply.map(str::to_owned),
            seen,
            must: owned(audience.must),
            may: owned(audience.may),
        });
        Ok(())
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
