//! A recorded run, and the state of everything at any moment of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipc_schema_net::ToNet;
use ipc_schema_ui::{Answer, FromSecure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::{Disk, Luck, is_socket};
use crate::net::leaves;
use crate::script::{ALICE, End, Ledger, judge, number, talk};
use crate::trace::{self, Call, Point};
use crate::world::{Moment, Start, World, scratch};

/// A run that went to its end.
pub(crate) struct Record {
    calls: Vec<Call>,
    moments: Vec<Moment>,
    disk: Disk,
}

/// A loss of power before a call of the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    before: usize,
    seed: Option<u64>,
}

impl Record {
    pub(crate) fn make(start: &Start) -> Self {
        let vault = start.copy();
        let log = vault.path().with_extension("strace");
        let disk = Disk::of(start.vault(), vault.path());
        let mut world = World::at(start, &start.moment);
        world.past = Some(vec![start.moment.clone()]);
        let recorder = trace::recorder(&log);
        let (ledger, end) = talk(start, &mut world, vault.path(), &recorder, false).unwrap();
        assert!(matches!(end, End::Whole));
        let moments = world.past.take().unwrap();
        judge(start, &mut world, vault.path(), ledger).unwrap();
        let calls = trace::read(&log);
        std::fs::remove_file(log).unwrap();
        Self { calls, moments, disk }
    }

    pub(crate) fn points(&self) -> Vec<Point> {
        trace::points(&self.calls)
    }

    /// After every sync and every send what was not synced is gone; before every sync also some
    /// of it, by chance.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        let mut losses = Vec::new();
        for (at, call) in self.calls.iter().enumerate() {
            let syncs = matches!(call.name.as_str(), "fsync" | "fdatasync");
            if syncs {
                let seed = u64::try_from(at).unwrap();
                let seeds = (0..CHANCES).map(|chance| Some(seed * CHANCES + chance));
                losses.extend(seeds.map(|seed| Loss { before: at, seed }));
            }
            if syncs || is_socket(call) {
                losses.push(Loss { before: at + 1, seed: None });
            }
        }
        losses
    }

    /// What must be true when power comes back.
    pub(crate) fn judge(&self, start: &Start, loss: Loss) -> Result<(), String> {
        let done = &self.calls[..loss.before];
        let mut disk = self.disk.clone();
        done.iter().for_each(|call| disk.apply(call));
        let (ledger, frames) = said(done);
        let moment = self.moments.iter().rev().find(|moment| moment.frames <= frames);
        let mut world = World::at(start, moment.expect("the moment before the first frame"));
        let found = scratch();
        disk.after_power_loss(&loss.seed.map_or(Luck::Nothing, Luck::Some), found.path());
        judge(start, &mut world, found.path(), ledger)
    }
}

/// What had left by then, and how many frames to the network.
fn said(done: &[Call]) -> (Ledger, usize) {
    let mut streams: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for call in done.iter().filter(|call| is_socket(call) && call.result > 0) {
        let bytes = call.strings.concat();
        let sent = usize::try_from(call.result).unwrap();
        let socket = call.on.clone().unwrap();
        streams.entry(socket).or_default().extend_from_slice(&bytes[..sent]);
    }
    let (mut ledger, mut count) = (Ledger::default(), 0);
    for stream in streams.into_values() {
        if let Some(orders) = to_net(&stream) {
            count = orders.len();
            ledger.left.extend(orders.iter().filter_map(leaves));
        } else if let Some(told) = to_guest(&stream) {
            acknowledged(&told, &mut ledger);
        }
    }
    (ledger, count)
}

/// The frames of the stream to `net-proc`, if this is it.
fn to_net(stream: &[u8]) -> Option<Vec<ToNet>> {
    let schema = ipc_schema_net::schema();
    let orders: Vec<ToNet> = frames(stream)?;
    let hello = matches!(orders.first()?, ToNet::Hello { schema: said, .. } if *said == schema);
    hello.then_some(orders)
}

/// The frames of the stream to the command line, if this is it.
fn to_guest(stream: &[u8]) -> Option<Vec<FromSecure>> {
    let schema = ipc_schema_ui::schema();
    let told: Vec<FromSecure> = frames(stream)?;
    let hello = matches!(told.first()?, FromSecure::Hello { schema: said, .. } if *said == schema);
    hello.then_some(told)
}

fn acknowledged(told: &[FromSecure], ledger: &mut Ledger) {
    let mut done = 0;
    for message in told {
        let FromSecure::Answer { id, answer: Ok(answer) } = message else {
            continue;
        };
        if let Answer::Sent { row } = answer {
            let index = (0..ALICE.len()).find(|index| number(*index) == *id).unwrap();
            ledger.sent.insert(index, row.name);
        }
        done += usize::from(*answer == Answer::Done);
    }
    // To unlock, to follow, to refresh.
    ledger.refreshed = done >= 3;
}

/// The whole frames of a stream; `None` if they are of another direction.
fn frames<T: Serialize + DeserializeOwned>(mut stream: &[u8]) -> Option<Vec<T>> {
    let mut frames = Vec::new();
    while let Some((len, rest)) = stream.split_first_chunk() {
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap();
        let Some((frame, rest)) = rest.split_at_checked(len) else {
            break;
        };
        frames.push(ipc_schema::decode(frame).ok()?);
        stream = rest;
    }
    Some(frames)
}

/// Tries with chance before each sync.
const CHANCES: u64 = 2;
