//! What entries say once they are opened, and how it fits into objects of few sizes.

use names::{Channel, Device, Name};
use objects::Hash;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::rows::{decode, encode};
use crate::{Fault, Plaintext};

/// Content, opened.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Content {
    /// What a person wrote.
    Text {
        body: Plaintext,
        thread: Option<Name>,
        after: Vec<Name>,
    },
    /// What the team and its channels are called; the member tool's newest counts.
    Roster {
        name: String,
        channels: Vec<(u64, String)>,
    },
    /// What its author has.
    Beacon {
        slot: u64,
        claim: Hash,
        authenticator: Vec<u8>,
        tips: Vec<Tip>,
    },
}

/// How much of a log somebody has: everything below a number.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Tip {
    pub(crate) channel: Channel,
    pub(crate) device: Device,
    pub(crate) next: u64,
}

type NameBytes = serde_bytes::ByteArray<16>;

// Arrays that begin with their kind: short, one encoding, and other kinds can follow.
#[derive(Serialize, Deserialize)]
struct TextBytes(u8, String, Option<NameBytes>, Vec<NameBytes>);
#[derive(Serialize, Deserialize)]
struct RosterBytes(u8, String, Vec<(u64, String)>);
#[derive(Serialize, Deserialize)]
struct BeaconBytes(
    u8,
    u64,
    serde_bytes::ByteArray<32>,
    serde_bytes::ByteBuf,
    Vec<(u64, u64, u64)>,
);

impl Content {
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let bytes = match self {
            Self::Text {
                body,
                thread,
                after,
            } => encode(&TextBytes(
                TEXT,
                body.reveal().to_owned(),
                thread.map(|name| name.bytes().into()),
                after.iter().map(|name| name.bytes().into()).collect(),
            )),
            Self::Roster { name, channels } => {
                encode(&RosterBytes(ROSTER, name.clone(), channels.clone()))
            }
            Self::Beacon {
                slot,
                claim,
                authenticator,
                tips,
            } => {
                let tips = tips
                    .iter()
                    .map(|tip| (tip.channel.value(), tip.device.value(), tip.next))
                    .collect();
                let authenticator = authenticator.clone().into();
                encode(&BeaconBytes(
                    BEACON,
                    *slot,
                    claim.0.into(),
                    authenticator,
                    tips,
                ))
            }
        };
        bytes.map(Zeroizing::new)
    }

    /// Reads a content; `None` when it is of no kind known here.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        match *bytes.get(1)? {
            TEXT => {
                let TextBytes(_, body, thread, after) = decode(bytes).ok()?;
                if body.len() > MAX_BODY || after.len() > MAX_AFTER {
                    return None;
                }
                let name = |bytes: NameBytes| Name::from_bytes(bytes.into_array()).ok();
                Some(Self::Text {
                    body: Plaintext::new(body),
                    thread: thread.and_then(name),
                    after: after.into_iter().filter_map(name).collect(),
                })
            }
            ROSTER => {
                let RosterBytes(_, name, channels) = decode(bytes).ok()?;
                Some(Self::Roster { name, channels })
            }
            BEACON => {
                let BeaconBytes(_, slot, claim, authenticator, tips) = decode(bytes).ok()?;
                let tip = |(channel, device, next): (u64, u64, u64)| {
                    let channel = Channel::new(channel).ok()?;
                    Some(Tip {
                        channel,
                        device: Device::new(device).ok()?,
                        next,
                    })
                };
                let tips = tips.into_iter().take(MOST_TIPS).filter_map(tip).collect();
                let claim = Hash(claim.into_array());
                Some(Self::Beacon {
                    slot,
                    claim,
                    authenticator: authenticator.into_vec(),
                    tips,
                })
            }
            _ => None,
        }
    }
}

/// Cuts a content into pieces that fill objects of few sizes: two bytes of length, the bytes,
/// zeros. `None` when it does not fit the most parts of a message.
pub(crate) fn padded(content: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let [.., largest] = SIZES;
    let pieces: Vec<&[u8]> = content.chunks(largest - 2).collect();
    if pieces.is_empty() || pieces.len() > MOST_PARTS {
        return None;
    }
    pieces.into_iter().map(pad).collect()
}

fn pad(piece: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let size = SIZES.into_iter().find(|size| piece.len() + 2 <= *size)?;
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.extend_from_slice(&u16::try_from(piece.len()).ok()?.to_be_bytes());
    out.extend_from_slice(piece);
    out.resize(size, 0);
    Some(out)
}

/// Takes the zeros off again.
pub(crate) fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let (len, rest) = padded.split_first_chunk()?;
    let (piece, zeros) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    zeros.iter().all(|zero| *zero == 0).then_some(piece)
}

/// Sizes of the plaintext, so that objects have 256, 512 or 1,024 bytes of data.
const SIZES: [usize; 3] = [69, 325, 837];
/// The most parts of one message.
pub(crate) const MOST_PARTS: usize = 64;
/// The most logs that one beacon tells of.
pub(crate) const MOST_TIPS: usize = 8;
/// The longest text of a message, in bytes.
pub const MAX_BODY: usize = 32 * 1024;
/// The most messages that one names as seen before it.
pub const MAX_AFTER: usize = 8;

const TEXT: u8 = 1;
const ROSTER: u8 = 2;
const BEACON: u8 = 3;
