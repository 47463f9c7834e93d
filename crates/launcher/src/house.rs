//! What must be in order before anything is started: the data folder, the lock, the binaries.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::part::{PARTS, Part};

/// The data folder, made ready and locked by this process.
#[derive(Debug)]
pub(crate) struct House {
    /// Its real path.
    pub(crate) data: PathBuf,
    /// Where the three binaries are.
    pub(crate) binaries: PathBuf,
    _lock: File,
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HouseError {
    #[error("there is no home folder to keep data in")]
    NoHome,
    #[error("the data folder {0} cannot be made or entered ({1})")]
    Data(PathBuf, io::ErrorKind),
    #[error("the data folder {0} belongs to another user")]
    ForeignData(PathBuf),
    #[error("other users may write to the data folder {0}")]
    OpenData(PathBuf),
    #[error("the data folder {0} cannot be written ({1})")]
    ReadOnly(PathBuf, io::ErrorKind),
    #[error("sotto runs already for the data folder {0}")]
    RunsAlready(PathBuf),
    #[error("{0} is not beside sotto in {1}")]
    Missing(Part, PathBuf),
    #[error("there is no display to open a window on")]
    NoDisplay,
}

impl HouseError {
    /// For scripts; does not change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoHome => "no-home",
            Self::Data(..) => "bad-data-folder",
            Self::ForeignData(_) => "foreign-data-folder",
            Self::OpenData(_) => "open-data-folder",
            Self::ReadOnly(..) => "data-folder-not-writable",
            Self::RunsAlready(_) => "runs-already",
            Self::Missing(..) => "missing-binary",
            Self::NoDisplay => "no-display",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoHome => "name a folder with --data DIR".to_owned(),
            Self::Data(..) => "name another one with --data DIR".to_owned(),
            Self::ForeignData(_) => "name one of your own with --data DIR".to_owned(),
            Self::OpenData(data) => format!("run: chmod 700 {}", data.display()),
            Self::ReadOnly(data, _) => {
                format!(
                    "run: chmod -R u+rwX {}, or name another one with --data DIR",
                    data.display()
                )
            }
            Self::RunsAlready(data) => format!(
                "see it with `sotto status --data {0}`, stop it with `sotto stop --data {0}`",
                data.display()
            ),
            Self::Missing(..) => "install all binaries of Sotto into one folder; in a clone, \
                                  `cargo build` builds them"
                .to_owned(),
            Self::NoDisplay => "add --headless and use sotto-cli, or set DISPLAY (`xvfb-run -a \
                                sotto ..` makes one that nobody sees)"
                .to_owned(),
        }
    }

    /// 2 where the line should have been another, 1 where the world should.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::NoHome | Self::NoDisplay => 2,
            Self::Data(..)
            | Self::ForeignData(_)
            | Self::OpenData(_)
            | Self::ReadOnly(..)
            | Self::RunsAlready(_)
            | Self::Missing(..) => 1,
        }
    }
}

impl House {
    /// Makes the folders, takes the lock, looks for the binaries.
    pub(crate) fn enter(data: &Path) -> Result<Self, HouseError> {
        let data = prepare(data)?;
        let lock = lock(&data)?;
        for part in PARTS {
            let folder = folder_of(&data, part);
            private(&folder).map_err(|error| HouseError::ReadOnly(folder, error.kind()))?;
        }
        let binaries = std::env::current_exe()
            .ok()
            .and_then(|own| own.parent().map(Path::to_path_buf))
            .unwrap_or_default();
        for part in PARTS {
            if !is_executable(&binaries.join(part.binary())) {
                return Err(HouseError::Missing(part, binaries));
            }
        }
        Ok(Self { data, binaries, _lock: lock })
    }
}

/// The folder that a part may write.
pub(crate) fn folder_of(data: &Path, part: Part) -> PathBuf {
    data.join(match part {
        Part::Secure => "secure",
        Part::Net => "net",
        Part::Window => "ui",
    })
}

/// The file that a running launcher holds locked.
pub(crate) fn lock_path(data: &Path) -> PathBuf {
    data.join("launcher.lock")
}

fn prepare(data: &Path) -> Result<PathBuf, HouseError> {
    let failed = |error: io::Error| HouseError::Data(data.to_path_buf(), error.kind());
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    let data = data.canonicalize().map_err(failed)?;
    let found = data.metadata().map_err(failed)?;
    if !found.is_dir() {
        return Err(HouseError::Data(data, io::ErrorKind::NotADirectory));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(HouseError::ForeignData(data));
    }
    if found.mode() & 0o022 != 0 {
        return Err(HouseError::OpenData(data));
    }
    Ok(data)
}

fn lock(data: &Path) -> Result<File, HouseError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(lock_path(data))
        .map_err(|error| HouseError::ReadOnly(data.to_path_buf(), error.kind()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(HouseError::RunsAlready(data.to_path_buf())),
    }
}

/// Makes sure that there is a folder, and that only its owner may enter it.
fn private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// `LAUNCHER-08`
    #[test]
    fn a_data_folder_is_made_for_its_owner_alone_and_locked_once() {
        let root = tempfile::tempdir().unwrap();
        let data = prepare(&root.path().join("deep/er")).unwrap();
        assert_eq!(data.metadata().unwrap().mode() & 0o777, 0o700);
        let first = lock(&data).unwrap();
        assert!(matches!(lock(&data), Err(HouseError::RunsAlready(_))));
        drop(first);
        lock(&data).unwrap();
    }

    /// `LAUNCHER-08`
    #[test]
    fn a_data_folder_that_others_may_write_or_that_is_none_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = root.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o770)).unwrap();
        assert!(matches!(prepare(&open), Err(HouseError::OpenData(_))));
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(prepare(&file), Err(HouseError::Data(..))));
        assert!(matches!(prepare(&file.join("below")), Err(HouseError::Data(..))));
    }
}
