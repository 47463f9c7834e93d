//! Requests that are answered when a slot is decided: durable, so that each is answered once, by
//! whatever way it is asked again.

use std::collections::BTreeMap;

use ipc_schema_ui::{Answer, ErrorCode, Failure};
use names::TeamId;
use serde::{Deserialize, Serialize};
use vault_io::{Change, ReadError, Vault};
use zeroize::Zeroizing;

use crate::effect::failure;
use crate::page_key::PageKey;
use crate::record::WANTED;
use crate::translate;

/// Every request that waits for a slot, and the changes of this step.
#[derive(Default)]
pub(crate) struct WantedBook {
    open: BTreeMap<[u8; 16], Wanted>,
    changed: BTreeMap<[u8; 16], Wanted>,
}

/// A request, as the vault keeps it.
#[derive(Clone, Serialize, Deserialize)]
struct Wanted {
    team: u64,
    /// What has not come true yet.
    parts: Vec<Part>,
    /// The first thing that went wrong.
    trouble: Option<(ErrorCode, String, String)>,
}

/// What comes true by one slot.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// The device of this announcement is in.
    Add([u8; 32]),
    /// The devices of the person with this key are in.
    AddUser([u8; 32]),
    /// The device is out.
    Remove(u64),
    /// The device is an admin, or none.
    Role(u64, bool),
    /// The policy holds.
    Policy,
}

impl WantedBook {
    /// What still waits, from the vault.
    pub(crate) fn load(vault: &Vault<PageKey>) -> Result<Self, ReadError> {
        let mut book = Self::default();
        for (key, value) in vault.scan(WANTED)? {
            let (Ok(id), Some(wanted)) = (key.as_slice().try_into(), Wanted::read(&value)) else {
                continue;
            };
            if !wanted.parts.is_empty() {
                book.open.insert(id, wanted);
            }
        }
        Ok(book)
    }

    /// Remembers a request, in the transaction that makes the wish.
    pub(crate) fn open(&mut self, id: [u8; 16], team: TeamId, parts: Vec<Part>) {
        let team = translate::team_bits(team).0;
        let wanted = Wanted { team, parts, trouble: None };
        self.changed.insert(id, wanted.clone());
        self.open.insert(id, wanted);
    }

    /// What became of a request that was here before: `None` when it was not, `Some(None)` while it
    /// waits.
    pub(crate) fn outcome(
        &self,
        vault: &Vault<PageKey>,
        id: [u8; 16],
    ) -> Result<Option<Option<Result<Answer, Failure>>>, ReadError> {
        if self.open.contains_key(&id) {
            return Ok(Some(None));
        }
        let stored = match self.changed.get(&id) {
            Some(wanted) => Some(wanted.clone()),
            None => vault.get(WANTED, &id)?.and_then(|value| Wanted::read(&value)),
        };
        Ok(stored.map(|wanted| Some(wanted.outcome())))
    }

    /// One part has come true, or will not: the requests that are answered now.
    pub(crate) fn decided(
        &mut self,
        team: TeamId,
        part: Part,
        result: Result<(), &Failure>,
    ) -> Vec<([u8; 16], Result<Answer, Failure>)> {
        let team = translate::team_bits(team).0;
        let mut answered = Vec::new();
        let waits = |wanted: &Wanted| wanted.team == team && wanted.parts.contains(&part);
        for (id, wanted) in self.open.iter_mut().filter(|(_, wanted)| waits(wanted)) {
            wanted.parts.retain(|waiting| *waiting != part);
            if let (Err(failure), None) = (result, &wanted.trouble) {
                let (message, hint) = (failure.message.as_str(), failure.hint.as_str());
                wanted.trouble = Some((failure.code, message.to_owned(), hint.to_owned()));
            }
            self.changed.insert(*id, wanted.clone());
            if wanted.parts.is_empty() {
                answered.push((*id, wanted.outcome()));
            }
        }
        self.open.retain(|_, wanted| !wanted.parts.is_empty());
        answered
    }

    /// What the vault must hold before anybody is answered.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let value = |wanted: &Wanted| {
            // Writing to memory cannot fail; an empty value would be refused when read.
            Zeroizing::new(cbor4ii::serde::to_vec(Vec::new(), wanted).unwrap_or_default())
        };
        changed
            .map(|(id, wanted)| Change {
                table: WANTED,
                key: id.to_vec(),
                value: Some(value(&wanted)),
            })
            .collect()
    }
}

impl Wanted {
    fn read(bytes: &[u8]) -> Option<Self> {
        cbor4ii::serde::from_slice(bytes).ok()
    }

    fn outcome(&self) -> Result<Answer, Failure> {
        match &self.trouble {
            None => Ok(Answer::Done),
            Some((code, message, hint)) => Err(failure(*code, message, hint)),
        }
    }
}
