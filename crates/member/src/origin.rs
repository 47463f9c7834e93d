//! The file that tells a relay which organisations it is the origin of.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use cli::Trouble;
use serde_json::{Value, json};

/// One organisation in it.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) struct Origin {
    pub(crate) origin: u32,
    pub(crate) org: u32,
    /// The root key, in hexadecimal.
    pub(crate) root: String,
}

/// The file, read before anything is made, so that a bad one stops nothing half-way.
#[derive(Debug)]
pub(crate) struct OriginFile {
    path: PathBuf,
    orgs: Vec<Value>,
}

impl OriginFile {
    /// Reads it; there may be none yet.
    pub(crate) fn read(path: &Path) -> Result<Self, Trouble> {
        let path = path.to_path_buf();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, orgs: Vec::new() });
            }
            Err(error) => return Err(unusable(&path, &error.to_string())),
        };
        let all: Value =
            serde_json::from_slice(&bytes).map_err(|error| unusable(&path, &error.to_string()))?;
        let orgs = all.get("orgs").and_then(Value::as_array);
        let orgs = orgs.ok_or_else(|| unusable(&path, "it has no list of \"orgs\""))?.clone();
        Ok(Self { path, orgs })
    }

    /// Adds an organisation, unless it is there, and writes the file at once or not at all.
    pub(crate) fn add(mut self, origin: &Origin) -> Result<(), Trouble> {
        let Origin { origin, org, root } = origin;
        let entry = json!({"origin": origin, "org": org, "root": root});
        if !self.orgs.contains(&entry) {
            self.orgs.push(entry);
        }
        let text = format!("{:#}\n", json!({"orgs": self.orgs}));
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let written = fs::File::create(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        });
        written.map_err(|error| unusable(&self.path, &error.to_string()))
    }
}

fn unusable(path: &Path, why: &str) -> Trouble {
    Trouble::refused(
        "bad-origin-file",
        format!("the origin file {} cannot be used: {why}", path.display()),
        "name another one; `sotto-member org show --origin-file FILE` writes it later too",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(org: u32) -> Origin {
        Origin { origin: 9, org, root: "0f".repeat(32) }
    }

    /// `MEMBER-03`
    #[test]
    fn organisations_are_added_once_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("origin.json");
        for org in [1, 2, 1] {
            OriginFile::read(&path).unwrap().add(&origin(org)).unwrap();
        }
        let all: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let root = "0f".repeat(32);
        assert_eq!(
            all,
            json!({"orgs": [
                {"origin": 9, "org": 1, "root": root},
                {"origin": 9, "org": 2, "root": root},
            ]})
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    /// `MEMBER-03`
    #[test]
    fn a_file_that_is_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("origin.json");
        for text in ["", "not json", "[]", "{\"orgs\": 5}"] {
            fs::write(&path, text).unwrap();
            let trouble = OriginFile::read(&path).unwrap_err();
            assert_eq!((trouble.code.as_str(), trouble.status), ("bad-origin-file", 1));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(OriginFile::read(folder.path()).is_err(), "a folder is no file");
    }
}
