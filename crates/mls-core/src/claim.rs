//! Making a commit and the claim for its slot: saved before anything of it leaves.

use names::{Blob, Generation, Piece, Rest, TeamId};
use objects::{
    Announcement, BlobRef, Claim, Draft, Hash, Label, MAX_DATA, Millis, Named, Object, Part,
    Signer, WelcomePointer,
};
use openmls::prelude::{
    CommitMessageBundle, KeyPackage, KeyPackageIn, LeafNodeIndex, ProtocolVersion,
    tls_codec::DeserializeBytes as _,
};

use crate::admin::certify;
use crate::identity::{Leaf, identity_of};
use crate::intents::{put_addition, refresh_key};
use crate::rows::Table;
use crate::state::{ClaimRow, IntentRow, Purpose, TeamRow, stored_object, team_key};
use crate::unsealed::private_message;
use crate::{Broken, Endpoint, Fault, NotAdded};
use openmls_traits::OpenMlsProvider as _;

/// Somebody who is to be added.
struct Newcomer {
    hash: Hash,
    package: KeyPackage,
    /// Of somebody new.
    certificate: Option<Object>,
    /// Of a device that is behind: the leaf that it has.
    replaces: Option<LeafNodeIndex>,
}

impl Endpoint {
    /// Commits to wishes and claims the next slot for it.
    pub(crate) fn claim_next(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: TeamRow,
        adds: Vec<(Hash, IntentRow)>,
        refresh: bool,
    ) -> Result<(), Fault> {
        let mut newcomers = Vec::new();
        for (hash, intent) in adds.into_iter().take(Claim::MOST) {
            match self.newcomer(now, team, hash, intent)? {
                Ok(newcomer) => newcomers.push(newcomer),
                Err(why) => self.not_added(team, hash, why),
            }
        }
        let Some(slot) = row.head().0.next() else {
            return Ok(());
        };
        let bundle = loop {
            if newcomers.is_empty() && !refresh {
                return Ok(());
            }
            if let Some(bundle) = self.commit(team, &row, &newcomers, refresh)? {
                break bundle;
            }
            // OpenMLS does not say who is unfit. Alone, it is the one; the others come again.
            match newcomers.len() {
                0 => return Err(Fault::Mls),
                1 => {
                    let unfit = newcomers.pop().map(|newcomer| newcomer.hash);
                    if let Some(hash) = unfit {
                        self.not_added(team, hash, NotAdded::Unfit);
                    }
                }
                _ => newcomers.truncate(1),
            }
        };
        let signer = Self::log_signer(&row);
        let mut needed = Vec::new();
        let commit = private_message(bundle.commit())?;
        let commit = make_blob(now, team, &mut row, &signer, &commit, &mut needed)?;
        let welcome = match bundle.to_welcome_msg() {
            Some(welcome) => {
                let welcome = welcome.to_bytes().map_err(|_| Fault::Mls)?;
                Some(make_blob(now, team, &mut row, &signer, &welcome, &mut needed)?)
            }
            None => None,
        };
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let claim = Claim {
            epoch: group.epoch().as_u64(),
            device: row.own(),
            generation: Generation::ZERO,
            commit,
            welcome,
            tree: None,
            skips: row.stalled_at(),
            certificates: newcomers
                .iter()
                .filter_map(|newcomer| newcomer.certificate.as_ref())
                .map(|object| Named { name: object.name(), hash: object.entry_hash() })
                .collect(),
            welcomed: newcomers.iter().map(|newcomer| newcomer.hash).collect(),
        };
        needed.extend(newcomers.iter().filter_map(|newcomer| newcomer.certificate.clone()));
        let draft = Draft {
            name: team.name(Rest::Slot(slot)),
            created: now,
            expires: Millis::NEVER,
            previous: row.head().1,
            part: Part::ONLY,
            data: &claim.bytes(),
        };
        let object = draft.sign(&signer).map_err(|_| Fault::Encode)?;
        let claim = ClaimRow {
            object: object.bytes(),
            needed: needed.iter().map(|object| object.bytes().into()).collect(),
            queued: false,
            adds: newcomers.iter().map(|newcomer| newcomer.hash.0.into()).collect(),
            refreshes: refresh,
        };
        self.put_team(team, &row)?;
        self.rows().put(Table::Claim, &team_key(team), &claim)?;
        if refresh && self.breaks(Broken::ForgetsWishes) {
            self.rows().remove(Table::Intent, &refresh_key(team));
        }
        self.queue_needed(team)
    }

    fn newcomer(
        &mut self,
        now: Millis,
        team: TeamId,
        hash: Hash,
        mut intent: IntentRow,
    ) -> Result<Result<Newcomer, NotAdded>, Fault> {
        let object = stored_object(&intent.announcement)?;
        if let Some(newcomer) = self.behind(team, hash, &object)? {
            return Ok(Ok(newcomer));
        }
        let announcement = match self.fits(now, team, &hash, &object)? {
            Ok(announcement) => announcement,
            Err(why) => return Ok(Err(why)),
        };
        let package =
            KeyPackageIn::tls_deserialize_exact_bytes(&announcement.key_package).ok().and_then(
                |package| package.validate(self.provider.crypto(), ProtocolVersion::Mls10).ok(),
            );
        let Some(package) = package else {
            return Ok(Err(NotAdded::Unfit));
        };
        let identity = identity_of(package.leaf_node().credential());
        let fits = Leaf::read(identity).is_some_and(|leaf| {
            leaf.device == announcement.device && leaf.log_key == announcement.log_key
        });
        if !fits {
            return Ok(Err(NotAdded::Unfit));
        }
        if intent.certificate.is_empty() {
            let org = self.org_row()?.ok_or(Fault::Row)?;
            let root = org.seed.signer();
            let (device, log_key) = (announcement.device, announcement.log_key);
            let certificate = certify(&root, now, team, device, log_key, identity)?;
            intent.certificate = certificate.bytes();
            put_addition(self, team, &hash, &intent)?;
        }
        let certificate = stored_object(&intent.certificate)?;
        self.put_certificate(team, announcement.device, &certificate)?;
        Ok(Ok(Newcomer { hash, package, certificate: Some(certificate), replaces: None }))
    }

    /// Is it the announcement of a device that is behind? Then it comes again in its own place.
    fn behind(&self, team: TeamId, hash: Hash, object: &Object) -> Result<Option<Newcomer>, Fault> {
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let Ok(announcement) = Announcement::parse(object.data().unwrap_or_default()) else {
            return Ok(None);
        };
        if !self.comes_back(team, &row, object, &announcement)? {
            return Ok(None);
        }
        let package =
            KeyPackageIn::tls_deserialize_exact_bytes(&announcement.key_package).ok().and_then(
                |package| package.validate(self.provider.crypto(), ProtocolVersion::Mls10).ok(),
            );
        let (Some(package), Some(group)) = (package, self.groups.get(&team)) else {
            return Ok(None);
        };
        let replaces = group.member_leaf_index(package.leaf_node().credential());
        Ok(Some(Newcomer { hash, package, certificate: None, replaces }))
    }

    /// A commit, pending in the group; `None` when OpenMLS refuses somebody.
    fn commit(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        newcomers: &[Newcomer],
        refresh: bool,
    ) -> Result<Option<CommitMessageBundle>, Fault> {
        let signer = row.leaf_seed.leaf_signer();
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        let packages = newcomers.iter().map(|newcomer| newcomer.package.clone());
        let replaced = newcomers.iter().filter_map(|newcomer| newcomer.replaces);
        let (rand, crypto) = (self.provider.rand(), self.provider.crypto());
        let builder = group
            .commit_builder()
            .consume_proposal_store(false)
            .propose_removals(replaced)
            .propose_adds(packages)
            .force_self_update(refresh)
            .load_psks(self.provider.storage())
            .map_err(|_| Fault::Mls)?;
        let Ok(builder) = builder.build(rand, crypto, &signer, |_| true) else {
            return Ok(None);
        };
        let bundle = builder.stage_commit(&self.provider).map_err(|_| Fault::Mls)?;
        if self.broken.contains(&Broken::MergesAtOnce) {
            group.merge_pending_commit(&self.provider).map_err(|_| Fault::Mls)?;
        }
        Ok(Some(bundle))
    }

    /// Tells the owner of an announcement where its welcome is.
    pub(crate) fn point(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        announcement: Hash,
        claim: &Object,
    ) -> Result<(), Fault> {
        let parsed = Claim::parse(claim.data().unwrap_or_default()).map_err(|_| Fault::Row)?;
        let (Some(welcome), Rest::Slot(slot)) = (parsed.welcome, claim.name().place().rest) else {
            return Err(Fault::Row);
        };
        let pointer = WelcomePointer { announcement, slot, claim: claim.entry_hash(), welcome };
        let draft = Draft {
            name: team.name(WelcomePointer::rest(&announcement)),
            created: now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part::ONLY,
            data: &pointer.bytes(),
        };
        let object = draft.sign(&Self::log_signer(row)).map_err(|_| Fault::Encode)?;
        self.queue(&object, Purpose::Pointer)
    }
}

/// Cuts a payload into pieces of a new blob.
fn make_blob(
    now: Millis,
    team: TeamId,
    row: &mut TeamRow,
    signer: &Signer,
    whole: &[u8],
    pieces: &mut Vec<Object>,
) -> Result<BlobRef, Fault> {
    let blob = Blob::truncate(row.next_blob);
    row.next_blob = row.next_blob.wrapping_add(1);
    let device = row.own();
    let chunks: Vec<&[u8]> = whole.chunks(MAX_DATA).collect();
    let count = u16::try_from(chunks.len()).map_err(|_| Fault::Encode)?;
    for (index, data) in (0..count).zip(chunks) {
        let piece = Piece::new(index.into()).map_err(|_| Fault::Encode)?;
        let draft = Draft {
            name: team.name(Rest::Blob { device, blob, piece }),
            created: now,
            expires: Millis::NEVER,
            previous: Hash::NONE,
            part: Part { index, count },
            data,
        };
        pieces.push(draft.sign(signer).map_err(|_| Fault::Encode)?);
    }
    Ok(BlobRef {
        first: team.name(Rest::Blob { device, blob, piece: Piece::ZERO }),
        pieces: count,
        len: u32::try_from(whole.len()).map_err(|_| Fault::Encode)?,
        hash: Hash::of(Label::Blob, whole),
    })
}
