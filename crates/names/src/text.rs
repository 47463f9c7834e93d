//! The text form of names: what people and scripts see.

use std::fmt;
use std::str::FromStr;

use crate::name::Rest;
use crate::{
    Blob, Channel, Device, FieldError, Fingerprint, Fragment, Generation, Name, Number, Org,
    Origin, Piece, Place, Slot, Team, TeamId,
};

/// Why a text is no name.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It does not start with `sotto://`.
    #[error("a name starts with sotto://")]
    Scheme,
    /// There are too many or too few parts for its path.
    #[error("path {path} has {wanted} numbers behind the team, not {found}")]
    Parts {
        /// The path.
        path: u8,
        /// How many numbers belong there.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A part is not a number in its one accepted spelling.
    #[error("part {part} is not a plain number")]
    Digits {
        /// Which part, from 1.
        part: usize,
    },
    /// A number does not fit its field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A path that does not exist.
    #[error("paths are numbered from 1 to 8")]
    Path,
    /// A prefix that could be written in another way, or that ends inside a field.
    #[error("{0} is not the one way to write this prefix")]
    OtherSpelling(String),
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}", self.origin, self.org, self.team)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { team, rest } = self.place();
        write!(f, "{team}")?;
        match rest {
            Rest::Message { channel, device, number } => {
                return write!(f, "/{channel}/{device}/{number}");
            }
            Rest::KeyPackage { fragment, fingerprint }
            | Rest::Welcome { fragment, fingerprint } => {
                write!(f, "/{fragment}/{fingerprint}")?;
            }
            Rest::Slot(slot) => write!(f, "/{slot}")?,
            Rest::Blob { device, blob, piece } => write!(f, "/{device}/{blob}/{piece}")?,
            Rest::Certificate { device, generation } => write!(f, "/{device}/{generation}")?,
            Rest::Use(fingerprint) | Rest::Code(fingerprint) => write!(f, "/{fingerprint}")?,
        }
        write!(f, "?path={}", rest.path())
    }
}

impl FromStr for TeamId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let numbers = numbers(text)?;
        let [origin, org, team] = *numbers.as_slice() else {
            return Err(ParseError::Parts {
                path: 0,
                wanted: 0,
                found: numbers.len().saturating_sub(3),
            });
        };
        team_of(origin, org, team)
    }
}

impl FromStr for Name {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (body, path) = match text.split_once("?path=") {
            None => (text, 1),
            Some((_, "1")) => return Err(ParseError::Path),
            Some((body, path)) => {
                (body, number(path).and_then(|n| u8::try_from(n).ok()).ok_or(ParseError::Path)?)
            }
        };
        let numbers = numbers(body)?;
        let [origin, org, team, rest @ ..] = numbers.as_slice() else {
            return Err(ParseError::Parts { path, wanted: 3, found: 0 });
        };
        let team = team_of(*origin, *org, *team)?;
        let rest = match (path, rest) {
            (1, &[channel, device, number]) => Rest::Message {
                channel: Channel::new(channel)?,
                device: Device::new(device)?,
                number: Number::new(number)?,
            },
            (2, &[fragment, fingerprint]) => Rest::KeyPackage {
                fragment: Fragment::new(fragment)?,
                fingerprint: Fingerprint::new(fingerprint)?,
            },
            (3, &[fragment, fingerprint]) => Rest::Welcome {
                fragment: Fragment::new(fragment)?,
                fingerprint: Fingerprint::new(fingerprint)?,
            },
            (4, &[slot]) => Rest::Slot(Slot::new(slot)?),
            (5, &[device, blob, piece]) => Rest::Blob {
                device: Device::new(device)?,
                blob: Blob::new(blob)?,
                piece: Piece::new(piece)?,
            },
            (6, &[device, generation]) => Rest::Certificate {
                device: Device::new(device)?,
                generation: Generation::new(generation)?,
            },
            (7, &[fingerprint]) => Rest::Use(Fingerprint::new(fingerprint)?),
            (8, &[fingerprint]) => Rest::Code(Fingerprint::new(fingerprint)?),
            (1..=8, _) => {
                let wanted = match path {
                    1 | 5 => 3,
                    2 | 3 | 6 => 2,
                    _ => 1,
                };
                return Err(ParseError::Parts { path, wanted, found: rest.len() });
            }
            _ => return Err(ParseError::Path),
        };
        Ok(team.name(rest))
    }
}

fn team_of(origin: u64, org: u64, team: u64) -> Result<TeamId, ParseError> {
    Ok(TeamId { origin: Origin::new(origin)?, org: Org::new(org)?, team: Team::new(team)? })
}

pub(crate) fn numbers(text: &str) -> Result<Vec<u64>, ParseError> {
    let body = text.strip_prefix(SCHEME).ok_or(ParseError::Scheme)?;
    let mut found = Vec::new();
    for (index, part) in body.split('/').take(MOST_PARTS).enumerate() {
        let part = number(part).ok_or(ParseError::Digits { part: index.saturating_add(1) })?;
        found.push(part);
    }
    Ok(found)
}

/// One spelling per number: no sign, no leading zero, no blank.
pub(crate) fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

pub(crate) const SCHEME: &str = "sotto://";
/// One more than any name has, so that a longer text is refused without being read to its end.
const MOST_PARTS: usize = 7;
