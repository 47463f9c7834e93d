//! The loop: moves values between the local ends, the desk and the link.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ipc_io::ControlReceiver;
use ipc_schema_net::ToNet;
use link_io::RelayKey;
use objects::Millis;
use objects::wire::ToRelay;
use store_io::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::desk::{Desk, Input, Output};
use crate::ends::{self, EndNumber, SecureEnd};
use crate::link::{self, KeeperNumber, LinkEvent, LinkNumber, Relay};

/// What has come.
#[derive(Debug)]
pub(crate) enum Event {
    /// The launcher hands over an end to `secure-proc`.
    Attach(OwnedFd),
    /// The launcher wants us to end, or is gone.
    Stop,
    Secure(EndNumber, Box<ToNet>),
    SecureGone(EndNumber),
    Link(KeeperNumber, LinkEvent),
}

/// Why the process ends before it was told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the cache: {0}")]
    Cache(#[from] StoreError),
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Runs until the launcher says stop, or is gone.
pub(crate) async fn run(desk: Desk, control: ControlReceiver) -> Result<(), Failure> {
    let (events, mut incoming) = mpsc::channel(EVENTS_WAITING);
    ends::listen_to_launcher(control, events.clone())?;
    let mut shell = Shell {
        desk,
        events,
        secure: None,
        ends: 0,
        link: None,
        keepers: 0,
        number: LinkNumber::default(),
        started: (now(), Instant::now()),
    };
    let mut batch = Vec::new();
    let mut inputs = vec![Input::Woken];
    loop {
        tokio::task::block_in_place(|| shell.decide(&mut inputs))?;
        shell.act();
        let wake_in = shell.wake_in();
        tokio::select! {
            taken = incoming.recv_many(&mut batch, EVENTS_AT_ONCE) => {
                if taken == 0 {
                    return Ok(());
                }
            }
            () = sleep(wake_in) => inputs.push(Input::Woken),
        }
        for event in batch.drain(..) {
            if matches!(event, Event::Stop) {
                return Ok(());
            }
            inputs.extend(shell.take(event)?);
        }
    }
}

struct Shell {
    desk: Desk,
    events: mpsc::Sender<Event>,
    secure: Option<SecureEnd>,
    /// How many ends to `secure-proc` there were.
    ends: u64,
    link: Option<Kept>,
    /// How many tasks kept links.
    keepers: u64,
    /// The link that is up.
    number: LinkNumber,
    started: (Millis, Instant),
}

/// The task that keeps the link.
struct Kept {
    keeper: KeeperNumber,
    task: JoinHandle<()>,
    frames: mpsc::UnboundedSender<(LinkNumber, ToRelay)>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shell {
    fn take(&mut self, event: Event) -> io::Result<Option<Input>> {
        let current = self.secure.as_ref().map(|end| end.number);
        Ok(match event {
            Event::Attach(descriptor) => {
                self.ends = self.ends.saturating_add(1);
                let number = EndNumber(self.ends);
                self.secure = Some(ends::attach(number, descriptor, self.events.clone())?);
                Some(Input::Attached)
            }
            Event::Secure(number, message) if current == Some(number) => {
                Some(Input::Heard(*message))
            }
            Event::SecureGone(number) if current == Some(number) => {
                self.secure = None;
                Some(Input::Detached)
            }
            Event::Link(keeper, event) if self.keeper() == Some(keeper) => Some(match event {
                LinkEvent::Up(number, linked) => {
                    self.number = number;
                    Input::Linked(linked)
                }
                LinkEvent::Heard(frame) => Input::Relayed(frame),
                LinkEvent::Down(why) => Input::Unlinked(why),
            }),
            // Of an end, or of a keeper of links, that another one has replaced.
            Event::Secure(..) | Event::SecureGone(_) | Event::Link(..) | Event::Stop => None,
        })
    }

    /// The clock as it was at the start, and the time since then: whoever sets the clock meanwhile
    /// changes neither when proofs are renewed nor what the relay's time is taken for.
    fn now(&self) -> Millis {
        let (then, begun) = self.started;
        then.plus(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn wake_in(&self) -> Duration {
        let wake_at = self.desk.wake_at().unwrap_or(Millis::NEVER);
        SWEEP.min(Duration::from_millis(wake_at.0.saturating_sub(self.now().0)))
    }

    fn keeper(&self) -> Option<KeeperNumber> {
        self.link.as_ref().map(|kept| kept.keeper)
    }

    fn decide(&mut self, inputs: &mut Vec<Input>) -> Result<(), StoreError> {
        let now = self.now();
        for input in inputs.drain(..) {
            self.desk.handle(now, input)?;
        }
        self.desk.settle()
    }

    fn act(&mut self) {
        while let Some(output) = self.desk.poll() {
            match output {
                Output::Tell(message) => {
                    if let Some(end) = &self.secure {
                        // It fails only when the end is gone, which comes as an event.
                        let _ = end.tell.send(message);
                    }
                }
                Output::Detach => self.secure = None,
                Output::Connect { address, key } => {
                    let (frames, to_send) = mpsc::unbounded_channel();
                    let relay = Relay { address, key: RelayKey(key) };
                    self.keepers = self.keepers.saturating_add(1);
                    let keeper = KeeperNumber(self.keepers);
                    let task = link::keep(keeper, relay, to_send, self.events.clone());
                    self.link = Some(Kept { keeper, task: tokio::spawn(task), frames });
                }
                Output::Disconnect => self.link = None,
                Output::Send(frame) => {
                    if let Some(kept) = &self.link {
                        // It fails only while the task ends, and then there is no link.
                        let _ = kept.frames.send((self.number, *frame));
                    }
                }
            }
        }
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

const EVENTS_WAITING: usize = 1024;
const EVENTS_AT_ONCE: usize = 256;
const SWEEP: Duration = Duration::from_secs(60 * 60);
