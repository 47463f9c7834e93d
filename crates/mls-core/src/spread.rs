//! When to commit: not all at once after a lost slot, and not only when people ask.

use names::TeamId;
use objects::{Claim, Millis, Object};

use crate::rows::Table;
use crate::state::{Stage, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault};

impl Endpoint {
    /// Our claim has lost to this one: the next try waits the longer, the further our leaf is
    /// behind the winner's, so that one slot is not contested by the same devices again.
    pub(crate) fn step_back(&mut self, now: Millis, team: TeamId, winner: &Object) {
        let Some(group) = self.groups.get(&team) else {
            return;
        };
        let claim = Claim::parse(winner.data().unwrap_or_default()).ok();
        let winner = claim.and_then(|claim| Self::place(group, claim.device));
        let own = u64::from(group.own_leaf_index().u32());
        let leaves = group.members().map(|member| u64::from(member.index.u32())).max();
        let leaves = leaves.unwrap_or_default().saturating_add(1);
        let winner = winner.map_or(own, |index| u64::from(index.u32()));
        let behind = own.saturating_add(leaves).saturating_sub(winner).checked_rem(leaves);
        let wait = behind.unwrap_or_default().saturating_mul(STEP).min(MOST_WAIT);
        self.quiet_until.insert(team, now.plus(wait));
    }

    /// No claim before this time.
    pub(crate) fn quiet(&self, team: TeamId) -> Millis {
        self.quiet_until.get(&team).copied().unwrap_or(Millis(0))
    }

    /// Wishes to renew the own leaf when its time has come.
    pub(crate) fn plan_refresh(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        if self.team(team)?.is_none_or(|row| row.stage != Stage::Member) {
            return Ok(());
        }
        let planned: Option<u64> = self.rows().get(Table::Renewal, &team_key(team))?;
        let every = self.policy(team).unwrap_or_default().refresh_every;
        match planned {
            // A plan beyond the period is one of a longer policy, or of a clock that was wrong.
            Some(planned) if planned > now.0 && planned <= now.plus(every).0 => Ok(()),
            Some(planned) if planned <= now.0 => {
                self.renewed(now, team)?;
                match self.wish(team, &Intent::Refresh)? {
                    Some(_) => Ok(()),
                    None => self.wish_refresh(team, now),
                }
            }
            Some(_) | None => self.renewed(now, team),
        }
    }

    /// The own leaf is new: the next time is a period away, at random up to an eighth less.
    pub(crate) fn renewed(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let every = self.policy(team).unwrap_or_default().refresh_every;
        let jitter = self.draw_number().checked_rem(every / 8).unwrap_or_default();
        let next = now.plus(every.saturating_sub(jitter));
        self.rows().put(Table::Renewal, &team_key(team), &next.0)
    }

    /// When the own leaf is to be renewed by itself.
    pub(crate) fn renewal(&self, team: TeamId) -> Result<Option<Millis>, Fault> {
        if self.team(team)?.is_none_or(|row| row.stage != Stage::Member) {
            return Ok(None);
        }
        let planned: Option<u64> = self.rows().get(Table::Renewal, &team_key(team))?;
        Ok(planned.map(Millis))
    }
}

const STEP: u64 = 100;
const MOST_WAIT: u64 = 3_000;
