//! A device: an endpoint, what its vault and its history hold, and what its `net-proc` knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use mls_core::{Change, Endpoint, Entropy, LoadError, Opened, Output, Table};
use names::{Name, TeamId};
use objects::{Hash, Key, Millis, Object, Receipt, RelayRef, Revocation};
use zeroize::Zeroizing;

use crate::broken::Broken;
use crate::chance::Chance;
use crate::crypto::{Insider, Sealings, SeededCrypto};

/// What survives the end of a process: one transaction after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vault {
    pub(crate) rows: BTreeMap<(u8, Vec<u8>), Zeroizing<Vec<u8>>>,
    pub(crate) history: BTreeMap<Name, Opened>,
    /// The announcement that it waits with, or came in by.
    pub(crate) joining: Option<Hash>,
    /// How much of the cache has been taken.
    pub(crate) cursors: BTreeMap<TeamId, (u64, usize)>,
}

/// One endpoint and its surroundings.
pub(crate) struct Device {
    pub(crate) name: String,
    /// The key of its person.
    pub(crate) user: Option<Key>,
    /// `None` while its process is dead.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) vault: Vault,
    /// Old copies of it.
    pub(crate) backups: Vec<Vault>,
    /// Its clock minus the true time, in ms.
    pub(crate) skew: i128,
    pub(crate) net: Net,
    /// The true time at which it is woken: a sleep goes on as long, whatever the clock is set to.
    pub(crate) wake: Option<u64>,
    /// Ticks in a row at one instant.
    pub(crate) spins: u32,
    /// It takes no part any more: removed, or gone for good.
    pub(crate) gone: bool,
    pub(crate) insider: Arc<Mutex<Insider>>,
    sealings: Arc<Mutex<Sealings>>,
    broken: Option<Broken>,
    chance: Chance,
}

/// What a device's `net-proc` knows.
#[derive(Debug, Default)]
pub(crate) struct Net {
    pub(crate) relay: Option<RelayRef>,
    pub(crate) link: Option<u64>,
    pub(crate) greeted: Option<Greeted>,
    /// What is wanted since the endpoint started.
    pub(crate) wanted: BTreeSet<TeamId>,
    /// Single paths of teams, from the first object on.
    pub(crate) paths: BTreeSet<(TeamId, u8)>,
    pub(crate) subscribed: BTreeMap<u32, TeamId>,
    /// Subscriptions that are refused.
    pub(crate) refused: BTreeSet<u32>,
    pub(crate) asks: BTreeMap<u32, Ask>,
    pub(crate) next: u32,
    /// The relay has delivered everything of it.
    pub(crate) caught_up: BTreeSet<TeamId>,
    /// The endpoint was told so.
    pub(crate) told: BTreeSet<TeamId>,
    /// What the relay shows of this device's removal.
    pub(crate) revoked: BTreeMap<TeamId, Box<Revocation>>,
    pub(crate) cache: Cache,
    /// A connection is being made.
    pub(crate) connecting: bool,
    pub(crate) renewing: bool,
}

/// A link that counts as up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greeted {
    pub(crate) relay: Key,
    pub(crate) exporter: [u8; 32],
    pub(crate) store: u64,
    /// The relay's clock minus the true time.
    pub(crate) ahead: i128,
}

/// What an answer of the relay is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Answer(u64),
    Found(u64),
}

/// Sealed objects, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(crate) id: u64,
    pub(crate) objects: BTreeMap<TeamId, Vec<(Object, Option<Receipt>)>>,
    pub(crate) known: BTreeSet<(Name, Hash, Option<Vec<u8>>)>,
    /// How far each relay's store was read.
    pub(crate) reached: BTreeMap<(Key, u64, TeamId), u64>,
}

impl Cache {
    pub(crate) fn keep(&mut self, object: &Object, receipt: Option<Receipt>) {
        let mark = (object.name(), object.entry_hash(), receipt.map(|receipt| receipt.bytes()));
        if self.known.insert(mark) {
            let team = object.name().team();
            self.objects.entry(team).or_default().push((object.clone(), receipt));
        }
    }
}

impl Net {
    pub(crate) fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> u32 {
        let seq = self.number();
        self.asks.insert(seq, ask);
        seq
    }

    /// The link is gone.
    pub(crate) fn unlink(&mut self) {
        self.link = None;
        self.greeted = None;
        self.subscribed.clear();
        self.refused.clear();
        self.asks.clear();
        self.caught_up.clear();
        self.told.clear();
        self.connecting = false;
        self.renewing = false;
    }
}

impl Device {
    /// A new user on a new device; not committed yet.
    pub(crate) fn new(
        name: &str,
        mut chance: Chance,
        sealings: Arc<Mutex<Sealings>>,
        broken: Option<Broken>,
    ) -> Self {
        let insider = Arc::default();
        let entropy = entropy(&mut chance, &sealings, &insider);
        let mut endpoint = Endpoint::create(name, "laptop", entropy).expect("a fit name");
        endpoint.break_rules(broken.and_then(Broken::endpoints));
        Self {
            name: name.to_owned(),
            user: None,
            endpoint: Some(endpoint),
            vault: Vault::default(),
            backups: Vec::new(),
            skew: 0,
            net: Net::default(),
            wake: None,
            spins: 0,
            gone: false,
            insider,
            sealings,
            broken,
            chance,
        }
    }

    /// An endpoint from the committed rows.
    pub(crate) fn load(&mut self) -> Result<Endpoint, LoadError> {
        let entropy = entropy(&mut self.chance, &self.sealings, &self.insider);
        let mut endpoint = load(&self.vault, entropy)?;
        endpoint.break_rules(self.broken.and_then(Broken::endpoints));
        Ok(endpoint)
    }

    /// Takes the changes of a step.
    pub(crate) fn commit(&mut self, changes: Vec<Change>) {
        for Change { table, key, value } in changes {
            match value {
                Some(value) => self.vault.rows.insert((table.code(), key), value),
                None => self.vault.rows.remove(&(table.code(), key)),
            };
        }
    }

    /// It has made a commit that it cannot follow itself: its group does not know of it.
    pub(crate) fn forgets_lie(&mut self) -> bool {
        let mut insider = self.insider.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut insider.lied) {
            return false;
        }
        for ((table, key), value) in &mut self.vault.rows {
            if *table == Table::Mls.code() && key.first() == Some(&GROUP_STATE) {
                // A text in CBOR (RFC 8949 §3.1).
                *value = Zeroizing::new([&[0x60 | 11], &b"Operational"[..]].concat());
            }
        }
        true
    }

    /// Its clock at a true time.
    pub(crate) fn clock(&self, now: u64) -> u64 {
        crate::relays::clock(now, self.skew)
    }

    /// Sleeps from now on until a time of its own.
    pub(crate) fn sleeps(&mut self, now: u64, until: Option<Millis>) {
        let local = self.clock(now);
        self.wake = until.map(|at| now.saturating_add(at.0.saturating_sub(local)));
    }

    /// The true time at which it is woken.
    pub(crate) fn wakes(&self) -> Option<u64> {
        self.endpoint.as_ref()?;
        self.wake
    }
}

/// An endpoint over a vault.
pub(crate) fn load(vault: &Vault, entropy: Entropy) -> Result<Endpoint, LoadError> {
    let rows = vault.rows.iter().filter_map(|((table, key), value)| {
        Some((Table::from_code(*table)?, key.clone(), value.clone()))
    });
    Endpoint::load(rows, entropy)
}

pub(crate) fn entropy(
    chance: &mut Chance,
    sealings: &Arc<Mutex<Sealings>>,
    insider: &Arc<Mutex<Insider>>,
) -> Entropy {
    let seed = chance.bytes();
    let mut drawn = chance.fork(1);
    Entropy {
        random: Box::new(move |space| drawn.fill(space)),
        crypto: Arc::new(SeededCrypto::new(seed, sealings.clone(), insider.clone())),
    }
}

/// Everything that an endpoint has to say.
pub(crate) fn outputs(endpoint: &mut Endpoint) -> VecDeque<Output> {
    std::iter::from_fn(|| endpoint.poll()).collect()
}

/// A sum over the bytes of a row of OpenMLS, in whatever order they stand, without the times that it
/// reads from the system's clock. It stores hash maps in the order of the day; nothing is decided by
/// either.
pub(crate) fn gist(row: &[u8]) -> [u8; 8] {
    let (mut sum, mut at) = (0_u64, 0_usize);
    while let Some(byte) = row.get(at) {
        sum = sum.wrapping_add(WEIGHTS[usize::from(*byte)]);
        at += 1;
        if *byte == b'h' && row[..at].ends_with(b"s_since_epoch") {
            // A number in CBOR (RFC 8949 §3): what follows the first byte.
            at += match row.get(at) {
                Some(0x18) => 2,
                Some(0x19) => 3,
                Some(0x1a) => 5,
                Some(0x1b) => 9,
                Some(_) | None => 1,
            };
        }
    }
    sum.to_be_bytes()
}

/// Of each byte, far apart, so that other bytes have another sum.
const WEIGHTS: [u64; 256] = {
    let (mut weights, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let mixed = (byte as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        weights[byte] = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        byte += 1;
    }
    weights
};

/// The kind of the row that says whether a group has a commit of its own.
const GROUP_STATE: u8 = 12;
