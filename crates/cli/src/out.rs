//! Printing, and reading the line.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use crate::Trouble;

/// Where results go: lines for people, or one JSON object per line.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
}

impl Out {
    /// JSON, if so wished.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Is it JSON?
    #[must_use]
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints one thing in the form that was asked for.
    ///
    /// # Errors
    /// When nobody reads any more: stop quietly.
    pub fn print(
        self,
        object: impl FnOnce() -> Value,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json { writeln!(out, "{}", object()) } else { writeln!(out, "{}", text()) }
    }

    /// Prints one thing that only people want to know, on standard error.
    pub fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// The exit status of a command, its trouble printed.
    #[must_use]
    pub fn finish(self, outcome: Result<(), Trouble>) -> ExitCode {
        let Err(trouble) = outcome else {
            return ExitCode::SUCCESS;
        };
        if trouble.code == QUIET {
            return ExitCode::SUCCESS;
        }
        // There is nobody left to tell when this fails.
        let _ = if self.json {
            writeln!(io::stdout(), "{}", object(&trouble))
        } else {
            writeln!(io::stderr(), "error: {}\n  {}", trouble.message, trouble.hint)
        };
        ExitCode::from(trouble.status)
    }
}

/// The trouble as JSON.
fn object(trouble: &Trouble) -> Value {
    json!({"error": trouble.code, "message": trouble.message, "hint": trouble.hint})
}

/// Nobody reads what is printed: `head` has seen enough, which is no error.
impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::refused(QUIET, "", "");
        }
        Self::refused("output-failed", format!("printing failed: {error}"), "")
    }
}

/// Reads the line. A wrong one is answered in JSON too, where that was asked for.
///
/// # Errors
/// The exit status to end with; what was to be said is said.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    T::try_parse_from(&words).map_err(|error| {
        let json = words.iter().any(|word| word == "--json");
        if !json || !error.use_stderr() {
            // Help and version are no errors.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Out::new(true).finish(Err(Trouble::usage(message, "see --help")))
    })
}

const QUIET: &str = "output-closed";
