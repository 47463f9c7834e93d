//! How newcomers ask to be added (path 2), and how they learn that they were (path 3).

use names::{Device, Fingerprint, Fragment, Rest, Slot, TeamId};

use crate::bytes::{Reader, team_bits};
use crate::{BlobRef, Hash, Key, Label, Malformed};

/// The data of a path-2 object: a key package, bound to the team that its owner confirmed. The
/// object is signed with the log key inside, and its name carries the fingerprint of these bytes.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Announcement {
    /// The organisation's root key, as its owner confirmed it.
    pub root: Key,
    /// The team that its owner wants to join.
    pub team: TeamId,
    /// The device number that its owner drew; an admin refuses one that is taken.
    pub device: Device,
    /// The newcomer's log key for this team.
    pub log_key: Key,
    /// The key package (RFC 9420 §10).
    pub key_package: Vec<u8>,
}

/// The data of a path-3 object: where the welcome of an announcement is.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct WelcomePointer {
    /// The whole hash of the announcement.
    pub announcement: Hash,
    /// The slot that added its owner.
    pub slot: Slot,
    /// The entry hash of the claim of that slot.
    pub claim: Hash,
    /// The welcome (RFC 9420 §12.4.3.1).
    pub welcome: BlobRef,
}

impl Announcement {
    /// The data of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&team_bits(self.team));
        out.extend_from_slice(&self.device.value().to_be_bytes());
        out.extend_from_slice(&self.log_key.0);
        out.extend_from_slice(&self.key_package);
        out
    }

    /// Parses the data of an announcement.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "announcement version")?;
        let root = reader.key("root")?;
        let team = reader.team("team")?;
        let device = reader.u64("device")?;
        let device = Device::new(device).map_err(|_| Malformed { field: "device" })?;
        let log_key = reader.key("log key")?;
        let key_package = reader.rest().to_vec();
        Ok(Self { root, team, device, log_key, key_package })
    }

    /// What the owner shows and the admin compares.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(Label::Announcement, &self.bytes())
    }

    /// Where the announcement with this hash is in `team`.
    #[must_use]
    pub fn rest(hash: &Hash) -> Rest {
        Rest::KeyPackage { fragment: Fragment::ZERO, fingerprint: Fingerprint::of(&hash.0) }
    }
}

impl WelcomePointer {
    /// The data of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.announcement.0);
        out.extend_from_slice(&self.slot.value().to_be_bytes());
        out.extend_from_slice(&self.claim.0);
        self.welcome.write(&mut out);
        out
    }

    /// Parses the data of a welcome pointer.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "welcome version")?;
        let announcement = reader.hash("announcement")?;
        let slot = reader.u64("slot")?;
        let slot = Slot::new(slot).map_err(|_| Malformed { field: "slot" })?;
        let claim = reader.hash("claim")?;
        let welcome = BlobRef::read(&mut reader)?;
        reader.end("welcome pointer")?;
        Ok(Self { announcement, slot, claim, welcome })
    }

    /// Where the pointer for the announcement with this hash is.
    #[must_use]
    pub fn rest(announcement: &Hash) -> Rest {
        Rest::Welcome { fragment: Fragment::ZERO, fingerprint: Fingerprint::of(&announcement.0) }
    }
}

const LAYOUT: u8 = 1;
