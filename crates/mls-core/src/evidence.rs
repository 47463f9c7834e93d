//! Evidence against a device that writes two histories: the newest headers of each log are kept,
//! and shown to the team when somebody has others.

use names::{Channel, Device, Rest, TeamId};
use objects::{Millis, Object};

use crate::content::{Content, Tip, prefix};
use crate::kept::Kept;
use crate::open::Entry;
use crate::proof::Equivocation;
use crate::rows::Table;
use crate::state::{LogRow, TeamRow, log_key, stored_object};
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// Keeps the header of an entry: others may have another under its name.
    pub(crate) fn note_header(
        &self,
        log: &[u8],
        number: u64,
        object: &Object,
    ) -> Result<(), Fault> {
        let bytes = serde_bytes::ByteBuf::from(object.clone().header_only().bytes());
        self.rows().put(Table::Header, &header_key(log, number), &bytes)?;
        if let Some(old) = number.checked_sub(KEPT) {
            self.rows().remove(Table::Header, &header_key(log, old));
        }
        Ok(())
    }

    fn header(&self, log: &[u8], number: u64) -> Result<Option<Object>, Fault> {
        let bytes: Option<serde_bytes::ByteBuf> =
            self.rows().get(Table::Header, &header_key(log, number))?;
        bytes.map(|bytes| stored_object(&bytes)).transpose()
    }

    /// Is another entry known under the name of this one?
    pub(crate) fn differs(&self, log: &[u8], number: u64, object: &Object) -> Result<bool, Fault> {
        let known = self.header(log, number)?;
        Ok(known.is_some_and(|known| known.entry_hash() != object.entry_hash()))
    }

    /// An entry does not fit the log that is here: the log is frozen, and both headers are kept and
    /// shown to the team, which may have seen one only.
    pub(crate) fn forked(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        mut log: Kept<LogRow>,
    ) -> Result<(), Fault> {
        let Entry { team, channel, device, number, object } = *entry;
        let (name, key) = (object.name(), log_key(team, channel, device));
        log.frozen = true;
        self.put_log(&key, &log)?;
        self.outputs.push_back(Output::Notice(Notice::Fork { name }));
        // The same name, or the entry before it, which this one does not follow.
        let before = number.checked_sub(1).map(|number| self.header(&key, number)).transpose()?;
        let known = self.header(&key, number)?.or(before.flatten());
        let Some(known) = known.filter(|known| known.entry_hash() != object.entry_hash()) else {
            return Ok(());
        };
        let headers = [known.bytes(), object.clone().header_only().bytes()];
        if self.put_proof(team, Equivocation::Device { device, name }, &headers)? {
            let notice = Notice::DeviceEquivocates { team, device, name };
            self.outputs.push_back(Output::Notice(notice));
            for header in headers {
                self.manage(now, team, &Content::Evidence { header })?;
            }
        }
        Ok(())
    }

    /// Somebody tells which entry it has last: if it is another than ours, ours is shown, once.
    pub(crate) fn compare(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        tip: &Tip,
    ) -> Result<(), Fault> {
        let Some(number) = tip.next.checked_sub(1).filter(|_| tip.hash != [0; 12]) else {
            return Ok(());
        };
        let key = log_key(team, tip.channel, tip.device);
        let Some(ours) = self.header(&key, number)? else {
            return Ok(());
        };
        let other = prefix(&ours.entry_hash()) != tip.hash;
        if other && tip.device != row.own() && self.compared.insert(ours.name()) {
            self.manage(now, team, &Content::Evidence { header: ours.bytes() })?;
        }
        Ok(())
    }

    /// Somebody shows the header that it has. Only its author's signature counts.
    pub(crate) fn evidence_came(
        &mut self,
        now: Millis,
        team: TeamId,
        header: &[u8],
    ) -> Result<(), Fault> {
        let (Ok(object), Some(row)) = (Object::parse(header), self.team(team)?) else {
            return Ok(());
        };
        let place = object.name().place();
        let Rest::Message { channel, device, number } = place.rest else {
            return Ok(());
        };
        if place.team != team || device == row.own() || channel == Channel::ALL {
            return Ok(());
        }
        let signed = self.signed_by(team, device, &object)?;
        let (key, number) = (log_key(team, channel, device), number.value());
        let log = self.log(&key)?;
        if signed && self.differs(&key, number, &object)? {
            let entry = Entry { team, channel, device, number, object: &object };
            self.forked(now, &entry, log)?;
        }
        Ok(())
    }

    fn signed_by(&self, team: TeamId, device: Device, object: &Object) -> Result<bool, Fault> {
        let certificate = self.certificate(team, device)?;
        Ok(certificate.is_some_and(|certificate| object.verifies(&certificate.log_key)))
    }
}

fn header_key(log: &[u8], number: u64) -> Vec<u8> {
    [log, &number.to_be_bytes()].concat()
}

/// So many headers are kept per log: what is older is compared no more.
const KEPT: u64 = 32;
