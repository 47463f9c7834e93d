//! Own entries that a relay lacks: an origin that is never seen again takes with it what no other
//! relay has. What it had is kept here for a while as it was signed, and goes out once more, so that
//! its log goes on.

use names::{Channel, Name, TeamId};
use objects::Object;

use crate::answered::entry_of;
use crate::guard::own_name;
use crate::kept::Kept;
use crate::rows::Table;
use crate::state::{OutboxRow, Purpose, TeamRow, log_key, stored_object};
use crate::{Endpoint, Fault};

impl Endpoint {
    /// The origin has an entry of ours: it is kept as it is, with the newest few of its log.
    pub(crate) fn note_sent(&self, object: &Object) -> Result<(), Fault> {
        let name = object.name();
        let (Some((team, channel, number)), Some(row)) = (entry_of(name), self.team(name.team())?)
        else {
            return Ok(());
        };
        let bytes = serde_bytes::ByteBuf::from(object.bytes());
        self.rows().put(Table::Sent, &sent_key(team, &row, channel, number), &bytes)?;
        if let Some(old) = number.checked_sub(KEPT) {
            self.rows().remove(Table::Sent, &sent_key(team, &row, channel, old));
        }
        Ok(())
    }

    /// The relay says that of the log of an own entry it lacks those from `next` on. They are sent
    /// again before what waits, if all of them are still here: on its word nothing is made anew.
    pub(crate) fn send_lacking(&mut self, name: Name, next: u64) -> Result<(), Fault> {
        let (Some((team, channel, number)), Some(row)) = (entry_of(name), self.team(name.team())?)
        else {
            return Ok(());
        };
        let end = self.log(&log_key(team, channel, row.own()))?.next;
        if next > number {
            return Ok(());
        }
        let mut again = Vec::new();
        let mut lacking = false;
        for number in next..end {
            let name = own_name(team, &row, channel, number);
            let waiting = match self.underway.id(name) {
                Some(id) => self.queued(&id.to_be_bytes())?.map(|(id, row, _)| (Some(id), row)),
                None => self.sent(team, &row, channel, number)?.map(|row| (None, row)),
            };
            let Some((id, waiting)) = waiting else {
                return Ok(());
            };
            lacking |= id.is_none();
            again.push((id, name, waiting));
        }
        if !lacking {
            return Ok(());
        }
        for (id, name, waiting) in again {
            if let Some(id) = id {
                self.drop_queued(id, name);
            }
            self.queue_last(name, &waiting)?;
        }
        Ok(())
    }

    fn sent(
        &self,
        team: TeamId,
        row: &TeamRow,
        channel: Channel,
        number: u64,
    ) -> Result<Option<Kept<OutboxRow>>, Fault> {
        let key = sent_key(team, row, channel, number);
        let bytes: Option<serde_bytes::ByteBuf> = self.rows().get(Table::Sent, &key)?;
        let row = |bytes: serde_bytes::ByteBuf| -> Result<_, Fault> {
            let object = stored_object(&bytes)?;
            let purpose = Purpose::Again;
            Ok(Kept::from(OutboxRow { purpose, held: None, object, content: None }))
        };
        bytes.map(row).transpose()
    }
}

fn sent_key(team: TeamId, row: &TeamRow, channel: Channel, number: u64) -> Vec<u8> {
    [log_key(team, channel, row.own()), number.to_be_bytes().to_vec()].concat()
}

/// So many entries are kept per log: an origin that had more of one than any other relay, and is never
/// seen again, ends that log.
pub(crate) const KEPT: u64 = 256;
