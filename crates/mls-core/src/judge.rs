//! Judging a claim: what everybody sees alike, and what may fail here alone.

use names::{Device, Generation, Place, Rest, TeamId};
use objects::{Claim, Object, Standing};
use openmls::prelude::{
    ApplyUpdatePathError, ProcessMessageError, ProcessedMessage, ProcessedMessageContent, Proposal,
    Sender, StageCommitError, StagedCommit, ValidationError,
};

use crate::framing::{COMMIT, Framing};
use crate::identity::Vouched;
use crate::open::protocol_message;
use crate::state::{ClaimRow, TeamRow};
use crate::{Endpoint, Fault, Skip};

/// What becomes of a slot.
pub(crate) enum Verdict {
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
    pub(crate) fn judge(
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
        group.merge_staged_commit(&self.provider, *staged).map_err(|_| Fault::Mls)?;
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
                Proposal::Add(_)
                | Proposal::Update(_)
                | Proposal::Remove(_)
                | Proposal::PreSharedKey(_)
                | Proposal::ReInit(_)
                | Proposal::ExternalInit(_)
                | Proposal::GroupContextExtensions(_)
                | Proposal::SelfRemove
                | Proposal::Custom(_) => return Ok(None),
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
        ProcessMessageError::IncompatibleWireFormat
        | ProcessMessageError::ValidationError(_)
        | ProcessMessageError::UnauthorizedExternalApplicationMessage
        | ProcessMessageError::UnauthorizedExternalCommitMessage
        | ProcessMessageError::UnsupportedProposalType => false,
    }
}
