//! What a peer that breaks the rules achieves: the end of its own link.

use tokio::net::UdpSocket;

use super::*;
use crate::{AcceptError, CloseReason, Closed, Frame, RecvError, SendError};

async fn told(raw: &Raw) -> Closed {
    Closed::from(raw.connection.closed().await)
}

/// `LINK-02`
#[tokio::test]
async fn a_peer_that_names_another_protocol_or_none_gets_no_link() {
    let mut listener = listener(Limits::default());
    let addr = listener.local_addr();
    let accepting = tokio::spawn(async move { listener.accept().await.is_some() });
    for alpn in [vec![b"h3".to_vec()], vec![b"sotto/2".to_vec(), b"sotto".to_vec()], vec![]] {
        let endpoint = quinn::Endpoint::client(ANY).unwrap();
        let pin = Arc::new(Pin::new(key(1).public()));
        let config = tls::client_with(pin, alpn).unwrap();
        let refused = endpoint.connect_with(config, addr, tls::RELAY_NAME).unwrap().await;
        assert!(matches!(
            refused,
            Err(quinn::ConnectionError::ConnectionClosed(_)
                | quinn::ConnectionError::TransportError(_))
        ));
    }
    assert!(!accepting.is_finished(), "the relay saw a link");
    accepting.abort();
}

/// `LINK-07`
#[tokio::test]
async fn a_length_that_is_zero_or_too_great_ends_the_link_before_the_bytes_come() {
    for length in [0_u32, 8193, 1 << 24, u32::MAX] {
        let mut listener = listener(Limits::default());
        let (raw, link) = Raw::connect(&mut listener).await;
        let _streams = raw.stream(&[&[0], length.to_be_bytes().as_slice()].concat()).await;
        let (_, mut stream) = link.accept().await.unwrap();
        assert_eq!(stream.receiver.recv().await, Err(RecvError::Length { length, cap: 8192 }));
        assert_eq!(told(&raw).await, Closed::There(CloseReason::FrameLength));
    }
}

/// `LINK-08`
#[tokio::test]
async fn a_frame_that_does_not_end_in_time_ends_the_link() {
    let limits = Limits { frame: SHORT, ..Limits::default() };
    for start in [[0, 0, 0].as_slice(), [0, 0, 0, 0, 9, 1, 2, 3].as_slice()] {
        let mut listener = listener(limits);
        let (raw, link) = Raw::connect(&mut listener).await;
        let _streams = raw.stream(start).await;
        let (_, mut stream) = link.accept().await.unwrap();
        assert_eq!(stream.receiver.recv().await, Err(RecvError::Stalled));
        assert_eq!(told(&raw).await, Closed::There(CloseReason::Stalled));
    }
}

/// `LINK-08`
#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_ends_the_link() {
    let mut listener = listener(Limits::default());
    let (raw, link) = Raw::connect(&mut listener).await;
    let (mut send, _recv) = raw.stream(&[0, 0, 0, 0, 9, 1, 2, 3]).await;
    send.finish().unwrap();
    let (_, mut stream) = link.accept().await.unwrap();
    assert_eq!(stream.receiver.recv().await, Err(RecvError::Cut));
    assert_eq!(told(&raw).await, Closed::There(CloseReason::Streams));
}

/// `LINK-06`
#[tokio::test]
async fn an_unknown_or_second_class_ends_the_link() {
    let mut listener = listener(Limits::default());
    let (raw, link) = Raw::connect(&mut listener).await;
    let _streams = raw.stream(&[2]).await;
    assert_eq!(link.accept().await.unwrap_err(), AcceptError::UnknownClass { byte: 2 });
    assert_eq!(told(&raw).await, Closed::There(CloseReason::Streams));

    let (raw, link) = Raw::connect(&mut listener).await;
    let _first = raw.stream(&[1]).await;
    let _first_there = link.accept().await.unwrap();
    let _second = raw.stream(&[1]).await;
    assert_eq!(link.accept().await.unwrap_err(), AcceptError::Twice { class: Class::Delivery });
    assert_eq!(told(&raw).await, Closed::There(CloseReason::Streams));
}

/// `LINK-06`
#[tokio::test]
async fn no_third_stream_no_one_way_stream_and_no_datagram_is_granted() {
    let mut listener = listener(Limits::default());
    let (raw, _link) = Raw::connect(&mut listener).await;
    let _first = raw.stream(&[0]).await;
    let _second = raw.stream(&[1]).await;
    let third = tokio::time::timeout(SHORT, raw.connection.open_bi()).await;
    let one_way = tokio::time::timeout(SHORT, raw.connection.open_uni()).await;
    assert!(third.is_err() && one_way.is_err());
    assert_eq!(raw.connection.max_datagram_size(), None);
}

/// `LINK-11`
#[tokio::test]
async fn a_peer_that_reads_nothing_holds_a_bounded_number_of_bytes_and_is_dropped() {
    let limits = Limits { unread: SHORT, ..Limits::default() };
    let mut listener = listener(limits);
    let (raw, link) = Raw::connect(&mut listener).await;
    let _unread = raw.stream(&[1]).await;
    let (_, mut stream) = link.accept().await.unwrap();
    let frame = Frame::new(&[7; 8192]).unwrap();
    let mut taken = 0_usize;
    let error = loop {
        match stream.sender.send_all(std::slice::from_ref(&frame)).await {
            Ok(()) => taken += frame.wire_len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error, SendError::Unread);
    // The reader's window and our own send window, and not a frame more.
    assert!(taken <= (1024 + 512) * 1024, "{taken} bytes were taken");
    assert_eq!(told(&raw).await, Closed::There(CloseReason::Unread));
}

/// `LINK-11`
#[tokio::test]
async fn a_flood_that_we_do_not_read_stays_at_its_sender() {
    let mut listener = listener(Limits::default());
    let (raw, link) = Raw::connect(&mut listener).await;
    let (mut send, _recv) = raw.stream(&[0]).await;
    let (_, mut stream) = link.accept().await.unwrap();
    let frame = [8192_u32.to_be_bytes().as_slice(), &[7; 8192]].concat();
    let mut sent = 0_usize;
    while tokio::time::timeout(SHORT, send.write_all(&frame)).await.is_ok() {
        sent += frame.len();
    }
    // Our window and the sender's own, and not a frame more.
    assert!(sent <= (128 + 512) * 1024, "{sent} bytes went unread");
    assert!(raw.connection.stats().udp_tx.bytes < 256 * 1024);
    assert_eq!(stream.receiver.recv().await.unwrap().unwrap().len(), 8192);
}

/// `LINK-12`
#[tokio::test]
async fn datagrams_of_rubbish_do_not_keep_anybody_out() {
    let mut listener = listener(Limits::default());
    let addr = listener.local_addr();
    let accepting = tokio::spawn(async move { (listener.accept().await.is_some(), listener) });
    let socket = UdpSocket::bind(ANY).await.unwrap();
    for n in 0..20_000_u32 {
        let mut rubbish = n.wrapping_mul(0x9e37_79b9).to_be_bytes().repeat(300);
        if n % 2 == 0 {
            // The look of a QUIC Initial, so that the endpoint has to think about it.
            rubbish.splice(0..6, [0xc3, 0, 0, 0, 1, 8]);
        }
        socket.send_to(&rubbish, addr).await.unwrap();
    }
    let link = connect_with(addr, key(1).public(), Limits::default()).await;
    assert!(link.is_ok(), "{link:?}");
    assert!(accepting.await.unwrap().0);
}
