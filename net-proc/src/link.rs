//! The link to the relay: made, kept, lost, and made again.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use ipc_schema_net::LinkLoss;
use link_io::{Backoff, Class, CloseReason, ConnectError, Frame, Link, Receiver, RelayKey, Sender};
use objects::wire::{FromRelay, ToRelay};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::desk::Linked;
use crate::shell::Event;

/// Which task keeps the link; what an earlier one said is void.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct KeeperNumber(pub(crate) u64);

/// Which of its links; frames for an earlier one are not sent on a later one.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct LinkNumber(pub(crate) u64);

/// What happens to the link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    Up(LinkNumber, Linked),
    Heard(Box<FromRelay>),
    Down(LinkLoss),
}

/// Where the relay is, and the key that it must show.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    pub(crate) address: String,
    pub(crate) key: RelayKey,
}

/// Keeps a link with `relay` for as long as it runs.
pub(crate) async fn keep(
    keeper: KeeperNumber,
    relay: Relay,
    mut frames: mpsc::UnboundedReceiver<(LinkNumber, ToRelay)>,
    events: mpsc::Sender<Event>,
) {
    let mut backoff = Backoff::default();
    for number in (1..).map(LinkNumber) {
        let begun = Instant::now();
        let lost = match greet(&relay).await {
            Err(why) => why,
            Ok(greeted) => {
                let up = LinkEvent::Up(number, greeted.linked);
                if events.send(Event::Link(keeper, up)).await.is_err() {
                    return;
                }
                carry(greeted, (keeper, number), &mut frames, &events).await;
                backoff.lived(begun.elapsed());
                LinkLoss::Unreachable
            }
        };
        if events.send(Event::Link(keeper, LinkEvent::Down(lost))).await.is_err() {
            return;
        }
        sleep(backoff.wait()).await;
    }
}

/// A link whose hello was answered.
struct Greeted {
    link: Link,
    linked: Linked,
    sender: Sender,
    control: Receiver,
    delivery: Receiver,
}

async fn greet(relay: &Relay) -> Result<Greeted, LinkLoss> {
    let link = reach(relay).await?;
    let gone = |_| LinkLoss::Unreachable;
    let control = link.open(Class::Control).await.map_err(gone)?;
    let delivery = link.open(Class::Delivery).await.map_err(gone)?;
    let (mut sender, mut control) = (control.sender, control.receiver);
    let hello = ToRelay::Hello { version: VERSION }.bytes();
    sender.send(&hello).await.map_err(|_| LinkLoss::Unreachable)?;
    let Ok(Ok(Some(frame))) = timeout(ANSWERS_WITHIN, control.recv()).await else {
        return Err(LinkLoss::Unreachable);
    };
    let Ok(FromRelay::Welcome { version: VERSION, store, now }) = FromRelay::parse(&frame) else {
        return Err(LinkLoss::OtherVersion);
    };
    let exporter = link.session_secret().map_err(|_| LinkLoss::Unreachable)?;
    let linked = Linked { relay: relay.key.0, exporter, store, now };
    Ok(Greeted { link, linked, sender, control, delivery: delivery.receiver })
}

/// Tries every address that the name stands for.
async fn reach(relay: &Relay) -> Result<Link, LinkLoss> {
    let mut why = LinkLoss::BadAddress;
    for addr in resolve(&relay.address).await? {
        match link_io::connect(addr, relay.key).await {
            Ok(link) => return Ok(link),
            Err(error) => why = loss(&error),
        }
    }
    Err(why)
}

async fn resolve(address: &str) -> Result<Vec<SocketAddr>, LinkLoss> {
    // No thread and no name service for what is a number already.
    if let Ok(addr) = address.parse() {
        return Ok(vec![addr]);
    }
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        return Err(LinkLoss::BadAddress);
    }
    match tokio::net::lookup_host(address).await {
        Ok(found) => Ok(found.collect()),
        Err(_) => Err(LinkLoss::Unreachable),
    }
}

fn loss(error: &ConnectError) -> LinkLoss {
    match error {
        ConnectError::WrongKey { .. } => LinkLoss::WrongKey,
        ConnectError::NotARelay { .. } => LinkLoss::OtherVersion,
        ConnectError::Busy { .. }
        | ConnectError::NoAnswer { .. }
        | ConnectError::Lost { .. }
        | ConnectError::Socket(_) => LinkLoss::Unreachable,
        ConnectError::Setup(_) => LinkLoss::BadAddress,
    }
}

/// Carries frames until the link is lost.
async fn carry(
    greeted: Greeted,
    (keeper, number): (KeeperNumber, LinkNumber),
    frames: &mut mpsc::UnboundedReceiver<(LinkNumber, ToRelay)>,
    events: &mpsc::Sender<Event>,
) {
    let Greeted { link, sender, control, delivery, .. } = greeted;
    let (send, to_send) = mpsc::unbounded_channel();
    let (hear, mut heard) = mpsc::channel(FRAMES_WAITING);
    let mut tasks = JoinSet::new();
    tasks.spawn(speak(sender, to_send));
    tasks.spawn(listen(control, hear.clone()));
    tasks.spawn(listen(delivery, hear));
    let mut open = 0_usize;
    let mut patience = Instant::now();
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let Some((for_link, frame)) = frame else {
                    break;
                };
                if for_link != number {
                    continue;
                }
                if open == 0 {
                    patience = Instant::now() + ANSWERS_WITHIN;
                }
                open = open.saturating_add(usize::from(is_answered(&frame)));
                // It fails only after the task has ended, which is seen below.
                let _ = send.send(frame);
            }
            Some(bytes) = heard.recv() => {
                let Ok(frame) = FromRelay::parse(&bytes) else {
                    link.close(CloseReason::Refused);
                    break;
                };
                patience = Instant::now() + ANSWERS_WITHIN;
                open = open.saturating_sub(usize::from(is_answer(&frame)));
                if events.send(Event::Link(keeper, LinkEvent::Heard(Box::new(frame)))).await.is_err() {
                    break;
                }
            }
            // A relay that says nothing although it was asked is as good as gone, long before
            // the link itself would notice.
            () = sleep_until(patience), if open > 0 => break,
            _ = tasks.join_next() => break,
        }
    }
    link.close(CloseReason::Done);
    tasks.shutdown().await;
}

async fn speak(mut sender: Sender, mut to_send: mpsc::UnboundedReceiver<ToRelay>) {
    let mut batch = Vec::new();
    while to_send.recv_many(&mut batch, FRAMES_AT_ONCE).await > 0 {
        let frames = batch.drain(..).filter_map(|frame| Frame::new(&frame.bytes()).ok());
        let frames: Vec<Frame> = frames.collect();
        if sender.send_all(&frames).await.is_err() {
            return;
        }
    }
}

async fn listen(mut receiver: Receiver, hear: mpsc::Sender<Bytes>) {
    while let Ok(Some(frame)) = receiver.recv().await {
        if hear.send(frame).await.is_err() {
            return;
        }
    }
}

fn is_answered(frame: &ToRelay) -> bool {
    match frame {
        ToRelay::Publish { .. }
        | ToRelay::Claim { .. }
        | ToRelay::Subscribe { .. }
        | ToRelay::Get { .. } => true,
        ToRelay::Hello { .. }
        | ToRelay::Prove(_)
        | ToRelay::Unsubscribe { .. }
        | ToRelay::Relay(_) => false,
    }
}

fn is_answer(frame: &FromRelay) -> bool {
    match frame {
        FromRelay::Stored { .. }
        | FromRelay::Refused { .. }
        | FromRelay::Slot { .. }
        | FromRelay::Subscribed { .. }
        | FromRelay::Found { .. } => true,
        FromRelay::Welcome { .. }
        | FromRelay::Proved(_)
        | FromRelay::CaughtUp { .. }
        | FromRelay::Deliver { .. }
        | FromRelay::Settled { .. }
        | FromRelay::Upstream { .. }
        | FromRelay::Related
        | FromRelay::Revoked(_) => false,
    }
}

const VERSION: u16 = 1;
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const FRAMES_WAITING: usize = 64;
const FRAMES_AT_ONCE: usize = 64;
