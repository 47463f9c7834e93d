//! Making a commit and the claim for its slot: saved before anything of it leaves.

use names::{Blob, Device, Generation, Piece, Rest, TeamId};
use objects::{
    BlobRef, Claim, Draft, Hash, Label, MAX_DATA, Millis, Named, Object, Part, Signer, Standing,
    WelcomePointer,
};
use openmls::prelude::{CommitMessageBundle, KeyPackage, LeafNodeIndex};
use openmls_traits::OpenMlsProvider as _;

use crate::additions::Newcomer;
use crate::kept::Kept;
use crate::roles::{Says, admin_standing, certificate};
use crate::rows::Table;
use crate::state::{ClaimRow, IntentRow, Purpose, TeamRow, stored_object, team_key};
use crate::tree::TreeKey;
use crate::unsealed::private_message;
use crate::wish::{ADMIN, Intent};
use crate::{Broken, Endpoint, Fault, NotAdded, NotDone, Policy};

/// One wish, as the commit does it.
struct Deed {
    intent: Intent,
    act: Act,
    /// What the claim names.
    certificate: Option<Object>,
}

enum Act {
    Add(Box<KeyPackage>, Hash),
    Replace(Box<KeyPackage>, LeafNodeIndex, Hash),
    Remove(LeafNodeIndex),
    Policy(Policy),
    /// Nothing in the group but a new leaf of our own.
    Path,
}

impl Act {
    fn welcomes(&self) -> Option<Hash> {
        match self {
            Self::Add(_, hash) | Self::Replace(_, _, hash) => Some(*hash),
            Self::Remove(_) | Self::Policy(_) | Self::Path => None,
        }
    }
}

impl Endpoint {
    /// Commits to wishes, as many as fit, and claims the next slot for it.
    pub(crate) fn claim_next(
        &mut self,
        now: Millis,
        team: TeamId,
        mut row: Kept<TeamRow>,
        wishes: Vec<(Intent, IntentRow)>,
    ) -> Result<(), Fault> {
        let Some(slot) = row.head().0.next() else {
            return Ok(());
        };
        let mut deeds = self.deeds(now, team, &row, wishes)?;
        let key = self.draw_tree_key();
        let bundle = loop {
            if deeds.is_empty() {
                return Ok(());
            }
            if let Some(bundle) = self.commit(team, &row, &deeds, &key)? {
                break bundle;
            }
            // OpenMLS does not say who is unfit. Alone, it is the one; the others come again.
            let first = deeds.iter().position(|deed| deed.act.welcomes().is_some());
            let unfit = deeds.swap_remove(first.ok_or(Fault::Mls)?);
            if !deeds.is_empty() {
                deeds = vec![unfit];
                continue;
            }
            if let Intent::Add(hash) = unfit.intent {
                self.not_added(team, hash, NotAdded::Unfit);
            } else {
                self.wished(team, &unfit.intent, Ok(()))?;
            }
        };
        let signer = Self::log_signer(&row);
        let mut needed = Vec::new();
        let commit = private_message(bundle.commit())?;
        let commit = make_blob(now, team, &mut row, &signer, &commit, &mut needed)?;
        let (mut welcome, mut tree) = (None, None);
        if let Some(message) = bundle.to_welcome_msg() {
            let message = message.to_bytes().map_err(|_| Fault::Mls)?;
            welcome = Some(make_blob(now, team, &mut row, &signer, &message, &mut needed)?);
            let sealed = self.sealed_tree(team, &key)?;
            tree = Some(make_blob(now, team, &mut row, &signer, &sealed, &mut needed)?);
        }
        let group = self.groups.get(&team).ok_or(Fault::Mls)?;
        let own = self.named_certificate(team, row.own())?;
        let generation = match own.map(|(name, _)| name.place().rest) {
            Some(Rest::Certificate { generation, .. }) => generation,
            _ => Generation::ZERO,
        };
        let certificates = deeds.iter().filter_map(|deed| deed.certificate.as_ref());
        let claim = Claim {
            epoch: group.epoch().as_u64(),
            device: row.own(),
            generation,
            commit,
            welcome,
            tree,
            skips: row.stalled_at(),
            certificates: certificates
                .clone()
                .map(|certificate| Named {
                    name: certificate.name(),
                    hash: certificate.entry_hash(),
                })
                .collect(),
            welcomed: deeds.iter().filter_map(|deed| deed.act.welcomes()).collect(),
        };
        for certificate in certificates {
            if let Rest::Certificate { device, .. } = certificate.name().place().rest {
                self.put_certificate(team, device, certificate)?;
            }
            needed.push(certificate.clone());
        }
        let draft = Draft {
            name: team.name(Rest::Slot(slot)),
            created: now,
            expires: Millis::NEVER,
            previous: row.head().1,
            part: Part::ONLY,
            data: &claim.bytes(),
        };
        let object = draft.sign(&signer).map_err(|_| Fault::Encode)?;
        self.note_signed(&object, signer.key());
        let claim = ClaimRow {
            object: object.bytes(),
            needed: needed.iter().map(|object| object.bytes().into()).collect(),
            queued: false,
            left: false,
            wishes: deeds.iter().map(|deed| deed.intent.key(team).into()).collect(),
        };
        self.put_team(team, &row)?;
        if self.breaks(Broken::ForgetsWishes) {
            self.rows().remove(Table::Intent, &Intent::Refresh.key(team));
        }
        self.rows().put(Table::Claim, &team_key(team), &claim)?;
        self.queue_needed(team)
    }

    /// As many wishes as one claim can name, ready to be done; the others wait for the next.
    fn deeds(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        wishes: Vec<(Intent, IntentRow)>,
    ) -> Result<Vec<Deed>, Fault> {
        let mut deeds: Vec<Deed> = Vec::new();
        let leaving = |deeds: &[Deed], device: Device| {
            deeds.iter().any(|deed| deed.intent == Intent::Remove(device))
        };
        for (intent, wish) in wishes {
            let named = deeds.iter().filter(|deed| deed.certificate.is_some()).count();
            let welcomed = deeds.iter().filter(|deed| deed.act.welcomes().is_some()).count();
            let full = named >= Claim::MOST || welcomed >= Claim::MOST;
            let (act, certificate) = match intent {
                Intent::Refresh => (Act::Path, None),
                Intent::Policy => {
                    let policy = Policy::read(&wish.value).ok_or(Fault::Row)?;
                    (Act::Policy(policy), None)
                }
                Intent::User(_) => continue,
                _ if full => continue,
                Intent::Add(hash) => match self.newcomer(now, team, row, hash, wish)? {
                    Ok(Newcomer { package, certificate }) => {
                        (Act::Add(Box::new(package), hash), Some(certificate))
                    }
                    Err(why) => {
                        self.not_added(team, hash, why);
                        continue;
                    }
                },
                // Whoever leaves is neither replaced nor given a role.
                Intent::Readd(device) | Intent::Role(device) if leaving(&deeds, device) => continue,
                Intent::Readd(device) => match self.replacement(team, row, device, &wish)? {
                    Some((package, index, hash)) => {
                        (Act::Replace(Box::new(package), index, hash), None)
                    }
                    None => continue,
                },
                Intent::Remove(device) => {
                    let group = self.groups.get(&team).ok_or(Fault::Mls)?;
                    let Some(index) = Self::place(group, device) else {
                        continue;
                    };
                    let standing = Standing::Revoked;
                    match self.next(now, team, row, &intent, device, standing)? {
                        Ok(certificate) => (Act::Remove(index), certificate),
                        Err(why) => {
                            self.wished(team, &intent, Err(why))?;
                            continue;
                        }
                    }
                }
                Intent::Role(device) => {
                    let (Some(leaf), Some(root)) = (self.leaf(team, device)?, self.root_of(row)?)
                    else {
                        continue;
                    };
                    let standing = if wish.value == ADMIN {
                        admin_standing(&root, team, leaf.log_key)
                    } else {
                        Standing::Certified
                    };
                    match self.next(now, team, row, &intent, device, standing)? {
                        Ok(certificate) => (Act::Path, certificate),
                        Err(why) => {
                            self.wished(team, &intent, Err(why))?;
                            continue;
                        }
                    }
                }
            };
            deeds.push(Deed { intent, act, certificate });
        }
        Ok(deeds)
    }

    /// The next certificate of a device, made once for a wish; `None` when what counts says that
    /// already.
    fn next(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        intent: &Intent,
        device: Device,
        standing: Standing,
    ) -> Result<Result<Option<Object>, NotDone>, Fault> {
        let mut wish = self.wish(team, intent)?.ok_or(Fault::Row)?;
        let (name, known) = self.named_certificate(team, device)?.ok_or(Fault::Row)?;
        if known.standing == standing {
            return Ok(Ok(None));
        }
        let kept = match &wish.certificate[..] {
            [] => None,
            kept => Some(stored_object(kept)?).filter(|kept| kept.name() > name),
        };
        if let Some(kept) = kept {
            return Ok(Ok(Some(kept)));
        }
        let Some(issuer) = self.issuer(team, row)? else {
            return Ok(Err(NotDone::NotAdmin));
        };
        let next = self.next_generation(team, device, &issuer.1, wish.generation)?;
        let Some(generation) = next else {
            return Ok(Err(NotDone::NumbersTaken));
        };
        let says = Says {
            device,
            generation,
            standing,
            log_key: known.log_key,
            credential: known.credential,
        };
        let object = certificate(&issuer, now, team, &says)?;
        wish.certificate = object.bytes();
        self.put_wish(team, intent, &wish)?;
        Ok(Ok(Some(object)))
    }

    /// A commit, pending in the group; `None` when OpenMLS refuses somebody.
    fn commit(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        deeds: &[Deed],
        key: &TreeKey,
    ) -> Result<Option<CommitMessageBundle>, Fault> {
        let signer = row.leaf_seed.leaf_signer();
        let mut salt = vec![0; SALT];
        self.provider.fill(&mut salt);
        let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
        // A commit without a path draws nothing of its own: made again for another slot, its welcome
        // would be sealed with the key and the nonce of the first (RFC 9420 §8, §12.4.3.1).
        group.set_aad(salt);
        let (mut packages, mut leaving, mut path) = (Vec::new(), Vec::new(), false);
        let mut builder = group.commit_builder().consume_proposal_store(false);
        for deed in deeds {
            match &deed.act {
                Act::Add(package, _) => packages.push(KeyPackage::clone(package)),
                Act::Replace(package, index, _) => {
                    leaving.push(*index);
                    packages.push(KeyPackage::clone(package));
                }
                Act::Remove(index) => leaving.push(*index),
                Act::Policy(policy) => {
                    let extensions = policy.extensions()?;
                    builder = builder
                        .propose_group_context_extensions(extensions)
                        .map_err(|_| Fault::Mls)?;
                }
                Act::Path => path = true,
            }
        }
        let (rand, crypto) = (self.provider.rand(), self.provider.crypto());
        let builder = builder
            .propose_removals(leaving)
            .propose_adds(packages)
            .force_self_update(path)
            .load_psks(self.provider.storage())
            .map_err(|_| Fault::Mls)?
            .create_group_info_with_extensions([key.extension()])
            .map_err(|_| Fault::Mls)?
            .create_group_info(false);
        let Ok(builder) = builder.build(rand, crypto, &signer, |_| true) else {
            return Ok(None);
        };
        let bundle = builder.stage_commit(&self.provider).map_err(|_| Fault::Mls)?;
        if self.broken.contains(&Broken::MergesAtOnce) {
            group.merge_pending_commit(&self.provider).map_err(|_| Fault::Mls)?;
        }
        Ok(Some(bundle))
    }

    /// Tells the owner of an announcement, in the team of the announcement, where its welcome is.
    pub(crate) fn point(
        &mut self,
        now: Millis,
        row: &TeamRow,
        team: TeamId,
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

/// Random bytes in the authenticated data of a commit, so in the transcript of its epoch.
const SALT: usize = 16;
