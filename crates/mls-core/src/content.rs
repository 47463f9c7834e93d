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
    Text { body: Plaintext, thread: Option<Name>, after: Vec<Name> },
    /// What the team and its channels are called; the member tool's newest counts.
    Roster { name: String, channels: Vec<(u64, String)> },
    /// What its author has.
    Beacon { slot: u64, claim: Hash, authenticator: Vec<u8>, tips: Vec<Tip> },
    /// Its author cannot apply the commit of a slot.
    Stalled { slot: u64, claim: Hash },
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
struct StalledBytes(u8, u64, serde_bytes::ByteArray<32>);
#[derive(Serialize, Deserialize)]
struct BeaconBytes(u8, u64, serde_bytes::ByteArray<32>, serde_bytes::ByteBuf, Vec<(u64, u64, u64)>);

impl Content {
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let bytes = match self {
            Self::Text { body, thread, after } => encode(&TextBytes(
                TEXT,
                body.reveal().to_owned(),
                thread.map(|name| name.bytes().into()),
                after.iter().map(|name| name.bytes().into()).collect(),
            )),
            Self::Roster { name, channels } => {
                encode(&RosterBytes(ROSTER, name.clone(), channels.clone()))
            }
            Self::Beacon { slot, claim, authenticator, tips } => {
                let tips = tips
                    .iter()
                    .map(|tip| (tip.channel.value(), tip.device.value(), tip.next))
                    .collect();
                let authenticator = authenticator.clone().into();
                encode(&BeaconBytes(BEACON, *slot, claim.0.into(), authenticator, tips))
            }
            Self::Stalled { slot, claim } => encode(&StalledBytes(STALLED, *slot, claim.0.into())),
        };
        bytes.map(Zeroizing::new)
    }

    /// Reads a content; `None` when it is of no kind known here, or in another encoding than ours.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes).filter(|content| content.bytes().is_ok_and(|again| *again == bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
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
                    Some(Tip { channel, device: Device::new(device).ok()?, next })
                };
                let tips = tips.into_iter().take(MOST_TIPS).filter_map(tip).collect();
                let claim = Hash(claim.into_array());
                Some(Self::Beacon { slot, claim, authenticator: authenticator.into_vec(), tips })
            }
            STALLED => {
                let StalledBytes(_, slot, claim) = decode(bytes).ok()?;
                Some(Self::Stalled { slot, claim: Hash(claim.into_array()) })
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
const STALLED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use names::{Number, Org, Origin, Rest, Team, TeamId};

    fn name() -> Name {
        let team = TeamId { origin: Origin::MAX, org: Org::ZERO, team: Team::MAX };
        let (channel, device) = (Channel::MANAGE, Device::MEMBER_TOOL);
        team.name(Rest::Message { channel, device, number: Number::ZERO })
    }

    fn kinds() -> [(Content, &'static str); 3] {
        let text = Content::Text {
            body: Plaintext::from("hé"),
            thread: Some(name()),
            after: vec![name()],
        };
        let roster = Content::Roster { name: "T".to_owned(), channels: vec![(2, "c".to_owned())] };
        let tip = Tip { channel: Channel::MANAGE, device: Device::MAX, next: 7 };
        let beacon = Content::Beacon {
            slot: 3,
            claim: Hash([0xaa; 32]),
            authenticator: vec![1, 2],
            tips: vec![tip],
        };
        [
            (
                text,
                "84016368c3a9 50ffffff010100003ffffc010000000000 8150ffffff010100003ffffc010000000000",
            ),
            (roster, "83026154818202 6163"),
            (
                beacon,
                "85030358 20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
                 420102818301 1a000fffff07",
            ),
        ]
    }

    /// `MLS-15`
    #[test]
    fn contents_have_the_bytes_of_the_specification() {
        for (content, bytes) in kinds() {
            let written = content.bytes().unwrap();
            let written: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, bytes.replace(' ', ""));
            assert_eq!(Content::read(&content.bytes().unwrap()), Some(content));
        }
    }

    /// `MLS-15`
    #[test]
    fn what_is_no_content_reads_as_nothing() {
        let too_long = Content::Text {
            body: Plaintext::new("x".repeat(MAX_BODY + 1)),
            thread: None,
            after: Vec::new(),
        };
        let other_kind = crate::rows::encode(&(9_u8, "later")).unwrap();
        let mut cut = kinds()[0].0.bytes().unwrap().to_vec();
        cut.pop();
        let longer = [&kinds()[0].0.bytes().unwrap()[..], &[0]].concat();
        // The same roster, with its kind in two bytes.
        let wider = [&[0x83, 0x18, 2][..], &kinds()[1].0.bytes().unwrap()[2..]].concat();
        let mut elsewhere = kinds()[0].0.bytes().unwrap().to_vec();
        // A name of another application, which would be left out of what is written again.
        *elsewhere.iter_mut().nth_back(12).unwrap() ^= 0x10;
        let long = too_long.bytes().unwrap().to_vec();
        for bytes in [long, other_kind, cut, longer, wider, elsewhere, vec![], vec![0x84]] {
            assert_eq!(Content::read(&bytes), None);
        }
    }

    /// `MLS-15`
    #[test]
    fn padding_has_three_sizes_and_comes_off_again() {
        for len in 1..3000 {
            let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let pieces = padded(&content).unwrap();
            assert!(pieces.iter().all(|piece| SIZES.contains(&piece.len())));
            let whole: Vec<u8> =
                pieces.iter().flat_map(|piece| unpadded(piece).unwrap().to_vec()).collect();
            assert_eq!(whole, content);
        }
        assert!(padded(&[]).is_none());
        assert!(padded(&vec![0; 64 * 835]).is_some() && padded(&vec![0; 64 * 835 + 1]).is_none());
        assert_eq!(unpadded(&[0, 1, 5, 0]), Some(&[5][..]));
        for bad in [&[][..], &[0], &[0, 2, 5], &[0, 1, 5, 1]] {
            assert_eq!(unpadded(bad), None);
        }
    }
}
