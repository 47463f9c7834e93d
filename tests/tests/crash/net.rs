//! What `net-proc` does, without a process: between the frames of `secure-proc` and those of a
//! relay. It has no cache of its own; positions are the relay's.

use std::collections::{BTreeMap, VecDeque};

use ipc_schema_net::{Answer, Cursor, FromNet, PrefixBits, Refused, Standing, ToNet};
use names::{Name, Prefix};
use objects::wire::{FromRelay, Refusal, SlotAnswer, SubscriptionStanding, ToRelay};
use objects::{Object, Proof};

use crate::outside::{Line, Outside, key, subscribe};

/// What left `secure-proc` under each name: the same bytes every time, or it is a fork.
pub(crate) type Left = BTreeMap<[u8; 16], Vec<u8>>;

#[derive(Default)]
pub(crate) struct Net {
    line: Option<Line>,
    store: u64,
    asked: BTreeMap<u32, u64>,
    wanted: BTreeMap<u32, PrefixBits>,
    waiting: VecDeque<FromNet>,
    credit: u32,
    seq: u32,
}

impl Net {
    /// Takes a frame of `secure-proc`.
    pub(crate) fn take(&mut self, outside: &mut Outside, order: ToNet) {
        self.seq += 1;
        let seq = self.seq;
        let frame = match order {
            ToNet::Hello { schema, generation } => {
                assert_eq!(schema, ipc_schema_net::schema());
                self.waiting.push_back(FromNet::Hello { schema, generation });
                return;
            }
            ToNet::Relay { key: pinned, .. } => {
                assert_eq!(pinned, key().0, "another relay was pinned");
                if self.line.is_none() {
                    self.line = Some(outside.link());
                }
                return;
            }
            ToNet::Credit(more) => {
                self.credit += more;
                return;
            }
            ToNet::Forget => {
                if let Some(line) = self.line.take() {
                    outside.unlink(line);
                }
                return;
            }
            ToNet::Prove { proof, .. } => ToRelay::Prove(Proof::parse(proof.as_slice()).unwrap()),
            ToNet::Publish { id, object } => {
                self.asked.insert(seq, id);
                ToRelay::Publish { seq, object: Object::parse(object.as_slice()).unwrap() }
            }
            ToNet::Claim { id, object } => {
                self.asked.insert(seq, id);
                ToRelay::Claim { seq, object: Object::parse(object.as_slice()).unwrap() }
            }
            ToNet::Subscribe { prefix, after } => {
                self.wanted.insert(seq, prefix);
                let bits = u128::from_be_bytes(prefix.bits);
                let prefix = Prefix::from_bits(bits, u32::from(prefix.len)).unwrap();
                subscribe(seq, prefix, after.cache, after.position)
            }
            ToNet::Unsubscribe { prefix } => {
                let ended = self.wanted.iter().find(|(_, wanted)| **wanted == prefix);
                let Some(id) = ended.map(|(id, _)| *id) else { return };
                ToRelay::Unsubscribe { id }
            }
            ToNet::Get { id, name } => {
                self.asked.insert(seq, id);
                ToRelay::Get { seq, name: Name::from_bytes(name.0).unwrap() }
            }
        };
        if let Some(line) = self.line {
            outside.say(line, &frame);
        }
    }

    /// The next frame for `secure-proc`.
    pub(crate) fn give(&mut self, outside: &mut Outside) -> Option<FromNet> {
        while let Some(line) = self.line
            && let Some(frame) = outside.hear(line)
        {
            let told = self.told(line, frame);
            self.waiting.extend(told);
        }
        let arrival = matches!(self.waiting.front(), Some(FromNet::Arrived { .. }));
        if arrival {
            self.credit = self.credit.checked_sub(1)?;
        }
        self.waiting.pop_front()
    }

    fn told(&mut self, line: Line, frame: FromRelay) -> Option<FromNet> {
        let asked = |seq| self.asked.get(&seq).copied();
        Some(match frame {
            FromRelay::Welcome { store, now, .. } => {
                self.store = store;
                FromNet::Linked { relay: key().0, exporter: line.exporter, now: now.0 }
            }
            FromRelay::Proved(proof) => FromNet::Proved { proof: bytes(proof.bytes()) },
            FromRelay::Stored { seq, receipt } => {
                let answer = Answer::Receipt(bytes(receipt.bytes()));
                FromNet::Answered { id: asked(seq)?, answer }
            }
            FromRelay::Refused { seq, why } => {
                let answer = Answer::Refused { why: refused(why) };
                FromNet::Answered { id: asked(seq)?, answer }
            }
            FromRelay::Slot { seq, answer } => {
                FromNet::Answered { id: asked(seq)?, answer: slot_answer(answer) }
            }
            FromRelay::Subscribed { id, standing } => {
                FromNet::Standing { prefix: *self.wanted.get(&id)?, standing: stands(standing) }
            }
            FromRelay::CaughtUp { id, position } => {
                let cursor = Cursor { cache: self.store, position };
                FromNet::CaughtUp { prefix: *self.wanted.get(&id)?, cursor }
            }
            FromRelay::Found { seq, object, receipt } => FromNet::Found {
                id: asked(seq)?,
                object: object.map(|object| bytes(object.bytes())),
                receipt: receipt.map(|receipt| bytes(receipt.bytes())),
            },
            FromRelay::Settled { receipt } => FromNet::Settled { receipt: bytes(receipt.bytes()) },
            FromRelay::Upstream { reachable } => FromNet::Upstream { reachable },
            FromRelay::Revoked(revocation) => {
                FromNet::Revoked { revocation: bytes(revocation.bytes()) }
            }
            FromRelay::Related => return None,
            FromRelay::Deliver { position, object, receipt } => FromNet::Arrived {
                cursor: Cursor { cache: self.store, position },
                object: bytes(object.bytes()),
                receipt: receipt.map(|receipt| bytes(receipt.bytes())),
            },
        })
    }
}

/// Name and bytes of an object that leaves with an order.
pub(crate) fn leaves(order: &ToNet) -> Option<([u8; 16], Vec<u8>)> {
    let (ToNet::Publish { object, .. } | ToNet::Claim { object, .. }) = order else {
        return None;
    };
    let name = Object::parse(object.as_slice()).unwrap().name();
    Some((name.bytes(), object.as_slice().to_vec()))
}

fn bytes<const MOST: usize>(bytes: Vec<u8>) -> ipc_schema::Bytes<MOST> {
    ipc_schema::Bytes::new(bytes).unwrap()
}

fn stands(standing: SubscriptionStanding) -> Standing {
    match standing {
        SubscriptionStanding::Active => Standing::Active,
        SubscriptionStanding::Waiting => Standing::Waiting,
        SubscriptionStanding::Refused => Standing::Refused,
    }
}

fn slot_answer(answer: SlotAnswer) -> Answer {
    match answer {
        SlotAnswer::Won(receipt) => Answer::Receipt(bytes(receipt.bytes())),
        SlotAnswer::Taken { winner, receipt } => {
            Answer::Taken { winner: bytes(winner.bytes()), receipt: bytes(receipt.bytes()) }
        }
        SlotAnswer::Gap { head } => Answer::Gap { head: head.value() },
        SlotAnswer::Incomplete => Answer::Incomplete,
        SlotAnswer::Pending => Answer::Pending,
    }
}

fn refused(why: Refusal) -> Refused {
    match why {
        Refusal::WrongSigner => Refused::WrongSigner,
        Refusal::Uncertified => Refused::Uncertified,
        Refusal::Revoked => Refused::Revoked,
        Refusal::Gap { next } => Refused::Gap { next },
        Refusal::WrongPrevious => Refused::WrongPrevious,
        Refusal::Expired => Refused::Expired,
        Refusal::NameTaken => Refused::NameTaken,
        Refusal::UnknownOrg => Refused::UnknownOrg,
        Refusal::Malformed => Refused::Malformed,
        Refusal::Quota => Refused::Quota,
        Refusal::Forked => Refused::Forked,
    }
}
