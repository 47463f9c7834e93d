//! A running child: its process, its death, its control channel.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use ipc_io::{Control, Interest, Lost, SendError};
use ipc_schema::control::{FromChild, ToChild};
use rustix::process::{Pid, PidfdFlags};
use sandbox_io::Role;

use crate::part::{Death, Part};
use crate::plan::Input;

#[derive(Debug)]
pub(crate) struct Child {
    part: Part,
    process: std::process::Child,
    control: Control,
    /// Readable when the process has ended.
    end: OwnedFd,
    voice: Voice,
}

/// Whether the child is still listened to.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Voice {
    Heard,
    /// It has closed its control channel: it must be dead soon.
    Lost {
        since: u64,
    },
    /// It broke the rules, and is being killed.
    Ignored,
}

impl Child {
    /// Starts `binary` with one end of a fresh pair as its standard input.
    pub(crate) fn start(part: Part, binary: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let role = match part {
            Part::Secure => Role::Secure,
            Part::Net => Role::Net,
            Part::Window => Role::Ui,
        };
        let (ours, theirs) = ipc_io::pair()?;
        let control = Control::from_fd(ours)?;
        let process = sandbox_io::child::spawn(role, binary, arguments, theirs)?;
        let end = rustix::process::pidfd_open(Pid::from_child(&process), PidfdFlags::empty())?;
        Ok(Self { part, process, control, end, voice: Voice::Heard })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What a loop waits for.
    pub(crate) fn interests(&self) -> impl Iterator<Item = Interest<'_>> {
        let control = (self.voice == Voice::Heard).then(|| self.control.interest());
        control.into_iter().chain([Interest::read(&self.end)])
    }

    /// When to ask for news even if nothing comes.
    pub(crate) fn wake_at(&self) -> Option<u64> {
        match self.voice {
            Voice::Heard => self.control.stalled_at(),
            Voice::Lost { since } => Some(since.saturating_add(LAST_BREATH_MS)),
            Voice::Ignored => None,
        }
    }

    /// Says something; what the child does not read in time ends it.
    pub(crate) fn tell(
        &mut self,
        message: &ToChild,
        end: Option<OwnedFd>,
    ) -> Result<(), SendError> {
        let frame = ipc_schema::encode(message).map_err(|_| SendError::Zero)?;
        self.control.send(&frame, end)?;
        // Whether it is still there is seen when it is read from.
        let _ = self.control.flush();
        Ok(())
    }

    pub(crate) fn kill(&mut self) {
        // A process that has ended already cannot be killed, which is what is wanted.
        let _ = self.process.kill();
    }

    /// What it has said, and last that it is dead, if it is.
    pub(crate) fn news(&mut self, now: u64) -> Vec<Input> {
        // Asked before its last words are read, so that none is left behind.
        let death = self.death();
        let mut news = Vec::new();
        let _ = self.control.flush();
        while self.voice == Voice::Heard {
            self.control.fill(now);
            match self.control.next_frame() {
                Ok(None) => break,
                Ok(Some((frame, descriptor))) => match self.understood(&frame) {
                    Some(input) if descriptor.is_none() => news.push(input),
                    _ => self.voice = Voice::Ignored,
                },
                Err(Lost::Closed) => self.voice = Voice::Lost { since: now },
                Err(_) => self.voice = Voice::Ignored,
            }
            if self.voice == Voice::Ignored && death.is_none() {
                news.push(Input::Astray(self.part));
            }
        }
        if let Some(death) = death {
            news.push(Input::Died(self.part, death));
        } else if let Voice::Lost { since } = self.voice
            && now >= since.saturating_add(LAST_BREATH_MS)
        {
            self.voice = Voice::Ignored;
            news.push(Input::Astray(self.part));
        }
        news
    }

    fn understood(&self, frame: &[u8]) -> Option<Input> {
        match ipc_schema::decode(frame).ok()? {
            FromChild::Ready { schema, confinement } => {
                Some(Input::Ready(self.part, schema, confinement))
            }
            FromChild::Closed => Some(Input::Closed(self.part)),
        }
    }

    fn death(&mut self) -> Option<Death> {
        let status = self.process.try_wait().ok().flatten()?;
        Some(match (status.code(), status.signal()) {
            (_, Some(signal)) => Death::Signal(signal),
            (Some(code), None) => Death::Code(code),
            (None, None) => Death::Code(-1),
        })
    }
}

/// How long a process may take to end after it has closed its control channel, in ms.
const LAST_BREATH_MS: u64 = 1_000;
