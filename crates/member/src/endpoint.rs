//! The Sotto that the member tool works through: the one that runs, or one for this command alone.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cli::{Out, Session, TeamRef, Trouble, Wisher, new_passphrase, passphrase, team_in};
use ipc_io::KnockError;
use ipc_schema::control::{Class, Knock};
use ipc_schema_ui::{Answer, Label, Phase, Request, Team};

/// An open conversation. What was started for it is stopped when it goes.
pub(crate) struct Endpoint {
    session: Session,
    is_open: bool,
    /// Last, so that the conversation has ended before it is stopped.
    _own: Option<Own>,
}

/// A launcher that this command started.
struct Own {
    process: Child,
    data: PathBuf,
}

impl Endpoint {
    /// Comes in at the running launcher of `data`, or starts one without a window.
    pub(crate) fn enter(data: &Path, patience: Duration, out: Out) -> Result<Self, Trouble> {
        let own = match ipc_io::ask(data, &Knock::Status) {
            Ok(_) => None,
            Err(KnockError::NotRunning) => Some(Own::start(data, out)?),
            Err(error) => return Err(error.into()),
        };
        let session = Session::enter(data, Class::MemberTool, Some(patience))?;
        Ok(Self { session, is_open: false, _own: own })
    }

    /// Makes the vault if there is none, and opens it if that is needed.
    pub(crate) fn open_or_create(&mut self, user: &Label, device: &Label) -> Result<(), Trouble> {
        if self.session.phase() != Phase::FirstStart {
            return Ok(());
        }
        let passphrase = new_passphrase("new passphrase of the member tool: ")?;
        let (user, device) = (user.clone(), device.clone());
        self.session.done(Request::Create { passphrase, user, device })?;
        self.is_open = true;
        Ok(())
    }

    /// Waits until nothing waits to be stored at the relay.
    pub(crate) fn settle(&mut self) -> Result<(), Trouble> {
        match self.ask(Request::Settle) {
            Ok(Answer::Done) => Ok(()),
            Ok(_) => Err(Trouble::unexpected()),
            Err(trouble) if trouble.code == "no-answer" => Err(Trouble::unreachable(
                "not-settled",
                "it is done and kept here, but the relay has not stored it yet",
                "when the relay is there again, run any command of this tool: that sends it too",
            )),
            Err(trouble) => Err(trouble),
        }
    }
}

impl Wisher for Endpoint {
    /// Asks; unlocks before, where the vault or its gate wants the passphrase.
    fn ask(&mut self, request: Request) -> Result<Answer, Trouble> {
        if self.session.phase() == Phase::FirstStart && !self.is_open {
            let hint =
                "begin with `sotto-member org create NAME --relay HOST:PORT --relay-key HEX`";
            return Err(Trouble::refused("no-vault", "there is no organisation here yet", hint));
        }
        if !self.is_open && self.session.phase() == Phase::Unlocked {
            // Somebody may have given this tool the passphrase before.
            match self.session.ask(request.clone()) {
                Err(trouble) if CLOSED.contains(&trouble.code.as_str()) => {}
                outcome => return outcome,
            }
        }
        if !self.is_open {
            let passphrase = passphrase("passphrase of the member tool: ")?;
            self.session.done(Request::Unlock { passphrase })?;
            self.is_open = true;
        }
        self.session.ask(request)
    }

    fn team(&mut self, wanted: &TeamRef) -> Result<Team, Trouble> {
        team_in(&self.teams()?, wanted)
            .map_err(|trouble| trouble.naming("`sotto-cli teams`", "`sotto-member team list`"))
    }
}

impl Own {
    fn start(data: &Path, out: Out) -> Result<Self, Trouble> {
        let sotto = std::env::current_exe()
            .ok()
            .and_then(|own| Some(own.parent()?.join("sotto")))
            .unwrap_or_else(|| PathBuf::from("sotto"));
        let failed = |why: String| {
            let hint = "install all binaries of Sotto into one folder";
            Trouble::refused("not-started", why, hint)
        };
        let mut process = Command::new(&sotto)
            .arg("--data")
            .arg(data)
            .args(["--headless", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("{} cannot be started: {error}", sotto.display())))?;
        let stdout = process.stdout.take();
        let own = Self { process, data: data.to_path_buf() };
        let mut line = String::new();
        // Its first line comes when everything is up, or says why nothing is.
        if let Some(stdout) = stdout {
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let first: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let text = |key| first.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        if first.get("launcher").is_some() {
            out.note("started a Sotto without a window for this");
            Ok(own)
        } else if text("error").is_empty() {
            Err(failed("sotto ended before everything was up; what it wrote says why".to_owned()))
        } else {
            Err(Trouble::refused(text("error"), text("message"), text("hint")))
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // One that does not hear is ended; its children end with it.
        if ipc_io::ask(&self.data, &Knock::Stop).is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// How the gate says that it wants the passphrase.
const CLOSED: [&str; 2] = ["locked", "not-permitted"];
