//! The conversation that is cut off at every point, and what must be true afterwards.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use ipc_schema_ui::{Answer, Body, Event, NameBits, Request, RequestId, Row, Scope, State};

use crate::alice::{Alice, Halt, fresh};
use crate::net::Left;
use crate::world::{BEFORE, Start, World, hex, passphrase};

/// What `secure-proc` has answered for before it died, and what left it.
#[derive(Default, Clone)]
pub(crate) struct Ledger {
    /// Which of Alice's texts were acknowledged, under which name.
    pub(crate) sent: BTreeMap<usize, NameBits>,
    /// The wish to refresh was acknowledged.
    pub(crate) refreshed: bool,
    /// Every object that left.
    pub(crate) left: Left,
}

/// How a conversation ended.
pub(crate) enum End {
    /// It was cut off.
    Cut,
    /// It went to its end.
    Whole,
}

/// Talks until the end, or until `secure-proc` is dead.
pub(crate) fn talk(
    start: &Start,
    world: &mut World,
    vault: &Path,
    wrapper: &[OsString],
    loses_last: bool,
) -> Result<(Ledger, End), String> {
    let mut ledger = Ledger::default();
    let mut alice = match Alice::start(vault, wrapper, Left::new()) {
        Ok(alice) => alice,
        Err(Halt::Dead) => return Ok((ledger, End::Cut)),
        Err(Halt::Wrong(wrong)) => return Err(wrong),
    };
    alice.attach_net(loses_last);
    let halt = converse(start, world, &mut alice, &mut ledger).err();
    ledger.left = std::mem::take(&mut alice.left);
    match halt {
        Some(Halt::Dead) => return Ok((ledger, End::Cut)),
        Some(Halt::Wrong(wrong)) => return Err(wrong),
        None => {}
    }
    match alice.stop(world) {
        Ok(()) => Ok((ledger, End::Whole)),
        Err(Halt::Dead) => Ok((ledger, End::Cut)),
        Err(Halt::Wrong(wrong)) => Err(wrong),
    }
}

fn converse(
    start: &Start,
    world: &mut World,
    alice: &mut Alice,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    alice.get(world, Request::Unlock { passphrase: passphrase() })?;
    alice.get(world, Request::Follow { scope: Scope::All })?;
    for (index, text) in BOB.into_iter().enumerate() {
        if index == ALICE.len() - 1 {
            refresh(start, world, alice, ledger)?;
        }
        send(start, world, alice, ledger, index)?;
        alice.until(world, |event| matches!(event, Event::Watermark(_)))?;
        world.bob_says(start.team, text);
        alice.until(world, |event| shows(event, text))?;
    }
    alice.get(world, Request::Lock)?;
    Ok(())
}

fn send(
    start: &Start,
    world: &mut World,
    alice: &mut Alice,
    ledger: &mut Ledger,
    index: usize,
) -> Result<NameBits, Halt> {
    let request = Request::Send {
        team: start.bits(),
        channel: start.channel,
        text: Body::cut(ALICE[index]),
        reply_to: None,
    };
    match alice.ask(world, number(index), request)? {
        Ok(Answer::Sent { row }) => {
            let before = *ledger.sent.entry(index).or_insert(row.name);
            if before == row.name {
                Ok(row.name)
            } else {
                Err(Halt::Wrong(format!("text {index} was sent twice under one request")))
            }
        }
        other => Err(Halt::Wrong(format!("sending: {other:?}"))),
    }
}

fn refresh(
    start: &Start,
    world: &mut World,
    alice: &mut Alice,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    alice.get(world, Request::Refresh { team: start.bits() })?;
    ledger.refreshed = true;
    alice.get(world, Request::Settle)?;
    Ok(())
}

/// What must be true of a vault after any crash; the world is as it was then.
pub(crate) fn judge(
    start: &Start,
    world: &mut World,
    vault: &Path,
    mut ledger: Ledger,
) -> Result<(), String> {
    let mut alice = match Alice::start(vault, &[], std::mem::take(&mut ledger.left)) {
        Ok(alice) => alice,
        Err(halt) => return Err(format!("it does not start again: {halt:?}")),
    };
    let judged = judge_disk(start, world, &mut alice, &ledger)
        .and_then(|()| go_on(start, world, &mut alice, &mut ledger));
    match judged {
        Ok(()) => {}
        Err(Halt::Dead) => return Err("it died again".to_owned()),
        Err(Halt::Wrong(wrong)) => return Err(wrong),
    }
    let left = std::mem::take(&mut alice.left);
    alice.stop(world).map_err(|halt| format!("stopping: {halt:?}"))?;
    judge_relay(world, &left)?;
    world.wrong.append(&mut world.bob.notices);
    if world.wrong.is_empty() { Ok(()) } else { Err(world.wrong.join("; ")) }
}

/// From disk alone: everything acknowledged is there, and everything that Bob has read.
fn judge_disk(
    start: &Start,
    world: &mut World,
    alice: &mut Alice,
    ledger: &Ledger,
) -> Result<(), Halt> {
    alice.get(world, Request::Unlock { passphrase: passphrase() })?;
    let rows = page(start, world, alice)?;
    for (index, name) in &ledger.sent {
        let there = rows.iter().any(|row| row.name == *name && row.text.as_str() == ALICE[*index]);
        if !there {
            return Err(Halt::Wrong(format!("text {index} was acknowledged and is lost")));
        }
    }
    for opened in world.bob.read.iter().filter(|opened| opened.user == "Alice") {
        let (name, text) = (NameBits(opened.name.bytes()), opened.body.reveal());
        if !rows.iter().any(|row| row.name == name && row.text.as_str() == text) {
            return Err(Halt::Wrong(format!("Bob has read {text:?}, and it is lost here")));
        }
    }
    Ok(())
}

/// The conversation goes on: whatever was not acknowledged is asked again under the same number.
fn go_on(
    start: &Start,
    world: &mut World,
    alice: &mut Alice,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    alice.attach_net(false);
    alice.get(world, Request::Follow { scope: Scope::All })?;
    for index in 0..ALICE.len() {
        send(start, world, alice, ledger, index)?;
    }
    if !ledger.refreshed {
        alice.get(world, Request::Refresh { team: start.bits() })?;
    }
    alice.get(world, Request::Settle)?;
    for text in BOB.into_iter().chain([BOB_LAST]) {
        world.bob_says(start.team, text);
    }
    let last = Body::cut(ALICE_LAST);
    let (team, channel) = (start.bits(), start.channel);
    alice.get(world, Request::Send { team, channel, text: last, reply_to: None })?;
    alice.get(world, Request::Settle)?;
    let expected: Vec<&str> =
        [BEFORE, BOB_LAST, ALICE_LAST].into_iter().chain(ALICE).chain(BOB).collect();
    let rows = loop {
        let rows = page(start, world, alice)?;
        if rows.len() >= expected.len() {
            break rows;
        }
        alice.pump(world)?;
    };
    once(&expected, rows.iter().map(|row| row.text.as_str())).map_err(Halt::Wrong)?;
    for row in &rows {
        let fine = matches!(row.state, State::Relay | State::Delivered) && row.missing_before == 0;
        if !fine {
            return Err(Halt::Wrong(format!("{:?} is {:?}", row.text.as_str(), row.state)));
        }
    }
    world.settle();
    let read: Vec<_> = world.bob.read.iter().filter(|opened| opened.user == "Alice").collect();
    if let Some(bad) = read.iter().find(|opened| opened.unreadable.is_some()) {
        return Err(Halt::Wrong(format!("Bob cannot read {}: {:?}", bad.name, bad.unreadable)));
    }
    let expected: Vec<&str> = ALICE.into_iter().chain([ALICE_LAST]).collect();
    once(&expected, read.iter().map(|opened| opened.body.reveal())).map_err(Halt::Wrong)?;
    same_epoch(start, world, alice)
}

fn same_epoch(start: &Start, world: &mut World, alice: &mut Alice) -> Result<(), Halt> {
    let answer = alice.get(world, Request::Status)?;
    let Answer::Status(status) = answer else {
        return Err(Halt::Wrong(format!("{answer:?}")));
    };
    let bob = world.bob.endpoint.team_status(start.team).unwrap().unwrap();
    let own = status.teams.as_slice().first().map_or(0, |team| team.epoch);
    if own == bob.epoch && own > start.epoch {
        Ok(())
    } else {
        let began = start.epoch;
        Err(Halt::Wrong(format!("Alice is in epoch {own}, Bob in {}; begun in {began}", bob.epoch)))
    }
}

/// Everything that ever left has got to the relay as it was.
fn judge_relay(world: &mut World, left: &Left) -> Result<(), String> {
    let shelf = world.outside.shelf();
    for (name, bytes) in left {
        let parsed = names::Name::from_bytes(*name).unwrap();
        let kept = relay_core::Shelf::get(&shelf, parsed).unwrap();
        if kept.map(|kept| kept.object.bytes()).as_ref() != Some(bytes) {
            return Err(format!("{} left and is not at the relay", hex(name)));
        }
    }
    Ok(())
}

fn page(start: &Start, world: &mut World, alice: &mut Alice) -> Result<Vec<Row>, Halt> {
    let (team, channel) = (start.bits(), start.channel);
    let page = Request::Page { team, channel, thread: None, before: None, limit: 100 };
    match alice.ask(world, fresh(), page)? {
        Ok(Answer::Page { rows, .. }) => Ok(rows.into_vec()),
        other => Err(Halt::Wrong(format!("reading: {other:?}"))),
    }
}

fn once<'a>(expected: &[&str], found: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let (mut expected, mut found) = (expected.to_vec(), found.collect::<Vec<_>>());
    expected.sort_unstable();
    found.sort_unstable();
    if expected == found { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}")) }
}

fn shows(event: &Event, text: &str) -> bool {
    matches!(event, Event::Message { row, .. } if row.text.as_str() == text)
}

/// The number under which a text is asked for, in every life.
pub(crate) fn number(index: usize) -> RequestId {
    RequestId([u8::try_from(index).unwrap() + 1; 16])
}

/// What Alice says; the last in the epoch after her refresh.
pub(crate) const ALICE: [&str; 3] = ["Alice, one", "Alice, two", "Alice, three"];
/// What Bob answers to each.
pub(crate) const BOB: [&str; 3] = ["Bob, one", "Bob, two", "Bob, three"];
const ALICE_LAST: &str = "Alice, afterwards";
const BOB_LAST: &str = "Bob, afterwards";
