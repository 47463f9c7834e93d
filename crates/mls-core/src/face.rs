//! What goes in and what comes out.

use std::fmt;

use names::{Channel, Device, Name, Number, Slot, TeamId};
use objects::wire::Refusal;
use objects::{Hash, Key, Millis, Object, Proof, Receipt, RelayRef, Revocation, Signature};
use zeroize::Zeroizing;

use crate::Notice;

/// Text as a person wrote it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Plaintext(Zeroizing<String>);

/// What the outside tells. Its word proves nothing: only signatures inside do.
#[derive(Debug)]
pub enum Input {
    /// There is a link to a relay.
    Linked {
        /// The key that the relay showed.
        relay: Key,
        /// The TLS exporter of the link (RFC 8446 §7.5).
        exporter: [u8; 32],
        /// The relay's clock: a hint.
        now: Millis,
    },
    /// There is no link any more.
    Unlinked,
    /// The answer to [`Output::Publish`] or [`Output::Claim`].
    Answered {
        /// As asked.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// An object of a subscription.
    Arrived {
        /// The object.
        object: Object,
        /// The receipt it was stored with; claims have one.
        receipt: Option<Receipt>,
    },
    /// The answer to [`Output::Get`].
    Found {
        /// As asked.
        id: u64,
        /// The object, if there is one that we may read.
        object: Option<Object>,
        /// Its receipt, if it has one.
        receipt: Option<Receipt>,
    },
    /// Everything that the relay had of a team when the subscription started has arrived.
    CaughtUp {
        /// The team.
        team: TeamId,
    },
    /// The origin has stored something of ours that a relay on the way had stored before.
    Settled {
        /// The origin's receipt.
        receipt: Receipt,
    },
    /// Can the relay of the link reach the origin? A hint.
    Upstream {
        /// What the relay says.
        reachable: bool,
    },
    /// A relay refuses to deliver a team, and shows that this device was removed from it.
    Revoked {
        /// What it shows.
        revocation: Box<Revocation>,
    },
    /// The time that [`crate::Endpoint::wake_at`] named has come.
    Tick,
}

/// What a relay said of a published object or a claim.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Answer {
    /// It is stored, or its slot is won.
    Receipt(Receipt),
    /// It was refused.
    Refused(Refusal),
    /// The slot went to another claim.
    Taken {
        /// The winner.
        winner: Object,
        /// Its receipt.
        receipt: Receipt,
    },
    /// Earlier slots are undecided.
    Gap {
        /// The last decided slot.
        head: Slot,
    },
    /// Pieces or certificates are missing at the relay.
    Incomplete,
    /// The origin cannot be reached now.
    Pending,
}

/// What is to be done, after the changes are committed.
#[derive(Debug)]
pub enum Output {
    /// Keep a link with this relay and no other.
    UseRelay(RelayRef),
    /// Deliver everything of this team.
    Subscribe {
        /// The team.
        team: TeamId,
    },
    /// Deliver everything of one path of this team, from the first on; a few objects, delivered
    /// twice without harm.
    SubscribePath {
        /// The team; the number of all of an organisation.
        team: TeamId,
        /// The path (`names/SPEC.md`).
        path: u8,
    },
    /// Deliver nothing of this team any more.
    Unsubscribe {
        /// The team.
        team: TeamId,
    },
    /// Prove ourselves to the relay of the link with this exporter.
    Prove {
        /// The TLS exporter that it was made for.
        exporter: [u8; 32],
        /// The proof.
        proof: Proof,
    },
    /// Publish an object.
    Publish {
        /// Comes back in [`Input::Answered`].
        id: u64,
        /// The object.
        object: Object,
    },
    /// Claim a slot.
    Claim {
        /// Comes back in [`Input::Answered`].
        id: u64,
        /// The claim.
        object: Object,
    },
    /// Ask the relay for one object.
    Get {
        /// Comes back in [`Input::Found`].
        id: u64,
        /// Which one.
        name: Name,
    },
    /// A message of somebody else, for the history. Under a name that is there already it
    /// replaces what is there (a message that could not be read first may be readable later).
    Message(Opened),
    /// A gap in a log became smaller.
    Missing {
        /// The entry behind the gap; it need not be a message that is shown.
        name: Name,
        /// So many entries are missing before it now.
        missing_before: u32,
    },
    /// An own message will not be sent.
    Failed {
        /// The name of the refused entry: of the message, or of a later part of it.
        name: Name,
        /// What the relay says.
        why: Refusal,
    },
    /// An own message that waits has another name now: other messages of this device, written
    /// before an old vault was put back, have the one that it had.
    Renamed {
        /// The name that it had.
        from: Name,
        /// The name that it has now.
        to: Name,
    },
    /// Somebody cannot read a message that is in the history here: give it to
    /// [`crate::Endpoint::recalled`].
    Recall {
        /// The team.
        team: TeamId,
        /// The message.
        name: Name,
    },
    /// Own messages changed their state.
    Watermark(Watermark),
    /// The list of teams, channels or devices, or a name, has changed.
    TeamsChanged,
    /// A join has succeeded.
    Joined {
        /// The team.
        team: TeamId,
    },
    /// A device was added, or will not be: the outcome of [`crate::Endpoint::add_device`].
    Added {
        /// The team.
        team: TeamId,
        /// The announcement.
        hash: Hash,
        /// Its device number, or why not.
        result: Result<Device, NotAdded>,
    },
    /// A wish has come true, or never will.
    Wished {
        /// The team.
        team: TeamId,
        /// What was wished.
        wish: Wish,
        /// Why it never will.
        result: Result<(), NotDone>,
    },
    /// Something that a person should know.
    Notice(Notice),
}

/// A message, opened.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Opened {
    /// The team.
    pub team: TeamId,
    /// The channel.
    pub channel: Channel,
    /// The name of its first entry.
    pub name: Name,
    /// The number of its last entry: long texts fill several.
    pub last: Number,
    /// The device that wrote it.
    pub device: Device,
    /// Its author, as certified by the admin; empty when the author is not known any more.
    pub user: String,
    /// Was it written on this device?
    pub own: bool,
    /// The author's time.
    pub at: Millis,
    /// Its text; empty when it cannot be read.
    pub body: Plaintext,
    /// The message whose thread it belongs to.
    pub thread: Option<Name>,
    /// The messages that its author had seen last; at most [`crate::MAX_AFTER`].
    pub after: Vec<Name>,
    /// Why it cannot be read.
    pub unreadable: Option<Unreadable>,
    /// So many entries of this author's log right before it are missing.
    pub missing_before: u32,
    /// The author's signature over name and content, kept so that it can be sealed again for
    /// others; `None` when it cannot be read.
    pub signature: Option<Signature>,
}

/// Why a message that arrived cannot be read.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Unreadable {
    /// Its epoch is over for so long that its keys are gone, or it came too far out of order.
    TooLate,
    /// It was sealed on another history of the team than this device's.
    OtherHistory,
    /// It does not decrypt.
    Damaged,
    /// It decrypts to something that this version does not know.
    UnknownContent,
    /// Its time was over before it arrived; only its header is left.
    Expired,
}

/// How far own messages of a channel have come: everything below a number.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Watermark {
    /// The team.
    pub team: TeamId,
    /// The channel.
    pub channel: Channel,
    /// Own entries below this number are at the home relay.
    pub local: u32,
    /// Own entries below this number are at the origin.
    pub relay: u32,
    /// Own entries below this number are delivered.
    pub delivered: u32,
}

/// What was wished, for [`Output::Wished`]. Additions of one device say [`Output::Added`].
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Wish {
    /// That a device is out of the team.
    Remove(Device),
    /// That a device is an admin, or that it is none.
    Role(Device, bool),
    /// That the team has another policy.
    Policy,
    /// That our own leaf is renewed.
    Refresh,
    /// That the devices of the person with this key are in the team; each says
    /// [`Output::Added`] as well.
    Add(Key),
}

/// Why a wish will never come true.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum NotDone {
    /// The device has left the team.
    #[error("that device is not in the team any more")]
    NoSuchDevice,
    /// This device is no admin any more.
    #[error("this device is no admin any more")]
    NotAdmin,
    /// This device was removed from the team.
    #[error("this device was removed from the team")]
    Removed,
    /// No device of that person has left a key package.
    #[error("no device of that person can be added without asking; it must join by a link")]
    NoKeyPackage,
    /// Another admin has taken all numbers for certificates of that device that are left to an
    /// admin.
    #[error("another admin has taken the numbers for that device's certificates")]
    NumbersTaken,
}

/// Why a device was not added.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum NotAdded {
    /// The relay has no announcement with that hash.
    #[error("the relay has no announcement with that hash; compare it with what the newcomer sees")]
    NoSuchAnnouncement,
    /// It is for another team or organisation.
    #[error("the announcement is for another team; the newcomer must join with this team's link")]
    OtherTeam,
    /// Its time is over.
    #[error("the announcement has expired; the newcomer must join again")]
    Expired,
    /// Another device has its number.
    #[error("the announcement's device number is taken; the newcomer must join again")]
    NumberTaken,
    /// Its key package or its credential does not verify.
    #[error("the announcement does not verify; the newcomer must join again")]
    Unfit,
    /// This device is no admin any more.
    #[error("this device is no admin any more")]
    NotAdmin,
    /// The relay refused the claim. The wish stays, and is tried again with the next link.
    #[error(
        "the relay refused the membership change ({0:?}); it is tried again with the next link"
    )]
    RelayRefused(Refusal),
}

/// A bug of ours or a broken store; the process ends.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A row of our own cannot be read back.
    #[error("a row of the vault is damaged")]
    Row,
    /// Something of our own cannot be encoded.
    #[error("a row could not be encoded")]
    Encode,
    /// The MLS library failed where it cannot.
    #[error("the MLS state is broken")]
    Mls,
}

impl Plaintext {
    /// Takes a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself; every call is a place where a secret can leak.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Plaintext {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(..)")
    }
}
