//! Who may write and read, by certificate.

use names::{Device, Generation, Name, Prefix, Rest, TeamId};
use objects::wire::{Refusal, SubscriptionStanding};
use objects::{Certificate, Key, Millis, Standing};

use crate::relay::{Fault, Relay};
use crate::session::Proven;
use crate::shelf::{Shelf, ShelfFault};

impl<S: Shelf> Relay<S> {
    /// The key that `device` writes with at `now`, or why it may not write.
    pub(crate) fn writer(
        &mut self,
        team: TeamId,
        device: Device,
        now: Millis,
    ) -> Result<Result<Key, Refusal>, Fault> {
        Ok(match self.certificate(team, device)? {
            None => Err(Refusal::Uncertified),
            Some(certificate) if certificate.standing == Standing::Revoked => Err(Refusal::Revoked),
            Some(certificate) if now < certificate.from => Err(Refusal::Uncertified),
            Some(certificate) if now >= certificate.until => Err(Refusal::Revoked),
            Some(certificate) => Ok(certificate.log_key),
        })
    }

    /// How a proven key stands as a reader at `now`, and until when that holds by itself.
    pub(crate) fn reader(
        &mut self,
        team: TeamId,
        proven: Option<Proven>,
        now: Millis,
    ) -> Result<(SubscriptionStanding, Millis), Fault> {
        let Some(proven) = proven.filter(|proven| now < proven.expires) else {
            return Ok((SubscriptionStanding::Refused, Millis::NEVER));
        };
        Ok(match self.certificate(team, proven.device)? {
            None => (SubscriptionStanding::Waiting, proven.expires),
            Some(certificate) if certificate.standing == Standing::Revoked => {
                (SubscriptionStanding::Refused, Millis::NEVER)
            }
            Some(certificate) if now >= certificate.until => {
                (SubscriptionStanding::Refused, Millis::NEVER)
            }
            Some(certificate) if certificate.log_key != proven.key => {
                (SubscriptionStanding::Waiting, proven.expires)
            }
            Some(certificate) if now < certificate.from => {
                (SubscriptionStanding::Waiting, proven.expires.min(certificate.from))
            }
            Some(certificate) => {
                (SubscriptionStanding::Active, proven.expires.min(certificate.until))
            }
        })
    }

    /// The certificate of the highest generation of `device`.
    pub(crate) fn certificate(
        &mut self,
        team: TeamId,
        device: Device,
    ) -> Result<Option<Certificate>, Fault> {
        if let Some(certificate) = self.certificates.get(&(team, device)) {
            return Ok(Some(*certificate));
        }
        let Some(root) = self.root(team) else {
            return Ok(None);
        };
        let Some(kept) = self.shelf.last(generations(team, device)?)? else {
            return Ok(None);
        };
        let certificate = Certificate::read(&kept.object, &root).map_err(|error| {
            // It was checked before it was stored: either the disk or the configured root changed.
            Fault::Store(ShelfFault(format!("a stored certificate does not hold: {error}")))
        })?;
        self.certificates.insert((team, device), certificate);
        Ok(Some(certificate))
    }
}

/// Everything that certifies one device number.
pub(crate) fn generations(team: TeamId, device: Device) -> Result<Prefix, ShelfFault> {
    let name: Name = team.name(Rest::Certificate { device, generation: Generation::ZERO });
    let bits = 128_u32.saturating_sub(Generation::BITS);
    Prefix::of(name, bits).map_err(|error| ShelfFault(error.to_string()))
}
