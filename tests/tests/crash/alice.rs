//! Alice: the real `secure-proc`, confined as in the product. The test is its launcher, its guest
//! and its network process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use ipc_io::{Caps, Channel, Control};
use ipc_schema::control::{Class, Confinement, FromChild, ToChild};
use ipc_schema_net::{FromNet, ToNet};
use ipc_schema_ui::{Answer, Event, Failure, FromSecure, Request, RequestId, ToSecure};
use sandbox_io::Role;

use crate::net::{Left, Net, leaves};
use crate::world::World;

/// Why a conversation does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// `secure-proc` is dead.
    Dead,
    /// Something is not as promised.
    Wrong(String),
}

pub(crate) struct Alice {
    child: Option<Child>,
    control: Control,
    guest: Channel,
    net: Option<(Channel, Net)>,
    answers: BTreeMap<RequestId, Result<Answer, Failure>>,
    pub(crate) events: Vec<Event>,
    /// Every object that left.
    pub(crate) left: Left,
    /// What was sent in the moment of death gets no further, as if `net-proc` had died as well.
    loses_last: bool,
    dead: bool,
}

impl Alice {
    /// Starts `secure-proc`, under `wrapper` if that is not empty, and waits until it is locked
    /// down. It has no network process yet.
    pub(crate) fn start(vault: &Path, wrapper: &[OsString], left: Left) -> Result<Self, Halt> {
        let (ours, theirs) = ipc_io::pair().unwrap();
        let (near, far) = ipc_io::pair().unwrap();
        let mut words = wrapper.to_vec();
        words.extend([program().into(), "--vault".into(), vault.into()]);
        let program = PathBuf::from(words.remove(0));
        let child = sandbox_io::child::spawn(Role::Secure, &program, &words, theirs).unwrap();
        let mut alice = Self {
            child: Some(child),
            control: Control::from_fd(ours).unwrap(),
            guest: Channel::from_fd(near, Caps::UI_TO_SECURE).unwrap(),
            net: None,
            answers: BTreeMap::new(),
            events: Vec::new(),
            left,
            loses_last: false,
            dead: false,
        };
        alice.wait_ready()?;
        alice.attach(Class::CommandLine, far);
        alice.greet();
        Ok(alice)
    }

    /// Gives it its network process.
    pub(crate) fn attach_net(&mut self, loses_last: bool) {
        let (near, far) = ipc_io::pair().unwrap();
        self.net = Some((Channel::from_fd(near, Caps::NET).unwrap(), Net::default()));
        self.loses_last = loses_last;
        self.attach(Class::Net, far);
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(
        &mut self,
        world: &mut World,
        id: RequestId,
        request: Request,
    ) -> Result<Result<Answer, Failure>, Halt> {
        let ask = ipc_schema::encode(&ToSecure::Ask { id, request }).unwrap();
        self.guest.send(&ask).unwrap();
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return Ok(answer);
            }
            self.pump(world)?;
        }
    }

    /// Asks for something that is answered with success, under a number of its own.
    pub(crate) fn get(&mut self, world: &mut World, request: Request) -> Result<Answer, Halt> {
        let what = format!("{request:?}");
        match self.ask(world, fresh(), request)? {
            Ok(answer) => Ok(answer),
            Err(failure) => Err(Halt::Wrong(format!("{what}: {:?}", failure))),
        }
    }

    /// Goes on until an event has come that is as wanted.
    pub(crate) fn until(
        &mut self,
        world: &mut World,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Result<(), Halt> {
        loop {
            if self.events.drain(..).any(|event| wanted(&event)) {
                return Ok(());
            }
            self.pump(world)?;
        }
    }

    /// Tells it to end, and waits for that.
    pub(crate) fn stop(mut self, world: &mut World) -> Result<(), Halt> {
        self.tell(&ToChild::Stop, None);
        loop {
            match self.pump(world) {
                Ok(()) => {}
                Err(Halt::Dead) => break,
                Err(wrong) => return Err(wrong),
            }
        }
        let status = self.wait();
        if status.success() { Ok(()) } else { Err(Halt::Wrong(format!("it ended: {status}"))) }
    }

    /// Waits for the end of a process that is dead or about to be.
    fn wait(&mut self) -> ExitStatus {
        self.child.take().expect("waited for once").wait().unwrap()
    }

    fn wait_ready(&mut self) -> Result<(), Halt> {
        let begun = Instant::now();
        loop {
            self.control.fill(ipc_io::now());
            match self.control.next_frame() {
                Ok(Some((frame, _))) => {
                    let FromChild::Ready { schema, confinement } =
                        ipc_schema::decode(&frame).unwrap()
                    else {
                        return Err(Halt::Wrong("it said something before it was ready".into()));
                    };
                    assert_eq!(schema, ipc_schema::control::schema());
                    if confinement != Confinement::Full {
                        return Err(Halt::Wrong(format!("confined: {confinement:?}")));
                    }
                    return Ok(());
                }
                Ok(None) if begun.elapsed() > PATIENCE => {
                    return Err(Halt::Wrong("it does not get ready".into()));
                }
                Ok(None) => {
                    ipc_io::poll(&mut [self.control.interest()], Some(PATIENCE)).unwrap();
                }
                Err(_) => return Err(self.die()),
            }
        }
    }

    fn die(&mut self) -> Halt {
        self.dead = true;
        Halt::Dead
    }

    fn attach(&mut self, class: Class, end: OwnedFd) {
        self.tell(&ToChild::Attach { class, generation: 1 }, Some(end));
    }

    fn tell(&mut self, message: &ToChild, end: Option<OwnedFd>) {
        self.control.send(&ipc_schema::encode(message).unwrap(), end).unwrap();
        // Whoever is dead will be noticed when it is read.
        let _ = self.control.flush();
    }

    fn greet(&mut self) {
        let hello = ToSecure::Hello { schema: ipc_schema_ui::schema() };
        self.guest.send(&ipc_schema::encode(&hello).unwrap()).unwrap();
    }

    /// Hands everything on that waits anywhere, and waits for more.
    pub(crate) fn pump(&mut self, world: &mut World) -> Result<(), Halt> {
        if self.dead {
            return Err(Halt::Dead);
        }
        self.feed(world);
        let mut interests = vec![self.control.interest(), self.guest.interest()];
        interests.extend(self.net.iter().map(|(net, _)| net.interest()));
        if ipc_io::poll(&mut interests, Some(PATIENCE)).unwrap() == 0 {
            return Err(Halt::Wrong(format!("nothing happens for {PATIENCE:?}")));
        }
        drop(interests);
        self.control.fill(ipc_io::now());
        while !self.dead {
            match self.control.next_frame() {
                Ok(Some(_)) => return Err(Halt::Wrong("it spoke to its launcher".into())),
                Ok(None) => break,
                // Whatever it has sent before is still to be read.
                Err(_) => self.dead = true,
            }
        }
        self.hear_guest()?;
        self.hear_net(world);
        if self.dead { Err(Halt::Dead) } else { Ok(()) }
    }

    /// Sends what the window and the relay have for it.
    fn feed(&mut self, world: &mut World) {
        world.settle();
        if let Some((channel, net)) = &mut self.net {
            while let Some(message) = net.give(&mut world.outside) {
                channel.send(&ipc_schema::encode::<FromNet>(&message).unwrap()).unwrap();
            }
            let _ = channel.flush();
        }
        let _ = self.guest.flush();
    }

    fn hear_guest(&mut self) -> Result<(), Halt> {
        loop {
            self.guest.fill(ipc_io::now());
            match self.guest.next_frame() {
                Ok(Some(frame)) => match ipc_schema::decode(&frame).unwrap() {
                    FromSecure::Hello { schema, .. } => {
                        assert_eq!(schema, ipc_schema_ui::schema());
                    }
                    FromSecure::Answer { id, answer } => {
                        self.answers.insert(id, answer);
                    }
                    FromSecure::Event(event) => self.events.push(event),
                },
                Ok(None) if self.dead => {}
                Ok(None) => return Ok(()),
                Err(_) if self.dead => return Ok(()),
                Err(_) if self.is_dying() => {}
                Err(lost) => return Err(Halt::Wrong(format!("it dropped its guest: {lost}"))),
            }
        }
    }

    /// The ends of a process that dies are closed one after the other.
    fn is_dying(&mut self) -> bool {
        let interests = &mut [self.control.interest()];
        ipc_io::poll(interests, Some(Duration::from_secs(2))).unwrap();
        self.dead = interests[0].is_readable();
        self.dead
    }

    fn hear_net(&mut self, world: &mut World) {
        let Some((mut channel, mut net)) = self.net.take() else {
            return;
        };
        loop {
            channel.fill(ipc_io::now());
            match channel.next_frame() {
                Ok(Some(frame)) => {
                    let order = ipc_schema::decode::<ToNet>(&frame).unwrap();
                    if let Some((name, bytes)) = leaves(&order) {
                        world.note_left(&mut self.left, name, bytes);
                    }
                    if !(self.dead && self.loses_last) {
                        net.take(&mut world.outside, order);
                        world.frames += 1;
                    }
                }
                Ok(None) if self.dead => {}
                Ok(None) => break,
                Err(_) => {
                    self.dead = self.dead || self.is_dying();
                    break;
                }
            }
        }
        self.net = Some((channel, net));
    }
}

impl Drop for Alice {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if !self.dead {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

/// A number for a request that is asked once.
pub(crate) fn fresh() -> RequestId {
    let mut id = [0; 16];
    let flags = rustix::rand::GetRandomFlags::empty();
    assert_eq!(rustix::rand::getrandom(&mut id, flags).unwrap(), id.len());
    RequestId(id)
}

/// The binary beside the running test.
fn program() -> PathBuf {
    static PROGRAM: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let find = || match std::env::var_os("SOTTO_BIN") {
        // No other binary is needed.
        Some(folder) => Path::new(&folder).canonicalize().unwrap().join("secure-proc"),
        None => harness::Bins::of_this_run().unwrap().path("secure-proc"),
    };
    PROGRAM.get_or_init(find).clone()
}

const PATIENCE: Duration = Duration::from_secs(30);
