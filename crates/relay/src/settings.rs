//! Command line, files, and the organisations that are served.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use link_io::RelayKey;
use names::{FieldError, Origin};
use objects::{Hash, Key};
use relay_core::Org;
use serde::Deserialize;

use crate::Failure;
use crate::parent::Parent;

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
    /// The organisations that this relay serves, as `sotto-member org create` wrote them, and the
    /// relays below it.
    #[arg(long, value_name = "FILE")]
    pub(crate) origin: Option<PathBuf>,
    /// The relay above, as HOST:PORT: what is stored here goes there, and it is asked what only
    /// the origin of a team decides.
    #[arg(long, value_name = "HOST:PORT", requires = "parent_key", value_parser = place)]
    pub(crate) parent: Option<String>,
    /// The key that the relay above must show: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", requires = "parent")]
    pub(crate) parent_key: Option<RelayKey>,
    /// Print one JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    pub(crate) fn parent(&self) -> Option<Parent> {
        let (address, key) = self.parent.clone().zip(self.parent_key)?;
        Some(Parent { address, key })
    }
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

/// What the file of organisations says.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) orgs: Vec<Org>,
    /// The keys of the relays that may be children.
    pub(crate) relays: Vec<Key>,
}

/// Reads `{"orgs": [{"origin": N, "org": N, "root": "<hex>"}], "relays": ["<hex>"]}`.
pub(crate) fn read_served(file: &Path) -> Result<Served, OriginError> {
    let path = file.display().to_string();
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    if let Err(error) = read {
        return Err(OriginError::Unreadable { path, error });
    }
    let parsed = serde_json::from_str::<OrgFile>(&text).map_err(|error| error.to_string());
    let served = parsed.and_then(|file| {
        Ok(Served {
            orgs: file.orgs.iter().map(OrgLine::parse).collect::<Result<_, _>>()?,
            relays: file.relays.iter().map(|key| read_key(key)).collect::<Result<_, _>>()?,
        })
    });
    served.map_err(|why| OriginError::Malformed { path, why })
}

#[derive(Debug, Deserialize)]
struct OrgFile {
    orgs: Vec<OrgLine>,
    #[serde(default)]
    relays: Vec<String>,
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
        Ok(Org {
            origin: Origin::new(self.origin).map_err(field)?,
            org: names::Org::new(self.org).map_err(field)?,
            root: read_key(&self.root)?,
        })
    }
}

fn read_key(text: &str) -> Result<Key, String> {
    let key = Hash::parse(text).ok_or("a key is 64 hexadecimal digits")?;
    Ok(Key(key.0))
}

/// A name may be looked up later, and mean another address then.
fn place(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(1..)) => Ok(text.to_owned()),
        _ => Err("HOST:PORT is missing its host or its port".to_owned()),
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
        let Served { orgs, relays } = read_served(&file).unwrap();
        assert_eq!(relays, []);
        assert_eq!(orgs.len(), 1);
        assert_eq!((orgs[0].origin.value(), orgs[0].org.value()), (7, 9));
        assert_eq!(orgs[0].root, Key([0xab; 32]));
        for wrong in [
            "",
            "{}",
            r#"{"orgs":[],"relays":["ab"]}"#,
            r#"{"orgs":[{"origin":7,"org":9,"root":"ab"}]}"#,
            &format!(r#"{{"orgs":[{{"origin":7,"org":300000,"root":"{root}"}}]}}"#),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let error = read_served(&file).unwrap_err();
            assert!(matches!(error, OriginError::Malformed { .. }), "{wrong}");
            assert!(error.to_string().contains("origin.json"));
        }
        std::fs::write(&file, format!(r#"{{"orgs":[],"relays":["{root}"]}}"#)).unwrap();
        assert_eq!(read_served(&file).unwrap().relays, [Key([0xab; 32])]);
        let missing = read_served(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, OriginError::Unreadable { .. }));
    }
}
