//! A display that nobody sees: Xvfb.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Running, Trouble};

/// A running Xvfb.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Running,
}

impl Display {
    /// Starts one with a screen of 1,600 by 900 on a free display number.
    ///
    /// # Errors
    /// When Xvfb is missing or does not start within 20 s.
    pub fn start(logs: &Path) -> Result<Self, Trouble> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1600x900x24"]);
        command.args(["-nolisten", "tcp"]);
        let mut server = Running::start(command, "xvfb", logs)?;
        let number = server.line(Duration::from_secs(20))?;
        Ok(Self { name: format!(":{}", number.trim()), _server: server })
    }

    /// What stands in `DISPLAY`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
