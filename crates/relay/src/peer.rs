//! One link: a reader, a writer of answers, a writer of deliveries.

use std::sync::Arc;
use std::time::Duration;

use link_io::{Class, CloseReason, Frame, Link, Receiver, Sender};
use relay_core::Peer;
use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::parent::UpOutlet;

/// What links tell the loop that decides.
#[derive(Debug)]
pub(crate) enum Event {
    Linked { peer: Peer, exporter: [u8; 32], out: Outlet },
    Heard { peer: Peer, frame: Vec<u8>, permit: OwnedSemaphorePermit },
    Room { peer: Peer, frames: usize },
    Unlinked { peer: Peer },
    UpLinked { exporter: [u8; 32], out: UpOutlet },
    UpHeard { frame: Vec<u8> },
    UpUnlinked,
}

/// Where the loop puts what goes to a link; it never waits there.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) link: Link,
    pub(crate) answers: mpsc::UnboundedSender<Answer>,
    pub(crate) deliveries: mpsc::Sender<Frame>,
}

/// A frame for the control stream. The permit of the request goes back when it has been sent, so
/// that a peer which does not read its answers is not read any further.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) frame: Frame,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Serves a link until it ends.
pub(crate) async fn attend(link: Link, peer: Peer, events: mpsc::Sender<Event>) {
    let Ok(exporter) = link.session_secret() else {
        return link.close(CloseReason::Refused);
    };
    let (answers, mut answers_to_send) = mpsc::unbounded_channel();
    let (deliveries, mut deliveries_to_send) = mpsc::channel(ROOM);
    let out = Outlet { link: link.clone(), answers, deliveries };
    if events.send(Event::Linked { peer, exporter, out }).await.is_err() {
        return link.close(CloseReason::Stopping);
    }
    let mut tasks = JoinSet::new();
    for _ in 0..CLASSES {
        let Ok(accepted) = timeout(OPENS_WITHIN, link.accept()).await else {
            link.close(CloseReason::Stalled);
            break;
        };
        let Ok((class, stream)) = accepted else {
            break;
        };
        let events = events.clone();
        match class {
            Class::Control => {
                tasks.spawn(listen(peer, stream.receiver, events));
                let to_send = std::mem::replace(&mut answers_to_send, mpsc::unbounded_channel().1);
                tasks.spawn(answer(stream.sender, to_send));
            }
            Class::Delivery => {
                tasks.spawn(refuse_all(link.clone(), stream.receiver));
                let to_send = std::mem::replace(&mut deliveries_to_send, mpsc::channel(1).1);
                tasks.spawn(deliver(peer, stream.sender, to_send, events));
            }
        }
    }
    link.closed().await;
    tasks.shutdown().await;
    // The loop is gone only when the relay stops.
    let _ = events.send(Event::Unlinked { peer }).await;
}

async fn listen(peer: Peer, mut control: Receiver, events: mpsc::Sender<Event>) {
    let permits = Arc::new(Semaphore::new(OPEN_REQUESTS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        // An error has closed the link already, and its end is seen elsewhere.
        let Ok(Some(frame)) = control.recv().await else {
            return;
        };
        let heard = Event::Heard { peer, frame: frame.into(), permit };
        if events.send(heard).await.is_err() {
            return;
        }
    }
}

async fn answer(mut control: Sender, mut to_send: mpsc::UnboundedReceiver<Answer>) {
    let mut answers = Vec::new();
    while to_send.recv_many(&mut answers, FRAMES_AT_ONCE).await > 0 {
        let (frames, permits): (Vec<Frame>, Vec<Option<OwnedSemaphorePermit>>) =
            answers.drain(..).map(|Answer { frame, permit }| (frame, permit)).unzip();
        if control.send_all(&frames).await.is_err() {
            return;
        }
        drop(permits);
    }
}

async fn deliver(
    peer: Peer,
    mut delivery: Sender,
    mut to_send: mpsc::Receiver<Frame>,
    events: mpsc::Sender<Event>,
) {
    let mut frames = Vec::new();
    let mut room = ROOM;
    loop {
        if events.send(Event::Room { peer, frames: room }).await.is_err() {
            return;
        }
        if to_send.recv_many(&mut frames, FRAMES_AT_ONCE).await == 0
            || delivery.send_all(&frames).await.is_err()
        {
            return;
        }
        room = frames.len();
        frames.clear();
    }
}

/// Nothing is said on the delivery stream from the other side.
async fn refuse_all(link: Link, mut delivery: Receiver) {
    if let Ok(Some(_)) = delivery.recv().await {
        link.close(CloseReason::Refused);
    }
}

const CLASSES: usize = 2;
const OPENS_WITHIN: Duration = Duration::from_secs(10);
/// Requests of one link that are read and not yet answered.
const OPEN_REQUESTS: usize = 256;
/// Frames that wait for the delivery stream of one link; more wait in the store.
const ROOM: usize = 256;
const FRAMES_AT_ONCE: usize = 64;
