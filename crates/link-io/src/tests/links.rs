//! What well-behaved ends can rely on.

use bytes::Bytes;

use super::*;
use crate::{BindError, CloseReason, Closed, ConnectError, Frame, OpenError};

/// `LINK-01`
#[tokio::test]
async fn a_link_carries_frames_both_ways_in_order() {
    let (_listener, there, here) = pair(Limits::default()).await;
    let (mut ours, mut theirs) = open(&here, &there, Class::Control).await;
    ours.sender.send(b"hello").await.unwrap();
    let batch: Vec<Frame> =
        (1..=200_u8).map(|n| Frame::new(&vec![n; usize::from(n) * 40]).unwrap()).collect();
    let sent = batch.clone();
    let sending = tokio::spawn(async move { theirs.sender.send_all(&sent).await.map(|()| theirs) });
    for n in 1..=200_u8 {
        let frame = ours.receiver.recv().await.unwrap().unwrap();
        assert_eq!(frame, vec![n; usize::from(n) * 40]);
    }
    let mut theirs = sending.await.unwrap().unwrap();
    assert_eq!(theirs.receiver.recv().await, Ok(Some(Bytes::from_static(b"hello"))));
}

/// `LINK-02`
#[tokio::test]
async fn a_relay_with_another_key_is_refused_and_both_keys_are_named() {
    let mut listener = listener(Limits::default());
    let addr = listener.local_addr();
    let accepting = tokio::spawn(async move { listener.accept().await.is_some() });
    let wrong = key(2).public();
    let error = connect_with(addr, wrong, Limits::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ConnectError::WrongKey { expected, seen, .. }
        if expected == wrong && seen == key(1).public()));
    assert!(text.contains(&wrong.to_string()) && text.contains(&key(1).public().to_string()));
    assert!(!accepting.is_finished(), "the relay saw a link");
    accepting.abort();
}

/// `LINK-05`
#[tokio::test]
async fn both_ends_know_one_secret_that_no_other_link_has() {
    let (_first, there, here) = pair(Limits::default()).await;
    let (_second, _other, elsewhere) = pair(Limits::default()).await;
    let secret = here.session_secret().unwrap();
    assert_eq!(secret, there.session_secret().unwrap());
    assert_ne!(secret, elsewhere.session_secret().unwrap());
    assert_ne!(secret, [0; 32]);
}

/// `LINK-06`
#[tokio::test]
async fn there_is_one_stream_per_class_and_only_one_end_opens_it() {
    let (_listener, there, here) = pair(Limits::default()).await;
    let (mut control, mut control_there) = open(&here, &there, Class::Control).await;
    let (_delivery, mut delivery_there) = open(&here, &there, Class::Delivery).await;
    assert_eq!(
        here.open(Class::Control).await.unwrap_err(),
        OpenError::Twice { class: Class::Control }
    );
    assert_eq!(there.open(Class::Control).await.unwrap_err(), OpenError::NotOurs);
    // A delivery that nobody reads does not hold up an answer.
    let full = Frame::new(&[7; 8192]).unwrap();
    let flood = tokio::spawn(async move {
        delivery_there.sender.send_all(&vec![full; 1000]).await.unwrap_err()
    });
    control_there.sender.send(b"answer").await.unwrap();
    assert_eq!(control.receiver.recv().await, Ok(Some(Bytes::from_static(b"answer"))));
    here.close(CloseReason::Done);
    assert_eq!(flood.await.unwrap(), crate::SendError::Closed(Closed::There(CloseReason::Done)));
}

/// `LINK-09`
#[tokio::test]
async fn the_reason_of_a_close_arrives_and_ends_everything() {
    let (mut listener, there, here) = pair(Limits::default()).await;
    let (mut ours, _theirs) = open(&here, &there, Class::Control).await;
    listener.close(CloseReason::Stopping).await;
    assert_eq!(here.closed().await, Closed::There(CloseReason::Stopping));
    assert_eq!(there.closed().await, Closed::Here);
    assert_eq!(
        ours.receiver.recv().await,
        Err(crate::RecvError::Closed(Closed::There(CloseReason::Stopping)))
    );
    assert!(listener.accept().await.is_none());
    here.drained().await;
}

/// `LINK-09`
#[tokio::test]
async fn a_finished_stream_ends_with_none() {
    let (_listener, there, here) = pair(Limits::default()).await;
    let (mut ours, mut theirs) = open(&here, &there, Class::Control).await;
    ours.sender.send(b"last").await.unwrap();
    ours.sender.finish();
    assert_eq!(theirs.receiver.recv().await, Ok(Some(Bytes::from_static(b"last"))));
    assert_eq!(theirs.receiver.recv().await, Ok(None));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = listener(Limits::default());
    let addr = first.local_addr();
    let error = Listener::bind(addr, &key(1)).unwrap_err();
    assert!(matches!(error, BindError::Taken { addr: named } if named == addr));
    assert!(error.to_string().contains(&addr.to_string()));
}

/// `LINK-04`
#[test]
fn the_post_quantum_key_exchange_comes_first() {
    let groups: Vec<_> = tls::provider().kx_groups.iter().map(|group| group.name()).collect();
    assert_eq!(groups, [rustls::NamedGroup::X25519MLKEM768, rustls::NamedGroup::X25519]);
}

/// `LINK-08`
#[tokio::test]
async fn a_receive_that_is_dropped_loses_no_byte() {
    let (_listener, there, here) = pair(Limits::default()).await;
    let (mut ours, mut theirs) = open(&here, &there, Class::Control).await;
    let sending = tokio::spawn(async move {
        for n in 0..500_u32 {
            ours.sender.send(&n.to_be_bytes().repeat(700)).await.unwrap();
        }
        ours
    });
    let mut received = 0_u32;
    while received < 500 {
        // Polled once and dropped, over and over.
        tokio::select! {
            biased;
            frame = theirs.receiver.recv() => {
                assert_eq!(frame.unwrap().unwrap(), received.to_be_bytes().repeat(700));
                received += 1;
            }
            () = tokio::task::yield_now() => {}
        }
    }
    sending.await.unwrap();
}
