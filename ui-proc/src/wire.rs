//! The threads that wait for the launcher and for the secure process.
//!
//! They touch no state: what comes in goes through one channel to the window's thread, which is
//! woken at most sixty times a second.

use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use egui::Context;
use ipc_io::{Caps, Client, ControlReceiver, Lost};
use ipc_schema::control::{self, Class, ToChild};
use ipc_schema_ui::{FromSecure, RequestId, ToSecure};
use ui_model::{Ask, Refusal, Ticket};

use crate::convert;

/// What the threads bring to the window.
pub(crate) enum Arrived {
    /// A secure process is attached; questions to it go in here. The number counts them.
    Attached(u32, Sender<Vec<u8>>),
    /// The secure process with that number said something.
    Said(u32, FromSecure),
    /// The secure process with that number is gone.
    Lost(u32),
    /// The launcher wants the window closed, or is gone.
    Stop,
}

/// Brings things to the window and wakes it.
#[derive(Clone)]
pub(crate) struct Bell {
    arrived: Sender<Arrived>,
    ctx: Context,
    rung: std::sync::Arc<Mutex<Option<Instant>>>,
}

impl Bell {
    /// A bell for this window, and what it brings.
    pub(crate) fn new(ctx: Context) -> (Self, Receiver<Arrived>) {
        let (arrived, receiver) = mpsc::channel();
        (Self { arrived, ctx, rung: std::sync::Arc::default() }, receiver)
    }

    fn bring(&self, arrived: Arrived) {
        // Nobody to bring it to: the window is closing.
        let _ = self.arrived.send(arrived);
        let Ok(mut rung) = self.rung.lock() else {
            return;
        };
        let since = rung.map_or(FRAME, |rung| rung.elapsed());
        if since >= FRAME {
            *rung = Some(Instant::now());
            self.ctx.request_repaint();
        } else {
            // One frame for all that arrives meanwhile.
            self.ctx.request_repaint_after(FRAME.saturating_sub(since));
        }
    }
}

/// Waits for the launcher in a thread of its own.
pub(crate) fn listen(mut control: ControlReceiver, bell: Bell) -> std::io::Result<()> {
    let listening = move || {
        let mut life = 0_u32;
        while let Ok((frame, fd)) = control.recv() {
            match (ipc_schema::decode::<ToChild>(&frame), fd) {
                (Ok(ToChild::Attach { class: Class::Secure, .. }), Some(fd)) => {
                    life = life.wrapping_add(1);
                    if attach(life, fd, &bell).is_err() {
                        bell.bring(Arrived::Lost(life));
                    }
                }
                (Ok(ToChild::Attach { .. } | ToChild::Peers { .. }), _) => {}
                (Ok(ToChild::Stop) | Err(_), _) => break,
            }
        }
        bell.bring(Arrived::Stop);
    };
    thread::Builder::new().name("control".into()).spawn(listening)?;
    Ok(())
}

/// Starts to talk to a secure process: one thread reads, one writes.
fn attach(life: u32, fd: OwnedFd, bell: &Bell) -> std::io::Result<()> {
    let (mut receiver, mut sender) = Client::from_fd(fd, Caps::UI_TO_SECURE)?.split();
    let (questions, asked) = mpsc::channel::<Vec<u8>>();
    bell.bring(Arrived::Attached(life, questions));
    let writing = move || {
        while let Ok(frame) = asked.recv() {
            if sender.send(&frame).is_err() {
                break;
            }
        }
        sender.close();
    };
    thread::Builder::new().name("asks".into()).spawn(writing)?;
    let bell = bell.clone();
    let reading = move || {
        while let Ok(Some(said)) = receiver.recv(None).map(|frame| frame.map(|f| read(&f))) {
            match said {
                Ok(said) => bell.bring(Arrived::Said(life, said)),
                Err(_) => break,
            }
        }
        bell.bring(Arrived::Lost(life));
    };
    thread::Builder::new().name("answers".into()).spawn(reading)?;
    Ok(())
}

fn read(frame: &[u8]) -> Result<FromSecure, Lost> {
    ipc_schema::decode(frame).map_err(|_| Lost::Malformed)
}

/// Numbers questions so that the same one keeps its number, and no other window has it.
pub(crate) struct Numbers([u8; 8]);

impl Numbers {
    /// Starts from randomness.
    pub(crate) fn new(random: [u8; 8]) -> Self {
        Self(random)
    }

    /// The question as a frame, or why it cannot be asked.
    pub(crate) fn frame(&self, ticket: Ticket, ask: &Ask) -> Result<Vec<u8>, Refusal> {
        let request = convert::request(ask).map_err(|error| convert::too_long(&error))?;
        let asked = ToSecure::Ask { id: self.id(ticket), request };
        ipc_schema::encode(&asked).map_err(|_| Refusal {
            message: "This could not be put into a message".to_owned(),
            hint: "Please report this.".to_owned(),
            wait_until: None,
        })
    }

    /// The question that an answer belongs to.
    pub(crate) fn ticket(&self, id: RequestId) -> Option<Ticket> {
        let (random, number) = id.0.split_first_chunk::<8>()?;
        let number = <[u8; 8]>::try_from(number).ok()?;
        (*random == self.0).then(|| Ticket(u64::from_be_bytes(number)))
    }

    fn id(&self, ticket: Ticket) -> RequestId {
        let mut id = [0; 16];
        let (random, number) = id.split_at_mut(8);
        random.copy_from_slice(&self.0);
        number.copy_from_slice(&ticket.0.to_be_bytes());
        RequestId(id)
    }
}

/// The first frame to a secure process.
pub(crate) fn hello() -> Option<Vec<u8>> {
    ipc_schema::encode(&ToSecure::Hello { schema: ipc_schema_ui::schema() }).ok()
}

/// The first frame to the launcher.
pub(crate) fn ready(confinement: control::Confinement) -> Option<Vec<u8>> {
    let ready = control::FromChild::Ready { schema: control::schema(), confinement };
    ipc_schema::encode(&ready).ok()
}

/// The last frame to the launcher, when the person has closed the window.
pub(crate) fn closed() -> Option<Vec<u8>> {
    ipc_schema::encode(&control::FromChild::Closed).ok()
}

/// At most sixty frames a second, however much arrives.
const FRAME: Duration = Duration::from_millis(16);

#[cfg(test)]
mod tests {
    use super::*;

    /// `UI-04`
    #[test]
    fn a_question_keeps_its_number_and_only_our_own_numbers_are_answers() {
        let numbers = Numbers::new(*b"random-8");
        let id = numbers.id(Ticket(7));
        assert_eq!(numbers.id(Ticket(7)), id);
        assert_eq!(numbers.ticket(id), Some(Ticket(7)));
        assert_eq!(Numbers::new(*b"another8").ticket(id), None);
    }

    /// `UI-05`
    #[test]
    fn a_flood_of_arrivals_asks_for_few_frames_and_loses_none() {
        let ctx = Context::default();
        let wakes = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&wakes);
        ctx.set_request_repaint_callback(move |asked| {
            if asked.delay.is_zero() {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
        let (bell, arrived) = Bell::new(ctx);
        let begun = Instant::now();
        for _ in 0..10_000 {
            bell.bring(Arrived::Stop);
        }
        let frames = begun.elapsed().as_millis() / FRAME.as_millis() + 1;
        assert_eq!(arrived.try_iter().count(), 10_000);
        let woken = u128::try_from(wakes.load(std::sync::atomic::Ordering::Relaxed)).unwrap();
        assert!((1..=frames).contains(&woken), "{woken} wakes for {frames} frames");
    }
}
