//! What of our logs has reached whom.

use std::collections::BTreeMap;

use names::{Channel, Device, TeamId};
use objects::Key;

use crate::identity::Leaf;
use crate::kept::Kept;
use crate::rows::Table;
use crate::state::{LogRow, log_key, log_of, team_key};
use crate::{Endpoint, Fault};

impl Endpoint {
    /// Notes that a device has our entries of a channel below `next`.
    pub(crate) fn cover(
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
        self.note_members(team)?;
        for (channel, log) in self.own_logs(team)? {
            for device in newcomers {
                self.cover(team, channel, *device, log.next)?;
            }
            self.recount(team, channel)?;
        }
        Ok(())
    }

    fn own_logs(&self, team: TeamId) -> Result<Vec<(Channel, Kept<LogRow>)>, Fault> {
        let own = self.team(team)?.ok_or(Fault::Row)?.own();
        let mut logs = Vec::new();
        for key in self.rows().keys(Table::Log, &team_key(team)) {
            if let Some((channel, device)) = log_of(&key)
                && device == own
                && let Some(log) = self.rows().kept(Table::Log, &key)?
            {
                logs.push((channel, log));
            }
        }
        Ok(logs)
    }

    /// Counts anew what of our log in a channel is delivered: what a device of every other person
    /// has, the member tool aside.
    pub(crate) fn recount(&mut self, team: TeamId, channel: Channel) -> Result<(), Fault> {
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
        let stored: Option<Kept<LogRow>> = self.rows().kept(Table::Log, &key)?;
        let (Some(delivered), Some(mut log)) = (people.into_values().min(), stored) else {
            return Ok(());
        };
        if delivered.min(log.next) > log.delivered {
            log.delivered = delivered.min(log.next);
            self.put_log(&key, &log)?;
            self.touched.insert((team, channel));
        }
        Ok(())
    }
}
