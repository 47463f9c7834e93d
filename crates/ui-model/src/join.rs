//! Joining a team by the plain form: a link, a fingerprint to confirm, a hash to hand over.

use std::fmt;

use names::TeamId;

use crate::Trouble;

/// A SHA-256 that two people compare.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Eight groups of eight hex digits, as they stand on the screen.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        self.0
            .chunks(4)
            .map(|chunk| chunk.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a team link says.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Offer {
    /// The team.
    pub team: TeamId,
    /// Of the organisation's root key, to compare with what the admin says.
    pub root: Fingerprint,
    /// The relay of the organisation.
    pub relay: String,
}

/// How far joining has come.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Join {
    /// The person is about to paste a link.
    Entering {
        /// What was wrong with the last one.
        trouble: Option<Trouble>,
    },
    /// The link is being read.
    Checking {
        /// The link.
        link: String,
    },
    /// The person compares the fingerprint.
    Confirming {
        /// The link.
        link: String,
        /// What the link says.
        offer: Offer,
        /// What was wrong with the last attempt to go on.
        trouble: Option<Trouble>,
    },
    /// The key package is being made.
    Publishing {
        /// The link.
        link: String,
        /// What was confirmed.
        offer: Offer,
    },
    /// The admin has to add this device.
    Waiting {
        /// Of the key package, for the admin.
        hash: Fingerprint,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_as_sixty_four_digits_in_eight_groups() {
        let mut bytes = [0xab; 32];
        bytes[31] = 0x01;
        let groups = Fingerprint(bytes).groups();
        assert_eq!(groups.len(), 8);
        assert_eq!(groups[7], "ababab01");
        assert_eq!(groups.concat(), Fingerprint(bytes).to_string());
    }
}
