//! Many messages at once: each line of standard input is one.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use cli::{Inbound, Out, Session, Trouble, new_id};
use ipc_io::Receiver;
use ipc_schema_ui::{Answer, Failure, MAX_BODY, NameBits, Request, RequestId, TeamBits};
use serde_json::{Value, json};

use crate::run::{body, sent};

/// Writes each line, with at most [`MOST_OPEN`] answers open, and prints the answers as they come.
/// After the first trouble no more is written; what is open already is still waited for.
pub(crate) fn send(
    session: Session,
    out: Out,
    team: TeamBits,
    channel: u16,
    reply_to: Option<NameBits>,
) -> Result<(), Trouble> {
    let (receiver, mut sender) = session.split();
    let asked = Asked::default();
    let (answered, answers) = mpsc::channel();
    let listening = thread::spawn({
        let asked = asked.clone();
        move || listen(receiver, out, &asked, &answered)
    });
    let mut window = Window { answers, open: 0, count: 0, out };
    let mut write = || -> Result<(), Trouble> {
        let mut input = io::stdin().lock();
        for number in 1.. {
            let line = next_line(&mut input).map_err(|trouble| at_line(trouble, number))?;
            let Some(line) = line else {
                break;
            };
            let text = text_of(line).map_err(|trouble| at_line(trouble, number))?;
            if text.trim().is_empty() {
                continue;
            }
            let text = body(text).map_err(|trouble| at_line(trouble, number))?;
            window.take()?;
            let id = new_id()?;
            asked.insert(id, number);
            Inbound::ask(&mut sender, id, Request::Send { team, channel, text, reply_to })?;
        }
        Ok(())
    };
    let written = write();
    let settled = window.settle();
    sender.close();
    // It ends with the connection; all that it had to say has been heard.
    let _ = listening.join();
    out.note(&format!("{} messages written", window.count));
    written.and(settled)
}

/// The line of each open question.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<BTreeMap<RequestId, u64>>>);

impl Asked {
    fn insert(&self, id: RequestId, line: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, line);
    }

    fn remove(&self, id: RequestId) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

/// Counts what is open.
struct Window {
    answers: mpsc::Receiver<Result<(), Trouble>>,
    open: usize,
    count: u64,
    out: Out,
}

impl Window {
    /// Waits until one more may be open.
    fn take(&mut self) -> Result<(), Trouble> {
        while let Ok(answer) = self.answers.try_recv() {
            self.closed(answer)?;
        }
        while self.open >= MOST_OPEN {
            self.wait()?;
        }
        self.open += 1;
        Ok(())
    }

    /// Waits until nothing is open; gives the first trouble on the way.
    fn settle(&mut self) -> Result<(), Trouble> {
        let mut outcome = Ok(());
        while self.open > 0 {
            outcome = outcome.and(self.wait());
        }
        outcome
    }

    fn wait(&mut self) -> Result<(), Trouble> {
        match self.answers.recv() {
            Ok(answer) => self.closed(answer),
            Err(_) => {
                self.open = 0;
                Err(ipc_io::Lost::Closed.into())
            }
        }
    }

    fn closed(&mut self, answer: Result<(), Trouble>) -> Result<(), Trouble> {
        self.open = self.open.saturating_sub(1);
        answer?;
        self.count += 1;
        if self.count.is_multiple_of(1000) {
            self.out.note(&format!("{} messages written so far", self.count));
        }
        Ok(())
    }
}

fn listen(
    mut receiver: Receiver,
    out: Out,
    asked: &Asked,
    answered: &mpsc::Sender<Result<(), Trouble>>,
) {
    loop {
        let inbound = match receiver.recv(None) {
            Ok(Some(frame)) => Inbound::read(&frame),
            Ok(None) => continue,
            Err(lost) => Err(lost.into()),
        };
        let (answer, is_end) = match inbound {
            Ok(Inbound::Event(_)) => continue,
            Ok(Inbound::Answer(id, answer)) => {
                (show(out, asked.remove(id).unwrap_or_default(), answer), false)
            }
            Err(trouble) => (Err(trouble), true),
        };
        if answered.send(answer).is_err() || is_end {
            return;
        }
    }
}

fn show(out: Out, line: u64, answer: Result<Answer, Failure>) -> Result<(), Trouble> {
    let answer = answer.map_err(|failure| at_line(failure.into(), line))?;
    let Answer::Sent { row } = answer else {
        return Err(Trouble::unexpected());
    };
    if out.is_json() {
        out.print(|| numbered(sent(&row), line), String::new)?;
    }
    Ok(())
}

fn numbered(mut object: Value, line: u64) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert("line".to_owned(), json!(line));
    }
    object
}

fn at_line(mut trouble: Trouble, line: u64) -> Trouble {
    trouble.message = format!("line {line}: {}", trouble.message);
    trouble
}

/// The next line without its end. No more of one is gathered than fits a message.
fn next_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Trouble> {
    let mut line = Vec::new();
    let most = u64::try_from(MAX_BODY + 2).unwrap_or(u64::MAX);
    let count = io::Read::take(input, most).read_until(b'\n', &mut line).map_err(|error| {
        Trouble::refused("input-failed", error.to_string(), "nothing after it is read")
    })?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.len() > MAX_BODY {
        let message = format!("the text has more than {MAX_BODY} bytes");
        return Err(Trouble::refused("bad-text", message, "send it as several messages"));
    }
    Ok((count > 0).then_some(line))
}

fn text_of(line: Vec<u8>) -> Result<String, Trouble> {
    String::from_utf8(line).map_err(|_| {
        let hint = "convert the file, as with `iconv -t utf-8`";
        Trouble::refused("bad-text", "this is no UTF-8 text", hint)
    })
}

const MOST_OPEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// `CLI-07`
    #[test]
    fn lines_are_taken_one_by_one_without_their_ends() {
        let mut input = &b"one\r\n\ntwo"[..];
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(text_of(line).unwrap());
        }
        assert_eq!(lines, ["one", "", "two"]);
    }

    /// `CLI-07`
    #[test]
    fn a_line_that_is_no_message_is_refused_by_its_number() {
        let long = "x".repeat(MAX_BODY);
        assert_eq!(next_line(&mut long.as_bytes()).unwrap().unwrap().len(), MAX_BODY);
        let endless = "x".repeat(3 * MAX_BODY);
        let mut input = endless.as_bytes();
        assert_eq!(next_line(&mut input).unwrap_err().code, "bad-text");
        assert!(input.len() >= 2 * MAX_BODY - 2, "what does not fit is not gathered");
        let trouble = at_line(text_of(vec![0xff, 0xfe]).unwrap_err(), 7);
        assert_eq!(trouble.message, "line 7: this is no UTF-8 text");
    }

    /// `CLI-07`
    #[test]
    fn at_most_sixty_four_are_open_and_a_refusal_ends_the_writing() {
        let (answered, answers) = mpsc::channel();
        let mut window = Window { answers, open: 0, count: 0, out: Out::new(true) };
        for _ in 0..MOST_OPEN {
            window.take().unwrap();
        }
        answered.send(Ok(())).unwrap();
        window.take().unwrap();
        assert_eq!((window.open, window.count), (MOST_OPEN, 1));
        answered.send(Err(Trouble::refused("locked", "", ""))).unwrap();
        assert_eq!(window.take().unwrap_err().code, "locked");
        assert_eq!(window.open, MOST_OPEN - 1);
        drop(answered);
        assert_eq!(window.settle().unwrap_err().code, "connection-lost");
    }
}
