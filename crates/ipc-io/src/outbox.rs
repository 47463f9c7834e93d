//! What waits to be sent to a peer, bounded.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ipc_schema::LENGTH_BYTES;
use zeroize::Zeroizing;

use crate::{Lost, SendError};

#[derive(Debug)]
pub(crate) struct Outbox {
    cap: usize,
    most: usize,
    queue: VecDeque<Piece>,
    /// Of the first piece.
    sent: usize,
    waiting: usize,
}

#[derive(Debug)]
struct Piece {
    bytes: Zeroizing<Vec<u8>>,
    descriptor: Option<OwnedFd>,
}

impl Outbox {
    /// Frames of at most `cap` bytes, of which at most `most` bytes wait.
    pub(crate) fn new(cap: usize, most: usize) -> Self {
        Self { cap, most, queue: VecDeque::new(), sent: 0, waiting: 0 }
    }

    pub(crate) fn push(
        &mut self,
        frame: &[u8],
        descriptor: Option<OwnedFd>,
    ) -> Result<(), SendError> {
        let len = frame.len();
        let oversized = SendError::Oversized { len, cap: self.cap };
        let length = u32::try_from(len).map_err(|_| oversized)?;
        if len == 0 {
            return Err(SendError::Zero);
        }
        if len > self.cap {
            return Err(oversized);
        }
        let size = len.saturating_add(LENGTH_BYTES);
        // A queue that is empty always takes one frame, whatever its bound.
        if self.waiting > 0 && self.waiting.saturating_add(size) > self.most {
            return Err(SendError::Full { waiting: self.waiting });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(frame);
        self.queue.push_back(Piece { bytes, descriptor });
        self.waiting = self.waiting.saturating_add(size);
        Ok(())
    }

    /// What waits, in bytes.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Calls `write` until nothing waits (`true`) or it would block (`false`).
    pub(crate) fn flush(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>], Option<BorrowedFd<'_>>) -> io::Result<usize>,
    ) -> Result<bool, Lost> {
        while self.waiting > 0 {
            let outcome = {
                let (parts, descriptor) = self.next_batch();
                write(&parts, descriptor)
            };
            match outcome {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(Lost::of(&error)),
            }
        }
        Ok(true)
    }

    /// The pieces that go out together. One with a descriptor starts a batch, because the kernel
    /// ties a descriptor to the first byte of what it is sent with.
    fn next_batch(&self) -> (Vec<IoSlice<'_>>, Option<BorrowedFd<'_>>) {
        let mut parts = Vec::new();
        let mut descriptor = None;
        for (index, piece) in self.queue.iter().take(MOST_PARTS).enumerate() {
            if index > 0 && piece.descriptor.is_some() {
                break;
            }
            let from = if index == 0 { self.sent } else { 0 };
            parts.push(IoSlice::new(piece.bytes.get(from..).unwrap_or_default()));
            descriptor = descriptor.or(piece.descriptor.as_ref().map(AsFd::as_fd));
        }
        (parts, descriptor)
    }

    fn advance(&mut self, count: usize) {
        self.waiting = self.waiting.saturating_sub(count);
        self.sent = self.sent.saturating_add(count);
        if let Some(first) = self.queue.front_mut() {
            // It went with the first byte.
            first.descriptor = None;
        }
        while let Some(first) = self.queue.front() {
            let Some(beyond) = self.sent.checked_sub(first.bytes.len()) else {
                return;
            };
            self.sent = beyond;
            self.queue.pop_front();
        }
    }
}

const MOST_PARTS: usize = 32;
