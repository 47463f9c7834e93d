//! What is open while the vault is unlocked, and the one transaction of a step.

use std::collections::BTreeMap;
use std::path::Path;

use ipc_schema_net::Cursor;
use mls_core::{Endpoint, Entropy, LoadError, Table as CoreTable};
use names::{Name, TeamId};
use vault_io::{Change, CommitError, Passphrase, ReadError, Table, UnlockError, Vault};

use crate::book::{Book, Marks};
use crate::page_key::PageKey;
use crate::record::{CURSORS, LAYOUT, REQUESTS, THIS_LAYOUT};
use crate::wanted::WantedBook;
use crate::{clock, translate};

/// Everything that needs a key. Dropped on lock.
pub(crate) struct Session {
    pub(crate) vault: Vault<PageKey>,
    pub(crate) endpoint: Endpoint,
    pub(crate) book: Book,
    pub(crate) wanted: WantedBook,
    cursors: BTreeMap<TeamId, Cursor>,
    moved: BTreeMap<TeamId, Cursor>,
    answered: BTreeMap<[u8; 16], Answered>,
    /// Nothing of it is in the vault yet.
    is_first: bool,
}

/// What a request did, so that asking again does it no second time.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Answered {
    /// It sent this message.
    Sent(Name),
    /// It made this team.
    Made(TeamId),
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The passphrase, or the file.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// A row of the vault.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows make no endpoint.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its rows are in another layout.
    #[error("this vault belongs to another release of Sotto, whose data this one cannot read")]
    Layout,
}

/// Why a step is not in the vault. None of it is; the session must be opened again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The file refused it.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The file could not be read, or a bug of ours: memory and file disagree.
    #[error("the vault could not be read, or not understood, in the middle of the step")]
    Unread,
}

impl Session {
    /// The first session of a new vault.
    pub(crate) fn new(vault: Vault<PageKey>, endpoint: Endpoint) -> Self {
        Self {
            vault,
            endpoint,
            book: Book::default(),
            wanted: WantedBook::default(),
            cursors: BTreeMap::new(),
            moved: BTreeMap::new(),
            answered: BTreeMap::new(),
            is_first: true,
        }
    }

    /// Opens the vault with its passphrase.
    pub(crate) fn unlock(path: &Path, passphrase: &Passphrase) -> Result<Self, OpenError> {
        Self::load(vault_io::unlock(path, passphrase, clock::now().0)?)
    }

    /// Everything in memory, from the vault alone.
    pub(crate) fn load(vault: Vault<PageKey>) -> Result<Self, OpenError> {
        // Before any other row is looked at. The first release wrote no such row.
        let layout = vault.get(LAYOUT, &[])?;
        if layout.is_none_or(|layout| layout.as_slice() != [THIS_LAYOUT]) {
            return Err(OpenError::Layout);
        }
        let mut rows = Vec::new();
        for table in CoreTable::ALL.iter().copied() {
            let read = vault.scan(Table(table.code()))?;
            rows.extend(read.into_iter().map(|(key, value)| (table, key, value)));
        }
        let mut endpoint = Endpoint::load(rows, Entropy::system(clock::random()))?;
        // What it says first is what net-proc is briefed with, whenever there is one.
        while endpoint.poll().is_some() {}
        let book = Book::load(&vault)?;
        let mut session = Self::new(vault, endpoint);
        session.is_first = false;
        session.book = book;
        session.wanted = WantedBook::load(&session.vault)?;
        for (key, value) in session.vault.scan(CURSORS)? {
            if let (Some(team), Some(cursor)) = (team_key(&key), cursor(&value)) {
                session.cursors.insert(team, cursor);
            }
        }
        Ok(session)
    }

    /// Loads everything again: after a failed step, memory is ahead of the file.
    pub(crate) fn reload(self) -> Result<Self, OpenError> {
        Self::load(self.vault)
    }

    /// Where `net-proc` is to go on with a team.
    pub(crate) fn cursor(&self, team: TeamId) -> Cursor {
        self.moved.get(&team).or_else(|| self.cursors.get(&team)).copied().unwrap_or_default()
    }

    /// An object of the team at this position has been dealt with.
    pub(crate) fn move_cursor(&mut self, team: TeamId, to: Cursor) {
        self.moved.insert(team, to);
    }

    /// What the request with this number did, if it was here before.
    pub(crate) fn answered(&self, id: [u8; 16]) -> Result<Option<Answered>, ReadError> {
        if let Some(answered) = self.answered.get(&id) {
            return Ok(Some(*answered));
        }
        Ok(self.vault.get(REQUESTS, &id)?.and_then(|value| Answered::read(&value)))
    }

    /// Remembers what a request did, in the transaction that does it.
    pub(crate) fn remember(&mut self, id: [u8; 16], answered: Answered) {
        self.answered.insert(id, answered);
    }

    /// How far own entries of a message's log have come.
    pub(crate) fn marks(&self, name: Name) -> Marks {
        // A row that cannot be read ends the next step anyway; until then, say no more than is sure.
        let mark = self.endpoint.watermark_of(name).ok().flatten();
        mark.map_or_else(Marks::default, |mark| Marks {
            local: u64::from(mark.local),
            relay: u64::from(mark.relay),
            delivered: u64::from(mark.delivered),
        })
    }

    /// The one transaction of a step: after this, and only after this, anything may leave.
    pub(crate) fn commit(&mut self) -> Result<(), StepError> {
        let mut changes: Vec<Change> = self
            .endpoint
            .changes()
            .into_iter()
            .map(|change| Change {
                table: Table(change.table.code()),
                key: change.key,
                value: change.value,
            })
            .collect();
        changes.append(&mut self.book.changes());
        changes.append(&mut self.wanted.changes());
        for (team, cursor) in &self.moved {
            changes.push(Change {
                table: CURSORS,
                key: translate::team_bits(*team).0.to_be_bytes().to_vec(),
                value: Some(
                    [cursor.cache.to_be_bytes(), cursor.position.to_be_bytes()].concat().into(),
                ),
            });
        }
        for (id, answered) in &self.answered {
            changes.push(Change {
                table: REQUESTS,
                key: id.to_vec(),
                value: Some(answered.bytes().into()),
            });
        }
        if self.is_first {
            let value = Some(vec![THIS_LAYOUT].into());
            changes.push(Change { table: LAYOUT, key: Vec::new(), value });
        }
        self.vault.commit(&changes)?;
        self.is_first = false;
        self.cursors.append(&mut self.moved);
        self.answered.clear();
        Ok(())
    }
}

impl Answered {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Sent(name) => [&[1][..], &name.bytes()].concat(),
            Self::Made(team) => [&[2][..], &translate::team_bits(team).0.to_be_bytes()].concat(),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (1, name) => Some(Self::Sent(Name::from_bytes(name.try_into().ok()?).ok()?)),
            (2, team) => team_key(team).map(Self::Made),
            _ => None,
        }
    }
}

fn team_key(bytes: &[u8]) -> Option<TeamId> {
    let bits = u64::from_be_bytes(bytes.try_into().ok()?);
    translate::team_of(ipc_schema_ui::TeamBits(bits))
}

fn cursor(bytes: &[u8]) -> Option<Cursor> {
    let (cache, position) = bytes.split_at_checked(8)?;
    Some(Cursor {
        cache: u64::from_be_bytes(cache.try_into().ok()?),
        position: u64::from_be_bytes(position.try_into().ok()?),
    })
}
