//! What entries say once they are opened, and how it fits into objects of few sizes.

use names::{Channel, Device, Name};
use objects::{Hash, Label, Millis, Signature, Signer, Verifies};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use zeroize::Zeroizing;

use crate::rows::{decode, encode};
use crate::{Fault, Plaintext};

/// Content, opened.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Content {
    /// What a person wrote, and when.
    Text(Said),
    /// What the team and its channels are called; the member tool's newest counts.
    Roster { name: String, channels: Vec<(u64, String)> },
    /// What its author has, and what it cannot read; which slot it stands at is in the
    /// authenticated data.
    Beacon { authenticator: Vec<u8>, tips: Vec<Tip>, wants: Vec<Name> },
    /// Its author cannot apply the commit of a slot.
    Stalled { slot: u64, claim: Hash },
    /// The header of an entry, for somebody who has another one under its name.
    Evidence { header: Vec<u8> },
    /// What somebody wrote, for those who could not read it: the name of its first entry, its
    /// author's signature, its content.
    Reseal { name: Name, signature: Signature, content: Zeroizing<Vec<u8>> },
}

/// A text.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) struct Said {
    pub(crate) body: Plaintext,
    pub(crate) thread: Option<Name>,
    pub(crate) after: Vec<Name>,
    /// By its author's clock.
    pub(crate) at: Millis,
}

/// How much of a log somebody has: everything below a number, and how the hash of the entry right
/// below it begins.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Tip {
    pub(crate) channel: Channel,
    pub(crate) device: Device,
    pub(crate) next: u64,
    pub(crate) hash: Prefix,
}

/// The first bytes of a hash: enough to tell two histories apart.
pub(crate) type Prefix = [u8; 12];

pub(crate) fn prefix(hash: &Hash) -> Prefix {
    let mut prefix = [0; 12];
    prefix.copy_from_slice(hash.0.first_chunk::<12>().unwrap_or(&[0; 12]));
    prefix
}

type NameBytes = ByteArray<16>;

// Arrays that begin with their kind: short, one encoding, and other kinds can follow.
#[derive(Serialize, Deserialize)]
struct TextBytes(u8, String, Option<NameBytes>, Vec<NameBytes>, u64);
#[derive(Serialize, Deserialize)]
struct RosterBytes(u8, String, Vec<(u64, String)>);
#[derive(Serialize, Deserialize)]
struct BeaconBytes(u8, ByteBuf, Vec<TipBytes>, Vec<NameBytes>);
#[derive(Serialize, Deserialize)]
struct TipBytes(u64, u64, u64, ByteArray<12>);
#[derive(Serialize, Deserialize)]
struct StalledBytes(u8, u64, ByteArray<32>);
#[derive(Serialize, Deserialize)]
struct EvidenceBytes(u8, ByteBuf);
#[derive(Serialize, Deserialize)]
struct ResealBytes(u8, NameBytes, ByteArray<64>, ByteBuf);

impl Content {
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let bytes = match self {
            Self::Text(said) => encode(&TextBytes(
                TEXT,
                said.body.reveal().to_owned(),
                said.thread.map(|name| name.bytes().into()),
                said.after.iter().map(|name| name.bytes().into()).collect(),
                said.at.0,
            )),
            Self::Roster { name, channels } => {
                encode(&RosterBytes(ROSTER, name.clone(), channels.clone()))
            }
            Self::Beacon { authenticator, tips, wants } => {
                let tip = |tip: &Tip| {
                    let Tip { channel, device, next, hash } = *tip;
                    TipBytes(channel.value(), device.value(), next, hash.into())
                };
                let wants = wants.iter().map(|name| name.bytes().into()).collect();
                let tips = tips.iter().map(tip).collect();
                encode(&BeaconBytes(BEACON, authenticator.clone().into(), tips, wants))
            }
            Self::Stalled { slot, claim } => encode(&StalledBytes(STALLED, *slot, claim.0.into())),
            Self::Evidence { header } => encode(&EvidenceBytes(EVIDENCE, header.clone().into())),
            Self::Reseal { name, signature, content } => encode(&ResealBytes(
                RESEAL,
                name.bytes().into(),
                signature.0.into(),
                content.to_vec().into(),
            )),
        };
        bytes.map(Zeroizing::new)
    }

    /// Reads a content; `None` when it is of no kind known here, or not in its one encoding.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let content = Self::parse(bytes)?;
        (content.bytes().ok()?.as_slice() == bytes).then_some(content)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        match *bytes.get(1)? {
            TEXT => {
                let TextBytes(_, body, thread, after, at) = decode(bytes).ok()?;
                if body.len() > MAX_BODY || after.len() > MAX_AFTER {
                    return None;
                }
                Some(Self::Text(Said {
                    body: Plaintext::new(body),
                    thread: match thread {
                        Some(thread) => Some(name_of(thread)?),
                        None => None,
                    },
                    after: names_of(after)?,
                    at: Millis(at),
                }))
            }
            ROSTER => {
                let RosterBytes(_, name, channels) = decode(bytes).ok()?;
                Some(Self::Roster { name, channels })
            }
            BEACON => {
                let BeaconBytes(_, authenticator, tips, wants) = decode(bytes).ok()?;
                if tips.len() > MOST_TIPS || wants.len() > MOST_WANTS {
                    return None;
                }
                let tip = |TipBytes(channel, device, next, hash)| {
                    let channel = Channel::new(channel).ok()?;
                    let device = Device::new(device).ok()?;
                    Some(Tip { channel, device, next, hash: hash.into_array() })
                };
                let tips = tips.into_iter().map(tip).collect::<Option<_>>()?;
                let (authenticator, wants) = (authenticator.into_vec(), names_of(wants)?);
                Some(Self::Beacon { authenticator, tips, wants })
            }
            STALLED => {
                let StalledBytes(_, slot, claim) = decode(bytes).ok()?;
                Some(Self::Stalled { slot, claim: Hash(claim.into_array()) })
            }
            EVIDENCE => {
                let EvidenceBytes(_, header) = decode(bytes).ok()?;
                Some(Self::Evidence { header: header.into_vec() })
            }
            RESEAL => {
                let ResealBytes(_, name, signature, content) = decode(bytes).ok()?;
                let content = Zeroizing::new(content.into_vec());
                let signature = Signature(signature.into_array());
                Some(Self::Reseal { name: name_of(name)?, signature, content })
            }
            _ => None,
        }
    }
}

fn name_of(bytes: NameBytes) -> Option<Name> {
    Name::from_bytes(bytes.into_array()).ok()
}

fn names_of(names: Vec<NameBytes>) -> Option<Vec<Name>> {
    names.into_iter().map(name_of).collect()
}

/// A content's signature: over the name of its first entry and its bytes, so that it also counts
/// where somebody else seals it again.
pub(crate) fn sign(signer: &Signer, name: Name, content: &[u8]) -> Signature {
    signer.sign(Label::Content, &signed(name, content))
}

/// Did the owner of `key` say this under this name?
pub(crate) fn is_signed(
    key: &impl Verifies,
    name: Name,
    content: &[u8],
    signature: &Signature,
) -> bool {
    key.verifies(Label::Content, &signed(name, content), signature)
}

fn signed(name: Name, content: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&name.bytes()[..], content].concat())
}

/// Cuts what is to be sealed into pieces that fill objects of few sizes: two bytes of length, the
/// bytes, zeros. `bound` is the length of the authenticated data. `None` when it does not fit the
/// most parts of a message.
pub(crate) fn padded(whole: &[u8], bound: usize) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let sizes = sizes(bound);
    let [.., largest] = sizes;
    let pieces: Vec<&[u8]> = whole.chunks(largest.checked_sub(2)?).collect();
    if pieces.is_empty() || pieces.len() > MOST_PARTS {
        return None;
    }
    pieces.into_iter().map(|piece| pad(piece, sizes)).collect()
}

fn pad(piece: &[u8], sizes: [usize; 3]) -> Option<Zeroizing<Vec<u8>>> {
    let size = sizes.into_iter().find(|size| piece.len() + 2 <= *size)?;
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.extend_from_slice(&u16::try_from(piece.len()).ok()?.to_be_bytes());
    out.extend_from_slice(piece);
    out.resize(size, 0);
    Some(out)
}

/// Sizes of the plaintext, so that objects have 256, 512 or 1,024 bytes of data; 0 where the
/// authenticated data leave no room.
fn sizes(bound: usize) -> [usize; 3] {
    CLASSES.map(|class| {
        let room = class.saturating_sub(MLS_ADDS.saturating_add(bound));
        // Lengths below 64 take one byte, others two (RFC 9000 §16).
        if room < 64 { room } else { room.saturating_sub(1) }
    })
}

/// Takes the zeros off again.
pub(crate) fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let (len, rest) = padded.split_first_chunk()?;
    let (piece, zeros) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    zeros.iter().all(|zero| *zero == 0).then_some(piece)
}

/// The sizes that the data of entries have.
const CLASSES: [usize; 3] = [256, 512, 1024];
/// What a private message adds to short application data and authenticated data of 64 bytes or
/// more (RFC 9420 §6.3).
const MLS_ADDS: usize = 139;
/// The most parts of one message.
pub(crate) const MOST_PARTS: usize = 64;
/// The most logs that one beacon tells of.
pub(crate) const MOST_TIPS: usize = 8;
/// The most entries that one beacon asks for.
pub(crate) const MOST_WANTS: usize = 8;
/// The longest text of a message, in bytes.
pub const MAX_BODY: usize = 32 * 1024;
/// The most messages that one names as seen before it.
pub const MAX_AFTER: usize = 8;

const TEXT: u8 = 1;
const ROSTER: u8 = 2;
const BEACON: u8 = 3;
const STALLED: u8 = 4;
const EVIDENCE: u8 = 5;
const RESEAL: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use names::{Number, Org, Origin, Rest, Team, TeamId};

    fn name() -> Name {
        let team = TeamId { origin: Origin::MAX, org: Org::ZERO, team: Team::MAX };
        let (channel, device) = (Channel::MANAGE, Device::MEMBER_TOOL);
        team.name(Rest::Message { channel, device, number: Number::ZERO })
    }

    fn kinds() -> [(Content, &'static str); 6] {
        let text = Content::Text(Said {
            body: Plaintext::from("hé"),
            thread: Some(name()),
            after: vec![name()],
            at: Millis(256),
        });
        let roster = Content::Roster { name: "T".to_owned(), channels: vec![(2, "c".to_owned())] };
        let tip = Tip { channel: Channel::MANAGE, device: Device::MAX, next: 7, hash: [0xbb; 12] };
        let (tips, wants) = (vec![tip], vec![name()]);
        let beacon = Content::Beacon { authenticator: vec![1, 2], tips, wants };
        let stalled = Content::Stalled { slot: 3, claim: Hash([0xaa; 32]) };
        let evidence = Content::Evidence { header: vec![9, 8] };
        let content = Zeroizing::new(vec![7]);
        let reseal = Content::Reseal { name: name(), signature: Signature([0xcc; 64]), content };
        [
            (
                text,
                "85016368c3a9 50ffffff010100003ffffc010000000000 8150ffffff010100003ffffc010000000000 \
                 190100",
            ),
            (roster, "83026154818202 6163"),
            (
                beacon,
                "8403 420102 818401 1a000fffff 07 4cbbbbbbbbbbbbbbbbbbbbbbbb \
                 8150ffffff010100003ffffc010000000000",
            ),
            (
                stalled,
                "830403 5820aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ),
            (evidence, "8205 420908"),
            (
                reseal,
                "8406 50ffffff010100003ffffc010000000000 \
                 5840cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\
                 cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc 4107",
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
        let text = |len| {
            let body = Plaintext::new("x".repeat(len));
            Content::Text(Said { body, thread: None, after: Vec::new(), at: Millis(1) })
        };
        let too_long = text(MAX_BODY + 1);
        let other_kind = crate::rows::encode(&(9_u8, "later")).unwrap();
        let mut cut = kinds()[0].0.bytes().unwrap().to_vec();
        cut.pop();
        let mut longer = kinds()[0].0.bytes().unwrap().to_vec();
        longer.push(0);
        // The time 1 in two bytes instead of one.
        let mut loose = text(1).bytes().unwrap().to_vec();
        loose.pop();
        loose.extend_from_slice(&[0x18, 1]);
        let too_long = too_long.bytes().unwrap().to_vec();
        for bytes in [too_long, other_kind, cut, longer, loose, vec![], vec![0x84]] {
            assert_eq!(Content::read(&bytes), None);
        }
    }

    /// `MLS-60`
    #[test]
    fn a_content_is_signed_with_the_name_that_it_first_had() {
        let (author, other) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let signature = sign(&author, name(), b"content");
        let elsewhere = Name::from_bits(name().bits() + 1).unwrap();
        assert!(is_signed(&author.key(), name(), b"content", &signature));
        assert!(!is_signed(&other.key(), name(), b"content", &signature));
        assert!(!is_signed(&author.key(), elsewhere, b"content", &signature));
        assert!(!is_signed(&author.key(), name(), b"other", &signature));
    }

    /// `MLS-15`
    #[test]
    fn padding_has_three_sizes_and_comes_off_again() {
        assert_eq!(sizes(64), [53, 308, 820]);
        assert_eq!(sizes(156), [0, 216, 728]);
        for len in 1..3000 {
            let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let pieces = padded(&content, 64).unwrap();
            assert!(pieces.iter().all(|piece| sizes(64).contains(&piece.len())));
            let whole: Vec<u8> =
                pieces.iter().flat_map(|piece| unpadded(piece).unwrap().to_vec()).collect();
            assert_eq!(whole, content);
        }
        assert!(padded(&[], 64).is_none() && padded(&[1], 1024).is_none());
        assert!(padded(&vec![0; 64 * 818], 64).is_some());
        assert!(padded(&vec![0; 64 * 818 + 1], 64).is_none());
        assert_eq!(unpadded(&[0, 1, 5, 0]), Some(&[5][..]));
        for bad in [&[][..], &[0], &[0, 2, 5], &[0, 1, 5, 1]] {
            assert_eq!(unpadded(bad), None);
        }
    }
}
