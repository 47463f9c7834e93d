//! What has arrived from a peer: finished frames, the frame that is being read, and the end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use crate::{Frame, Frames, Lost};

/// A frame, and the descriptor that came with it.
pub(crate) type Parcel = (Frame, Option<OwnedFd>);

#[derive(Debug)]
pub(crate) struct Inbox {
    frames: Frames,
    descriptor: Option<OwnedFd>,
    ready: VecDeque<Parcel>,
    ready_bytes: usize,
    ending: Option<Lost>,
}

impl Inbox {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            frames: Frames::new(cap),
            descriptor: None,
            ready: VecDeque::new(),
            ready_bytes: 0,
            ending: None,
        }
    }

    /// Calls `read` until it would block, the peer is lost, or enough frames wait to be taken:
    /// one busy peer cannot keep a loop from the others, nor fill the memory.
    pub(crate) fn fill(
        &mut self,
        now: u64,
        mut read: impl FnMut(&mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)>,
    ) {
        while self.ending.is_none() && self.has_room() {
            match read(self.frames.space()) {
                Ok((0, _)) if self.frames.is_inside() => self.ending = Some(Lost::Truncated),
                Ok((0, _)) => self.ending = Some(Lost::Closed),
                Ok((count, descriptors)) => self.take(count, descriptors, now),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Only here, so that our own slowness is never held against a peer.
                    if self.frames.stalls_at().is_some_and(|at| now >= at) {
                        self.ending = Some(Lost::Stalled);
                    }
                    return;
                }
                Err(error) => self.ending = Some(Lost::of(&error)),
            }
        }
    }

    /// The next frame; the loss once there is none before it.
    pub(crate) fn next(&mut self) -> Result<Option<Parcel>, Lost> {
        match (self.ready.pop_front(), self.ending) {
            (Some(parcel), _) => {
                self.ready_bytes = self.ready_bytes.saturating_sub(parcel.0.len());
                Ok(Some(parcel))
            }
            (None, Some(lost)) => Err(lost),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn stalls_at(&self) -> Option<u64> {
        self.frames.stalls_at()
    }

    fn take(&mut self, count: usize, descriptors: Vec<OwnedFd>, now: u64) {
        for descriptor in descriptors {
            if self.descriptor.replace(descriptor).is_some() {
                self.descriptor = None;
                self.ending = Some(Lost::Descriptors);
                return;
            }
        }
        match self.frames.filled(count, now) {
            Ok(Some(frame)) => {
                self.ready_bytes = self.ready_bytes.saturating_add(frame.len());
                self.ready.push_back((frame, self.descriptor.take()));
            }
            Ok(None) => {}
            Err(fault) => self.ending = Some(fault.into()),
        }
    }

    fn has_room(&self) -> bool {
        self.ready.len() < MOST_FRAMES && self.ready_bytes < ENOUGH_BYTES
    }
}

const MOST_FRAMES: usize = 64;
const ENOUGH_BYTES: usize = 64 * 1024;
