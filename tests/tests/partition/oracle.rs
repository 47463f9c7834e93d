//! What everybody must have read, judged by nothing but what was written and what the command lines
//! print. It knows no other part of the product.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A message, as whoever wrote it noted it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) by: String,
    /// Unlike all others.
    pub(crate) text: String,
    /// What `send` answered.
    pub(crate) name: String,
    /// What it replies to.
    pub(crate) thread: Option<String>,
    /// The names of what its writer had read before.
    pub(crate) seen: BTreeSet<String>,
    /// Who has to have it in the end.
    pub(crate) must: Vec<String>,
    /// Who may have it or not. Everybody else must not.
    pub(crate) may: Vec<String>,
}

impl Message {
    fn must_reach(&self, reader: &str) -> bool {
        self.must.iter().any(|who| who == reader)
    }

    fn may_reach(&self, reader: &str) -> bool {
        self.must_reach(reader) || self.may.iter().any(|who| who == reader)
    }
}

/// What is wrong with everything that `reader` reads in a channel.
pub(crate) fn judge(messages: &[Message], reader: &str, rows: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let message = match find(messages, reader, row) {
            Ok(message) => message,
            Err(why) => {
                wrong.extend(why);
                continue;
            }
        };
        wrong.extend(misread(messages, message, reader, row));
        if places.insert(&message.name, place).is_some() {
            wrong.push(format!("{reader} reads twice: {}", message.text));
        }
    }
    let mut last: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for message in messages {
        let Some(here) = places.get(message.name.as_str()).copied() else {
            if message.must_reach(reader) {
                wrong.push(format!("{reader} {LACKS}: {}", message.text));
            }
            continue;
        };
        for cause in message.seen.iter().chain(&message.thread) {
            if places.get(cause.as_str()).is_some_and(|there| *there > here) {
                let text = &message.text;
                wrong.push(format!("{reader} reads {text} above {cause}, which its writer knew"));
            }
        }
        let own = last.insert(&message.by, (here, &message.text));
        if let Some((_, before)) = own.filter(|(before, _)| *before > here) {
            wrong.push(format!("{reader} reads {} above {before}", message.text));
        }
    }
    wrong
}

/// The message that a row shows. A row that cannot be read shows none, and is wrong unless its
/// reader need not have it.
fn find<'a>(
    messages: &'a [Message],
    reader: &str,
    row: &Value,
) -> Result<&'a Message, Option<String>> {
    if let Some(message) = messages.iter().find(|it| it.text == word(row, "text")) {
        return Ok(message);
    }
    let named = messages.iter().find(|it| it.name == word(row, "name"));
    let Some(message) = named.filter(|_| word(row, "state") == UNREADABLE) else {
        return Err(Some(format!("{reader} reads what nobody wrote: {row}")));
    };
    if message.must_reach(reader) {
        return Err(Some(format!("{reader} {LACKS}, a key for {}", message.text)));
    }
    let shown = format!("{reader} is shown that there is {}", message.text);
    Err((!message.may_reach(reader)).then_some(shown))
}

/// What is wrong with one row.
fn misread(messages: &[Message], message: &Message, reader: &str, row: &Value) -> Vec<String> {
    let text = &message.text;
    let mut wrong = Vec::new();
    if !message.may_reach(reader) {
        wrong.push(format!("{reader} must not read: {text}"));
    }
    if word(row, "from") != message.by {
        wrong.push(format!("{reader} reads {text} as from {}", word(row, "from")));
    }
    if row.get("own").and_then(Value::as_bool) != Some(message.by == reader) {
        wrong.push(format!("{reader} reads {text} with own = {}", row["own"]));
    }
    if word(row, "name") != message.name {
        wrong.push(format!("{reader} knows {text} as {}, not {}", row["name"], message.name));
    }
    if row.get("thread").and_then(Value::as_str) != message.thread.as_deref() {
        wrong.push(format!("{reader} reads {text} under {:?}", row.get("thread")));
    }
    let of_writer = messages.iter().filter(|it| it.by == message.by);
    let has_all =
        of_writer.take_while(|it| it.name != message.name).all(|it| it.must_reach(reader));
    if has_all && row.get("missing_before").and_then(Value::as_u64) != Some(0) {
        wrong.push(format!("{reader} {LACKS} of {} before {text}", message.by));
    }
    if rank(word(row, "state")).is_none() {
        wrong.push(format!("{reader} reads {text} as {}", row["state"]));
    }
    wrong
}

/// Where two readers disagree about the order of what both have.
pub(crate) fn agree(one: &[Value], other: &[Value]) -> Vec<String> {
    let names = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| word(row, "name").to_owned()).collect()
    };
    let (one, other) = (names(one), names(other));
    let common = |rows: &[String], all: &[String]| -> Vec<String> {
        rows.iter().filter(|name| all.contains(name)).cloned().collect()
    };
    let (left, right) = (common(&one, &other), common(&other, &one));
    let differs = left.iter().zip(&right).find(|(left, right)| left != right);
    differs
        .map(|(left, right)| format!("one reads {left} where the other reads {right}"))
        .into_iter()
        .collect()
}

/// What one reader has seen so far: none of it may go, change, or be taken back.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<String, Value>);

impl Memory {
    /// Takes everything that the reader reads now; says what has changed that may not.
    pub(crate) fn now_reads(&mut self, reader: &str, rows: &[Value]) -> Vec<String> {
        let mut wrong = Vec::new();
        for row in rows {
            let old = self.0.insert(word(row, "name").to_owned(), row.clone());
            if let Some(old) = old {
                wrong.extend(withdrawn(reader, &old, row));
            }
        }
        let here: BTreeSet<&str> = rows.iter().map(|row| word(row, "name")).collect();
        for (name, row) in &self.0 {
            if !here.contains(name.as_str()) {
                wrong.push(format!("{reader} has lost {name}: {}", row["text"]));
            }
        }
        wrong
    }
}

/// What is wrong with what `follow` printed from its start to its end.
pub(crate) fn judge_news(messages: &[Message], reader: &str, lines: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known: BTreeMap<&str, &Value> = BTreeMap::new();
    for line in lines {
        let message = match find(messages, reader, line) {
            Ok(message) => message,
            Err(why) => {
                wrong.extend(why);
                continue;
            }
        };
        wrong.extend(misread(messages, message, reader, line));
        let old = known.insert(word(line, "name"), line);
        // It is told again when somebody has replied to it, and when its state changes.
        let is_news = |old: &Value| {
            line.get("changed").is_some() || old.get("replies") != line.get("replies")
        };
        if let Some(old) = old {
            wrong.extend(withdrawn(reader, old, line));
            if !is_news(old) {
                wrong.push(format!("{reader} is told twice of {}", message.text));
            }
        }
    }
    wrong
}

fn withdrawn(reader: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if word(old, "state") == UNREADABLE {
        return wrong;
    }
    for field in ["text", "from", "device", "thread", "own"] {
        if old.get(field) != new.get(field) {
            wrong.push(format!("{reader}: {field} of {old} is now {:?}", new.get(field)));
        }
    }
    if rank(word(new, "state")) < rank(word(old, "state")) {
        wrong.push(format!("{reader}: {old} is taken back to {}", new["state"]));
    }
    wrong
}

/// How far a message has come; none for what should not be.
pub(crate) fn rank(state: &str) -> Option<usize> {
    ["queued", "local-relay", "relay", "delivered"].iter().position(|it| *it == state)
}

/// Whether this is wrong in the end only: it may still be on its way.
pub(crate) fn may_still_come(wrong: &str) -> bool {
    wrong.contains(LACKS)
}

pub(crate) fn word<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

const UNREADABLE: &str = "undecryptable";
const LACKS: &str = "does not have what it must";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Doctor<'a> = &'a dyn Fn(&mut Vec<Value>);

    /// Alice asks, Bob answers, Alice thanks; Carol was removed before the thanks.
    fn talk() -> Vec<Message> {
        let all = ["Alice", "Bob", "Carol"].map(str::to_owned).to_vec();
        let message = |by: &str, name: &str, seen: &[&str], must: &[String]| Message {
            by: by.to_owned(),
            text: format!("text of {name}"),
            name: name.to_owned(),
            thread: (name == "2").then(|| "1".to_owned()),
            seen: seen.iter().map(|name| (*name).to_owned()).collect(),
            must: must.to_vec(),
            may: Vec::new(),
        };
        vec![
            message("Alice", "1", &[], &all),
            message("Bob", "2", &["1"], &all),
            message("Alice", "3", &["1", "2"], &all[..2]),
        ]
    }

    fn row(message: &Message, reader: &str) -> Value {
        let mut row = json!({
            "name": message.name, "text": message.text, "from": message.by, "device": 7,
            "own": message.by == reader, "state": "relay", "missing_before": 0, "replies": 0,
        });
        if let Some(thread) = &message.thread {
            row["thread"] = json!(thread);
        }
        row
    }

    fn unreadable(row: &mut Value) {
        row["state"] = json!("undecryptable");
        row["text"] = json!("");
    }

    fn rows(reader: &str) -> Vec<Value> {
        talk().iter().map(|message| row(message, reader)).collect()
    }

    /// `TESTS-17`
    #[test]
    fn the_oracle_takes_what_is_right() {
        assert_eq!(judge(&talk(), "Bob", &rows("Bob")), Vec::<String>::new());
        assert_eq!(judge(&talk(), "Carol", &rows("Carol")[..2]), Vec::<String>::new());
    }

    /// `TESTS-17`
    #[test]
    fn the_oracle_sees_every_kind_of_wrong() {
        let change = |change: Doctor| {
            let mut rows = rows("Bob");
            change(&mut rows);
            judge(&talk(), "Bob", &rows).join("\n")
        };
        let cases: [(Doctor, &str); 12] = [
            (&|rows| drop(rows.remove(0)), "does not have what it must: text of 1"),
            (&|rows| rows[2]["missing_before"] = json!(1), "must of Alice before text of 3"),
            (&|rows| rows.push(rows[0].clone()), "reads twice"),
            (&|rows| rows.swap(0, 1), "above 1, which its writer knew"),
            (&|rows| rows.swap(0, 2), "reads text of 3 above text of 1"),
            (&|rows| rows[0]["text"] = json!("forged"), "nobody wrote"),
            (&|rows| rows[0]["from"] = json!("Bob"), "as from Bob"),
            (&|rows| rows[0]["name"] = json!("9"), "knows text of 1 as"),
            (&|rows| rows[1]["thread"] = json!("3"), "under"),
            (&|rows| rows[1]["own"] = json!(false), "with own = false"),
            (&|rows| rows[2]["state"] = json!("failed"), "as \"failed\""),
            (&|rows| unreadable(&mut rows[0]), "must, a key for text of 1"),
        ];
        for (doctored, said) in cases {
            let found = change(doctored);
            assert!(found.contains(said), "{said}: {found}");
        }
        let found = judge(&talk(), "Carol", &rows("Carol")).join("\n");
        assert_eq!(found, "Carol must not read: text of 3");
        let mut all = rows("Carol");
        unreadable(&mut all[2]);
        let found = judge(&talk(), "Carol", &all).join("\n");
        assert_eq!(found, "Carol is shown that there is text of 3");
        let mut messages = talk();
        messages[2].may.push("Carol".to_owned());
        assert_eq!(judge(&messages, "Carol", &all), Vec::<String>::new());
    }

    /// `TESTS-17`
    #[test]
    fn the_oracle_sees_what_is_taken_back() {
        let mut memory = Memory::default();
        let mut all = rows("Bob");
        assert_eq!(memory.now_reads("Bob", &all[..2]), Vec::<String>::new());
        assert_eq!(memory.now_reads("Bob", &all), Vec::<String>::new());
        assert!(memory.now_reads("Bob", &all[1..])[0].contains("has lost 1"));
        all[1]["state"] = json!("queued");
        assert!(memory.now_reads("Bob", &all)[0].contains("taken back to \"queued\""));
        all[1]["text"] = json!("other");
        assert!(memory.now_reads("Bob", &all)[0].contains("text of"));
    }

    /// `TESTS-17`
    #[test]
    fn the_oracle_hears_what_is_told_twice_or_in_another_order() {
        let mut told = rows("Bob");
        told.push(told[0].clone());
        assert!(judge_news(&talk(), "Bob", &told)[0].contains("told twice"));
        told[3]["replies"] = json!(1);
        assert_eq!(judge_news(&talk(), "Bob", &told), Vec::<String>::new());
        told[3]["replies"] = json!(0);
        told[3]["changed"] = json!(true);
        assert_eq!(judge_news(&talk(), "Bob", &told), Vec::<String>::new());
        told[3]["state"] = json!("queued");
        assert!(judge_news(&talk(), "Bob", &told)[0].contains("taken back"));
        let mut other = rows("Alice");
        assert_eq!(agree(&rows("Bob"), &other[1..]), Vec::<String>::new());
        other.swap(0, 1);
        assert_eq!(agree(&rows("Bob"), &other).len(), 1);
    }
}
