//! Joining: announce a key package, follow the slots, take the welcome.

use names::{Device, Rest, TeamId};
use objects::{
    Announcement, Claim, Draft, Hash, Key, Label, Millis, Object, Part, Standing, TeamLink,
    WelcomePointer,
};
use openmls::prelude::{
    KeyPackage, MlsGroup, MlsMessageBodyIn, MlsMessageIn, StagedWelcome, Welcome,
    tls_codec::{DeserializeBytes as _, Serialize as _},
};

use crate::bond::{bond, is_bound};
use crate::endpoint::group_id;
use crate::group::{SUITE, capabilities, join_config, unbounded};
use crate::identity::{Leaf, Vouched, identity_of, own_credential};
use crate::kept::Kept;
use crate::open::{Ahead, ahead_key};
use crate::pool::org_of;
use crate::rows::Table;
use crate::state::{Added, AheadRow, BlobRow, Purpose, Stage, TeamRow, team_key};
use crate::tree::TreeKey;
use crate::unsealed::ENTRY_LIFE;
use crate::views::Joining;
use crate::{Endpoint, Fault, Notice, Output};

/// Why a join was not begun.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// This device is in that team, or joins it already.
    #[error("this device is in that team, or joins it already")]
    AlreadyJoined,
    /// The link names another relay than the one that is used here.
    #[error("the link names another relay than the one that this device uses")]
    OtherRelay,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What becomes of a welcome.
enum NotJoined {
    /// Something is missing yet.
    Wait,
    /// It does not belong to the confirmed team.
    Refused,
    Fault(Fault),
}

impl Endpoint {
    /// Announces a key package for the team of a link that its user has confirmed.
    ///
    /// # Errors
    /// As [`JoinError`] says; then nothing has changed.
    pub fn join(&mut self, now: Millis, link: &TeamLink) -> Result<Joining, JoinError> {
        let team = link.team;
        let before = self.team(team)?;
        if before.as_ref().is_some_and(|row| row.stage != Stage::Removed) {
            return Err(JoinError::AlreadyJoined);
        }
        if self.relay().is_some_and(|relay| relay.key != link.relay.key) {
            return Err(JoinError::OtherRelay);
        }
        let mut row = self.newcomer_row(link.root)?;
        row.come_back(before.as_deref());
        let (object, hash) = self.announcement(now, team, &row)?;
        row.stage = Stage::Joining { announcement: hash.0, added: None };
        self.fresh.insert(team);
        self.pin(&link.relay)?;
        self.put_team(team, &row.into())?;
        self.queue(&object, Purpose::Plain)?;
        self.outputs.push_back(Output::Subscribe { team });
        self.prove(now, team)?;
        self.pump(now)?;
        Ok(Joining { team, hash })
    }

    /// Uses the relay of a link to a team that this device is in, or waits to be let into: the one
    /// that it used may be gone for ever. False when there is nothing to change.
    ///
    /// # Errors
    /// A damaged row.
    pub fn use_relay_of(&mut self, link: &TeamLink) -> Result<bool, Fault> {
        let row = self.team(link.team)?.filter(|row| row.stage != Stage::Removed);
        let other = self.relay().is_some_and(|relay| relay != link.relay);
        let ours = row.is_some_and(|row| row.root == link.root.0) && other;
        if ours {
            self.repin(&link.relay)?;
        }
        Ok(ours)
    }

    /// A new key package of this device, announced; and the hash that people compare.
    pub(crate) fn announcement(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<(Object, Hash), Fault> {
        let (log_signer, leaf_signer) = (Self::log_signer(row), row.leaf_seed.leaf_signer());
        let package = KeyPackage::builder()
            .leaf_node_capabilities(capabilities())
            .leaf_node_extensions(bond(&log_signer, row.own(), &leaf_signer.key())?)
            .key_package_lifetime(unbounded())
            .build(SUITE, &self.provider, &leaf_signer, own_credential(row, leaf_signer.key()))
            .map_err(|_| Fault::Mls)?;
        let package = package.key_package().tls_serialize_detached().map_err(|_| Fault::Mls)?;
        let announcement = Announcement {
            root: Key(row.root),
            team,
            device: row.own(),
            log_key: log_signer.key(),
            key_package: package,
        };
        let hash = announcement.hash();
        let draft = Draft {
            name: team.name(Announcement::rest(&hash)),
            created: now,
            // Our own clock may be wrong; what is refused for it is announced anew.
            expires: self.outside(now, row).unwrap_or(now).plus(ENTRY_LIFE),
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &announcement.bytes(),
        };
        Ok((draft.sign(&log_signer).map_err(|_| Fault::Encode)?, hash))
    }

    /// Our announcement has expired by the relay's clock: if ours is behind, it is dated anew. What
    /// it says, and so its name, stays.
    pub(crate) fn date_anew(&mut self, now: Millis, object: &Object) -> Result<bool, Fault> {
        let name = object.name();
        let (Rest::KeyPackage { .. }, Some(link)) = (name.place().rest, &self.link) else {
            return Ok(false);
        };
        let expires = link.theirs(now).plus(ENTRY_LIFE);
        let (true, Some(row)) = (expires > object.expires().plus(A_DAY), self.team(name.team())?)
        else {
            return Ok(false);
        };
        let data = object.data().unwrap_or_default();
        let (previous, part) = (Hash::NONE, Part::ONLY);
        let draft = Draft { name, created: now, expires, previous, part, data };
        let object = draft.sign(&Self::log_signer(&row)).map_err(|_| Fault::Encode)?;
        self.queue(&object, Purpose::Plain)?;
        Ok(true)
    }

    /// Takes a welcome pointer; only ours matters.
    pub(crate) fn pointer(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
    ) -> Result<(), Fault> {
        let Some((announcement, added)) = row.stage.awaits() else {
            return Ok(());
        };
        let ours = team.name(WelcomePointer::rest(&announcement));
        let right = match added {
            // A false one must not take the place of the right one, while pieces are missing.
            Some(added) => self.is_pointer(team, row, added, object)?,
            None => true,
        };
        if object.name() == ours && right {
            self.keep(team, Ahead::Pointer, object, None)?;
            self.advance(now, team)?;
        }
        Ok(())
    }

    /// Follows a slot that is decided while we are not in the group.
    pub(crate) fn track_slot(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
    ) -> Result<bool, Fault> {
        let (Some((announcement, _)), Some(due)) = (row.stage.awaits(), self.due(now, team, &row)?)
        else {
            return Ok(false);
        };
        let mut added = None;
        if let Some(claim) = &due.claim {
            // Only an admin brings somebody new; any member, one that is behind.
            let may = matches!(row.stage, Stage::Rejoining { .. })
                || self.administers(team, claim.device)?;
            let ours = may && claim.welcomed.contains(&announcement) && self.is_own(team, &row)?;
            added = claim.welcome.zip(claim.tree).filter(|_| ours).map(|(welcome, tree)| Added {
                epoch: claim.epoch,
                device: claim.device.value(),
                welcome: BlobRow::from(&welcome),
                tree: BlobRow::from(&tree),
            });
        }
        if added.is_none() {
            self.pass(team, &mut row, &due)?;
            let claim = Claim::parse(due.object.data().unwrap_or_default());
            let used_up = claim.is_ok_and(|claim| claim.welcomed.contains(&announcement));
            if used_up && matches!(row.stage, Stage::Rejoining { .. }) {
                // To everybody else we have been welcomed with this.
                self.announce_again(now, team, row)?;
            }
            return Ok(true);
        }
        self.note_welcomed(team, &due.object)?;
        row.push_head(due.slot, due.object.entry_hash(), &[]);
        row.witness(0, Some(&due.receipt));
        self.note_slot(team, &due.receipt)?;
        row.stage.set_added(added);
        self.put_team(team, &row)?;
        let key = ahead_key(team, Ahead::Claim, due.object.name());
        self.rows().remove(Table::Ahead, &key);
        Ok(true)
    }

    /// Is the certificate of our number in effect, and ours?
    fn is_own(&self, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        let credential = Hash::of(Label::Credential, &row.credential);
        let certificate = self.certificate(team, row.own())?;
        Ok(certificate.is_some_and(|known| {
            known.standing != Standing::Revoked
                && known.log_key == Self::log_signer(row).key()
                && known.credential == credential
        }))
    }

    /// Takes the welcome of the claim that added us, if everything of it is here.
    pub(crate) fn try_join(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
        added: &Added,
    ) -> Result<bool, Fault> {
        let Some((announcement, _)) = row.stage.awaits() else {
            return Ok(false);
        };
        // Beside the team, when a key package for any team was used.
        let rest = WelcomePointer::rest(&announcement);
        let key = ahead_key(team, Ahead::Pointer, team.name(rest));
        let beside = ahead_key(team, Ahead::Pointer, org_of(team).name(rest));
        let key = if self.rows().has(Table::Ahead, &beside) { beside } else { key };
        let back = matches!(row.stage, Stage::Rejoining { .. });
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        let pointed = match kept {
            // Who may read already finds the way by the claim alone.
            _ if back => true,
            Some(kept) => self.is_pointer(team, &row, added, &kept.object()?)?,
            None => return Ok(false),
        };
        let (blob, tree_blob) = (added.welcome.blob()?, added.tree.blob()?);
        let (Some(welcome), Some(tree)) = (self.blob(team, &blob)?, self.blob(team, &tree_blob)?)
        else {
            return Ok(false);
        };
        let joined = if pointed && blob.matches(&welcome) && tree_blob.matches(&tree) {
            self.provider.rows.attempt(|| self.take_welcome(team, &row, added, &welcome, &tree))
        } else {
            Err(NotJoined::Refused)
        };
        match joined {
            Ok(group) => {
                let epoch = group.epoch().as_u64();
                if !back {
                    row.joined = epoch;
                    self.rows().remove(Table::Removal, &team_key(team));
                }
                row.stage = Stage::Member;
                (row.former_leaf, row.withdrawn) = (None, None);
                if let Some(head) = row.heads.last_mut() {
                    head.authenticator = group.epoch_authenticator().as_slice().to_vec();
                    head.epoch = epoch;
                }
                self.groups.insert(team, group);
                self.put_team(team, &row)?;
                self.rows().remove(Table::Ahead, &key);
                self.forget_blobs(&tree_blob)?;
                let spread = self.draw_number() % REFRESH_SPREAD;
                self.wish_refresh(team, now.plus(REFRESH_SOON).plus(spread))?;
                self.outputs.push_back(if back {
                    Output::Notice(Notice::Rejoined { team })
                } else {
                    Output::Joined { team }
                });
                self.outputs.push_back(Output::TeamsChanged);
                Ok(true)
            }
            Err(NotJoined::Wait) => Ok(false),
            Err(NotJoined::Fault(fault)) => Err(fault),
            Err(NotJoined::Refused) => {
                self.rows().remove(Table::Ahead, &key);
                self.outputs.push_back(Output::Notice(Notice::BadWelcome { team }));
                if back {
                    // No other welcome for this announcement will come.
                    self.announce_again(now, team, row)?;
                    return Ok(true);
                }
                Ok(false)
            }
        }
    }

    fn is_pointer(
        &self,
        team: TeamId,
        row: &TeamRow,
        added: &Added,
        object: &Object,
    ) -> Result<bool, Fault> {
        let device = Device::truncate(added.device);
        let certificate = self.certificate(team, device)?;
        let signed = certificate.is_some_and(|known| object.verifies(&known.log_key));
        let pointer = WelcomePointer::parse(object.data().unwrap_or_default());
        let same = pointer.is_ok_and(|pointer| {
            (pointer.slot, pointer.claim) == row.head()
                && BlobRow::from(&pointer.welcome) == added.welcome
        });
        Ok(signed && same)
    }

    /// Joins the group, if it is the confirmed team's, our leaf is ours, and the root has
    /// certified every other leaf.
    fn take_welcome(
        &self,
        team: TeamId,
        row: &TeamRow,
        added: &Added,
        welcome: &[u8],
        tree: &[u8],
    ) -> Result<MlsGroup, NotJoined> {
        let welcome = read_welcome(welcome).ok_or(NotJoined::Refused)?;
        let builder = StagedWelcome::build_from_welcome(&self.provider, &join_config(), welcome)
            .map_err(|_| NotJoined::Refused)?;
        let key = TreeKey::of(builder.processed_welcome()).ok_or(NotJoined::Refused)?;
        let tree = self.open_tree(team, &key, tree).ok_or(NotJoined::Refused)?;
        let staged = builder
            .with_ratchet_tree(tree)
            .skip_lifetime_validation()
            .replace_old_group()
            .build()
            .map_err(|_| NotJoined::Refused)?;
        let context = staged.group_context();
        let ours = staged
            .own_leaf_node()
            .is_some_and(|leaf| identity_of(leaf.credential()) == row.credential);
        let epoch = added.epoch.saturating_add(1);
        let right = context.group_id() == &group_id(team) && context.epoch().as_u64() == epoch;
        if !ours || !right {
            return Err(NotJoined::Refused);
        }
        for member in staged.members() {
            match self.certified(team, &member.credential) {
                // A revoked device goes with the next commit.
                Ok(Vouched::Yes(_) | Vouched::Revoked) => {}
                Ok(Vouched::NotYet) => return Err(NotJoined::Wait),
                Ok(Vouched::No) => return Err(NotJoined::Refused),
                Err(fault) => return Err(NotJoined::Fault(fault)),
            }
        }
        let sender = staged.welcome_sender().map_err(|_| NotJoined::Refused)?;
        let sender = Leaf::read(identity_of(sender.credential()));
        if sender.is_none_or(|leaf| leaf.device.value() != added.device) {
            return Err(NotJoined::Refused);
        }
        let group = staged.into_group(&self.provider).map_err(|_| NotJoined::Refused)?;
        let bound = group
            .members()
            .all(|member| group.public_group().leaf(member.index).is_some_and(is_bound));
        if bound { Ok(group) } else { Err(NotJoined::Refused) }
    }
}

pub(crate) fn read_welcome(bytes: &[u8]) -> Option<Welcome> {
    match MlsMessageIn::tls_deserialize_exact_bytes(bytes).ok()?.extract() {
        MlsMessageBodyIn::Welcome(welcome) => Some(welcome),
        MlsMessageBodyIn::PublicMessage(_)
        | MlsMessageBodyIn::PrivateMessage(_)
        | MlsMessageBodyIn::GroupInfo(_)
        | MlsMessageBodyIn::KeyPackage(_) => None,
    }
}

/// Newcomers renew their leaf soon, spread out so that they do not race each other.
const REFRESH_SOON: u64 = 1_000;
const REFRESH_SPREAD: u64 = 3_000;
/// Clocks that differ by less are right enough, in ms.
const A_DAY: u64 = 24 * 3_600_000;
