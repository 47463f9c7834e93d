//! The launcher's named socket: the only door that has an address.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use interprocess::local_socket::traits::{Listener as _, Stream as _, StreamCommon as _};
use interprocess::local_socket::{
    GenericFilePath, ListenerNonblockingMode, ListenerOptions, ToFsName as _,
};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket as uds;
use ipc_schema::CAP_CONTROL;
use ipc_schema::control::{Knock, Report};

use crate::{Frames, Lost, STALL_MS};

/// Listens at a path, mode 0600, for programs of the same user.
#[derive(Debug)]
pub struct Listener {
    inner: uds::Listener,
    uid: u32,
}

/// A program that came in: it has said who it is to the kernel, and will say one [`Knock`].
#[derive(Debug)]
pub struct Visitor {
    stream: uds::Stream,
    frames: Frames,
    pid: i32,
    leaves_at: u64,
}

impl Listener {
    /// Starts to listen. A socket that a dead launcher left there is replaced, so hold the data
    /// folder's lock before.
    ///
    /// # Errors
    /// What the kernel says; `AlreadyExists` when there is something that is no socket.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let options = ListenerOptions::new()
            .name(path.to_fs_name::<GenericFilePath>()?)
            .nonblocking(ListenerNonblockingMode::Both)
            .mode(0o600);
        let inner = uds::Listener::from_options(options)?;
        Ok(Self { inner, uid: rustix::process::getuid().as_raw() })
    }

    /// The next visitor, at time `now` (ms); `None` when nobody waits. Other users are turned
    /// away without a word.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn accept(&self, now: u64) -> io::Result<Option<Visitor>> {
        loop {
            let stream = match self.inner.accept() {
                Ok(stream) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            };
            let Ok(peer) = stream.peer_creds() else {
                continue;
            };
            if let (Some(uid), Some(pid)) = (peer.euid(), peer.pid())
                && uid == self.uid
            {
                let frames = Frames::new(CAP_CONTROL);
                let leaves_at = now.saturating_add(STALL_MS);
                return Ok(Some(Visitor { stream, frames, pid, leaves_at }));
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Visitor {
    /// The process that connected.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When it has had time enough, in ms: call [`Visitor::knock`] then even if nothing comes.
    #[must_use]
    pub fn leaves_at(&self) -> u64 {
        self.leaves_at
    }

    /// Reads its knock, and not one byte more. `None`: not there yet.
    ///
    /// # Errors
    /// When it is gone, too slow, or sent something else.
    pub fn knock(&mut self, now: u64) -> Result<Option<Knock>, Lost> {
        loop {
            match self.stream.read(self.frames.space()) {
                Ok(0) if self.frames.is_inside() => return Err(Lost::Truncated),
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => {
                    if let Some(frame) = self.frames.filled(count, now)? {
                        return ipc_schema::decode(&frame).map(Some).map_err(|_| Lost::Malformed);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return if now < self.leaves_at { Ok(None) } else { Err(Lost::Stalled) };
                }
                Err(error) => return Err(Lost::of(&error)),
            }
        }
    }

    /// Answers and ends the visit.
    ///
    /// # Errors
    /// When it is gone. It fits the kernel's buffer, so it never waits.
    pub fn answer(mut self, report: &Report) -> Result<(), Lost> {
        let frame = ipc_schema::encode(report).map_err(|_| Lost::Malformed)?;
        let length = u32::try_from(frame.len()).map_err(|_| Lost::Malformed)?;
        let bytes = [&length.to_be_bytes()[..], &frame].concat();
        self.stream.write_all(&bytes).map_err(|error| Lost::of(&error))
    }

    /// The connection, to be handed over; blocking again, as its next owner expects.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn into_fd(self) -> io::Result<OwnedFd> {
        self.stream.set_nonblocking(false)?;
        Ok(self.stream.into())
    }
}

impl AsFd for Visitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The visitor is gone already, or a signal came: the next one may be there.
fn is_passing(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::ConnectionAborted || kind == io::ErrorKind::Interrupted
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// `IPC-IO-08`
    #[test]
    fn another_user_is_turned_away_without_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut listener = Listener::bind(&path).unwrap();
        let _ours = UnixStream::connect(&path).unwrap();
        assert!(listener.accept(0).unwrap().is_some());

        listener.uid = listener.uid.wrapping_add(1);
        let mut theirs = UnixStream::connect(&path).unwrap();
        assert!(listener.accept(0).unwrap().is_none());
        assert_eq!(theirs.read(&mut [0; 1]).unwrap(), 0);
    }
}
