//! Writing: what a person says gets its name at once, and is sealed as soon as that may be.

use names::{Channel, Name, Number, Rest, TeamId};
use objects::Millis;

use crate::content::{Content, Said, sign};
use crate::state::log_key;
use crate::unsealed::{UnsealedRow, entries_of};
use crate::{Endpoint, Fault, MAX_AFTER, MAX_BODY, Opened, Plaintext};

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
    /// The origin was out of reach for longer than the team's policy allows.
    #[error("this team was cut off from its relay for too long: it can only be read")]
    ReadOnly,
    /// The numbers of the log have run out.
    #[error("this device has used up its message numbers in that channel")]
    RunOut,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Writes a message: it has its name when this returns, and is sealed as soon as that may be.
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
        let row = self.member_of(team)?.ok_or(SendError::NoSuchTeam)?;
        if self.is_cut_off(now, team)? {
            return Err(SendError::ReadOnly);
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
        let said = Said { body, thread, after, at: now };
        let content = Content::Text(said.clone()).bytes()?;
        let count = entries_of(&content).ok_or(SendError::BadText)?;
        let key = log_key(team, channel, row.own());
        let mut log = self.log(&key)?;
        let first = log.reserved;
        log.reserved = first.saturating_add(count);
        if log.reserved > Number::MAX.value() {
            return Err(SendError::RunOut);
        }
        let user = self.user()?.user.clone();
        self.put_log(&key, &log)?;
        let device = row.own();
        let number = Number::truncate(first);
        let name = team.name(Rest::Message { channel, device, number });
        let signature = sign(&Self::log_signer(&row), name, &content);
        let waiting = UnsealedRow {
            channel: channel.value(),
            number: Some(first),
            content: content.to_vec(),
            last_word: false,
            signature: Some(signature.0.into()),
        };
        self.put_unsealed(team, &waiting)?;
        self.is_used(now, team)?;
        self.seal_waiting(now, team)?;
        self.pump(now)?;
        let Said { body, thread, after, at } = said;
        Ok(Opened {
            team,
            channel,
            name,
            last: Number::truncate(log.reserved.saturating_sub(1)),
            device,
            user,
            own: true,
            at,
            body,
            thread,
            after,
            unreadable: None,
            missing_before: 0,
            signature: Some(signature),
        })
    }
}
