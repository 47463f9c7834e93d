//! Several endpoints and a relay, one thread, a clock of our own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Channel, Name, Rest, TeamId};
use objects::{Hash, Key, Millis, RelayRef};
use zeroize::Zeroizing;

use super::relay::Relay;
use crate::{
    Endpoint, Entropy, Fault, Input, Notice, Opened, Output, Plaintext, Random, Table, Watermark,
};

pub(super) struct World {
    pub(super) relay: Relay,
    pub(super) nodes: Vec<Node>,
    pub(super) now: Millis,
    /// Counts steps of one node, and ends its process at one of them.
    pub(super) crash: Option<Crash>,
    pub(super) steps: usize,
}

/// The process of `node` ends at its `step`, before or after the commit of that step.
#[derive(Clone, Copy)]
pub(super) struct Crash {
    pub(super) node: usize,
    pub(super) step: usize,
    pub(super) committed: bool,
}

pub(super) struct Backup(BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>);

pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    vault: BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>,
    outputs: VecDeque<Output>,
    cursors: BTreeMap<TeamId, usize>,
    proved: BTreeSet<(TeamId, Key)>,
    caught_up: BTreeSet<TeamId>,
    pub(super) online: bool,
    linked: bool,
    /// What the history would show: committed with the step.
    pub(super) shown: BTreeMap<Name, Opened>,
    pub(super) order: Vec<Name>,
    pub(super) watermarks: BTreeMap<(TeamId, Channel), Watermark>,
    pub(super) notices: Vec<Notice>,
    pub(super) added: Vec<(Hash, Result<names::Device, crate::NotAdded>)>,
    /// Every name and hash that ever left: a name never leaves with two hashes.
    left: BTreeMap<Name, Hash>,
    seed: u64,
}

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

impl World {
    /// `people` endpoints; the first makes an organisation, whose relay is running.
    pub(super) fn new(people: &[&str]) -> Self {
        let relay = Relay::new();
        let nodes = people.iter().zip(1..).map(|(name, seed)| Node::new(name, seed)).collect();
        let mut world = Self { relay, nodes, now: Millis(1_000_000), crash: None, steps: 0 };
        let reference = world.reference();
        let org = world.act(0, |endpoint, _| endpoint.create_org("Acme", &reference).unwrap());
        world.relay.root = Some(org.root);
        world
    }

    pub(super) fn reference(&self) -> RelayRef {
        RelayRef { address: "localhost:1".to_owned(), key: self.relay.signer.key() }
    }

    /// A team with everybody in it.
    pub(super) fn team(people: &[&str]) -> (Self, TeamId) {
        let mut world = Self::new(people);
        let team = world.act(0, |endpoint, now| endpoint.create_team(now, "Team").unwrap());
        for node in 1..people.len() {
            world.invite(team, node);
        }
        world.run();
        (world, team)
    }

    /// The plain form of joining: a link goes one way, a hash the other.
    pub(super) fn invite(&mut self, team: TeamId, node: usize) -> Hash {
        let link = self.nodes[0].endpoint.team_link(team).unwrap().unwrap();
        let joining = self.act(node, |endpoint, now| endpoint.join(now, &link).unwrap());
        self.run();
        self.act(0, |endpoint, now| endpoint.add_device(now, team, joining.hash).unwrap());
        self.run();
        joining.hash
    }

    pub(super) fn general(&self, team: TeamId) -> Channel {
        self.nodes[0].endpoint.channels(team).unwrap()[0].id
    }

    pub(super) fn say(&mut self, node: usize, team: TeamId, text: &str) -> Name {
        let channel = self.general(team);
        let after = self.nodes[node].order.last().copied().into_iter().collect::<Vec<_>>();
        self.say_in(node, team, channel, text, after)
    }

    pub(super) fn say_in(
        &mut self,
        node: usize,
        team: TeamId,
        channel: Channel,
        text: &str,
        after: Vec<Name>,
    ) -> Name {
        let opened = self.act(node, |endpoint, now| {
            endpoint.send(now, team, channel, Plaintext::from(text), None, after.clone()).unwrap()
        });
        let name = opened.name;
        // As the shell does: the own row is in the transaction of the step.
        self.nodes[node].show(opened);
        name
    }

    /// A request of a person, its commit and its outputs; again, if the process ends in it before
    /// the commit.
    pub(super) fn act<T>(
        &mut self,
        node: usize,
        mut act: impl FnMut(&mut Endpoint, Millis) -> T,
    ) -> T {
        loop {
            let now = self.now;
            let result = act(&mut self.nodes[node].endpoint, now);
            if self.commit(node) {
                return result;
            }
        }
    }

    pub(super) fn give(&mut self, node: usize, input: Input) {
        self.give_once(node, input);
    }

    /// False, if the process ended before the commit.
    fn give_once(&mut self, node: usize, input: Input) -> bool {
        let now = self.now;
        self.nodes[node].endpoint.handle(now, input).unwrap();
        self.commit(node)
    }

    /// Commits a step; false, if the process ended before.
    fn commit(&mut self, node: usize) -> bool {
        let mut ends = None;
        if let Some(crash) = self.crash.filter(|crash| crash.node == node) {
            if crash.step == self.steps {
                ends = Some(crash.committed);
            }
            self.steps += 1;
        }
        let node = &mut self.nodes[node];
        if ends == Some(false) {
            node.restart();
            return false;
        }
        node.commit();
        if ends == Some(true) {
            node.restart();
        }
        true
    }

    /// Until nothing happens any more, and no time is waited for.
    pub(super) fn run(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    fn step(&mut self) -> bool {
        let mut moved = false;
        for node in 0..self.nodes.len() {
            moved |= self.link(node);
            while let Some(output) = self.nodes[node].outputs.pop_front() {
                moved = true;
                self.output(node, output);
            }
            moved |= self.deliver(node);
        }
        if !moved {
            let wakes = self.nodes.iter().filter_map(|node| node.endpoint.wake_at());
            if let Some(wake) = wakes.min() {
                assert!(wake > self.now, "woken for nothing");
                self.now = wake;
                for node in 0..self.nodes.len() {
                    self.give(node, Input::Tick);
                }
                return true;
            }
        }
        moved
    }

    fn link(&mut self, node: usize) -> bool {
        let online = self.nodes[node].online && self.nodes[node].endpoint.relay().is_some();
        if online == self.nodes[node].linked {
            return false;
        }
        self.nodes[node].linked = online;
        self.nodes[node].caught_up.clear();
        self.nodes[node].proved.clear();
        if online {
            let relay = self.relay.signer.key();
            let now = self.now.plus(5_000);
            self.give(node, Input::Linked { relay, exporter: [3; 32], now });
        } else {
            self.give(node, Input::Unlinked);
        }
        true
    }

    fn output(&mut self, node: usize, output: Output) {
        let linked = self.nodes[node].linked;
        match output {
            Output::UseRelay(relay) => assert_eq!(relay, self.reference()),
            Output::Subscribe { team } => {
                self.nodes[node].cursors.entry(team).or_insert(0);
            }
            Output::Prove { exporter, proof } if linked => {
                assert!(proof.holds(&self.relay.signer.key(), &exporter, self.now.plus(5_000)));
                self.nodes[node].proved.insert((proof.team, proof.log_key));
            }
            Output::Publish { id, object } if linked => {
                self.nodes[node].leave(&object);
                let answer = self.relay.publish(&object);
                self.give(node, Input::Answered { id, answer });
            }
            Output::Claim { id, object } if linked => {
                self.nodes[node].leave(&object);
                let answer = self.relay.claim(&object);
                self.give(node, Input::Answered { id, answer });
            }
            Output::Get { id, name } if linked => {
                let found = self.relay.get(name).cloned();
                let (object, receipt) = found.unzip();
                self.give(node, Input::Found { id, object, receipt });
            }
            Output::Prove { .. }
            | Output::Publish { .. }
            | Output::Claim { .. }
            | Output::Get { .. } => {}
            Output::Message(_)
            | Output::Missing { .. }
            | Output::Failed { .. }
            | Output::Watermark(_)
            | Output::TeamsChanged
            | Output::Joined { .. }
            | Output::Added { .. }
            | Output::Notice(_) => {}
        }
    }

    fn deliver(&mut self, node: usize) -> bool {
        let mut moved = false;
        for team in self.nodes[node].cursors.keys().copied().collect::<Vec<_>>() {
            let readable = self.nodes[node].linked
                && self.nodes[node]
                    .proved
                    .iter()
                    .any(|(of, key)| *of == team && self.relay.certified_key(team, key));
            if !readable {
                continue;
            }
            while let Some(name) = self.relay.order.get(self.nodes[node].cursors[&team]).copied() {
                let mut committed = true;
                let here = self.relay.get(name).cloned().filter(|_| name.team() == team);
                if let Some((object, receipt)) = here {
                    let receipt = matches!(name.place().rest, Rest::Slot(_)).then_some(receipt);
                    committed = self.give_once(node, Input::Arrived { object, receipt });
                    moved = true;
                }
                // As the shell does: the cursor is in the transaction of the step.
                *self.nodes[node].cursors.get_mut(&team).unwrap() += usize::from(committed);
                if !self.nodes[node].linked {
                    return true;
                }
            }
            if self.nodes[node].caught_up.insert(team) {
                self.give(node, Input::CaughtUp { team });
                moved = true;
            }
        }
        moved
    }

    /// What a node shows in a channel: author and text.
    pub(super) fn shows(&self, node: usize) -> Vec<(String, String)> {
        let node = &self.nodes[node];
        let row = |name: &Name| {
            let opened = &node.shown[name];
            assert_eq!(opened.unreadable, None);
            (opened.user.clone(), opened.body.reveal().to_owned())
        };
        node.order.iter().map(row).collect()
    }
}

impl Node {
    fn new(name: &str, seed: u64) -> Self {
        let endpoint = Endpoint::create(name, "laptop", Entropy::system(random(seed))).unwrap();
        let mut node = Self {
            endpoint,
            vault: BTreeMap::new(),
            outputs: VecDeque::new(),
            cursors: BTreeMap::new(),
            proved: BTreeSet::new(),
            caught_up: BTreeSet::new(),
            online: true,
            linked: false,
            shown: BTreeMap::new(),
            order: Vec::new(),
            watermarks: BTreeMap::new(),
            notices: Vec::new(),
            added: Vec::new(),
            left: BTreeMap::new(),
            seed,
        };
        node.commit();
        node
    }

    fn commit(&mut self) {
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
                Output::Notice(notice) => self.notices.push(*notice),
                Output::Added { hash, result, .. } => self.added.push((*hash, *result)),
                Output::UseRelay(_)
                | Output::Subscribe { .. }
                | Output::Prove { .. }
                | Output::Publish { .. }
                | Output::Claim { .. }
                | Output::Get { .. }
                | Output::Failed { .. }
                | Output::TeamsChanged
                | Output::Joined { .. } => {}
            }
            self.outputs.push_back(output);
        }
    }

    pub(super) fn show(&mut self, opened: Opened) {
        assert!(!self.shown.contains_key(&opened.name), "shown twice: {}", opened.name);
        self.order.push(opened.name);
        self.shown.insert(opened.name, opened);
    }

    /// Ends the process, and starts it from what is committed.
    pub(super) fn restart(&mut self) {
        self.seed += 1000;
        self.endpoint = self.reload().unwrap();
        self.outputs.clear();
        self.linked = false;
        self.commit();
    }

    /// An endpoint from the committed rows.
    pub(super) fn reload(&self) -> Result<Endpoint, crate::LoadError> {
        let rows = self.vault.iter().map(|((table, key), value)| {
            let table = Table::from_code(table.code()).unwrap();
            (table, key.clone(), value.clone())
        });
        Endpoint::load(rows, Entropy::system(random(self.seed)))
    }

    /// A copy of the vault, as a backup has it.
    pub(super) fn backup(&self) -> Backup {
        Backup(self.vault.clone())
    }

    /// Puts a backup back; what net-proc had cached is gone with it.
    pub(super) fn restore(&mut self, backup: Backup) {
        self.vault = backup.0;
        self.restart();
        self.lose_cache();
    }

    pub(super) fn go(&mut self, online: bool) {
        self.online = online;
    }

    fn leave(&mut self, object: &objects::Object) {
        let before = self.left.insert(object.name(), object.entry_hash());
        let same = before.is_none_or(|before| before == object.entry_hash());
        // A claim that lost may be followed by another for the same slot only at a bad relay.
        assert!(same, "{} left with two hashes", object.name());
    }

    /// Loses what net-proc had cached: everything is delivered again.
    pub(super) fn lose_cache(&mut self) {
        for cursor in self.cursors.values_mut() {
            *cursor = 0;
        }
        self.caught_up.clear();
    }

    pub(super) fn damage(&mut self, table: Table) -> Result<(), Fault> {
        for ((of, _), value) in &mut self.vault {
            if *of == table {
                **value = vec![0xff];
            }
        }
        Ok(())
    }
}
