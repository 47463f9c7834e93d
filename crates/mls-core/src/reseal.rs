//! Sealing again: what somebody could not read, its author, or whoever has it, says once more.

use std::collections::{BTreeMap, BTreeSet};

use names::{Channel, Device, Name, Number, Rest, Slot, TeamId};
use objects::{Millis, Signature, Standing};
use zeroize::Zeroizing;

use crate::content::{Content, Said, is_signed, sign};
use crate::group::KEPT_EPOCHS;
use crate::kept::Kept;
use crate::rows::Table;
use crate::spent::Spent;
use crate::state::{LogRow, PartRow, TeamRow, log_key};
use crate::unsealed::entries_of;
use crate::{Broken, Endpoint, Fault, Opened, Output};

/// What others want from here, in memory: they ask again.
#[derive(Default)]
pub(crate) struct Recalls {
    /// When it is sealed again, unless somebody else has done it.
    due: BTreeMap<Name, Millis>,
    /// Asked of the history.
    asked: BTreeSet<Name>,
    /// When it was sealed again last, by whomever.
    done: BTreeMap<Name, Millis>,
    /// Own messages that the origin took behind this slot, which is not decided here yet.
    late: Vec<(Name, Slot)>,
    /// What was sealed for whom.
    spent: Spent,
}

impl Recalls {
    /// The clock was set back to now.
    pub(crate) fn set_back(&mut self, now: Millis) {
        for at in self.due.values_mut() {
            *at = now.min(*at);
        }
        for at in self.done.values_mut() {
            *at = now.min(*at);
        }
    }
}

impl Endpoint {
    /// A device says that it cannot read a message.
    pub(crate) fn wanted(
        &mut self,
        now: Millis,
        row: &TeamRow,
        device: Device,
        name: Name,
    ) -> Result<(), Fault> {
        let team = name.team();
        let Rest::Message { channel, device: author, number } = name.place().rest else {
            return Ok(());
        };
        let done = self.recalls.done.get(&name).is_some_and(|at| now < at.plus(QUIET));
        let known = self.recalls.due.contains_key(&name) || done;
        let revoked = self
            .certificate(team, device)?
            .is_none_or(|certificate| certificate.standing == Standing::Revoked);
        if known || revoked || self.team(team)?.is_none() || !self.was_member(row, device, name)? {
            return Ok(());
        }
        let own = author == row.own();
        if channel == Channel::MANAGE {
            if own && row.is_admin() && self.recalls.spent.permits(now, device, name) {
                // Name and channels: the newest will do.
                self.recalls.done.insert(name, now);
                self.announce(now, team, row)?;
            }
            return Ok(());
        }
        let log = log_key(team, channel, author);
        let here: Option<Kept<LogRow>> = self.rows().kept(Table::Log, &log)?;
        let here = here.is_some_and(|log| log.has(number.value()));
        if !own && (!here || self.wanting(&log, number.value())?.is_some()) {
            return Ok(());
        }
        if !self.recalls.spent.permits(now, device, name) {
            return Ok(());
        }
        let wait = if own { 0 } else { self.distance(team, author).saturating_mul(FURTHER) };
        let wait = if own { wait } else { wait.saturating_add(OTHERS) };
        self.recalls.due.insert(name, now.plus(wait));
        Ok(())
    }

    /// How many places our leaf is behind the author's; of somebody who is gone, behind the first.
    fn distance(&self, team: TeamId, author: Device) -> u64 {
        let Some(group) = self.groups.get(&team) else {
            return 0;
        };
        let places: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        let own = self.team(team).ok().flatten().map(|row| row.own());
        let place = |wanted: Option<Device>| {
            places.iter().position(|device| Some(*device) == wanted).unwrap_or_default()
        };
        let all = places.len().max(1);
        let (own, author) = (place(own), place(Some(author)));
        let distance = own.saturating_add(all).saturating_sub(author) % all;
        u64::try_from(distance.min(FURTHEST)).unwrap_or_default()
    }

    /// Asks the history for what is to be sealed again now.
    pub(crate) fn recall(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if !self.may_seal(now, team, &row)? || self.breaks(Broken::NoReseal) {
            return Ok(());
        }
        let decided = row.head().0;
        let late = std::mem::take(&mut self.recalls.late);
        for (name, slot) in late {
            if name.team() == team && slot <= decided {
                self.was_taken_at(now, name, slot)?;
            } else {
                self.recalls.late.push((name, slot));
            }
        }
        let due = self.recalls.due.iter().filter(|(name, at)| name.team() == team && **at <= now);
        let due: Vec<Name> = due.map(|(name, _)| *name).collect();
        for name in due {
            self.recalls.due.remove(&name);
            self.recalls.asked.insert(name);
            self.outputs.push_back(Output::Recall { team, name });
        }
        Ok(())
    }

    /// When the history is asked next.
    pub(crate) fn recall_due(&self, team: TeamId) -> Option<Millis> {
        let due = self.recalls.due.iter().filter(|(name, _)| name.team() == team);
        let due = due.map(|(_, at)| *at).min()?;
        let row = self.team(team).ok().flatten()?;
        // Who was cut off for too long seals nothing until the origin has what waits for it.
        self.may_seal(self.clock, team, &row).ok()?.then_some(due)
    }

    /// The history's answer to [`Output::Recall`]: the message, or that it has none.
    ///
    /// # Errors
    /// A damaged row.
    pub fn recalled(
        &mut self,
        now: Millis,
        name: Name,
        opened: Option<Opened>,
    ) -> Result<(), Fault> {
        let team = name.team();
        let (true, Some(row)) = (self.recalls.asked.remove(&name), self.team(team)?) else {
            return Ok(());
        };
        let Some(opened) = opened.filter(|opened| opened.unreadable.is_none()) else {
            return Ok(());
        };
        let Opened { body, thread, after, at, .. } = opened;
        let content = Content::Text(Said { body, thread, after, at }).bytes()?;
        let Rest::Message { device: author, .. } = name.place().rest else {
            return Ok(());
        };
        let signature = if author == row.own() {
            Some(sign(&Self::log_signer(&row), name, &content))
        } else {
            let key = self.certificate(team, author)?.map(|certificate| certificate.log_key);
            opened.signature.filter(|signature| {
                key.is_some_and(|key| is_signed(&key, name, &content, signature))
            })
        };
        let Some(signature) = signature else {
            return Ok(());
        };
        self.recalls.done.insert(name, now);
        self.recalls.spent.spend(now, name, entries_of(&content).unwrap_or_default());
        self.manage(now, team, &Content::Reseal { name, signature, content })?;
        self.pump(now)
    }

    /// Takes what somebody has sealed again, if it is its author's word and not shown yet.
    pub(crate) fn take_resealed(
        &mut self,
        now: Millis,
        team: TeamId,
        name: Name,
        signature: Signature,
        content: &Zeroizing<Vec<u8>>,
    ) -> Result<(), Fault> {
        let (Some(row), Rest::Message { channel, device, number }) =
            (self.team(team)?, name.place().rest)
        else {
            return Ok(());
        };
        if channel == Channel::MANAGE && name.team() == team {
            let key = self.certificate(team, device)?.map(|certificate| certificate.log_key);
            let signed = key.is_some_and(|key| is_signed(&key, name, content, &signature));
            return if signed { self.roster_came(name, &signature, content) } else { Ok(()) };
        }
        let beside = |thread: &Name| {
            thread.team() == team
                && matches!(thread.place().rest, Rest::Message { channel: at, .. } if at == channel)
        };
        let (Some(Content::Text(said)), Some(count)) =
            (Content::read(content), entries_of(content))
        else {
            return Ok(());
        };
        let Some(certificate) = self.certificate(team, device)? else {
            return Ok(());
        };
        let meant = name.team() == team && said.thread.as_ref().is_none_or(beside);
        if !meant || !is_signed(&certificate.log_key, name, content, &signature) {
            return Ok(());
        }
        self.recalls.due.remove(&name);
        self.recalls.done.insert(name, now);
        let first = number.value();
        let key = log_key(team, channel, device);
        let log = self.log(&key)?;
        let wanted = self.wanting(&key, first)?;
        let here = log.has(first);
        let own = device == row.own();
        let shown = wanted == Some(true) || (wanted.is_none() && (here || own));
        let gone = certificate.standing == Standing::Revoked && !here;
        if shown || gone {
            return Ok(());
        }
        let last = first.saturating_add(count).saturating_sub(1);
        let all_here = own || (first..=last).all(|number| log.has(number));
        self.no_want(&key, first, all_here)?;
        let part = [&key[..], &first.to_be_bytes()].concat();
        if self.rows().get::<PartRow>(Table::Part, &part)?.is_some() {
            self.rows().remove(Table::Part, &part);
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let user = Self::leaves(group).find(|leaf| leaf.device == device);
        let Said { body, thread, after, at } = said;
        self.outputs.push_back(Output::Message(Opened {
            team,
            channel,
            name,
            last: Number::truncate(last),
            device,
            user: user.map(|leaf| leaf.user).unwrap_or_default(),
            own,
            at,
            body,
            thread,
            after,
            unreadable: None,
            missing_before: log.missing_before(first),
            signature: Some(signature),
        }));
        self.is_used(now, team)?;
        self.owe_beacon(now, team)
    }

    /// The origin has taken an own message behind a slot. Where that is so late that those who
    /// follow the slots have no key for it any more, it is sealed again at once.
    pub(crate) fn was_taken_at(
        &mut self,
        now: Millis,
        name: Name,
        head: Slot,
    ) -> Result<(), Fault> {
        let team = name.team();
        let (Some(row), Rest::Message { channel, device, number }) =
            (self.team(team)?, name.place().rest)
        else {
            return Ok(());
        };
        if channel == Channel::MANAGE || device != row.own() {
            return Ok(());
        }
        if head > row.head().0 {
            self.recalls.late.push((name, head));
            return Ok(());
        }
        let log: Option<Kept<LogRow>> =
            self.rows().kept(Table::Log, &log_key(team, channel, device))?;
        let epoch = log.and_then(|log| log.epoch(number.value()));
        let (Some(epoch), Some(head)) = (epoch, row.known_head(head)) else {
            return Ok(());
        };
        if head.epoch > epoch.saturating_add(KEPT_EPOCHS) && !self.recalls.done.contains_key(&name)
        {
            self.recalls.due.insert(name, now);
        }
        Ok(())
    }
}

/// Whoever is not the author waits so long, in ms, and for each place in the tree so much longer,
/// at most so many times.
const OTHERS: u64 = 10_000;
const FURTHER: u64 = 5_000;
const FURTHEST: usize = 24;
/// What was sealed again is on its way; so long, in ms, nobody is heard who wants it.
const QUIET: u64 = 30_000;
