//! The use of a key package: spent once.

use names::{Device, Rest, TeamId};

use crate::bytes::{Reader, team_bits};
use crate::{Announcement, Hash, Malformed};

/// The data of a path-7 object. Its name is in the team of the announcement, with the
/// announcement's fingerprint; the certified log key of the device that spends it signs it.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Spent {
    /// The announcement, by its whole hash.
    pub announcement: Hash,
    /// The team that its owner is added to.
    pub team: TeamId,
    /// The device of that team that adds.
    pub device: Device,
}

impl Spent {
    /// Where the use of an announcement stands in its team.
    #[must_use]
    pub fn rest(announcement: &Hash) -> Rest {
        let rest = Announcement::rest(announcement);
        if let Rest::KeyPackage { fingerprint, .. } = rest { Rest::Use(fingerprint) } else { rest }
    }

    /// The data of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.announcement.0);
        out.extend_from_slice(&team_bits(self.team));
        out.extend_from_slice(&self.device.value().to_be_bytes());
        out
    }

    /// Parses the data of a use.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "use version")?;
        let announcement = reader.hash("announcement")?;
        let team = reader.team("team")?;
        let device =
            Device::new(reader.u64("device")?).map_err(|_| Malformed { field: "device" })?;
        reader.end("use")?;
        Ok(Self { announcement, team, device })
    }
}

const LAYOUT: u8 = 1;
