//! What a removed device is shown: the proof that it was, since it may read nothing more.

use names::{Device, Rest, TeamId};
use objects::wire::FromRelay;
use objects::{Certificate, Claim, Object, Revocation, Standing, Term};

use crate::face::{Fault, Output, Peer};
use crate::notes;
use crate::relay::Relay;
use crate::session::Proven;
use crate::shelf::Shelf;

impl<S: Shelf> Relay<S> {
    /// Shows a peer why it is refused, if it proved the log key of a removed device; nobody else is
    /// shown anything of the team. Behind everything that was delivered before.
    pub(crate) fn show_revocations(&mut self, peer: Peer) -> Result<(), Fault> {
        while let Some(session) = self.sessions.get_mut(&peer).filter(|session| session.room > 0)
            && let Some(team) = session.refused.pop_first()
        {
            let Some(Proven { device, key, .. }) = session.proofs.get(&team).copied() else {
                continue;
            };
            let certificate = self.certificate(team, device)?;
            let removed = certificate
                .is_some_and(|known| known.standing == Standing::Revoked && known.log_key == key);
            if removed
                && let Some(revocation) = self.revocation(team, device)?
                && let Some(session) = self.sessions.get_mut(&peer)
            {
                session.room = session.room.saturating_sub(1);
                let frame = FromRelay::Revoked(Box::new(revocation)).bytes();
                self.push(Output::Deliver { peers: vec![peer], frame });
            }
        }
        Ok(())
    }

    /// `None` for the member tool, whose certificates no claim names.
    fn revocation(&self, team: TeamId, device: Device) -> Result<Option<Revocation>, Fault> {
        let Some((topic, note)) = self.shelf.last_note(&notes::effects_of(team, device))? else {
            return Ok(None);
        };
        let effect = notes::generation_of(&topic).zip(notes::read_effect(&note));
        let (Some((generation, (slot, hash))), Some(root)) = (effect, self.root(team)) else {
            return Ok(None);
        };
        let name = team.name(Rest::Certificate { device, generation });
        let certificate = self.shelf.find(name, &hash)?;
        let decided = self.shelf.get(team.name(Rest::Slot(slot)))?;
        let (Some(certificate), Some(decided)) = (certificate, decided) else {
            return Ok(None);
        };
        let Ok(claim) = Claim::parse(decided.object.data().unwrap_or_default()) else {
            return Ok(None);
        };
        let orders = |object: &Object| {
            let term = Term::read(object, &root);
            term.is_ok_and(|term| {
                term.after < slot && decided.receipt.covers(&term.key, &decided.object)
            })
        };
        // What it was then: the claimant may have been removed since.
        let claims = |object: &Object| {
            let read = Certificate::read(object, &root);
            read.is_ok_and(|read| {
                read.counts(decided.receipt.at) && decided.object.verifies(&read.log_key)
            })
        };
        let newest = |kept: Vec<crate::Kept>, fits: &dyn Fn(&Object) -> bool| {
            kept.into_iter().rev().map(|kept| kept.object).find(fits)
        };
        let certificates = self.generations_up_to(team, claim.device, claim.generation)?;
        let term = newest(self.newest_terms(team)?, &orders);
        let admin = newest(certificates, &claims);
        Ok(term.zip(admin).map(|(term, admin)| Revocation {
            term,
            admin,
            certificate: certificate.object,
            claim: decided.object,
            receipt: decided.receipt,
        }))
    }
}
