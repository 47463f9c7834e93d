//! The order of slots moves to another relay. The member tool links to that relay first and reads
//! what it has; only then it makes the terms, each behind the newest slot that both know. A term
//! that names slots which the new origin never gets could not begin, and one that is made too early
//! would take slots back for nothing.

use names::{Rest, Slot, TeamId};
use objects::{Hash, Key, Millis, Object, RelayRef};

use crate::rows::Table;
use crate::state::{RelayRow, team_key};
use crate::{Endpoint, Fault};

/// Why the origin was not moved.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum MoveOriginError {
    /// No root key is here.
    #[error("only the member tool moves the origin")]
    NotAdmin,
    /// That relay was the origin before the one that is it now. Slots that it gave then, and that
    /// were taken back, could not be told from those that it would give.
    #[error("that relay was the origin before; it can be that again under another key")]
    WasOrigin,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// How far the new origin has been asked, on this link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moving {
    /// The slot that it was asked for last.
    asked: Option<Slot>,
    /// The newest slot that is asked for: it is known not to get those behind it.
    most: Option<Slot>,
    /// Until when it may still get what it lacks.
    until: Millis,
    /// When it is asked; `None` while it has not answered.
    due: Option<Millis>,
}

impl Endpoint {
    /// Says that another relay orders the slots of all teams of the organisation. That relay is
    /// this device's from now on; a team's term is made when it has shown everything that it has of
    /// the team, behind the newest slot that it has, and [`Endpoint::is_settled`] says when that is
    /// done. What this device knows and the new origin has not got within a minute is taken back,
    /// and so are, of a team in which this device has stopped or is behind, the slots that it could
    /// not apply.
    ///
    /// # Errors
    /// As [`MoveOriginError`] says; then nothing has changed.
    pub fn move_origin(&mut self, now: Millis, relay: &RelayRef) -> Result<(), MoveOriginError> {
        if self.org_row()?.is_none() {
            return Err(MoveOriginError::NotAdmin);
        }
        for team in self.subscriptions() {
            let mut keys = self.terms(team)?.into_iter().map(|(_, term)| term.key).rev();
            if keys.next() != Some(relay.key) && keys.any(|key| key == relay.key) {
                return Err(MoveOriginError::WasOrigin);
            }
        }
        for team in self.subscriptions() {
            if let Some(row) = self.team(team)?
                && self.root_of(&row)?.is_some()
            {
                let RelayRef { address, key } = relay.clone();
                self.rows().put(
                    Table::Identity,
                    &move_key(team),
                    &RelayRow { address, key: key.0 },
                )?;
            }
        }
        // The old one may be gone: the terms go out through the new one.
        if self.relay().as_ref() != Some(relay) {
            self.repin(relay)?;
        }
        if let Some(link) = &mut self.link {
            link.moving.clear();
        }
        self.settle(now)?;
        Ok(())
    }

    /// Asks the new origin of a team for the slot that its term is to begin behind.
    pub(crate) fn drive_move(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(to) = self.new_origin(team)? else {
            return Ok(());
        };
        let there = self.link.as_ref().filter(|link| link.relay == to.key);
        if !there.is_some_and(|link| link.caught_up.contains(&team)) {
            return Ok(());
        }
        let Some((slot, claim)) = self.last_common(team)? else {
            return Ok(());
        };
        if slot == Slot::ZERO {
            return self.name_origin(now, team, &to, (slot, claim));
        }
        let begins = Moving { asked: None, most: None, until: now.plus(PATIENCE), due: Some(now) };
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        let moving = link.moving.entry(team).or_insert(begins);
        if moving.due.is_some_and(|due| due <= now) {
            moving.due = None;
            moving.asked = Some(slot);
            self.ask_for(team, team.name(Rest::Slot(slot)));
        }
        Ok(())
    }

    /// When the new origin is asked again.
    pub(crate) fn move_due(&self, team: TeamId) -> Option<Millis> {
        self.link.as_ref()?.moving.get(&team)?.due
    }

    /// The new origin's answer for a slot: it has it, or may still get it.
    pub(crate) fn slot_shown(
        &mut self,
        now: Millis,
        team: TeamId,
        slot: Slot,
        object: Option<&Object>,
    ) -> Result<(), Fault> {
        let (Some(to), Some(last)) = (self.new_origin(team)?, self.last_common(team)?) else {
            return Ok(());
        };
        let moving = self.link.as_mut().and_then(|link| link.moving.get_mut(&team));
        let Some(moving) = moving.filter(|it| it.asked == Some(slot) && it.due.is_none()) else {
            return Ok(());
        };
        moving.due = Some(now);
        // Others may have claimed meanwhile.
        if last.0 == slot {
            if object.is_some_and(|object| object.entry_hash() == last.1) {
                return self.name_origin(now, team, &to, last);
            }
            let before = slot.previous().filter(|before| *before != Slot::ZERO);
            match before.filter(|_| moving.until <= now) {
                Some(_) => moving.most = before,
                None => moving.due = Some(now.plus(AGAIN)),
            }
        }
        self.drive_move(now, team)
    }

    fn name_origin(
        &mut self,
        now: Millis,
        team: TeamId,
        to: &RelayRef,
        last: (Slot, Hash),
    ) -> Result<(), Fault> {
        if let Some(link) = &mut self.link {
            link.moving.remove(&team);
        }
        self.rows().remove(Table::Identity, &move_key(team));
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(root) = self.root_of(&row)? {
            self.make_term(now, team, &root, to, last)?;
            self.drop_superseded(team)?;
            self.supersede(now, team)?;
        }
        Ok(())
    }

    /// The newest slot that our group stands on, and that the new origin may have; `None` if it is
    /// too old to be known here.
    fn last_common(&self, team: TeamId) -> Result<Option<(Slot, Hash)>, Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(None);
        };
        let last = self.last_sound(team, &row);
        let moving = self.link.as_ref().and_then(|link| link.moving.get(&team));
        match moving.and_then(|moving| moving.most).filter(|most| *most < last.0) {
            Some(most) => Ok(self.slot_known(team, most)?.map(|receipt| (most, receipt.hash))),
            None => Ok(Some(last)),
        }
    }

    fn new_origin(&self, team: TeamId) -> Result<Option<RelayRef>, Fault> {
        let row: Option<RelayRow> = self.rows().get(Table::Identity, &move_key(team))?;
        Ok(row.map(|RelayRow { address, key }| RelayRef { address, key: Key(key) }))
    }
}

pub(crate) fn move_key(team: TeamId) -> Vec<u8> {
    [MOVE, &team_key(team)].concat()
}

pub(crate) const MOVE: &[u8] = b"move";
/// How long the new origin is given to get the slots that are known here, in ms.
const PATIENCE: u64 = 60_000;
/// When it is asked again, in ms.
const AGAIN: u64 = 5_000;
