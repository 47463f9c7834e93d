#![doc = include_str!("../README.md")]

mod parent;
mod peer;
mod serve;
mod settings;
mod shelf;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use link_io::{BindError, KeyError, LinkKey, Listener};
use objects::{Key, Signer};
use relay_core::{Fault, Limits, Relay};
use serde_json::json;
use store_io::{Durability, Store, StoreError};

use crate::settings::{Arguments, Command, OriginError, Places, Served};
use crate::shelf::StoreShelf;

/// Why the relay does not run, or ran no longer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Origin(#[from] OriginError),
    #[error("{0} is missing; see --help")]
    Argument(&'static str),
    #[error("--parent-key is this relay's own key; a relay cannot be its own parent")]
    OwnParent,
    #[error("the folder {0} cannot be made: {1}")]
    Folder(String, io::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{0}")]
    System(#[from] io::Error),
}

impl Failure {
    /// 1 refused, 2 usage, 3 not reachable.
    fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Origin(_) | Self::Argument(_) | Self::OwnParent => 2,
            Self::Bind(_) => 3,
            Self::Folder(..) | Self::Key(_) | Self::Store(_) | Self::Fault(_) | Self::System(_) => {
                1
            }
        })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Some(Command::Key { data, json }) => show_key(&Places::new(data), *json),
        None => serve(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sotto-relay: {failure}");
            failure.code()
        }
    }
}

fn show_key(places: &Places, json: bool) -> Result<(), Failure> {
    places.make()?;
    let key = LinkKey::load_or_create(&places.key)?.public().to_string();
    let line = if json { json!({ "key": key }).to_string() } else { key };
    say(&line)
}

fn serve(arguments: &Arguments) -> Result<(), Failure> {
    let data = arguments.data.as_deref().ok_or(Failure::Argument("--data"))?;
    let listen = arguments.listen.ok_or(Failure::Argument("--listen"))?;
    let served = match &arguments.origin {
        Some(file) => settings::read_served(file)?,
        None => Served::default(),
    };
    let parent = arguments.parent();
    let places = Places::new(data);
    places.make()?;
    let key = LinkKey::load_or_create(&places.key)?;
    let shelf = StoreShelf(Store::open(&places.store, Durability::PowerLoss)?);
    let signer = Signer::from_seed(key.reveal_seed());
    if parent.as_ref().is_some_and(|parent| parent.key == key.public()) {
        return Err(Failure::OwnParent);
    }
    let nobody = served.orgs.is_empty();
    let relay = Relay::new(shelf, signer, served.orgs, Limits::default())?;
    let mut relay = relay.with_relays(served.relays);
    if let Some(parent) = &parent {
        relay = relay.with_parent(Key(parent.key.0));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = serve::stop_signal()?;
        let listener = Listener::bind(listen, &key)?;
        let (addr, key) = (listener.local_addr().to_string(), key.public().to_string());
        if nobody {
            eprintln!("sotto-relay: no organisation is served; name their roots with --origin");
        }
        say(&if arguments.json {
            json!({ "listen": addr, "key": key }).to_string()
        } else {
            format!("listening on {addr}\nkey {key}")
        })?;
        Ok(serve::serve(relay, listener, parent, stop).await?)
    })
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
