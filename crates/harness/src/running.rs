//! A program that runs in the background, and one that runs to its end.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{During, Trouble, until};

/// A program in the background. It is stopped when this goes.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    log: PathBuf,
    lines: Receiver<String>,
}

/// What a program that has ended has said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Running {
    /// Starts `command`; its standard error, and a copy of its standard output, go to
    /// `<logs>/<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, name: &str, logs: &Path) -> Result<Self, Trouble> {
        std::fs::create_dir_all(logs).during("making the folder of the logs")?;
        let log = logs.join(format!("{name}.log"));
        let open = || OpenOptions::new().create(true).append(true).open(&log);
        let errors = open().during("opening a log")?;
        let copy = open().during("opening a log")?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .during(format_args!("starting {name}"))?;
        let stdout = child.stdout.take().during("no standard output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || copy_lines(stdout, copy, &sender));
        let name = name.to_owned();
        Ok(Self { child, name, log, lines })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The next line of its standard output.
    ///
    /// # Errors
    /// When none comes within `limit`, or it has ended.
    pub fn line(&mut self, limit: Duration) -> Result<String, Trouble> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                let (name, limit) = (&self.name, limit.as_secs_f32());
                Err(Trouble::new(format!("{name} says nothing for {limit} s")))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.ended(Duration::from_secs(5))?;
                let (name, log) = (&self.name, self.last_words());
                Err(Trouble::new(format!("{name} ended ({status}): {log}")))
            }
        }
    }

    /// The next line of its standard output, if there is one already.
    pub fn line_now(&mut self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Has it ended?
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn status(&mut self) -> Result<Option<ExitStatus>, Trouble> {
        self.child.try_wait().during("asking for an exit status")
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it has not within `limit`.
    pub fn ended(&mut self, limit: Duration) -> Result<ExitStatus, Trouble> {
        let what = format!("the end of {}", self.name);
        until(&what, limit, || self.status())
    }

    /// Ends it at once (SIGKILL) and waits for that.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<(), Trouble> {
        self.child.kill().during("killing")?;
        self.child.wait().during("waiting for a killed process")?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits for that; kills it after `limit`.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus, Trouble> {
        if let Some(status) = self.status()? {
            return Ok(status);
        }
        signal(self.pid(), Signal::TERM)?;
        let ended = self.ended(limit);
        if ended.is_err() {
            self.kill()?;
        }
        ended
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(8);
        lines.get(from..).unwrap_or_default().join(" | ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        let _ = self.stop(Duration::from_secs(6));
    }
}

impl Said {
    /// Runs `command` to its end, with `input` on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn by(mut command: Command, input: &str) -> Result<Self, Trouble> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .during(format_args!("starting {name}"))?;
        let mut stdin = child.stdin.take().during("no standard input")?;
        let input = input.to_owned();
        // Beside the reading: neither side may wait for the other's pipe to empty.
        let writer = std::thread::spawn(move || {
            // A program that does not read its input has closed the pipe.
            let _ = stdin.write_all(input.as_bytes());
        });
        let out = child.wait_with_output().during(&name)?;
        // Only a panic there could fail here.
        let _ = writer.join();
        Ok(Self {
            status: out.status,
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        })
    }

    /// The JSON objects of its standard output, one a line, when it has ended well.
    ///
    /// # Errors
    /// When it has not; the code is that of its JSON.
    pub fn values(self) -> Result<Vec<Value>, Trouble> {
        let values: Vec<Value> =
            self.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if self.status.success() {
            return Ok(values);
        }
        let said = values.iter().rev().find_map(|value| value.get("error"));
        let code = said.and_then(Value::as_str).map(str::to_owned);
        let (status, out, err) = (self.status, self.out.trim(), self.err.trim());
        let what = format!("{status}: {out} {err}");
        Err(Trouble { what, code })
    }
}

/// Sends a signal to a process.
///
/// # Errors
/// When there is no such process.
pub(crate) fn signal(pid: u32, signal: Signal) -> Result<(), Trouble> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.during("no process id")?;
    kill_process(pid, signal).during(format_args!("sending a signal to process {pid:?}"))
}

/// Quotes a command for people.
pub(crate) fn spelled(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn copy_lines(from: impl std::io::Read, mut copy: File, to: &std::sync::mpsc::Sender<String>) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { return };
        // A log that cannot be written is no reason to stop a test.
        let _ = writeln!(copy, "{line}");
        // Nobody listens any more, but the program must not block on a full pipe.
        let _ = to.send(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Folder, alive};

    fn shell(script: &str, logs: &Path) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Running::start(command, "shell", logs).unwrap()
    }

    /// `HARNESS-02`
    #[test]
    fn what_is_started_ends_with_its_value() {
        let folder = Folder::new("running").unwrap();
        let mut running = shell("echo ready; exec sleep 600", folder.path());
        assert_eq!(running.line(Duration::from_secs(60)).unwrap(), "ready");
        let pid = running.pid();
        assert!(alive(pid));
        drop(running);
        assert!(!alive(pid));
    }

    /// `HARNESS-02`
    #[test]
    fn what_does_not_listen_is_killed() {
        let folder = Folder::new("running").unwrap();
        let mut running =
            shell("trap '' TERM; echo ready; while :; do sleep 1; done", folder.path());
        assert_eq!(running.line(Duration::from_secs(60)).unwrap(), "ready");
        let pid = running.pid();
        assert!(running.stop(Duration::from_millis(50)).is_err());
        assert!(!alive(pid));
    }

    /// `HARNESS-01`
    #[test]
    fn the_end_of_a_program_is_told_with_its_last_words() {
        let folder = Folder::new("running").unwrap();
        let mut running = shell("echo no such door >&2; exit 3", folder.path());
        let trouble = running.line(Duration::from_secs(60)).unwrap_err();
        assert!(trouble.what.contains("no such door"), "{trouble}");
    }
}
