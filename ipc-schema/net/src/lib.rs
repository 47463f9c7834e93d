#![doc = include_str!("../README.md")]

use ipc_schema::{Bytes, SchemaHash, Text, schema_hash};
use serde::{Deserialize, Serialize};

/// The bytes of an object (`objects/SPEC.md`).
pub type Sealed = Bytes<{ objects::MAX_OBJECT }>;
/// The bytes of a receipt.
pub type ReceiptBytes = Bytes<{ objects::Receipt::LEN }>;
/// The bytes of the proof of a removal.
pub type RevocationBytes = Bytes<{ objects::Revocation::MAX }>;
/// The bytes of a session proof.
pub type ProofBytes = Bytes<160>;

/// A 128-bit name.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct NameBits(pub [u8; 16]);

/// A prefix of names.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct PrefixBits {
    /// The fixed bits, the others zero.
    pub bits: [u8; 16],
    /// How many are fixed.
    pub len: u8,
}

/// A position in the cache of `net-proc`.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The identity of the cache; another cache starts from its beginning.
    pub cache: u64,
    /// The position; objects behind it are wanted.
    pub position: u64,
}

/// From `secure-proc` to `net-proc`.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum ToNet {
    /// The first message.
    Hello {
        /// The exact schema.
        schema: SchemaHash,
        /// Which life of `net-proc` this is, as the launcher said.
        generation: u32,
    },
    /// The relay to keep a link with, and the key that it must show.
    Relay {
        /// `HOST:PORT`.
        address: Text<255>,
        /// The relay's key.
        key: [u8; 32],
    },
    /// A session proof for the link with this exporter.
    Prove {
        /// The TLS exporter that it was made for.
        exporter: [u8; 32],
        /// The proof.
        proof: ProofBytes,
    },
    /// Publish an object; answered by `Answered` with the same number, on this link or a later.
    Publish {
        /// Chosen by `secure-proc`.
        id: u64,
        /// The object.
        object: Sealed,
    },
    /// Claim a slot; answered as `Publish`.
    Claim {
        /// Chosen by `secure-proc`.
        id: u64,
        /// The claim.
        object: Sealed,
    },
    /// Deliver what is under a prefix, from the cache and from the relay.
    Subscribe {
        /// What is wanted.
        prefix: PrefixBits,
        /// Where to start.
        after: Cursor,
    },
    /// Deliver nothing more of a prefix that was subscribed to.
    Unsubscribe {
        /// Which one.
        prefix: PrefixBits,
    },
    /// Ask the relay for one object.
    Get {
        /// Chosen by `secure-proc`.
        id: u64,
        /// Which one.
        name: NameBits,
    },
    /// So many more `Arrived` may be sent.
    Credit(u32),
    /// Forget the relay, the subscriptions and what waits to be sent: the vault is locked.
    Forget,
}

/// From `net-proc` to `secure-proc`. Its word proves nothing: only signatures inside do.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum FromNet {
    /// The first message.
    Hello {
        /// The exact schema.
        schema: SchemaHash,
        /// Which life of `net-proc` this is.
        generation: u32,
    },
    /// There is a link; proofs are wanted.
    Linked {
        /// The key that the relay showed.
        relay: [u8; 32],
        /// The TLS exporter of the link.
        exporter: [u8; 32],
        /// The relay's clock, in ms: a hint.
        now: u64,
    },
    /// There is no link.
    Unlinked {
        /// Why, for people.
        why: LinkLoss,
    },
    /// The relay accepted the proof for this team (its 64 bits as in `objects/SPEC.md`).
    Proved {
        /// The proof.
        proof: ProofBytes,
    },
    /// How a subscription stands at the relay.
    Standing {
        /// The subscription.
        prefix: PrefixBits,
        /// Whether objects flow.
        standing: Standing,
    },
    /// The answer to `Publish` or `Claim`.
    Answered {
        /// As asked.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// An object of a subscription.
    Arrived {
        /// Its position in the cache.
        cursor: Cursor,
        /// The object.
        object: Sealed,
        /// The receipt it was stored with; claims always have one.
        receipt: Option<ReceiptBytes>,
    },
    /// Everything that the relay had for a subscription when it started has been delivered.
    CaughtUp {
        /// The subscription.
        prefix: PrefixBits,
        /// The position in the cache.
        cursor: Cursor,
    },
    /// The answer to `Get`.
    Found {
        /// As asked.
        id: u64,
        /// The object.
        object: Option<Sealed>,
        /// Its receipt, if it has one.
        receipt: Option<ReceiptBytes>,
    },
    /// The origin has stored something of ours that a relay on the way had stored before.
    Settled {
        /// The origin's receipt.
        receipt: ReceiptBytes,
    },
    /// Can the relay reach the origin? After `Linked`, and when it changes: a hint.
    Upstream {
        /// What the relay says.
        reachable: bool,
    },
    /// The relay delivers nothing of a team, and shows that this device was removed from it. After
    /// everything of the team that is in the cache.
    Revoked {
        /// What the relay shows.
        revocation: RevocationBytes,
    },
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum LinkLoss {
    /// The relay cannot be reached, or the link broke.
    Unreachable,
    /// Something answered at the address, with another key.
    WrongKey,
    /// The relay speaks another version.
    OtherVersion,
    /// The address means nothing.
    BadAddress,
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Standing {
    /// Objects flow.
    Active,
    /// They will, once the device has a certificate.
    Waiting,
    /// The relay refuses.
    Refused,
}

/// What the relay said of a published object or a claim.
#[derive(Debug, Clone, Eq, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is stored, or its slot won: the receipt says so.
    Receipt(ReceiptBytes),
    /// It was refused.
    Refused {
        /// Why, as in `objects::wire::Refusal`.
        why: Refused,
    },
    /// The slot went to another claim.
    Taken {
        /// The winner.
        winner: Sealed,
        /// Its receipt.
        receipt: ReceiptBytes,
    },
    /// Earlier slots are undecided; the last decided one.
    Gap {
        /// The head.
        head: u64,
    },
    /// Pieces or certificates are missing at the relay.
    Incomplete,
    /// The origin cannot be reached now.
    Pending,
}

/// Why a relay refused.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub enum Refused {
    /// The signature is not the certified key's.
    WrongSigner,
    /// No certificate for that device number.
    Uncertified,
    /// The certificate was revoked, or its time is over.
    Revoked,
    /// Entries before it are missing.
    Gap {
        /// The number that is next.
        next: u32,
    },
    /// It does not name the entry before it.
    WrongPrevious,
    /// Its time is over, or too long.
    Expired,
    /// Another object has that name.
    NameTaken,
    /// The organisation is not served there.
    UnknownOrg,
    /// Its data is not what its path demands.
    Malformed,
    /// The session has used up its share.
    Quota,
    /// Its log has two histories.
    Forked,
}

/// The schema of this package.
#[must_use]
pub fn schema() -> SchemaHash {
    schema_hash(&[include_str!("lib.rs")])
}
