//! Inherited and handed-over descriptors. Whoever holds a socket's end is its peer; these
//! functions are how the ends travel.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

/// Takes the control socket that the launcher put on standard input, and leaves `/dev/null`
/// there. Call it before [`confine`](crate::confine), which closes `/dev/null` to most roles.
///
/// # Errors
/// What the kernel says if standard input is closed or `/dev/null` is missing.
pub fn take_stdin() -> io::Result<OwnedFd> {
    let taken = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Ok(taken)
}

/// Sends `payload`, at least one byte, with one descriptor. The caller keeps its own copy.
///
/// # Errors
/// What the kernel says; `InvalidInput` if `payload` is empty, because an empty message would
/// carry no descriptor.
pub fn send_fd(socket: BorrowedFd<'_>, payload: &[u8], fd: BorrowedFd<'_>) -> io::Result<()> {
    if payload.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let fds = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let sent = loop {
        let parts = [IoSlice::new(payload)];
        match rustix::net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => break outcome?,
        }
    };
    if sent == payload.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives up to `payload.len()` bytes and the descriptor that came with them, if any, marked
/// close-on-exec. Zero bytes mean that the peer has closed.
///
/// # Errors
/// What the kernel says; `InvalidData` if more than one descriptor came (all are closed then).
pub fn recv_fd(socket: BorrowedFd<'_>, payload: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(payload)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(socket, &mut parts, &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => break outcome?,
        }
    };
    let mut taken: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            taken.extend(fds);
        }
    }
    // Alignment leaves room for a second one, so count as well as look at the flag.
    if received.flags.contains(ReturnFlags::CTRUNC) || taken.len() > 1 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((received.bytes, taken.pop()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// `SANDBOX-06`
    #[test]
    fn a_descriptor_arrives_with_its_bytes_and_is_closed_on_exec() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut here, there) = UnixStream::pair().unwrap();
        send_fd(near.as_fd(), b"ui", there.as_fd()).unwrap();
        drop(there);

        let mut payload = [0; 8];
        let (count, fd) = recv_fd(far.as_fd(), &mut payload).unwrap();
        let fd = fd.unwrap();
        assert_eq!(&payload[..count], b"ui");
        assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));

        UnixStream::from(fd).write_all(b"hello").unwrap();
        let mut text = String::new();
        here.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    /// `SANDBOX-06`
    #[test]
    fn bytes_may_come_without_a_descriptor_and_a_closed_peer_gives_none() {
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(b"x").unwrap();
        drop(near);
        let mut payload = [0; 8];
        assert!(matches!(recv_fd(far.as_fd(), &mut payload), Ok((1, None))));
        assert!(matches!(recv_fd(far.as_fd(), &mut payload), Ok((0, None))));
    }

    /// `SANDBOX-06`
    #[test]
    fn two_descriptors_at_once_are_refused_and_closed() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut here, there) = UnixStream::pair().unwrap();
        let fds = [there.as_fd(), there.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        let parts = [IoSlice::new(b"x")];
        rustix::net::sendmsg(&near, &parts, &mut control, SendFlags::empty()).unwrap();
        drop(there);

        let refused = recv_fd(far.as_fd(), &mut [0; 8]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        // The end of the stream shows that no copy is open any more.
        assert_eq!(here.read(&mut [0; 1]).unwrap(), 0);
    }

    /// `SANDBOX-06`
    #[test]
    fn an_empty_payload_is_refused_because_the_descriptor_would_be_lost() {
        let (near, _far) = UnixStream::pair().unwrap();
        let refused = send_fd(near.as_fd(), b"", near.as_fd()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
