//! A relay, as far as endpoints can tell.

use std::collections::BTreeMap;

use names::{Device, Name, Rest, Slot, TeamId};
use objects::wire::Refusal;
use objects::{
    Announcement, Certificate, Claim, Hash, Key, Millis, Object, Receipt, Signer, Standing, Term,
    WelcomePointer,
};

use crate::Answer;

pub(super) struct Relay {
    pub(super) signer: Signer,
    /// Signs the receipts, as the origin behind this relay.
    pub(super) origin: Signer,
    pub(super) root: Option<Key>,
    stored: BTreeMap<Name, (Object, Receipt)>,
    pub(super) order: Vec<Name>,
    logs: BTreeMap<Name, (u64, Hash)>,
    heads: BTreeMap<TeamId, (Slot, Hash)>,
    /// Certificates in effect: the member tool's at once, others since a claim named them.
    effective: BTreeMap<(TeamId, Device), (Name, Certificate)>,
    pub(super) now: Millis,
    /// Says that it has nothing, whatever it is asked for.
    pub(super) hides: bool,
    /// Refuses every entry for this reason.
    pub(super) refuses: Option<Refusal>,
    /// How often it did.
    pub(super) refused: usize,
    /// How often it answered Won, and how often Taken.
    pub(super) won: usize,
    pub(super) taken: usize,
    /// Key packages that were used.
    pub(super) used: usize,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self {
            signer: Signer::from_seed(&[7; 32]),
            origin: Signer::from_seed(&[7; 32]),
            root: None,
            stored: BTreeMap::new(),
            order: Vec::new(),
            logs: BTreeMap::new(),
            heads: BTreeMap::new(),
            effective: BTreeMap::new(),
            now: Millis(1),
            hides: false,
            refuses: None,
            refused: 0,
            won: 0,
            taken: 0,
            used: 0,
        }
    }

    pub(super) fn get(&self, name: Name) -> Option<&(Object, Receipt)> {
        self.stored.get(&name)
    }

    pub(super) fn certificate(&self, team: TeamId, device: Device) -> Option<Certificate> {
        self.effective.get(&(team, device)).map(|(_, certificate)| *certificate)
    }

    /// Is this the key of a device of the team that is not revoked?
    pub(super) fn certified_key(&self, team: TeamId, key: &Key) -> bool {
        self.effective.iter().any(|((of, _), (_, certificate))| {
            *of == team && certificate.log_key == *key && certificate.standing != Standing::Revoked
        })
    }

    /// Another origin orders from here on; it does not know what came later.
    pub(super) fn go_back(&mut self, team: TeamId, head: (Slot, Hash), origin: Signer) {
        self.origin = origin;
        self.heads.insert(team, head);
        let gone = |name: &Name| {
            name.team() == team && matches!(name.place().rest, Rest::Slot(slot) if slot > head.0)
        };
        self.stored.retain(|name, _| !gone(name));
    }

    /// It never had an entry, nor what is behind it in its log.
    pub(super) fn forget_log(&mut self, first: Name) {
        let log = |name: Name| name.bits() & !0xf_ffff;
        let gone = |name: &Name| log(*name) == log(first) && *name >= first;
        self.stored.retain(|name, _| !gone(name));
        self.order.retain(|name| !gone(name));
        let before = first.bits().checked_sub(1).and_then(|bits| Name::from_bits(bits).ok());
        let before = before.and_then(|name| self.stored.get(&name));
        let tip = before.map_or(Hash::NONE, |(object, _)| object.entry_hash());
        let number = u64::try_from(first.bits() & 0xf_ffff).unwrap();
        self.logs.insert(Name::from_bits(log(first)).unwrap(), (number, tip));
    }

    fn take_effect(&mut self, object: &Object) {
        let name = object.name();
        let (Rest::Certificate { device, .. }, Some(root)) = (name.place().rest, self.root) else {
            return;
        };
        if let Ok(certificate) = Certificate::read(object, &root) {
            let known = self.effective.entry((name.team(), device)).or_insert((name, certificate));
            if known.0 < name {
                *known = (name, certificate);
            }
        }
    }

    pub(super) fn publish(&mut self, object: &Object) -> Answer {
        if let Some((known, receipt)) = self.stored.get(&object.name()) {
            return if known.entry_hash() == object.entry_hash() {
                Answer::Receipt(*receipt)
            } else {
                Answer::Refused(Refusal::NameTaken)
            };
        }
        let over = self.refuses == Some(Refusal::Expired) && object.data().is_none();
        if let (Some(why), Rest::Message { .. }) = (self.refuses, object.name().place().rest)
            && !over
        {
            self.refused += 1;
            return Answer::Refused(why);
        }
        match self.check(object) {
            Ok(()) => Answer::Receipt(self.store(object)),
            Err(why) => Answer::Refused(why),
        }
    }

    pub(super) fn claim(&mut self, object: &Object) -> Answer {
        if let Some((winner, receipt)) = self.stored.get(&object.name()) {
            if winner.entry_hash() == object.entry_hash() {
                return Answer::Receipt(*receipt);
            }
            self.taken += 1;
            return Answer::Taken { winner: winner.clone(), receipt: *receipt };
        }
        let team = object.name().team();
        let Rest::Slot(slot) = object.name().place().rest else { panic!("no claim") };
        let (head, hash) = self.heads.get(&team).copied().unwrap_or((Slot::ZERO, Hash::NONE));
        if head.next() != Some(slot) {
            return Answer::Gap { head };
        }
        let claim = Claim::parse(object.data().unwrap()).unwrap();
        let Some(writer) = self.certificate(team, claim.device) else {
            return Answer::Refused(Refusal::Uncertified);
        };
        if !object.verifies(&writer.log_key) {
            return Answer::Refused(Refusal::WrongSigner);
        }
        if object.previous() != hash {
            return Answer::Refused(Refusal::WrongPrevious);
        }
        let blobs = [Some(claim.commit), claim.welcome, claim.tree];
        let blobs = blobs.iter().flatten().all(|blob| {
            let mut name = blob.first.bits();
            let whole: Vec<u8> = (0..blob.pieces)
                .map_while(|_| {
                    let piece = self.stored.get(&Name::from_bits(name).unwrap())?;
                    name += 1;
                    Some(piece.0.data().unwrap().to_vec())
                })
                .flatten()
                .collect();
            blob.matches(&whole)
        });
        if !blobs || !claim.certificates.iter().all(|named| self.stored.contains_key(&named.name)) {
            return Answer::Incomplete;
        }
        for named in &claim.certificates {
            let (object, _) = self.stored[&named.name].clone();
            self.take_effect(&object);
        }
        self.heads.insert(team, (slot, object.entry_hash()));
        self.won += 1;
        Answer::Receipt(self.store(object))
    }

    fn check(&mut self, object: &Object) -> Result<(), Refusal> {
        let team = object.name().team();
        let signed = |device| {
            let known = self.certificate(team, device).ok_or(Refusal::Uncertified)?;
            if known.standing == Standing::Revoked {
                return Err(Refusal::Revoked);
            }
            object.verifies(&known.log_key).then_some(()).ok_or(Refusal::WrongSigner)
        };
        match object.name().place().rest {
            Rest::Message { device, number, .. } => {
                signed(device)?;
                let log = Name::from_bits(object.name().bits() & !0xf_ffff).unwrap();
                let log = self.logs.entry(log).or_insert((0, Hash::NONE));
                if log.0 != number.value() {
                    return Err(Refusal::Gap { next: u32::try_from(log.0).unwrap() });
                }
                if log.1 != object.previous() {
                    return Err(Refusal::WrongPrevious);
                }
                *log = (log.0 + 1, object.entry_hash());
            }
            Rest::KeyPackage { .. } => {
                let announcement = Announcement::parse(object.data().unwrap()).unwrap();
                assert!(object.verifies(&announcement.log_key));
                assert_eq!(team.name(Announcement::rest(&announcement.hash())), object.name());
            }
            Rest::Welcome { .. } => {
                let pointer = WelcomePointer::parse(object.data().unwrap()).unwrap();
                let (claim, _) = self
                    .stored
                    .get(&pointer.welcome.first.team().name(Rest::Slot(pointer.slot)))
                    .unwrap();
                assert_eq!(claim.entry_hash(), pointer.claim);
            }
            Rest::Blob { device, .. } => signed(device)?,
            Rest::Certificate { device: Device::ORIGIN, .. } => {
                let root = self.root.ok_or(Refusal::UnknownOrg)?;
                Term::read(object, &root).map_err(|_| Refusal::WrongSigner)?;
            }
            Rest::Certificate { .. } => {
                let root = self.root.ok_or(Refusal::UnknownOrg)?;
                Certificate::read(object, &root).map_err(|_| Refusal::WrongSigner)?;
            }
            Rest::Use(_) => {
                let spent = objects::Spent::parse(object.data().unwrap()).unwrap();
                assert_eq!(objects::Spent::rest(&spent.announcement), object.name().place().rest);
                let known = self.certificate(spent.team, spent.device).unwrap();
                assert!(object.verifies(&known.log_key));
                if !matches!(known.standing, objects::Standing::Admin(_))
                    && spent.device != Device::MEMBER_TOOL
                {
                    return Err(Refusal::Uncertified);
                }
                self.used += 1;
            }
            rest @ (Rest::Slot(_) | Rest::Code(_)) => {
                panic!("nobody publishes {rest:?}")
            }
        }
        Ok(())
    }

    /// Stores without any check: what a bad relay could do.
    pub(super) fn store(&mut self, object: &Object) -> Receipt {
        self.now = self.now.plus(1);
        let (head, _) =
            self.heads.get(&object.name().team()).copied().unwrap_or((Slot::ZERO, Hash::NONE));
        let receipt = Receipt::sign(&self.origin, object, head, self.now);
        self.stored.insert(object.name(), (object.clone(), receipt));
        self.order.push(object.name());
        if matches!(
            object.name().place().rest,
            Rest::Certificate { device: Device::MEMBER_TOOL, .. }
        ) {
            self.take_effect(object);
        }
        receipt
    }
}
