//! What waits for the relays: in order, until the origin's signed receipt is here.

use names::{Name, TeamId};
use objects::{Millis, Object};

use crate::answered::entry_of;
use crate::kept::Kept;
use crate::link::Hold;
use crate::rows::Table;
use crate::state::{OutboxRow, Purpose, Stage};
use crate::{Broken, Endpoint, Fault, Output};

impl Endpoint {
    /// Queues an object for the relay.
    pub(crate) fn queue(&mut self, object: &Object, purpose: Purpose) -> Result<(), Fault> {
        self.queue_with(object, purpose, None)
    }

    /// The same, of what people wrote, with its text.
    pub(crate) fn queue_with(
        &mut self,
        object: &Object,
        purpose: Purpose,
        content: Option<serde_bytes::ByteBuf>,
    ) -> Result<(), Fault> {
        let name = object.name();
        let row = Kept::from(OutboxRow { purpose, held: None, object: object.clone(), content });
        if let Some(id) = self.underway.id(name) {
            // It waits already: it is sent once more, from its place.
            self.rows().keep(Table::Outbox, &id.to_be_bytes(), &row)?;
            if let Some(link) = &mut self.link {
                link.in_flight.remove(&id);
                link.held.remove(&id);
                link.sent = link.sent.min(id.saturating_sub(1));
            }
            return Ok(());
        }
        self.queue_last(name, &row)
    }

    /// Puts something behind everything that waits.
    pub(crate) fn queue_last(&mut self, name: Name, row: &Kept<OutboxRow>) -> Result<(), Fault> {
        let next: Option<u64> = self.rows().get(Table::Identity, NEXT)?;
        let id = next.unwrap_or(1);
        self.rows().put(Table::Identity, NEXT, &id.saturating_add(1))?;
        self.rows().keep(Table::Outbox, &id.to_be_bytes(), row)?;
        self.underway.add(id, name, row.held.is_some(), row.purpose);
        Ok(())
    }

    /// Takes objects of a team and purpose out again.
    pub(crate) fn unqueue(
        &mut self,
        team: TeamId,
        gone: impl Fn(Purpose) -> bool,
    ) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Outbox, &[]) {
            let Some((id, row, object)) = self.queued(&key)? else {
                continue;
            };
            if object.name().team() == team && gone(row.purpose) {
                self.drop_queued(id, object.name());
            }
        }
        Ok(())
    }

    /// How many objects of a team wait.
    pub(crate) fn waiting(
        &self,
        team: TeamId,
        which: impl Fn(&OutboxRow) -> bool,
    ) -> Result<usize, Fault> {
        let mut count = 0_usize;
        for key in self.rows().keys(Table::Outbox, &[]) {
            if let Some(row) = self.rows().kept::<OutboxRow>(Table::Outbox, &key)?
                && row.object.name().team() == team
                && which(&row)
            {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// When the oldest object of a team was made that the origin has not.
    /// What the relay refuses will not settle by waiting.
    pub(crate) fn oldest_unsettled(&self, team: TeamId) -> Result<Option<Millis>, Fault> {
        let mut last = Vec::new();
        while let Some(key) = self.rows().next_key(Table::Outbox, &[], &last) {
            let id = u64::from_be_bytes(*key.first_chunk().ok_or(Fault::Row)?);
            if let Some(row) = self.rows().kept::<OutboxRow>(Table::Outbox, &key)?
                && row.object.name().team() == team
                && row.purpose != Purpose::Again
                && !self.is_refused(id, row.object.name())
            {
                return Ok(Some(row.object.created()));
            }
            last = key;
        }
        Ok(None)
    }

    fn is_refused(&self, id: u64, name: Name) -> bool {
        self.link.as_ref().is_some_and(|link| link.refused.contains(&Hold::of(id, name)))
    }

    pub(crate) fn queued(
        &self,
        key: &[u8],
    ) -> Result<Option<(u64, Kept<OutboxRow>, Object)>, Fault> {
        let Some(row) = self.rows().kept::<OutboxRow>(Table::Outbox, key)? else {
            return Ok(None);
        };
        let id = u64::from_be_bytes(*key.first_chunk().ok_or(Fault::Row)?);
        let object = row.object.clone();
        Ok(Some((id, row, object)))
    }

    #[cfg(test)]
    pub(crate) fn queued_object(&self, name: Name) -> Option<Object> {
        let id = self.underway.id(name)?;
        self.queued(&id.to_be_bytes()).ok()?.map(|(_, _, object)| object)
    }

    pub(crate) fn drop_queued(&mut self, id: u64, name: Name) {
        self.rows().remove(Table::Outbox, &id.to_be_bytes());
        self.underway.settled(name);
        if let Some(link) = &mut self.link {
            link.in_flight.remove(&id);
            link.held.remove(&id);
            link.later.remove(&Hold::Object(id));
            link.refused.remove(&Hold::Object(id));
        }
    }

    pub(crate) fn count_underway(&mut self) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Outbox, &[]) {
            // Not kept decoded: most of it has to wait.
            let row: OutboxRow = self.rows().get(Table::Outbox, &key)?.ok_or(Fault::Row)?;
            let id = u64::from_be_bytes(*key.first_chunk().ok_or(Fault::Row)?);
            let name = row.object.name();
            self.underway.add(id, name, row.held.is_some(), row.purpose);
            if let Some((team, channel, _)) = entry_of(name).filter(|_| row.held.is_none()) {
                self.unsent.insert((team, channel), None);
            }
        }
        Ok(())
    }

    /// Sends what may be sent now.
    pub(crate) fn pump(&mut self, now: Millis) -> Result<(), Fault> {
        if let Some(link) = &mut self.link {
            link.let_go(now);
        }
        while let Some(id) = self.next_to_send()? {
            let Some((_, row, object)) = self.queued(&id.to_be_bytes())? else {
                return Err(Fault::Row);
            };
            if let Some(link) = &mut self.link {
                link.sends(id, object.name());
            }
            if self.breaks(Broken::SendsOnce) && row.purpose == Purpose::Plain {
                self.rows().remove(Table::Outbox, &id.to_be_bytes());
            }
            self.outputs.push_back(match row.purpose {
                Purpose::Claim => Output::Claim { id, object },
                Purpose::Plain
                | Purpose::Again
                | Purpose::Needed
                | Purpose::Pointer
                | Purpose::Pool
                | Purpose::Use => Output::Publish { id, object },
            });
        }
        Ok(())
    }

    fn next_to_send(&mut self) -> Result<Option<u64>, Fault> {
        loop {
            let Some(link) = &self.link else {
                return Ok(None);
            };
            if link.in_flight.len() >= WINDOW {
                return Ok(None);
            }
            let after = link.sent.to_be_bytes();
            let Some(key) = self.rows().next_key(Table::Outbox, &[], &after) else {
                return Ok(None);
            };
            let row: Kept<OutboxRow> = self.rows().kept(Table::Outbox, &key)?.ok_or(Fault::Row)?;
            let id = u64::from_be_bytes(*key.first_chunk().ok_or(Fault::Row)?);
            let name = row.object.name();
            let left = self.has_left(name.team())?;
            // An origin of two histories is asked to decide nothing more.
            let undecided = row.purpose == Purpose::Claim && self.two_histories(name.team())?;
            let kept_back = undecided || self.may_be_taken(name, row.purpose);
            let Some(link) = &mut self.link else {
                return Ok(None);
            };
            link.sent = id;
            if kept_back {
                link.kept_back.get_or_insert(id);
                continue;
            }
            let held = link.held.contains(&id) || link.holds(&Hold::of(id, name));
            if !held && !left && !link.in_flight.contains(&id) {
                return Ok(Some(id));
            }
        }
    }

    fn has_left(&self, team: TeamId) -> Result<bool, Fault> {
        let row = self.team(team)?;
        Ok(row.is_some_and(|row| row.stage == Stage::Removed))
    }
}

/// The most unanswered objects of one link.
const WINDOW: usize = 256;
const NEXT: &[u8] = b"next";
