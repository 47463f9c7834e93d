//! Real links over loopback sockets; hostile peers speak raw QUIC.

mod hostile;
mod links;
mod path;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::limits::End;
use crate::tls::{self, Pin};
use crate::{Class, Limits, Link, LinkKey, Listener, Stream, connect_with};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Short enough for a test to wait, long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(300);

fn key(n: u8) -> LinkKey {
    LinkKey::from_seed([n; 32]).unwrap()
}

fn listener(limits: Limits) -> Listener {
    Listener::bind_with(ANY, &key(1), limits).unwrap()
}

async fn pair(limits: Limits) -> (Listener, Link, Link) {
    let mut listener = listener(limits);
    let addr = listener.local_addr();
    let (there, here) =
        tokio::join!(listener.accept(), connect_with(addr, key(1).public(), limits));
    (listener, there.unwrap(), here.unwrap())
}

/// Our stream and the relay's end of it.
async fn open(here: &Link, there: &Link, class: Class) -> (Stream, Stream) {
    let ours = here.open(class).await.unwrap();
    let (seen, theirs) = there.accept().await.unwrap();
    assert_eq!(seen, class);
    (ours, theirs)
}

/// A peer that speaks QUIC to the listener but keeps to none of our rules.
struct Raw {
    _endpoint: quinn::Endpoint,
    connection: quinn::Connection,
}

impl Raw {
    async fn connect(listener: &mut Listener) -> (Self, Link) {
        let endpoint = quinn::Endpoint::client(ANY).unwrap();
        let mut config = tls::client(Arc::new(Pin::new(listener.key()))).unwrap();
        config.transport_config(Limits::default().transport(End::Dialler));
        let connecting =
            endpoint.connect_with(config, listener.local_addr(), tls::RELAY_NAME).unwrap();
        let (connection, link) = tokio::join!(connecting, listener.accept());
        (Self { _endpoint: endpoint, connection: connection.unwrap() }, link.unwrap())
    }

    async fn stream(&self, bytes: &[u8]) -> (quinn::SendStream, quinn::RecvStream) {
        let (mut send, recv) = self.connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        (send, recv)
    }
}
