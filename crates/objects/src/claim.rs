//! Claims (path 4): who makes the next commit of a team.

use names::{Device, Generation, Name, Slot};

use crate::bytes::Reader;
use crate::{Hash, Label, Malformed};

/// A payload in consecutive pieces of a blob (path 5).
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct BlobRef {
    /// The name of piece 0.
    pub first: Name,
    /// How many pieces, from 1.
    pub pieces: u16,
    /// The length of the whole, in bytes.
    pub len: u32,
    /// The hash of the whole, under [`Label::Blob`].
    pub hash: Hash,
}

/// An object named by hash.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Named {
    /// Its name.
    pub name: Name,
    /// Its entry hash.
    pub hash: Hash,
}

/// The data of a path-4 object. The object's `previous` is the entry hash of the claim before it,
/// [`Hash::NONE`] for slot 1; its signature is the log key's of the device named here.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Claim {
    /// The epoch that the commit was made in (RFC 9420 §8).
    pub epoch: u64,
    /// Who claims.
    pub device: Device,
    /// The generation of the claimant's certificate.
    pub generation: Generation,
    /// The commit.
    pub commit: BlobRef,
    /// The welcome for those who are added.
    pub welcome: Option<BlobRef>,
    /// The sealed ratchet tree for them (RFC 9420 §12.4.3.3).
    pub tree: Option<BlobRef>,
    /// An admin passes over this earlier slot, which could not be applied.
    pub skips: Option<Slot>,
    /// Certificates and revocations that take effect with this slot; at most [`Claim::MOST`].
    pub certificates: Vec<Named>,
    /// The announcements that are welcomed, by their whole hash; at most [`Claim::MOST`].
    pub welcomed: Vec<Hash>,
}

impl BlobRef {
    /// Does `whole` match?
    #[must_use]
    pub fn matches(&self, whole: &[u8]) -> bool {
        u32::try_from(whole.len()) == Ok(self.len) && Hash::of(Label::Blob, whole) == self.hash
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.bytes());
        out.extend_from_slice(&self.pieces.to_be_bytes());
        out.extend_from_slice(&self.len.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let first = reader.name("blob")?;
        let starts =
            matches!(first.place().rest, names::Rest::Blob { piece: names::Piece::ZERO, .. });
        let pieces = reader.u16("blob pieces")?;
        let len = reader.u32("blob length")?;
        let hash = reader.hash("blob hash")?;
        let wanted = len.div_ceil(1024).max(1);
        if !starts || u32::from(pieces) != wanted || pieces > 4096 {
            return Err(Malformed { field: "blob" });
        }
        Ok(Self { first, pieces, len, hash })
    }
}

impl Claim {
    /// The most certificates, and the most welcomed announcements, of one claim.
    pub const MOST: usize = 8;

    /// The data of the object; lists longer than [`Claim::MOST`] are cut there.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.device.value().to_be_bytes());
        out.extend_from_slice(&self.generation.value().to_be_bytes());
        self.commit.write(&mut out);
        for blob in [&self.welcome, &self.tree] {
            match blob {
                None => out.push(0),
                Some(blob) => {
                    out.push(1);
                    blob.write(&mut out);
                }
            }
        }
        // Slot 0 is none.
        let skips = self.skips.map_or(0, Slot::value);
        out.extend_from_slice(&skips.to_be_bytes());
        out.push(u8::try_from(self.certificates.len().min(Self::MOST)).unwrap_or(0));
        for named in self.certificates.iter().take(Self::MOST) {
            out.extend_from_slice(&named.name.bytes());
            out.extend_from_slice(&named.hash.0);
        }
        out.push(u8::try_from(self.welcomed.len().min(Self::MOST)).unwrap_or(0));
        for hash in self.welcomed.iter().take(Self::MOST) {
            out.extend_from_slice(&hash.0);
        }
        out
    }

    /// Parses the data of a claim.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "claim version")?;
        let epoch = reader.u64("epoch")?;
        let device = reader.u64("device")?;
        let device = Device::new(device).map_err(|_| Malformed { field: "device" })?;
        let generation = reader.u64("generation")?;
        let generation =
            Generation::new(generation).map_err(|_| Malformed { field: "generation" })?;
        let commit = BlobRef::read(&mut reader)?;
        let welcome = optional(&mut reader, "welcome")?;
        let tree = optional(&mut reader, "tree")?;
        let skips = Slot::new(reader.u64("skips")?).map_err(|_| Malformed { field: "skips" })?;
        let skips = (skips != Slot::ZERO).then_some(skips);
        let mut certificates = Vec::new();
        for _ in 0..count(&mut reader, "certificates")? {
            let name = reader.name("certificate")?;
            certificates.push(Named { name, hash: reader.hash("certificate")? });
        }
        let mut welcomed = Vec::new();
        for _ in 0..count(&mut reader, "welcomed")? {
            welcomed.push(reader.hash("welcomed")?);
        }
        reader.end("claim")?;
        Ok(Self { epoch, device, generation, commit, welcome, tree, skips, certificates, welcomed })
    }
}

fn optional(reader: &mut Reader<'_>, field: &'static str) -> Result<Option<BlobRef>, Malformed> {
    match reader.u8(field)? {
        0 => Ok(None),
        1 => BlobRef::read(reader).map(Some),
        _ => Err(Malformed { field }),
    }
}

fn count(reader: &mut Reader<'_>, field: &'static str) -> Result<u8, Malformed> {
    let count = reader.u8(field)?;
    if usize::from(count) > Claim::MOST { Err(Malformed { field }) } else { Ok(count) }
}

const LAYOUT: u8 = 1;
