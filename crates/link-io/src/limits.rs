//! How long a peer may take, and how much of it we hold.

use std::sync::Arc;
use std::time::Duration;

use quinn::{IdleTimeout, TransportConfig, VarInt};

/// How long a peer may stay silent or unfinished before its link is dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// From the first byte of a handshake to its end.
    pub handshake: Duration,
    /// From the first byte of a frame to its last.
    pub frame: Duration,
    /// How long a peer may take none of the bytes that wait for it.
    pub unread: Duration,
    /// How long a link lives without hearing anything; at most 65 s.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            frame: Duration::from_secs(10),
            unread: Duration::from_secs(45),
            idle: Duration::from_secs(20),
        }
    }
}

/// Which end of a link we are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// Called [`crate::connect`]; opens the streams.
    Dialler,
    /// A [`crate::Listener`] accepted it; takes the streams that the other opens.
    Listener,
}

impl Limits {
    pub(crate) fn transport(self, end: End) -> Arc<TransportConfig> {
        let (streams, stream_window, window) = match end {
            End::Dialler => (VarInt::from_u32(0), DIALLER_STREAM_WINDOW, DIALLER_WINDOW),
            End::Listener => (STREAMS, LISTENER_STREAM_WINDOW, LISTENER_WINDOW),
        };
        let millis = u32::try_from(self.idle.as_millis()).unwrap_or(u32::MAX);
        let mut transport = TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(streams)
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .stream_receive_window(stream_window)
            .receive_window(window)
            .send_window(SEND_WINDOW)
            .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(millis))))
            .datagram_receive_buffer_size(None)
            .datagram_send_buffer_size(0);
        if end == End::Dialler {
            // One end is enough to keep both alive, and the relay has the most links to wake for.
            transport.keep_alive_interval(Some(self.idle / 4));
        }
        Arc::new(transport)
    }
}

const STREAMS: VarInt = VarInt::from_u32(2);
// A relay holds many links and reads each of them promptly; an endpoint holds few and catches up
// over long distances.
const LISTENER_STREAM_WINDOW: VarInt = VarInt::from_u32(128 * 1024);
const LISTENER_WINDOW: VarInt = VarInt::from_u32(192 * 1024);
const DIALLER_STREAM_WINDOW: VarInt = VarInt::from_u32(1024 * 1024);
const DIALLER_WINDOW: VarInt = VarInt::from_u32(1280 * 1024);
const SEND_WINDOW: u64 = 512 * 1024;
