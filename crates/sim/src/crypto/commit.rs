//! Commits as bytes (RFC 9420 §12.4), taken apart, and put together as OpenMLS never does.

use tls_codec::{DeserializeBytes as _, Serialize as _, VLByteSlice, VLBytes};

/// How a commit is malformed.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Malformed {
    /// It renews no path, although it has to.
    NoPath,
    /// A node is missing from its path.
    FewerNodes,
    /// A node stands twice in its path.
    MoreNodes,
    /// One of those below a node gets no secret.
    FewerSecrets {
        /// Which node, from the leaf.
        node: usize,
    },
    /// A node has a secret for nobody.
    MoreSecrets {
        /// Which node, from the leaf.
        node: usize,
    },
    /// It covers a proposal that nobody has seen.
    Reference,
    /// It removes its own author.
    OwnRemoval,
    /// The author's leaf is not bound to the path.
    ParentHash,
}

/// A commit.
pub(super) struct Commit {
    proposals: Vec<u8>,
    path: Option<(Leaf, Vec<Node>)>,
}

/// The author's leaf (RFC 9420 §7.2).
struct Leaf {
    /// Up to the kind of the leaf.
    head: Vec<u8>,
    parent_hash: Vec<u8>,
    extensions: Vec<u8>,
    signature: Vec<u8>,
}

/// A node of its path (RFC 9420 §7.6).
#[derive(Clone)]
struct Node {
    key: Vec<u8>,
    secrets: Vec<Vec<u8>>,
}

impl Commit {
    /// A commit, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (proposals, rest) = vector(bytes)?;
        let (has_path, rest) = rest.split_first()?;
        if *has_path == 0 {
            return Some((Self { proposals, path: None }, rest));
        }
        let (leaf, behind) = Leaf::read(rest)?;
        let (all, rest) = vector(behind)?;
        let (mut nodes, mut left) = (Vec::new(), all.as_slice());
        while !left.is_empty() {
            let (node, behind) = Node::read(left)?;
            nodes.push(node);
            left = behind;
        }
        Some((Self { proposals, path: Some((leaf, nodes)) }, rest))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push(&mut bytes, &self.proposals);
        bytes.push(u8::from(self.path.is_some()));
        if let Some((leaf, nodes)) = &self.path {
            bytes.extend_from_slice(&leaf.signed_part());
            push(&mut bytes, &leaf.signature);
            let nodes: Vec<u8> = nodes.iter().flat_map(Node::bytes).collect();
            push(&mut bytes, &nodes);
        }
        bytes
    }

    /// Another commit of the author at this leaf, who signs leaves with `sign`; `None` where it
    /// cannot be had.
    pub(super) fn spoil(
        mut self,
        how: Malformed,
        author: [u8; 4],
        sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let (leaf, nodes) = self.path.as_mut()?;
        match how {
            Malformed::NoPath => self.path = None,
            Malformed::FewerNodes => {
                nodes.pop()?;
            }
            Malformed::MoreNodes => nodes.push(nodes.last()?.clone()),
            Malformed::FewerSecrets { node } => {
                let at = node.checked_rem(nodes.len())?;
                nodes.get_mut(at)?.secrets.pop()?;
            }
            Malformed::MoreSecrets { node } => {
                let at = node.checked_rem(nodes.len())?;
                let secrets = &mut nodes.get_mut(at)?.secrets;
                secrets.push(secrets.last()?.clone());
            }
            Malformed::Reference => {
                self.proposals.push(REFERENCE);
                push(&mut self.proposals, &[7; 32]);
            }
            Malformed::OwnRemoval => {
                self.proposals.push(PROPOSAL);
                self.proposals.extend_from_slice(&REMOVE);
                self.proposals.extend_from_slice(&author);
            }
            Malformed::ParentHash => {
                *leaf.parent_hash.first_mut()? ^= 1;
                leaf.signature = sign(&leaf.signed_part())?;
            }
        }
        Some(self)
    }
}

impl Node {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (key, rest) = vector(bytes)?;
        let (all, rest) = vector(rest)?;
        let (mut secrets, mut left) = (Vec::new(), all.as_slice());
        while !left.is_empty() {
            let behind = skip(skip(left)?)?;
            secrets.push(left.get(..left.len().checked_sub(behind.len())?)?.to_vec());
            left = behind;
        }
        Some((Self { key, secrets }, rest))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push(&mut bytes, &self.key);
        push(&mut bytes, &self.secrets.concat());
        bytes
    }
}

impl Leaf {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        // Both keys, then a basic credential behind its type.
        let mut rest = skip(skip(bytes)?)?.get(2..)?;
        rest = skip(rest)?;
        for _ in CAPABILITIES {
            rest = skip(rest)?;
        }
        rest = rest.strip_prefix(&[COMMIT])?;
        let head = bytes.get(..bytes.len().checked_sub(rest.len())?)?.to_vec();
        let (parent_hash, rest) = vector(rest)?;
        let (extensions, rest) = vector(rest)?;
        let (signature, rest) = vector(rest)?;
        Some((Self { head, parent_hash, extensions, signature }, rest))
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        push(&mut bytes, &self.parent_hash);
        push(&mut bytes, &self.extensions);
        bytes
    }
}

/// The content of a vector, and what follows it.
pub(super) fn vector(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (content, rest) = VLBytes::tls_deserialize_bytes(bytes).ok()?;
    Some((content.into(), rest))
}

/// Writes a vector.
pub(super) fn push(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend(VLByteSlice(content).tls_serialize_detached().unwrap_or_default());
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    vector(bytes).map(|(_, rest)| rest)
}

const PROPOSAL: u8 = 1;
const REFERENCE: u8 = 2;
/// The type of a proposal (RFC 9420 §17.4).
const REMOVE: [u8; 2] = [0, 3];
/// The source of a leaf.
const COMMIT: u8 = 3;
/// So many lists.
const CAPABILITIES: std::ops::Range<u8> = 0..5;
