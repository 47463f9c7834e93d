//! What a newcomer must know before joining: the organisation, its root key, its relay.

use std::fmt;
use std::str::FromStr;

use names::{Org, Origin, TeamId};

use crate::{Hash, Key, Label};

/// An organisation and the key that certifies everybody in it.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct OrgRoot {
    /// The root relay of its tree.
    pub origin: Origin,
    /// Its number there.
    pub org: Org,
    /// Its root key.
    pub key: Key,
}

/// A relay: where it is, and the key that it must show.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct RelayRef {
    /// `HOST:PORT`, at most 255 bytes.
    pub address: String,
    /// The relay's key: it answers for TLS and signs receipts.
    pub key: Key,
}

/// What an admin gives to a newcomer: text, one line.
///
/// `sotto-team:<origin>/<org>/<team>#<root key>@<relay key>@<host:port>`
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct TeamLink {
    /// The team.
    pub team: TeamId,
    /// The root key of its organisation.
    pub root: Key,
    /// The origin relay.
    pub relay: RelayRef,
}

/// A text that is no team link.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[error("this is no team link ({part} is missing or damaged); ask your admin for the whole line")]
pub struct LinkError {
    /// The part that is wrong.
    pub part: &'static str,
}

impl OrgRoot {
    /// What people compare: SHA-256 over organisation and root key.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        let head = (self.origin.value() << 18 | self.org.value()).to_be_bytes();
        Hash::of(Label::Root, &[&head[..], &self.key.0].concat())
    }
}

impl TeamLink {
    /// The organisation of the team.
    #[must_use]
    pub fn org(&self) -> OrgRoot {
        OrgRoot { origin: self.team.origin, org: self.team.org, key: self.root }
    }
}

impl fmt::Display for TeamLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TeamId { origin, org, team } = self.team;
        let RelayRef { address, key } = &self.relay;
        write!(f, "{SCHEME}{origin}/{org}/{team}#{}@{key}@{address}", self.root)
    }
}

impl FromStr for TeamLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let err = |part| LinkError { part };
        let body = text.trim().strip_prefix(SCHEME).ok_or(err("sotto-team:"))?;
        let (team, rest) = body.split_once('#').ok_or(err("the root key"))?;
        let team = format!("sotto://{team}").parse().map_err(|_| err("the team"))?;
        let mut rest = rest.splitn(3, '@');
        let mut key = |part| {
            let hash = rest.next().and_then(Hash::parse).ok_or(err(part))?;
            Ok(Key(hash.0))
        };
        let root = key("the root key")?;
        let relay = key("the relay's key")?;
        let address = rest.next().ok_or(err("the relay's address"))?;
        let plain = address.len() <= MAX_ADDRESS
            && address.bytes().all(|byte| byte.is_ascii_graphic())
            && address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            });
        if !plain {
            return Err(err("the relay's address"));
        }
        Ok(Self { team, root, relay: RelayRef { address: address.to_owned(), key: relay } })
    }
}

const SCHEME: &str = "sotto-team:";
const MAX_ADDRESS: usize = 255;
