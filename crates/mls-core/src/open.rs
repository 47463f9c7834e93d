//! Reading: what arrives is checked, put in its place, and opened.

use std::collections::BTreeMap;

use names::{Channel, Device, Name, Number, Place, Rest, Team, TeamId};
use objects::{Millis, Object, Receipt, Standing};
use openmls::framing::errors::MessageDecryptionError;
use openmls::prelude::{
    MlsMessageBodyIn, MlsMessageIn, ProcessMessageError, ProcessedMessageContent, ProtocolMessage,
    Sender, ValidationError, tls_codec::DeserializeBytes as _,
};
use zeroize::Zeroizing;

use crate::bound::Bound;
use crate::content::unpadded;
use crate::framing::{APPLICATION, Framing};
use crate::group::KEPT_EPOCHS;
use crate::identity::Vouched;
use crate::kept::Kept;
use crate::log::Fit;
use crate::part::Piece;
use crate::rows::Table;
use crate::state::{AheadRow, LogRow, Stage, TeamRow, log_key, team_key};
use crate::unsealed::PRIVATE;
use crate::{Broken, Endpoint, Fault, Notice, Output, Unreadable};

/// What waits in [`Table::Ahead`].
#[derive(Clone, Copy, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Ahead {
    Piece = 1,
    Claim = 2,
    Entry = 3,
    Pointer = 4,
    /// A claim that came before the term that says who orders, or another copy of one.
    Unordered = 5,
    /// A claim that may lead to the newest term.
    Leading = 6,
}

/// An entry in its place.
pub(crate) struct Entry<'a> {
    pub(crate) team: TeamId,
    pub(crate) channel: Channel,
    pub(crate) device: Device,
    pub(crate) number: u64,
    pub(crate) object: &'a Object,
}

enum Opening {
    Opened(Piece),
    Unreadable(Unreadable),
    /// Leaf, name and signer disagree.
    WrongAuthor,
}

impl Endpoint {
    /// Takes an object of a subscription.
    pub(crate) fn arrived(
        &mut self,
        now: Millis,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let Place { team, rest } = object.name().place();
        if team.team == Team::ORG {
            if let Some(receipt) = receipt {
                self.settled(now, receipt)?;
            }
            return self.org_object_came(now, team, object);
        }
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(receipt) = receipt {
            self.settled(now, receipt)?;
        }
        let bare = object.data().is_none();
        if bare && !self.was_stripped(now, &row, object, receipt)? {
            return Ok(());
        }
        match rest {
            Rest::Message { channel, device, number } => {
                let number = number.value();
                self.entry(now, &row, &Entry { team, channel, device, number, object })
            }
            Rest::Welcome { .. } => self.pointer(now, team, &row, object),
            Rest::Slot(_) => self.claimed(now, team, &row, object, receipt),
            Rest::Blob { .. } => self.piece_came(now, team, &row, object),
            Rest::Certificate { device: Device::ORIGIN, .. } => self.term_came(now, team, object),
            Rest::Certificate { device, .. } => self.certificate_came(now, team, device, object),
            Rest::KeyPackage { .. } => self.announced(now, team, &row, object),
            Rest::Use(_) | Rest::Code(_) => Ok(()),
        }
    }

    /// Relays take the data of entries only, and not before their time: whoever hands out a bare
    /// header before has not handed out the object.
    fn was_stripped(
        &self,
        now: Millis,
        row: &TeamRow,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<bool, Fault> {
        let stored = match receipt {
            Some(receipt) if self.is_origins(object, receipt)? => receipt.at.plus(KEPT_FOR),
            Some(_) | None => Millis::NEVER,
        };
        let latest = self.outside(now, row).map_or(now, |outside| now.max(outside));
        let entry = matches!(object.name().place().rest, Rest::Message { .. });
        Ok(entry && object.expires().min(stored) <= latest)
    }

    /// Puts an object aside.
    pub(crate) fn keep(
        &self,
        team: TeamId,
        kind: Ahead,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let row = AheadRow::new(object, receipt);
        self.rows().put(Table::Ahead, &ahead_key(team, kind, object.name()), &row)
    }

    /// Puts aside what nobody vouches for yet: only so much, since anybody could make it.
    pub(crate) fn keep_unproven(
        &self,
        team: TeamId,
        kind: Ahead,
        object: &Object,
    ) -> Result<(), Fault> {
        let mut strangers = 0_usize;
        for (device, waiting) in self.authors_ahead(team, kind) {
            if self.certificate(team, device)?.is_none() {
                strangers = strangers.saturating_add(waiting);
            }
        }
        if strangers >= MOST_UNPROVEN {
            return Ok(());
        }
        if kind != Ahead::Entry {
            return self.keep(team, kind, object, None);
        }
        self.keep_entry(team, object)
    }

    /// Puts an entry aside beside others of its name: which copy its device signed shows when its
    /// certificate is here, and whether it signed two when they are taken.
    fn keep_entry(&self, team: TeamId, object: &Object) -> Result<(), Fault> {
        let key = ahead_key(team, Ahead::Entry, object.name());
        let key = [key, object.signature().0.to_vec()].concat();
        self.rows().put(Table::Ahead, &key, &AheadRow::new(object, None))
    }

    /// Who wrote what waits, and how much of it.
    fn authors_ahead(&self, team: TeamId, kind: Ahead) -> BTreeMap<Device, usize> {
        let prefix = ahead_prefix(team, kind);
        let mut authors = BTreeMap::new();
        for key in self.rows().keys(Table::Ahead, &prefix) {
            let name = key.get(prefix.len()..).and_then(<[u8]>::first_chunk);
            let Some(name) = name.and_then(|name| Name::from_bytes(*name).ok()) else {
                continue;
            };
            if let Rest::Message { device, .. } | Rest::Blob { device, .. } = name.place().rest {
                let waiting: &mut usize = authors.entry(device).or_default();
                *waiting = waiting.saturating_add(1);
            }
        }
        authors
    }

    /// Tries the entries that were put aside.
    pub(crate) fn retry_entries(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Entry)) {
            let (Some(kept), Some(row)) =
                (self.rows().get::<AheadRow>(Table::Ahead, &key)?, self.team(team)?)
            else {
                continue;
            };
            let object = kept.object()?;
            if !self.is_early(team, &row, object.data().and_then(Framing::read).as_ref()) {
                self.rows().remove(Table::Ahead, &key);
                self.arrived(now, &object, None)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, now: Millis, row: &TeamRow, entry: &Entry<'_>) -> Result<(), Fault> {
        let Entry { team, channel, device, number, object } = *entry;
        let name = object.name();
        let key = log_key(team, channel, device);
        let log = self.log(&key)?;
        if device == row.own() {
            let unknown = number >= log.next || self.is_taken(object)?;
            if unknown && object.verifies(&Self::log_signer(row).key()) {
                return self.found_unknown(now, team, object);
            }
            return Ok(());
        }
        let here = log.has(number) && !self.breaks(Broken::OpensTwice);
        if channel == Channel::ALL
            || log.frozen
            || (here && !self.contradicted(&key, &log, object, number)?)
        {
            return Ok(());
        }
        let Some(certificate) = self.certificate(team, device)? else {
            return self.keep_unproven(team, Ahead::Entry, object);
        };
        let revoked =
            certificate.standing == Standing::Revoked && !self.breaks(Broken::BelievesRevoked);
        let key = self.verifier(&certificate.log_key);
        if revoked || !key.is_some_and(|key| object.verifies(&key)) {
            self.outputs.push_back(Output::Notice(Notice::Forged { name }));
            return Ok(());
        }
        let framing = object.data().and_then(Framing::read);
        self.heard(now, entry);
        self.take_place(now, row, entry, log, framing.as_ref())?;
        if let Some(framing) = framing
            && let Some(bound) = Bound::read(framing.authenticated)
        {
            self.sealed_at(now, team, device, framing.epoch, &bound.head)?;
        }
        Ok(())
    }

    fn contradicted(
        &self,
        key: &[u8],
        log: &LogRow,
        object: &Object,
        number: u64,
    ) -> Result<bool, Fault> {
        Ok(log.contradicts(number, object) || self.differs(key, number, object)?)
    }

    /// Puts an entry that its author signed into its log, and opens it.
    fn take_place(
        &mut self,
        now: Millis,
        row: &TeamRow,
        entry: &Entry<'_>,
        mut log: Kept<LogRow>,
        framing: Option<&Framing<'_>>,
    ) -> Result<(), Fault> {
        let Entry { team, channel, device, number, object } = *entry;
        let key = log_key(team, channel, device);
        let early = self.is_early(team, row, framing);
        if early && !self.breaks(Broken::NoFuture) {
            let waiting = self.authors_ahead(team, Ahead::Entry);
            let full = waiting.get(&device).is_some_and(|waiting| *waiting >= MOST_EARLY);
            if !full {
                return self.keep_entry(team, object);
            }
            if !matches!(row.stage, Stage::Joining { .. }) {
                return Ok(());
            }
        }
        match log.fit(number, object) {
            Fit::Fork if self.breaks(Broken::IgnoresForks) => Ok(()),
            Fit::Fork => self.forked(now, entry, log),
            Fit::Next { missing_before } => {
                log.sealed(number, framing);
                self.note_header(&key, number, object)?;
                self.put_log(&key, &log)?;
                self.open(now, row, entry, framing, missing_before)
            }
            Fit::Fills { missing_before, behind, missing_behind } => {
                log.sealed(number, framing);
                self.note_header(&key, number, object)?;
                self.put_log(&key, &log)?;
                self.open(now, row, entry, framing, missing_before)?;
                let number = Number::truncate(behind);
                let name = team.name(Rest::Message { channel, device, number });
                self.outputs.push_back(Output::Missing { name, missing_before: missing_behind });
                Ok(())
            }
        }
    }

    /// A device is there: now, if this came live, else when it says.
    fn heard(&mut self, now: Millis, entry: &Entry<'_>) {
        let live = self.link.as_ref().is_some_and(|link| link.caught_up.contains(&entry.team));
        let at = if live { now } else { entry.object.created().min(now) };
        let heard = self.heard.entry((entry.team, entry.device)).or_default();
        *heard = at.max(*heard);
    }

    /// Must the entry wait for a commit or for our welcome?
    fn is_early(&self, team: TeamId, row: &TeamRow, framing: Option<&Framing<'_>>) -> bool {
        let Some(framing) = framing else {
            return false;
        };
        match &row.stage {
            Stage::Joining { added: Some(added), .. } => framing.epoch > added.epoch,
            // What was sealed on a slot that is known here is from before our own.
            Stage::Joining { added: None, .. } => {
                let bound = Bound::read(framing.authenticated);
                bound.is_some_and(|bound| bound.head.slot > row.head().0)
            }
            Stage::Removed => false,
            Stage::Member | Stage::Stalled { .. } | Stage::Rejoining { .. } => {
                let ours = self.groups.get(&team).map(|group| group.epoch().as_u64());
                ours.is_some_and(|ours| framing.epoch > ours) && may_come(framing)
            }
        }
    }

    fn open(
        &mut self,
        now: Millis,
        row: &TeamRow,
        entry: &Entry<'_>,
        framing: Option<&Framing<'_>>,
        missing_before: u32,
    ) -> Result<(), Fault> {
        let name = entry.object.name();
        if matches!(row.stage, Stage::Joining { .. } | Stage::Removed) {
            return Ok(());
        }
        let opening = match (entry.object.data(), framing) {
            (None, _) => Opening::Unreadable(Unreadable::Expired),
            (Some(_), None) => Opening::Unreadable(Unreadable::Damaged),
            // Said before we came: it was never meant for us.
            (Some(_), Some(framing)) if framing.epoch < row.joined => return Ok(()),
            (Some(_), Some(framing)) if self.is_past(entry.team, framing) => {
                Opening::Unreadable(Unreadable::TooLate)
            }
            (Some(data), Some(framing)) => self.decrypt(row, entry, data, framing)?,
        };
        match opening {
            Opening::WrongAuthor => {
                self.outputs.push_back(Output::Notice(Notice::WrongAuthor { name }));
                Ok(())
            }
            Opening::Opened(piece) => self.part(now, entry, Ok(piece), missing_before),
            Opening::Unreadable(why) => self.part(now, entry, Err(why), missing_before),
        }
    }

    fn is_past(&self, team: TeamId, framing: &Framing<'_>) -> bool {
        let epoch = self.groups.get(&team).map(|group| group.epoch().as_u64());
        self.breaks(Broken::NoPast) && epoch.is_some_and(|epoch| framing.epoch < epoch)
    }

    fn decrypt(
        &mut self,
        row: &TeamRow,
        entry: &Entry<'_>,
        data: &[u8],
        framing: &Framing<'_>,
    ) -> Result<Opening, Fault> {
        // Before MLS sees it: a ciphertext of somebody else, put under another name, would use
        // up the key of the real one.
        let bound = Bound::read(framing.authenticated).filter(|bound| {
            let Entry { object, .. } = entry;
            let meant = bound.name == object.name() && bound.previous == object.previous();
            meant || self.breaks(Broken::AnyName)
        });
        let (Some(Bound { head, .. }), APPLICATION) = (bound, framing.content) else {
            return Ok(Opening::WrongAuthor);
        };
        let Some(message) = protocol_message(data) else {
            return Ok(Opening::Unreadable(Unreadable::Damaged));
        };
        // Who comes back has followed slots whose commits it never applied.
        let behind = matches!(row.stage, Stage::Rejoining { .. });
        let other = behind || row.known_head(head.slot).is_some_and(|known| !head.is(known));
        let group = self.groups.get_mut(&entry.team).ok_or(Fault::Mls)?;
        let age = group.epoch().as_u64().saturating_sub(framing.epoch);
        let processed = match group.process_message(&self.provider, message) {
            Ok(processed) => processed,
            Err(ProcessMessageError::StorageError(fault)) => return Err(fault),
            Err(_) if other => return Ok(Opening::Unreadable(Unreadable::OtherHistory)),
            Err(error) if age > KEPT_EPOCHS || has_no_key(&error) => {
                return Ok(Opening::Unreadable(Unreadable::TooLate));
            }
            Err(_) => return Ok(Opening::Unreadable(Unreadable::Damaged)),
        };
        let member = matches!(processed.sender(), Sender::Member(_));
        let leaf = match self.certified(entry.team, processed.credential())? {
            Vouched::Yes(leaf) if member && leaf.device == entry.device => leaf,
            Vouched::Yes(_) | Vouched::Revoked | Vouched::No | Vouched::NotYet => {
                return Ok(Opening::WrongAuthor);
            }
        };
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(message) => {
                let padded = Zeroizing::new(message.into_bytes());
                Ok(match unpadded(&padded) {
                    Some(bytes) => {
                        let bytes = Zeroizing::new(bytes.to_vec());
                        Opening::Opened(Piece { user: leaf.user, bytes, head })
                    }
                    None => Opening::Unreadable(Unreadable::UnknownContent),
                })
            }
            ProcessedMessageContent::ProposalMessage(_)
            | ProcessedMessageContent::ExternalJoinProposalMessage(_)
            | ProcessedMessageContent::StagedCommitMessage(_)
            | ProcessedMessageContent::OwnPendingCommit
            | ProcessedMessageContent::OwnPrivateMessage => Ok(Opening::WrongAuthor),
        }
    }
}

/// Could there be such an epoch behind the slot that the entry says it was sealed on? Each slot begins
/// one at most.
fn may_come(framing: &Framing<'_>) -> bool {
    let bound = Bound::read(framing.authenticated);
    bound.is_some_and(|bound| framing.epoch <= bound.head.slot.value())
}

/// Is the key for it gone, or was it never here?
fn has_no_key<E>(error: &ProcessMessageError<E>) -> bool {
    matches!(
        error,
        ProcessMessageError::ValidationError(
            ValidationError::NoPastEpochData
                | ValidationError::UnableToDecrypt(
                    MessageDecryptionError::GenerationOutOfBound
                        | MessageDecryptionError::SecretTreeError(_)
                )
        )
    )
}

impl LogRow {
    fn sealed(&mut self, number: u64, framing: Option<&Framing<'_>>) {
        if let Some(framing) = framing {
            self.turn(number, framing.epoch);
        }
    }
}

/// A private message, ready for OpenMLS.
pub(crate) fn protocol_message(data: &[u8]) -> Option<ProtocolMessage> {
    let bytes = [&PRIVATE[..], data].concat();
    match MlsMessageIn::tls_deserialize_exact_bytes(&bytes).ok()?.extract() {
        MlsMessageBodyIn::PrivateMessage(message) => Some(message.into()),
        MlsMessageBodyIn::PublicMessage(_)
        | MlsMessageBodyIn::Welcome(_)
        | MlsMessageBodyIn::GroupInfo(_)
        | MlsMessageBodyIn::KeyPackage(_) => None,
    }
}

pub(crate) fn ahead_key(team: TeamId, kind: Ahead, name: Name) -> Vec<u8> {
    let mut key = ahead_prefix(team, kind);
    key.extend_from_slice(&name.bytes());
    key
}

pub(crate) fn ahead_prefix(team: TeamId, kind: Ahead) -> Vec<u8> {
    let mut key = team_key(team).to_vec();
    key.push(kind as u8);
    key
}

/// Relays keep data for 91 days at the most.
const KEPT_FOR: u64 = 91 * 24 * 3_600_000;
/// So many objects of strangers wait in a team.
const MOST_UNPROVEN: usize = 4096;
/// So many objects of one device wait for a commit.
const MOST_EARLY: usize = 1024;
