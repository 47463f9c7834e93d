//! What a person should know.

use names::{Device, Name, Slot, TeamId};
use objects::wire::Refusal;

/// Something that a person should know. `Display` says it.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum Notice {
    /// A relay with another key answered.
    #[error("a relay with another key answered; nothing was proved or sent to it")]
    WrongRelay,
    /// A receipt is not the pinned relay's.
    #[error("the receipt for {name} is not the relay's; it was ignored")]
    BadReceipt {
        /// The object.
        name: Name,
    },
    /// The relay refused one of our objects.
    #[error("the relay refused {name}: {why:?}")]
    Refused {
        /// The object.
        name: Name,
        /// Why.
        why: Refusal,
    },
    /// An object does not verify: somebody forged or damaged it.
    #[error("{name} is forged or damaged; it was dropped")]
    Forged {
        /// The object.
        name: Name,
    },
    /// Leaf, name and signer of an entry disagree.
    #[error("{name} was written by another device than its name says; it was dropped")]
    WrongAuthor {
        /// The object.
        name: Name,
    },
    /// Two entries under one name, or one that does not follow from the one before.
    #[error("a device has written two histories at {name}; its log is frozen there")]
    Fork {
        /// The entry.
        name: Name,
    },
    /// A device has written two histories, and both headers are kept.
    #[error("a device has shown two histories at {name}; the proof is kept")]
    DeviceEquivocates {
        /// The team.
        team: TeamId,
        /// The device.
        device: Device,
        /// The entry.
        name: Name,
    },
    /// This device's log goes on at the relay behind what is known here: an old copy of the
    /// vault was put back.
    #[error(
        "the relay has {name} of this device, which is unknown here: an old vault was restored"
    )]
    RestoredVault {
        /// The entry.
        name: Name,
    },
    /// Somebody wrote a commit that everybody skips.
    #[error("the commit of slot {slot} was skipped: {why}")]
    Skipped {
        /// The slot.
        slot: Slot,
        /// Why.
        why: Skip,
    },
    /// A commit cannot be applied here, perhaps only here: nothing is sent in that team any more.
    #[error("the commit of slot {slot} cannot be applied here; sending is stopped in that team")]
    Stalled {
        /// The team.
        team: TeamId,
        /// The slot.
        slot: Slot,
    },
    /// The origin shows two histories of a team.
    #[error("the relay shows two histories of a team at slot {slot}")]
    TwoHistories {
        /// The team.
        team: TeamId,
        /// The slot.
        slot: Slot,
    },
    /// A welcome does not belong to the team that was confirmed.
    #[error("a welcome was refused: it does not belong to the team that you confirmed")]
    BadWelcome {
        /// The team.
        team: TeamId,
    },
    /// An admin has removed this device.
    #[error("an admin has removed this device from a team")]
    Removed {
        /// The team.
        team: TeamId,
    },
    /// This device is behind, and waits for a member to add it again.
    #[error("this device is behind in a team; it waits for a member to add it again")]
    Rejoining {
        /// The team.
        team: TeamId,
    },
    /// This device is back.
    #[error("this device is back in a team that it was behind in")]
    Rejoined {
        /// The team.
        team: TeamId,
    },
    /// The origin has given a slot to two claims; the proof is kept.
    #[error("the origin has signed two histories of a team at slot {slot}: the proof is kept")]
    OriginEquivocates {
        /// The team.
        team: TeamId,
        /// The slot.
        slot: Slot,
    },
    /// A device seals on another history of a team than the one that is known here.
    #[error("device {device} is on another history of a team than this one")]
    OtherHistory {
        /// The team.
        team: TeamId,
        /// The device.
        device: Device,
    },
    /// The origin says that there are slots that do not arrive here.
    #[error("the origin knows of membership changes that do not arrive here")]
    SlotsWithheld {
        /// The team.
        team: TeamId,
    },
    /// The root has named another relay, or the same one anew, as the team's origin.
    #[error("membership changes of a team are ordered by another relay from now on")]
    NewTerm {
        /// The team.
        team: TeamId,
    },
    /// The numbers of a log have run out.
    #[error("this device has used up its message numbers in a channel")]
    RunOut,
}

/// Why a commit is skipped: failures that everybody sees.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum Skip {
    /// The claim is not in its layout, or not signed by its device.
    #[error("bad claim")]
    BadClaim,
    /// It was made in another epoch.
    #[error("wrong epoch")]
    WrongEpoch,
    /// It is no commit, or not one of this group, or its signature is wrong.
    #[error("not a valid commit")]
    NotValid,
    /// It could not be applied, and an admin passed over it.
    #[error("it could not be applied, and an admin passed over it")]
    Stalled,
    /// It does what its author may not.
    #[error("against the policy")]
    Policy,
}
