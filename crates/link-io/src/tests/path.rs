//! Links over a path that changes under them.

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::{BindError, Closed};

/// A router between a client and a relay that can give the client a new address, or go dead.
struct Router {
    addr: SocketAddr,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

enum Order {
    NewAddress,
    Dead,
}

impl Router {
    async fn start(relay: SocketAddr) -> Self {
        let inside = UdpSocket::bind(ANY).await.unwrap();
        let mut outside = UdpSocket::bind(ANY).await.unwrap();
        let addr = inside.local_addr().unwrap();
        let (orders, mut todo) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let (mut up, mut down) = ([0; 2048], [0; 2048]);
            let mut client = None;
            loop {
                tokio::select! {
                    order = todo.recv() => match order {
                        Some(Order::NewAddress) => outside = UdpSocket::bind(ANY).await.unwrap(),
                        Some(Order::Dead) | None => return,
                    },
                    Ok((length, from)) = inside.recv_from(&mut up) => {
                        client = Some(from);
                        outside.send_to(&up[..length], relay).await.unwrap();
                    }
                    Ok((length, _)) = outside.recv_from(&mut down) => {
                        if let Some(client) = client {
                            inside.send_to(&down[..length], client).await.unwrap();
                        }
                    }
                }
            }
        });
        Self { addr, orders, task }
    }
}

/// `LINK-13`
#[tokio::test]
async fn a_link_outlives_the_address_of_its_client() {
    let mut listener = listener(Limits::default());
    let router = Router::start(listener.local_addr()).await;
    let (there, here) = tokio::join!(
        listener.accept(),
        connect_with(router.addr, key(1).public(), Limits::default())
    );
    let (there, here) = (there.unwrap(), here.unwrap());
    let (mut ours, mut theirs) = open(&here, &there, Class::Control).await;
    let (secret, before) = (there.session_secret().unwrap(), there.remote_addr());
    for n in 0..3_u8 {
        router.orders.send(Order::NewAddress).unwrap();
        ours.sender.send(&[n]).await.unwrap();
        assert_eq!(theirs.receiver.recv().await, Ok(Some(Bytes::copy_from_slice(&[n]))));
        theirs.sender.send(&[n]).await.unwrap();
        assert_eq!(ours.receiver.recv().await, Ok(Some(Bytes::copy_from_slice(&[n]))));
    }
    assert_ne!(there.remote_addr(), before);
    assert_eq!(there.session_secret().unwrap(), secret);
}

/// `LINK-14`
#[tokio::test]
async fn a_quiet_link_lives_and_a_dead_path_is_noticed() {
    let limits = Limits { idle: Duration::from_secs(2), ..Limits::default() };
    let mut listener = listener(limits);
    let router = Router::start(listener.local_addr()).await;
    let (there, here) =
        tokio::join!(listener.accept(), connect_with(router.addr, key(1).public(), limits));
    let (there, here) = (there.unwrap(), here.unwrap());
    let quiet = tokio::time::timeout(Duration::from_secs(3), here.closed()).await;
    assert!(quiet.is_err(), "a quiet link ended: {quiet:?}");
    router.orders.send(Order::Dead).unwrap();
    router.task.await.unwrap();
    assert_eq!(tokio::join!(here.closed(), there.closed()), (Closed::Silent, Closed::Silent));
}

/// `LINK-15`
#[tokio::test]
async fn a_restarted_relay_ends_the_links_of_its_last_life() {
    let (listener, there, here) = pair(Limits::default()).await;
    let (mut ours, theirs) = open(&here, &there, Class::Control).await;
    let addr = listener.local_addr();
    // Killed: nothing of it says goodbye.
    let (socket, dead) = (UdpSocket::bind(ANY).await.unwrap(), here.clone());
    there.vanish(socket.into_std().unwrap());
    drop((listener, there, theirs));
    let second = loop {
        match Listener::bind(addr, &key(1)) {
            Ok(second) => break second,
            Err(BindError::Taken { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    ours.sender.send(b"are you there?").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(10), dead.closed()).await;
    assert!(matches!(closed, Ok(Closed::Broken(_))), "{closed:?}");
    drop(second);
}
