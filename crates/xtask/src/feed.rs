//! `cargo xtask demo --feed FILE`: a text from Alice to Bob, line by line.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use harness::{During, Trouble, World};
use serde_json::Value;

/// The lines of a text file that have something in them.
pub(crate) fn lines(file: &Path) -> Result<Vec<String>, Trouble> {
    let shown = file.display();
    let bytes = std::fs::read(file).during(&shown)?;
    let text = String::from_utf8(bytes).during(format_args!("{shown} is not UTF-8 text"))?;
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end_matches('\r').to_owned())
        .filter(|line| !line.trim().is_empty())
        .collect();
    if lines.is_empty() {
        return Err(Trouble::new(format!("{shown} has no lines to send")));
    }
    Ok(lines)
}

/// Sends the lines, shows them arriving, and checks at the end that all came once and in order.
pub(crate) fn run(world: &World, lines: &[String], stop: &Receiver<()>) -> Result<(), Trouble> {
    let place = world.general();
    let before = world.bob.commands().read_all(&place)?.len();
    let began = Instant::now();
    let mut follow = world.bob.follow(&place)?;
    let sender = send(world, &place, lines)?;
    let mut progress = Progress::new(lines.len());
    while progress.arrived < lines.len() {
        if stop.try_recv().is_ok() {
            return Err(Trouble::new("stopped before all lines had arrived"));
        }
        let line = follow.line(PATIENCE)?;
        let row: Value = serde_json::from_str(&line).during("what follow prints")?;
        // A message whose state changes is printed again.
        if row.get("changed").is_some() {
            continue;
        }
        if let Some(text) = row.get("text").and_then(Value::as_str) {
            progress.one_more(text);
        }
    }
    let sent = sender.join().map_err(|_| Trouble::new("sending failed"))?;
    sent?;
    let seconds = began.elapsed().as_secs_f32();
    let rows = world.bob.commands().read_all(&place)?;
    let texts = rows.iter().skip(before).map(|row| row.get("text"));
    let texts: Vec<&str> = texts.map(|it| it.and_then(Value::as_str).unwrap_or_default()).collect();
    let wrong = texts.iter().zip(lines).position(|(text, line)| text != line);
    if let Some(wrong) = wrong {
        return Err(Trouble::new(format!(
            "line {} is another one at Bob",
            wrong.saturating_add(1)
        )));
    }
    if texts.len() != lines.len() {
        let (there, all) = (texts.len(), lines.len());
        return Err(Trouble::new(format!("Bob has {there} messages instead of {all}")));
    }
    let all = lines.len();
    eprintln!("all {all} lines arrived, each once and in order, within {seconds:.1} s");
    Ok(())
}

type Sender = std::thread::JoinHandle<Result<(), Trouble>>;

/// `sotto-cli send --lines` beside us: it reads as fast as the other end takes the lines.
fn send(world: &World, place: &str, lines: &[String]) -> Result<Sender, Trouble> {
    let mut command = world.alice.commands().cli_command(&["send", place, "--lines"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().during("starting sotto-cli send")?;
    let mut input = child.stdin.take().during("no standard input")?;
    let output = child.stdout.take().during("no standard output")?;
    let text = format!("{}\n", lines.join("\n"));
    std::thread::spawn(move || {
        // A sender that has ended says why in its own words.
        let _ = input.write_all(text.as_bytes());
    });
    Ok(std::thread::spawn(move || {
        // It stops when nobody takes what it prints; the last words tell of a failure.
        let last = BufReader::new(output).lines().map_while(Result::ok).last();
        let status = child.wait().during("sotto-cli send")?;
        if status.success() {
            return Ok(());
        }
        let last = last.unwrap_or_default();
        Err(Trouble::new(format!("sotto-cli send ended ({status}): {last}")))
    }))
}

struct Progress {
    arrived: usize,
    all: usize,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { arrived: 0, all, shown: Instant::now(), terminal: std::io::stderr().is_terminal() }
    }

    fn one_more(&mut self, text: &str) {
        self.arrived = self.arrived.saturating_add(1);
        let last = self.arrived == self.all;
        if !last && self.shown.elapsed() < BETWEEN {
            return;
        }
        self.shown = Instant::now();
        let start: String = text.chars().take(60).collect();
        let line = format!("{}/{} at Bob: {start}", self.arrived, self.all);
        if self.terminal && !last {
            eprint!("\r\x1b[2K{line}");
        } else if self.terminal {
            eprintln!("\r\x1b[2K{line}");
        } else {
            eprintln!("{line}");
        }
    }
}

/// How long one line may take at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two lines of progress.
const BETWEEN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use harness::Folder;

    /// `XTASK-04`
    #[test]
    fn a_text_is_taken_line_by_line_without_empty_ones() {
        let folder = Folder::new("feed").unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "one\r\n\n  \nзвезда\n").unwrap();
        assert_eq!(lines(&file).unwrap(), ["one", "звезда"]);
        std::fs::write(&file, [0xff]).unwrap();
        assert!(lines(&file).unwrap_err().what.contains("UTF-8"));
        std::fs::write(&file, "\n").unwrap();
        assert!(lines(&file).is_err());
    }
}
