//! The parts of frames that answer: refusals, slots, objects with their receipts.

use names::Slot;

use super::{Refusal, SlotAnswer};
use crate::bytes::Reader;
use crate::{Malformed, Object, Receipt};

impl Refusal {
    pub(super) fn code(self) -> (u8, u32) {
        match self {
            Self::WrongSigner => (1, 0),
            Self::Uncertified => (2, 0),
            Self::Revoked => (3, 0),
            Self::Gap { next } => (4, next),
            Self::WrongPrevious => (5, 0),
            Self::Expired => (6, 0),
            Self::NameTaken => (7, 0),
            Self::UnknownOrg => (8, 0),
            Self::Malformed => (9, 0),
            Self::Quota => (10, 0),
            Self::Forked => (11, 0),
        }
    }

    pub(super) fn of(code: u8, next: u32) -> Result<Self, Malformed> {
        Ok(match (code, next) {
            (1, 0) => Self::WrongSigner,
            (2, 0) => Self::Uncertified,
            (3, 0) => Self::Revoked,
            (4, next) => Self::Gap { next },
            (5, 0) => Self::WrongPrevious,
            (6, 0) => Self::Expired,
            (7, 0) => Self::NameTaken,
            (8, 0) => Self::UnknownOrg,
            (9, 0) => Self::Malformed,
            (10, 0) => Self::Quota,
            (11, 0) => Self::Forked,
            _ => return Err(Malformed { field: "refusal" }),
        })
    }
}

impl SlotAnswer {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Won(receipt) => {
                out.push(1);
                out.extend_from_slice(&receipt.bytes());
            }
            Self::Taken { winner, receipt } => {
                out.push(2);
                with_receipt(out, winner, Some(receipt));
            }
            Self::Gap { head } => {
                out.push(3);
                out.extend_from_slice(&head.value().to_be_bytes());
            }
            Self::Incomplete => out.push(4),
            Self::Pending => out.push(5),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8("answer")? {
            1 => Self::Won(Receipt::parse(reader.rest())?),
            2 => match read_with_receipt(reader)? {
                (winner, Some(receipt)) => Self::Taken { winner, receipt },
                (_, None) => return Err(Malformed { field: "receipt" }),
            },
            3 => Self::Gap {
                head: Slot::new(reader.u64("head")?).map_err(|_| Malformed { field: "head" })?,
            },
            4 => Self::Incomplete,
            5 => Self::Pending,
            _ => return Err(Malformed { field: "answer" }),
        })
    }
}

pub(super) fn with_receipt(out: &mut Vec<u8>, object: &Object, receipt: Option<&Receipt>) {
    match receipt {
        None => out.push(0),
        Some(receipt) => {
            out.push(1);
            out.extend_from_slice(&receipt.bytes());
        }
    }
    out.extend_from_slice(&object.bytes());
}

pub(super) fn read_with_receipt(
    reader: &mut Reader<'_>,
) -> Result<(Object, Option<Receipt>), Malformed> {
    let receipt = match reader.u8("receipt")? {
        0 => None,
        1 => Some(Receipt::parse(reader.take(Receipt::LEN, "receipt")?)?),
        _ => return Err(Malformed { field: "receipt" }),
    };
    Ok((Object::parse(reader.rest())?, receipt))
}
