//! The relay's end: many handshakes at once, each with a limit.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connecting, Connection, Endpoint, Incoming, TokioRuntime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::close::CloseReason;
use crate::key::{LinkKey, RelayKey};
use crate::limits::{End, Limits};
use crate::link::Link;
use crate::{reset, tls};

/// Accepts links on one UDP port.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    local_addr: SocketAddr,
    key: RelayKey,
    limits: Limits,
    handshakes: JoinSet<Option<Connection>>,
}

impl Listener {
    /// Listens on `addr` (port 0: a free one) and proves `key` to whoever connects. Call it inside
    /// a tokio runtime.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind(addr: SocketAddr, key: &LinkKey) -> Result<Self, BindError> {
        Self::bind_with(addr, key, Limits::default())
    }

    /// [`Listener::bind`] with other limits.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_with(addr: SocketAddr, key: &LinkKey, limits: Limits) -> Result<Self, BindError> {
        let mut config = tls::server(key).map_err(|error| BindError::Setup(error.to_string()))?;
        config
            .transport_config(limits.transport(End::Listener))
            .migration(true)
            .max_incoming(HANDSHAKES)
            .incoming_buffer_size(INCOMING_BYTES)
            .incoming_buffer_size_total(ALL_INCOMING_BYTES);
        let socket = UdpSocket::bind(addr).map_err(|error| {
            if error.kind() == io::ErrorKind::AddrInUse {
                BindError::Taken { addr }
            } else {
                BindError::Socket { addr, error }
            }
        })?;
        let refused = |error| BindError::Socket { addr, error };
        let local_addr = socket.local_addr().map_err(refused)?;
        let lives = reset::endpoint_config(key);
        let endpoint = Endpoint::new(lives, Some(config), socket, Arc::new(TokioRuntime));
        let endpoint = endpoint.map_err(refused)?;
        let handshakes = JoinSet::new();
        Ok(Self { endpoint, local_addr, key: key.public(), limits, handshakes })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The key that clients have to pin.
    #[must_use]
    pub fn key(&self) -> RelayKey {
        self.key
    }

    /// The next peer whose handshake succeeded, or `None` after [`Listener::close`]. A call that is
    /// dropped loses nothing.
    pub async fn accept(&mut self) -> Option<Link> {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        let endpoint = self.endpoint.clone();
                        return Some(Link::new(connection, endpoint, self.limits, End::Listener));
                    }
                }
                incoming = self.endpoint.accept() => self.begin(incoming?),
            }
        }
    }

    /// Closes every link with `reason` and waits a moment for the goodbyes to leave.
    pub async fn close(&mut self, reason: CloseReason) {
        self.handshakes.shutdown().await;
        self.endpoint.close(reason.code(), b"");
        // A peer that is gone does not hold up the stop.
        let _ = timeout(GOODBYE, self.endpoint.wait_idle()).await;
    }

    fn begin(&mut self, incoming: Incoming) {
        let busy = self.handshakes.len();
        if busy >= HANDSHAKES {
            return incoming.refuse();
        }
        if busy >= UNVALIDATED_HANDSHAKES && incoming.may_retry() {
            // Under a flood only senders that receive at their address get further; a failure here
            // means that the address is validated, and those are few.
            let _ = incoming.retry();
            return;
        }
        if let Ok(connecting) = incoming.accept() {
            self.handshakes.spawn(handshake(connecting, self.limits.handshake));
        }
    }
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("the UDP port of {addr} is taken; stop what listens there, or choose another port")]
    Taken {
        /// Which address.
        addr: SocketAddr,
    },
    /// The socket cannot be had.
    #[error("cannot listen on {addr}: {error}")]
    Socket {
        /// Which address.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// TLS cannot be set up.
    #[error("{0}")]
    Setup(String),
}

async fn handshake(connecting: Connecting, within: Duration) -> Option<Connection> {
    timeout(within, connecting).await.ok()?.ok()
}

const HANDSHAKES: usize = 256;
const UNVALIDATED_HANDSHAKES: usize = 64;
const INCOMING_BYTES: u64 = 16 * 1024;
const ALL_INCOMING_BYTES: u64 = 1024 * 1024;
const GOODBYE: Duration = Duration::from_secs(2);
