//! A growing team of endpoints, end to end in memory: rows are collected as for a transaction, and
//! dropped. Only the admin and one more member stay; the others join, renew their leaf and go.

use std::collections::VecDeque;

use mls_core::{Endpoint, Entropy, Input, Output, Plaintext, Random};
use names::{Channel, Rest, TeamId};
use objects::{Millis, RelayRef};

use crate::relay::Relay;
use crate::spent::{Spent, timed};

pub(crate) struct Ours {
    relay: Relay,
    nodes: Vec<Node>,
    now: Millis,
    team: TeamId,
    members: usize,
}

struct Node {
    endpoint: Endpoint,
    outputs: VecDeque<Output>,
    subscribed: bool,
    caught_up: bool,
    cursor: usize,
    /// Pieces and messages before this were never for this one.
    from: usize,
    /// Own requests, claims and entries: what has its like in OpenMLS.
    groups: Spent,
    /// Pieces, receipts, the link.
    sync: Spent,
    shown: usize,
}

/// What steps took: those with their like in OpenMLS, and the others.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Steps {
    pub(crate) groups: Spent,
    pub(crate) all: Spent,
}

pub(crate) const ADMIN: usize = 0;
pub(crate) const MEMBER: usize = 1;

impl Ours {
    /// A team of its admin and one member.
    pub(crate) fn new() -> Self {
        let relay = Relay::new();
        let mut admin = Node::new(0, 0);
        let reference = RelayRef { address: "localhost:1".to_owned(), key: relay.key() };
        admin.endpoint.create_org("Org", &reference).unwrap();
        let now = Millis(1_000_000);
        let team = admin.endpoint.create_team(now, "Team").unwrap();
        admin.collect();
        let mut ours = Self { relay, nodes: vec![admin], now, team, members: 1 };
        ours.link(ADMIN);
        ours.rest();
        ours.add(1);
        ours
    }

    /// Adds people in batches until the team has so many devices; the newest go again.
    pub(crate) fn grow(&mut self, members: usize) {
        while self.members < members {
            self.add((members - self.members).min(8));
            self.nodes.truncate(2);
        }
    }

    fn add(&mut self, count: usize) {
        let link = self.nodes[ADMIN].endpoint.team_link(self.team).unwrap().unwrap();
        let first = self.nodes.len();
        let mut hashes = Vec::new();
        for number in 0..count {
            let mut node = Node::new(self.members + number, self.relay.len());
            hashes.push(node.endpoint.join(self.now, &link).unwrap().hash);
            node.collect();
            self.nodes.push(node);
            self.link(first + number);
        }
        self.rest();
        for hash in hashes {
            let (now, team) = (self.now, self.team);
            self.nodes[ADMIN].step(true, |admin| admin.add_device(now, team, hash).unwrap());
        }
        self.members += count;
        for _ in 0..2_000 {
            self.rest();
            if (first..self.nodes.len()).all(|node| self.has_renewed(node)) {
                return;
            }
            self.wait();
        }
        panic!("the newcomers do not come in");
    }

    /// A newcomer is in, and its first own commit has won.
    fn has_renewed(&self, node: usize) -> bool {
        let devices = self.nodes[node].endpoint.devices(self.team).unwrap();
        let own = devices.iter().find(|device| device.own);
        own.is_some_and(|device| self.relay.won.contains(&device.number))
    }

    /// Both that stay are in the same epoch.
    pub(crate) fn is_sound(&self) -> bool {
        let epochs = [ADMIN, MEMBER].map(|node| self.epoch(node));
        let devices = self.nodes[ADMIN].endpoint.devices(self.team).unwrap().len();
        epochs[0] == epochs[1] && devices == self.members
    }

    fn epoch(&self, node: usize) -> u64 {
        self.nodes[node].endpoint.team_status(self.team).unwrap().unwrap().epoch
    }

    /// The member commits, the admin follows: what each of them spent.
    pub(crate) fn commit(&mut self) -> (Steps, Steps) {
        let before = self.epoch(ADMIN);
        self.make_commit();
        let made = self.nodes[MEMBER].take();
        self.nodes[ADMIN].take();
        self.deliver(ADMIN);
        assert_eq!(self.epoch(ADMIN), before + 1);
        (made, self.nodes[ADMIN].take())
    }

    fn make_commit(&mut self) {
        self.nodes[MEMBER].take();
        let (now, team, before) = (self.now, self.team, self.epoch(MEMBER));
        self.nodes[MEMBER].step(true, |member| member.refresh(now, team).unwrap());
        while self.act(MEMBER) || self.deliver(MEMBER) {}
        assert_eq!(self.epoch(MEMBER), before + 1);
    }

    /// The member commits `count` times while the admin sleeps, which then replays all of it.
    pub(crate) fn replay(&mut self, count: u64) -> Steps {
        let before = self.epoch(ADMIN);
        for _ in 0..count {
            self.make_commit();
        }
        self.nodes[ADMIN].take();
        self.deliver(ADMIN);
        assert_eq!(self.epoch(ADMIN), before + count);
        self.nodes[ADMIN].take()
    }

    /// The member writes, the admin reads: what each of them spent, and in how many messages.
    pub(crate) fn text(&mut self, text: &str) -> (Steps, Steps, usize) {
        let (now, team) = (self.now, self.team);
        let channel = self.channel();
        self.nodes[MEMBER].take();
        let body = Plaintext::from(text);
        self.nodes[MEMBER].step(true, |member| {
            member.send(now, team, channel, body, None, Vec::new()).unwrap();
        });
        let sent = self.nodes[MEMBER].take();
        let stored = self.relay.len();
        while self.act(MEMBER) || self.deliver(MEMBER) {}
        let messages = self.relay.len() - stored;
        let before = self.nodes[ADMIN].shown;
        self.nodes[ADMIN].take();
        self.deliver(ADMIN);
        assert_eq!(self.nodes[ADMIN].shown, before + 1);
        let read = self.nodes[ADMIN].take();
        self.rest();
        (sent, read, messages)
    }

    fn channel(&self) -> Channel {
        self.nodes[MEMBER].endpoint.channels(self.team).unwrap()[0].id
    }

    fn link(&mut self, node: usize) {
        let (now, relay) = (self.now, self.relay.key());
        let input = Input::Linked { relay, exporter: [3; 32], now };
        self.nodes[node].give(now, input, false);
    }

    /// Until nothing moves, without any time passing.
    fn rest(&mut self) {
        loop {
            let mut moved = false;
            for node in 0..self.nodes.len() {
                moved |= self.act(node) || self.deliver(node);
            }
            if !moved {
                return;
            }
        }
    }

    /// Time passes until the first who waits for it.
    fn wait(&mut self) {
        let wake = self.nodes.iter().filter_map(|node| node.endpoint.wake_at()).min();
        self.now = wake.unwrap_or(self.now).max(self.now.plus(1));
        for node in &mut self.nodes {
            node.give(self.now, Input::Tick, false);
        }
    }

    /// Answers what a node asked.
    fn act(&mut self, node: usize) -> bool {
        let mut moved = false;
        let now = self.now;
        while let Some(output) = self.nodes[node].outputs.pop_front() {
            moved = true;
            match output {
                Output::Publish { id, object } => {
                    let answer = self.relay.publish(now, &object);
                    self.nodes[node].give(now, Input::Answered { id, answer }, false);
                }
                Output::Claim { id, object } => {
                    let answer = self.relay.claim(now, &object);
                    self.nodes[node].give(now, Input::Answered { id, answer }, true);
                }
                Output::Get { id, name } => {
                    let (object, receipt) = self.relay.get(name);
                    let input = Input::Found { id, object, receipt };
                    self.nodes[node].give(now, input, false);
                }
                Output::Subscribe { .. } => self.nodes[node].subscribed = true,
                Output::Message(_) => self.nodes[node].shown += 1,
                _ => {}
            }
        }
        moved
    }

    /// Gives a node everything that it has not seen.
    fn deliver(&mut self, node: usize) -> bool {
        let mut moved = false;
        while self.nodes[node].subscribed && self.nodes[node].cursor < self.relay.len() {
            let position = self.nodes[node].cursor;
            self.nodes[node].cursor += 1;
            let rest = self.relay.rest_at(position);
            let bulk = matches!(rest, Rest::Blob { .. } | Rest::Message { .. });
            if bulk && position < self.nodes[node].from {
                continue;
            }
            let groups = matches!(rest, Rest::Slot(_) | Rest::Message { .. });
            let (object, receipt) = self.relay.at(position);
            self.nodes[node].give(self.now, Input::Arrived { object, receipt }, groups);
            moved = true;
        }
        if self.nodes[node].subscribed && !self.nodes[node].caught_up {
            self.nodes[node].caught_up = true;
            self.nodes[node].give(self.now, Input::CaughtUp { team: self.team }, false);
            moved = true;
        }
        // What was shown counts at once.
        let shown = |output: &Output| matches!(output, Output::Message(_));
        let outputs = &mut self.nodes[node].outputs;
        let before = outputs.len();
        outputs.retain(|output| !shown(output));
        self.nodes[node].shown += before - self.nodes[node].outputs.len();
        moved
    }
}

impl Node {
    fn new(number: usize, from: usize) -> Self {
        let seed = u64::try_from(number).unwrap();
        let entropy = Entropy::system(random(seed));
        let endpoint = Endpoint::create(&format!("Person {number:04}"), "laptop", entropy).unwrap();
        let (outputs, spent) = (VecDeque::new(), Spent::default());
        let (groups, sync) = (spent, spent);
        let (subscribed, caught_up) = (false, false);
        Self { endpoint, outputs, subscribed, caught_up, cursor: 0, from, groups, sync, shown: 0 }
    }

    fn give(&mut self, now: Millis, input: Input, groups: bool) {
        self.step(groups, |endpoint| endpoint.handle(now, input).unwrap());
    }

    /// One step of the shell: the call, the rows for the transaction, what comes out.
    fn step(&mut self, groups: bool, call: impl FnOnce(&mut Endpoint)) {
        let ((), spent) = timed(|| {
            call(&mut self.endpoint);
            drop(self.endpoint.changes());
            while let Some(output) = self.endpoint.poll() {
                self.outputs.push_back(output);
            }
        });
        if groups {
            self.groups += spent;
        } else {
            self.sync += spent;
        }
    }

    fn collect(&mut self) {
        self.step(false, |_| {});
    }

    fn take(&mut self) -> Steps {
        let (groups, mut all) = (std::mem::take(&mut self.groups), std::mem::take(&mut self.sync));
        all += groups;
        Steps { groups, all }
    }
}

/// SplitMix64: the same people in every run.
fn random(mut seed: u64) -> Random {
    Box::new(move |bytes| {
        for byte in bytes {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            [*byte, ..] = (z ^ (z >> 31)).to_be_bytes();
        }
    })
}
