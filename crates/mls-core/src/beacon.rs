//! Beacons: what has arrived here, told to the team; and what has arrived there.

use names::{Channel, Name, TeamId};
use objects::{Hash, Millis};

use crate::bound::SeenHead;
use crate::content::{Content, MOST_TIPS, Tip, prefix};
use crate::kept::Kept;
use crate::open::Entry;
use crate::rows::Table;
use crate::state::{LogRow, TeamRow, log_of, team_key};
use crate::{Endpoint, Fault, Notice, Output};

/// What somebody says of what is there.
pub(crate) struct Beacon {
    pub(crate) authenticator: Vec<u8>,
    pub(crate) tips: Vec<Tip>,
    pub(crate) wants: Vec<Name>,
}

/// The key of a log, its row, and how far it is here.
type Told = (Vec<u8>, Kept<LogRow>, Tip);

impl Endpoint {
    /// People write or read in a team: beacons go out every minute for a while.
    pub(crate) fn is_used(&self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        let pulse = &mut row.pulse;
        if pulse.told.saturating_add(MINUTE) <= now.0 || pulse.told > now.0 {
            pulse.told = now.0;
        }
        pulse.used = now.0;
        self.put_team(team, &row)
    }

    /// A message has arrived: tell of it soon, in a large team later.
    pub(crate) fn owe_beacon(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if self.is_silent(team, &row) { Ok(()) } else { self.owe(now, team, row) }
    }

    /// The member tool is no reader: nobody waits for its word. But it asks for what it wants.
    fn is_silent(&self, team: TeamId, row: &TeamRow) -> bool {
        row.is_admin() && self.rows().count(Table::Want, &team_key(team)) == 0
    }

    /// A beacon is due soon, in a large team later.
    pub(crate) fn owe(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
    ) -> Result<(), Fault> {
        if row.beacon_due.is_none() {
            let members = self.groups.get(&team).map_or(0, |group| group.members().count());
            let thin = u64::try_from(members / THIN).unwrap_or(1).max(1);
            let wait = SOON.saturating_add(self.draw_number() % SOON).saturating_mul(thin);
            row.beacon_due = Some(now.plus(wait).0);
            self.put_team(team, &row)?;
        }
        Ok(())
    }

    /// Tells what has arrived, when that is due.
    pub(crate) fn tell(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        if self.next_beacon(team, &row).is_none_or(|due| due > now) || !self.is_open(team, &row) {
            return Ok(());
        }
        row.beacon_due = None;
        row.pulse.told = now.0;
        row.pulse.used = now.0.min(row.pulse.used);
        row.pulse.turn = row.pulse.turn.wrapping_add(1);
        let may = self.may_seal(now, team, &row)?;
        let word = if may { self.owed_word(team, &mut row)? } else { None };
        self.put_team(team, &row)?;
        if !may {
            return Ok(());
        }
        if let Some(word) = word {
            let (authenticator, tips, wants) = (Vec::new(), Vec::new(), Vec::new());
            let content = Content::Beacon { authenticator, tips, wants };
            self.seal_beacon(now, team, &row, word, &content)?;
        }
        let mut tips = self.untold(team, &row)?;
        if tips.is_empty() {
            tips = self.in_turn(team, &row)?;
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let authenticator = group.epoch_authenticator().as_slice().to_vec();
        let mut wants = self.wants(now, team, row.pulse.turn)?;
        let mut chunks = tips.chunks(MOST_TIPS);
        let mut tips = chunks.next().unwrap_or_default();
        loop {
            let content = Content::Beacon {
                authenticator: authenticator.clone(),
                tips: tips.to_vec(),
                wants: std::mem::take(&mut wants),
            };
            self.seal_beacon(now, team, &row, row.seen_head(true), &content)?;
            match chunks.next() {
                Some(more) => tips = more,
                None => return Ok(()),
            }
        }
    }

    /// When the next beacon of a team is due.
    pub(crate) fn beacon_due(&self, team: TeamId) -> Option<Millis> {
        let row = self.team(team).ok().flatten()?;
        self.next_beacon(team, &row).filter(|_| self.is_open(team, &row))
    }

    fn next_beacon(&self, team: TeamId, row: &TeamRow) -> Option<Millis> {
        // After a clock that was ahead, nothing was told or used later than now.
        let [told, used] = [row.pulse.told, row.pulse.used].map(|at| at.min(self.clock.0));
        let minute = told.saturating_add(MINUTE);
        let used = used > 0 && minute <= used.saturating_add(A_WHILE);
        let minute = Some(minute).filter(|_| used && !self.is_silent(team, row)).map(Millis);
        let owed = row.beacon_due.map(|due| self.planned(due, LATEST));
        owed.into_iter().chain(minute).min()
    }

    /// Logs of others that have grown since our last beacon; told of with the next one.
    fn untold(&self, team: TeamId, row: &TeamRow) -> Result<Vec<Tip>, Fault> {
        let mut tips = Vec::new();
        for (key, mut log, tip) in self.others_logs(team, row)? {
            if tip.next > log.told {
                log.told = tip.next;
                self.put_log(&key, &log)?;
                tips.push(tip);
            }
        }
        Ok(tips)
    }

    /// A few logs, others each time, so that two histories of one show some time.
    fn in_turn(&self, team: TeamId, row: &TeamRow) -> Result<Vec<Tip>, Fault> {
        let logs = self.others_logs(team, row)?;
        let all = logs.len().max(1);
        let start = usize::try_from(row.pulse.turn).unwrap_or(0).wrapping_mul(IN_TURN) % all;
        let tips = logs.iter().cycle().skip(start).take(IN_TURN.min(logs.len()));
        Ok(tips.map(|(_, _, tip)| *tip).collect())
    }

    fn others_logs(&self, team: TeamId, row: &TeamRow) -> Result<Vec<Told>, Fault> {
        let mut logs = Vec::new();
        for key in self.rows().keys(Table::Log, &team_key(team)) {
            let (Some((channel, device)), Some(log)) =
                (log_of(&key), self.rows().kept::<LogRow>(Table::Log, &key)?)
            else {
                return Err(Fault::Row);
            };
            if device != row.own() && channel != Channel::MANAGE {
                let next = self.readable_below(&key, &log)?;
                // Only of the newest entry is the hash known.
                let hash = if next == log.next { prefix(&Hash(log.tip)) } else { [0; 12] };
                logs.push((key, log, Tip { channel, device, next, hash }));
            }
        }
        Ok(logs)
    }

    /// Somebody says what has arrived there.
    pub(crate) fn beacon_came(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        head: &SeenHead,
        beacon: &Beacon,
    ) -> Result<(), Fault> {
        let team = entry.team;
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(known) = row.known_head(head.slot) {
            let same = known.authenticator == beacon.authenticator;
            let said = !known.authenticator.is_empty() && !beacon.authenticator.is_empty();
            if head.is(known) && said && !same {
                self.outputs
                    .push_back(Output::Notice(Notice::TwoHistories { team, slot: head.slot }));
            }
        }
        for tip in beacon.tips.iter().filter(|tip| tip.device == row.own()) {
            self.cover(team, tip.channel, entry.device, tip.next)?;
            self.recount(team, tip.channel)?;
        }
        for tip in &beacon.tips {
            self.compare(now, team, &row, tip)?;
        }
        for name in &beacon.wants {
            self.wanted(now, &row, entry.device, *name)?;
        }
        Ok(())
    }
}

impl LogRow {
    /// Everything below this number is here.
    pub(crate) fn whole_below(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.from).min().unwrap_or(self.next)
    }
}

/// Beacons wait so long, in ms, for more to tell of.
pub(crate) const SOON: u64 = 1_000;
/// Nobody waits longer, in ms.
const LATEST: u64 = 3_600_000;
/// With more devices than this, beacons wait so many times longer.
const THIN: usize = 8;
/// A team in use hears from everybody so often, in ms,
const MINUTE: u64 = 60_000;
/// so long after somebody wrote or read, in ms.
const A_WHILE: u64 = 600_000;
/// So many logs does a beacon tell of when there is nothing new.
const IN_TURN: usize = 4;
