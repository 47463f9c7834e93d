//! A real endpoint: `sotto` with its three processes, driven through `sotto-cli`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::running::{signal, spelled};
use crate::{Bins, During, Running, Said, Trouble, until, within};

/// One of the processes of an endpoint.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Role {
    /// `sotto`.
    Launcher,
    /// `secure-proc`.
    Secure,
    /// `net-proc`.
    Net,
    /// `ui-proc`.
    Window,
}

/// With or without a window.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Shape {
    /// Without.
    Headless,
    /// With one.
    Window {
        /// Where: `WxH+X+Y`.
        geometry: String,
        /// On which display; our own when none is named.
        display: Option<String>,
    },
}

/// The command lines of one person's endpoint: can be used beside it, also while it is away.
#[derive(Debug, Clone)]
pub struct Commands {
    bins: Bins,
    data: PathBuf,
}

/// One person's endpoint, running or not.
#[derive(Debug)]
pub struct Endpoint {
    commands: Commands,
    name: String,
    logs: PathBuf,
    passphrase: String,
    shape: Shape,
    relay: Option<String>,
    launcher: Option<Running>,
}

impl Role {
    /// As `sotto status` calls it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Launcher => "launcher",
            Self::Secure => "secure-proc",
            Self::Net => "net-proc",
            Self::Window => "ui-proc",
        }
    }
}

impl Endpoint {
    /// The endpoint of `name` in the folder `data`.
    #[must_use]
    pub fn new(bins: &Bins, name: &str, data: &Path, logs: &Path, passphrase: &str) -> Self {
        Self {
            commands: Commands { bins: bins.clone(), data: data.to_owned() },
            name: name.to_owned(),
            logs: logs.to_owned(),
            passphrase: passphrase.to_owned(),
            shape: Shape::Headless,
            relay: None,
            launcher: None,
        }
    }

    /// The same with another shape from its next start on.
    #[must_use]
    pub fn shaped(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// The same with another address of its relay (`--relay`) from its next start on.
    #[must_use]
    pub fn linked_through(mut self, address: &str) -> Self {
        self.relay = Some(address.to_owned());
        self
    }

    /// Its folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.commands.data
    }

    /// Its passphrase.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// Starts `sotto` and waits until all its processes run.
    ///
    /// # Errors
    /// When they do not within 20 s.
    pub fn start(&mut self) -> Result<(), Trouble> {
        std::fs::create_dir_all(self.data()).during("making a folder")?;
        let mut command = self.commands.bins.command("sotto");
        command.arg("--data").arg(self.data());
        command.args(self.relay.iter().flat_map(|address| ["--relay", address]));
        match &self.shape {
            Shape::Headless => command.arg("--headless"),
            Shape::Window { geometry, display } => {
                command.envs(display.iter().map(|display| ("DISPLAY", display)));
                command.args(["--geometry", geometry])
            }
        };
        self.launcher = Some(Running::start(command, &self.name, &self.logs)?);
        let limit = Duration::from_secs(20);
        self.wait_for(Role::Secure, None, limit)?;
        self.wait_for(Role::Net, None, limit)?;
        if self.shape != Shape::Headless {
            self.wait_for(Role::Window, None, limit)?;
        }
        Ok(())
    }

    /// Makes the vault: the first start of this person.
    ///
    /// # Errors
    /// As `sotto-cli create`.
    pub fn create(&self, device: &str) -> Result<(), Trouble> {
        let args = ["create", "--user", &self.name, "--device", device];
        self.commands.ask(&args, &format!("{}\n", self.passphrase))?;
        Ok(())
    }

    /// Opens the vault.
    ///
    /// # Errors
    /// As `sotto-cli unlock`.
    pub fn unlock(&self) -> Result<(), Trouble> {
        let open = || self.commands.ask(&["unlock"], &format!("{}\n", self.passphrase));
        within("unlocking", Duration::from_secs(20), || match open() {
            Err(trouble) if trouble.code.as_deref() == Some("already-unlocked") => Ok(()),
            other => other.map(|_| ()),
        })
    }

    /// Its command lines.
    #[must_use]
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Starts `sotto-cli follow` and leaves it running.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn follow(&self, place: &str) -> Result<Running, Trouble> {
        let command = self.commands.cli_command(&["follow", place]);
        Running::start(command, &format!("{}-follow", self.name), &self.logs)
    }

    /// Waits until a role runs with another process id than `old`.
    ///
    /// # Errors
    /// When it does not within `limit`.
    pub fn wait_for(&self, role: Role, old: Option<u32>, limit: Duration) -> Result<u32, Trouble> {
        let what = format!("{} of {}", role.key(), self.name);
        until(&what, limit, || {
            // Just after its start the launcher does not answer yet.
            let pid = self.commands.pid(role).ok().flatten();
            Ok(pid.filter(|pid| Some(*pid) != old))
        })
    }

    /// Kills one process (SIGKILL) and gives the id it had. The launcher takes all with it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, role: Role) -> Result<u32, Trouble> {
        if role == Role::Launcher {
            let mut launcher = self.launcher.take().during("the launcher does not run")?;
            let pid = launcher.pid();
            launcher.kill()?;
            return Ok(pid);
        }
        let pid = self.commands.pid(role)?.during(format_args!("{} does not run", role.key()))?;
        signal(pid, Signal::KILL)?;
        Ok(pid)
    }

    /// Has the launcher ended?
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn ended(&mut self) -> Result<bool, Trouble> {
        let launcher = self.launcher.as_mut();
        launcher.map_or(Ok(true), |it| Ok(it.status()?.is_some()))
    }

    /// Asks everything to end (SIGTERM to the launcher).
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        let Some(mut launcher) = self.launcher.take() else {
            return Ok(());
        };
        launcher.stop(Duration::from_secs(8)).map(|_| ())
    }
}

impl Commands {
    /// Runs `sotto-cli` and gives the JSON objects that it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn cli(&self, args: &[&str]) -> Result<Vec<Value>, Trouble> {
        self.ask(args, "")
    }

    /// As [`Commands::cli`], with text on its standard input.
    ///
    /// # Errors
    /// When it fails.
    pub fn ask(&self, args: &[&str], input: &str) -> Result<Vec<Value>, Trouble> {
        let command = self.cli_command(args);
        let spelled = spelled(&command);
        Said::by(command, input)?.values().map_err(|trouble| Trouble {
            what: format!("{spelled}: {trouble}"),
            code: trouble.code,
        })
    }

    /// The command `sotto-cli --data DIR --json ARGS`.
    #[must_use]
    pub fn cli_command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.bins.command("sotto-cli");
        command.arg("--data").arg(&self.data).arg("--json").args(args);
        command
    }

    /// Every message of a channel, the oldest first, read page by page.
    ///
    /// # Errors
    /// As `sotto-cli read`.
    pub fn read_all(&self, place: &str) -> Result<Vec<Value>, Trouble> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let first = all.first().and_then(|row| row.get("name")?.as_str());
            let mut args = vec!["read", place, "--limit", PAGE];
            args.extend(first.iter().flat_map(|name| ["--before", name]));
            let mut page = self.cli(&args)?;
            if page.is_empty() {
                return Ok(all);
            }
            page.extend(all);
            all = page;
        }
    }

    /// What `sotto status` says.
    ///
    /// # Errors
    /// When no launcher answers.
    pub fn processes(&self) -> Result<Value, Trouble> {
        let mut command = self.bins.command("sotto");
        command.arg("status").arg("--data").arg(&self.data).arg("--json");
        let values = Said::by(command, "")?.values()?;
        values.into_iter().next().during("sotto status said nothing")
    }

    /// The process id of a role while it runs.
    ///
    /// # Errors
    /// When no launcher answers.
    pub fn pid(&self, role: Role) -> Result<Option<u32>, Trouble> {
        let processes = self.processes()?;
        let entry = processes.get(role.key());
        let pid = entry.and_then(|entry| entry.as_u64().or_else(|| entry.get("pid")?.as_u64()));
        Ok(pid.and_then(|pid| u32::try_from(pid).ok()))
    }
}

/// As many as one request gives.
const PAGE: &str = "400";
