//! Between the words of local frames and those of links.

use ipc_schema::Bytes;
use ipc_schema_net::{Answer, PrefixBits, ReceiptBytes, Refused, Sealed, Standing};
use names::Prefix;
use objects::wire::{Refusal, SlotAnswer, SubscriptionStanding};
use objects::{Object, Receipt};

/// The bytes of an object; it has at most as many as fit.
pub(crate) fn sealed(object: &Object) -> Sealed {
    Bytes::new(object.bytes()).unwrap_or_default()
}

pub(crate) fn receipt(receipt: &Receipt) -> ReceiptBytes {
    Bytes::new(receipt.bytes()).unwrap_or_default()
}

pub(crate) fn prefix(bits: PrefixBits) -> Option<Prefix> {
    Prefix::from_bits(u128::from_be_bytes(bits.bits), u32::from(bits.len)).ok()
}

pub(crate) fn prefix_bits(prefix: &Prefix) -> PrefixBits {
    // A prefix has at most 128 bits.
    let len = u8::try_from(prefix.len()).unwrap_or(128);
    PrefixBits { bits: prefix.bits().to_be_bytes(), len }
}

pub(crate) fn standing(standing: SubscriptionStanding) -> Standing {
    match standing {
        SubscriptionStanding::Active => Standing::Active,
        SubscriptionStanding::Waiting => Standing::Waiting,
        SubscriptionStanding::Refused => Standing::Refused,
    }
}

pub(crate) fn answer(answer: &SlotAnswer) -> Answer {
    match answer {
        SlotAnswer::Won(won) => Answer::Receipt(receipt(won)),
        SlotAnswer::Taken { winner, receipt: taken } => {
            Answer::Taken { winner: sealed(winner), receipt: receipt(taken) }
        }
        SlotAnswer::Gap { head } => Answer::Gap { head: head.value() },
        SlotAnswer::Incomplete => Answer::Incomplete,
        SlotAnswer::Pending => Answer::Pending,
    }
}

pub(crate) fn refused(why: Refusal) -> Refused {
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
