//! Beacons: what has arrived here, told to the team; and what has arrived there.

use std::collections::BTreeMap;

use names::{Channel, Device, TeamId};
use objects::{Hash, Key, Millis};

use crate::bound::SeenHead;
use crate::content::{Content, MOST_TIPS, Tip, prefix};
use crate::identity::Leaf;
use crate::open::Entry;
use crate::rows::Table;
use crate::state::{LogRow, TeamRow, log_key, log_of, team_key};
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// A message has arrived: tell of it soon.
    pub(crate) fn owe_beacon(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        // The member tool is no reader: nobody waits for its word.
        if row.beacon_due.is_none() && !row.is_admin() {
            row.beacon_due = Some(now.plus(SOON).0);
            self.put_team(team, &row)?;
        }
        Ok(())
    }

    /// Tells what has arrived, when that is due.
    pub(crate) fn tell(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        let due = row.beacon_due.is_some_and(|due| due <= now.0);
        if !due || !self.may_seal(team, &row) {
            return Ok(());
        }
        row.beacon_due = None;
        self.put_team(team, &row)?;
        let tips = self.untold(team, &row)?;
        let authenticator = self
            .groups
            .get(&team)
            .map(|group| group.epoch_authenticator().as_slice().to_vec())
            .unwrap_or_default();
        for tips in tips.chunks(MOST_TIPS) {
            let (authenticator, tips) = (authenticator.clone(), tips.to_vec());
            let content = Content::Beacon { authenticator, tips, wants: Vec::new() };
            self.seal_beacon(now, team, &row, &content)?;
        }
        Ok(())
    }

    /// When the next beacon of a team is due.
    pub(crate) fn beacon_due(&self, team: TeamId) -> Option<Millis> {
        let row = self.team(team).ok().flatten()?;
        self.may_seal(team, &row).then_some(row.beacon_due?).map(Millis)
    }

    /// Logs of others that have grown since our last beacon; told of with the next one.
    fn untold(&self, team: TeamId, row: &TeamRow) -> Result<Vec<Tip>, Fault> {
        let mut tips = Vec::new();
        for key in self.rows().keys(Table::Log, &team_key(team)) {
            let (Some((channel, device)), Some(mut log)) =
                (log_of(&key), self.rows().get::<LogRow>(Table::Log, &key)?)
            else {
                return Err(Fault::Row);
            };
            let next = log.whole_below();
            if device == row.own() || channel == Channel::MANAGE || next <= log.told {
                continue;
            }
            log.told = next;
            self.rows().put(Table::Log, &key, &log)?;
            // Only of the newest entry is the hash known.
            let hash = if next == log.next { prefix(&Hash(log.tip)) } else { [0; 12] };
            tips.push(Tip { channel, device, next, hash });
        }
        Ok(tips)
    }

    /// Somebody says what has arrived there.
    pub(crate) fn beacon_came(
        &mut self,
        entry: &Entry<'_>,
        head: &SeenHead,
        authenticator: &[u8],
        tips: &[Tip],
    ) -> Result<(), Fault> {
        let Some(row) = self.team(entry.team)? else {
            return Ok(());
        };
        if let Some(known) = row.known_head(head.slot) {
            let other = !known.authenticator.is_empty() && known.authenticator != authenticator;
            if !head.is(known) || other {
                let (team, slot) = (entry.team, head.slot);
                self.outputs.push_back(Output::Notice(Notice::TwoHistories { team, slot }));
            }
        }
        for tip in tips.iter().filter(|tip| tip.device == row.own()) {
            self.cover(entry.team, tip.channel, entry.device, tip.next)?;
            self.recount(entry.team, tip.channel)?;
        }
        Ok(())
    }

    /// Notes that a device has our entries of a channel below `next`.
    fn cover(
        &self,
        team: TeamId,
        channel: Channel,
        device: Device,
        next: u64,
    ) -> Result<(), Fault> {
        let key = log_key(team, channel, device);
        let known: u64 = self.rows().get(Table::Cover, &key)?.unwrap_or_default();
        if next > known { self.rows().put(Table::Cover, &key, &next) } else { Ok(()) }
    }

    /// Somebody new cannot read what was written before: that counts as theirs already.
    pub(crate) fn cover_past(&mut self, team: TeamId, newcomers: &[Device]) -> Result<(), Fault> {
        for (channel, log) in self.own_logs(team)? {
            for device in newcomers {
                self.cover(team, channel, *device, log.next)?;
            }
            self.recount(team, channel)?;
        }
        Ok(())
    }

    fn own_logs(&self, team: TeamId) -> Result<Vec<(Channel, LogRow)>, Fault> {
        let own = self.team(team)?.ok_or(Fault::Row)?.own();
        let mut logs = Vec::new();
        for key in self.rows().keys(Table::Log, &team_key(team)) {
            if let Some((channel, device)) = log_of(&key)
                && device == own
                && let Some(log) = self.rows().get(Table::Log, &key)?
            {
                logs.push((channel, log));
            }
        }
        Ok(logs)
    }

    /// Counts anew what of our log in a channel is delivered: what a device of every other person
    /// has, the member tool aside.
    fn recount(&mut self, team: TeamId, channel: Channel) -> Result<(), Fault> {
        let (Some(row), Some(group)) = (self.team(team)?, self.groups.get(&team)) else {
            return Ok(());
        };
        let own_user = Leaf::read(&row.credential).map(|leaf| leaf.user_key);
        let mut people: BTreeMap<Key, u64> = BTreeMap::new();
        for leaf in Self::leaves(group) {
            if Some(leaf.user_key) != own_user && leaf.device != Device::MEMBER_TOOL {
                let key = log_key(team, channel, leaf.device);
                let covered: u64 = self.rows().get(Table::Cover, &key)?.unwrap_or_default();
                let most = people.entry(leaf.user_key).or_default();
                *most = covered.max(*most);
            }
        }
        let key = log_key(team, channel, row.own());
        let stored: Option<LogRow> = self.rows().get(Table::Log, &key)?;
        let (Some(delivered), Some(mut log)) = (people.into_values().min(), stored) else {
            return Ok(());
        };
        if delivered.min(log.next) > log.delivered {
            log.delivered = delivered.min(log.next);
            self.rows().put(Table::Log, &key, &log)?;
            self.touched.insert((team, channel));
        }
        Ok(())
    }
}

impl LogRow {
    /// Everything below this number is here.
    fn whole_below(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.from).min().unwrap_or(self.next)
    }
}

/// Beacons wait so long, in ms, for more to tell of.
const SOON: u64 = 1_000;
