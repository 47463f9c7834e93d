//! Slots: the one order of commits, as the origin's receipts say it.

use names::{Blob, Device, Generation, Place, Rest, Slot, TeamId};
use objects::{BlobRef, Claim, Millis, Object, Receipt, Standing};
use openmls::prelude::{
    ApplyUpdatePathError, ProcessMessageError, ProcessedMessage, ProcessedMessageContent, Proposal,
    Sender, StageCommitError, StagedCommit, ValidationError,
};

use crate::framing::{COMMIT, Framing};
use crate::identity::Vouched;
use crate::open::{Ahead, ahead_key, ahead_prefix, protocol_message};
use crate::rows::Table;
use crate::state::{AheadRow, ClaimRow, Stage, TeamRow, team_key};
use crate::{Endpoint, Fault, Notice, Output, Skip};

/// What becomes of a slot.
enum Verdict {
    /// Something of it has not arrived yet.
    Wait,
    /// Everybody passes over it.
    Skip(Skip),
    /// It cannot be applied, perhaps only here.
    Stall,
    /// Our own commit has won it.
    Won,
    /// The commit was applied; whom it added.
    Applied(Vec<Device>),
}

impl Endpoint {
    /// Takes a claim with its receipt.
    pub(crate) fn claimed(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let name = object.name();
        let (Rest::Slot(slot), Some(receipt)) = (name.place().rest, receipt) else {
            return Ok(());
        };
        let covers = self
            .relay()
            .is_some_and(|relay| receipt.covers(&relay.key, object));
        if !covers {
            self.outputs
                .push_back(Output::Notice(Notice::BadReceipt { name }));
            return Ok(());
        }
        if slot <= row.head().0 {
            let known = row.heads.iter().find(|head| head.slot == slot.value());
            if known.is_some_and(|head| head.claim != object.entry_hash().0) {
                self.outputs
                    .push_back(Output::Notice(Notice::TwoHistories { team, slot }));
            }
            return self.forget_pieces(object);
        }
        self.keep(team, Ahead::Claim, object, Some(receipt))?;
        self.advance(now, team)
    }

    /// Goes on in the order of the slots, as far as what has arrived allows.
    pub(crate) fn advance(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let mut moved = false;
        while let Some(row) = self.team(team)? {
            let step = match &row.stage {
                Stage::Joining { added: None, .. } => self.track_slot(team, row)?,
                Stage::Joining {
                    added: Some(added), ..
                } => {
                    let added = added.clone();
                    self.try_join(now, team, row, &added)?
                }
                Stage::Member => self.decide_slot(now, team, row)?,
                Stage::Stalled(_) | Stage::Removed => false,
            };
            if !step {
                break;
            }
            moved = true;
        }
        if moved {
            self.retry_entries(now, team)
        } else {
            Ok(())
        }
    }

    /// The claim of the next slot, if it is here.
    pub(crate) fn next_claim(
        &self,
        team: TeamId,
        row: &TeamRow,
    ) -> Result<Option<(Slot, Object)>, Fault> {
        let Some(slot) = row.head().0.next() else {
            return Ok(None);
        };
        let key = ahead_key(team, Ahead::Claim, team.name(Rest::Slot(slot)));
        let kept: Option<AheadRow> = self.rows().get(Table::Ahead, &key)?;
        kept.map(|kept| Ok((slot, kept.object()?))).transpose()
    }

    fn decide_slot(&mut self, now: Millis, team: TeamId, mut row: TeamRow) -> Result<bool, Fault> {
        let Some((slot, object)) = self.next_claim(team, &row)? else {
            return Ok(false);
        };
        if object.previous() != row.head().1 {
            self.outputs
                .push_back(Output::Notice(Notice::TwoHistories { team, slot }));
            self.stall(team, row, slot)?;
            return Ok(false);
        }
        let own: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let verdict = self.judge(team, &row, own.as_ref(), &object)?;
        let newcomers = match verdict {
            Verdict::Wait => return Ok(false),
            Verdict::Stall => {
                self.stall(team, row, slot)?;
                return Ok(false);
            }
            Verdict::Skip(why) => {
                self.outputs
                    .push_back(Output::Notice(Notice::Skipped { slot, why }));
                Vec::new()
            }
            Verdict::Won => self.merge_own(team)?,
            Verdict::Applied(newcomers) => newcomers,
        };
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        if !group.is_active() {
            row.stage = Stage::Removed;
            self.outputs
                .push_back(Output::Notice(Notice::Removed { team }));
        }
        let authenticator = group.epoch_authenticator().as_slice().to_vec();
        row.push_head(slot, object.entry_hash(), &authenticator);
        self.put_team(team, &row)?;
        self.rows()
            .remove(Table::Ahead, &ahead_key(team, Ahead::Claim, object.name()));
        self.forget_pieces(&object)?;
        self.cover_past(team, &newcomers)?;
        self.outputs.push_back(Output::TeamsChanged);
        match own {
            Some(own) if own.object == object.bytes() => self.won(now, team, &own, &object)?,
            Some(_) => self.lost(team)?,
            None => {}
        }
        Ok(true)
    }

    fn stall(&mut self, team: TeamId, mut row: TeamRow, slot: Slot) -> Result<(), Fault> {
        // What was processed in vain must not stay half-done in memory.
        row.stage = Stage::Stalled(slot.value());
        self.put_team(team, &row)?;
        self.outputs
            .push_back(Output::Notice(Notice::Stalled { team, slot }));
        Ok(())
    }

    fn judge(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        own: Option<&ClaimRow>,
        object: &Object,
    ) -> Result<Verdict, Fault> {
        let Ok(claim) = Claim::parse(object.data().unwrap_or_default()) else {
            return Ok(Verdict::Skip(Skip::BadClaim));
        };
        let Some(certificate) = self.certificate(team, claim.device)? else {
            return Ok(Verdict::Wait);
        };
        if !object.verifies(&certificate.log_key) || certificate.standing == Standing::Revoked {
            return Ok(Verdict::Skip(Skip::BadClaim));
        }
        if own.is_some_and(|own| own.object == object.bytes()) {
            return Ok(Verdict::Won);
        }
        if claim.device == row.own() {
            // An own commit whose secrets are not here: an old vault was put back.
            return Ok(Verdict::Stall);
        }
        if !self.certificates_here(team, &claim)? {
            return Ok(Verdict::Wait);
        }
        let Some(commit) = self.blob(team, &claim.commit)? else {
            return Ok(Verdict::Wait);
        };
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        if claim.epoch != group.epoch().as_u64() {
            return Ok(Verdict::Skip(Skip::WrongEpoch));
        }
        if !claim.commit.matches(&commit) {
            return Ok(Verdict::Skip(Skip::WrongHash));
        }
        let is_commit = Framing::read(&commit).is_some_and(|head| head.content == COMMIT);
        let (true, Some(message)) = (is_commit, protocol_message(&commit)) else {
            return Ok(Verdict::Skip(Skip::NotValid));
        };
        match group.process_message(&self.provider, message) {
            Ok(processed) => self.apply(team, &claim, processed),
            Err(ProcessMessageError::StorageError(fault)) => Err(fault),
            Err(error) if is_mine_alone(&error) => Ok(Verdict::Stall),
            Err(_) => Ok(Verdict::Skip(Skip::NotValid)),
        }
    }

    fn apply(
        &mut self,
        team: TeamId,
        claim: &Claim,
        processed: ProcessedMessage,
    ) -> Result<Verdict, Fault> {
        let Sender::Member(_) = processed.sender() else {
            return Ok(Verdict::Skip(Skip::Policy));
        };
        let committer = processed.credential().clone();
        match self.certified(team, &committer)? {
            Vouched::Yes(leaf) if leaf.device == claim.device => {}
            Vouched::Yes(_) | Vouched::No | Vouched::NotYet => {
                return Ok(Verdict::Skip(Skip::Policy));
            }
        }
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Ok(Verdict::Skip(Skip::NotValid));
        };
        let path = staged.update_path_leaf_node();
        if path.is_some_and(|leaf| *leaf.credential() != committer) {
            return Ok(Verdict::Skip(Skip::Policy));
        }
        let Some(newcomers) = self.permitted(team, claim, &staged)? else {
            return Ok(Verdict::Skip(Skip::Policy));
        };
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        group
            .merge_staged_commit(&self.provider, *staged)
            .map_err(|_| Fault::Mls)?;
        Ok(Verdict::Applied(newcomers))
    }

    /// Whom a commit adds, if its author may do all that it does: only the member tool adds and
    /// removes, and it adds only devices that the claim's certificates name.
    fn permitted(
        &self,
        team: TeamId,
        claim: &Claim,
        staged: &StagedCommit,
    ) -> Result<Option<Vec<Device>>, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let mut taken: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        let mut newcomers = Vec::new();
        for queued in staged.queued_proposals() {
            let admin = claim.device == Device::MEMBER_TOOL;
            match queued.proposal() {
                Proposal::Add(add) if admin => {
                    let credential = add.key_package().leaf_node().credential();
                    let Vouched::Yes(leaf) = self.certified(team, credential)? else {
                        return Ok(None);
                    };
                    let name = team.name(Rest::Certificate {
                        device: leaf.device,
                        generation: Generation::ZERO,
                    });
                    let named = claim.certificates.iter().any(|named| named.name == name);
                    if !named || taken.contains(&leaf.device) {
                        return Ok(None);
                    }
                    taken.push(leaf.device);
                    newcomers.push(leaf.device);
                }
                Proposal::Remove(_) if admin => {}
                _ => return Ok(None),
            }
        }
        let welcomed = newcomers.len() == claim.welcomed.len();
        Ok((welcomed && newcomers.is_empty() == claim.welcome.is_none()).then_some(newcomers))
    }

    fn certificates_here(&self, team: TeamId, claim: &Claim) -> Result<bool, Fault> {
        for named in &claim.certificates {
            let Place { team: of, rest } = named.name.place();
            let Rest::Certificate { device, .. } = rest else {
                continue;
            };
            if of == team && self.certificate(team, device)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The pieces of a blob, put together and checked; `None` while some are missing. Pieces that
    /// their writer did not sign count as missing.
    pub(crate) fn blob(&self, team: TeamId, blob: &BlobRef) -> Result<Option<Vec<u8>>, Fault> {
        let Place {
            team: of,
            rest:
                Rest::Blob {
                    device,
                    blob: number,
                    piece,
                },
        } = blob.first.place()
        else {
            return Ok(None);
        };
        let Some(certificate) = self.certificate(team, device)? else {
            return Ok(None);
        };
        let mut whole = Vec::new();
        let mut piece = Some(piece);
        for _ in 0..blob.pieces {
            let Some(index) = piece else {
                return Ok(None);
            };
            let name = of.name(Rest::Blob {
                device,
                blob: number,
                piece: index,
            });
            let key = ahead_key(team, Ahead::Piece, name);
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                return Ok(None);
            };
            let object = kept.object()?;
            if !object.verifies(&certificate.log_key) {
                self.rows().remove(Table::Ahead, &key);
                return Ok(None);
            }
            whole.extend_from_slice(object.data().unwrap_or_default());
            piece = index.next();
        }
        Ok(Some(whole))
    }

    /// Drops the pieces of a decided claim, and those that its author made for earlier ones.
    pub(crate) fn forget_pieces(&self, object: &Object) -> Result<(), Fault> {
        match Claim::parse(object.data().unwrap_or_default()) {
            Ok(claim) => self.forget_blobs(claim.welcome.as_ref().unwrap_or(&claim.commit)),
            Err(_) => Ok(()),
        }
    }

    /// Drops the pieces of a blob, and of those that its author made before.
    pub(crate) fn forget_blobs(&self, last: &BlobRef) -> Result<(), Fault> {
        let Place {
            team,
            rest:
                Rest::Blob {
                    device: author,
                    blob: last,
                    ..
                },
        } = last.first.place()
        else {
            return Ok(());
        };
        for key in self
            .rows()
            .keys(Table::Ahead, &ahead_prefix(team, Ahead::Piece))
        {
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                continue;
            };
            let Rest::Blob { device, blob, .. } = kept.object()?.name().place().rest else {
                continue;
            };
            // Numbers are counted from a random start, and wrap.
            let age = last.value().wrapping_sub(blob.value()) & Blob::MAX.value();
            if device == author && age <= Blob::MAX.value() / 2 {
                self.rows().remove(Table::Ahead, &key);
            }
        }
        Ok(())
    }

    fn merge_own(&mut self, team: TeamId) -> Result<Vec<Device>, Fault> {
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        let before: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        if group.pending_commit().is_none() {
            return Err(Fault::Mls);
        }
        group
            .merge_pending_commit(&self.provider)
            .map_err(|_| Fault::Mls)?;
        let after = Self::leaves(group).map(|leaf| leaf.device);
        Ok(after.filter(|device| !before.contains(device)).collect())
    }
}

/// Can this failure be different for other members? Then skipping alone would fork the team.
fn is_mine_alone<E>(error: &ProcessMessageError<E>) -> bool {
    match error {
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(_))
        | ProcessMessageError::LibraryError(_)
        | ProcessMessageError::GroupStateError(_)
        | ProcessMessageError::StorageError(_) => true,
        ProcessMessageError::InvalidCommit(error) => matches!(
            error,
            StageCommitError::ConfirmationTagMismatch
                | StageCommitError::MissingDecryptionKey
                | StageCommitError::OwnKeyNotFound
                | StageCommitError::UpdatePathError(
                    ApplyUpdatePathError::UnableToDecrypt
                        | ApplyUpdatePathError::PathMismatch
                        | ApplyUpdatePathError::MissingCiphertext
                        | ApplyUpdatePathError::MissingOwnLeaf
                        | ApplyUpdatePathError::LibraryError(_)
                )
                | StageCommitError::LibraryError(_)
        ),
        _ => false,
    }
}
