//! A link: one QUIC connection between an endpoint and a relay.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use quinn::{ConnectionError, Endpoint, TransportErrorCode};
use tokio::time::timeout;

use crate::close::{CloseReason, Closed};
use crate::frame::Class;
use crate::key::RelayKey;
use crate::limits::{End, Limits};
use crate::stream::{Stream, close};
use crate::tls::{self, Pin};

/// Connects to the relay at `addr` and accepts it only if it holds the key `pinned`.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(addr: SocketAddr, pinned: RelayKey) -> Result<Link, ConnectError> {
    connect_with(addr, pinned, Limits::default()).await
}

/// [`connect`] with other limits.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_with(
    addr: SocketAddr,
    pinned: RelayKey,
    limits: Limits,
) -> Result<Link, ConnectError> {
    let pin = Arc::new(Pin::new(pinned));
    let setup = |error: tls::TlsError| ConnectError::Setup(error.to_string());
    let mut config = tls::client(Arc::clone(&pin)).map_err(setup)?;
    config.transport_config(limits.transport(End::Dialler));
    let any = match addr {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let endpoint = Endpoint::client(any).map_err(ConnectError::Socket)?;
    let connecting = endpoint
        .connect_with(config, addr, tls::RELAY_NAME)
        .map_err(|error| ConnectError::Setup(error.to_string()))?;
    let connected = match timeout(limits.handshake, connecting).await {
        Ok(connected) => connected,
        Err(_) => return Err(ConnectError::NoAnswer { addr }),
    };
    let connection = connected.map_err(|error| refusal(error, addr, pinned, &pin))?;
    Ok(Link::new(connection, endpoint, limits, End::Dialler))
}

/// A link to one peer. Clones are the same link; the last one that goes closes it.
#[derive(Clone, Debug)]
pub struct Link {
    connection: quinn::Connection,
    endpoint: Endpoint,
    limits: Limits,
    end: End,
    /// One bit per class of which the stream is open.
    open: Arc<AtomicU8>,
}

impl Link {
    pub(crate) fn new(
        connection: quinn::Connection,
        endpoint: Endpoint,
        limits: Limits,
        end: End,
    ) -> Self {
        Self { connection, endpoint, limits, end, open: Arc::new(AtomicU8::new(0)) }
    }

    /// Opens the stream of a class; only the end that connected may.
    ///
    /// # Errors
    /// When the other end should open it, it is open already, or the link is gone.
    pub async fn open(&self, class: Class) -> Result<Stream, OpenError> {
        if self.end != End::Dialler {
            return Err(OpenError::NotOurs);
        }
        if !self.take(class) {
            return Err(OpenError::Twice { class });
        }
        let (mut send, recv) = self.connection.open_bi().await.map_err(OpenError::from)?;
        if send.write_all(&[class.byte()]).await.is_err() {
            return Err(OpenError::Closed(self.closed().await));
        }
        // It fails only on a stream that is gone, which the first frame will tell.
        let _ = send.set_priority(class.priority());
        Ok(Stream::new(class, &self.connection, (send, recv), self.limits))
    }

    /// The next stream that the other end opens, and its class.
    ///
    /// # Errors
    /// When the link is gone, or the other end breaks the rules of streams (the link is closed).
    pub async fn accept(&self) -> Result<(Class, Stream), AcceptError> {
        let (send, mut recv) = self.connection.accept_bi().await.map_err(AcceptError::from)?;
        let mut first = [0];
        let read = timeout(self.limits.frame, recv.read_exact(&mut first)).await;
        let Ok(Ok(())) = read else {
            return Err(self.fault(CloseReason::Stalled, AcceptError::NoClass));
        };
        let [byte] = first;
        let Some(class) = Class::from_byte(byte) else {
            return Err(self.fault(CloseReason::Streams, AcceptError::UnknownClass { byte }));
        };
        if !self.take(class) {
            return Err(self.fault(CloseReason::Streams, AcceptError::Twice { class }));
        }
        let _ = send.set_priority(class.priority());
        Ok((class, Stream::new(class, &self.connection, (send, recv), self.limits)))
    }

    /// What both ends of this link know and nobody else (TLS exporter, RFC 8446 §7.5): proofs made
    /// over it are worthless on any other link.
    ///
    /// # Errors
    /// [`Closed`] when TLS gives none.
    pub fn session_secret(&self) -> Result<[u8; 32], Closed> {
        let mut secret = [0; 32];
        match self.connection.export_keying_material(&mut secret, SESSION_LABEL, b"") {
            Ok(()) => Ok(secret),
            Err(_) => Err(Closed::Broken("TLS exports no key material".to_owned())),
        }
    }

    /// Where the other end is now; it may move while the link lives.
    #[must_use]
    pub fn remote_addr(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// Closes the link and tells the other end why. What was not yet delivered is lost.
    pub fn close(&self, reason: CloseReason) {
        close(&self.connection, reason);
    }

    /// Waits for the link to end.
    pub async fn closed(&self) -> Closed {
        self.connection.closed().await.into()
    }

    /// Waits until the goodbye of a closed link is out, for a process that ends next. Only for the
    /// end that connected: a listener's links drain with [`crate::Listener::close`].
    pub async fn drained(&self) {
        if self.end == End::Dialler {
            self.endpoint.wait_idle().await;
        }
    }

    /// Lets the end that listens fall silent, as if its process were killed.
    #[cfg(test)]
    pub(crate) fn vanish(&self, elsewhere: std::net::UdpSocket) {
        self.endpoint.rebind(elsewhere).unwrap();
    }

    fn take(&self, class: Class) -> bool {
        let bit = 1 << class.byte();
        self.open.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    fn fault(&self, reason: CloseReason, error: AcceptError) -> AcceptError {
        self.close(reason);
        error
    }
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Whoever answers holds another key than the pinned one.
    #[error(
        "the relay at {addr} shows the key {seen}, but {expected} is pinned; somebody stands in \
         between, or the relay was set up anew: compare the key with its operator"
    )]
    WrongKey {
        /// Where we connected to.
        addr: SocketAddr,
        /// The pinned key.
        expected: RelayKey,
        /// The key that was shown.
        seen: RelayKey,
    },
    /// Whoever answers does not speak this protocol, or shows no raw Ed25519 key.
    #[error("{addr} does not speak {}: {why}", String::from_utf8_lossy(tls::ALPN))]
    NotARelay {
        /// Where we connected to.
        addr: SocketAddr,
        /// What the transport said.
        why: String,
    },
    /// The relay takes no more links for now.
    #[error("the relay at {addr} takes no more links for now; try later")]
    Busy {
        /// Where we connected to.
        addr: SocketAddr,
    },
    /// Nobody answered in time.
    #[error("nobody answers at {addr}; is the relay running, and does UDP reach it?")]
    NoAnswer {
        /// Where we connected to.
        addr: SocketAddr,
    },
    /// The link ended while it was being made.
    #[error("the link to {addr} ended at once: {closed}")]
    Lost {
        /// Where we connected to.
        addr: SocketAddr,
        /// How.
        closed: Closed,
    },
    /// There is no local socket.
    #[error("no UDP socket: {0}")]
    Socket(io::Error),
    /// TLS or QUIC cannot be set up for this address.
    #[error("{0}")]
    Setup(String),
}

/// Why a stream was not opened.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Streams are opened by the end that connected.
    #[error("only the end that connected opens streams")]
    NotOurs,
    /// The link has its stream of this class.
    #[error("the {class:?} stream is open already")]
    Twice {
        /// Of which class.
        class: Class,
    },
    /// The link is gone.
    #[error(transparent)]
    Closed(Closed),
}

impl From<ConnectionError> for OpenError {
    fn from(error: ConnectionError) -> Self {
        Self::Closed(error.into())
    }
}

/// Why no stream was accepted.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum AcceptError {
    /// The stream began without naming its class; the link has been closed.
    #[error("a stream without a class")]
    NoClass,
    /// The class does not exist; the link has been closed.
    #[error("a stream of the unknown class {byte}")]
    UnknownClass {
        /// What the stream began with.
        byte: u8,
    },
    /// The link has its stream of this class; the link has been closed.
    #[error("a second {class:?} stream")]
    Twice {
        /// Of which class.
        class: Class,
    },
    /// The link is gone.
    #[error(transparent)]
    Closed(Closed),
}

impl From<ConnectionError> for AcceptError {
    fn from(error: ConnectionError) -> Self {
        Self::Closed(error.into())
    }
}

fn refusal(
    error: ConnectionError,
    addr: SocketAddr,
    expected: RelayKey,
    pin: &Pin,
) -> ConnectError {
    if let Some(seen) = pin.seen().filter(|seen| *seen != expected) {
        return ConnectError::WrongKey { addr, expected, seen };
    }
    match error {
        ConnectionError::ConnectionClosed(ref close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            ConnectError::Busy { addr }
        }
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_) => {
            ConnectError::NotARelay { addr, why: error.to_string() }
        }
        ConnectionError::TimedOut => ConnectError::NoAnswer { addr },
        ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ConnectError::Lost { addr, closed: error.into() },
    }
}

const SESSION_LABEL: &[u8] = b"sotto session";
