//! Waiting for several descriptors at once, and the clock that goes with it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::time::ClockId;

/// What is awaited of a descriptor, and after [`poll`] what came.
#[derive(Debug)]
pub struct Interest<'fd> {
    fd: BorrowedFd<'fd>,
    wanted: PollFlags,
    came: PollFlags,
}

impl<'fd> Interest<'fd> {
    /// Waits until there is something to read, or the peer has closed.
    pub fn read(fd: &'fd impl AsFd) -> Self {
        Self { fd: fd.as_fd(), wanted: PollFlags::IN, came: PollFlags::empty() }
    }

    /// Waits only until the peer has closed: for a peer whose requests are put off.
    pub fn close(fd: &'fd impl AsFd) -> Self {
        Self { fd: fd.as_fd(), wanted: PollFlags::empty(), came: PollFlags::empty() }
    }

    /// Also waits until it can be written, if `wanted`.
    #[must_use]
    pub fn and_write(mut self, wanted: bool) -> Self {
        self.wanted.set(PollFlags::OUT, wanted);
        self
    }

    /// Is there something to read, the end included?
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.came.intersects(PollFlags::IN | END)
    }

    /// Can it be written, or would writing say that the peer is gone?
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.came.intersects(PollFlags::OUT | END)
    }
}

/// Waits until one of `interests` comes true or `timeout` is over; `None` waits for ever. How
/// many came true: 0 also if a signal came first.
///
/// # Errors
/// What the kernel says.
pub fn poll(interests: &mut [Interest<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    // A time that does not fit is as good as for ever.
    let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
    let mut fds: Vec<PollFd<'_>> = interests
        .iter()
        .map(|interest| PollFd::from_borrowed_fd(interest.fd, interest.wanted))
        .collect();
    let count = match rustix::event::poll(&mut fds, timeout.as_ref()) {
        Err(Errno::INTR) => 0,
        outcome => outcome?,
    };
    let came: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    for (interest, came) in interests.iter_mut().zip(came) {
        interest.came = if count == 0 { PollFlags::empty() } else { came };
    }
    Ok(count)
}

/// A clock that never goes back, in ms from some start: for stalls and back-off.
#[must_use]
pub fn now() -> u64 {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    let ms = |value: i64| u64::try_from(value).unwrap_or(0);
    ms(time.tv_sec).saturating_mul(1000).saturating_add(ms(time.tv_nsec) / 1_000_000)
}

/// A connected pair of stream sockets, closed on exec.
///
/// # Errors
/// What the kernel says.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    Ok(rustix::net::socketpair(family, kind, SocketFlags::CLOEXEC, None)?)
}

const END: PollFlags = PollFlags::HUP.union(PollFlags::ERR);
