//! Removal that this device has missed: a relay refuses to deliver, and shows why.

use names::{Device, TeamId};
use objects::{Certificate, Claim, Key, Millis, Named, Revocation, Revoked, Standing};
use serde::{Deserialize, Serialize};

use crate::rows::Table;
use crate::state::{Stage, TeamRow, team_key};
use crate::views::Removal;
use crate::{Endpoint, Fault, Notice, Output};

/// By whom and when this device was removed.
#[derive(Serialize, Deserialize)]
struct RemovalRow {
    /// By the origin's clock, in ms.
    at: u64,
    device: u64,
    /// Empty, when that device was unknown here.
    user: String,
}

impl Endpoint {
    /// A relay shows why it delivers nothing of a team. Its word proves nothing: what it shows must
    /// be signed by the root, by an admin and by the origin, and fit what is known here.
    pub(crate) fn revocation_came(
        &mut self,
        now: Millis,
        revocation: &Revocation,
    ) -> Result<(), Fault> {
        let team = revocation.claim.name().team();
        let Some(row) = self.team(team)?.filter(|row| row.stage != Stage::Removed) else {
            return Ok(());
        };
        let proven = revocation.read(&Key(row.root));
        if proven.is_some_and(|proven| proven.device != row.own()) {
            // Of this device under a number that it had before.
            return Ok(());
        }
        let key = Self::log_signer(&row).key();
        let fits = proven.filter(|proven| proven.log_key == key && proven.slot > row.head().0);
        if let Some(proven) = fits {
            self.term_came(now, team, &revocation.term)?;
            let (claim, receipt) = (&revocation.claim, &revocation.receipt);
            if self.ordered(claim, receipt)? == Some(true)
                && !self.knows_better(team, revocation, &proven)?
            {
                let certificate = &revocation.certificate;
                let (name, hash) = (certificate.name(), certificate.entry_hash());
                self.put_certificate(team, proven.device, certificate)?;
                self.take_effect(team, proven.slot, &Named { name, hash })?;
                self.note_removal(team, proven.by, proven.at)?;
                return self.leave_if_revoked(team);
            }
        }
        let name = revocation.certificate.name();
        self.outputs.push_back(Output::Notice(Notice::Forged { name }));
        Ok(())
    }

    /// Is it known here that whoever removes was no admin any more, or may not remove this device?
    fn knows_better(
        &self,
        team: TeamId,
        revocation: &Revocation,
        proven: &Revoked,
    ) -> Result<bool, Fault> {
        let newer = self
            .named_certificate(team, proven.by)?
            .is_some_and(|(name, _)| name > revocation.admin.name());
        let own = self.certificate(team, proven.device)?.map(|own| own.standing);
        let above = matches!(own, Some(Standing::Admin(_))) && !proven.by_root;
        Ok(above || (newer && !self.administers(team, proven.by)?))
    }

    /// Is our certificate revoked by what is in effect?
    pub(crate) fn is_removed(&self, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        let own = Self::log_signer(row).key();
        let revoked =
            |known: Certificate| known.standing == Standing::Revoked && known.log_key == own;
        Ok(self.certificate(team, row.own())?.is_some_and(revoked))
    }

    /// Notes by whom and when we were removed, if a claim has just done that.
    pub(crate) fn removed_by(&self, team: TeamId, claim: &Claim, at: Millis) -> Result<(), Fault> {
        match self.team(team)? {
            Some(row) if self.is_removed(team, &row)? => self.note_removal(team, claim.device, at),
            Some(_) | None => Ok(()),
        }
    }

    fn note_removal(&self, team: TeamId, by: Device, at: Millis) -> Result<(), Fault> {
        let group = self.groups.get(&team);
        let leaf = group.and_then(|group| Self::leaves(group).find(|leaf| leaf.device == by));
        let user = leaf.map(|leaf| leaf.user).unwrap_or_default();
        let row = RemovalRow { at: at.0, device: by.value(), user };
        self.rows().put(Table::Removal, &team_key(team), &row)
    }

    /// By whom and when this device was removed from a team, if it is not back.
    pub(crate) fn removal(&self, team: TeamId) -> Result<Option<Removal>, Fault> {
        let row: Option<RemovalRow> = self.rows().get(Table::Removal, &team_key(team))?;
        Ok(row.map(|RemovalRow { at, device, user }| Removal {
            at: Millis(at),
            device: Device::truncate(device),
            user,
        }))
    }
}
