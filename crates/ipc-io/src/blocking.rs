//! The same for programs that may wait: command lines, and threads of `net-proc` and `ui-proc`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::Shutdown;

use crate::{Caps, Channel, Control, Frame, Interest, Lost, STALL_MS, SendError, now, poll};

/// A peer that is asked and answers.
#[derive(Debug)]
pub struct Client {
    receiver: Receiver,
    sender: Sender,
}

/// The half of a connection that waits for frames.
#[derive(Debug)]
pub struct Receiver(Channel);

/// The half of a connection that sends frames.
#[derive(Debug)]
pub struct Sender(Channel);

/// The half of a control channel that waits for frames and descriptors.
#[derive(Debug)]
pub struct ControlReceiver(Control);

/// The half of a control channel that sends frames.
#[derive(Debug)]
pub struct ControlSender(Control);

impl Client {
    /// Takes one end of a connected pair.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn from_fd(fd: OwnedFd, caps: Caps) -> io::Result<Self> {
        let second = fd.try_clone()?;
        Ok(Self {
            receiver: Receiver(Channel::from_fd(fd, caps)?),
            sender: Sender(Channel::from_fd(second, caps)?),
        })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send(&mut self, frame: &[u8]) -> Result<(), Lost> {
        self.sender.send(frame)
    }

    /// Waits for a frame.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<Option<Frame>, Lost> {
        self.receiver.recv(timeout)
    }

    /// Two halves for two threads.
    #[must_use]
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Receiver {
    /// Waits for a frame; `None` when `timeout` is over, without one it waits for ever.
    ///
    /// # Errors
    /// When the peer is lost.
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<Option<Frame>, Lost> {
        let end = timeout.map(end_of);
        loop {
            if let Some(frame) = self.0.next_frame()? {
                return Ok(Some(frame));
            }
            if !wait(Interest::read(&self.0), end, self.0.stalled_at())? {
                return Ok(None);
            }
            self.0.fill(now());
        }
    }
}

impl Sender {
    /// Sends a frame, waiting for a peer that does not read.
    ///
    /// # Errors
    /// When the peer is lost, or did not read for 5 s. [`Lost::Malformed`] when the frame is empty
    /// or longer than this direction allows.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), Lost> {
        self.0.send(frame).map_err(unsendable)?;
        loop {
            let before = self.0.waiting();
            if self.0.flush()? {
                return Ok(());
            }
            let end = Some(now().saturating_add(STALL_MS));
            let moved = self.0.waiting() < before;
            if !wait(Interest::close(&self.0).and_write(true), end, None)? && !moved {
                return Err(Lost::Stalled);
            }
        }
    }

    /// Ends the connection in both directions: the other half sees its end.
    pub fn close(self) {
        close(&self.0);
    }
}

impl ControlReceiver {
    /// Waits for a frame and the descriptor that came with it, for ever.
    ///
    /// # Errors
    /// When the peer is lost.
    pub fn recv(&mut self) -> Result<(Frame, Option<OwnedFd>), Lost> {
        loop {
            if let Some(parcel) = self.0.next_frame()? {
                return Ok(parcel);
            }
            wait(Interest::read(&self.0), None, self.0.stalled_at())?;
            self.0.fill(now());
        }
    }
}

impl ControlSender {
    /// Sends a frame, waiting for a peer that does not read.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send(&mut self, frame: &[u8]) -> Result<(), Lost> {
        self.0.send(frame, None).map_err(unsendable)?;
        while !self.0.flush()? {
            let end = Some(now().saturating_add(STALL_MS));
            if !wait(Interest::close(&self.0).and_write(true), end, None)? {
                return Err(Lost::Stalled);
            }
        }
        Ok(())
    }
}

impl Control {
    /// Two halves for two threads that may wait.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn split(fd: OwnedFd) -> io::Result<(ControlReceiver, ControlSender)> {
        let second = fd.try_clone()?;
        Ok((ControlReceiver(Self::from_fd(fd)?), ControlSender(Self::from_fd(second)?)))
    }
}

/// Waits for `interest` until `end`, and at most until `stall`. `false`: `end` has come.
fn wait(interest: Interest<'_>, end: Option<u64>, stall: Option<u64>) -> Result<bool, Lost> {
    let begun = now();
    let until = end.into_iter().chain(stall).min();
    let timeout = until.map(|at| Duration::from_millis(at.saturating_sub(begun)));
    let count = poll(&mut [interest], timeout).map_err(|error| Lost::of(&error))?;
    Ok(count > 0 || end.is_none_or(|end| now() < end))
}

fn end_of(timeout: Duration) -> u64 {
    now().saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX))
}

fn close(fd: &impl AsFd) {
    // A peer that is gone already is closed as well.
    let _ = rustix::net::shutdown(fd, Shutdown::Both);
}

fn unsendable(error: SendError) -> Lost {
    match error {
        SendError::Full { .. } => Lost::Stalled,
        SendError::Oversized { .. } | SendError::Zero => Lost::Malformed,
    }
}
