//! What cannot be read here, and is asked for in beacons.

use std::collections::BTreeMap;

use names::{Channel, Device, Name, Number, Rest, TeamId};
use objects::Millis;
use serde::{Deserialize, Serialize};

use crate::content::MOST_WANTS;
use crate::kept::Kept;
use crate::open::Entry;
use crate::rows::Table;
use crate::state::{LogRow, TeamRow, log_key, log_of, team_key};
use crate::unsealed::ENTRY_LIFE;
use crate::{Endpoint, Fault};

/// A message whose entries are no way to it; the key is its log and the number of the first.
#[derive(Serialize, Deserialize)]
struct WantRow {
    since: u64,
    /// When it was last asked for: which of our beacons it was.
    asked: u64,
    /// How often it was asked for.
    #[serde(default)]
    times: u64,
    /// Somebody has sealed it again before its own entries came: those say nothing new.
    shown: bool,
}

impl Endpoint {
    /// Asks for a message that cannot be read here.
    pub(crate) fn want(&mut self, now: Millis, entry: &Entry<'_>, first: u64) -> Result<(), Fault> {
        // What other devices than the member tool say in that channel is old news.
        let stale = entry.channel == Channel::MANAGE && entry.device != Device::MEMBER_TOOL;
        if stale {
            return Ok(());
        }
        self.want_at(now, entry.team, &log_key(entry.team, entry.channel, entry.device), first)
    }

    pub(crate) fn want_at(
        &mut self,
        now: Millis,
        team: TeamId,
        log: &[u8],
        first: u64,
    ) -> Result<(), Fault> {
        let key = want_key(log, first);
        if self.rows().has(Table::Want, &key) || self.wants_of(team, log)? >= MOST {
            return Ok(());
        }
        let row = WantRow { since: now.0, asked: 0, times: 0, shown: false };
        self.rows().put(Table::Want, &key, &row)?;
        self.ask_again(now, team)
    }

    /// How much is wanted of the author of a log, in all channels.
    fn wants_of(&self, team: TeamId, log: &[u8]) -> Result<usize, Fault> {
        let author = |key: &[u8]| log_of(key).map(|(_, device)| device);
        let mut count = 0_usize;
        for key in self.rows().keys(Table::Want, &team_key(team)) {
            let of = key.split_last_chunk::<8>().and_then(|(log, _)| author(log));
            let row: Option<WantRow> = self.rows().get(Table::Want, &key)?;
            if of == author(log) && row.is_some_and(|row| !row.shown) {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// Asks for what is wanted, for a while: after each link, and whenever there is more of it.
    pub(crate) fn ask_again(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        if self.rows().count(Table::Want, &team_key(team)) == 0 {
            return Ok(());
        }
        self.is_used(now, team)?;
        self.owe_beacon(now, team)
    }

    /// Is it wanted? `None` when it is not, `true` when it was sealed again already.
    pub(crate) fn wanting(&self, log: &[u8], first: u64) -> Result<Option<bool>, Fault> {
        let row: Option<WantRow> = self.rows().get(Table::Want, &want_key(log, first))?;
        Ok(row.map(|row| row.shown))
    }

    /// It can be read now. Its own entries, if they are still to come, say nothing new.
    pub(crate) fn no_want(&self, log: &[u8], first: u64, here: bool) -> Result<(), Fault> {
        let key = want_key(log, first);
        if here {
            self.rows().remove(Table::Want, &key);
            return Ok(());
        }
        let row = WantRow { since: 0, asked: 0, times: 0, shown: true };
        self.rows().put(Table::Want, &key, &row)
    }

    /// Was the message of this entry sealed again, and is shown already?
    pub(crate) fn was_resealed(&self, entry: &Entry<'_>, first: u64) -> Result<bool, Fault> {
        let log = log_key(entry.team, entry.channel, entry.device);
        Ok(self.wanting(&log, first)? == Some(true))
    }

    /// What the next beacon asks for: what was not asked for the longest time. What is older than
    /// its entries could be, and not only by our clock, is given up.
    pub(crate) fn wants(&self, now: Millis, team: TeamId, turn: u64) -> Result<Vec<Name>, Fault> {
        let mut wants = Vec::new();
        for key in self.rows().keys(Table::Want, &team_key(team)) {
            let row: WantRow = self.rows().get(Table::Want, &key)?.ok_or(Fault::Row)?;
            if row.shown {
                continue;
            }
            let old = row.since.saturating_add(ENTRY_LIFE) <= now.0;
            if old && row.times >= OFTEN {
                self.rows().remove(Table::Want, &key);
            } else {
                wants.push((row.asked, key, row));
            }
        }
        wants.sort_by(|(a, key, _), (b, other, _)| (a, key).cmp(&(b, other)));
        // One of each author before the second of any: who makes up numbers pushes nobody aside.
        let mut turns: BTreeMap<Option<Device>, usize> = BTreeMap::new();
        wants.sort_by_cached_key(|(_, key, _)| {
            let author = wanted_name(team, key).and_then(author_of);
            let turn = turns.entry(author).or_default();
            *turn = turn.saturating_add(1);
            *turn
        });
        wants.truncate(MOST_WANTS);
        let mut names = Vec::new();
        for (_, key, mut row) in wants {
            row.asked = turn;
            row.times = row.times.saturating_add(1);
            self.rows().put(Table::Want, &key, &row)?;
            names.push(wanted_name(team, &key).ok_or(Fault::Row)?);
        }
        Ok(names)
    }

    /// Everything of a log below this number can be read here; `key` is the log's.
    pub(crate) fn readable_below(&self, key: &[u8], log: &LogRow) -> Result<u64, Fault> {
        let whole = log.whole_below();
        for key in self.rows().keys(Table::Want, key) {
            let row: WantRow = self.rows().get(Table::Want, &key)?.ok_or(Fault::Row)?;
            if !row.shown {
                return Ok(first_of(&key).ok_or(Fault::Row)?.min(whole));
            }
        }
        Ok(whole)
    }

    /// A newer roster is here: older ones are wanted no more.
    pub(crate) fn want_no_roster(&self, team: TeamId) {
        let log = log_key(team, Channel::MANAGE, Device::MEMBER_TOOL);
        for key in self.rows().keys(Table::Want, &log) {
            self.rows().remove(Table::Want, &key);
        }
    }

    /// Notes since which epoch each device is in the team.
    pub(crate) fn note_members(&self, team: TeamId) -> Result<(), Fault> {
        let Some(group) = self.groups.get(&team) else {
            return Ok(());
        };
        let epoch = group.epoch().as_u64();
        for leaf in Self::leaves(group) {
            let key = since_key(team, leaf.device);
            if !self.rows().has(Table::Since, &key) {
                self.rows().put(Table::Since, &key, &epoch)?;
            }
        }
        Ok(())
    }

    pub(crate) fn note_epoch(&mut self, team: TeamId) -> Result<(), Fault> {
        let epoch = self.groups.get(&team).map(|group| group.epoch().as_u64());
        if let Some(epoch) = epoch
            && self.noted.insert(team, epoch) != Some(epoch)
        {
            self.note_members(team)?;
        }
        Ok(())
    }

    /// Was a device in the team already when this entry was sealed? What nobody remembers counts
    /// as older than everything.
    pub(crate) fn was_member(
        &self,
        row: &TeamRow,
        device: Device,
        name: Name,
    ) -> Result<bool, Fault> {
        let Rest::Message { channel, device: author, number } = name.place().rest else {
            return Ok(false);
        };
        let team = name.team();
        let log: Option<Kept<LogRow>> =
            self.rows().kept(Table::Log, &log_key(team, channel, author))?;
        let epoch = log.and_then(|log| log.epoch(number.value())).unwrap_or_default();
        let since: Option<u64> = self.rows().get(Table::Since, &since_key(team, device))?;
        Ok(device == row.own() || since.is_some_and(|since| since <= epoch))
    }
}

fn want_key(log: &[u8], first: u64) -> Vec<u8> {
    [log, &first.to_be_bytes()].concat()
}

fn author_of(name: Name) -> Option<Device> {
    if let Rest::Message { device, .. } = name.place().rest { Some(device) } else { None }
}

fn first_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|first| u64::from_be_bytes(*first))
}

fn wanted_name(team: TeamId, key: &[u8]) -> Option<Name> {
    let (log, _) = key.split_last_chunk::<8>()?;
    let (channel, device) = log_of(log)?;
    let number = Number::truncate(first_of(key)?);
    Some(team.name(Rest::Message { channel, device, number }))
}

fn since_key(team: TeamId, device: Device) -> Vec<u8> {
    [team_key(team), device.value().to_be_bytes()].concat()
}

/// So often is it asked for at least, whatever the clock says.
const OFTEN: u64 = 256;
/// With so many wanted of one author, no more are: it could make up any number.
const MOST: usize = 1024;
