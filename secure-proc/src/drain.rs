//! What the endpoint has decided, turned into history, events and orders to `net-proc`.

use ipc_schema::Text;
use ipc_schema_ui::{Answer, Event, NameBits, Row, Watermark};
use mls_core::{Opened, Output, Unreadable};
use names::{Name, Rest, TeamId};
use objects::Millis;
use vault_io::ReadError;

use crate::desk::{Desk, Home, Until, Waiting};
use crate::effect::Effect;
use crate::record::Record;
use crate::session::Session;
use crate::wanted::Part;
use crate::wishes::part_of;
use crate::{failures, translate};

impl Desk {
    /// Takes everything that the endpoint has decided. Nothing of it leaves before the step ends.
    pub(crate) fn drain(&mut self, now: Millis) {
        while let Home::Open(session) = &mut self.home
            && let Some(output) = session.endpoint.poll()
        {
            if let Err(error) = self.take(now, output) {
                eprintln!("secure-proc: {error}");
                self.poisoned = true;
            }
        }
    }

    fn take(&mut self, now: Millis, output: Output) -> Result<(), ReadError> {
        let Home::Open(session) = &mut self.home else {
            return Ok(());
        };
        if let Some(order) = translate::to_net(&output) {
            self.effects.push(Effect::Net(order));
            return Ok(());
        }
        match output {
            Output::Subscribe { team } => {
                let order = translate::subscribe(team, session.cursor(team));
                self.effects.push(Effect::Net(order));
            }
            Output::Message(opened) => {
                session.keep(&opened);
                self.show(opened.name)?;
                if let Some(thread) = opened.thread {
                    self.show(thread)?;
                }
            }
            Output::Missing { name, missing_before } => {
                if let Some(mut record) = session.book.stored(&session.vault, name)? {
                    record.missing = missing_before;
                    session.book.record(name, record);
                    self.show(name)?;
                }
            }
            Output::Recall { name, .. } => {
                let record = session.book.stored(&session.vault, name)?;
                let opened = record.and_then(|record| recalled(name, &record));
                if session.endpoint.recalled(now, name, opened).is_err() {
                    self.poisoned = true;
                }
            }
            Output::Renamed { from, to } => {
                let shown = session.book.rename(&session.vault, from, to)?;
                if let Rest::Message { channel, .. } = to.place().rest {
                    let (team, channel) = (to.team(), number_of(channel));
                    let (from, to) = (NameBits(from.bytes()), NameBits(to.bytes()));
                    let team_bits = translate::team_bits(team);
                    let event = Event::Renamed { team: team_bits, channel, from, to };
                    self.announce(Some((team, Some(channel))), &event);
                }
                for name in shown {
                    self.show(name)?;
                }
            }
            Output::Failed { name, why } => {
                if let Some(mut record) = session.book.stored(&session.vault, name)? {
                    translate::refusal_text(why).clone_into(&mut record.why);
                    session.book.record(name, record);
                    self.show(name)?;
                }
            }
            Output::Watermark(mark) => {
                let channel = number_of(mark.channel);
                let whole = |number| session.book.whole(mark.team, mark.channel, number);
                let event = Event::Watermark(Watermark {
                    team: translate::team_bits(mark.team),
                    channel,
                    local: whole(mark.local),
                    relay: whole(mark.relay),
                    delivered: whole(mark.delivered),
                });
                self.announce(Some((mark.team, Some(channel))), &event);
            }
            Output::TeamsChanged => self.announce(None, &Event::TeamsChanged),
            Output::Joined { team } => {
                let team = translate::team_bits(team);
                self.announce(None, &Event::Joined { team });
            }
            Output::Added { team, hash, result } => {
                let result = result.map(drop).map_err(failures::not_added);
                self.decided(team, Part::Add(hash.0), result);
            }
            Output::Wished { team, wish, result } => {
                if let Some(part) = part_of(wish) {
                    self.decided(team, part, result.map_err(failures::not_done));
                }
            }
            Output::Notice(notice) => {
                self.announce(None, &Event::Notice(Text::cut(&notice.to_string())));
            }
            // Orders to net-proc, taken above.
            Output::UseRelay(_)
            | Output::SubscribePath { .. }
            | Output::Unsubscribe { .. }
            | Output::Prove { .. }
            | Output::Publish { .. }
            | Output::Claim { .. }
            | Output::Get { .. } => {}
        }
        Ok(())
    }

    /// A wish has come true, or will not.
    pub(crate) fn decided(
        &mut self,
        team: TeamId,
        part: Part,
        result: Result<(), ipc_schema_ui::Failure>,
    ) {
        let Home::Open(session) = &mut self.home else {
            return;
        };
        for (id, outcome) in session.wanted.decided(team, part, result.as_ref().copied()) {
            self.answer_waiting(Until::Decided(id), &outcome);
        }
    }

    pub(crate) fn answer_waiting(
        &mut self,
        until: Until,
        outcome: &Result<Answer, ipc_schema_ui::Failure>,
    ) {
        let mut rest = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.until == until {
                let Waiting { peer, id, .. } = waiting;
                self.effects.push(Effect::answer(peer, id, outcome.clone()));
            } else {
                rest.push(waiting);
            }
        }
        self.waiting = rest;
    }

    /// Shows an own message to those who follow, the other windows and command lines among them.
    pub(crate) fn show_sent(&mut self, row: &Row) {
        let thread = row.thread.and_then(|bits| Name::from_bytes(bits.0).ok());
        let Ok(name) = Name::from_bytes(row.name.0) else {
            return;
        };
        for name in [Some(name), thread].into_iter().flatten() {
            if self.show(name).is_err() {
                self.poisoned = true;
            }
        }
    }

    /// Shows a message, as it is now, to those who follow its channel.
    fn show(&mut self, name: Name) -> Result<(), ReadError> {
        let Home::Open(session) = &self.home else {
            return Ok(());
        };
        let Rest::Message { channel, .. } = name.place().rest else {
            return Ok(());
        };
        let Some(row) = session.row(name)? else {
            return Ok(());
        };
        let after = session.book.above(name).map(|above| NameBits(above.bytes()));
        let (team, channel) = (name.team(), number_of(channel));
        let event = Event::Message { team: translate::team_bits(team), channel, row, after };
        self.announce(Some((team, Some(channel))), &event);
        Ok(())
    }
}

impl Session {
    /// Puts a message into the history.
    pub(crate) fn keep(&mut self, opened: &Opened) {
        let record = Record {
            user: opened.user.clone(),
            device: u32::try_from(opened.device.value()).unwrap_or(0),
            own: opened.own,
            at: opened.at.0,
            body: opened.body.reveal().to_owned(),
            thread: opened.thread.map(Name::bytes),
            after: opened.after.iter().map(|name| name.bytes()).collect(),
            last: u32::try_from(opened.last.value()).unwrap_or(0),
            why: opened.unreadable.map(why_unreadable).unwrap_or_default().to_owned(),
            missing: opened.missing_before,
            signature: opened.signature.map(|signature| signature.0.to_vec()).unwrap_or_default(),
        };
        self.book.record(opened.name, record);
    }

    /// A message as it is shown.
    pub(crate) fn row(&self, name: Name) -> Result<Option<Row>, ReadError> {
        self.book.row(&self.vault, name, self.marks(name))
    }

    /// A page of a channel, cut so that it fits a frame.
    pub(crate) fn page(
        &self,
        team: TeamId,
        channel: names::Channel,
        thread: Option<Name>,
        before: Option<Name>,
        limit: usize,
    ) -> Result<Answer, ipc_schema_ui::Failure> {
        let page = self.book.page(team, channel, thread, before, limit);
        let (mut rows, mut bytes, mut more) = (Vec::new(), 0_usize, page.more);
        for name in page.names.into_iter().rev() {
            let row = self.row(name).map_err(|_| crate::effect::store_failed())?;
            let Some(row) = row else { continue };
            bytes = bytes.saturating_add(row.text.as_str().len()).saturating_add(ROW_OVERHEAD);
            if bytes > PAGE_BYTES && !rows.is_empty() {
                more = true;
                break;
            }
            rows.push(row);
        }
        rows.reverse();
        Ok(Answer::Page { rows: ipc_schema::List::cut(rows), more })
    }
}

fn number_of(channel: names::Channel) -> u16 {
    u16::try_from(channel.value()).unwrap_or(0)
}

/// A message of the history, for those who could not read it; `None` when nobody could here.
fn recalled(name: Name, record: &Record) -> Option<Opened> {
    let Rest::Message { channel, device, number } = name.place().rest else {
        return None;
    };
    let signature = <[u8; 64]>::try_from(record.signature.as_slice()).ok();
    let readable = record.own || signature.is_some();
    readable.then(|| Opened {
        team: name.team(),
        channel,
        name,
        last: number,
        device,
        user: record.user.clone(),
        own: record.own,
        at: Millis(record.at),
        body: record.body.as_str().into(),
        thread: record.thread(),
        after: record.after(),
        unreadable: None,
        missing_before: record.missing,
        signature: signature.map(objects::Signature),
    })
}

fn why_unreadable(why: Unreadable) -> &'static str {
    match why {
        Unreadable::TooLate => "it came too late: the key for it is gone",
        Unreadable::OtherHistory => "it was written on another history of the team",
        Unreadable::Damaged => "it does not decrypt here",
        Unreadable::UnknownContent => "a newer Sotto wrote it; update to read it",
        Unreadable::Expired => "its time was over before it came",
    }
}

/// What a page may hold, in bytes: well below the cap of a frame.
const PAGE_BYTES: usize = ipc_schema::CAP_TO_UI / 4 * 3;
/// The most that a row needs beside its text, in bytes.
const ROW_OVERHEAD: usize = 512;
