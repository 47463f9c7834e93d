//! What the relays say of what waits for them: receipts, refusals, and nothing on a bare word.

use names::{Channel, Name, Rest, TeamId};
use objects::wire::Refusal;
use objects::{Millis, Object, Receipt};

use crate::kept::Kept;
use crate::link::Hold;
use crate::rows::Table;
use crate::state::{OutboxRow, Purpose, Stage};
use crate::{Answer, Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// An answer of the relay, as far as net-proc's word goes: only receipts prove anything.
    pub(crate) fn answered(&mut self, now: Millis, id: u64, answer: Answer) -> Result<(), Fault> {
        let Some((_, row, object)) = self.queued(&id.to_be_bytes())? else {
            return Ok(());
        };
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        link.in_flight.remove(&id);
        match answer {
            Answer::Receipt(receipt) => self.held_or_settled(now, id, row, &object, &receipt),
            Answer::Refused(why) => {
                let (name, team) = (object.name(), object.name().team());
                match (row.purpose, why) {
                    (Purpose::Needed, Refusal::NameTaken) if !self.claim_left(team)? => {
                        self.needed_taken(&object)
                    }
                    (Purpose::Use, Refusal::NameTaken) => {
                        self.drop_queued(id, name);
                        self.use_answered(now, &object, false)
                    }
                    (Purpose::Plain, Refusal::Expired) if self.date_anew(now, &object)? => Ok(()),
                    (Purpose::Pool, Refusal::Quota) => {
                        self.drop_queued(id, name);
                        self.pool_refused(now, &object)
                    }
                    (Purpose::Plain | Purpose::Again, Refusal::Expired)
                        if self.is_over(now, &object)? =>
                    {
                        self.header_instead(id, row, &object)
                    }
                    (Purpose::Plain | Purpose::Again, Refusal::Gap { next }) => {
                        self.try_later(now, id, name);
                        self.send_lacking(name, next.into())
                    }
                    _ => {
                        self.refused(now, id, row.purpose, name, why);
                        Ok(())
                    }
                }
            }
            Answer::Taken { winner, receipt } => {
                let proven = self.ordered(&winner, &receipt)? == Some(true);
                if winner.name() != object.name() || !proven {
                    self.try_later(now, id, object.name());
                    return Ok(());
                }
                self.drop_queued(id, object.name());
                self.arrived(now, &winner, Some(&receipt))
            }
            Answer::Incomplete if row.purpose == Purpose::Claim => {
                self.drop_queued(id, object.name());
                self.queue_needed(object.name().team())
            }
            Answer::Gap { .. } | Answer::Incomplete | Answer::Pending => {
                self.try_later(now, id, object.name());
                Ok(())
            }
        }
    }

    /// The origin's receipt ends the waiting; the home relay's alone does not.
    fn held_or_settled(
        &mut self,
        now: Millis,
        id: u64,
        mut row: Kept<OutboxRow>,
        object: &Object,
        receipt: &Receipt,
    ) -> Result<(), Fault> {
        let name = object.name();
        let Some(link) = &self.link else {
            return Ok(());
        };
        let relay = link.relay;
        if self.settles(object, receipt)? {
            return self.stored(now, id, row.purpose, object, receipt);
        }
        if row.purpose == Purpose::Claim {
            // Of an origin that was: the next one is asked again.
            self.try_later(now, id, name);
            self.outputs.push_back(Output::Notice(Notice::BadReceipt { name }));
            return Ok(());
        }
        if row.purpose == Purpose::Use || !receipt.covers(&relay, object) {
            if let Some(link) = &mut self.link {
                link.refused.insert(Hold::of(id, name));
            }
            // A newcomer does not know yet who the origin is.
            if self.origin(name.team())?.is_some() {
                self.outputs.push_back(Output::Notice(Notice::BadReceipt { name }));
            }
            return Ok(());
        }
        row.held = Some(relay.0.into());
        self.rows().keep(Table::Outbox, &id.to_be_bytes(), &row)?;
        if let Some(link) = &mut self.link {
            link.held.insert(id);
        }
        self.is_on_its_way(id, name);
        self.underway.held(name);
        Ok(())
    }

    /// Does this receipt end the waiting?
    fn settles(&self, object: &Object, receipt: &Receipt) -> Result<bool, Fault> {
        if matches!(object.name().place().rest, Rest::Slot(_)) {
            return Ok(self.ordered(object, receipt)? == Some(true));
        }
        self.is_origins(object, receipt)
    }

    /// A receipt that came by itself: the origin has stored something of ours.
    pub(crate) fn settled(&mut self, now: Millis, receipt: &Receipt) -> Result<(), Fault> {
        let Some(id) = self.underway.id(receipt.name) else {
            return Ok(());
        };
        let Some((_, row, object)) = self.queued(&id.to_be_bytes())? else {
            return Err(Fault::Row);
        };
        if row.purpose == Purpose::Claim || !self.settles(&object, receipt)? {
            // A claim is decided where it stands among the others.
            return Ok(());
        }
        self.stored(now, id, row.purpose, &object, receipt)
    }

    /// The origin of a team is known, or is another one: what it holds already does not wait.
    pub(crate) fn recheck_held(&mut self, team: TeamId) -> Result<(), Fault> {
        let Some(origin) = self.origin(team)? else {
            return Ok(());
        };
        for key in self.rows().keys(Table::Outbox, &[]) {
            let Some((id, row, object)) = self.queued(&key)? else {
                continue;
            };
            if object.name().team() != team {
                continue;
            }
            let held = row.held.is_some_and(|held| held.into_array() == origin.0);
            if held && matches!(row.purpose, Purpose::Plain | Purpose::Again) {
                self.note_sent(&object)?;
                self.drop_queued(id, object.name());
                self.touch(object.name());
            } else if let Some(link) = &mut self.link {
                // The relay may have this origin's receipt already, and may have shown it before anybody
                // here could know whose it is.
                link.held.remove(&id);
                link.refused.remove(&Hold::of(id, object.name()));
                link.sent = link.sent.min(id.saturating_sub(1));
            }
        }
        Ok(())
    }

    /// A name that our claim needs is another object's: the claim, which has not left, is made anew,
    /// with the generation behind another admin's certificate, or of pieces with other names where an
    /// old vault gave names twice.
    fn needed_taken(&mut self, object: &Object) -> Result<(), Fault> {
        let team = object.name().team();
        if let Rest::Certificate { generation, .. } = object.name().place().rest {
            return self.certificate_taken(team, generation, object);
        }
        self.pass_blobs(team)?;
        self.lost(team)
    }

    fn is_behind(&self, team: TeamId) -> bool {
        let row = self.team(team).ok().flatten();
        row.is_some_and(|row| matches!(row.stage, Stage::Rejoining { .. }))
    }

    fn is_on_its_way(&mut self, id: u64, name: Name) {
        if let Some(link) = &mut self.link {
            link.taken(id, name);
        }
        self.touch(name);
    }

    fn touch(&mut self, name: Name) {
        if let Some((team, channel, _)) = entry_of(name) {
            self.touched.insert((team, channel));
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
        let (name, team) = (object.name(), object.name().team());
        self.drop_queued(id, name);
        self.is_on_its_way(id, name);
        self.heard_head(now, team, receipt.head)?;
        if self.origin(team)?.is_some_and(|origin| self.covers(receipt, &origin, object)) {
            self.heard_origin(team, receipt.at)?;
        }
        if let Some((_, _, number)) = entry_of(name) {
            let first = number.saturating_sub(object.part().index.into());
            self.was_taken_at(now, sibling(name, first), receipt.head)?;
            self.note_sent(object)?;
        }
        match purpose {
            Purpose::Plain | Purpose::Again | Purpose::Pool => Ok(()),
            Purpose::Use => self.use_answered(now, object, true),
            Purpose::Needed => self.queue_claim(team),
            Purpose::Claim => self.arrived(now, object, Some(receipt)),
            Purpose::Pointer => self.welcomed(object),
        }
    }

    /// Is it an entry with data that has come to the end of its life, by the origin's clock or ours?
    /// On net-proc's word alone nothing is given up.
    fn is_over(&self, now: Millis, object: &Object) -> Result<bool, Fault> {
        let team = self.team(object.name().team())?;
        let latest = team.map_or(now, |row| now.max(Millis(row.pulse.origin)));
        let entry = entry_of(object.name()).is_some() && object.data().is_some();
        Ok(entry && object.expires() <= latest)
    }

    /// An entry has waited here beyond its life: its header alone goes out, so that the log goes on
    /// behind it, and its author may say it anew.
    fn header_instead(
        &mut self,
        id: u64,
        mut row: Kept<OutboxRow>,
        object: &Object,
    ) -> Result<(), Fault> {
        let (name, why) = (object.name(), Refusal::Expired);
        row.object = object.clone().header_only();
        self.rows().keep(Table::Outbox, &id.to_be_bytes(), &row)?;
        if let Some(link) = &mut self.link {
            link.taken(id, name);
            link.sent = link.sent.min(id.saturating_sub(1));
        }
        if row.purpose == Purpose::Plain {
            self.outputs.push_back(Output::Failed { name, why });
        }
        Ok(())
    }

    fn refused(&mut self, now: Millis, id: u64, purpose: Purpose, name: Name, why: Refusal) {
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
        if why == Refusal::NameTaken && self.is_behind(name.team()) {
            // Written from an old state, under a name that another entry has: it never leaves.
            self.drop_queued(id, name);
            self.outputs.push_back(Output::Failed { name, why });
            return;
        }
        if let Some(link) = &mut self.link {
            link.refused.insert(Hold::of(id, name));
        }
        self.outputs.push_back(Output::Notice(Notice::Refused { name, why }));
        if entry_of(name).is_some() && purpose != Purpose::Again {
            self.outputs.push_back(Output::Failed { name, why });
        }
        if purpose == Purpose::Claim {
            self.report_refused_claim(name.team(), why);
        }
    }
}

/// Channel and number, of a log entry's name.
pub(crate) fn entry_of(name: Name) -> Option<(TeamId, Channel, u64)> {
    let Rest::Message { channel, number, .. } = name.place().rest else {
        return None;
    };
    Some((name.team(), channel, number.value()))
}

/// Another entry of the same log.
fn sibling(name: Name, number: u64) -> Name {
    let Rest::Message { channel, device, .. } = name.place().rest else {
        return name;
    };
    let number = names::Number::truncate(number);
    name.team().name(Rest::Message { channel, device, number })
}
