//! Bob, and the admin: the real endpoint of `mls-core` without a process around it. Nobody kills
//! them, and they can be copied at any moment.

use std::collections::BTreeMap;

use mls_core::{Answer, Endpoint, Entropy, Input, Opened, Output, Table};
use names::{Channel, Prefix, TeamId};
use objects::Millis;
use objects::wire::{FromRelay, SlotAnswer, ToRelay};
use zeroize::Zeroizing;

use crate::outside::{Line, Outside, subscribe};

/// Everything that a person's vault would hold.
pub(crate) type Rows = BTreeMap<(Table, Vec<u8>), Zeroizing<Vec<u8>>>;

pub(crate) struct Person {
    pub(crate) endpoint: Endpoint,
    rows: Rows,
    line: Option<Line>,
    asked: BTreeMap<u32, u64>,
    wanted: BTreeMap<u32, TeamId>,
    seq: u32,
    /// Every message that was opened, as often as it was.
    pub(crate) read: Vec<Opened>,
    /// Everything that the endpoint found wrong.
    pub(crate) notices: Vec<String>,
    /// How additions went.
    pub(crate) added: Vec<bool>,
}

impl Person {
    pub(crate) fn create(name: &str) -> Self {
        Self::around(
            Endpoint::create(name, "test", Entropy::system(random())).unwrap(),
            Rows::new(),
        )
    }

    pub(crate) fn load(rows: &Rows) -> Self {
        let all = rows.iter().map(|((table, key), value)| (*table, key.clone(), value.clone()));
        Self::around(Endpoint::load(all, Entropy::system(random())).unwrap(), rows.clone())
    }

    fn around(endpoint: Endpoint, rows: Rows) -> Self {
        Self {
            endpoint,
            rows,
            line: None,
            asked: BTreeMap::new(),
            wanted: BTreeMap::new(),
            seq: 0,
            read: Vec::new(),
            notices: Vec::new(),
            added: Vec::new(),
        }
    }

    /// What is in its vault now.
    pub(crate) fn rows(&self) -> Rows {
        self.rows.clone()
    }

    pub(crate) fn say(&mut self, outside: &mut Outside, team: TeamId, text: &str) {
        let channel = general(&self.endpoint, team);
        self.endpoint.send(outside.now, team, channel, text.into(), None, Vec::new()).unwrap();
        self.settle(outside);
    }

    /// Goes on until neither the endpoint nor the relay has anything more to say to the other.
    pub(crate) fn settle(&mut self, outside: &mut Outside) {
        loop {
            for change in self.endpoint.changes() {
                let key = (change.table, change.key);
                match change.value {
                    Some(value) => drop(self.rows.insert(key, value)),
                    None => drop(self.rows.remove(&key)),
                }
            }
            if let Some(output) = self.endpoint.poll() {
                self.act(outside, output);
                continue;
            }
            let Some(frame) = self.line.and_then(|line| outside.hear(line)) else {
                return;
            };
            if let Some(input) = self.input(outside.now, frame) {
                self.endpoint.handle(outside.now, input).unwrap();
            }
        }
    }

    fn act(&mut self, outside: &mut Outside, output: Output) {
        self.seq += 1;
        let seq = self.seq;
        let frame = match output {
            Output::Subscribe { team } => {
                self.wanted.insert(seq, team);
                subscribe(seq, Prefix::team(team), 0, 0)
            }
            Output::Prove { proof, .. } => ToRelay::Prove(proof),
            Output::Publish { id, object } => {
                self.asked.insert(seq, id);
                ToRelay::Publish { seq, object }
            }
            Output::Claim { id, object } => {
                self.asked.insert(seq, id);
                ToRelay::Claim { seq, object }
            }
            Output::Get { id, name } => {
                self.asked.insert(seq, id);
                ToRelay::Get { seq, name }
            }
            Output::Message(opened) => return self.read.push(opened),
            Output::Added { result, .. } => return self.added.push(result.is_ok()),
            Output::Notice(notice) => return self.notices.push(notice.to_string()),
            Output::Failed { name, why } => {
                return self.notices.push(format!("{name} failed: {why:?}"));
            }
            Output::Recall { name, .. } => {
                let opened = self.read.iter().find(|opened| opened.name == name).cloned();
                return self.endpoint.recalled(outside.now, name, opened).unwrap();
            }
            Output::Renamed { from, to } => {
                return self.notices.push(format!("{from} is {to} now"));
            }
            Output::Missing { name, missing_before } => {
                return self.notices.push(format!("{missing_before} missing before {name}"));
            }
            Output::UseRelay(_) => {
                self.line = Some(outside.link());
                return;
            }
            Output::Watermark(_)
            | Output::TeamsChanged
            // The relay refuses the rest by itself.
            | Output::Unsubscribe { .. }
            | Output::Joined { .. }
            // Nobody is added without being asked here.
            | Output::SubscribePath { .. }
            | Output::Wished { .. } => return,
        };
        if let Some(line) = self.line {
            outside.say(line, &frame);
        }
    }

    fn input(&mut self, now: Millis, frame: FromRelay) -> Option<Input> {
        let asked = |seq| self.asked.get(&seq).copied();
        Some(match frame {
            FromRelay::Welcome { .. } => {
                let exporter = self.line?.exporter;
                Input::Linked { relay: crate::outside::key(), exporter, now }
            }
            FromRelay::Stored { seq, receipt } => {
                Input::Answered { id: asked(seq)?, answer: Answer::Receipt(receipt) }
            }
            FromRelay::Refused { seq, why } => {
                Input::Answered { id: asked(seq)?, answer: Answer::Refused(why) }
            }
            FromRelay::Slot { seq, answer } => {
                Input::Answered { id: asked(seq)?, answer: slot_answer(answer) }
            }
            FromRelay::Found { seq, object, receipt } => {
                Input::Found { id: asked(seq)?, object, receipt }
            }
            FromRelay::Settled { receipt } => Input::Settled { receipt },
            FromRelay::Upstream { reachable } => Input::Upstream { reachable },
            FromRelay::Related => return None,
            FromRelay::Revoked(revocation) => Input::Revoked { revocation },
            FromRelay::Deliver { object, receipt, .. } => Input::Arrived { object, receipt },
            FromRelay::CaughtUp { id, .. } => Input::CaughtUp { team: *self.wanted.get(&id)? },
            FromRelay::Subscribed { .. } | FromRelay::Proved(_) => return None,
        })
    }
}

/// The first channel of a team.
pub(crate) fn general(endpoint: &Endpoint, team: TeamId) -> Channel {
    endpoint.channels(team).unwrap().first().expect("a channel").id
}

fn slot_answer(answer: SlotAnswer) -> Answer {
    match answer {
        SlotAnswer::Won(receipt) => Answer::Receipt(receipt),
        SlotAnswer::Taken { winner, receipt } => Answer::Taken { winner, receipt },
        SlotAnswer::Gap { head } => Answer::Gap { head },
        SlotAnswer::Incomplete => Answer::Incomplete,
        SlotAnswer::Pending => Answer::Pending,
    }
}

fn random() -> mls_core::Random {
    Box::new(|space| {
        let mut done = 0;
        while done < space.len() {
            let flags = rustix::rand::GetRandomFlags::empty();
            done += rustix::rand::getrandom(&mut space[done..], flags).unwrap();
        }
    })
}
