//! The member tool of an organisation.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::running::spelled;
use crate::{Bins, Said, Trouble};

/// The admin's vault, and the passphrase that opens it.
#[derive(Debug, Clone)]
pub struct Member {
    bins: Bins,
    data: PathBuf,
    passphrase: String,
}

impl Member {
    /// The admin whose vault is, or will be, in `data`.
    #[must_use]
    pub fn new(bins: &Bins, data: &Path, passphrase: &str) -> Self {
        Self { bins: bins.clone(), data: data.to_owned(), passphrase: passphrase.to_owned() }
    }

    /// Its folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its passphrase.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// Runs `sotto-member` and gives the last JSON object that it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, args: &[&str]) -> Result<Value, Trouble> {
        let mut command = self.bins.command("sotto-member");
        command.arg("--data").arg(&self.data).arg("--json").args(args);
        let spelled = spelled(&command);
        let said = Said::by(command, &format!("{}\n", self.passphrase))?;
        let mut values = said.values().map_err(|trouble| Trouble {
            what: format!("{spelled}: {trouble}"),
            code: trouble.code,
        })?;
        Ok(values.pop().unwrap_or(Value::Null))
    }
}
