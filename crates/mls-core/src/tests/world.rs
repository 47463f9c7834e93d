//! Several endpoints and a relay, one thread, a clock of our own.

mod home;
mod node;

use names::{Channel, Name, Rest, TeamId};
use objects::{Hash, Key, Millis, RelayRef};

use super::relay::Relay;
use crate::{Answer, Endpoint, Input, Output, Plaintext};

pub(super) use home::Home;
pub(super) use node::Node;

pub(super) struct World {
    pub(super) relay: Relay,
    pub(super) nodes: Vec<Node>,
    pub(super) now: Millis,
    /// Counts steps of one node, and ends its process at one of them.
    pub(super) crash: Option<Crash>,
    pub(super) steps: usize,
}

/// The process of `node` ends at its `step`, before or after the commit of that step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crash {
    pub(super) node: usize,
    pub(super) step: usize,
    pub(super) committed: bool,
}

/// What is due later than this is not waited for, in ms.
const REST: u64 = 8_000;

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
        let mut link = self.nodes[0].endpoint.team_link(team).unwrap().unwrap();
        if let Some(home) = &self.nodes[node].home {
            link.relay.key = home.signer.key();
        }
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

    /// A claim of `first` wins its slot before `second`, who wishes the same, hears of it.
    pub(super) fn claim_unheard(&mut self, first: usize, second: usize, team: TeamId) {
        let won = self.relay.won;
        self.act(first, |endpoint, now| endpoint.refresh(now, team).unwrap());
        while self.relay.won == won {
            let output = self.nodes[first].outputs.pop_front().unwrap();
            self.output(first, output);
        }
        self.act(second, |endpoint, now| endpoint.refresh(now, team).unwrap());
    }

    /// Until nothing happens any more, and nobody waits for a time in the next seconds.
    pub(super) fn run(&mut self) {
        for _ in 0..100_000 {
            if !self.step(self.now.plus(REST)) {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Everything that happens within so many milliseconds.
    pub(super) fn run_for(&mut self, millis: u64) {
        let until = self.now.plus(millis);
        while self.step(until) {}
        self.now = until;
        for node in 0..self.nodes.len() {
            self.give(node, Input::Tick);
        }
        while self.step(until) {}
    }

    fn step(&mut self, until: Millis) -> bool {
        let mut moved = false;
        for node in 0..self.nodes.len() {
            moved |= self.link(node);
            while let Some(output) = self.nodes[node].outputs.pop_front() {
                moved = true;
                self.output(node, output);
            }
            moved |= self.deliver(node);
            moved |= self.deliver_paths(node);
        }
        if !moved {
            let wakes = self.nodes.iter().filter_map(|node| node.endpoint.wake_at());
            if let Some(wake) = wakes.min().filter(|wake| *wake <= until) {
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
            let relay = self.key_of(node);
            let now = self.now.plus(5_000);
            self.give(node, Input::Linked { relay, exporter: [3; 32], now });
            let reachable = self.nodes[node].home.as_ref().is_none_or(|home| !home.cut);
            self.give(node, Input::Upstream { reachable });
        } else {
            self.give(node, Input::Unlinked);
        }
        true
    }

    pub(super) fn output(&mut self, node: usize, output: Output) {
        let linked = self.nodes[node].linked;
        match output {
            Output::UseRelay(relay) => {
                assert_eq!(relay.key, self.key_of(node));
                // Whatever there was is a link to another relay.
                let used = self.nodes[node].used.replace(relay.clone());
                self.nodes[node].linked &= used.is_none_or(|used| used == relay);
            }
            Output::Subscribe { team } => {
                self.nodes[node].cursors.entry(team).or_insert(0);
            }
            Output::Unsubscribe { team } => {
                self.nodes[node].cursors.remove(&team);
            }
            Output::SubscribePath { team, path } => {
                self.nodes[node].paths.insert((team, path), 0);
            }
            Output::Prove { exporter, proof } if linked => {
                assert!(proof.holds(&self.key_of(node), &exporter, self.now.plus(5_000)));
                self.nodes[node].proved.insert((proof.team, proof.log_key));
            }
            Output::Publish { id, object } if linked => {
                self.nodes[node].leave(&object);
                if self.nodes[node].home.is_some() {
                    return self.publish_at_home(node, id, &object);
                }
                let answer = self.relay.publish(&object);
                self.give(node, Input::Answered { id, answer });
            }
            Output::Claim { id, object } if linked => {
                self.nodes[node].leave(&object);
                let cut = self.nodes[node].home.as_ref().is_some_and(|home| home.cut);
                let answer = if cut { Answer::Pending } else { self.relay.claim(&object) };
                self.give(node, Input::Answered { id, answer });
            }
            Output::Get { id, name } if linked => {
                let found = self.relay.get(name).filter(|_| !self.relay.hides).cloned();
                let (object, receipt) = found.unzip();
                let home = self.nodes[node].home.as_ref();
                let object = object.or_else(|| home?.get(name));
                self.give(node, Input::Found { id, object, receipt });
            }
            Output::Recall { name, .. } => {
                let opened = self.nodes[node].shown.get(&name).cloned();
                self.act(node, |endpoint, now| {
                    endpoint.recalled(now, name, opened.clone()).unwrap();
                });
            }
            Output::Prove { .. }
            | Output::Publish { .. }
            | Output::Claim { .. }
            | Output::Get { .. } => {}
            Output::Message(_)
            | Output::Missing { .. }
            | Output::Failed { .. }
            | Output::Renamed { .. }
            | Output::Watermark(_)
            | Output::TeamsChanged
            | Output::Joined { .. }
            | Output::Added { .. }
            | Output::Wished { .. }
            | Output::Notice(_) => {}
        }
    }

    /// The relay hands an entry out to those who have not got it as if it had just come.
    pub(super) fn comes_last(&mut self, name: Name) {
        let order = &mut self.relay.order;
        let at = order.iter().position(|other| *other == name).unwrap();
        order.remove(at);
        order.push(name);
        for cursor in self.nodes.iter_mut().flat_map(|node| node.cursors.values_mut()) {
            *cursor -= usize::from(*cursor > at);
        }
    }

    fn key_of(&self, node: usize) -> Key {
        let home = self.nodes[node].home.as_ref();
        home.map_or(self.relay.signer.key(), |home| home.signer.key())
    }

    fn deliver(&mut self, node: usize) -> bool {
        let mut moved = false;
        for team in self.nodes[node].cursors.keys().copied().collect::<Vec<_>>() {
            // Behind a cut nothing new comes from the origin.
            let cut = self.nodes[node].home.as_ref().is_some_and(|home| home.cut);
            let readable = !cut
                && self.nodes[node].linked
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

    /// What is about a whole organisation: for everybody who has proved to be somebody there.
    fn deliver_paths(&mut self, node: usize) -> bool {
        let mut moved = false;
        for ((team, path), from) in self.nodes[node].paths.clone() {
            let proved = self.nodes[node].proved.iter().any(|(of, _)| *of == team);
            if !self.nodes[node].linked || !proved || from >= self.relay.order.len() {
                continue;
            }
            for index in from..self.relay.order.len() {
                let name = self.relay.order[index];
                let rest = name.place().rest;
                let of = match path {
                    2 => matches!(rest, Rest::KeyPackage { .. }),
                    4 => matches!(rest, Rest::Slot(_)),
                    _ => matches!(rest, Rest::Welcome { .. }),
                };
                if name.team() == team && of {
                    // A relay may have gone back.
                    let Some((object, receipt)) = self.relay.get(name).cloned() else {
                        continue;
                    };
                    let receipt = (path == 4).then_some(receipt);
                    self.give(node, Input::Arrived { object, receipt });
                    moved = true;
                }
            }
            self.nodes[node].paths.insert((team, path), self.relay.order.len());
        }
        moved
    }

    /// Does a node show this text?
    pub(super) fn shows_text(&self, node: usize, text: &str) -> bool {
        self.nodes[node].shown.values().any(|opened| opened.body.reveal() == text)
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
