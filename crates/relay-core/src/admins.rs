//! Who may issue certificates, for whom, and under which generations.

use std::collections::BTreeSet;

use names::{Device, Name, Rest, TeamId};
use objects::wire::Refusal;
use objects::{Certificate, Issuer, Key, Millis, Standing};

use crate::face::Fault;
use crate::notes;
use crate::relay::Relay;
use crate::shelf::Shelf;

impl<S: Shelf> Relay<S> {
    /// Is a device the member tool or an admin's now? Then the key that it issues with.
    pub(crate) fn admin(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
    ) -> Result<Option<Key>, Fault> {
        let certificate = self.certificate(team, device)?;
        Ok(certificate.and_then(|certificate| match certificate.standing {
            _ if !certificate.counts(now) => None,
            Standing::Admin(grant) => (now < grant.until).then_some(certificate.log_key),
            Standing::Certified => (device == Device::MEMBER_TOOL).then_some(certificate.log_key),
            Standing::Revoked => None,
        }))
    }

    /// May the issuer of a certificate issue it now? The root may, and an admin whose own
    /// certificate is in effect, over devices that are neither the member tool's nor an admin's;
    /// both only so far ahead of what is in effect that nobody takes all generations of a device.
    pub(crate) fn may_issue(
        &mut self,
        now: Millis,
        name: Name,
        read: &Certificate,
    ) -> Result<Result<(), Refusal>, Fault> {
        let team = name.team();
        let Rest::Certificate { device, generation } = name.place().rest else {
            return Ok(Err(Refusal::Malformed));
        };
        if device == Device::MEMBER_TOOL {
            let by_root = read.issuer == Issuer::Root;
            return Ok(if by_root { Ok(()) } else { Err(Refusal::Uncertified) });
        }
        let newest = self.shelf.last_note(&notes::effects_of(team, device))?;
        let effective = newest.and_then(|(topic, _)| notes::generation_of(&topic));
        let allowed = generation <= Certificate::reach(effective, &read.issuer)
            && match read.issuer {
                Issuer::Root => true,
                Issuer::Admin(issuer) => {
                    let over = self.certificate(team, device)?;
                    over.is_none_or(|over| read.may_follow(&over))
                        && self.is_admins(now, team, &issuer.key)?
                }
            };
        Ok(if allowed { Ok(()) } else { Err(Refusal::Uncertified) })
    }

    /// Does a device issue with this key now?
    fn is_admins(&mut self, now: Millis, team: TeamId, key: &Key) -> Result<bool, Fault> {
        if !self.admins.contains_key(&team) {
            let admins = self.read_admins(team)?;
            self.admins.insert(team, admins);
        }
        for device in self.admins.get(&team).cloned().unwrap_or_default() {
            if self.admin(now, team, device)?.as_ref() == Some(key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_admins(&mut self, team: TeamId) -> Result<BTreeSet<Device>, Fault> {
        let head = notes::effects(team);
        let (mut devices, mut after) = (BTreeSet::from([Device::MEMBER_TOOL]), Vec::new());
        loop {
            let page = self.shelf.notes(&head, &after, PAGE)?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after.clone_from(last);
            devices.extend(page.iter().filter_map(|(topic, _)| notes::device_of(topic)));
        }
        let mut admins = BTreeSet::new();
        for device in devices {
            if device == Device::MEMBER_TOOL || self.is_named_admin(team, device)? {
                admins.insert(device);
            }
        }
        Ok(admins)
    }

    /// Another certificate of a device is in effect.
    pub(crate) fn note_admin(&mut self, team: TeamId, device: Device) -> Result<(), Fault> {
        if self.admins.contains_key(&team) && device != Device::MEMBER_TOOL {
            let named = self.is_named_admin(team, device)?;
            let admins = self.admins.entry(team).or_default();
            if named {
                admins.insert(device);
            } else {
                admins.remove(&device);
            }
        }
        Ok(())
    }

    fn is_named_admin(&mut self, team: TeamId, device: Device) -> Result<bool, Fault> {
        let standing = self.certificate(team, device)?.map(|known| known.standing);
        Ok(matches!(standing, Some(Standing::Admin(_))))
    }
}

const PAGE: usize = 256;
