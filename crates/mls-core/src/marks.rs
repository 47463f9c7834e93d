//! How far own messages have come: at the relay, at the origin, with everybody.

use names::{Channel, Device, TeamId};

use crate::state::log_key;
use crate::{Endpoint, Fault, Output, Watermark};

impl Endpoint {
    /// Says how far own messages have come, where that changed.
    pub(crate) fn report_watermarks(&mut self) -> Result<(), Fault> {
        for (team, channel) in std::mem::take(&mut self.touched) {
            let own = self.team(team)?.ok_or(Fault::Row)?.own();
            let watermark = self.watermark(team, channel, own)?;
            self.outputs.push_back(Output::Watermark(watermark));
        }
        Ok(())
    }

    pub(crate) fn watermark(
        &self,
        team: TeamId,
        channel: Channel,
        own: Device,
    ) -> Result<Watermark, Fault> {
        let key = log_key(team, channel, own);
        let log = self.log(&key)?;
        let current = self.team(team)?.is_some_and(|row| row.own() == own);
        let (local, relay) = if current {
            self.underway.marks((team, channel), log.next)
        } else {
            (log.next, log.next)
        };
        let number = |number| u32::try_from(number).unwrap_or(0);
        let [local, relay, delivered] = [local, relay, log.delivered].map(number);
        Ok(Watermark { team, channel, local, relay, delivered })
    }
}
