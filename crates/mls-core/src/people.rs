//! Adding people by the key packages that their devices have left for any team.

use std::collections::BTreeMap;

use names::TeamId;
use objects::{Announcement, Draft, Hash, Key, Millis, Object, Part, Spent};
use serde::{Deserialize, Serialize};

use crate::identity::{Leaf, identity_of};
use crate::pool::{KEY_PACKAGES, org_of};
use crate::readd::welcomed_key;
use crate::rows::Table;
use crate::state::{IntentRow, Purpose, TeamRow, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault, NotDone, Output};

/// Why a person cannot be added from here.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum AddUserError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// This device is no admin.
    #[error("only an admin adds people")]
    NotAdmin,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A key package of somebody who is to be added.
#[derive(Serialize, Deserialize)]
struct CandidateRow {
    #[serde(with = "serde_bytes")]
    object: Vec<u8>,
    device_name: String,
    /// The origin is asked whether it is still unused.
    spending: bool,
}

impl Endpoint {
    /// Wishes that the devices of a person of the organisation are in a team, by the key packages
    /// that they have left: [`Output::Added`] for each, [`Output::Wished`] when all is done.
    ///
    /// # Errors
    /// As [`AddUserError`] says; then nothing has changed.
    pub fn add_user(
        &mut self,
        now: Millis,
        team: TeamId,
        user_key: Key,
    ) -> Result<(), AddUserError> {
        let row = self.member_of(team)?.ok_or(AddUserError::NoSuchTeam)?;
        if self.issuer(team, &row)?.is_none() {
            return Err(AddUserError::NotAdmin);
        }
        let org = org_of(team);
        if self.wish(team, &Intent::User(user_key))?.is_none() {
            // The relay delivers what it has within seconds.
            let mut wish = IntentRow::new(now.plus(LOOK).0);
            wish.value = now.plus(PATIENCE).0.to_be_bytes().to_vec();
            self.put_wish(team, &Intent::User(user_key), &wish)?;
            self.outputs.push_back(Output::SubscribePath { team: org, path: KEY_PACKAGES });
            self.prove_org(now, org, &row);
        }
        self.settle(now)?;
        Ok(())
    }

    /// There is a new link: those who are looked for may be found by it.
    pub(crate) fn look_anew(&mut self, now: Millis) -> Result<(), Fault> {
        for team in self.subscriptions() {
            for (intent, mut wish) in self.wishes(team)? {
                if matches!(intent, Intent::User(_)) {
                    wish.after = now.plus(LOOK).0;
                    wish.value = now.plus(PATIENCE).0.to_be_bytes().to_vec();
                    self.put_wish(team, &intent, &wish)?;
                }
            }
        }
        Ok(())
    }

    /// A key package for any team has arrived: kept, if it is of somebody who is wanted.
    pub(crate) fn candidate_came(
        &mut self,
        now: Millis,
        org: TeamId,
        object: &Object,
    ) -> Result<(), Fault> {
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(());
        };
        let hash = announcement.hash();
        let meant = announcement.team == org
            && object.name() == org.name(Announcement::rest(&hash))
            && object.verifies(&announcement.log_key)
            && !self.rows().has(Table::Welcomed, &welcomed_key(org, &hash));
        let Some(package) = self.package(&announcement).filter(|_| meant) else {
            return Ok(());
        };
        let Some(leaf) = Leaf::read(identity_of(package.leaf_node().credential())) else {
            return Ok(());
        };
        for team in self.subscriptions() {
            let wanted = org_of(team) == org
                && self.team(team)?.is_some_and(|row| {
                    row.root == announcement.root.0 && object.expires() > row.surely(now)
                })
                && self.wish(team, &Intent::User(leaf.user_key))?.is_some();
            let key = candidate_key(team, &leaf.user_key, &hash);
            if wanted && !self.rows().has(Table::Candidate, &key) {
                let device_name = leaf.device_name.clone();
                let row = CandidateRow { object: object.bytes(), device_name, spending: false };
                self.rows().put(Table::Candidate, &key, &row)?;
            }
        }
        Ok(())
    }

    /// Goes on with the people who are to be added.
    pub(crate) fn seek(&mut self, now: Millis, team: TeamId, row: &TeamRow) -> Result<(), Fault> {
        if self.link.is_none() {
            return Ok(());
        }
        for (intent, mut wish) in self.wishes(team)? {
            let Intent::User(user) = intent else {
                continue;
            };
            if self.wished_for(&wish) > now {
                continue;
            }
            if self.issuer(team, row)?.is_none() {
                self.drop_uses(team)?;
                self.sought(team, user, Err(NotDone::NotAdmin))?;
                continue;
            }
            let devices = self.candidates(team, &user)?;
            let until = wish.value.first_chunk().map_or(0, |until| u64::from_be_bytes(*until));
            if devices.is_empty() && self.planned(until, PATIENCE) <= now {
                let here = self.is_here(team, &user)?;
                self.sought(team, user, here.then_some(()).ok_or(NotDone::NoKeyPackage))?;
                continue;
            }
            let mut open = devices.is_empty();
            for (name, keys) in devices {
                open |= self.seek_device(now, team, row, (&user, &name), &keys)?;
            }
            if open {
                wish.after = now.plus(AGAIN).0;
                self.put_wish(team, &intent, &wish)?;
            } else {
                self.sought(team, user, Ok(()))?;
            }
        }
        Ok(())
    }

    /// Is a device of that person in the group?
    fn is_here(&self, team: TeamId, user: &Key) -> Result<bool, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        Ok(Self::leaves(group).any(|leaf| leaf.user_key == *user))
    }

    /// Takes one of the key packages of a device; false when the device is there.
    fn seek_device(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        (user, name): (&Key, &str),
        keys: &[Vec<u8>],
    ) -> Result<bool, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let is = |leaf: &Leaf| leaf.user_key == *user && leaf.device_name == name;
        if Self::leaves(group).any(|leaf| is(&leaf)) {
            return Ok(false);
        }
        for (intent, wish) in self.wishes(team)? {
            let newcomer =
                Self::announcement_of(&wish)?.filter(|_| matches!(intent, Intent::Add(_)));
            let package = newcomer.and_then(|newcomer| self.package(&newcomer));
            let leaf =
                package.and_then(|found| Leaf::read(identity_of(found.leaf_node().credential())));
            if leaf.is_some_and(|leaf| is(&leaf)) {
                return Ok(true);
            }
        }
        let mut unused = Vec::new();
        for key in keys {
            let kept: CandidateRow = self.rows().get(Table::Candidate, key)?.ok_or(Fault::Row)?;
            if kept.spending {
                return Ok(true);
            }
            unused.push((key, kept));
        }
        // At random: two admins who add the same person at once rarely want the same one.
        let count = u64::try_from(unused.len()).unwrap_or(1).max(1);
        let index = self.draw_number().checked_rem(count).unwrap_or_default();
        let Some((key, mut kept)) = unused.into_iter().nth(usize::try_from(index).unwrap_or(0))
        else {
            return Ok(false);
        };
        let (_, hash) = person_and_package(key).ok_or(Fault::Row)?;
        let spent = Spent { announcement: hash, team, device: row.own() };
        let draft = Draft {
            name: org_of(team).name(Spent::rest(&hash)),
            created: now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &spent.bytes(),
        };
        let object = draft.sign(&Self::log_signer(row)).map_err(|_| Fault::Encode)?;
        kept.spending = true;
        self.rows().put(Table::Candidate, key, &kept)?;
        self.queue(&object, Purpose::Use)?;
        Ok(true)
    }

    /// The origin says whether a key package is ours to use.
    pub(crate) fn use_answered(
        &mut self,
        now: Millis,
        object: &Object,
        ours: bool,
    ) -> Result<(), Fault> {
        let spent = Spent::parse(object.data().unwrap_or_default()).map_err(|_| Fault::Row)?;
        let team = spent.team;
        // It is delivered again with the next search.
        self.rows().put(Table::Welcomed, &welcomed_key(org_of(team), &spent.announcement), &())?;
        for key in self.rows().keys(Table::Candidate, &team_key(team)) {
            let Some((user, hash)) = person_and_package(&key) else {
                return Err(Fault::Row);
            };
            if hash != spent.announcement {
                continue;
            }
            let kept: CandidateRow = self.rows().get(Table::Candidate, &key)?.ok_or(Fault::Row)?;
            self.rows().remove(Table::Candidate, &key);
            if ours {
                self.was_found(now, team, user)?;
                let wish = IntentRow { announcement: kept.object, ..IntentRow::new(now.0) };
                self.put_wish(team, &Intent::Add(spent.announcement), &wish)?;
            }
        }
        Ok(())
    }

    /// Who adds nobody to a team any more uses no key packages for it: the origin takes none.
    pub(crate) fn drop_uses(&mut self, team: TeamId) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Outbox, &[]) {
            if let Some((id, row, object)) = self.queued(&key)?
                && row.purpose == Purpose::Use
                && Spent::parse(object.data().unwrap_or_default())
                    .is_ok_and(|spent| spent.team == team)
            {
                self.drop_queued(id, object.name());
            }
        }
        Ok(())
    }

    /// Somebody who was looked for is found: nothing more is waited for.
    fn was_found(&mut self, now: Millis, team: TeamId, user: Key) -> Result<(), Fault> {
        if let Some(mut wish) = self.wish(team, &Intent::User(user))? {
            wish.value = now.0.to_be_bytes().to_vec();
            self.put_wish(team, &Intent::User(user), &wish)?;
        }
        Ok(())
    }

    /// The key packages of a person that are known, by device.
    fn candidates(
        &self,
        team: TeamId,
        user: &Key,
    ) -> Result<BTreeMap<String, Vec<Vec<u8>>>, Fault> {
        let mut devices: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for key in self.rows().keys(Table::Candidate, &candidate_prefix(team, user)) {
            let kept: CandidateRow = self.rows().get(Table::Candidate, &key)?.ok_or(Fault::Row)?;
            devices.entry(kept.device_name).or_default().push(key);
        }
        for (intent, wish) in self.wishes(team)? {
            // Those whose last known key package is being used.
            if let (Intent::Add(_), Some(newcomer)) = (intent, Self::announcement_of(&wish)?)
                && let Some(package) = self.package(&newcomer)
                && let Some(leaf) = Leaf::read(identity_of(package.leaf_node().credential()))
                && leaf.user_key == *user
            {
                devices.entry(leaf.device_name).or_default();
            }
        }
        Ok(devices)
    }

    fn sought(
        &mut self,
        team: TeamId,
        user: Key,
        result: Result<(), NotDone>,
    ) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Candidate, &candidate_prefix(team, &user)) {
            self.rows().remove(Table::Candidate, &key);
        }
        self.wished(team, &Intent::User(user), result)
    }

    /// Something about a whole organisation has arrived.
    pub(crate) fn org_object_came(
        &mut self,
        now: Millis,
        org: TeamId,
        object: &Object,
    ) -> Result<(), Fault> {
        match object.name().place().rest {
            names::Rest::KeyPackage { .. } => self.candidate_came(now, org, object),
            names::Rest::Welcome { .. } => self.pool_used(now, org, object),
            names::Rest::Message { .. }
            | names::Rest::Slot(_)
            | names::Rest::Blob { .. }
            | names::Rest::Certificate { .. }
            | names::Rest::Use(_)
            | names::Rest::Code(_) => Ok(()),
        }
    }
}

fn candidate_prefix(team: TeamId, user: &Key) -> Vec<u8> {
    [&team_key(team)[..], &user.0].concat()
}

fn candidate_key(team: TeamId, user: &Key, hash: &Hash) -> Vec<u8> {
    [&candidate_prefix(team, user)[..], &hash.0].concat()
}

/// What the end of a [`candidate_key`] says.
fn person_and_package(key: &[u8]) -> Option<(Key, Hash)> {
    let (rest, hash) = key.split_last_chunk()?;
    Some((Key(*rest.last_chunk()?), Hash(*hash)))
}

/// How long key packages are looked for before the first is taken, and at most, in ms.
const LOOK: u64 = 3_000;
const PATIENCE: u64 = 15_000;
const AGAIN: u64 = 2_000;
