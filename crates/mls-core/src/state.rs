//! The rows of teams, logs, wishes and claims.

use names::{Channel, Device, Name, Number, Rest, Slot, TeamId};
use objects::{BlobRef, Hash, Object, Receipt};
use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::seed::Seed;

/// Who uses this device.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserRow {
    pub(crate) user: String,
    pub(crate) device: String,
    pub(crate) seed: Seed,
}

/// The organisation whose root key is here.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OrgRow {
    pub(crate) name: String,
    pub(crate) origin: u64,
    pub(crate) org: u64,
    pub(crate) seed: Seed,
}

/// The pinned relay.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RelayRow {
    pub(crate) address: String,
    #[serde(with = "serde_bytes")]
    pub(crate) key: [u8; 32],
}

/// A team, or a join of one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TeamRow {
    #[serde(with = "serde_bytes")]
    pub(crate) root: [u8; 32],
    pub(crate) device: u64,
    pub(crate) log_seed: Seed,
    pub(crate) leaf_seed: Seed,
    /// Our own credential (RFC 9420 §5.3), as it stands in our leaf.
    #[serde(with = "serde_bytes")]
    pub(crate) credential: Vec<u8>,
    pub(crate) stage: Stage,
    pub(crate) name: String,
    pub(crate) channels: Vec<(u64, String)>,
    /// Which entry of the member tool said name and channels.
    pub(crate) roster: Option<u64>,
    /// The epoch that we joined in; what is older was never meant for us.
    pub(crate) joined: u64,
    /// The last slots decided, the newest at the end.
    pub(crate) heads: Vec<Head>,
    pub(crate) next_blob: u64,
    /// When to tell what has arrived.
    pub(crate) beacon_due: Option<u64>,
    pub(crate) pulse: Pulse,
    /// Devices of which people were told that they are on another history.
    pub(crate) elsewhere: Vec<u64>,
    /// The slot that the origin has given twice, until the team is told what it says here.
    #[serde(default)]
    pub(crate) contested: Option<u64>,
    /// While we are behind: the keys of our leaf in the group as it is here, should a term call
    /// everybody back to it. `None` when nothing may be sealed with that group again.
    #[serde(default)]
    pub(crate) former_leaf: Option<Seed>,
    /// The announcement that such a term made needless. Somebody may use it all the same.
    #[serde(default)]
    pub(crate) withdrawn: Option<Withdrawn>,
}

/// An announcement of ours that nobody needs any more, and the keys in it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    #[serde(with = "serde_bytes")]
    pub(crate) announcement: [u8; 32],
    pub(crate) leaf_seed: Seed,
}

/// When what happened last, in ms.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pulse {
    /// Somebody wrote or read.
    pub(crate) used: u64,
    /// Our last beacon.
    pub(crate) told: u64,
    /// Counts our beacons.
    pub(crate) turn: u64,
    /// The newest time in a receipt of the origin, by its clock.
    pub(crate) origin: u64,
    /// The slot behind which its term begins: what was before has the time of another clock.
    #[serde(default)]
    pub(crate) term: u64,
}

/// How far we are in a team.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Announced, and not welcomed yet.
    Joining {
        #[serde(with = "serde_bytes")]
        announcement: [u8; 32],
        added: Option<Added>,
    },
    /// In the group.
    Member,
    /// The commit of a slot cannot be applied here, perhaps only here. Later slots are followed,
    /// until one tells which of both it is.
    Stalled {
        slot: u64,
        /// The entry hash of its claim.
        #[serde(with = "serde_bytes")]
        claim: [u8; 32],
        /// The device that claimed it.
        author: u64,
    },
    /// In the group, but behind: announced again, to be removed and added in one commit.
    Rejoining {
        #[serde(with = "serde_bytes")]
        announcement: [u8; 32],
        added: Option<Added>,
    },
    /// Removed by an admin.
    Removed,
}

impl Stage {
    /// The announcement that waits for a welcome, and the claim that brings one.
    pub(crate) fn awaits(&self) -> Option<(Hash, Option<&Added>)> {
        match self {
            Self::Joining { announcement, added } | Self::Rejoining { announcement, added } => {
                Some((Hash(*announcement), added.as_ref()))
            }
            Self::Member | Self::Stalled { .. } | Self::Removed => None,
        }
    }

    /// Sets the claim that brings the welcome.
    pub(crate) fn set_added(&mut self, claim: Option<Added>) {
        match self {
            Self::Joining { added, .. } | Self::Rejoining { added, .. } => *added = claim,
            Self::Member | Self::Stalled { .. } | Self::Removed => {}
        }
    }
}

/// The claim that added us.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) epoch: u64,
    pub(crate) device: u64,
    pub(crate) welcome: BlobRow,
    pub(crate) tree: BlobRow,
}

/// A decided slot.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) slot: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) claim: [u8; 32],
    /// The epoch authenticator behind it (RFC 9420 §8.7); empty before we joined.
    #[serde(with = "serde_bytes")]
    pub(crate) authenticator: Vec<u8>,
    /// The epoch behind it.
    pub(crate) epoch: u64,
    /// The origin's receipt: when, and its signature.
    pub(crate) at: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) signature: [u8; 64],
}

/// [`BlobRef`], stored.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct BlobRow {
    #[serde(with = "serde_bytes")]
    first: [u8; 16],
    pieces: u16,
    len: u32,
    #[serde(with = "serde_bytes")]
    hash: [u8; 32],
}

/// A device's log in a channel, ours or somebody else's.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct LogRow {
    pub(crate) next: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) tip: [u8; 32],
    pub(crate) gaps: Vec<Gap>,
    pub(crate) frozen: bool,
    /// Where its epochs begin: numbers and epochs; the newest few.
    pub(crate) turns: Vec<(u64, u64)>,
    /// Of an own log: the number below which messages have a name, sealed or not.
    pub(crate) reserved: u64,
    /// The number below which our beacons told of it.
    pub(crate) told: u64,
    /// Of an own log: the number below which everything is delivered.
    pub(crate) delivered: u64,
}

/// Entries that are missing: from `from` to below `to`.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The entry hash of the one before; known at the lower end of a log's first gap.
    #[serde(with = "serde_bytes")]
    pub(crate) before: [u8; 32],
    /// What the entry at `to` names as the one before it.
    #[serde(with = "serde_bytes")]
    pub(crate) after: [u8; 32],
}

/// Something that waits for the relay.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OutboxRow {
    pub(crate) purpose: Purpose,
    /// The relay whose receipt is here, while it is not the origin's.
    pub(crate) held: Option<serde_bytes::ByteArray<32>>,
    #[serde(with = "object_bytes")]
    pub(crate) object: Object,
    /// Of the first entry of a text: what it says, should its name be taken.
    #[serde(default)]
    pub(crate) content: Option<serde_bytes::ByteBuf>,
}

/// An object as its bytes.
mod object_bytes {
    use objects::Object;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(object: &Object, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&object.bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Object, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(from)?;
        Object::parse(&bytes).map_err(serde::de::Error::custom)
    }
}

/// What an object of the outbox is for.
#[derive(Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Stands for itself.
    Plain,
    /// An entry that an origin had, sent to a relay that lacks it.
    Again,
    /// A claim waits for it.
    Needed,
    /// A claim.
    Claim,
    /// Welcomes the owner of an announcement.
    Pointer,
    /// A key package for any team: nothing waits for it.
    Pool,
    /// Uses somebody's key package.
    Use,
}

/// A wish that needs a commit.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct IntentRow {
    /// Not before this time.
    pub(crate) after: u64,
    /// Of an addition: the announcement, once it is here.
    #[serde(with = "serde_bytes")]
    pub(crate) announcement: Vec<u8>,
    /// The certificate that makes it true, made once and kept, since its name can be taken once
    /// only.
    #[serde(with = "serde_bytes")]
    pub(crate) certificate: Vec<u8>,
    /// The certificate's generation is at least this: those before are taken.
    pub(crate) generation: u64,
    /// Of a policy: its bytes. Of a role: which.
    #[serde(with = "serde_bytes")]
    pub(crate) value: Vec<u8>,
    /// Of an addition: the commit has won, and its pointer is on the way.
    pub(crate) welcoming: bool,
}

/// Our own claim, from the commit until its slot is decided.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ClaimRow {
    #[serde(with = "serde_bytes")]
    pub(crate) object: Vec<u8>,
    /// Pieces and certificates that must be at the relay first.
    pub(crate) needed: Vec<serde_bytes::ByteBuf>,
    /// The claim itself has been queued.
    pub(crate) queued: bool,
    /// It has been queued before: it may have its slot, whatever is said of what it needs.
    #[serde(default)]
    pub(crate) left: bool,
    /// The wishes that come true with it, by their keys.
    pub(crate) wishes: Vec<serde_bytes::ByteBuf>,
}

/// An object that came before it could be used.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AheadRow {
    #[serde(with = "serde_bytes")]
    object: Vec<u8>,
    #[serde(with = "serde_bytes")]
    receipt: Vec<u8>,
}

/// A message whose parts are not all here.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PartRow {
    pub(crate) parts: Vec<Option<serde_bytes::ByteBuf>>,
    pub(crate) missing_before: u32,
    pub(crate) shown: bool,
}

impl TeamRow {
    /// The last decided slot and the entry hash of its claim.
    pub(crate) fn head(&self) -> (Slot, Hash) {
        self.heads
            .last()
            .map_or((Slot::ZERO, Hash::NONE), |head| (Slot::truncate(head.slot), Hash(head.claim)))
    }

    pub(crate) fn push_head(&mut self, slot: Slot, claim: Hash, authenticator: &[u8]) {
        if self.heads.len() >= MOST_HEADS {
            // The newest that our group stands on stays, however many were passed since.
            let good = self.heads.iter().rposition(|head| !head.authenticator.is_empty());
            self.heads.remove(usize::from(good == Some(0)));
        }
        let authenticator = authenticator.to_vec();
        let (slot, claim, signature) = (slot.value(), claim.0, [0; 64]);
        self.heads.push(Head { slot, claim, authenticator, epoch: 0, at: 0, signature });
    }

    /// Says of the newest slot which epoch is behind it, and what the origin said of it.
    pub(crate) fn witness(&mut self, epoch: u64, receipt: Option<&Receipt>) {
        if let Some(head) = self.heads.last_mut() {
            head.epoch = epoch;
            if let Some(receipt) = receipt {
                head.at = receipt.at.0;
                self.pulse.origin = receipt.at.0;
                head.signature = receipt.signature.0;
            }
        }
    }

    /// The slot that stopped us.
    pub(crate) fn stalled_at(&self) -> Option<Slot> {
        match self.stage {
            Stage::Stalled { slot, .. } => Some(Slot::truncate(slot)),
            Stage::Joining { .. } | Stage::Member | Stage::Rejoining { .. } | Stage::Removed => {
                None
            }
        }
    }

    pub(crate) fn own(&self) -> Device {
        Device::truncate(self.device)
    }

    /// Takes over what a removed device knows of the team: slots do not come again, and the history
    /// stays readable.
    pub(crate) fn come_back(&mut self, before: Option<&Self>) {
        if let Some(Self { heads, name, channels, .. }) = before {
            (self.heads, self.name) = (heads.clone(), name.clone());
            self.channels.clone_from(channels);
        }
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.own() == Device::MEMBER_TOOL
    }

    pub(crate) fn has_channel(&self, channel: Channel) -> bool {
        self.channels.iter().any(|(number, _)| *number == channel.value())
    }
}

impl IntentRow {
    pub(crate) fn new(after: u64) -> Self {
        Self {
            after,
            announcement: Vec::new(),
            certificate: Vec::new(),
            generation: 0,
            value: Vec::new(),
            welcoming: false,
        }
    }
}

impl AheadRow {
    pub(crate) fn new(object: &Object, receipt: Option<&Receipt>) -> Self {
        let receipt = receipt.map(Receipt::bytes).unwrap_or_default();
        Self { object: object.bytes(), receipt }
    }

    pub(crate) fn object(&self) -> Result<Object, Fault> {
        stored_object(&self.object)
    }

    pub(crate) fn receipt(&self) -> Result<Option<Receipt>, Fault> {
        let parse = |bytes: &[u8]| Receipt::parse(bytes).map_err(|_| Fault::Row);
        Some(&self.receipt[..]).filter(|bytes| !bytes.is_empty()).map(parse).transpose()
    }
}

impl From<&BlobRef> for BlobRow {
    fn from(blob: &BlobRef) -> Self {
        let BlobRef { first, pieces, len, hash } = *blob;
        Self { first: first.bytes(), pieces, len, hash: hash.0 }
    }
}

impl BlobRow {
    pub(crate) fn blob(&self) -> Result<BlobRef, Fault> {
        let first = Name::from_bytes(self.first).map_err(|_| Fault::Row)?;
        Ok(BlobRef { first, pieces: self.pieces, len: self.len, hash: Hash(self.hash) })
    }
}

pub(crate) fn stored_object(bytes: &[u8]) -> Result<Object, Fault> {
    Object::parse(bytes).map_err(|_| Fault::Row)
}

/// A team as 8 bytes: two zero bits, then origin 24, org 18, team 20.
pub(crate) fn team_key(team: TeamId) -> [u8; 8] {
    (team.origin.value() << 38 | team.org.value() << 20 | team.team.value()).to_be_bytes()
}

pub(crate) fn team_of(key: &[u8]) -> Option<TeamId> {
    let bits = u64::from_be_bytes(*key.first_chunk()?);
    Some(TeamId {
        origin: names::Origin::new(bits >> 38).ok()?,
        org: names::Org::truncate(bits >> 20),
        team: names::Team::truncate(bits),
    })
}

/// The key of a log, and of everything else that a team has once per channel and device.
pub(crate) fn log_key(team: TeamId, channel: Channel, device: Device) -> Vec<u8> {
    let rest = Rest::Message { channel, device, number: Number::ZERO };
    let mut key = team_key(team).to_vec();
    // Channel and device stand in the low 7 bytes of the name, above the number.
    key.extend_from_slice(team.name(rest).bytes().last_chunk::<7>().unwrap_or(&[0; 7]));
    key
}

/// Channel and device of a key that [`log_key`] made.
pub(crate) fn log_of(key: &[u8]) -> Option<(Channel, Device)> {
    let [a, b, c, d, e, f, g] = *key.last_chunk::<7>()?;
    let bits = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
    Some((Channel::truncate(bits >> 40), Device::truncate(bits >> 20)))
}

/// Decided slots that are remembered, to compare with what beacons say.
const MOST_HEADS: usize = 8;
