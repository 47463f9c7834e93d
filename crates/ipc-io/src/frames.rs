//! Frames out of bytes, without I/O: a big-endian `u32` length, then so many bytes.

use ipc_schema::LENGTH_BYTES;
use zeroize::Zeroizing;

/// The bytes of one frame without its length; wiped when it goes, since many carry texts.
pub type Frame = Zeroizing<Vec<u8>>;

/// A frame that is unfinished for so long drops the peer, in ms.
pub const STALL_MS: u64 = 5_000;

/// Why bytes are no frame. The peer that sent them is dropped.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum FrameFault {
    /// Longer than its direction allows; found before anything is allocated for it.
    #[error("a frame of {len} bytes was announced where {cap} are the most")]
    Oversized {
        /// What the length says.
        len: u32,
        /// The most.
        cap: usize,
    },
    /// A frame without bytes: no message is that short.
    #[error("an empty frame was announced")]
    Zero,
}

/// Puts frames together. It never asks for a byte beyond the frame that it is in, so whoever
/// shares the stream loses nothing, and no plaintext stays behind in a buffer.
#[derive(Debug)]
pub struct Frames {
    cap: usize,
    stage: Stage,
    started: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    Length { bytes: [u8; LENGTH_BYTES], filled: usize },
    Body { bytes: Frame, filled: usize },
}

impl Frames {
    /// Frames of at most `cap` bytes.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self { cap, stage: Stage::START, started: None }
    }

    /// Where the next bytes go; never empty. Call [`Frames::filled`] afterwards.
    pub fn space(&mut self) -> &mut [u8] {
        match &mut self.stage {
            Stage::Length { bytes, filled } => bytes.get_mut(*filled..),
            Stage::Body { bytes, filled } => bytes.get_mut(*filled..),
        }
        .unwrap_or_default()
    }

    /// At time `now` (ms), `count` bytes were put into [`Frames::space`]. Gives the frame that
    /// they finish, if any.
    ///
    /// # Errors
    /// When a length is refused; nothing else can be read from that peer then.
    pub fn filled(&mut self, count: usize, now: u64) -> Result<Option<Frame>, FrameFault> {
        if count > 0 && self.started.is_none() {
            self.started = Some(now);
        }
        match &mut self.stage {
            Stage::Length { bytes, filled } => {
                *filled = filled.saturating_add(count);
                if *filled >= LENGTH_BYTES {
                    let len = checked(u32::from_be_bytes(*bytes), self.cap)?;
                    self.stage = Stage::Body { bytes: Zeroizing::new(vec![0; len]), filled: 0 };
                }
                Ok(None)
            }
            Stage::Body { bytes, filled } => {
                *filled = filled.saturating_add(count);
                if *filled < bytes.len() {
                    return Ok(None);
                }
                let frame = std::mem::take(bytes);
                self.stage = Stage::START;
                self.started = None;
                Ok(Some(frame))
            }
        }
    }

    /// Takes bytes from the front of `input` up to the end of the frame they belong to.
    ///
    /// # Errors
    /// As [`Frames::filled`].
    pub fn push(&mut self, input: &mut &[u8], now: u64) -> Result<Option<Frame>, FrameFault> {
        while !input.is_empty() {
            let space = self.space();
            let count = space.len().min(input.len());
            let (head, rest) = input.split_at(count);
            space.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
            *input = rest;
            if let Some(frame) = self.filled(count, now)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// When the frame that has begun counts as stalled, in ms; `None` between frames.
    #[must_use]
    pub fn stalls_at(&self) -> Option<u64> {
        self.started.map(|started| started.saturating_add(STALL_MS))
    }

    /// Has a frame begun and not ended?
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.started.is_some()
    }
}

impl Stage {
    const START: Self = Self::Length { bytes: [0; LENGTH_BYTES], filled: 0 };
}

fn checked(len: u32, cap: usize) -> Result<usize, FrameFault> {
    let oversized = FrameFault::Oversized { len, cap };
    match usize::try_from(len).map_err(|_| oversized)? {
        0 => Err(FrameFault::Zero),
        fits if fits <= cap => Ok(fits),
        _ => Err(oversized),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            out.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
            out.extend_from_slice(body);
        }
        out
    }

    fn all(frames: &mut Frames, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            out.extend(frames.push(&mut bytes, 0).unwrap().map(|frame| frame.to_vec()));
        }
        out
    }

    /// `IPC-IO-01`
    #[test]
    fn a_refused_length_is_refused_before_anything_is_allocated() {
        let cases = [
            ([0, 0, 0, 0], FrameFault::Zero),
            ([0, 0, 0, 9], FrameFault::Oversized { len: 9, cap: 8 }),
            ([255; 4], FrameFault::Oversized { len: u32::MAX, cap: 8 }),
        ];
        for (length, fault) in cases {
            let mut frames = Frames::new(8);
            assert_eq!(frames.push(&mut &length[..], 0), Err(fault));
            assert!(matches!(frames.stage, Stage::Length { .. }));
        }
        assert_eq!(all(&mut Frames::new(8), &framed(&[vec![7; 8]])), [vec![7; 8]]);
    }

    /// `IPC-IO-02`
    #[test]
    fn the_clock_of_a_stall_starts_with_the_first_byte_and_slow_progress_does_not_help() {
        let mut frames = Frames::new(8);
        assert_eq!(frames.stalls_at(), None);
        frames.push(&mut &[0][..], 100).unwrap();
        assert_eq!(frames.stalls_at(), Some(100 + STALL_MS));
        frames.push(&mut &[0, 0, 2, 5][..], 4_000).unwrap();
        assert_eq!(frames.stalls_at(), Some(100 + STALL_MS));
        assert!(frames.push(&mut &[6][..], 4_001).unwrap().is_some());
        assert_eq!(frames.stalls_at(), None);
    }

    proptest! {
        /// `IPC-IO-01`
        #[test]
        fn frames_come_out_as_they_went_in_however_the_bytes_are_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in prop::collection::vec(1_usize..7, 1..50),
        ) {
            let bytes = framed(&bodies);
            let mut frames = Frames::new(40);
            let mut out = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (head, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                out.extend(all(&mut frames, head));
                rest = tail;
            }
            prop_assert_eq!(out, bodies);
            prop_assert!(!frames.is_inside());
        }
    }
}
