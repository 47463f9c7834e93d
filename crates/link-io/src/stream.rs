//! Frames on one stream: sending with shared buffers, receiving with every length checked first.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{ReadError, RecvStream, SendStream, WriteError};
use tokio::time::{Instant, timeout, timeout_at};

use crate::close::{CloseReason, Closed};
use crate::frame::{Class, Frame, FrameError, HEAD};
use crate::limits::Limits;

/// The one stream of its class on a link; take it apart to send and receive independently.
#[derive(Debug)]
pub struct Stream {
    /// Frames to the other end.
    pub sender: Sender,
    /// Frames from the other end.
    pub receiver: Receiver,
}

impl Stream {
    pub(crate) fn new(
        class: Class,
        connection: &quinn::Connection,
        (send, recv): (SendStream, RecvStream),
        limits: Limits,
    ) -> Self {
        Self {
            sender: Sender {
                class,
                connection: connection.clone(),
                stream: send,
                unread: limits.unread,
                torn: false,
            },
            receiver: Receiver {
                connection: connection.clone(),
                stream: recv,
                cap: class.cap(),
                complete_within: limits.frame,
                ready: Bytes::new(),
                making: HEAD_MISSING,
                started: None,
            },
        }
    }
}

/// Sends frames of one class.
#[derive(Debug)]
pub struct Sender {
    class: Class,
    connection: quinn::Connection,
    stream: SendStream,
    unread: Duration,
    torn: bool,
}

impl Sender {
    /// Sends one frame that carries `body`.
    ///
    /// # Errors
    /// As [`Sender::send_all`].
    pub async fn send(&mut self, body: &[u8]) -> Result<(), SendError> {
        let frame = Frame::new(body).map_err(SendError::Frame)?;
        self.send_all(std::slice::from_ref(&frame)).await
    }

    /// Sends frames in one write, without copying them. Returns when the transport has taken them
    /// all, which says nothing about the other end. A call that is dropped half-way leaves the
    /// stream torn, and the next call closes the link.
    ///
    /// # Errors
    /// When a frame is too long for the class (nothing is sent), the link is gone, or the other end
    /// took nothing for the time that [`Limits::unread`] allows (the link is closed).
    pub async fn send_all(&mut self, frames: &[Frame]) -> Result<(), SendError> {
        let cap = self.class.cap();
        if let Some(length) = frames.iter().map(Frame::body_len).find(|length| *length > cap) {
            return Err(SendError::Frame(FrameError::TooLong { length, cap }));
        }
        if std::mem::replace(&mut self.torn, true) {
            close(&self.connection, CloseReason::Streams);
            return Err(SendError::Torn);
        }
        let mut chunks: Vec<Bytes> = frames.iter().map(Frame::wire).collect();
        let mut rest = chunks.as_mut_slice();
        while !rest.is_empty() {
            let written = match timeout(self.unread, self.stream.write_chunks(rest)).await {
                Ok(Ok(written)) => written,
                Ok(Err(error)) => return Err(self.lost(error)),
                Err(_) => {
                    close(&self.connection, CloseReason::Unread);
                    return Err(SendError::Unread);
                }
            };
            rest = rest.split_at_mut_checked(written.chunks).map_or(&mut [], |(_, rest)| rest);
        }
        self.torn = false;
        Ok(())
    }

    /// Says that nothing more follows; the other end receives `None`.
    pub fn finish(&mut self) {
        // It fails only when the stream has ended already, which is what was asked for.
        let _ = self.stream.finish();
    }

    fn lost(&self, error: WriteError) -> SendError {
        match error {
            WriteError::ConnectionLost(error) => SendError::Closed(error.into()),
            WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => {
                SendError::Closed(ended(&self.connection))
            }
        }
    }
}

/// Why frames were not sent.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The bytes are no frame of this class; the link is unharmed.
    #[error(transparent)]
    Frame(FrameError),
    /// The link or the stream is gone.
    #[error(transparent)]
    Closed(Closed),
    /// The other end does not read; the link has been closed.
    #[error("the other end takes nothing of what waits for it")]
    Unread,
    /// An earlier call was dropped half-way; the link has been closed.
    #[error("an earlier frame was sent only in part")]
    Torn,
}

/// Receives frames of one class.
#[derive(Debug)]
pub struct Receiver {
    connection: quinn::Connection,
    stream: RecvStream,
    cap: usize,
    complete_within: Duration,
    /// Bytes that arrived behind the last frame.
    ready: Bytes,
    making: Making,
    /// When the frame in the making began.
    started: Option<Instant>,
}

/// The part of a frame that has arrived.
#[derive(Debug)]
enum Making {
    Head { bytes: [u8; HEAD], filled: usize },
    Body { bytes: BytesMut, length: usize },
}

impl Receiver {
    /// The next frame, or `None` when the other end has said that nothing more follows. A call that
    /// is dropped loses nothing.
    ///
    /// # Errors
    /// When the link is gone, or the other end breaks the rules of frames (the link is closed).
    pub async fn recv(&mut self) -> Result<Option<Bytes>, RecvError> {
        loop {
            if let Some(frame) = self.assemble()? {
                return Ok(Some(frame));
            }
            let Some(bytes) = self.more().await? else {
                return match self.started {
                    None => Ok(None),
                    Some(_) => Err(self.fault(CloseReason::Streams, RecvError::Cut)),
                };
            };
            self.ready = bytes;
        }
    }

    /// Moves what is ready into the frame in the making; gives the frame when it is complete.
    fn assemble(&mut self) -> Result<Option<Bytes>, RecvError> {
        while !self.ready.is_empty() {
            if self.started.is_none() {
                self.started = Some(Instant::now());
            }
            match &mut self.making {
                Making::Head { bytes, filled } => {
                    for (slot, byte) in bytes.iter_mut().skip(*filled).zip(self.ready.iter()) {
                        *slot = *byte;
                    }
                    let taken = HEAD.saturating_sub(*filled).min(self.ready.len());
                    *filled = filled.saturating_add(taken);
                    let (complete, head) = (*filled == HEAD, *bytes);
                    self.ready = self.ready.split_off(taken);
                    if complete {
                        let length = self.checked_length(head)?;
                        self.making =
                            Making::Body { bytes: BytesMut::with_capacity(length), length };
                    }
                }
                Making::Body { bytes, length } => {
                    let taken = length.saturating_sub(bytes.len()).min(self.ready.len());
                    bytes.put_slice(&self.ready.split_to(taken));
                    if bytes.len() == *length {
                        // Copied out of the datagram, so that keeping a frame keeps nothing else.
                        let frame = bytes.split().freeze();
                        self.making = HEAD_MISSING;
                        self.started = None;
                        return Ok(Some(frame));
                    }
                }
            }
        }
        Ok(None)
    }

    fn checked_length(&self, head: [u8; HEAD]) -> Result<usize, RecvError> {
        let length = u32::from_be_bytes(head);
        match usize::try_from(length) {
            Ok(length) if (1..=self.cap).contains(&length) => Ok(length),
            Ok(_) | Err(_) => {
                let error = RecvError::Length { length, cap: self.cap };
                Err(self.fault(CloseReason::FrameLength, error))
            }
        }
    }

    async fn more(&mut self) -> Result<Option<Bytes>, RecvError> {
        let next = self.stream.read_chunk(usize::MAX, true);
        let chunk = match self.started {
            None => next.await,
            Some(started) => {
                let Ok(chunk) = timeout_at(started + self.complete_within, next).await else {
                    return Err(self.fault(CloseReason::Stalled, RecvError::Stalled));
                };
                chunk
            }
        };
        match chunk {
            Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
            Err(ReadError::ConnectionLost(error)) => Err(RecvError::Closed(error.into())),
            Err(
                ReadError::Reset(_)
                | ReadError::ClosedStream
                | ReadError::IllegalOrderedRead
                | ReadError::ZeroRttRejected,
            ) => Err(RecvError::Closed(ended(&self.connection))),
        }
    }

    fn fault(&self, reason: CloseReason, error: RecvError) -> RecvError {
        close(&self.connection, reason);
        error
    }
}

/// Why no frame was received.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecvError {
    /// A frame of no bytes, or of more than allowed; the link has been closed.
    #[error("a frame of {length} bytes, where 1 to {cap} are allowed")]
    Length {
        /// What the frame announced.
        length: u32,
        /// The most that its class allows.
        cap: usize,
    },
    /// A frame was not complete in time; the link has been closed.
    #[error("a frame began and did not end in time")]
    Stalled,
    /// The stream ended inside a frame; the link has been closed.
    #[error("the stream ended inside a frame")]
    Cut,
    /// The link or the stream is gone.
    #[error(transparent)]
    Closed(Closed),
}

pub(crate) fn close(connection: &quinn::Connection, reason: CloseReason) {
    connection.close(reason.code(), b"");
}

/// A stream that ends without a goodbye takes its link along: there is no second one of its class.
fn ended(connection: &quinn::Connection) -> Closed {
    close(connection, CloseReason::Streams);
    connection.close_reason().map_or(Closed::Here, Closed::from)
}

const HEAD_MISSING: Making = Making::Head { bytes: [0; HEAD], filled: 0 };
