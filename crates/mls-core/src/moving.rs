//! The order of slots moves to another relay. The member tool links to that relay first and reads
//! what it has; only then it makes the terms: those that are made too early would take slots back
//! for nothing.

use names::TeamId;
use objects::{Key, Millis, RelayRef};

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

impl Endpoint {
    /// Says that another relay orders the slots of all teams of the organisation. That relay is
    /// this device's from now on; a team's term is made when it has shown everything that it has of
    /// the team, and [`Endpoint::is_settled`] says when that is done. Of a team in which this device
    /// has stopped or is behind, the slots that it could not apply are taken back.
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
        self.settle(now)?;
        Ok(())
    }

    /// Makes the term of a team, once the new origin has shown everything that it has of it.
    pub(crate) fn drive_move(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let (Some(to), Some(row)) = (self.new_origin(team)?, self.team(team)?) else {
            return Ok(());
        };
        let there = self.link.as_ref().filter(|link| link.relay == to.key);
        if !there.is_some_and(|link| link.caught_up.contains(&team)) {
            return Ok(());
        }
        self.rows().remove(Table::Identity, &move_key(team));
        if let Some(root) = self.root_of(&row)? {
            let last = self.last_sound(team, &row);
            self.make_term(now, team, &root, &to, last)?;
            self.drop_superseded(team)?;
            self.supersede(now, team)?;
        }
        Ok(())
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
