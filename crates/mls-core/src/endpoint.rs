//! The endpoint: its rows, its groups, its link.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use names::{Channel, Device, TeamId};
use objects::{Key, Millis, RelayRef, Signer};
use openmls::prelude::{GroupId, MlsGroup};
use zeroize::Zeroizing;

use crate::guard::Guard;
use crate::identity::{Memo, is_label};
use crate::kept::Kept;
use crate::link::Link;
use crate::provider::Provider;
use crate::reseal::Recalls;
use crate::rows::{Change, Rows, Table};
use crate::state::{LogRow, OrgRow, RelayRow, Stage, TeamRow, UserRow, team_key, team_of};
use crate::underway::Underway;
use crate::{Broken, Entropy, Fault, Input, Output};

/// Everything that a device knows and decides about its teams while its vault is open.
///
/// All state lives in rows; [`Endpoint::changes`] hands out the changed ones, and
/// [`Endpoint::load`] goes on from them. The caller commits the changes of a step in one
/// transaction **before** it acts on any output of the step (`MLS-01`).
pub struct Endpoint {
    pub(crate) provider: Provider,
    pub(crate) groups: BTreeMap<TeamId, MlsGroup>,
    pub(crate) memo: RefCell<Memo>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) link: Option<Link>,
    pub(crate) underway: Underway,
    /// What was heard of other devices last.
    pub(crate) heard: BTreeMap<(TeamId, Device), Millis>,
    pub(crate) recalls: Recalls,
    /// The last time that we were told.
    pub(crate) clock: Millis,
    /// The epoch whose members were noted.
    pub(crate) noted: BTreeMap<TeamId, u64>,
    /// Of teams whose logs are not known to end where we think.
    pub(crate) guards: BTreeMap<TeamId, Guard>,
    /// Logs whose watermark may have changed.
    /// Teams whose log key was drawn since the start: no other vault can have used it.
    pub(crate) fresh: BTreeSet<TeamId>,
    /// Own logs whose end the relay has shown, or is asked for, since the start.
    pub(crate) proven: BTreeSet<(TeamId, Channel)>,
    /// Own logs of which something was sealed before the start and no relay is known to have it; the
    /// number that the relay is asked for.
    pub(crate) unsent: BTreeMap<(TeamId, Channel), Option<u64>>,
    /// Teams that may have slots of ours which are unknown here.
    pub(crate) probing: BTreeSet<TeamId>,
    pub(crate) touched: BTreeSet<(TeamId, Channel)>,
    /// Entries whose header was shown because somebody has another.
    pub(crate) compared: BTreeSet<names::Name>,
    /// Teams whose claims were asked for again.
    pub(crate) asked_slots: BTreeSet<TeamId>,
    pub(crate) broken: BTreeSet<Broken>,
    /// After a lost slot: no claim before this time.
    pub(crate) quiet_until: BTreeMap<TeamId, Millis>,
    /// The link on which it was proved who reads about whole organisations, by its exporter.
    pub(crate) org_proof: Option<[u8; 32]>,
}

/// Why no endpoint was made.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CreateError {
    /// A name is none by [`is_label`].
    #[error("a name has 1 to 64 bytes and no control characters")]
    BadName,
    /// A bug.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why an endpoint could not be loaded.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// There is no user: the rows are not an endpoint's.
    #[error("the vault holds no user")]
    NoUser,
    /// A row cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// A new user on a new device.
    ///
    /// # Errors
    /// As [`CreateError`] says.
    pub fn create(user: &str, device: &str, entropy: Entropy) -> Result<Self, CreateError> {
        if !is_label(user) || !is_label(device) {
            return Err(CreateError::BadName);
        }
        let mut this = Self::over(Rows::default(), entropy);
        let (user, device) = (user.to_owned(), device.to_owned());
        let seed = this.draw_seed();
        let row = UserRow { user, device, seed };
        this.rows().put(Table::Identity, USER, &row)?;
        Ok(this)
    }

    /// Goes on from committed rows.
    ///
    /// # Errors
    /// When rows are missing or damaged.
    pub fn load(
        rows: impl IntoIterator<Item = (Table, Vec<u8>, Zeroizing<Vec<u8>>)>,
        entropy: Entropy,
    ) -> Result<Self, LoadError> {
        let mut this = Self::over(Rows::load(rows), entropy);
        if !this.rows().has(Table::Identity, USER) {
            return Err(LoadError::NoUser);
        }
        if let Some(relay) = this.relay() {
            this.outputs.push_back(Output::UseRelay(relay));
        }
        for team in this.subscriptions() {
            this.load_group(team)?;
            this.guards.insert(team, Guard::Shut(Millis(0)));
            this.probing.insert(team);
            this.outputs.push_back(Output::Subscribe { team });
        }
        this.subscribe_paths();
        this.count_underway()?;
        Ok(this)
    }

    fn over(rows: Rows, entropy: Entropy) -> Self {
        Self {
            provider: Provider::new(rows, entropy),
            groups: BTreeMap::new(),
            memo: RefCell::default(),
            outputs: VecDeque::new(),
            link: None,
            underway: Underway::default(),
            heard: BTreeMap::new(),
            recalls: Recalls::default(),
            clock: Millis(0),
            noted: BTreeMap::new(),
            guards: BTreeMap::new(),
            fresh: BTreeSet::new(),
            proven: BTreeSet::new(),
            unsent: BTreeMap::new(),
            probing: BTreeSet::new(),
            touched: BTreeSet::new(),
            compared: BTreeSet::new(),
            asked_slots: BTreeSet::new(),
            broken: BTreeSet::new(),
            quiet_until: BTreeMap::new(),
            org_proof: None,
        }
    }

    /// Takes one input at time `now`; call [`Endpoint::poll`] until it returns `None` afterwards.
    ///
    /// # Errors
    /// A bug or a broken store: this endpoint must not be used any more.
    pub fn handle(&mut self, now: Millis, input: Input) -> Result<(), Fault> {
        self.look_at_clock(now);
        match input {
            Input::Linked { relay, exporter, now: theirs } => {
                self.linked(now, relay, exporter, theirs)?;
            }
            Input::Unlinked => {
                self.link = None;
                self.shut_guards();
            }
            Input::Answered { id, answer } => self.answered(now, id, answer)?,
            Input::Arrived { object, receipt } => self.arrived(now, &object, receipt.as_ref())?,
            Input::Found { id, object, receipt } => {
                if !self.own_found(now, id, object.as_ref(), receipt.as_ref())? {
                    self.found(now, id, object.as_ref())?;
                }
            }
            Input::CaughtUp { team } => {
                if let Some(link) = &mut self.link {
                    link.caught_up.insert(team);
                }
                self.ask_again(now, team)?;
            }
            Input::Settled { receipt } => self.settled(now, &receipt)?,
            Input::Upstream { reachable } => self.upstream(reachable),
            Input::Revoked { revocation } => self.revocation_came(now, &revocation)?,
            Input::Tick => {}
        }
        self.settle(now)
    }

    /// Does what is due, and sends what can be sent.
    pub(crate) fn settle(&mut self, now: Millis) -> Result<(), Fault> {
        self.look_at_clock(now);
        self.tend_pools(now)?;
        for team in self.subscriptions() {
            self.drive_skip(now, team)?;
            self.drive_move(now, team)?;
            self.guard(now, team)?;
            self.fetch(team)?;
            self.seal_waiting(now, team)?;
            self.drive(now, team)?;
            self.note_epoch(team)?;
            self.recall(now, team)?;
            self.tell(now, team)?;
            self.tell_withheld(now, team)?;
        }
        self.pump(now)?;
        self.report_watermarks()
    }

    /// When to be called again if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Millis> {
        let again = self.link.as_ref().and_then(Link::again);
        let teams = self.subscriptions().into_iter();
        teams
            .flat_map(|team| {
                let (wish, beacon) = (self.wish_due(team), self.beacon_due(team));
                let recall = self.recall_due(team);
                let (withheld, guard) = (self.withheld_due(team), self.guard_due(team));
                [wish, beacon, recall, withheld, guard, self.move_due(team)]
            })
            .flatten()
            .chain(again)
            .chain(self.pool_due())
            .min()
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Everything that changed since the last call, one value per row.
    pub fn changes(&mut self) -> Vec<Change> {
        self.provider.rows.changes()
    }

    /// The pinned relay.
    #[must_use]
    pub fn relay(&self) -> Option<RelayRef> {
        let row: RelayRow = self.rows().get(Table::Identity, RELAY).ok().flatten()?;
        Some(RelayRef { address: row.address, key: Key(row.key) })
    }

    /// The teams whose objects are wanted: members and joins alike, but none that were left.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<TeamId> {
        let keys = self.rows().keys(Table::Team, &[]);
        let left = |team: &TeamId| {
            self.team(*team).is_ok_and(|row| row.is_some_and(|row| row.stage == Stage::Removed))
        };
        keys.iter().filter_map(|key| team_of(key)).filter(|team| !left(team)).collect()
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.provider.rows
    }

    pub(crate) fn user(&self) -> Result<Kept<UserRow>, Fault> {
        self.rows().kept(Table::Identity, USER)?.ok_or(Fault::Row)
    }

    pub(crate) fn org_row(&self) -> Result<Option<Kept<OrgRow>>, Fault> {
        self.rows().kept(Table::Identity, ORG)
    }

    pub(crate) fn put_org(&self, row: &OrgRow) -> Result<(), Fault> {
        self.rows().put(Table::Identity, ORG, row)
    }

    /// Pins the relay; says so, if it is new.
    pub(crate) fn pin(&mut self, relay: &RelayRef) -> Result<(), Fault> {
        if self.relay().is_none() {
            let row = RelayRow { address: relay.address.clone(), key: relay.key.0 };
            self.rows().put(Table::Identity, RELAY, &row)?;
            self.outputs.push_back(Output::UseRelay(relay.clone()));
        }
        Ok(())
    }

    /// Pins another relay, or another address of the same.
    pub(crate) fn repin(&mut self, relay: &RelayRef) -> Result<(), Fault> {
        let RelayRef { address, key } = relay.clone();
        self.rows().put(Table::Identity, RELAY, &RelayRow { address, key: key.0 })?;
        self.link = None;
        self.shut_guards();
        self.outputs.push_back(Output::UseRelay(relay.clone()));
        Ok(())
    }

    pub(crate) fn team(&self, team: TeamId) -> Result<Option<Kept<TeamRow>>, Fault> {
        self.rows().kept(Table::Team, &team_key(team))
    }

    pub(crate) fn put_team(&self, team: TeamId, row: &Kept<TeamRow>) -> Result<(), Fault> {
        self.rows().keep(Table::Team, &team_key(team), row)
    }

    /// The row of a log, by its key; of one that has no entry, an empty one.
    pub(crate) fn log(&self, key: &[u8]) -> Result<Kept<LogRow>, Fault> {
        Ok(self.rows().kept(Table::Log, key)?.unwrap_or_default())
    }

    pub(crate) fn put_log(&self, key: &[u8], row: &Kept<LogRow>) -> Result<(), Fault> {
        self.rows().keep(Table::Log, key, row)
    }

    /// Reads a group back from its rows; what is in memory may be ahead of them.
    pub(crate) fn load_group(&mut self, team: TeamId) -> Result<(), Fault> {
        self.groups.remove(&team);
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if matches!(row.stage, Stage::Joining { .. }) {
            return Ok(());
        }
        let group = MlsGroup::load(self.rows(), &group_id(team))?.ok_or(Fault::Mls)?;
        self.groups.insert(team, group);
        Ok(())
    }

    pub(crate) fn draw_number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.provider.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    pub(crate) fn log_signer(row: &TeamRow) -> Rc<Signer> {
        row.log_seed.signer()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(..)")
    }
}

/// The group of a team is named after it, so that a welcome into another team is seen.
pub(crate) fn group_id(team: TeamId) -> GroupId {
    GroupId::from_slice(&[&b"sotto"[..], &team_key(team)].concat())
}

pub(crate) const USER: &[u8] = b"user";
const ORG: &[u8] = b"org";
const RELAY: &[u8] = b"relay";
