//! Wishes as rows: one row per wish, named by what it wishes, so that wishing twice is wishing
//! once.

use names::{Device, Slot, TeamId};
use objects::{Hash, Key, Millis};
use serde::{Deserialize, Serialize};

use crate::rows::Table;
use crate::state::{IntentRow, team_key};
use crate::{Endpoint, Fault, NotDone, Output, Wish};

/// What is wished; the rest is in its row.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Intent {
    /// That the owner of an announcement is in the team.
    Add(Hash),
    /// That our own leaf is renewed.
    Refresh,
    /// That a device is out of the team.
    Remove(Device),
    /// That the team has a policy.
    Policy,
    /// That a device is an admin, or none.
    Role(Device),
    /// That a leaf is the one of a newer announcement of its device.
    Readd(Device),
    /// That the devices of a person are in the team.
    User(Key),
}

impl Intent {
    pub(crate) fn key(&self, team: TeamId) -> Vec<u8> {
        let mut key = team_key(team).to_vec();
        match self {
            Self::Add(hash) => {
                key.push(ADD);
                key.extend_from_slice(&hash.0);
            }
            Self::Refresh => key.push(REFRESH),
            Self::Remove(device) => push(&mut key, REMOVE, *device),
            Self::Policy => key.push(POLICY),
            Self::Role(device) => push(&mut key, ROLE, *device),
            Self::Readd(device) => push(&mut key, READD, *device),
            Self::User(user) => {
                key.push(USER);
                key.extend_from_slice(&user.0);
            }
        }
        key
    }

    pub(crate) fn read(key: &[u8]) -> Option<Self> {
        let (_team, rest) = key.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first()?;
        let device = || {
            let number = u64::from_be_bytes(rest.try_into().ok()?);
            Device::new(number).ok()
        };
        match *kind {
            ADD => Some(Self::Add(Hash(rest.try_into().ok()?))),
            REFRESH => Some(Self::Refresh),
            REMOVE => Some(Self::Remove(device()?)),
            POLICY => Some(Self::Policy),
            ROLE => Some(Self::Role(device()?)),
            READD => Some(Self::Readd(device()?)),
            USER => Some(Self::User(Key(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

impl Endpoint {
    /// All wishes of a team, in the order of their keys.
    pub(crate) fn wishes(&self, team: TeamId) -> Result<Vec<(Intent, IntentRow)>, Fault> {
        let mut wishes = Vec::new();
        for key in self.rows().keys(Table::Intent, &team_key(team)) {
            let intent = Intent::read(&key).ok_or(Fault::Row)?;
            wishes.push((intent, self.rows().get(Table::Intent, &key)?.ok_or(Fault::Row)?));
        }
        Ok(wishes)
    }

    pub(crate) fn wish(&self, team: TeamId, intent: &Intent) -> Result<Option<IntentRow>, Fault> {
        self.rows().get(Table::Intent, &intent.key(team))
    }

    pub(crate) fn put_wish(
        &self,
        team: TeamId,
        intent: &Intent,
        row: &IntentRow,
    ) -> Result<(), Fault> {
        self.rows().put(Table::Intent, &intent.key(team), row)
    }

    pub(crate) fn wish_refresh(&self, team: TeamId, after: Millis) -> Result<(), Fault> {
        self.put_wish(team, &Intent::Refresh, &IntentRow::new(after.0))
    }

    /// A wish has come true, or never will.
    pub(crate) fn wished(
        &mut self,
        team: TeamId,
        intent: &Intent,
        result: Result<(), NotDone>,
    ) -> Result<(), Fault> {
        let Some(row) = self.wish(team, intent)? else {
            return Ok(());
        };
        self.rows().remove(Table::Intent, &intent.key(team));
        let lasts = matches!(intent, Intent::Remove(_) | Intent::Policy | Intent::Role(_));
        if lasts && result.is_ok() {
            self.note_done(team, intent, &row)?;
        }
        let wish = match *intent {
            Intent::Refresh => Wish::Refresh,
            Intent::Remove(device) => Wish::Remove(device),
            Intent::Policy => Wish::Policy,
            Intent::Role(device) => Wish::Role(device, row.value == ADMIN),
            Intent::User(user) => Wish::Add(user),
            // Additions say more, and nobody asked for the others.
            Intent::Add(_) | Intent::Readd(_) => return Ok(()),
        };
        self.outputs.push_back(Output::Wished { team, wish, result });
        Ok(())
    }
}

/// A wish that has come true.
#[derive(Serialize, Deserialize)]
struct DoneRow {
    /// The newest slot then.
    slot: u64,
    wish: IntentRow,
}

impl Endpoint {
    /// Keeps what has come true, as long as its slot is among those that are remembered.
    fn note_done(&self, team: TeamId, intent: &Intent, wish: &IntentRow) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let oldest = row.heads.first().map_or(0, |head| head.slot);
        for key in self.rows().keys(Table::Done, &team_key(team)) {
            let done: DoneRow = self.rows().get(Table::Done, &key)?.ok_or(Fault::Row)?;
            if done.slot < oldest {
                self.rows().remove(Table::Done, &key);
            }
        }
        let done = DoneRow { slot: row.head().0.value(), wish: wish.clone() };
        self.rows().put(Table::Done, &intent.key(team), &done)
    }

    /// The slots behind `keep` never were: what came true with them is wished again, unless
    /// something else is wished now.
    pub(crate) fn wish_again(&self, team: TeamId, keep: Slot) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Done, &team_key(team)) {
            let done: DoneRow = self.rows().get(Table::Done, &key)?.ok_or(Fault::Row)?;
            if done.slot > keep.value() {
                self.rows().remove(Table::Done, &key);
                if !self.rows().has(Table::Intent, &key) {
                    self.rows().put(Table::Intent, &key, &done.wish)?;
                }
            }
        }
        Ok(())
    }
}

fn push(key: &mut Vec<u8>, kind: u8, device: Device) {
    key.push(kind);
    key.extend_from_slice(&device.value().to_be_bytes());
}

/// The value of a wish for a role: an admin, or not.
pub(crate) const ADMIN: &[u8] = &[1];
pub(crate) const NO_ADMIN: &[u8] = &[0];

const ADD: u8 = 1;
const REFRESH: u8 = 2;
const REMOVE: u8 = 3;
const POLICY: u8 = 4;
const ROLE: u8 = 5;
const READD: u8 = 6;
const USER: u8 = 7;
