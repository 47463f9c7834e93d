//! Who may write and read, by certificate.

use names::{Device, Generation, Name, Prefix, Rest, Slot, TeamId};
use objects::wire::{Refusal, SubscriptionStanding};
use objects::{Certificate, Claim, Issuer, Key, Millis, Standing};

use crate::broken::Broken;
use crate::face::{Fault, Peer};
use crate::notes;
use crate::relay::Relay;
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
            Some(certificate)
                if certificate.standing == Standing::Revoked
                    && !self.breaks(Broken::StoresRevoked) =>
            {
                Err(Refusal::Revoked)
            }
            Some(certificate) if now < certificate.from => Err(Refusal::Uncertified),
            Some(certificate) if now >= certificate.until => Err(Refusal::Revoked),
            Some(certificate) => Ok(certificate.log_key),
        })
    }

    /// May a peer read a team at `now`, and until when does that hold by itself?
    pub(crate) fn reads(
        &mut self,
        peer: Peer,
        team: TeamId,
        now: Millis,
    ) -> Result<(SubscriptionStanding, Millis), Fault> {
        let Some(session) = self.sessions.get(&peer) else {
            return Ok((SubscriptionStanding::Refused, Millis::NEVER));
        };
        if session.related && self.root(team).is_some() {
            return Ok((SubscriptionStanding::Active, Millis::NEVER));
        }
        let proven = session.proofs.get(&team).copied();
        self.reader(team, proven, now)
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
            Some(certificate)
                if certificate.standing == Standing::Revoked
                    && !self.breaks(Broken::ServesRevoked) =>
            {
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

    /// The certificate of the highest generation of `device` that has taken effect: those of the
    /// member tool when they were stored, all others with the first claim that names them.
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
        let kept = if device == Device::MEMBER_TOOL {
            self.shelf.last(generations(team, device)?)?
        } else {
            match self.shelf.last_note(&notes::effects_of(team, device))? {
                None => None,
                Some((topic, note)) => {
                    let read = notes::generation_of(&topic).zip(notes::read_effect(&note));
                    let (generation, (_, hash)) =
                        read.ok_or_else(|| ShelfFault("a note does not read".to_owned()))?;
                    let name = team.name(Rest::Certificate { device, generation });
                    self.shelf.find(name, &hash)?
                }
            }
        };
        let Some(kept) = kept else {
            return Ok(None);
        };
        let certificate = Certificate::read(&kept.object, &root).map_err(|error| {
            // It was checked before it was stored: either the disk or the configured root changed.
            Fault::Store(ShelfFault(format!("a stored certificate does not hold: {error}")))
        })?;
        self.certificates.insert((team, device), certificate);
        Ok(Some(certificate))
    }

    /// Every key that `device` was ever certified with: by what is in effect, and by what may still
    /// come into effect, or was there under another origin.
    pub(crate) fn keys_ever(&self, team: TeamId, device: Device) -> Result<Vec<Key>, Fault> {
        let Some(root) = self.root(team) else {
            return Ok(Vec::new());
        };
        let mut kept = Vec::new();
        let (head, mut after, mut newest) = (notes::effects_of(team, device), Vec::new(), None);
        loop {
            let page = self.shelf.notes(&head, &after, PAGE)?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after.clone_from(last);
            for (topic, note) in &page {
                let read = notes::generation_of(topic).zip(notes::read_effect(note));
                if let Some((generation, (_, hash))) = read {
                    let name = team.name(Rest::Certificate { device, generation });
                    kept.extend(self.shelf.find(name, &hash)?);
                    newest = Some(generation);
                }
            }
        }
        let reach = match self.newest_generation(team, device)? {
            // Only the root writes them, and nobody names them.
            Some(newest) if device == Device::MEMBER_TOOL => newest,
            // Anybody who was an admin once may have put one under the highest number.
            _ => Certificate::reach(newest, &Issuer::Root),
        };
        kept.extend(self.generations_up_to(team, device, reach)?);
        let read = kept.iter().filter_map(|kept| Certificate::read(&kept.object, &root).ok());
        Ok(read.map(|certificate| certificate.log_key).collect())
    }

    /// What is stored under the highest generations of the number of no device, the highest last:
    /// terms, which only the root writes.
    pub(crate) fn newest_terms(&self, team: TeamId) -> Result<Vec<crate::Kept>, Fault> {
        match self.newest_generation(team, Device::ORIGIN)? {
            Some(newest) => self.generations_up_to(team, Device::ORIGIN, newest),
            None => Ok(Vec::new()),
        }
    }

    fn newest_generation(&self, team: TeamId, device: Device) -> Result<Option<Generation>, Fault> {
        let last = self.shelf.last(generations(team, device)?)?;
        let last = last.map(|kept| kept.object.name().place().rest);
        Ok(match last {
            Some(Rest::Certificate { generation, .. }) => Some(generation),
            Some(_) | None => None,
        })
    }

    pub(crate) fn generations_up_to(
        &self,
        team: TeamId,
        device: Device,
        last: Generation,
    ) -> Result<Vec<crate::Kept>, Fault> {
        let mut found = Vec::new();
        for generation in last.value().saturating_sub(MOST_GENERATIONS)..=last.value() {
            let generation = Generation::truncate(generation);
            found.extend(self.shelf.get(team.name(Rest::Certificate { device, generation }))?);
        }
        Ok(found)
    }

    /// The certificates that a decided claim names take effect, unless they had before.
    pub(crate) fn take_effect(
        &mut self,
        now: Millis,
        team: TeamId,
        slot: Slot,
        claim: &Claim,
    ) -> Result<(), Fault> {
        for named in &claim.certificates {
            let Rest::Certificate { device, generation } = named.name.place().rest else {
                continue;
            };
            let topic = notes::effect(team, device, generation);
            if self.shelf.note(&topic)?.is_none() {
                self.shelf.set_note(&topic, Some(&notes::effect_by(slot, &named.hash)))?;
            }
            self.certificates.remove(&(team, device));
            self.note_admin(team, device)?;
            self.certified(now, team, device)?;
        }
        Ok(())
    }

    /// What claims above `slot` have brought into effect has none any more.
    pub(crate) fn take_effect_back(&mut self, team: TeamId, slot: Slot) -> Result<(), Fault> {
        let head = notes::effects(team);
        let mut after = Vec::new();
        loop {
            let page = self.shelf.notes(&head, &after, PAGE)?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after.clone_from(last);
            for (topic, note) in &page {
                if notes::read_effect(note).is_some_and(|(by, _)| by > slot) {
                    self.shelf.set_note(topic, None)?;
                }
            }
        }
        self.certificates.retain(|(of, _), _| *of != team);
        self.admins.remove(&team);
        Ok(())
    }
}

/// Everything that certifies one device number.
pub(crate) fn generations(team: TeamId, device: Device) -> Result<Prefix, ShelfFault> {
    let name: Name = team.name(Rest::Certificate { device, generation: Generation::ZERO });
    let bits = 128_u32.saturating_sub(Generation::BITS);
    Prefix::of(name, bits).map_err(|error| ShelfFault(error.to_string()))
}

const PAGE: usize = 256;
/// A device has few generations; more than these are not looked at.
const MOST_GENERATIONS: u64 = 63;
