//! What the test has set up around the probe.

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

pub(crate) struct Scene(HashMap<String, String>);

impl Scene {
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Self {
        Self(
            arguments
                .filter_map(|text| {
                    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
                })
                .collect(),
        )
    }

    /// The folder that the role may write.
    pub(crate) fn own(&self) -> io::Result<PathBuf> {
        self.value::<PathBuf>("own")
    }

    /// A folder of the same user that is none of the role's business.
    pub(crate) fn others(&self, file: &str) -> io::Result<PathBuf> {
        Ok(self.value::<PathBuf>("others")?.join(file))
    }

    pub(crate) fn value<T: FromStr>(&self, name: &str) -> io::Result<T> {
        self.0
            .get(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| io::Error::other(format!("the scene has no {name}")))
    }
}

pub(crate) fn c_path(path: PathBuf) -> io::Result<CString> {
    Ok(CString::new(path.into_os_string().into_vec())?)
}
