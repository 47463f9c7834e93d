//! One peer over a connected pair of sockets, without blocking.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use interprocess::local_socket::traits::Stream as _;
use interprocess::os::unix::uds_local_socket::Stream;
use ipc_schema::{CAP_FROM_UI, CAP_NET, CAP_TO_UI};

use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::{Frame, Interest, Lost, SendError};

/// The bounds of a channel, in bytes, from where it is used.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Caps {
    /// The largest frame that is taken.
    pub inbound: usize,
    /// The largest frame that is sent.
    pub outbound: usize,
    /// The most that waits for a peer that does not read.
    pub max_queue: usize,
}

impl Caps {
    /// `secure-proc` facing a window or command line.
    pub const SECURE_TO_UI: Self =
        Self { inbound: CAP_FROM_UI, outbound: CAP_TO_UI, max_queue: 4 * CAP_TO_UI };
    /// A window or command line facing `secure-proc`.
    pub const UI_TO_SECURE: Self =
        Self { inbound: CAP_TO_UI, outbound: CAP_FROM_UI, max_queue: 16 * CAP_FROM_UI };
    /// Either end between `secure-proc` and `net-proc`.
    pub const NET: Self = Self { inbound: CAP_NET, outbound: CAP_NET, max_queue: 256 * CAP_NET };
}

/// One peer. Never blocks, starts nothing, holds at most its caps.
///
/// In a loop: [`poll`](crate::poll) on [`Channel::interest`]; when readable or at
/// [`Channel::stalled_at`] call [`Channel::fill`], then [`Channel::next_frame`] until it gives
/// `None`; [`Channel::send`] answers and [`Channel::flush`] them. A [`Lost`] from any of them, or
/// [`SendError::Full`], means: drop this channel.
#[derive(Debug)]
pub struct Channel {
    stream: Stream,
    inbox: Inbox,
    outbox: Outbox,
}

impl Channel {
    /// Takes one end of a connected pair and makes it non-blocking.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn from_fd(fd: OwnedFd, caps: Caps) -> io::Result<Self> {
        let stream = Stream::from(fd);
        // `ioctl(FIONBIO)` underneath: the only way that is also permitted in the sandbox.
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            inbox: Inbox::new(caps.inbound),
            outbox: Outbox::new(caps.outbound, caps.max_queue),
        })
    }

    /// Reads what has come, within bounds; `now` in ms.
    pub fn fill(&mut self, now: u64) {
        let mut stream = &self.stream;
        self.inbox.fill(now, |space| stream.read(space).map(|count| (count, Vec::new())));
    }

    /// The next frame; `None` until more is read.
    ///
    /// # Errors
    /// The loss of the peer, once every frame before it was taken.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Lost> {
        Ok(self.inbox.next()?.map(|(frame, _)| frame))
    }

    /// Takes a frame for sending; nothing leaves before [`Channel::flush`].
    ///
    /// # Errors
    /// When the peer does not read, or the frame is not one of this direction.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), SendError> {
        self.outbox.push(frame, None)
    }

    /// Sends what waits. `false`: something still does; call again when writable.
    ///
    /// # Errors
    /// When the peer is lost.
    pub fn flush(&mut self) -> Result<bool, Lost> {
        let mut stream = &self.stream;
        self.outbox.flush(|parts, _| stream.write_vectored(parts))
    }

    /// Does something wait to be sent?
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outbox.waiting() > 0
    }

    /// How much waits to be sent, in bytes: stop taking requests from a peer that lets this grow.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// When to call [`Channel::fill`] even if nothing comes, in ms: a frame is unfinished.
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

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
