//! What an insider does to its next commit: everything else of it is as it should be, signature and
//! confirmation tag too (RFC 9420 §6.1, §8).

use std::collections::BTreeMap;

use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::types::{HashType, SignatureScheme};

use super::commit::{Commit, Malformed, push, vector};

/// What an insider does to its next commit (RFC 9420 §6.3.1, §7.6, §8.1).
#[derive(Debug, Default, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Poison {
    /// Nothing.
    #[default]
    Honest,
    /// The secret for one of those who need it is damaged, those after it are right.
    OneOf {
        /// So many are right before it.
        after: u64,
    },
    /// All path secrets are damaged.
    All,
    /// The ciphertext of the commit is damaged.
    Ciphertext,
    /// The confirmation tag is another one.
    Tag,
    /// The commit whose confirmation tag will be another one is being made.
    TagNext,
    /// A node of the path has the key of somebody else.
    ForeignKey {
        /// So many nodes have their own below it.
        after: u64,
    },
    /// Its parts are not as they have to be.
    Malformed(Malformed),
}

/// An insider, and what it has seen itself compute.
#[derive(Debug, Default)]
pub(crate) struct Insider {
    pub(crate) poison: Poison,
    /// The secret key of its leaf.
    pub(crate) key: [u8; 32],
    /// A commit that it cannot follow itself is made.
    pub(crate) lied: bool,
    /// The group context of each epoch.
    contexts: BTreeMap<[u8; 8], Vec<u8>>,
    /// What was opened, and the path secrets that follow from it: others have made them.
    opened: Vec<Vec<u8>>,
    /// The secret of a node on a path of its own.
    node: Vec<u8>,
    /// A path of its own is being made.
    own_path: bool,
    joiner: Joiner,
    hashed: Vec<Vec<u8>>,
}

/// The key schedule of its last commit.
#[derive(Debug, Default)]
struct Joiner {
    from: Vec<u8>,
    context: Vec<u8>,
    secret: Vec<u8>,
    psk: Vec<u8>,
}

/// What surrounds a commit in its signature (RFC 9420 §6.1).
struct Frame {
    group: Vec<u8>,
    epoch: [u8; 8],
    sender: [u8; 4],
    authenticated: Vec<u8>,
}

impl Insider {
    /// Does it lie in a way that needs to know what is computed?
    fn watches(&self) -> bool {
        matches!(self.poison, Poison::ForeignKey { .. } | Poison::Malformed(_))
    }

    /// It begins to lie, or ends.
    pub(crate) fn lie(&mut self, poison: Poison, key: [u8; 32]) {
        (self.poison, self.key) = (poison, key);
        (self.own_path, self.opened, self.hashed) = (false, Vec::new(), Vec::new());
    }

    pub(super) fn expanded(&mut self, from: &[u8], info: &[u8], secret: &[u8]) {
        // RFC 9420 §8: length, label, context.
        let Some((label, rest)) = info.get(2..).and_then(vector) else {
            return;
        };
        let of_epoch = label == b"MLS 1.0 epoch";
        if !of_epoch && !self.watches() {
            return;
        }
        let context = vector(rest).map(|(context, _)| context).unwrap_or_default();
        match &label[..] {
            b"MLS 1.0 epoch" => {
                if let Some(epoch) = epoch_of(&context) {
                    self.contexts.insert(epoch, context);
                }
            }
            b"MLS 1.0 joiner" => {
                let (from, secret) = (from.to_vec(), secret.to_vec());
                self.joiner = Joiner { from, context, secret, psk: Vec::new() };
            }
            b"MLS 1.0 node" if !self.is_opened(from) => {
                (self.own_path, self.node) = (true, secret.to_vec());
            }
            b"MLS 1.0 path" if self.is_opened(from) => self.opened.push(secret.to_vec()),
            _ => {}
        }
    }

    pub(super) fn extracted(&mut self, salt: &[u8], from: &[u8]) {
        if self.watches() && salt == self.joiner.secret {
            self.joiner.psk = from.to_vec();
        }
    }

    pub(super) fn opened(&mut self, secret: &[u8]) {
        if self.watches() {
            self.opened.push(secret.to_vec());
        }
    }

    fn is_opened(&self, secret: &[u8]) -> bool {
        self.opened.iter().any(|opened| opened.windows(secret.len()).any(|part| part == secret))
    }

    /// Does this node of its own path get another key than follows from its secret?
    pub(super) fn swaps(&mut self, node: &[u8]) -> bool {
        let Poison::ForeignKey { after } = &mut self.poison else {
            return false;
        };
        if !self.own_path || self.node != node {
            return false;
        }
        let swaps = *after == 0;
        *after = after.checked_sub(1).unwrap_or(u64::MAX);
        swaps
    }

    pub(super) fn hashes(&mut self, input: &[u8]) {
        if self.watches() {
            if self.hashed.len() > MOST_HASHED {
                self.hashed.clear();
            }
            self.hashed.push(input.to_vec());
        }
    }

    /// What is sealed in place of a commit.
    pub(super) fn seals(
        &mut self,
        crypto: &RustCrypto,
        aad: &[u8],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        match self.poison {
            Poison::Malformed(how) => {
                let spoilt = self.malformed(crypto, how, aad, data)?;
                self.done();
                Some(spoilt)
            }
            // The path was too short for it, perhaps.
            Poison::ForeignKey { after } => {
                if after > u64::MAX / 2 {
                    self.done();
                }
                None
            }
            Poison::Honest
            | Poison::OneOf { .. }
            | Poison::All
            | Poison::Ciphertext
            | Poison::Tag
            | Poison::TagNext => None,
        }
    }

    fn done(&mut self) {
        self.lie(Poison::Honest, self.key);
        self.lied = true;
    }

    fn malformed(
        &self,
        crypto: &RustCrypto,
        how: Malformed,
        aad: &[u8],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let (commit, rest) = Commit::read(data)?;
        let (signature, _) = vector(rest)?;
        let (group, rest) = vector(aad)?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (authenticated, _) = vector(rest.get(1..)?)?;
        let mut frame = Frame { group, epoch: *epoch, sender: [0; 4], authenticated };
        // The author's leaf and the transcript before it stand in what was hashed.
        let mut end = frame.around(&commit.bytes());
        push(&mut end, &signature);
        let at = frame.sender_at();
        let is = |input: &&Vec<u8>| {
            let start = input.len().checked_sub(end.len());
            start.and_then(|start| input.get(start..)).is_some_and(|tail| {
                tail.get(..at) == end.get(..at) && tail.get(at + 4..) == end.get(at + 4..)
            })
        };
        let input = self.hashed.iter().rfind(is)?;
        let before = input.get(..input.len().checked_sub(end.len())?)?;
        frame.sender = *input.get(before.len() + at..)?.first_chunk()?;

        let sign = |label: &[u8], content: &[u8]| {
            let mut signed = Vec::new();
            push(&mut signed, label);
            push(&mut signed, content);
            crypto.sign(SignatureScheme::ED25519, &signed, &self.key).ok()
        };
        let leaf = |leaf: &[u8]| {
            let mut content = leaf.to_vec();
            push(&mut content, &frame.group);
            content.extend_from_slice(&frame.sender);
            sign(b"MLS 1.0 LeafNodeTBS", &content)
        };
        let spoilt = commit.spoil(how, frame.sender, leaf)?.bytes();
        let framed = frame.around(&spoilt);
        let mut content = vec![0, 1];
        content.extend_from_slice(&framed);
        content.extend_from_slice(self.contexts.get(epoch)?);
        let signature = sign(b"MLS 1.0 FramedContentTBS", &content)?;

        let hash = |bytes: &[u8]| crypto.hash(HashType::Sha2_256, bytes).ok();
        let mut transcript = before.to_vec();
        transcript.extend_from_slice(&framed);
        push(&mut transcript, &signature);
        let (old, new) = (hash(input)?, hash(&transcript)?);
        let tag = self.tag(crypto, &old, &new)?;
        let mut sealed = spoilt;
        push(&mut sealed, &signature);
        push(&mut sealed, &tag);
        // As long as before, where it can be: padding is zeros.
        sealed.resize(sealed.len().max(data.len()), 0);
        Some(sealed)
    }

    /// The confirmation tag with another transcript (RFC 9420 §8, §8.1).
    fn tag(&self, crypto: &RustCrypto, old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
        let mut context = self.joiner.context.clone();
        let at = context.windows(old.len()).position(|part| part == old)?;
        context.get_mut(at..at + old.len())?.copy_from_slice(new);
        let expand = |from: &[u8], label: &[u8], context: &[u8]| {
            let mut info = vec![0, 32];
            push(&mut info, label);
            push(&mut info, context);
            crypto.hkdf_expand(HashType::Sha2_256, from, &info, 32).ok()
        };
        let joiner = expand(&self.joiner.from, b"MLS 1.0 joiner", &context)?;
        let psk = &self.joiner.psk;
        let member = crypto.hkdf_extract(HashType::Sha2_256, joiner.as_slice(), psk).ok()?;
        let epoch = expand(member.as_slice(), b"MLS 1.0 epoch", &context)?;
        let key = expand(epoch.as_slice(), b"MLS 1.0 confirm", &[])?;
        let tag = crypto.hmac(HashType::Sha2_256, key.as_slice(), new).ok()?;
        Some(tag.as_slice().to_vec())
    }
}

impl Frame {
    /// Wire format and framed content: what is hashed, and behind a version what is signed.
    fn around(&self, commit: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 2];
        push(&mut bytes, &self.group);
        bytes.extend_from_slice(&self.epoch);
        bytes.push(MEMBER);
        bytes.extend_from_slice(&self.sender);
        push(&mut bytes, &self.authenticated);
        bytes.push(super::COMMIT);
        bytes.extend_from_slice(commit);
        bytes
    }

    fn sender_at(&self) -> usize {
        let mut bytes = vec![0, 2];
        push(&mut bytes, &self.group);
        bytes.len() + self.epoch.len() + 1
    }
}

/// The epoch of a group context (RFC 9420 §8.1).
fn epoch_of(context: &[u8]) -> Option<[u8; 8]> {
    let (_, rest) = vector(context.get(4..)?)?;
    rest.first_chunk().copied()
}

const MEMBER: u8 = 1;
const MOST_HASHED: usize = 256;
