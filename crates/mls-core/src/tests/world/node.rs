//! One endpoint, what it has committed, and what its shell knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Channel, Name, TeamId};
use objects::{Hash, Key};
use zeroize::Zeroizing;

use super::Home;
use crate::{Endpoint, Entropy, Fault, Notice, Opened, Output, Random, Table, Watermark};

pub(in crate::tests) struct Node {
    pub(in crate::tests) endpoint: Endpoint,
    pub(super) vault: BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>,
    pub(in crate::tests) outputs: VecDeque<Output>,
    pub(super) cursors: BTreeMap<TeamId, usize>,
    pub(super) proved: BTreeSet<(TeamId, Key)>,
    pub(super) paths: BTreeMap<(TeamId, u8), usize>,
    pub(super) caught_up: BTreeSet<TeamId>,
    pub(in crate::tests) online: bool,
    pub(super) linked: bool,
    /// The relay that it was told to use.
    pub(super) used: Option<objects::RelayRef>,
    /// The relay that it links to, when that is not the origin.
    pub(in crate::tests) home: Option<Home>,
    /// What the history would show: committed with the step.
    pub(in crate::tests) shown: BTreeMap<Name, Opened>,
    pub(in crate::tests) order: Vec<Name>,
    pub(in crate::tests) watermarks: BTreeMap<(TeamId, Channel), Watermark>,
    pub(in crate::tests) notices: Vec<Notice>,
    pub(in crate::tests) added: Vec<(Hash, Result<names::Device, crate::NotAdded>)>,
    pub(in crate::tests) wished: Vec<(crate::Wish, Result<(), crate::NotDone>)>,
    /// Every name and hash that ever left: a name never leaves with two hashes.
    pub(super) left: BTreeMap<Name, Hash>,
    pub(super) seed: u64,
}

type Vault = BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>;
/// Vault, cursors and history.
pub(in crate::tests) type Backup =
    (Vault, BTreeMap<TeamId, usize>, BTreeMap<Name, Opened>, Vec<Name>);

fn random(mut seed: u64) -> Random {
    Box::new(move |bytes| {
        for byte in bytes {
            // SplitMix64: enough to draw numbers and seeds in tests.
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z >> 56) as u8;
        }
    })
}

impl Node {
    pub(in crate::tests) fn new(name: &str, seed: u64) -> Self {
        let endpoint = Endpoint::create(name, "laptop", Entropy::system(random(seed))).unwrap();
        let mut node = Self {
            endpoint,
            vault: BTreeMap::new(),
            outputs: VecDeque::new(),
            cursors: BTreeMap::new(),
            proved: BTreeSet::new(),
            paths: BTreeMap::new(),
            caught_up: BTreeSet::new(),
            online: true,
            linked: false,
            used: None,
            home: None,
            shown: BTreeMap::new(),
            order: Vec::new(),
            watermarks: BTreeMap::new(),
            notices: Vec::new(),
            added: Vec::new(),
            wished: Vec::new(),
            left: BTreeMap::new(),
            seed,
        };
        node.commit();
        node
    }

    pub(super) fn commit(&mut self) {
        for change in self.endpoint.changes() {
            match change.value {
                Some(value) => self.vault.insert((change.table, change.key), value),
                None => self.vault.remove(&(change.table, change.key)),
            };
        }
        while let Some(output) = self.endpoint.poll() {
            match &output {
                Output::Message(opened) => self.show(opened.clone()),
                Output::Missing { name, missing_before } => {
                    if let Some(opened) = self.shown.get_mut(name) {
                        opened.missing_before = *missing_before;
                    }
                }
                Output::Watermark(mark) => {
                    let old = self.watermarks.insert((mark.team, mark.channel), *mark);
                    if let Some(old) = old {
                        assert!(old.relay <= mark.relay && old.delivered <= mark.delivered);
                    }
                }
                Output::Renamed { from, to } => {
                    let mut opened = self.shown.remove(from).unwrap();
                    opened.name = *to;
                    assert!(self.shown.insert(*to, opened).is_none(), "{to} is another's");
                    *self.order.iter_mut().find(|name| *name == from).unwrap() = *to;
                }
                Output::Notice(notice) => self.notices.push(*notice),
                Output::Added { hash, result, .. } => self.added.push((*hash, *result)),
                Output::Wished { wish, result, .. } => self.wished.push((*wish, *result)),
                Output::UseRelay(_)
                | Output::Subscribe { .. }
                | Output::Unsubscribe { .. }
                | Output::SubscribePath { .. }
                | Output::Prove { .. }
                | Output::Publish { .. }
                | Output::Claim { .. }
                | Output::Get { .. }
                | Output::Failed { .. }
                | Output::Recall { .. }
                | Output::TeamsChanged
                | Output::Joined { .. } => {}
            }
            self.outputs.push_back(output);
        }
    }

    pub(in crate::tests) fn show(&mut self, opened: Opened) {
        match self.shown.get(&opened.name) {
            None => self.order.push(opened.name),
            Some(before) => {
                assert!(before.unreadable.is_some(), "shown twice: {}", opened.name);
            }
        }
        self.shown.insert(opened.name, opened);
    }

    /// Ends the process, and starts it from what is committed.
    pub(in crate::tests) fn restart(&mut self) {
        self.seed += 1000;
        self.endpoint = self.reload().unwrap();
        self.outputs.clear();
        self.linked = false;
        self.commit();
    }

    pub(in crate::tests) fn backup(&self) -> Backup {
        (self.vault.clone(), self.cursors.clone(), self.shown.clone(), self.order.clone())
    }

    /// Puts an old copy of the vault back.
    pub(in crate::tests) fn restore(&mut self, backup: Backup) {
        (self.vault, self.cursors, self.shown, self.order) = backup;
        self.watermarks.clear();
        self.restart();
    }

    /// An endpoint from the committed rows.
    pub(in crate::tests) fn reload(&self) -> Result<Endpoint, crate::LoadError> {
        let rows = self.vault.iter().map(|((table, key), value)| {
            let table = Table::from_code(table.code()).unwrap();
            (table, key.clone(), value.clone())
        });
        Endpoint::load(rows, Entropy::system(random(self.seed)))
    }

    pub(in crate::tests) fn go(&mut self, online: bool) {
        self.online = online;
    }

    pub(super) fn leave(&mut self, object: &objects::Object) {
        let before = self.left.insert(object.name(), object.entry_hash());
        let same = before.is_none_or(|before| before == object.entry_hash());
        // What a key package says is in its name; only its date may change.
        let package = matches!(object.name().place().rest, names::Rest::KeyPackage { .. });
        // A claim that lost may be followed by another for the same slot only at a bad relay.
        assert!(same || package, "{} left with two hashes", object.name());
    }

    /// Loses what net-proc had cached: everything is delivered again.
    pub(in crate::tests) fn lose_cache(&mut self) {
        for cursor in self.cursors.values_mut() {
            *cursor = 0;
        }
        self.caught_up.clear();
    }

    pub(in crate::tests) fn damage(&mut self, table: Table) -> Result<(), Fault> {
        for ((of, _), value) in &mut self.vault {
            if *of == table {
                **value = vec![0xff];
            }
        }
        Ok(())
    }
}
