//! The pool: key packages for any team of an organisation, so that its people can be added
//! without being asked.

use names::{Device, Team, TeamId};
use objects::{Hash, Key, Millis, Object, Proof, WelcomePointer};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::identity::Leaf;
use crate::kept::Kept;
use crate::open::Ahead;
use crate::rows::Table;
use crate::stands::SLOTS;
use crate::state::{OutboxRow, Purpose, Stage, TeamRow, stored_object, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault, Output};

/// A key package that waits to be used, with all that joining by it needs.
#[derive(Serialize, Deserialize)]
struct PoolRow {
    row: TeamRow,
    #[serde(with = "serde_bytes")]
    object: Vec<u8>,
    /// Kept beside the others, for when they have run out.
    reserve: bool,
}

/// When to look after a pool again.
#[derive(Default, Serialize, Deserialize)]
struct PlanRow {
    next: u64,
    filling: bool,
}

impl Endpoint {
    /// Paths of single teams that are wanted beside whole teams: 3 for the pointers to welcomes by
    /// the pool, 2 for the key packages of people who are to be added, 4 for the claims of a team
    /// whose newest term stands on slots that were not seen here.
    #[must_use]
    pub fn path_subscriptions(&self) -> Vec<(TeamId, u8)> {
        let wanted = self.wanted_paths().unwrap_or_default();
        let slots = self.subscriptions().into_iter().filter(|team| {
            let row = self.team(*team).ok().flatten();
            row.is_some_and(|row| self.misses_slots(*team, &row).unwrap_or(false))
        });
        let slots = slots.map(|team| (team, SLOTS));
        wanted.into_iter().map(|(team, path, _)| (team, path)).chain(slots).collect()
    }

    /// With whose proof each is read: that of a member of the organisation.
    fn wanted_paths(&self) -> Result<Vec<(TeamId, u8, Kept<TeamRow>)>, Fault> {
        let mut wanted: Vec<(TeamId, u8, Kept<TeamRow>)> = Vec::new();
        for team in self.subscriptions() {
            let (org, Some(row)) = (org_of(team), self.team(team)?) else {
                continue;
            };
            let pool = self.rows().has(Table::Pool, &team_key(org));
            let seeks =
                self.wishes(team)?.iter().any(|(intent, _)| matches!(intent, Intent::User(_)));
            for (path, wants) in [(POINTERS, pool), (KEY_PACKAGES, seeks)] {
                if wants && !wanted.iter().any(|(of, known, _)| (*of, *known) == (org, path)) {
                    wanted.push((org, path, row.clone()));
                }
            }
        }
        Ok(wanted)
    }

    /// Looks after the pools whose time has come, and proves on each link who reads them.
    pub(crate) fn tend_pools(&mut self, now: Millis) -> Result<(), Fault> {
        let Some(exporter) = self.link.as_ref().map(|link| link.exporter) else {
            self.org_proof = None;
            return Ok(());
        };
        for team in self.subscriptions() {
            let row = self.team(team)?.filter(|row| row.stage == Stage::Member);
            let (org, Some(row)) = (org_of(team), row.filter(|row| !row.is_admin())) else {
                continue;
            };
            let plan: Option<PlanRow> = self.rows().get(Table::Pool, &team_key(org))?;
            match plan {
                None => {
                    let plan = PlanRow { next: self.about(now, FIRST).0, filling: false };
                    self.rows().put(Table::Pool, &team_key(org), &plan)?;
                    self.org_proof = None;
                    self.outputs.push_back(Output::SubscribePath { team: org, path: POINTERS });
                }
                // A time far away is one of a clock that was wrong.
                Some(plan) if plan.next <= now.0 || plan.next > now.plus(CHECK).0 => {
                    self.tend(now, org, &row, plan)?;
                }
                Some(_) => {}
            }
        }
        if self.org_proof != Some(exporter) {
            self.org_proof = Some(exporter);
            for (org, _, row) in self.wanted_paths()? {
                self.prove_org(now, org, &row);
            }
            self.look_anew(now)?;
        }
        Ok(())
    }

    /// When a pool is to be looked after.
    pub(crate) fn pool_due(&self) -> Option<Millis> {
        self.link.as_ref()?;
        let teams = self.subscriptions().into_iter().filter(|team| {
            let row = self.team(*team).ok().flatten();
            row.is_some_and(|row| row.stage == Stage::Member && !row.is_admin())
        });
        let plans = teams.filter_map(|team| {
            let plan = self.rows().get::<PlanRow>(Table::Pool, &team_key(org_of(team)));
            plan.ok().flatten().map(|plan| Millis(plan.next))
        });
        plans.min()
    }

    fn tend(
        &mut self,
        now: Millis,
        org: TeamId,
        member: &TeamRow,
        plan: PlanRow,
    ) -> Result<(), Fault> {
        let mut plan = plan;
        // What people wait for goes first.
        if self.busy()? {
            plan.next = now.plus(PACE).0;
            return self.rows().put(Table::Pool, &team_key(org), &plan);
        }
        let (mut fresh, mut reserve) = (0_usize, false);
        let sure = member.surely(now);
        let likely = self.outside(now, member).map_or(now, |outside| outside.min(now));
        for (key, kept) in self.pool(org)? {
            let object = stored_object(&kept.object)?;
            if object.expires() <= sure {
                self.forget_package(&object)?;
                self.rows().remove(Table::Pool, &key);
            } else if object.expires() > likely.plus(RENEW) {
                reserve |= kept.reserve;
                fresh = fresh.saturating_add(usize::from(!kept.reserve));
            }
        }
        if !reserve {
            self.make_package(now, org, member.root, true)?;
            if fresh == 0 {
                // One is enough to be found by; the others wait for a quieter time.
                plan.next = self.about(now, OTHERS).0;
                return self.rows().put(Table::Pool, &team_key(org), &plan);
            }
        }
        plan.filling = (plan.filling || fresh < LEAST) && fresh < MOST;
        if plan.filling {
            for _ in 0..BATCH.min(MOST.saturating_sub(fresh)) {
                self.make_package(now, org, member.root, false)?;
            }
        }
        plan.next = now.plus(if plan.filling { PACE } else { CHECK }).0;
        self.rows().put(Table::Pool, &team_key(org), &plan)
    }

    /// In so many ms or up to twice as many, so that not all who joined together come together.
    fn about(&mut self, now: Millis, ms: u64) -> Millis {
        let jitter = self.draw_number().checked_rem(ms).unwrap_or_default();
        now.plus(ms.saturating_add(jitter))
    }

    /// Does anything but the pool wait for the relay?
    pub(crate) fn busy(&self) -> Result<bool, Fault> {
        for key in self.rows().keys(Table::Outbox, &[]) {
            let row: Kept<OutboxRow> = self.rows().kept(Table::Outbox, &key)?.ok_or(Fault::Row)?;
            if row.purpose != Purpose::Pool {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn make_package(
        &mut self,
        now: Millis,
        org: TeamId,
        root: [u8; 32],
        reserve: bool,
    ) -> Result<(), Fault> {
        let row = self.newcomer_row(Key(root))?;
        let (object, hash) = self.announcement(now, org, &row)?;
        let kept = PoolRow { row, object: object.bytes(), reserve };
        self.rows().put(Table::Pool, &pool_key(org, &hash), &kept)?;
        self.queue(&object, Purpose::Pool)
    }

    /// Its time is over: its keys go.
    fn forget_package(&self, object: &Object) -> Result<(), Fault> {
        let announcement = objects::Announcement::parse(object.data().unwrap_or_default());
        if let Some(package) = announcement.ok().and_then(|found| self.package(&found)) {
            let reference = package.hash_ref(self.provider.crypto()).map_err(|_| Fault::Mls)?;
            self.provider.rows.delete_key_package(&reference)?;
        }
        Ok(())
    }

    fn pool(&self, org: TeamId) -> Result<Vec<(Vec<u8>, PoolRow)>, Fault> {
        let mut pool = Vec::new();
        for key in self.rows().keys(Table::Pool, &team_key(org)) {
            if key.len() > team_key(org).len() {
                let kept = self.rows().get(Table::Pool, &key)?.ok_or(Fault::Row)?;
                pool.push((key, kept));
            }
        }
        Ok(pool)
    }

    /// The relay takes no more for now.
    pub(crate) fn pool_refused(&mut self, now: Millis, object: &Object) -> Result<(), Fault> {
        let org = object.name().team();
        for (key, kept) in self.pool(org)? {
            if kept.object == object.bytes() {
                self.forget_package(object)?;
                self.rows().remove(Table::Pool, &key);
            }
        }
        let plan = PlanRow { next: now.plus(CHECK).0, filling: false };
        self.rows().put(Table::Pool, &team_key(org), &plan)
    }

    /// Somebody has used a key package of ours: the team is joined, since the root of its
    /// organisation was confirmed before.
    pub(crate) fn pool_used(
        &mut self,
        now: Millis,
        org: TeamId,
        object: &Object,
    ) -> Result<(), Fault> {
        let Ok(pointer) = WelcomePointer::parse(object.data().unwrap_or_default()) else {
            return Ok(());
        };
        let (hash, team) = (pointer.announcement, pointer.welcome.first.team());
        let key = pool_key(org, &hash);
        let named = org.name(WelcomePointer::rest(&hash)) == object.name();
        let Some(kept) = self.rows().get::<PoolRow>(Table::Pool, &key)?.filter(|_| named) else {
            return Ok(());
        };
        if org_of(team) != org || team == org || team.team == Team::ZERO {
            return Ok(());
        }
        let before = self.team(team)?;
        self.rows().remove(Table::Pool, &key);
        // What was used may have been the last one: look soon.
        let mut plan: PlanRow = self.rows().get(Table::Pool, &team_key(org))?.unwrap_or_default();
        plan.next = plan.next.min(now.plus(PACE).0);
        self.rows().put(Table::Pool, &team_key(org), &plan)?;
        if before.as_ref().is_some_and(|row| row.stage != Stage::Removed) {
            return Ok(());
        }
        let mut row = kept.row;
        row.come_back(before.as_deref());
        row.stage = Stage::Joining { announcement: hash.0, added: None };
        // An old vault may have joined with the same key package before.
        self.guards.insert(team, Guard::Shut(Millis(0)));
        self.put_team(team, &row.into())?;
        self.keep(team, Ahead::Pointer, object, None)?;
        self.outputs.push_back(Output::Subscribe { team });
        self.prove(now, team)
    }

    /// Proves a member's key for reading what is about the whole organisation.
    pub(crate) fn prove_org(&mut self, now: Millis, org: TeamId, row: &TeamRow) {
        if let Some(link) = &self.link {
            let (exporter, expires) = (link.exporter, link.proof_until(now));
            let signer = Self::log_signer(row);
            let proof = Proof::sign(&signer, &link.relay, &exporter, org, row.own(), expires);
            self.outputs.push_back(Output::Prove { exporter, proof });
        }
    }

    /// The keys and number of a newcomer: our own, drawn anew.
    pub(crate) fn newcomer_row(&mut self, root: Key) -> Result<TeamRow, Fault> {
        let user = self.user()?;
        let (log_seed, leaf_seed) = (self.draw_seed(), self.draw_seed());
        let device = loop {
            let device = Device::truncate(self.draw_number());
            if !matches!(device, Device::MEMBER_TOOL | Device::ORIGIN) {
                break device;
            }
        };
        let leaf = Leaf::own(&user, device, log_seed.signer().key());
        Ok(TeamRow {
            root: root.0,
            device: device.value(),
            log_seed,
            leaf_seed,
            credential: leaf.signed(&user.seed.signer())?,
            stage: Stage::Removed,
            name: String::new(),
            channels: Vec::new(),
            roster: None,
            joined: 0,
            heads: Vec::new(),
            next_blob: self.draw_number(),
            beacon_due: None,
            pulse: crate::state::Pulse::default(),
            elsewhere: Vec::new(),
            contested: None,
            former_leaf: None,
            withdrawn: None,
        })
    }

    /// Says again at the start what is wanted.
    pub(crate) fn subscribe_paths(&mut self) {
        for (team, path) in self.path_subscriptions() {
            self.outputs.push_back(Output::SubscribePath { team, path });
        }
    }

    #[cfg(test)]
    pub(crate) fn pool_size(&self) -> (usize, usize) {
        let keys = self.rows().keys(Table::Pool, &[]);
        let orgs = keys.iter().filter(|key| key.len() == 8);
        let orgs = orgs.filter_map(|key| crate::state::team_of(key));
        let kept: Vec<PoolRow> =
            orgs.flat_map(|org| self.pool(org).unwrap()).map(|(_, kept)| kept).collect();
        let reserve = kept.iter().filter(|kept| kept.reserve).count();
        (kept.len().saturating_sub(reserve), reserve)
    }
}

/// The team that stands for all of an organisation.
pub(crate) fn org_of(team: TeamId) -> TeamId {
    TeamId { team: Team::ORG, ..team }
}

fn pool_key(org: TeamId, hash: &Hash) -> Vec<u8> {
    [&team_key(org)[..], &hash.0].concat()
}

/// Path numbers (`names/SPEC.md`).
pub(crate) const KEY_PACKAGES: u8 = 2;
const POINTERS: u8 = 3;

/// So many are kept, and filled up when fewer than [`LEAST`] are left.
const MOST: usize = 50;
const LEAST: usize = 20;
/// So many at a time, so far apart, in ms; the first one seconds after joining, the others minutes.
const BATCH: usize = 5;
const PACE: u64 = 10_000;
const FIRST: u64 = 5_000;
const OTHERS: u64 = 120_000;
const CHECK: u64 = 6 * 3_600_000;
/// Replaced so long before their end: two weeks.
const RENEW: u64 = 14 * 24 * 3_600_000;
