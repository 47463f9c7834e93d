//! What the author of a claim may do: as everybody sees it.

use names::{Device, Rest, Slot, TeamId};
use objects::{Certificate, Claim, Hash, Issuer, Key, Label, Millis, Named, Object, Standing};
use openmls::prelude::{Credential, LeafNodeIndex, MlsGroup, Proposal, StagedCommit};

use crate::bond::{is_bound, never_ends};
use crate::identity::{Leaf, Vouched, identity_of};
use crate::{Endpoint, Fault, Policy};

/// A claim that has its slot.
pub(crate) enum Vetted {
    /// Something that it names has not arrived yet.
    Wait,
    /// It is malformed, not by a device that may claim, or names what its device may not.
    Bad,
    /// Its device, whose key this is, has not signed this copy. The origin gives no slot to such a
    /// claim: it is another copy's.
    Forged(Key),
    /// What it names is in effect from its slot on.
    Good(Box<Claim>),
}

/// Somebody whom a commit adds.
struct Added {
    leaf: Leaf,
    credential: Credential,
}

impl Endpoint {
    /// Looks at a claim as far as everybody sees the same of it.
    pub(crate) fn vet(
        &self,
        team: TeamId,
        slot: Slot,
        object: &Object,
        at: Millis,
    ) -> Result<Vetted, Fault> {
        let Ok(claim) = Claim::parse(object.data().unwrap_or_default()) else {
            return Ok(Vetted::Bad);
        };
        let Some(writer) = self.certificate(team, claim.device)? else {
            // Every certificate but the member tool's is in effect before its device can claim.
            let wait = claim.device == Device::MEMBER_TOOL;
            return Ok(if wait { Vetted::Wait } else { Vetted::Bad });
        };
        // The time in the claim's receipt: the same for everybody.
        if !writer.counts(at) {
            return Ok(Vetted::Bad);
        }
        if !self.is_signed_by(object, &writer.log_key) {
            return Ok(Vetted::Forged(writer.log_key));
        }
        let admin = match writer.standing {
            Standing::Admin(grant) => at < grant.until,
            Standing::Certified => claim.device == Device::MEMBER_TOOL,
            Standing::Revoked => false,
        };
        let asks_more = !claim.certificates.is_empty() || claim.skips.is_some();
        if (asks_more && !admin) || claim.skips.is_some_and(|skipped| skipped >= slot) {
            return Ok(Vetted::Bad);
        }
        for named in &claim.certificates {
            match self.may_name(team, &writer, named)? {
                None => return Ok(Vetted::Wait),
                Some(false) => return Ok(Vetted::Bad),
                Some(true) => {}
            }
        }
        for named in &claim.certificates {
            self.take_effect(team, slot, named)?;
        }
        self.removed_by(team, &claim, at)?;
        Ok(Vetted::Good(Box::new(claim)))
    }

    /// May this admin bring that certificate into effect? `None` while it is not here.
    fn may_name(
        &self,
        team: TeamId,
        admin: &Certificate,
        named: &Named,
    ) -> Result<Option<bool>, Fault> {
        let place = named.name.place();
        let Rest::Certificate { device, .. } = place.rest else {
            return Ok(Some(false));
        };
        if place.team != team || device == Device::ORIGIN {
            return Ok(Some(false));
        }
        let Some(certificate) = self.certificate_named(team, device, named)? else {
            return Ok(None);
        };
        // Or nobody could take the device's rights away from it again.
        if !self.within_reach(team, named, &certificate.issuer)? {
            return Ok(Some(false));
        }
        let Issuer::Admin(issuer) = &certificate.issuer else {
            return Ok(Some(true));
        };
        let over = self.certificate(team, device)?;
        let allowed = device != Device::MEMBER_TOOL
            && issuer.key == admin.log_key
            && over.is_none_or(|over| certificate.may_follow(&over));
        Ok(Some(allowed))
    }

    /// Whom a commit brings in, if its author may do all that it does. Only admins add, remove and
    /// set the policy; they add devices that the claim's certificates name, and remove those, and
    /// all of those, that are revoked. Anybody may remove and add one device in one commit, under
    /// the credential that it has.
    pub(crate) fn permitted(
        &self,
        team: TeamId,
        claim: &Claim,
        staged: &StagedCommit,
    ) -> Result<Option<Vec<Device>>, Fault> {
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let admin = self.administers(team, claim.device)?;
        let (mut adds, mut removes) = (Vec::new(), Vec::new());
        for queued in staged.queued_proposals() {
            match queued.proposal() {
                Proposal::Add(add) => {
                    let package = add.key_package();
                    if !is_bound(package.leaf_node()) || !never_ends(package.life_time()) {
                        return Ok(None);
                    }
                    let credential = package.leaf_node().credential().clone();
                    let Vouched::Yes(leaf) = self.certified(team, &credential)? else {
                        return Ok(None);
                    };
                    adds.push(Added { leaf, credential });
                }
                Proposal::Remove(remove) => removes.push(remove.removed()),
                Proposal::GroupContextExtensions(proposal) if admin => {
                    if Policy::of(proposal.extensions()).is_none() {
                        return Ok(None);
                    }
                }
                Proposal::GroupContextExtensions(_)
                | Proposal::Update(_)
                | Proposal::PreSharedKey(_)
                | Proposal::ReInit(_)
                | Proposal::ExternalInit(_)
                | Proposal::SelfRemove
                | Proposal::Custom(_) => return Ok(None),
            }
        }
        let welcomed = adds.len();
        let fits = welcomed == claim.welcomed.len()
            && (welcomed == 0) == claim.welcome.is_none()
            && (welcomed == 0) == claim.tree.is_none()
            && self.may_remove(team, claim, admin, group, &removes, &mut adds)?
            && self.may_add(team, claim, admin, group, &adds)?;
        Ok(fits.then(|| adds.into_iter().map(|added| added.leaf.device).collect()))
    }

    /// May these leaves go? Those that come again under the same credential are taken out of
    /// `adds`.
    fn may_remove(
        &self,
        team: TeamId,
        claim: &Claim,
        admin: bool,
        group: &MlsGroup,
        removes: &[LeafNodeIndex],
        adds: &mut Vec<Added>,
    ) -> Result<bool, Fault> {
        let mut gone = Vec::new();
        for index in removes {
            let Some(credential) = group.member(*index) else {
                return Ok(false);
            };
            if let Some(again) = adds.iter().position(|added| added.credential == *credential) {
                adds.remove(again);
                continue;
            }
            let device = Leaf::read(identity_of(credential)).map(|leaf| leaf.device);
            if !admin || !self.is_revoked(team, device)? {
                return Ok(false);
            }
            gone.extend(device);
        }
        // Whoever loses its rights with this claim leaves the group with it.
        for named in &claim.certificates {
            if let Rest::Certificate { device, .. } = named.name.place().rest
                && self.is_revoked(team, Some(device))?
                && Self::leaves(group).any(|leaf| leaf.device == device)
                && !gone.contains(&device)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn may_add(
        &self,
        team: TeamId,
        claim: &Claim,
        admin: bool,
        group: &MlsGroup,
        adds: &[Added],
    ) -> Result<bool, Fault> {
        let mut taken: Vec<Device> = Self::leaves(group).map(|leaf| leaf.device).collect();
        for Added { leaf, credential } in adds {
            let hash = Hash::of(Label::Credential, identity_of(credential));
            let mut named = false;
            for certificate in &claim.certificates {
                let known = self.certificate_named(team, leaf.device, certificate)?;
                named |= known.is_some_and(|known| known.credential == hash);
            }
            if !admin || !named || taken.contains(&leaf.device) {
                return Ok(false);
            }
            taken.push(leaf.device);
        }
        Ok(true)
    }

    pub(crate) fn is_revoked(&self, team: TeamId, device: Option<Device>) -> Result<bool, Fault> {
        let Some(device) = device else {
            return Ok(false);
        };
        let certificate = self.certificate(team, device)?;
        Ok(certificate.is_some_and(|certificate| certificate.standing == Standing::Revoked))
    }
}
