//! What was sealed before a start and waits to be sent: somebody may have gone on from another state
//! of this vault, and used its names. It leaves when the relay has shown that they are free.

use names::{Channel, Name, TeamId};
use objects::Object;

use crate::answered::entry_of;
use crate::guard::own_name;
use crate::kept::Kept;
use crate::rows::Table;
use crate::state::{ClaimRow, OutboxRow, Purpose, TeamRow, log_key, stored_object, team_key};
use crate::unsealed::UnsealedRow;
use crate::{Endpoint, Fault};

impl Endpoint {
    /// Waits this until the relay has shown that nobody else has used its name, or the key that it is
    /// sealed with?
    pub(crate) fn may_be_taken(&self, name: Name, purpose: Purpose) -> bool {
        let log = entry_of(name).map(|(team, channel, _)| (team, channel));
        let entry = log.is_some_and(|log| self.unsent.contains_key(&log));
        let claim = matches!(purpose, Purpose::Needed | Purpose::Claim);
        (entry || claim) && self.is_guarded(name.team())
    }

    /// The first piece of the commit that waits to be claimed.
    pub(crate) fn pending_piece(&self, team: TeamId) -> Result<Option<Object>, Fault> {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let piece = claim.as_ref().and_then(|claim| claim.needed.first());
        piece.map(|piece| stored_object(piece)).transpose()
    }

    /// Asks for the first number of each own log that waits to be sent.
    pub(crate) fn ask_for_unsent(&mut self, team: TeamId, row: &TeamRow) {
        let waiting = self.unsent.iter().filter(|((of, _), asked)| *of == team && asked.is_none());
        let channels: Vec<Channel> = waiting.map(|((_, channel), _)| *channel).collect();
        for channel in channels {
            match self.underway.first_unheld((team, channel)) {
                Some(number) => {
                    self.unsent.insert((team, channel), Some(number));
                    self.ask_for(team, own_name(team, row, channel, number));
                }
                None => self.may_leave(team, channel),
            }
        }
    }

    /// What the relay has under a name that waits to be sent, nothing or the same; false when that was
    /// not asked. Behind one that it has as well there may be one that it has otherwise.
    pub(crate) fn unsent_found(
        &mut self,
        team: TeamId,
        channel: Channel,
        number: u64,
        found: Option<&Object>,
    ) -> Result<bool, Fault> {
        let asked = self.unsent.get(&(team, channel)).copied().flatten();
        if asked != Some(number) {
            return Ok(false);
        }
        let next = number.saturating_add(1);
        let next = self.team(team)?.map(|row| own_name(team, &row, channel, next));
        match next.filter(|next| found.is_some() && self.underway.id(*next).is_some()) {
            Some(name) => {
                self.unsent.insert((team, channel), Some(number.saturating_add(1)));
                self.ask_for(team, name);
            }
            None => self.may_leave(team, channel),
        }
        Ok(true)
    }

    /// Nothing of this log is taken: it is sent from its first entry on.
    fn may_leave(&mut self, team: TeamId, channel: Channel) {
        self.unsent.remove(&(team, channel));
        if let Some(link) = &mut self.link {
            link.let_leave();
        }
    }

    /// Does another entry than this wait here under its name?
    pub(crate) fn is_taken(&self, object: &Object) -> Result<bool, Fault> {
        let Some(id) = self.underway.id(object.name()) else {
            return Ok(false);
        };
        let row: Option<Kept<OutboxRow>> = self.rows().kept(Table::Outbox, &id.to_be_bytes())?;
        // What an origin had has left long ago: its name is never given again.
        let waits = row.filter(|row| row.purpose != Purpose::Again);
        Ok(waits.is_some_and(|row| row.object.entry_hash() != object.entry_hash()))
    }

    /// Somebody has gone on from an earlier state of this vault than the one in which these entries
    /// were sealed: they never leave, and what people wrote waits to be sealed again.
    pub(crate) fn take_back(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        channel: Channel,
        first: u64,
    ) -> Result<(), Fault> {
        let key = log_key(team, channel, row.own());
        let mut log = self.log(&key)?;
        let mut waiting = Vec::new();
        for number in first..log.next {
            let Some(id) = self.underway.id(own_name(team, row, channel, number)) else {
                continue;
            };
            let Some((_, queued, object)) = self.queued(&id.to_be_bytes())? else {
                continue;
            };
            if let Some(content) = &queued.content {
                waiting.push(UnsealedRow {
                    channel: channel.value(),
                    number: Some(number),
                    content: content.to_vec(),
                    last_word: false,
                    signature: None,
                });
            }
            self.drop_queued(id, object.name());
        }
        // Before what was written later.
        for key in self.rows().keys(Table::Unsealed, &team_key(team)) {
            waiting.push(self.rows().get(Table::Unsealed, &key)?.ok_or(Fault::Row)?);
            self.rows().remove(Table::Unsealed, &key);
        }
        for row in &waiting {
            self.put_unsealed(team, row)?;
        }
        log.next = first;
        self.put_log(&key, &log)?;
        self.unsent.remove(&(team, channel));
        Ok(())
    }
}
