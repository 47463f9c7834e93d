//! Between the launcher and a child: frames that may carry a descriptor.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use interprocess::local_socket::traits::Stream as _;
use interprocess::os::unix::uds_local_socket::Stream;
use ipc_schema::CAP_CONTROL;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::{Frame, Interest, Lost, SendError};

/// One end between the launcher and a child; used like a [`Channel`](crate::Channel).
#[derive(Debug)]
pub struct Control {
    stream: Stream,
    inbox: Inbox,
    outbox: Outbox,
}

impl Control {
    /// Takes one end of a connected pair and makes it non-blocking.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let stream = Stream::from(fd);
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            inbox: Inbox::new(CAP_CONTROL),
            outbox: Outbox::new(CAP_CONTROL, MOST_WAITING),
        })
    }

    /// Reads what has come, within bounds; `now` in ms.
    pub fn fill(&mut self, now: u64) {
        let socket = self.stream.as_fd();
        self.inbox.fill(now, |space| receive(socket, space));
    }

    /// The next frame and the descriptor that came with it; `None` until more is read.
    ///
    /// # Errors
    /// The loss of the peer, once every frame before it was taken.
    pub fn next_frame(&mut self) -> Result<Option<(Frame, Option<OwnedFd>)>, Lost> {
        self.inbox.next()
    }

    /// Takes a frame for sending, and a descriptor, which is closed here once it has left.
    ///
    /// # Errors
    /// When the peer does not read, or the frame is too large or empty.
    pub fn send(&mut self, frame: &[u8], descriptor: Option<OwnedFd>) -> Result<(), SendError> {
        self.outbox.push(frame, descriptor)
    }

    /// Sends what waits. `false`: something still does; call again when writable.
    ///
    /// # Errors
    /// When the peer is lost.
    pub fn flush(&mut self) -> Result<bool, Lost> {
        let socket = self.stream.as_fd();
        self.outbox.flush(|parts, descriptor| transmit(socket, parts, descriptor))
    }

    /// Does something wait to be sent?
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outbox.waiting() > 0
    }

    /// When to call [`Control::fill`] even if nothing comes, in ms: a frame is unfinished.
    #[must_use]
    pub fn stalled_at(&self) -> Option<u64> {
        self.inbox.stalls_at()
    }

    /// What a loop waits for.
    #[must_use]
    pub fn interest(&self) -> Interest<'_> {
        Interest::read(self).and_write(self.wants_write())
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn transmit(
    socket: BorrowedFd<'_>,
    parts: &[IoSlice<'_>],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<usize> {
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    Ok(rustix::net::sendmsg(socket, parts, &mut ancillary, SendFlags::NOSIGNAL)?)
}

/// Reads bytes and every descriptor beside them, marked close-on-exec.
fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_TAKEN))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(bytes)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut parts, &mut ancillary, flags)?;
    let mut taken: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            taken.extend(descriptors);
        }
    }
    // The kernel has closed what did not fit; there was room for one more than is permitted, so
    // the two that did fit already say that there were too many.
    Ok((received.bytes, taken))
}

/// One more than a frame may carry, so that a second one is seen as what it is.
const MOST_TAKEN: usize = 2;
const MOST_WAITING: usize = 64 * CAP_CONTROL;
