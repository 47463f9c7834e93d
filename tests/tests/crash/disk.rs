//! A disk that loses its power: what was written and not synced may be gone, in any part.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::trace::Call;
use crate::world::files;

/// A folder, as it is and as it would be found after a loss of power.
#[derive(Clone)]
pub(crate) struct Disk {
    folder: PathBuf,
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    kept_names: BTreeMap<String, usize>,
    /// Changes of names since the folder was synced, in order.
    renamed: Vec<Naming>,
}

/// A file: what the disk has for certain, and what came since its last sync.
#[derive(Clone, Default)]
struct Node {
    kept: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { len: usize },
}

#[derive(Clone)]
enum Naming {
    Add(String, usize),
    Remove(String),
}

/// Which of the unsynced changes the disk keeps.
pub(crate) enum Luck {
    /// None.
    Nothing,
    /// Some of them, some only in part; by the numbers that follow from a seed.
    Some(u64),
}

impl Disk {
    /// A folder whose files are all synced.
    pub(crate) fn of(folder: &Path, as_folder: &Path) -> Self {
        let mut disk = Self {
            folder: as_folder.to_owned(),
            nodes: Vec::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            renamed: Vec::new(),
        };
        for file in files(folder) {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            disk.names.insert(name, disk.nodes.len());
            disk.nodes.push(Node { kept: fs::read(&file).unwrap(), unsynced: Vec::new() });
        }
        disk.kept_names = disk.names.clone();
        disk
    }

    /// Does what a recorded call did. A call on a file that is not understood ends the test.
    pub(crate) fn apply(&mut self, call: &Call) {
        if call.result < 0 {
            return;
        }
        match call.name.as_str() {
            "openat" => self.open(call),
            "fsync" | "fdatasync" => self.sync(call),
            "pwrite64" => {
                let at = usize::try_from(call.numbers[1]).unwrap();
                let written = usize::try_from(call.result).unwrap();
                let bytes = call.strings[0][..written].to_vec();
                self.change(call, Change::Write { at, bytes });
            }
            "ftruncate" => {
                // Key pages are cut to their size as well; they lie on no disk.
                if self.node(call).is_some() {
                    let len = usize::try_from(call.numbers[0]).unwrap();
                    self.change(call, Change::Cut { len });
                }
            }
            "unlink" => {
                let name = self.name(&call.strings[0]).expect("a file of the vault's");
                self.names.remove(&name);
                self.renamed.push(Naming::Remove(name));
            }
            "linkat" => {
                let [from, to] = [0, 1].map(|place| self.name(&call.strings[place]).unwrap());
                let node = self.names[&from];
                self.names.insert(to.clone(), node);
                self.renamed.push(Naming::Add(to, node));
            }
            _ if is_socket(call) => {}
            _ => panic!("what does {} do to the disk? {:?}", call.name, call.on),
        }
    }

    /// What is found in the folder when power comes back.
    pub(crate) fn after_power_loss(&self, luck: &Luck, into: &Path) {
        let mut dice = Dice(match luck {
            Luck::Nothing => 0,
            Luck::Some(seed) => seed.wrapping_mul(2).wrapping_add(1),
        });
        let mut names = self.kept_names.clone();
        // A journal keeps the order of names.
        let kept = dice.below(self.renamed.len() + 1);
        for naming in &self.renamed[..kept] {
            match naming {
                Naming::Add(name, node) => drop(names.insert(name.clone(), *node)),
                Naming::Remove(name) => drop(names.remove(name)),
            }
        }
        for (name, node) in names {
            fs::write(into.join(name), self.nodes[node].found(&mut dice)).unwrap();
        }
    }

    fn open(&mut self, call: &Call) {
        let created = call.text.contains("O_CREAT");
        let Some(name) = self.name(&call.strings[0]) else {
            return;
        };
        if created && !self.names.contains_key(&name) {
            self.names.insert(name.clone(), self.nodes.len());
            self.renamed.push(Naming::Add(name, self.nodes.len()));
            self.nodes.push(Node::default());
        }
    }

    fn sync(&mut self, call: &Call) {
        if call.on.as_deref() == Some(&self.folder) {
            self.kept_names = self.names.clone();
            self.renamed.clear();
            return;
        }
        let node = self.node(call).expect("a sync of a file of the vault's");
        let node = &mut self.nodes[node];
        for change in std::mem::take(&mut node.unsynced) {
            change.apply(&mut node.kept);
        }
    }

    fn change(&mut self, call: &Call, change: Change) {
        let node = self.node(call).expect("a write to a file of the vault's");
        self.nodes[node].unsynced.push(change);
    }

    /// Which file a call is on.
    fn node(&self, call: &Call) -> Option<usize> {
        let on = call.on.as_ref()?;
        let name = on.strip_prefix(&self.folder).ok()?.to_str()?;
        self.names.get(name).copied()
    }

    fn name(&self, path: &[u8]) -> Option<String> {
        let path = Path::new(std::str::from_utf8(path).unwrap());
        let name = path.strip_prefix(&self.folder).ok()?.to_str()?;
        (!name.is_empty()).then(|| name.to_owned())
    }
}

impl Node {
    fn found(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        for change in &self.unsynced {
            match (dice.below(3), change) {
                (0, _) => {}
                (1, Change::Write { at, bytes: whole }) => {
                    let sectors = dice.below(whole.len() / SECTOR + 1);
                    let torn = whole[..sectors * SECTOR].to_vec();
                    Change::Write { at: *at, bytes: torn }.apply(&mut bytes);
                }
                (_, change) => change.apply(&mut bytes),
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*at..end].copy_from_slice(bytes);
            }
            Self::Cut { len } => file.resize(*len, 0),
        }
    }
}

/// Numbers that look random and are the same for the same seed; of seed 0 always zero.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        if self.0 == 0 {
            return 0;
        }
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(end).unwrap()).unwrap()
    }
}

pub(crate) fn is_socket(call: &Call) -> bool {
    call.on.as_ref().is_some_and(|on| on.to_string_lossy().starts_with("socket:["))
}

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;
