//! Writing: content becomes sealed entries of our own log.

use names::{Channel, Name, Number, Rest, TeamId};
use objects::{Draft, Hash, Millis, Part};
use openmls::prelude::MlsMessageOut;

use crate::content::{Content, padded};
use crate::rows::Table;
use crate::state::{LogRow, Purpose, Stage, TeamRow, log_key};
use crate::{Broken, Endpoint, Fault, MAX_AFTER, MAX_BODY, Notice, Opened, Output, Plaintext};

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// The team has no such channel.
    #[error("the team has no such channel")]
    NoSuchChannel,
    /// The text is empty or longer than [`MAX_BODY`].
    #[error("a message has 1 to {MAX_BODY} bytes")]
    BadText,
    /// The thread is of another channel, or `after` names more than [`MAX_AFTER`] messages.
    #[error("the message that it answers is not in that channel")]
    NoSuchMessage,
    /// Sending is stopped in that team, because a commit could not be applied here.
    #[error("sending is stopped in that team, because a membership change cannot be applied here")]
    Stalled,
    /// The numbers of the log have run out.
    #[error("this device has used up its message numbers in that channel")]
    RunOut,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Writes a message: sealed and queued when this returns.
    ///
    /// # Errors
    /// As [`SendError`] says; then nothing has changed.
    pub fn send(
        &mut self,
        now: Millis,
        team: TeamId,
        channel: Channel,
        body: Plaintext,
        thread: Option<Name>,
        after: Vec<Name>,
    ) -> Result<Opened, SendError> {
        let row = self.team(team)?.ok_or(SendError::NoSuchTeam)?;
        match row.stage {
            Stage::Member => {}
            Stage::Joining { .. } | Stage::Removed => return Err(SendError::NoSuchTeam),
            Stage::Stalled { .. } | Stage::Rejoining { .. } => return Err(SendError::Stalled),
        }
        if !row.has_channel(channel) {
            return Err(SendError::NoSuchChannel);
        }
        if !(1..=MAX_BODY).contains(&body.reveal().len()) {
            return Err(SendError::BadText);
        }
        let here = |name: &Name| {
            let rest = name.place().rest;
            name.team() == team
                && matches!(rest, Rest::Message { channel: of, .. } if of == channel)
        };
        if thread.as_ref().is_some_and(|name| !here(name)) || after.len() > MAX_AFTER {
            return Err(SendError::NoSuchMessage);
        }
        let content = Content::Text { body: body.clone(), thread, after: after.clone() };
        let name = self.write(now, team, &row, channel, &content)?.ok_or(SendError::RunOut)?;
        let key = log_key(team, channel, row.own());
        let log: LogRow = self.rows().get(Table::Log, &key)?.unwrap_or_default();
        self.pump(now)?;
        Ok(Opened {
            team,
            channel,
            name,
            last: Number::truncate(log.next.saturating_sub(1)),
            device: row.own(),
            user: self.user()?.user,
            own: true,
            at: now,
            body,
            thread,
            after,
            unreadable: None,
            missing_before: 0,
        })
    }

    /// Writes what no person writes, in the channel that manages the team.
    pub(crate) fn manage(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        content: &Content,
    ) -> Result<(), Fault> {
        if self.write(now, team, row, Channel::MANAGE, content)?.is_none() {
            self.outputs.push_back(Output::Notice(Notice::RunOut));
        }
        Ok(())
    }

    /// Seals a content into entries of our log in a channel, and queues them; the name of the
    /// first. `None` when the numbers of the log have run out.
    pub(crate) fn write(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        channel: Channel,
        content: &Content,
    ) -> Result<Option<Name>, Fault> {
        let bytes = content.bytes()?;
        let pieces = padded(&bytes).ok_or(Fault::Encode)?;
        let key = log_key(team, channel, row.own());
        let mut log: LogRow = self.rows().get(Table::Log, &key)?.unwrap_or_default();
        let count = u16::try_from(pieces.len()).map_err(|_| Fault::Encode)?;
        if log.next.saturating_add(count.into()) > Number::MAX.value() {
            return Ok(None);
        }
        let log_signer = Self::log_signer(row);
        let leaf_signer = row.leaf_seed.leaf_signer();
        let mut first = None;
        for (index, piece) in (0..count).zip(pieces) {
            let number = Number::truncate(log.next);
            let name = team.name(Rest::Message { channel, device: row.own(), number });
            let previous = Hash(log.tip);
            let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
            group.set_aad(authenticated(name, &previous));
            let sealed = group
                .create_message(&self.provider, &leaf_signer, &piece)
                .map_err(|_| Fault::Mls)?;
            let draft = Draft {
                name,
                created: now,
                expires: now.plus(ENTRY_LIFE),
                previous,
                part: Part { index, count },
                data: &private_message(&sealed)?,
            };
            let object = draft.sign(&log_signer).map_err(|_| Fault::Encode)?;
            log.next = log.next.saturating_add(1);
            log.tip = object.entry_hash().0;
            first.get_or_insert(name);
            self.queue(&object, Purpose::Plain)?;
        }
        if !self.breaks(Broken::ForgetsNumbers) {
            self.rows().put(Table::Log, &key, &log)?;
        }
        Ok(first)
    }
}

/// The authenticated data of an entry: its name and the entry before it, so that a ciphertext
/// that is moved elsewhere fails (RFC 9420 §6.3.1).
pub(crate) fn authenticated(name: Name, previous: &Hash) -> Vec<u8> {
    [&name.bytes()[..], &previous.0].concat()
}

/// The private message inside an MLS message, without the four bytes that say so.
pub(crate) fn private_message(message: &MlsMessageOut) -> Result<Vec<u8>, Fault> {
    let bytes = message.to_bytes().map_err(|_| Fault::Mls)?;
    bytes.strip_prefix(&PRIVATE).map(<[u8]>::to_vec).ok_or(Fault::Mls)
}

/// MLS 1.0, private message (RFC 9420 §6).
pub(crate) const PRIVATE: [u8; 4] = [0, 1, 0, 2];
/// 90 days.
pub(crate) const ENTRY_LIFE: u64 = 90 * 24 * 3_600_000;
