//! The frames of a link between an endpoint and a relay (`SPEC.md`, "Links"). A link carries each
//! as a length and these bytes.

mod answer;

use names::{Name, Prefix, Slot};

use self::answer::{read_with_receipt, with_receipt};
use crate::bytes::Reader;
use crate::{Malformed, Millis, Object, Proof, Receipt, RelayProof, Revocation};

/// The largest frame in either direction, in bytes.
pub const MAX_FRAME: usize = 4096;

/// What an endpoint says to a relay.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum ToRelay {
    /// The first frame of a link.
    Hello {
        /// The version of these frames.
        version: u16,
    },
    /// Proves the log key of the device in one team; sent once per team and link.
    Prove(Proof),
    /// Asks to store an object; answered by `Stored` or `Refused` with the same number.
    Publish {
        /// Chosen by the sender.
        seq: u32,
        /// The object.
        object: Object,
    },
    /// Asks for a slot; answered by `Slot` or `Refused` with the same number.
    Claim {
        /// Chosen by the sender.
        seq: u32,
        /// The claim.
        object: Object,
    },
    /// Wants what is stored under a prefix, and what comes later.
    Subscribe {
        /// Chosen by the sender.
        id: u32,
        /// What is wanted.
        prefix: Prefix,
        /// The store that `after` counts in; another store starts from its beginning.
        store: u64,
        /// The position behind which to start; 0 for the beginning.
        after: u64,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Its number.
        id: u32,
    },
    /// Asks for one object; answered by `Found`.
    Get {
        /// Chosen by the sender.
        seq: u32,
        /// Which one.
        name: Name,
    },
    /// The session is a relay's, which reads all teams that it may serve; answered by `Related`.
    Relay(RelayProof),
}

/// What a relay says to an endpoint.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum FromRelay {
    /// Answers `Hello`.
    Welcome {
        /// The version of these frames.
        version: u16,
        /// The identity of the relay's store: positions of another one mean nothing here.
        store: u64,
        /// The relay's clock: a hint.
        now: Millis,
    },
    /// The proof for this team holds.
    Proved(Proof),
    /// The object survives power loss.
    Stored {
        /// As asked.
        seq: u32,
        /// The relay's word.
        receipt: Receipt,
    },
    /// It was not stored.
    Refused {
        /// As asked.
        seq: u32,
        /// Why.
        why: Refusal,
    },
    /// Answers `Claim`.
    Slot {
        /// As asked.
        seq: u32,
        /// How the slot went.
        answer: SlotAnswer,
    },
    /// Answers `Subscribe`, again when its standing changes.
    Subscribed {
        /// As asked.
        id: u32,
        /// Whether objects flow.
        standing: SubscriptionStanding,
    },
    /// Everything stored up to this position was delivered.
    CaughtUp {
        /// The subscription.
        id: u32,
        /// The position.
        position: u64,
    },
    /// Answers `Get`.
    Found {
        /// As asked.
        seq: u32,
        /// The object, when there is one that the session may read.
        object: Option<Object>,
        /// The receipt it was stored with: always for claims.
        receipt: Option<Receipt>,
    },
    /// An object of a subscription. The same bytes go to every subscriber.
    Deliver {
        /// Its position in the relay's store.
        position: u64,
        /// The object.
        object: Object,
        /// The origin's receipt, if it is here: always for claims.
        receipt: Option<Receipt>,
    },
    /// The origin has stored what this session published, and what was stored here first.
    Settled {
        /// The origin's word.
        receipt: Receipt,
    },
    /// Can this relay reach the origin of its teams? After `Welcome`, and when it changes.
    Upstream {
        /// A hint.
        reachable: bool,
    },
    /// The relay's proof holds.
    Related,
    /// Why a device is refused that was removed from a team, for it to check; to none but that one.
    Revoked(Box<Revocation>),
}

/// Why a relay does not store an object or answer a request.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Refusal {
    /// The signature is not the certified key's.
    WrongSigner,
    /// No certificate for that device number.
    Uncertified,
    /// The certificate was revoked, or its time is over.
    Revoked,
    /// Entries before it are missing; the number that is next.
    Gap {
        /// The next number or slot of that log.
        next: u32,
    },
    /// It does not name the entry before it.
    WrongPrevious,
    /// Its time is over, or it asks for more time than its path allows.
    Expired,
    /// Another object has that name.
    NameTaken,
    /// The organisation is not served here.
    UnknownOrg,
    /// Its data is not what its path demands.
    Malformed,
    /// The session has used up its share.
    Quota,
    /// Its log has two histories: nothing is added to it any more.
    Forked,
}

/// How a claim went (DESIGN: one order of commits).
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum SlotAnswer {
    /// This claim holds the slot.
    Won(Receipt),
    /// Another claim holds it.
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
    /// Pieces of its blobs, or its certificates, are not stored yet.
    Incomplete,
    /// This relay does not decide, and the origin cannot be reached now.
    Pending,
}

/// Whether objects flow.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum SubscriptionStanding {
    /// They do.
    Active,
    /// The session proved a key that has no certificate yet; they will once it has.
    Waiting,
    /// The session proved no key for that team, or one that was revoked.
    Refused,
}

impl ToRelay {
    /// The bytes of the frame.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Hello { version } => {
                out.push(1);
                out.extend_from_slice(&version.to_be_bytes());
            }
            Self::Prove(proof) => {
                out.push(2);
                out.extend_from_slice(&proof.bytes());
            }
            Self::Publish { seq, object } => {
                out.push(3);
                out.extend_from_slice(&seq.to_be_bytes());
                out.extend_from_slice(&object.bytes());
            }
            Self::Claim { seq, object } => {
                out.push(4);
                out.extend_from_slice(&seq.to_be_bytes());
                out.extend_from_slice(&object.bytes());
            }
            Self::Subscribe { id, prefix, store, after } => {
                out.push(5);
                out.extend_from_slice(&id.to_be_bytes());
                out.extend_from_slice(&prefix.bits().to_be_bytes());
                out.extend_from_slice(&prefix.len().to_be_bytes());
                out.extend_from_slice(&store.to_be_bytes());
                out.extend_from_slice(&after.to_be_bytes());
            }
            Self::Unsubscribe { id } => {
                out.push(6);
                out.extend_from_slice(&id.to_be_bytes());
            }
            Self::Get { seq, name } => {
                out.push(7);
                out.extend_from_slice(&seq.to_be_bytes());
                out.extend_from_slice(&name.bytes());
            }
            Self::Relay(proof) => {
                out.push(8);
                out.extend_from_slice(&proof.bytes());
            }
        }
        out
    }

    /// Parses a frame.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8("frame")? {
            1 => Self::Hello { version: reader.u16("version")? },
            2 => Self::Prove(Proof::parse(reader.rest())?),
            3 => Self::Publish { seq: reader.u32("seq")?, object: Object::parse(reader.rest())? },
            4 => Self::Claim { seq: reader.u32("seq")?, object: Object::parse(reader.rest())? },
            5 => {
                let id = reader.u32("id")?;
                let bits = u128::from_be_bytes(reader.array("prefix")?);
                let prefix = Prefix::from_bits(bits, reader.u32("prefix")?)
                    .map_err(|_| Malformed { field: "prefix" })?;
                Self::Subscribe {
                    id,
                    prefix,
                    store: reader.u64("store")?,
                    after: reader.u64("after")?,
                }
            }
            6 => Self::Unsubscribe { id: reader.u32("id")? },
            7 => Self::Get { seq: reader.u32("seq")?, name: reader.name("name")? },
            8 => Self::Relay(RelayProof::parse(reader.rest())?),
            _ => return Err(Malformed { field: "frame" }),
        };
        reader.end("frame")?;
        Ok(frame)
    }
}

impl FromRelay {
    /// The bytes of the frame.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Welcome { version, store, now } => {
                out.push(1);
                out.extend_from_slice(&version.to_be_bytes());
                out.extend_from_slice(&store.to_be_bytes());
                out.extend_from_slice(&now.0.to_be_bytes());
            }
            Self::Proved(proof) => {
                out.push(2);
                out.extend_from_slice(&proof.bytes());
            }
            Self::Stored { seq, receipt } => {
                out.push(3);
                out.extend_from_slice(&seq.to_be_bytes());
                out.extend_from_slice(&receipt.bytes());
            }
            Self::Refused { seq, why } => {
                out.push(4);
                out.extend_from_slice(&seq.to_be_bytes());
                let (code, next) = why.code();
                out.push(code);
                out.extend_from_slice(&next.to_be_bytes());
            }
            Self::Slot { seq, answer } => {
                out.push(5);
                out.extend_from_slice(&seq.to_be_bytes());
                answer.write(&mut out);
            }
            Self::Subscribed { id, standing } => {
                out.push(6);
                out.extend_from_slice(&id.to_be_bytes());
                out.push(match standing {
                    SubscriptionStanding::Active => 1,
                    SubscriptionStanding::Waiting => 2,
                    SubscriptionStanding::Refused => 3,
                });
            }
            Self::CaughtUp { id, position } => {
                out.push(7);
                out.extend_from_slice(&id.to_be_bytes());
                out.extend_from_slice(&position.to_be_bytes());
            }
            Self::Found { seq, object, receipt } => {
                out.push(8);
                out.extend_from_slice(&seq.to_be_bytes());
                match object {
                    None => out.push(0),
                    Some(object) => {
                        out.push(1);
                        with_receipt(&mut out, object, receipt.as_ref());
                    }
                }
            }
            Self::Deliver { position, object, receipt } => {
                out.push(9);
                out.extend_from_slice(&position.to_be_bytes());
                with_receipt(&mut out, object, receipt.as_ref());
            }
            Self::Settled { receipt } => {
                out.push(10);
                out.extend_from_slice(&receipt.bytes());
            }
            Self::Upstream { reachable } => out.extend_from_slice(&[11, u8::from(*reachable)]),
            Self::Related => out.push(12),
            Self::Revoked(revocation) => {
                out.push(13);
                out.extend_from_slice(&revocation.bytes());
            }
        }
        out
    }

    /// Parses a frame.
    ///
    /// # Errors
    /// When it is not in the one layout of `SPEC.md`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8("frame")? {
            1 => Self::Welcome {
                version: reader.u16("version")?,
                store: reader.u64("store")?,
                now: Millis(reader.u64("now")?),
            },
            2 => Self::Proved(Proof::parse(reader.rest())?),
            3 => Self::Stored { seq: reader.u32("seq")?, receipt: Receipt::parse(reader.rest())? },
            4 => Self::Refused {
                seq: reader.u32("seq")?,
                why: Refusal::of(reader.u8("refusal")?, reader.u32("refusal")?)?,
            },
            5 => Self::Slot { seq: reader.u32("seq")?, answer: SlotAnswer::read(&mut reader)? },
            6 => Self::Subscribed {
                id: reader.u32("id")?,
                standing: match reader.u8("standing")? {
                    1 => SubscriptionStanding::Active,
                    2 => SubscriptionStanding::Waiting,
                    3 => SubscriptionStanding::Refused,
                    _ => return Err(Malformed { field: "standing" }),
                },
            },
            7 => Self::CaughtUp { id: reader.u32("id")?, position: reader.u64("position")? },
            8 => {
                let seq = reader.u32("seq")?;
                let (object, receipt) = match reader.u8("found")? {
                    0 => (None, None),
                    1 => {
                        let (object, receipt) = read_with_receipt(&mut reader)?;
                        (Some(object), receipt)
                    }
                    _ => return Err(Malformed { field: "found" }),
                };
                Self::Found { seq, object, receipt }
            }
            9 => {
                let position = reader.u64("position")?;
                let (object, receipt) = read_with_receipt(&mut reader)?;
                Self::Deliver { position, object, receipt }
            }
            10 => Self::Settled { receipt: Receipt::parse(reader.rest())? },
            11 => Self::Upstream {
                reachable: match reader.u8("reachable")? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed { field: "reachable" }),
                },
            },
            12 => Self::Related,
            13 => Self::Revoked(Box::new(Revocation::parse(reader.rest())?)),
            _ => return Err(Malformed { field: "frame" }),
        };
        reader.end("frame")?;
        Ok(frame)
    }
}
