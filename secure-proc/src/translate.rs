//! Between the words of the schemas and those of the cores.

use ipc_schema_net::{
    Answer as NetAnswer, Cursor, PrefixBits, ReceiptBytes, Refused, RevocationBytes, Sealed, ToNet,
};
use ipc_schema_ui::TeamBits;
use mls_core::{Answer, Output};
use names::{Org, Origin, Prefix, Slot, Team, TeamId};
use objects::wire::Refusal;
use objects::{Object, Receipt, Revocation};

/// Something from `net-proc` that is no object, receipt or answer: it is dropped.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("net-proc sent bytes that are no object or receipt")]
pub(crate) struct Garbage;

/// A team as the window and command lines see it.
pub(crate) fn team_bits(team: TeamId) -> TeamBits {
    TeamBits(team.origin.value() << 38 | team.org.value() << 20 | team.team.value())
}

/// The other way; `None` when the two top bits are set.
pub(crate) fn team_of(bits: TeamBits) -> Option<TeamId> {
    Some(TeamId {
        origin: Origin::new(bits.0 >> 38).ok()?,
        org: Org::truncate(bits.0 >> 20),
        team: Team::truncate(bits.0),
    })
}

/// The team that a subscription of ours stands for.
pub(crate) fn team_of_prefix(prefix: PrefixBits) -> Option<TeamId> {
    let bits = u128::from_be_bytes(prefix.bits);
    let team = TeamId {
        origin: Origin::truncate(low(bits, 104)),
        org: Org::truncate(low(bits, 70)),
        team: Team::truncate(low(bits, 50)),
    };
    let whole = Prefix::team(team);
    (whole.bits() == bits && whole.len() == u32::from(prefix.len)).then_some(team)
}

/// What `net-proc` is asked to do for an output of the endpoint; `None` for the others.
pub(crate) fn to_net(output: &Output) -> Option<ToNet> {
    match output {
        Output::UseRelay(relay) => {
            Some(ToNet::Relay { address: ipc_schema::Text::cut(&relay.address), key: relay.key.0 })
        }
        Output::Prove { exporter, proof } => Some(ToNet::Prove {
            exporter: *exporter,
            proof: ipc_schema::Bytes::new(proof.bytes()).ok()?,
        }),
        Output::Publish { id, object } => Some(ToNet::Publish { id: *id, object: sealed(object)? }),
        Output::Claim { id, object } => Some(ToNet::Claim { id: *id, object: sealed(object)? }),
        Output::Get { id, name } => {
            Some(ToNet::Get { id: *id, name: ipc_schema_net::NameBits(name.bytes()) })
        }
        Output::SubscribePath { team, path } => Some(subscribe_path(*team, *path)),
        Output::Unsubscribe { team } => {
            Some(ToNet::Unsubscribe { prefix: prefix_bits(Prefix::team(*team)) })
        }
        Output::Subscribe { .. }
        | Output::Message(_)
        | Output::Missing { .. }
        | Output::Failed { .. }
        | Output::Renamed { .. }
        | Output::Recall { .. }
        | Output::Watermark(_)
        | Output::TeamsChanged
        | Output::Joined { .. }
        | Output::Added { .. }
        | Output::Wished { .. }
        | Output::Notice(_) => None,
    }
}

/// A subscription to one path of a team, from the first object on.
pub(crate) fn subscribe_path(team: TeamId, path: u8) -> ToNet {
    subscribe_to(Prefix::team_path(team, path), Cursor::default())
}

/// A subscription to everything of a team.
pub(crate) fn subscribe(team: TeamId, after: Cursor) -> ToNet {
    subscribe_to(Prefix::team(team), after)
}

fn subscribe_to(prefix: Prefix, after: Cursor) -> ToNet {
    ToNet::Subscribe { prefix: prefix_bits(prefix), after }
}

fn prefix_bits(prefix: Prefix) -> PrefixBits {
    // A prefix has at most 128 bits.
    let len = u8::try_from(prefix.len()).unwrap_or(128);
    PrefixBits { bits: prefix.bits().to_be_bytes(), len }
}

pub(crate) fn object(bytes: &Sealed) -> Result<Object, Garbage> {
    Object::parse(bytes.as_slice()).map_err(|_| Garbage)
}

pub(crate) fn receipt(bytes: &ReceiptBytes) -> Result<Receipt, Garbage> {
    Receipt::parse(bytes.as_slice()).map_err(|_| Garbage)
}

pub(crate) fn revocation(bytes: &RevocationBytes) -> Result<Revocation, Garbage> {
    Revocation::parse(bytes.as_slice()).map_err(|_| Garbage)
}

pub(crate) fn answer(answer: NetAnswer) -> Result<Answer, Garbage> {
    Ok(match answer {
        NetAnswer::Receipt(bytes) => Answer::Receipt(receipt(&bytes)?),
        NetAnswer::Refused { why } => Answer::Refused(refusal(why)),
        NetAnswer::Taken { winner, receipt: bytes } => {
            Answer::Taken { winner: object(&winner)?, receipt: receipt(&bytes)? }
        }
        NetAnswer::Gap { head } => Answer::Gap { head: Slot::new(head).map_err(|_| Garbage)? },
        NetAnswer::Incomplete => Answer::Incomplete,
        NetAnswer::Pending => Answer::Pending,
    })
}

/// What a person is told about a refusal of the relay, and what to do.
pub(crate) fn refusal_text(why: Refusal) -> &'static str {
    match why {
        Refusal::WrongSigner | Refusal::Uncertified | Refusal::WrongPrevious => {
            "the relay does not know this device as a writer; ask your admin"
        }
        Refusal::Revoked => "this device was removed from the team",
        Refusal::Gap { .. } => "the relay misses earlier messages of this device",
        Refusal::Expired => "it waited longer than the relay keeps messages; send it again",
        Refusal::NameTaken => {
            "the relay has other messages of this device: an old copy of its data was restored"
        }
        Refusal::UnknownOrg => "the relay does not serve this organisation; ask your admin",
        Refusal::Malformed => "the relay could not read it; update Sotto",
        Refusal::Forked => {
            "this device has written two histories of that log; ask your admin to remove it"
        }
        Refusal::Quota => "the relay's share for this device is used up; try again later",
    }
}

fn refusal(why: Refused) -> Refusal {
    match why {
        Refused::WrongSigner => Refusal::WrongSigner,
        Refused::Uncertified => Refusal::Uncertified,
        Refused::Revoked => Refusal::Revoked,
        Refused::Gap { next } => Refusal::Gap { next },
        Refused::WrongPrevious => Refusal::WrongPrevious,
        Refused::Expired => Refusal::Expired,
        Refused::NameTaken => Refusal::NameTaken,
        Refused::UnknownOrg => Refusal::UnknownOrg,
        Refused::Malformed => Refusal::Malformed,
        Refused::Quota => Refusal::Quota,
        Refused::Forked => Refusal::Forked,
    }
}

fn sealed(object: &Object) -> Option<Sealed> {
    ipc_schema::Bytes::new(object.bytes()).ok()
}

fn low(bits: u128, shift: u32) -> u64 {
    let [_, _, _, _, _, _, _, _, low @ ..] = (bits >> shift).to_be_bytes();
    u64::from_be_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_is_the_same_from_every_side() {
        let team = TeamId {
            origin: Origin::truncate(0xABCDEF),
            org: Org::truncate(77),
            team: Team::truncate(99),
        };
        assert_eq!(team_of(team_bits(team)), Some(team));
        assert_eq!(team_of(TeamBits(u64::MAX)), None);
        let ToNet::Subscribe { prefix, .. } = subscribe(team, Cursor::default()) else {
            panic!("a subscription")
        };
        assert_eq!(team_of_prefix(prefix), Some(team));
        assert_eq!(team_of_prefix(PrefixBits { len: 77, ..prefix }), None);
    }
}
