//! Slots that receipts speak of and that do not come: somebody on the way may hold them back.

use names::{Slot, TeamId};
use objects::Millis;

use crate::state::Stage;
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// A receipt of ours names the last slot that its relay knows.
    pub(crate) fn heard_head(
        &mut self,
        now: Millis,
        team: TeamId,
        head: Slot,
    ) -> Result<(), Fault> {
        // Those who wait to be welcomed may not read yet.
        let known = self
            .team(team)?
            .is_none_or(|row| matches!(row.stage, Stage::Joining { .. }) || row.head().0 >= head);
        if let Some(link) = &mut self.link
            && !known
        {
            link.withheld.entry(team).or_insert((head, now, false));
        }
        Ok(())
    }

    /// Tells people, when what a receipt has named has not come for a minute. Nothing else hangs
    /// on that, since this machine's clock may be wrong.
    pub(crate) fn tell_withheld(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        let Some((head, since, told)) = link.withheld.get_mut(&team) else {
            return Ok(());
        };
        if row.head().0 >= *head {
            link.withheld.remove(&team);
        } else if !*told && since.plus(PATIENCE) <= now {
            *told = true;
            self.outputs.push_back(Output::Notice(Notice::SlotsWithheld { team }));
        }
        Ok(())
    }

    pub(crate) fn withheld_due(&self, team: TeamId) -> Option<Millis> {
        let (_, since, told) = self.link.as_ref()?.withheld.get(&team)?;
        (!told).then(|| since.plus(PATIENCE))
    }
}

/// How long slots may take, in ms.
const PATIENCE: u64 = 60_000;
