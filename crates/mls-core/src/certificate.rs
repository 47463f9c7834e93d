//! Certificates: kept when they come, in effect from the slot of the first claim that names them.

use names::{Device, Generation, Name, Rest, Slot, TeamId};
use objects::{Certificate, CertificateError, Issuer, Key, Millis, Named, Object, Standing};
use serde::{Deserialize, Serialize};

use crate::rows::Table;
use crate::state::{stored_object, team_key};
use crate::{Endpoint, Fault, Notice, Output};

/// A certificate, and since which slot it is in effect.
#[derive(Serialize, Deserialize)]
struct CertificateRow {
    #[serde(with = "serde_bytes")]
    object: Vec<u8>,
    /// `None` before a claim has named it.
    since: Option<u64>,
}

impl Endpoint {
    /// The newest certificate of a device in a team that is in effect.
    pub(crate) fn certificate(
        &self,
        team: TeamId,
        device: Device,
    ) -> Result<Option<Certificate>, Fault> {
        let found = self.named_certificate(team, device)?;
        Ok(found.map(|(_, certificate)| certificate))
    }

    pub(crate) fn named_certificate(
        &self,
        team: TeamId,
        device: Device,
    ) -> Result<Option<(Name, Certificate)>, Fault> {
        if let Some(known) = self.memo.borrow().certificates.get(&(team, device)) {
            return Ok(Some(*known));
        }
        let keys = self.rows().keys(Table::Certificate, &device_key(team, device));
        for key in keys.iter().rev() {
            let row: CertificateRow =
                self.rows().get(Table::Certificate, key)?.ok_or(Fault::Row)?;
            if row.since.is_some() {
                let object = stored_object(&row.object)?;
                let named = (object.name(), self.read_certificate(team, &object)?);
                self.memo.borrow_mut().certificates.insert((team, device), named);
                return Ok(Some(named));
            }
        }
        Ok(None)
    }

    fn read_certificate(&self, team: TeamId, object: &Object) -> Result<Certificate, Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        Certificate::read(object, &Key(row.root)).map_err(|_| Fault::Row)
    }

    /// May a device add and remove others? The member tool, and those that the root made admins.
    pub(crate) fn administers(&self, team: TeamId, device: Device) -> Result<bool, Fault> {
        let certificate = self.certificate(team, device)?;
        Ok(certificate.is_some_and(|certificate| match certificate.standing {
            Standing::Admin(_) => true,
            Standing::Certified => device == Device::MEMBER_TOOL,
            Standing::Revoked => false,
        }))
    }

    /// Takes a certificate. The member tool's is in effect at once, since nobody could name it;
    /// all others wait for a claim.
    pub(crate) fn certificate_came(
        &mut self,
        now: Millis,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let name = object.name();
        match Certificate::read(object, &Key(row.root)) {
            // Nobody stands above the member tool but the root.
            Ok(read) if device != Device::MEMBER_TOOL || read.issuer == Issuer::Root => {}
            Ok(_)
            | Err(
                CertificateError::Forged { .. }
                | CertificateError::Malformed(_)
                | CertificateError::OtherPath { .. }
                | CertificateError::UnknownAdmin { .. },
            ) => {
                self.outputs.push_back(Output::Notice(Notice::Forged { name }));
                return Ok(());
            }
        }
        if self.put_certificate(team, device, object)? {
            self.advance(now, team)?;
            self.retry_entries(now, team)?;
        }
        Ok(())
    }

    /// Keeps a certificate; false if it is here already.
    pub(crate) fn put_certificate(
        &self,
        team: TeamId,
        device: Device,
        object: &Object,
    ) -> Result<bool, Fault> {
        let named = Named { name: object.name(), hash: object.entry_hash() };
        let key = certificate_key(team, device, &named);
        if self.rows().has(Table::Certificate, &key) {
            return Ok(false);
        }
        let since = (device == Device::MEMBER_TOOL).then_some(0);
        self.rows().put(
            Table::Certificate,
            &key,
            &CertificateRow { object: object.bytes(), since },
        )?;
        self.memo.borrow_mut().certificates.remove(&(team, device));
        Ok(true)
    }

    /// The generation for the next certificate of a device: behind all that are known within reach,
    /// in effect or not, and at least `least`. `None` when somebody has taken all of them.
    pub(crate) fn next_generation(
        &self,
        team: TeamId,
        device: Device,
        issuer: &Issuer,
        least: u64,
    ) -> Result<Option<Generation>, Fault> {
        let reach = self.reach(team, device, issuer)?;
        let keys = self.rows().keys(Table::Certificate, &device_key(team, device));
        let known = keys.iter().filter_map(|key| generation_of(name_of(key)?));
        let known = known.filter(|known| *known <= reach).max();
        let behind = known.map_or(0, |known| known.value().saturating_add(1));
        let next = Generation::new(behind.max(least)).ok();
        Ok(next.filter(|next| *next <= reach))
    }

    /// The highest generation that an issuer may use for a device.
    fn reach(&self, team: TeamId, device: Device, issuer: &Issuer) -> Result<Generation, Fault> {
        let newest = self.named_certificate(team, device)?;
        let effective = newest.and_then(|(name, _)| generation_of(name));
        Ok(Certificate::reach(effective, issuer))
    }

    /// Does a certificate stand within the reach of its issuer?
    pub(crate) fn within_reach(
        &self,
        team: TeamId,
        named: &Named,
        issuer: &Issuer,
    ) -> Result<bool, Fault> {
        let Rest::Certificate { device, generation } = named.name.place().rest else {
            return Ok(false);
        };
        Ok(device == Device::MEMBER_TOOL || generation <= self.reach(team, device, issuer)?)
    }

    /// The certificate that a claim names, if it is here.
    pub(crate) fn certificate_named(
        &self,
        team: TeamId,
        device: Device,
        named: &Named,
    ) -> Result<Option<Certificate>, Fault> {
        let key = certificate_key(team, device, named);
        let row: Option<CertificateRow> = self.rows().get(Table::Certificate, &key)?;
        row.map(|row| self.read_certificate(team, &stored_object(&row.object)?)).transpose()
    }

    /// A claim that has its slot names a certificate: it is in effect from there on.
    pub(crate) fn take_effect(&self, team: TeamId, slot: Slot, named: &Named) -> Result<(), Fault> {
        let Rest::Certificate { device, .. } = named.name.place().rest else {
            return Ok(());
        };
        let key = certificate_key(team, device, named);
        if let Some(mut row) = self.rows().get::<CertificateRow>(Table::Certificate, &key)?
            && row.since.is_none()
        {
            row.since = Some(slot.value());
            self.rows().put(Table::Certificate, &key, &row)?;
            self.memo.borrow_mut().certificates.remove(&(team, device));
        }
        Ok(())
    }

    /// The slots above `after` never were: nor did what they brought into effect.
    pub(crate) fn undo_effects(&self, team: TeamId, after: Slot) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Certificate, &team_key(team)) {
            let mut row: CertificateRow =
                self.rows().get(Table::Certificate, &key)?.ok_or(Fault::Row)?;
            if row.since.is_some_and(|since| since > after.value()) {
                row.since = None;
                self.rows().put(Table::Certificate, &key, &row)?;
            }
        }
        self.memo.borrow_mut().certificates.retain(|(of, _), _| *of != team);
        Ok(())
    }
}

fn device_key(team: TeamId, device: Device) -> Vec<u8> {
    [team_key(team), device.value().to_be_bytes()].concat()
}

fn generation_of(name: Name) -> Option<Generation> {
    if let Rest::Certificate { generation, .. } = name.place().rest {
        Some(generation)
    } else {
        None
    }
}

fn name_of(key: &[u8]) -> Option<Name> {
    Name::from_bytes(*key.get(NAME_AT..)?.first_chunk()?).ok()
}

/// Generations in order; of two certificates under one name, a claim tells by hash which counts.
fn certificate_key(team: TeamId, device: Device, named: &Named) -> Vec<u8> {
    [&device_key(team, device)[..], &named.name.bytes(), &named.hash.0].concat()
}

/// Behind the team and the device.
const NAME_AT: usize = 16;
