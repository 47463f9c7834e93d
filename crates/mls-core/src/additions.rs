//! Additions: from the hash that an admin compared to the announcement, and to its welcome.

use names::{Device, TeamId};
use objects::wire::Refusal;
use objects::{Announcement, Hash, Label, Millis, Object, Standing, WelcomePointer};
use openmls::prelude::{
    KeyPackage, KeyPackageIn, ProtocolVersion, tls_codec::DeserializeBytes as _,
};
use openmls_traits::OpenMlsProvider as _;

use crate::bond::{is_bound, never_ends};
use crate::identity::{Leaf, identity_of};
use crate::pool::org_of;
use crate::roles::{Says, certificate};
use crate::rows::Table;
use crate::state::{ClaimRow, IntentRow, TeamRow, stored_object, team_key};
use crate::wish::Intent;
use crate::{Endpoint, Fault, NotAdded, Output};

/// Why a device cannot be added from here.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum AddDeviceError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// This device is no admin.
    #[error("only an admin adds devices")]
    NotAdmin,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Somebody who can be added.
pub(crate) struct Newcomer {
    pub(crate) package: KeyPackage,
    pub(crate) certificate: Object,
}

impl Endpoint {
    /// Wishes that the owner of the announcement with this hash is in the team. The wish is
    /// durable with the changes of this step; [`Output::Added`] says what became of it.
    ///
    /// # Errors
    /// As [`AddDeviceError`] says; then nothing has changed.
    pub fn add_device(
        &mut self,
        now: Millis,
        team: TeamId,
        hash: Hash,
    ) -> Result<(), AddDeviceError> {
        let row = self.member_of(team)?.ok_or(AddDeviceError::NoSuchTeam)?;
        if self.issuer(team, &row)?.is_none() {
            return Err(AddDeviceError::NotAdmin);
        }
        if self.wish(team, &Intent::Add(hash))?.is_none() {
            self.put_wish(team, &Intent::Add(hash), &IntentRow::new(now.0))?;
        }
        self.settle(now)?;
        Ok(())
    }

    pub(crate) fn ask(&mut self, team: TeamId, hash: Hash) {
        if let Some(link) = &mut self.link {
            let asked = (team, hash.0);
            if !link.asked.values().any(|other| *other == asked) {
                let id = link.next_ask;
                link.next_ask = id.saturating_add(1);
                link.asked.insert(id, asked);
                let name = team.name(Announcement::rest(&hash));
                self.outputs.push_back(Output::Get { id, name });
            }
        }
    }

    /// The relay's answer to a question for an announcement. What it has not got may be on its way
    /// to it, and then arrives like everything else of the team.
    pub(crate) fn found(
        &mut self,
        now: Millis,
        id: u64,
        object: Option<&Object>,
    ) -> Result<(), Fault> {
        let asked = self.link.as_mut().and_then(|link| link.asked.remove(&id));
        let Some((team, hash)) = asked else {
            return Ok(());
        };
        let hash = Hash(hash);
        if self.wish(team, &Intent::Add(hash))?.is_none() {
            return Ok(());
        }
        let Some(object) = object else {
            if let Some(link) = &mut self.link {
                link.awaited.entry((team, hash.0)).or_insert(now.plus(SEEK));
            }
            return Ok(());
        };
        self.take_announcement(team, hash, object)
    }

    /// Is it the announcement of somebody who is to be added? Then the wish goes on with it.
    pub(crate) fn take_announcement(
        &mut self,
        team: TeamId,
        hash: Hash,
        object: &Object,
    ) -> Result<(), Fault> {
        let wish = self.wish(team, &Intent::Add(hash))?;
        let Some(mut wish) = wish.filter(|wish| wish.announcement.is_empty()) else {
            return Ok(());
        };
        match self.fits(team, &hash, object)? {
            Ok(_) => {
                wish.announcement = object.bytes();
                self.put_wish(team, &Intent::Add(hash), &wish)
            }
            Err(why) => {
                self.not_added(team, hash, why);
                Ok(())
            }
        }
    }

    /// Until when an announcement is waited for that the relay has not got.
    pub(crate) fn sought_until(&self, team: TeamId, intent: &Intent) -> Option<Millis> {
        let Intent::Add(hash) = intent else {
            return None;
        };
        let until = *self.link.as_ref()?.awaited.get(&(team, hash.0))?;
        Some(self.planned(until.0, SEEK))
    }

    pub(crate) fn added(&mut self, team: TeamId, hash: Hash, device: Device) {
        self.rows().remove(Table::Intent, &Intent::Add(hash).key(team));
        self.outputs.push_back(Output::Added { team, hash, result: Ok(device) });
    }

    pub(crate) fn not_added(&mut self, team: TeamId, hash: Hash, why: NotAdded) {
        self.rows().remove(Table::Intent, &Intent::Add(hash).key(team));
        if let Some(link) = &mut self.link {
            link.awaited.remove(&(team, hash.0));
        }
        self.outputs.push_back(Output::Added { team, hash, result: Err(why) });
    }

    /// Is it the announcement that was meant, and may its owner be added?
    pub(crate) fn fits(
        &self,
        team: TeamId,
        hash: &Hash,
        object: &Object,
    ) -> Result<Result<Announcement, NotAdded>, Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(Err(NotAdded::NoSuchAnnouncement));
        };
        // The hash that the newcomer showed is what is trusted; the name only routes.
        if announcement.hash() != *hash || !object.verifies(&announcement.log_key) {
            return Ok(Err(NotAdded::NoSuchAnnouncement));
        }
        if ![team, org_of(team)].contains(&announcement.team) || announcement.root.0 != row.root {
            return Ok(Err(NotAdded::OtherTeam));
        }
        // By the origin's clock: ours may be wrong.
        if row.origin_time().is_some_and(|now| object.expires() <= now) {
            return Ok(Err(NotAdded::Expired));
        }
        // A number is used once: not again by another key, and not again after its removal.
        let known = self.certificate(team, announcement.device)?;
        let taken = known.is_some_and(|known| {
            known.log_key != announcement.log_key || known.standing == Standing::Revoked
        });
        let leaf = self.leaf(team, announcement.device)?;
        let other = leaf.is_some_and(|leaf| leaf.log_key != announcement.log_key);
        let reserved = matches!(announcement.device, Device::MEMBER_TOOL | Device::ORIGIN);
        if taken || other || reserved {
            return Ok(Err(NotAdded::NumberTaken));
        }
        Ok(Ok(announcement))
    }

    /// The owner of an announcement, with the certificate that the claim will name.
    pub(crate) fn newcomer(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        hash: Hash,
        mut intent: IntentRow,
    ) -> Result<Result<Newcomer, NotAdded>, Fault> {
        let object = stored_object(&intent.announcement)?;
        let announcement = match self.fits(team, &hash, &object)? {
            Ok(announcement) => announcement,
            Err(why) => return Ok(Err(why)),
        };
        let Some(package) = self.package(&announcement) else {
            return Ok(Err(NotAdded::Unfit));
        };
        if intent.certificate.is_empty() {
            let Some(issuer) = self.issuer(team, row)? else {
                return Ok(Err(NotAdded::NotAdmin));
            };
            let device = announcement.device;
            let next = self.next_generation(team, device, &issuer.1, intent.generation)?;
            let Some(generation) = next else {
                return Ok(Err(NotAdded::NumberTaken));
            };
            let identity = identity_of(package.leaf_node().credential());
            let says = Says {
                device,
                generation,
                standing: Standing::Certified,
                log_key: announcement.log_key,
                credential: Hash::of(Label::Credential, identity),
            };
            intent.certificate = certificate(&issuer, now, team, &says)?.bytes();
            self.put_wish(team, &Intent::Add(hash), &intent)?;
        }
        let certificate = stored_object(&intent.certificate)?;
        Ok(Ok(Newcomer { package, certificate }))
    }

    /// The key package of an announcement, if it verifies and says the same as what is around it.
    pub(crate) fn package(&self, announcement: &Announcement) -> Option<KeyPackage> {
        let package = KeyPackageIn::tls_deserialize_exact_bytes(&announcement.key_package).ok()?;
        let package = package.validate(self.provider.crypto(), ProtocolVersion::Mls10).ok()?;
        let leaf = Leaf::read(identity_of(package.leaf_node().credential()))?;
        let same = leaf.device == announcement.device && leaf.log_key == announcement.log_key;
        let sound = is_bound(package.leaf_node()) && never_ends(package.life_time());
        (same && sound).then_some(package)
    }

    /// The relay's word that a claim is refused proves nothing, so the claim stays; people are
    /// told.
    pub(crate) fn report_refused_claim(&mut self, team: TeamId, why: Refusal) {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team)).ok().flatten();
        for key in claim.map(|claim| claim.wishes).unwrap_or_default() {
            if let Some(Intent::Add(hash)) = Intent::read(&key) {
                let result = Err(NotAdded::RelayRefused(why));
                self.outputs.push_back(Output::Added { team, hash, result });
            }
        }
    }

    /// A welcome pointer is at the relay: its addition is done.
    pub(crate) fn welcomed(&mut self, object: &Object) -> Result<(), Fault> {
        let Ok(pointer) = WelcomePointer::parse(object.data().unwrap_or_default()) else {
            return Err(Fault::Row);
        };
        let team = pointer.welcome.first.team();
        let hash = pointer.announcement;
        if let Some(intent) = self.wish(team, &Intent::Add(hash))? {
            let announcement = stored_object(&intent.announcement)?;
            match Announcement::parse(announcement.data().unwrap_or_default()) {
                Ok(newcomer) => self.added(team, hash, newcomer.device),
                Err(_) => self.not_added(team, hash, NotAdded::Unfit),
            }
        }
        Ok(())
    }
}

/// So long, in ms, an announcement that its owner has just made may take to this device's relay.
const SEEK: u64 = 15_000;
