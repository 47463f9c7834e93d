//! The loop: takes what has come, decides, syncs once, sends.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use link_io::{CloseReason, Frame, Listener};
use objects::Millis;
use relay_core::{DropReason, Fault, Input, Output, Peer, Relay};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::parent::{self, Parent, UpOutlet};
use crate::peer::{Answer, Event, Outlet, attend};
use crate::shelf::StoreShelf;

/// Ends when the process is asked to stop.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until `stop` ends or the store fails.
pub(crate) async fn serve(
    relay: Relay<StoreShelf>,
    listener: Listener,
    parent: Option<Parent>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Fault> {
    let (events, incoming) = mpsc::channel(WAITING_EVENTS);
    let keeping = parent.map(|parent| tokio::spawn(parent::keep(parent, events.clone())));
    let (stopping, stopped) = watch::channel(());
    let accepting = tokio::spawn(accept(listener, events, stopped));
    let mut desk = Desk { relay, outlets: BTreeMap::new(), up: None, permits: BTreeMap::new() };
    let end = tokio::select! {
        end = desk.run(incoming) => end,
        () = stop => Ok(()),
    };
    drop(stopping);
    if let Some(keeping) = keeping {
        keeping.abort();
    }
    if let Some(up) = desk.up.take() {
        up.link.close(CloseReason::Stopping);
        // The parent notices in any case, only later.
        let _ = timeout(parent::GOODBYE, up.link.drained()).await;
    }
    // It ends as soon as the goodbyes are out; a panic there would be reported by itself.
    let _ = accepting.await;
    end
}

async fn accept(
    mut listener: Listener,
    events: mpsc::Sender<Event>,
    mut stopped: watch::Receiver<()>,
) {
    let mut links = JoinSet::new();
    for number in 1.. {
        let link = tokio::select! {
            link = listener.accept() => link,
            _ = stopped.changed() => None,
        };
        let Some(link) = link else {
            break;
        };
        while links.try_join_next().is_some() {}
        if links.len() >= MOST_LINKS {
            link.close(CloseReason::Refused);
        } else {
            links.spawn(attend(link, Peer(number), events.clone()));
        }
    }
    listener.close(CloseReason::Stopping).await;
}

/// Where everything is decided, one batch after the other.
struct Desk {
    relay: Relay<StoreShelf>,
    outlets: BTreeMap<Peer, Outlet>,
    up: Option<UpOutlet>,
    /// Of the requests of this batch, until their answers carry them away.
    permits: BTreeMap<Peer, Vec<OwnedSemaphorePermit>>,
}

impl Desk {
    async fn run(&mut self, mut incoming: mpsc::Receiver<Event>) -> Result<(), Fault> {
        let mut batch = Vec::new();
        loop {
            let wake_in = self.relay.wake_at().map(|at| at.0.saturating_sub(now().0));
            tokio::select! {
                taken = incoming.recv_many(&mut batch, EVENTS_AT_ONCE) => {
                    if taken == 0 {
                        return Ok(());
                    }
                }
                () = sleep(wake_in) => {}
            }
            // The sync blocks this thread, and meanwhile the next batch gathers.
            tokio::task::block_in_place(|| self.decide(&mut batch))?;
            self.send();
            self.permits.clear();
        }
    }

    fn decide(&mut self, batch: &mut Vec<Event>) -> Result<(), Fault> {
        let now = now();
        if self.relay.wake_at().is_some_and(|at| at <= now) {
            self.relay.handle(now, Input::Woken)?;
        }
        for event in batch.drain(..) {
            let input = match event {
                Event::Linked { peer, exporter, out } => {
                    self.outlets.insert(peer, out);
                    Input::Linked { peer, exporter, room: 0 }
                }
                Event::Heard { peer, frame, permit } => {
                    self.permits.entry(peer).or_default().push(permit);
                    Input::Heard { peer, frame }
                }
                Event::Room { peer, frames } => Input::Room { peer, frames },
                Event::Unlinked { peer } => {
                    self.outlets.remove(&peer);
                    Input::Unlinked { peer }
                }
                Event::UpLinked { exporter, out } => {
                    self.up = Some(out);
                    Input::UpLinked { exporter }
                }
                Event::UpHeard { frame } => Input::UpHeard { frame },
                Event::UpUnlinked => {
                    self.up = None;
                    Input::UpUnlinked
                }
            };
            self.relay.handle(now, input)?;
        }
        self.relay.settle()
    }

    fn send(&mut self) {
        while let Some(output) = self.relay.poll() {
            match output {
                Output::Answer { peer, frame } => {
                    let permit = self.permits.get_mut(&peer).and_then(Vec::pop);
                    if let Some((out, frame)) = self.outlets.get(&peer).zip(framed(&frame.bytes()))
                    {
                        // It fails only when the link is gone, which comes as an event.
                        let _ = out.answers.send(Answer { frame, permit });
                    }
                }
                Output::Deliver { peers, frame } => {
                    let Some(frame) = framed(&frame) else {
                        continue;
                    };
                    for out in peers.iter().filter_map(|peer| self.outlets.get(peer)) {
                        let sent = out.deliveries.try_send(frame.clone());
                        if matches!(sent, Err(mpsc::error::TrySendError::Full(_))) {
                            // More than the room that was granted: better no link than a gap.
                            out.link.close(CloseReason::Unread);
                        }
                    }
                }
                Output::Drop { peer, why } => self.drop_link(peer, why),
                Output::Up { frame } => {
                    if let Some((up, frame)) = self.up.as_ref().zip(framed(&frame.bytes())) {
                        // It fails only when the link is gone, which comes as an event.
                        let _ = up.frames.send(frame);
                    }
                }
                Output::UpDrop { why } => {
                    if let Some(up) = self.up.take() {
                        eprintln!("sotto-relay: dropped the parent: {why}");
                        up.link.close(CloseReason::Refused);
                    }
                }
            }
        }
    }

    fn drop_link(&mut self, peer: Peer, why: DropReason) {
        if let Some(out) = self.outlets.remove(&peer) {
            eprintln!("sotto-relay: dropped {}: {why}", out.link.remote_addr());
            out.link.close(CloseReason::Refused);
        }
    }
}

fn framed(bytes: &[u8]) -> Option<Frame> {
    Frame::new(bytes).ok()
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Waits so many milliseconds, or for ever.
async fn sleep(millis: Option<u64>) {
    match millis {
        // A clock that is set forward is noticed within the hour.
        Some(millis) => tokio::time::sleep(Duration::from_millis(millis.min(HOUR))).await,
        None => std::future::pending().await,
    }
}

const HOUR: u64 = 60 * 60 * 1000;
const WAITING_EVENTS: usize = 4096;
const EVENTS_AT_ONCE: usize = 1024;
const MOST_LINKS: usize = 4096;
