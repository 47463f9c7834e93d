//! Where the launcher's socket is, and where data lie.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

/// Why there is no place for the launcher's socket.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The data folder is not there.
    #[error("the data folder cannot be found ({0})")]
    Data(io::ErrorKind),
    /// The folder for sockets cannot be made.
    #[error("no folder for the socket can be made ({0}); set XDG_RUNTIME_DIR to one that is yours")]
    Folder(io::ErrorKind),
    /// The folder for sockets belongs to somebody else, or others may enter it.
    #[error("the folder for the socket is not yours alone; remove it or set XDG_RUNTIME_DIR")]
    Foreign,
}

/// The launcher's socket for a data folder, which must exist. Makes the folder around it, with
/// mode 0700, if it is not there.
///
/// `$XDG_RUNTIME_DIR/sotto/` where that folder is ours and the path is short enough for a socket,
/// else `sotto-<uid>` in the folder for temporary files; the name is from the hash of the data
/// folder's real path.
///
/// # Errors
/// As [`PathError`] says.
pub fn socket_path(data: &Path) -> Result<PathBuf, PathError> {
    let name = socket_name(data)?;
    let uid = rustix::process::getuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let folder = runtime
        .filter(|runtime| is_owned_folder(runtime, uid))
        .map(|runtime| runtime.join("sotto"))
        .filter(|folder| fits(&folder.join(&name)));
    let folder = folder.unwrap_or_else(|| {
        let own = format!("sotto-{uid}");
        let temporary = std::env::temp_dir().join(&own);
        if fits(&temporary.join(&name)) { temporary } else { Path::new("/tmp").join(own) }
    });
    private_folder(&folder, uid)?;
    Ok(folder.join(name))
}

/// Where data lie unless somebody says otherwise: `$XDG_DATA_HOME/sotto`, else
/// `~/.local/share/sotto`. `None` without a home.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let share = absolute("XDG_DATA_HOME");
    share.or_else(|| Some(absolute("HOME")?.join(".local/share"))).map(|share| share.join("sotto"))
}

fn socket_name(data: &Path) -> Result<String, PathError> {
    let real = fs::canonicalize(data).map_err(|error| PathError::Data(error.kind()))?;
    let mut name = String::new();
    for byte in Sha256::digest(real.as_os_str().as_bytes()).iter().take(8) {
        // Writing to a text cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".sock");
    Ok(name)
}

/// Makes sure that `folder` is there, is no link, and is ours alone.
fn private_folder(folder: &Path, uid: u32) -> Result<(), PathError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(PathError::Folder(error.kind()));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(|error| PathError::Folder(error.kind()))?;
    if found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(PathError::Foreign)
    }
}

fn is_owned_folder(folder: &Path, uid: u32) -> bool {
    folder.is_absolute()
        && fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

/// A socket's path has 108 bytes in the kernel, one of them the zero at its end.
fn fits(path: &Path) -> bool {
    path.as_os_str().len() < 108
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// `IPC-IO-09`
    #[test]
    fn the_name_follows_the_real_path_of_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        symlink(&data, folder.path().join("link")).unwrap();
        let name = socket_name(&data).unwrap();
        assert_eq!(name.len(), 16 + ".sock".len());
        assert_eq!(socket_name(&folder.path().join("link")).unwrap(), name);
        assert_eq!(socket_name(&folder.path().join("link/../data/.")).unwrap(), name);
        assert_ne!(socket_name(folder.path()).unwrap(), name);
        assert!(matches!(socket_name(&folder.path().join("none")), Err(PathError::Data(_))));
    }

    /// `IPC-IO-09`
    #[test]
    fn a_folder_that_others_may_enter_or_that_is_a_link_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let uid = rustix::process::getuid().as_raw();
        let ours = root.path().join("ours");
        private_folder(&ours, uid).unwrap();
        private_folder(&ours, uid).unwrap();
        assert_eq!(fs::metadata(&ours).unwrap().mode() & 0o777, 0o700);
        assert!(matches!(private_folder(&ours, uid + 1), Err(PathError::Foreign)));

        let link = root.path().join("link");
        symlink(&ours, &link).unwrap();
        assert!(matches!(private_folder(&link, uid), Err(PathError::Foreign)));
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(private_folder(&ours, uid), Err(PathError::Foreign)));
    }
}
