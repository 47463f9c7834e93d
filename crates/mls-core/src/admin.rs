//! What the owner of an organisation's root key does alone: make it, its teams, their channels.

use names::{Channel, Device, Generation, Org, Origin, Slot, Team, TeamId};
use objects::{Hash, Issuer, Label, Millis, RelayRef, Standing};
use openmls::prelude::MlsGroup;

use crate::bond::bond;
use crate::content::Content;
use crate::endpoint::group_id;
use crate::group::create_config;
use crate::identity::{Leaf, is_label, own_credential};
use crate::queries::org_view;
use crate::roles::{Says, certificate};
use crate::state::{OrgRow, Purpose, Stage, TeamRow};
use crate::views::OrgView;
use crate::{Endpoint, Fault, Output, Policy};

/// Why no organisation was made.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CreateOrgError {
    /// There is one already.
    #[error("there is an organisation in this vault already")]
    OrgExists,
    /// The name is empty, too long, or has control characters.
    #[error("a name has 1 to 64 bytes and no control characters")]
    BadName,
    /// Another relay is pinned.
    #[error("this device uses another relay")]
    OtherRelay,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why no team was made.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CreateTeamError {
    /// No root key is here.
    #[error("only the member tool makes teams")]
    NotAdmin,
    /// The name is empty, too long, or has control characters.
    #[error("a name has 1 to 64 bytes and no control characters")]
    BadName,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why no channel was made.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CreateChannelError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// No root key is here.
    #[error("only the member tool makes channels")]
    NotAdmin,
    /// The name is empty, too long, or has control characters.
    #[error("a name has 1 to 64 bytes and no control characters")]
    BadName,
    /// A team has at most [`MOST_CHANNELS`] channels.
    #[error("a team has at most {MOST_CHANNELS} channels")]
    RunOut,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Makes an organisation: draws its numbers and its root key.
    ///
    /// # Errors
    /// As [`CreateOrgError`] says; then nothing has changed.
    pub fn create_org(&mut self, name: &str, relay: &RelayRef) -> Result<OrgView, CreateOrgError> {
        if self.org_row()?.is_some() {
            return Err(CreateOrgError::OrgExists);
        }
        if !is_label(name) {
            return Err(CreateOrgError::BadName);
        }
        if self.relay().is_some_and(|pinned| pinned != *relay) {
            return Err(CreateOrgError::OtherRelay);
        }
        let row = OrgRow {
            name: name.to_owned(),
            origin: Origin::truncate(self.draw_number()).value(),
            org: Org::truncate(self.draw_number()).value(),
            seed: self.draw_seed(),
        };
        self.put_org(&row)?;
        self.pin(relay)?;
        Ok(org_view(&row))
    }

    /// Makes a team with a channel "general", and this device as its device 0.
    ///
    /// # Errors
    /// As [`CreateTeamError`] says; then nothing has changed.
    pub fn create_team(&mut self, now: Millis, name: &str) -> Result<TeamId, CreateTeamError> {
        let org = self.org_row()?.ok_or(CreateTeamError::NotAdmin)?;
        if !is_label(name) {
            return Err(CreateTeamError::BadName);
        }
        let team = self.draw_team(&org)?;
        let root = org.seed.signer();
        let user = self.user()?;
        let (log_seed, leaf_seed) = (self.draw_seed(), self.draw_seed());
        let log_key = log_seed.signer().key();
        let leaf = Leaf::own(&user, Device::MEMBER_TOOL, log_key);
        let row = TeamRow {
            root: root.key().0,
            device: Device::MEMBER_TOOL.value(),
            log_seed,
            leaf_seed,
            credential: leaf.signed(&user.seed.signer())?,
            stage: Stage::Member,
            name: name.to_owned(),
            channels: vec![(self.draw_channel(&[]), GENERAL.to_owned())],
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
        };
        let signer = row.leaf_seed.leaf_signer();
        let leaf = bond(&Self::log_signer(&row), row.own(), &signer.key())?;
        let group = MlsGroup::new_with_group_id(
            &self.provider,
            &signer,
            &create_config(Policy::default().extensions()?, leaf)?,
            group_id(team),
            own_credential(&row, signer.key()),
        )
        .map_err(|_| Fault::Mls)?;
        self.groups.insert(team, group);
        let says = Says {
            device: Device::MEMBER_TOOL,
            generation: Generation::ZERO,
            standing: Standing::Certified,
            log_key,
            credential: Hash::of(Label::Credential, &row.credential),
        };
        let certificate = certificate(&(org.seed.signer(), Issuer::Root), now, team, &says)?;
        self.put_certificate(team, Device::MEMBER_TOOL, &certificate)?;
        self.put_team(team, &row.into())?;
        self.fresh.insert(team);
        // Before anything else: nobody can follow the team without knowing who orders it.
        let relay = self.relay().ok_or(Fault::Row)?;
        self.make_term(now, team, &root, &relay, (Slot::ZERO, Hash::NONE))?;
        self.queue(&certificate, Purpose::Plain)?;
        self.outputs.push_back(Output::Subscribe { team });
        self.outputs.push_back(Output::TeamsChanged);
        self.prove(now, team)?;
        self.pump(now)?;
        Ok(team)
    }

    /// Makes a channel, and tells the team.
    ///
    /// # Errors
    /// As [`CreateChannelError`] says; then nothing has changed.
    pub fn create_channel(
        &mut self,
        now: Millis,
        team: TeamId,
        name: &str,
    ) -> Result<Channel, CreateChannelError> {
        let mut row = self.member_of(team)?.ok_or(CreateChannelError::NoSuchTeam)?;
        if !row.is_admin() || self.org_row()?.is_none() {
            return Err(CreateChannelError::NotAdmin);
        }
        if !is_label(name) {
            return Err(CreateChannelError::BadName);
        }
        if row.channels.len() >= MOST_CHANNELS {
            return Err(CreateChannelError::RunOut);
        }
        let number = self.draw_channel(&row.channels);
        row.channels.push((number, name.to_owned()));
        self.put_team(team, &row)?;
        self.announce(now, team, &row)?;
        self.outputs.push_back(Output::TeamsChanged);
        self.pump(now)?;
        Ok(Channel::truncate(number))
    }

    /// Tells the team its name and its channels, in the current epoch: newcomers cannot read what
    /// was said before.
    pub(crate) fn announce(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<(), Fault> {
        let content = Content::Roster { name: row.name.clone(), channels: row.channels.clone() };
        self.manage(now, team, &content)
    }

    fn draw_team(&mut self, org: &OrgRow) -> Result<TeamId, Fault> {
        loop {
            let team = TeamId {
                origin: Origin::truncate(org.origin),
                org: Org::truncate(org.org),
                team: Team::truncate(self.draw_number()),
            };
            // Team 0 is none, and team 1 manages the devices of the organisation.
            if team.team.value() > 1 && self.team(team)?.is_none() {
                return Ok(team);
            }
        }
    }

    fn draw_channel(&mut self, taken: &[(u64, String)]) -> u64 {
        loop {
            let number = Channel::truncate(self.draw_number()).value();
            // Channel 0 stands for all, and channel 1 manages the team.
            if number > 1 && taken.iter().all(|(other, _)| *other != number) {
                return number;
            }
        }
    }
}

/// The most channels of a team: their names must fit one announcement.
pub const MOST_CHANNELS: usize = 256;
const GENERAL: &str = "general";
