//! Judging a claim: what everybody sees alike, and what may fail here alone.

use names::{Device, Slot, TeamId};
use objects::{Claim, Object};
use openmls::prelude::{
    ApplyUpdatePathError, LeafNode, ProcessMessageError, ProcessedMessage, ProcessedMessageContent,
    Sender, StageCommitError, ValidationError,
};

use crate::bond::is_bound;
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
    /// The others are on a history that cannot be followed from here.
    Behind,
    /// Our own commit has won it.
    Won,
    /// The commit was applied; whom it added.
    Applied(Vec<Device>),
}

impl Endpoint {
    /// What becomes of the commit of a claim that was vetted.
    pub(crate) fn judge(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        own: Option<&ClaimRow>,
        object: &Object,
        claim: &Claim,
    ) -> Result<Verdict, Fault> {
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        let epoch = group.epoch().as_u64();
        let pending = group.pending_commit().is_some();
        if own.is_some_and(|own| own.object == object.bytes()) && pending && claim.epoch == epoch {
            return Ok(Verdict::Won);
        }
        if claim.epoch != epoch {
            // The root passes over what could not be applied, and was applied here.
            let passed = claim.passes_over().is_some() && claim.epoch < epoch;
            return Ok(if passed { Verdict::Behind } else { Verdict::Skip(Skip::WrongEpoch) });
        }
        if claim.device == row.own() {
            // An own commit whose secrets are not here: an old vault was put back.
            return Ok(Verdict::Behind);
        }
        let Some(commit) = self.blob(team, &claim.commit)? else {
            return Ok(Verdict::Wait);
        };
        if !claim.commit.matches(&commit) {
            // The origin saw the right pieces before the slot was won: these are others, shown here
            // alone by their author.
            return Ok(Verdict::Stall);
        }
        let is_commit = Framing::read(&commit).is_some_and(|head| head.content == COMMIT);
        let (true, Some(message)) = (is_commit, protocol_message(&commit)) else {
            return Ok(Verdict::Skip(Skip::NotValid));
        };
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        match group.process_message(&self.provider, message) {
            Ok(processed) => self.apply(team, claim, processed),
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
        if matches!(processed.content(), ProcessedMessageContent::OwnPrivateMessage) {
            // Whoever made it named this device as its sender; the others cannot decrypt it.
            return Ok(Verdict::Stall);
        }
        let &Sender::Member(index) = processed.sender() else {
            return Ok(Verdict::Skip(Skip::Policy));
        };
        let committer = processed.credential().clone();
        match self.certified(team, &committer)? {
            Vouched::Yes(leaf) if leaf.device == claim.device => {}
            Vouched::Yes(_) | Vouched::Revoked | Vouched::No | Vouched::NotYet => {
                return Ok(Verdict::Skip(Skip::Policy));
            }
        }
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Ok(Verdict::Skip(Skip::NotValid));
        };
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let before = group.member_at(index);
        let same = |path: &LeafNode| {
            // A leaf has another key only when it is added again.
            *path.credential() == committer
                && before
                    .is_some_and(|before| before.signature_key == path.signature_key().as_slice())
                && is_bound(path)
        };
        if !staged.update_path_leaf_node().is_none_or(same) {
            return Ok(Verdict::Skip(Skip::Policy));
        }
        let Some(newcomers) = self.permitted(team, claim, &staged)? else {
            return Ok(Verdict::Skip(Skip::Policy));
        };
        let row = self.team(team)?;
        let withdrawn = row.as_ref().is_some_and(|row| row.has_withdrawn(&claim.welcomed));
        let revoked = self.is_revoked(team, row.map(|row| row.own()))?;
        if staged.self_removed() && !revoked && !withdrawn {
            // Our leaf gives way to one whose keys are not here: an old vault was put back.
            return Ok(Verdict::Behind);
        }
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        group.merge_staged_commit(&self.provider, *staged).map_err(|_| Fault::Mls)?;
        Ok(Verdict::Applied(newcomers))
    }
}

/// What only the root may say: who could name any slot could send everybody away.
pub(crate) trait PassesOver {
    /// The slot that this claim passes over.
    fn passes_over(&self) -> Option<Slot>;
}

impl PassesOver for Claim {
    fn passes_over(&self) -> Option<Slot> {
        self.skips.filter(|_| self.device == Device::MEMBER_TOOL)
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
                        | ApplyUpdatePathError::MissingSender
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

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be_mine_alone(error: ApplyUpdatePathError) -> bool {
        let error = StageCommitError::UpdatePathError(error);
        is_mine_alone(&ProcessMessageError::<Fault>::InvalidCommit(error))
    }

    /// `MLS-45`
    #[test]
    fn what_depends_on_the_own_keys_stops_and_what_everybody_sees_is_passed_over() {
        for error in [
            ApplyUpdatePathError::MissingSender,
            ApplyUpdatePathError::MissingOwnLeaf,
            ApplyUpdatePathError::MissingCiphertext,
            ApplyUpdatePathError::UnableToDecrypt,
            ApplyUpdatePathError::PathMismatch,
        ] {
            assert!(may_be_mine_alone(error));
        }
        for error in [
            ApplyUpdatePathError::PathLengthMismatch,
            ApplyUpdatePathError::ParentHashMismatch,
            ApplyUpdatePathError::MissingParentHash,
        ] {
            assert!(!may_be_mine_alone(error));
        }
    }
}
