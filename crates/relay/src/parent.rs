//! The link to the parent: made, kept, lost, and made again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use link_io::{Backoff, Class, CloseReason, Closed, Frame, Link, Receiver, RelayKey, Sender};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::peer::Event;

/// Where the parent is, and the key that it must show.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    /// `HOST:PORT`.
    pub(crate) address: String,
    pub(crate) key: RelayKey,
}

/// Where the loop puts what goes up; it never waits there.
#[derive(Debug)]
pub(crate) struct UpOutlet {
    pub(crate) link: Link,
    pub(crate) frames: mpsc::UnboundedSender<Frame>,
}

/// Keeps a link with the parent for as long as it runs.
pub(crate) async fn keep(parent: Parent, events: mpsc::Sender<Event>) {
    let mut backoff = Backoff::default();
    let mut said = String::new();
    loop {
        let begun = Instant::now();
        let why = match reach(&parent).await {
            Err(why) => why,
            Ok(link) => match carry(&link, &events).await {
                Carried::Stopped => return,
                Carried::Lost(closed) => {
                    backoff.lived(begun.elapsed());
                    lost(&closed)
                }
            },
        };
        // The same trouble is said once, not every half minute.
        if why != said {
            eprintln!("sotto-relay: the parent {}: {why}", parent.address);
            said = why;
        }
        sleep(backoff.wait()).await;
    }
}

/// How a link ended.
enum Carried {
    /// This process stops.
    Stopped,
    Lost(Closed),
}

/// Tries every address that the name stands for.
async fn reach(parent: &Parent) -> Result<Link, String> {
    let found: Vec<SocketAddr> = match tokio::net::lookup_host(&parent.address).await {
        Ok(found) => found.collect(),
        Err(error) => return Err(format!("the name is not found ({error})")),
    };
    let mut why = "the name has no address".to_owned();
    for addr in found {
        match link_io::connect(addr, parent.key).await {
            Ok(link) => return Ok(link),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

async fn carry(link: &Link, events: &mpsc::Sender<Event>) -> Carried {
    let opened = async {
        let control = link.open(Class::Control).await.ok()?;
        let delivery = link.open(Class::Delivery).await.ok()?;
        Some((control, delivery, link.session_secret().ok()?))
    };
    let Some((control, delivery, exporter)) = opened.await else {
        link.close(CloseReason::Done);
        return Carried::Lost(link.closed().await);
    };
    let (frames, to_send) = mpsc::unbounded_channel();
    let out = UpOutlet { link: link.clone(), frames };
    if events.send(Event::UpLinked { exporter, out }).await.is_err() {
        return Carried::Stopped;
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(speak(control.sender, to_send));
    tasks.spawn(listen(control.receiver, events.clone()));
    tasks.spawn(listen(delivery.receiver, events.clone()));
    tokio::select! {
        _ = link.closed() => {}
        _ = tasks.join_next() => link.close(CloseReason::Done),
    }
    tasks.shutdown().await;
    if events.send(Event::UpUnlinked).await.is_err() {
        return Carried::Stopped;
    }
    Carried::Lost(link.closed().await)
}

async fn speak(mut control: Sender, mut to_send: mpsc::UnboundedReceiver<Frame>) {
    let mut frames = Vec::new();
    while to_send.recv_many(&mut frames, FRAMES_AT_ONCE).await > 0 {
        if control.send_all(&frames).await.is_err() {
            return;
        }
        frames.clear();
    }
}

async fn listen(mut receiver: Receiver, events: mpsc::Sender<Event>) {
    while let Ok(Some(frame)) = receiver.recv().await {
        if events.send(Event::UpHeard { frame: frame.into() }).await.is_err() {
            return;
        }
    }
}

fn lost(closed: &Closed) -> String {
    if *closed == Closed::There(CloseReason::Refused) {
        "it refuses this relay; the key that `sotto-relay key` prints has to stand under \
         \"relays\" in its file of organisations"
            .to_owned()
    } else {
        closed.to_string()
    }
}

const FRAMES_AT_ONCE: usize = 64;
/// How long a stop waits for the goodbye to the parent.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);
