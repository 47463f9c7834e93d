//! The guard against a restored vault: after each start nothing is sealed before the relay has
//! shown that our logs end where we think.

use std::collections::BTreeSet;

use names::{Blob, Channel, Name, Number, Piece, Rest, TeamId};
use objects::{Millis, Object, Receipt};

use crate::kept::Kept;
use crate::rows::Table;
use crate::state::{LogRow, Stage, TeamRow, log_key, log_of, team_key};
use crate::{Broken, Endpoint, Fault, Notice, Output};

/// How far a team's guard is, since the start of the process.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Guard {
    /// It waits until everything that the relay has is here, and then until this time.
    Shut(Millis),
    /// These names were asked for: the newest of each own log, and the one behind it.
    Asking(BTreeSet<Name>),
    /// An own entry that is unknown here was found: first where that log ends must be known.
    Behind(Name),
}

impl Guard {
    /// Waits no longer than until now.
    pub(crate) fn is_due_by(&mut self, now: Millis) {
        if let Self::Shut(after) = self {
            *after = now.min(*after);
        }
    }
}

impl Endpoint {
    /// Has the relay shown that nothing of ours is unknown here?
    pub(crate) fn is_guarded(&self, team: TeamId) -> bool {
        self.guards.contains_key(&team) && !self.breaks(Broken::NoGuard)
    }

    /// Asks for the ends of our logs, once everything else is here.
    pub(crate) fn guard(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(Guard::Shut(after)) = self.guards.get(&team) else {
            return Ok(());
        };
        let caught_up = self.link.as_ref().is_some_and(|link| link.caught_up.contains(&team));
        let (true, true, Some(row)) = (caught_up, *after <= now, self.team(team)?) else {
            return Ok(());
        };
        if matches!(row.stage, Stage::Joining { .. }) {
            // Somebody may have joined with this vault before.
            return Ok(());
        }
        self.ask_for_unsent(team, &row);
        // A commit leaves nothing in a log.
        let mut asked = BTreeSet::from([next_piece(team, &row)]);
        asked.extend(self.pending_piece(team)?.map(|piece| piece.name()));
        let channels = self.own_channels(team, &row)?;
        for channel in &channels {
            let log = self.own_log(team, &row, *channel)?;
            let (local, _) = self.underway.marks((team, *channel), log.next);
            if local < log.next {
                // The relay has not got all of it yet: its answer would say nothing.
                return Ok(());
            }
            let newest = log.next.checked_sub(1);
            asked.extend(newest.map(|number| own_name(team, &row, *channel, number)));
            asked.insert(own_name(team, &row, *channel, log.next));
        }
        self.proven.extend(channels.into_iter().map(|channel| (team, channel)));
        for name in &asked {
            self.ask_for(team, *name);
        }
        self.guards.insert(team, Guard::Asking(asked));
        self.pass_guard(now, team)
    }

    /// Has the relay shown where our log in this channel ends? One that was not known when it was
    /// asked is asked for now.
    pub(crate) fn is_proven(&mut self, team: TeamId, channel: Channel) -> bool {
        let proven = self.fresh.contains(&team) || self.proven.contains(&(team, channel));
        if !proven {
            self.guards.entry(team).or_insert(Guard::Shut(Millis(0)));
        }
        proven
    }

    pub(crate) fn ask_for(&mut self, team: TeamId, name: Name) {
        if let Some(link) = &mut self.link {
            let id = link.next_ask;
            link.next_ask = id.saturating_add(1);
            link.own.insert(id, (team, name));
            self.outputs.push_back(Output::Get { id, name });
        }
    }

    /// When the relay is asked again.
    pub(crate) fn guard_due(&self, team: TeamId) -> Option<Millis> {
        let caught_up = self.link.as_ref()?.caught_up.contains(&team);
        match self.guards.get(&team)? {
            Guard::Shut(after) if caught_up => Some(*after).filter(|after| *after != Millis(0)),
            Guard::Shut(_) | Guard::Asking(_) | Guard::Behind(_) => None,
        }
    }

    /// The answers to come went with the link.
    pub(crate) fn shut_guards(&mut self) {
        for guard in self.guards.values_mut() {
            *guard = Guard::Shut(Millis(0));
        }
        self.unsent.values_mut().for_each(|asked| *asked = None);
    }

    /// The relay's answer to a question of the guard; false if it is another's.
    pub(crate) fn own_found(
        &mut self,
        now: Millis,
        id: u64,
        object: Option<&Object>,
        receipt: Option<&Receipt>,
    ) -> Result<bool, Fault> {
        let asked = self.link.as_mut().and_then(|link| link.own.remove(&id));
        let Some((team, name)) = asked else {
            return Ok(false);
        };
        let Some(row) = self.team(team)? else {
            return Ok(true);
        };
        let Rest::Message { channel, number, .. } = name.place().rest else {
            if matches!(name.place().rest, Rest::Blob { device, .. } if device == row.own()) {
                let pending = self.pending_piece(team)?;
                let same = |object: &Object| {
                    pending.as_ref().is_some_and(|piece| piece.entry_hash() == object.entry_hash())
                };
                let ours = object.is_some_and(|object| {
                    object.name() == name
                        && object.verifies(&Self::log_signer(&row).key())
                        && !same(object)
                });
                self.piece_found(now, team, name, ours)?;
            } else {
                self.fetched(now, team, name, object, receipt)?;
            }
            return Ok(true);
        };
        let log = self.own_log(team, &row, channel)?;
        let ours = object.filter(|object| {
            object.name() == name && object.verifies(&Self::log_signer(&row).key())
        });
        if let Some(object) = ours
            && self.is_taken(object)?
        {
            self.found_unknown(now, team, object)?;
            return Ok(true);
        }
        if self.unsent_found(team, channel, number.value(), ours)? {
            return Ok(true);
        }
        let known = number.value().checked_add(1) == Some(log.next);
        match (ours, self.guards.get_mut(&team)) {
            (Some(object), _) if known && object.entry_hash().0 != log.tip => {
                self.found_unknown(now, team, object)?;
            }
            (Some(object), _) if number.value() >= log.next => {
                self.found_unknown(now, team, object)?;
            }
            (Some(_), Some(Guard::Asking(asked))) => {
                asked.remove(&name);
            }
            // Behind the newest there is nothing, as it should be.
            (None, Some(Guard::Asking(asked))) if object.is_none() && !known => {
                asked.remove(&name);
            }
            (None, Some(Guard::Behind(at))) if *at == name => {
                // The log ends here; now everything is looked at again.
                self.guards.insert(team, Guard::Shut(Millis(0)));
                self.guard(now, team)?;
            }
            (None, Some(guard @ Guard::Asking(_))) => {
                *guard = Guard::Shut(now.plus(AGAIN));
                if object.is_none() {
                    self.send_lacking(name, number.value())?;
                }
            }
            (Some(_) | None, _) => {}
        }
        self.pass_guard(now, team)?;
        Ok(true)
    }

    /// What the relay has of the next blob that we would make, and of the commit that waits: nothing
    /// but the same, unless somebody went on from another state of this vault and made a commit.
    fn piece_found(
        &mut self,
        now: Millis,
        team: TeamId,
        name: Name,
        ours: bool,
    ) -> Result<(), Fault> {
        if ours {
            self.outputs.push_back(Output::Notice(Notice::RestoredVault { name }));
            self.pass_blobs(team)?;
            self.guards.insert(team, Guard::Shut(Millis(0)));
            self.rejoin(now, team)?;
            self.never_again(team)?;
            return self.guard(now, team);
        }
        if let Some(Guard::Asking(asked)) = self.guards.get_mut(&team) {
            asked.remove(&name);
        }
        self.pass_guard(now, team)
    }

    fn pass_guard(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let passed =
            matches!(self.guards.get(&team), Some(Guard::Asking(asked)) if asked.is_empty());
        if passed {
            self.guards.remove(&team);
            if let Some(link) = &mut self.link {
                link.let_leave();
            }
            self.seal_waiting(now, team)?;
        }
        Ok(())
    }

    /// An own entry that is unknown here: somebody went on from a later state of this vault. Its
    /// numbers are passed over, what waits gets later ones, and the keys are renewed.
    pub(crate) fn found_unknown(
        &mut self,
        now: Millis,
        team: TeamId,
        object: &Object,
    ) -> Result<(), Fault> {
        let name = object.name();
        let (Some(row), Rest::Message { channel, number, .. }) =
            (self.team(team)?, name.place().rest)
        else {
            return Ok(());
        };
        let key = log_key(team, channel, row.own());
        if self.is_taken(object)? {
            self.take_back(team, &row, channel, number.value())?;
        }
        let mut log = self.own_log(team, &row, channel)?;
        let highest = number.value().checked_add(1) == Some(log.next) || number.value() >= log.next;
        if !highest {
            return Ok(());
        }
        if matches!(row.stage, Stage::Member | Stage::Stalled { .. }) {
            self.outputs.push_back(Output::Notice(Notice::RestoredVault { name }));
        }
        if channel != Channel::MANAGE {
            // What was said in the time that is lost here, others can say again.
            let first = number.value().saturating_sub(object.part().index.into());
            self.want_at(now, team, &key, first)?;
        }
        log.next = number.value().saturating_add(1);
        log.tip = object.entry_hash().0;
        self.put_log(&key, &log)?;
        self.rename_waiting(team, &row, channel)?;
        let next = own_name(team, &row, channel, log.next);
        self.guards.insert(team, Guard::Behind(next));
        self.ask_for(team, next);
        self.rejoin(now, team)?;
        self.never_again(team)
    }

    fn own_log(
        &self,
        team: TeamId,
        row: &TeamRow,
        channel: Channel,
    ) -> Result<Kept<LogRow>, Fault> {
        let key = log_key(team, channel, row.own());
        self.log(&key)
    }

    /// Channels that we have a log in, or may have.
    fn own_channels(&self, team: TeamId, row: &TeamRow) -> Result<BTreeSet<Channel>, Fault> {
        let mut channels: BTreeSet<Channel> =
            row.channels.iter().map(|(number, _)| Channel::truncate(*number)).collect();
        channels.insert(Channel::MANAGE);
        let logs = self.rows().keys(Table::Log, &team_key(team));
        let own = |key: &Vec<u8>| log_of(key).filter(|(_, device)| *device == row.own());
        channels.extend(logs.iter().filter_map(own).map(|(channel, _)| channel));
        Ok(channels)
    }
}

fn next_piece(team: TeamId, row: &TeamRow) -> Name {
    let blob = Blob::truncate(row.next_blob);
    team.name(Rest::Blob { device: row.own(), blob, piece: Piece::ZERO })
}

pub(crate) fn own_name(team: TeamId, row: &TeamRow, channel: Channel, number: u64) -> Name {
    let number = Number::truncate(number);
    team.name(Rest::Message { channel, device: row.own(), number })
}

/// The relay is asked again so much later, in ms, when it has lost what it said it has.
const AGAIN: u64 = 10_000;
