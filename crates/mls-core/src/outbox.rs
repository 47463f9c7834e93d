//! What waits for the relay: in order, until its signed receipt is here.

use std::collections::{BTreeMap, BTreeSet};

use names::{Channel, Name, Rest, TeamId};
use objects::wire::Refusal;
use objects::{Key, Millis, Object, Proof, Receipt};

use crate::endpoint::{Hold, Link};
use crate::rows::Table;
use crate::state::{LogRow, OutboxRow, Purpose, Stage, log_key, stored_object};
use crate::{Answer, Broken, Endpoint, Fault, Notice, Output, Watermark};

impl Endpoint {
    /// Queues an object for the relay.
    pub(crate) fn queue(&mut self, object: &Object, purpose: Purpose) -> Result<(), Fault> {
        let next: Option<u64> = self.rows().get(Table::Identity, NEXT)?;
        let id = next.unwrap_or(1);
        self.rows().put(Table::Identity, NEXT, &id.saturating_add(1))?;
        let row = OutboxRow { purpose, object: object.bytes() };
        self.rows().put(Table::Outbox, &id.to_be_bytes(), &row)?;
        if let Some((team, channel, number)) = entry_of(object.name()) {
            self.unacknowledged.entry((team, channel)).or_default().insert(number);
        }
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
                self.drop_queued(id);
            }
        }
        Ok(())
    }

    /// How many objects of a team wait.
    pub(crate) fn waiting(
        &self,
        team: TeamId,
        which: impl Fn(Purpose) -> bool,
    ) -> Result<usize, Fault> {
        let mut count = 0_usize;
        for key in self.rows().keys(Table::Outbox, &[]) {
            if let Some((_, row, object)) = self.queued(&key)?
                && object.name().team() == team
                && which(row.purpose)
            {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    fn queued(&self, key: &[u8]) -> Result<Option<(u64, OutboxRow, Object)>, Fault> {
        let Some(row) = self.rows().get::<OutboxRow>(Table::Outbox, key)? else {
            return Ok(None);
        };
        let id = u64::from_be_bytes(*key.first_chunk().ok_or(Fault::Row)?);
        let object = stored_object(&row.object)?;
        Ok(Some((id, row, object)))
    }

    fn drop_queued(&mut self, id: u64) {
        self.rows().remove(Table::Outbox, &id.to_be_bytes());
        if let Some(link) = &mut self.link {
            link.in_flight.remove(&id);
            link.later.remove(&Hold::Object(id));
            link.refused.remove(&Hold::Object(id));
        }
    }

    pub(crate) fn count_unacknowledged(&mut self) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Outbox, &[]) {
            if let Some((_, _, object)) = self.queued(&key)?
                && let Some((team, channel, number)) = entry_of(object.name())
            {
                self.unacknowledged.entry((team, channel)).or_default().insert(number);
            }
        }
        Ok(())
    }

    /// There is a link: prove ourselves, and send everything again.
    pub(crate) fn linked(
        &mut self,
        now: Millis,
        relay: Key,
        exporter: [u8; 32],
        theirs: Millis,
    ) -> Result<(), Fault> {
        self.link = None;
        let Some(pinned) = self.relay() else {
            return Ok(());
        };
        if pinned.key != relay {
            self.outputs.push_back(Output::Notice(Notice::WrongRelay));
            return Ok(());
        }
        self.link = Some(Link {
            relay,
            exporter,
            ahead: i128::from(theirs.0) - i128::from(now.0),
            in_flight: BTreeSet::new(),
            sent: 0,
            refused: BTreeSet::new(),
            later: BTreeSet::new(),
            again: None,
            caught_up: BTreeSet::new(),
            withheld: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_ask: 1,
        });
        for team in self.subscriptions() {
            self.prove(now, team)?;
        }
        Ok(())
    }

    /// Proves our log key of a team to the relay of this link.
    pub(crate) fn prove(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(link) = &self.link {
            let theirs = u64::try_from(i128::from(now.0).saturating_add(link.ahead)).unwrap_or(0);
            let expires = Millis(theirs).plus(PROOF_LIFE);
            let Link { relay, exporter, .. } = link;
            let signer = Self::log_signer(&row);
            let proof = Proof::sign(&signer, relay, exporter, team, row.own(), expires);
            self.outputs.push_back(Output::Prove { exporter: *exporter, proof });
        }
        Ok(())
    }

    /// Sends what may be sent now.
    pub(crate) fn pump(&mut self, now: Millis) -> Result<(), Fault> {
        if let Some(link) = &mut self.link
            && link.again.is_some_and(|again| again <= now)
        {
            link.again = None;
            link.later.clear();
            link.sent = 0;
        }
        while let Some(id) = self.next_to_send()? {
            let Some((_, row, object)) = self.queued(&id.to_be_bytes())? else {
                return Err(Fault::Row);
            };
            if let Some(link) = &mut self.link {
                link.in_flight.insert(id);
            }
            if self.breaks(Broken::SendsOnce) && row.purpose == Purpose::Plain {
                self.rows().remove(Table::Outbox, &id.to_be_bytes());
            }
            self.outputs.push_back(match row.purpose {
                Purpose::Claim => Output::Claim { id, object },
                Purpose::Plain | Purpose::Needed | Purpose::Pointer => {
                    Output::Publish { id, object }
                }
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
            let Some((id, _, object)) = self.queued(&key)? else {
                return Err(Fault::Row);
            };
            let left = self.has_left(object.name().team())?;
            let Some(link) = &mut self.link else {
                return Ok(None);
            };
            link.sent = id;
            let hold = hold_of(id, object.name());
            let held = link.refused.contains(&hold) || link.later.contains(&hold);
            if !held && !left && !link.in_flight.contains(&id) {
                return Ok(Some(id));
            }
        }
    }

    fn has_left(&self, team: TeamId) -> Result<bool, Fault> {
        let row = self.team(team)?;
        Ok(row.is_some_and(|row| row.stage == Stage::Removed))
    }

    /// An answer of the relay, as far as net-proc's word goes: only receipts prove anything.
    pub(crate) fn answered(&mut self, now: Millis, id: u64, answer: Answer) -> Result<(), Fault> {
        let Some((_, row, object)) = self.queued(&id.to_be_bytes())? else {
            return Ok(());
        };
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        link.in_flight.remove(&id);
        let relay = link.relay;
        match answer {
            Answer::Receipt(receipt) => {
                let proven = match row.purpose {
                    Purpose::Claim => self.ordered(&object, &receipt)? == Some(true),
                    Purpose::Plain | Purpose::Needed | Purpose::Pointer => {
                        receipt.covers(&relay, &object) || self.is_origins(&object, &receipt)?
                    }
                };
                if !proven {
                    let name = object.name();
                    if let Some(link) = &mut self.link {
                        link.refused.insert(hold_of(id, name));
                    }
                    self.outputs.push_back(Output::Notice(Notice::BadReceipt { name }));
                    return Ok(());
                }
                self.stored(now, id, row.purpose, &object, &receipt)
            }
            Answer::Refused(why) => {
                self.refused(now, id, row.purpose, object.name(), why);
                Ok(())
            }
            Answer::Taken { winner, receipt } => {
                let proven = self.ordered(&winner, &receipt)? == Some(true);
                if winner.name() != object.name() || !proven {
                    self.try_later(now, id, object.name());
                    return Ok(());
                }
                self.drop_queued(id);
                self.arrived(now, &winner, Some(&receipt))
            }
            Answer::Incomplete if row.purpose == Purpose::Claim => {
                self.drop_queued(id);
                self.queue_needed(object.name().team())
            }
            Answer::Gap { .. } | Answer::Incomplete | Answer::Pending => {
                self.try_later(now, id, object.name());
                Ok(())
            }
        }
    }

    fn stored(
        &mut self,
        now: Millis,
        id: u64,
        purpose: Purpose,
        object: &Object,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        self.drop_queued(id);
        let team = object.name().team();
        self.heard_head(now, team, receipt.head)?;
        match purpose {
            Purpose::Plain => {}
            Purpose::Needed => self.queue_claim(team)?,
            Purpose::Claim => self.arrived(now, object, Some(receipt))?,
            Purpose::Pointer => self.welcomed(team, object)?,
        }
        if let Some((team, channel, number)) = entry_of(object.name()) {
            if let Some(numbers) = self.unacknowledged.get_mut(&(team, channel)) {
                numbers.remove(&number);
            }
            self.touched.insert((team, channel));
        }
        Ok(())
    }

    fn refused(&mut self, now: Millis, id: u64, purpose: Purpose, name: Name, why: Refusal) {
        let hold = hold_of(id, name);
        match why {
            Refusal::Quota | Refusal::Uncertified | Refusal::Gap { .. } | Refusal::UnknownOrg => {
                self.try_later(now, id, name);
                return;
            }
            Refusal::WrongSigner
            | Refusal::Revoked
            | Refusal::WrongPrevious
            | Refusal::Expired
            | Refusal::NameTaken
            | Refusal::Forked
            | Refusal::Malformed => {}
        }
        if let Some(link) = &mut self.link {
            link.refused.insert(hold);
        }
        self.outputs.push_back(Output::Notice(Notice::Refused { name, why }));
        if entry_of(name).is_some() {
            self.outputs.push_back(Output::Failed { name, why });
        }
        if purpose == Purpose::Claim {
            self.report_refused_claim(name.team(), why);
        }
    }

    fn try_later(&mut self, now: Millis, id: u64, name: Name) {
        if let Some(link) = &mut self.link {
            link.later.insert(hold_of(id, name));
            link.again.get_or_insert(now.plus(RETRY));
        }
    }

    /// Says how far own messages have come, where that changed.
    pub(crate) fn report_watermarks(&mut self) -> Result<(), Fault> {
        for (team, channel) in std::mem::take(&mut self.touched) {
            let watermark = self.watermark(team, channel)?;
            self.outputs.push_back(Output::Watermark(watermark));
        }
        Ok(())
    }

    pub(crate) fn watermark(&self, team: TeamId, channel: Channel) -> Result<Watermark, Fault> {
        let own = self.team(team)?.ok_or(Fault::Row)?.own();
        let key = log_key(team, channel, own);
        let log: LogRow = self.rows().get(Table::Log, &key)?.unwrap_or_default();
        let first = self.unacknowledged.get(&(team, channel)).and_then(BTreeSet::first);
        let relay = first.copied().unwrap_or(log.next);
        let [relay, delivered] = [relay, log.delivered].map(|n| u32::try_from(n).unwrap_or(0));
        Ok(Watermark { team, channel, relay, delivered })
    }
}

/// Channel and number, of a log entry's name.
pub(crate) fn entry_of(name: Name) -> Option<(TeamId, Channel, u64)> {
    match name.place().rest {
        Rest::Message { channel, number, .. } => Some((name.team(), channel, number.value())),
        Rest::KeyPackage { .. }
        | Rest::Welcome { .. }
        | Rest::Slot(_)
        | Rest::Blob { .. }
        | Rest::Certificate { .. }
        | Rest::Use(_)
        | Rest::Code(_) => None,
    }
}

fn hold_of(id: u64, name: Name) -> Hold {
    entry_of(name).map_or(Hold::Object(id), |(team, channel, _)| Hold::Log(team, channel))
}

/// The most unanswered objects of one link.
const WINDOW: usize = 256;
const PROOF_LIFE: u64 = 3_600_000;
const RETRY: u64 = 2_000;
const NEXT: &[u8] = b"next";
