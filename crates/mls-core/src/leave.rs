//! Removal, as the removed device sees it: keys go, history stays.

use names::TeamId;

use crate::open::{Ahead, ahead_prefix};
use crate::rows::Table;
use crate::seed::Seed;
use crate::state::{Stage, team_key};
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// Leaves a team in which our certificate is revoked, whatever became of the commit.
    pub(crate) fn leave_if_revoked(&mut self, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let removed = row.stage != Stage::Removed && self.is_removed(team, &row)?;
        if removed { self.leave(team) } else { Ok(()) }
    }

    /// Drops the group of a team, its keys, and all that waits. What was read stays, and so does
    /// the place in the order of slots, in case that this device comes back.
    pub(crate) fn leave(&mut self, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        row.stage = Stage::Removed;
        (row.log_seed, row.leaf_seed) = (Seed::none(), Seed::none());
        (row.former_leaf, row.withdrawn) = (None, None);
        row.beacon_due = None;
        self.put_team(team, &row)?;
        if let Some(mut group) = self.groups.remove(&team) {
            group.delete(&self.provider.rows)?;
        }
        self.fail_waiting(team, &row)?;
        self.give_up(team)?;
        self.unqueue(team, |_| true)?;
        self.drop_uses(team)?;
        self.underway.leave(team);
        self.guards.remove(&team);
        self.touched.retain(|(of, _)| *of != team);
        let gone =
            [Table::Intent, Table::Done, Table::Claim, Table::Part, Table::Stall, Table::Sent];
        for table in gone.into_iter().chain([Table::Candidate]) {
            for key in self.rows().keys(table, &team_key(team)) {
                self.rows().remove(table, &key);
            }
        }
        for kind in [Ahead::Piece, Ahead::Entry, Ahead::Pointer] {
            for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, kind)) {
                self.rows().remove(Table::Ahead, &key);
            }
        }
        self.outputs.push_back(Output::Unsubscribe { team });
        self.outputs.push_back(Output::Notice(Notice::Removed { team }));
        self.outputs.push_back(Output::TeamsChanged);
        Ok(())
    }
}
