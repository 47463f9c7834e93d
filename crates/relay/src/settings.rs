//! Command line, files, and the organisations that are served.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use names::{FieldError, Origin};
use objects::{Hash, Key};
use relay_core::Org;
use serde::Deserialize;

use crate::Failure;

/// A relay of Sotto: stores, orders and distributes what it cannot read.
#[derive(Debug, Parser)]
#[command(name = "sotto-relay", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Where to listen (UDP), as HOST:PORT; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// The folder of the relay's key and store; made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The organisations that this relay is the origin of, as `sotto-member org create` wrote them.
    #[arg(long, value_name = "FILE")]
    pub(crate) origin: Option<PathBuf>,
    /// Print one JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the relay's key if there is none, and print its public half for clients to pin.
    Key {
        /// The folder of the relay's key and store.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What lies in the data folder.
#[derive(Debug)]
pub(crate) struct Places {
    folder: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) store: PathBuf,
}

impl Places {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            key: folder.join("link.key"),
            store: folder.join("relay.db"),
        }
    }

    /// Makes the folder, for its owner alone.
    pub(crate) fn make(&self) -> Result<(), Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|error| Failure::Folder(self.folder.display().to_string(), error))
    }
}

/// Why the file of organisations is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OriginError {
    #[error("the file of organisations {path} cannot be read: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error(
        "the file of organisations {path} is not as `sotto-member org create` writes it: {why}"
    )]
    Malformed { path: String, why: String },
}

/// Reads `{"orgs": [{"origin": N, "org": N, "root": "<hex>"}]}`.
pub(crate) fn read_orgs(file: &Path) -> Result<Vec<Org>, OriginError> {
    let path = file.display().to_string();
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    if let Err(error) = read {
        return Err(OriginError::Unreadable { path, error });
    }
    let orgs = serde_json::from_str::<OrgFile>(&text)
        .map_err(|error| error.to_string())
        .and_then(|file| file.orgs.iter().map(OrgLine::parse).collect());
    orgs.map_err(|why| OriginError::Malformed { path, why })
}

#[derive(Debug, Deserialize)]
struct OrgFile {
    orgs: Vec<OrgLine>,
}

#[derive(Debug, Deserialize)]
struct OrgLine {
    origin: u64,
    org: u64,
    root: String,
}

impl OrgLine {
    fn parse(&self) -> Result<Org, String> {
        let field = |error: FieldError| error.to_string();
        let root = Hash::parse(&self.root).ok_or("a root key is 64 hexadecimal digits")?;
        Ok(Org {
            origin: Origin::new(self.origin).map_err(field)?,
            org: names::Org::new(self.org).map_err(field)?,
            root: Key(root.0),
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "the name has no address".to_owned())
}

const MOST_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_organisations_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("origin.json");
        let root = "ab".repeat(32);
        std::fs::write(&file, format!(r#"{{"orgs":[{{"origin":7,"org":9,"root":"{root}"}}]}}"#))
            .unwrap();
        let orgs = read_orgs(&file).unwrap();
        assert_eq!(orgs.len(), 1);
        assert_eq!((orgs[0].origin.value(), orgs[0].org.value()), (7, 9));
        assert_eq!(orgs[0].root, Key([0xab; 32]));
        for wrong in [
            "",
            "{}",
            r#"{"orgs":[{"origin":7,"org":9,"root":"ab"}]}"#,
            &format!(r#"{{"orgs":[{{"origin":7,"org":300000,"root":"{root}"}}]}}"#),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let error = read_orgs(&file).unwrap_err();
            assert!(matches!(error, OriginError::Malformed { .. }), "{wrong}");
            assert!(error.to_string().contains("origin.json"));
        }
        let missing = read_orgs(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, OriginError::Unreadable { .. }));
    }
}
