//! Wishes: additions and refreshes wait here until a commit of ours wins its slot.

use names::{Device, TeamId};
use objects::wire::Refusal;
use objects::{Announcement, Hash, Millis, Object, WelcomePointer};

use crate::rows::Table;
use crate::state::{ClaimRow, IntentRow, Purpose, Stage, TeamRow, stored_object, team_key};
use crate::{Endpoint, Fault, NotAdded, Output};

/// Why a device cannot be added from here.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum AddDeviceError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// No root key is here.
    #[error("only the member tool adds devices")]
    NotAdmin,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a leaf cannot be renewed.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum RefreshError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Wishes that the owner of the announcement with this hash is in the team. The wish is
    /// durable with the changes of this step; [`Output::Added`] says what became of it.
    ///
    /// # Errors
    /// As [`AddDeviceError`] says; then nothing has changed.
    pub fn add_device(
        &mut self,
        now: Millis,
        team: TeamId,
        hash: Hash,
    ) -> Result<(), AddDeviceError> {
        let row = self.member_of(team)?.ok_or(AddDeviceError::NoSuchTeam)?;
        if !row.is_admin() || self.org_row()?.is_none() {
            return Err(AddDeviceError::NotAdmin);
        }
        let key = add_key(team, &hash);
        if !self.rows().has(Table::Intent, &key) {
            self.rows().put(Table::Intent, &key, &IntentRow::new(now.0))?;
        }
        self.settle(now)?;
        Ok(())
    }

    /// Wishes to renew our own leaf (RFC 9420 §12.1.2).
    ///
    /// # Errors
    /// As [`RefreshError`] says; then nothing has changed.
    pub fn refresh(&mut self, now: Millis, team: TeamId) -> Result<(), RefreshError> {
        self.member_of(team)?.ok_or(RefreshError::NoSuchTeam)?;
        self.wish_refresh(team, now)?;
        self.settle(now)?;
        Ok(())
    }

    pub(crate) fn wish_refresh(&self, team: TeamId, after: Millis) -> Result<(), Fault> {
        self.rows().put(Table::Intent, &refresh_key(team), &IntentRow::new(after.0))
    }

    /// Claims the next slot, if there is a wish and nothing stands against it.
    pub(crate) fn drive(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        if !self.may_claim(team)? {
            return Ok(());
        }
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let mut adds = Vec::new();
        let mut asking = false;
        for (hash, intent) in self.additions(team)? {
            if intent.announcement.is_empty() {
                self.ask(team, hash);
                asking = true;
            } else if !intent.welcoming {
                adds.push((hash, intent));
            }
        }
        // Those who come together are added with one commit.
        if asking {
            return Ok(());
        }
        for (hash, intent) in self.readds(team)? {
            if intent.after <= now.0 {
                adds.push((hash, intent));
            }
        }
        let refresh: Option<IntentRow> = self.rows().get(Table::Intent, &refresh_key(team))?;
        let refresh = refresh.is_some_and(|intent| intent.after <= now.0);
        if adds.is_empty() && !refresh {
            return Ok(());
        }
        self.claim_next(now, team, row, adds, refresh)
    }

    fn may_claim(&self, team: TeamId) -> Result<bool, Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(false);
        };
        Ok(row.stage == Stage::Member && self.slot_is_free(team, &row)?)
    }

    /// Could the next slot be claimed from here, as far as is known?
    pub(crate) fn slot_is_free(&self, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        let caught_up = self.link.as_ref().is_some_and(|link| link.caught_up.contains(&team));
        let claiming = self.rows().has(Table::Claim, &team_key(team));
        let ordered = self.origin(team)?.is_some() && !self.two_histories(team)?;
        Ok(caught_up && !claiming && ordered && self.next_claim(team, row)?.is_none())
    }

    /// When a wish is due that could be claimed then.
    pub(crate) fn wish_due(&self, team: TeamId) -> Option<Millis> {
        let link = self.link.as_ref()?;
        if link.asked.values().any(|(of, _)| *of == team) {
            return None;
        }
        let refresh: Option<IntentRow> =
            self.rows().get(Table::Intent, &refresh_key(team)).ok().flatten();
        let readds = self.readds(team).unwrap_or_default().into_iter().map(|(_, intent)| intent);
        let after = refresh.into_iter().chain(readds).map(|intent| intent.after).min()?;
        self.may_claim(team).unwrap_or(false).then_some(Millis(after))
    }

    fn additions(&self, team: TeamId) -> Result<Vec<(Hash, IntentRow)>, Fault> {
        let mut additions = Vec::new();
        let mut prefix = team_key(team).to_vec();
        prefix.push(ADD);
        for key in self.rows().keys(Table::Intent, &prefix) {
            let hash = Hash(*key.last_chunk().ok_or(Fault::Row)?);
            let intent = self.rows().get(Table::Intent, &key)?.ok_or(Fault::Row)?;
            additions.push((hash, intent));
        }
        Ok(additions)
    }

    /// Wishes that a device that is behind is removed and added again; spread by the distance in
    /// the tree, so that one does it.
    pub(crate) fn wish_readd(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<(), Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let devices: Vec<Device> = self
            .groups
            .get(&team)
            .map(|group| Self::leaves(group).map(|leaf| leaf.device).collect())
            .unwrap_or_default();
        let place = |of: Device| devices.iter().position(|other| *other == of).unwrap_or(0);
        let behind = (place(row.own()) + devices.len()).saturating_sub(place(device) + 1);
        let turns = u64::try_from(behind.checked_rem(devices.len()).unwrap_or(0)).unwrap_or(0);
        let mut intent = IntentRow::new(now.plus(turns.saturating_mul(READD_TURN)).0);
        intent.announcement = object.bytes();
        self.rows().put(Table::Intent, &readd_key(team, device), &intent)
    }

    /// Devices that wait to be added again; those that are back, or gone, are forgotten.
    fn readds(&self, team: TeamId) -> Result<Vec<(Hash, IntentRow)>, Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let mut readds = Vec::new();
        let mut prefix = team_key(team).to_vec();
        prefix.push(READD);
        for key in self.rows().keys(Table::Intent, &prefix) {
            let intent: IntentRow = self.rows().get(Table::Intent, &key)?.ok_or(Fault::Row)?;
            let object = stored_object(&intent.announcement)?;
            let announcement = Announcement::parse(object.data().unwrap_or_default());
            let announcement = announcement.map_err(|_| Fault::Row)?;
            if self.comes_back(team, &row, &object, &announcement)? {
                readds.push((announcement.hash(), intent));
            } else {
                self.rows().remove(Table::Intent, &key);
            }
        }
        Ok(readds)
    }

    fn ask(&mut self, team: TeamId, hash: Hash) {
        if let Some(link) = &mut self.link {
            let asked = (team, hash.0);
            if !link.asked.values().any(|other| *other == asked) {
                let id = link.next_ask;
                link.next_ask = id.saturating_add(1);
                link.asked.insert(id, asked);
                let name = team.name(Announcement::rest(&hash));
                self.outputs.push_back(Output::Get { id, name });
            }
        }
    }

    /// The relay's answer to a question for an announcement.
    pub(crate) fn found(
        &mut self,
        now: Millis,
        id: u64,
        object: Option<&Object>,
    ) -> Result<(), Fault> {
        let asked = self.link.as_mut().and_then(|link| link.asked.remove(&id));
        let Some((team, hash)) = asked else {
            return Ok(());
        };
        let hash = Hash(hash);
        let key = add_key(team, &hash);
        let Some(mut intent) = self.rows().get::<IntentRow>(Table::Intent, &key)? else {
            return Ok(());
        };
        let fits = match object {
            None => Err(NotAdded::NoSuchAnnouncement),
            Some(object) => self.fits(now, team, &hash, object)?,
        };
        match (fits, object) {
            (Ok(newcomer), Some(_)) if self.is_member(team, &newcomer)? => {
                self.rows().remove(Table::Intent, &key);
                let result = Ok(newcomer.device);
                self.outputs.push_back(Output::Added { team, hash, result });
                Ok(())
            }
            (Ok(_), Some(object)) => {
                intent.announcement = object.bytes();
                self.rows().put(Table::Intent, &key, &intent)
            }
            (Err(why), _) => {
                self.not_added(team, hash, why);
                Ok(())
            }
            (Ok(_), None) => Ok(()),
        }
    }

    pub(crate) fn not_added(&mut self, team: TeamId, hash: Hash, why: NotAdded) {
        self.rows().remove(Table::Intent, &add_key(team, &hash));
        self.outputs.push_back(Output::Added { team, hash, result: Err(why) });
    }

    /// Is it the announcement that was meant, and may its owner be added?
    pub(crate) fn fits(
        &self,
        now: Millis,
        team: TeamId,
        hash: &Hash,
        object: &Object,
    ) -> Result<Result<Announcement, NotAdded>, Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(NotAdded::NoSuchAnnouncement));
        };
        // The hash that the newcomer showed is what is trusted; the name only routes.
        if announcement.hash() != *hash || !object.verifies(&announcement.log_key) {
            return Ok(Err(NotAdded::NoSuchAnnouncement));
        }
        if announcement.team != team || announcement.root.0 != row.root {
            return Ok(Err(NotAdded::OtherTeam));
        }
        if object.expires() <= now {
            return Ok(Err(NotAdded::Expired));
        }
        let known = self.certificate(team, announcement.device)?;
        let taken = known.is_some_and(|known| known.log_key != announcement.log_key);
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let other = Self::leaves(group)
            .any(|leaf| leaf.device == announcement.device && leaf.log_key != announcement.log_key);
        let reserved = matches!(announcement.device, Device::MEMBER_TOOL | Device::ORIGIN);
        if taken || other || reserved {
            return Ok(Err(NotAdded::NumberTaken));
        }
        Ok(Ok(announcement))
    }

    fn is_member(&self, team: TeamId, newcomer: &Announcement) -> Result<bool, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        Ok(Self::leaves(group).any(|leaf| leaf.device == newcomer.device))
    }

    /// Everything that a claim needs is at the relay: the claim itself is next.
    pub(crate) fn queue_claim(&mut self, team: TeamId) -> Result<(), Fault> {
        if self.waiting(team, |row| row.purpose == Purpose::Needed)? > 0 {
            return Ok(());
        }
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        if let Some(mut claim) = claim.filter(|claim| !claim.queued) {
            claim.queued = true;
            self.rows().put(Table::Claim, &team_key(team), &claim)?;
            self.queue(&stored_object(&claim.object)?, Purpose::Claim)?;
        }
        Ok(())
    }

    /// The relay misses something that a claim needs: all of it again.
    pub(crate) fn queue_needed(&mut self, team: TeamId) -> Result<(), Fault> {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        if let Some(mut claim) = claim {
            claim.queued = false;
            self.rows().put(Table::Claim, &team_key(team), &claim)?;
            for needed in &claim.needed {
                self.queue(&stored_object(needed)?, Purpose::Needed)?;
            }
        }
        Ok(())
    }

    /// The relay's word that a claim is refused proves nothing, so the claim stays; people are
    /// told.
    pub(crate) fn report_refused_claim(&mut self, team: TeamId, why: Refusal) {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team)).ok().flatten();
        for hash in claim.map(|claim| claim.adds).unwrap_or_default() {
            let (hash, result) = (Hash(hash.into_array()), Err(NotAdded::RelayRefused(why)));
            self.outputs.push_back(Output::Added { team, hash, result });
        }
    }

    /// A welcome pointer is at the relay: its addition is done.
    pub(crate) fn welcomed(&mut self, team: TeamId, object: &Object) -> Result<(), Fault> {
        let Ok(pointer) = WelcomePointer::parse(object.data().unwrap_or_default()) else {
            return Err(Fault::Row);
        };
        let key = add_key(team, &pointer.announcement);
        let intent: Option<IntentRow> = self.rows().get(Table::Intent, &key)?;
        let Some(intent) = intent else {
            return Ok(());
        };
        self.rows().remove(Table::Intent, &key);
        let announcement = stored_object(&intent.announcement)?;
        let announcement = Announcement::parse(announcement.data().unwrap_or_default());
        let result = announcement.map(|newcomer| newcomer.device).map_err(|_| NotAdded::Unfit);
        self.outputs.push_back(Output::Added { team, hash: pointer.announcement, result });
        Ok(())
    }

    /// Our claim has lost its slot: what it wished is claimed again later.
    pub(crate) fn lost(&mut self, team: TeamId) -> Result<(), Fault> {
        self.rows().remove(Table::Claim, &team_key(team));
        self.unqueue(team, |purpose| matches!(purpose, Purpose::Needed | Purpose::Claim))?;
        let Some(group) = self.groups.get_mut(&team) else {
            return Ok(());
        };
        group.clear_pending_commit(&self.provider.rows).map_err(|_| Fault::Mls)
    }

    /// Our claim has won its slot: its newcomers are welcomed, and its wishes are done.
    pub(crate) fn won(
        &mut self,
        now: Millis,
        team: TeamId,
        claim: &ClaimRow,
        object: &Object,
    ) -> Result<(), Fault> {
        self.rows().remove(Table::Claim, &team_key(team));
        self.unqueue(team, |purpose| purpose == Purpose::Claim)?;
        if claim.refreshes {
            self.rows().remove(Table::Intent, &refresh_key(team));
        }
        let row = self.team(team)?.ok_or(Fault::Row)?;
        for hash in &claim.adds {
            let hash = Hash(hash.into_array());
            let key = add_key(team, &hash);
            if let Some(mut intent) = self.rows().get::<IntentRow>(Table::Intent, &key)? {
                intent.welcoming = true;
                self.rows().put(Table::Intent, &key, &intent)?;
            }
            self.point(now, team, &row, hash, object)?;
        }
        if row.is_admin() && !claim.adds.is_empty() {
            self.announce(now, team, &row)?;
        }
        Ok(())
    }
}

fn add_key(team: TeamId, hash: &Hash) -> Vec<u8> {
    let mut key = team_key(team).to_vec();
    key.push(ADD);
    key.extend_from_slice(&hash.0);
    key
}

pub(crate) fn refresh_key(team: TeamId) -> Vec<u8> {
    let mut key = team_key(team).to_vec();
    key.push(REFRESH);
    key
}

fn readd_key(team: TeamId, device: Device) -> Vec<u8> {
    let mut key = team_key(team).to_vec();
    key.push(READD);
    key.extend_from_slice(&device.value().to_be_bytes());
    key
}

pub(crate) fn put_addition(
    endpoint: &Endpoint,
    team: TeamId,
    hash: &Hash,
    intent: &IntentRow,
) -> Result<(), Fault> {
    endpoint.rows().put(Table::Intent, &add_key(team, hash), intent)
}

const ADD: u8 = 1;
const REFRESH: u8 = 2;
const READD: u8 = 6;
/// How much later, in ms, the next member adds a device again.
const READD_TURN: u64 = 500;
