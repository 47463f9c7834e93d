//! A folder for one test.

use std::path::{Path, PathBuf};

use crate::{During, Trouble};

/// A temporary folder: gone when its test has passed, kept and named when it has failed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one whose name starts with `name`.
    ///
    /// # Errors
    /// When the temporary directory cannot be written.
    pub fn new(name: &str) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("sotto-{name}-"))
            .tempdir()
            .during("making a temporary folder")?;
        Ok(Self { path: folder.keep() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for you to read: {}", self.path.display());
        } else {
            // What is left behind there harms nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
