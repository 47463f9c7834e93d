//! Peers that do what they must not, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ipc_io::{Caps, Channel, Control, FrameFault, Interest, Lost, STALL_MS, SendError, pair, poll};
use ipc_schema::control::{Class, ToChild};
use ipc_schema::{CodecError, decode, encode};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

const CAPS: Caps = Caps { inbound: 64, outbound: 64, max_queue: 1024 };

fn facing() -> (Channel, UnixStream) {
    let (near, far) = pair().unwrap();
    (Channel::from_fd(near, CAPS).unwrap(), UnixStream::from(far))
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// Reads at time 0 and gives the first frame or the loss.
fn first(channel: &mut Channel) -> Result<Option<Vec<u8>>, Lost> {
    channel.fill(0);
    Ok(channel.next_frame()?.map(|frame| frame.to_vec()))
}

/// `IPC-IO-01`, `IPC-IO-04`
#[test]
fn every_kind_of_bad_frame_is_answered_as_designed() {
    let oversized = |len| Lost::Frame(FrameFault::Oversized { len, cap: 64 });
    let cases: [(&[u8], Lost); 7] = [
        (&[0, 0, 0, 0, 1], Lost::Frame(FrameFault::Zero)),
        (&[0, 0, 0, 65], oversized(65)),
        (&[255, 255, 255, 255, 1, 2, 3], oversized(u32::MAX)),
        (&[0], Lost::Truncated),
        (&[0, 0, 0, 2], Lost::Truncated),
        (&[0, 0, 0, 2, 9], Lost::Truncated),
        (&[], Lost::Closed),
    ];
    for (bytes, lost) in cases {
        let (mut channel, mut peer) = facing();
        peer.write_all(bytes).unwrap();
        drop(peer);
        assert_eq!(first(&mut channel), Err(lost), "{bytes:?}");
        assert_eq!(first(&mut channel), Err(lost), "a lost peer stays lost");
    }
}

/// `IPC-IO-04`
#[test]
fn what_came_before_the_end_is_still_given_out() {
    for (tail, lost) in [(&[][..], Lost::Closed), (&[0, 0, 0, 0], Lost::Frame(FrameFault::Zero))] {
        let (mut channel, mut peer) = facing();
        peer.write_all(&[&frame(b"one")[..], &frame(b"two"), tail].concat()).unwrap();
        drop(peer);
        assert_eq!(first(&mut channel), Ok(Some(b"one".to_vec())));
        assert_eq!(first(&mut channel), Ok(Some(b"two".to_vec())));
        assert_eq!(first(&mut channel), Err(lost));
    }
}

/// `IPC-IO-02`
#[test]
fn a_stalled_frame_drops_the_peer_and_a_silent_peer_stays() {
    let (mut channel, mut peer) = facing();
    channel.fill(1_000_000);
    assert_eq!((channel.stalled_at(), channel.next_frame().unwrap()), (None, None));

    peer.write_all(&[0, 0]).unwrap();
    channel.fill(2_000_000);
    assert_eq!(channel.stalled_at(), Some(2_000_000 + STALL_MS));
    peer.write_all(&[0]).unwrap();
    channel.fill(2_000_000 + STALL_MS - 1);
    assert_eq!(channel.next_frame(), Ok(None));
    channel.fill(2_000_000 + STALL_MS);
    assert_eq!(channel.next_frame(), Err(Lost::Stalled));
}

/// `IPC-IO-02`
#[test]
fn a_frame_that_is_there_when_we_look_late_is_taken() {
    let (mut channel, mut peer) = facing();
    peer.write_all(&[0, 0]).unwrap();
    channel.fill(0);
    peer.write_all(&[0, 1, 7]).unwrap();
    channel.fill(10 * STALL_MS);
    assert_eq!(channel.next_frame().unwrap().unwrap().as_slice(), [7]);
}

/// `IPC-IO-11`
#[test]
fn frames_that_are_no_message_are_told_apart() {
    let message = ToChild::Attach { class: Class::Net, generation: 7 };
    let good = encode(&message).unwrap();
    assert_eq!(good, [0, 1, 7]);
    let cases = [
        (vec![0, 1, 7], Ok(message)),
        (vec![0, 1, 7, 0], Err(CodecError::Trailing { extra: 1 })),
        (vec![0, 1, 251, 0, 7], Err(CodecError::NotCanonical)),
        (vec![0, 1], Err(CodecError::Malformed)),
        (vec![9], Err(CodecError::Malformed)),
    ];
    for (body, outcome) in cases {
        let (mut channel, mut peer) = facing();
        peer.write_all(&frame(&body)).unwrap();
        let body = first(&mut channel).unwrap().unwrap();
        assert_eq!(decode::<ToChild>(&body), outcome, "{body:?}");
    }
}

/// `IPC-IO-05`
#[test]
fn a_peer_that_asks_and_never_reads_is_dropped_and_the_other_is_not_delayed() {
    let (mut deaf, mut flood) = facing();
    let (mut good, mut honest) = facing();
    flood.set_nonblocking(true).unwrap();
    honest.set_nonblocking(true).unwrap();
    let (ask, answer) = (frame(b"?"), [0x21_u8; 64]);
    let mut dropped = false;
    let mut answered = 0;
    // The loop of a process that serves both; each round the honest one asks once.
    for round in 0..100_000 {
        if dropped {
            break;
        }
        while flood.write(&ask).is_ok() {}
        honest.write_all(&ask).unwrap();
        let mut interests = [deaf.interest(), good.interest()];
        assert!(poll(&mut interests, None).unwrap() > 0);
        for (channel, gone) in [(&mut deaf, &mut dropped), (&mut good, &mut false)] {
            channel.fill(0);
            while channel.next_frame().unwrap().is_some() {
                match channel.send(&answer) {
                    Ok(()) => {}
                    Err(SendError::Full { waiting }) => {
                        assert!(waiting <= CAPS.max_queue);
                        *gone = true;
                        break;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            channel.flush().unwrap();
        }
        let mut bytes = [0; 68];
        honest.read_exact(&mut bytes).unwrap_or_else(|error| panic!("round {round}: {error}"));
        answered += 1;
    }
    assert!(dropped, "{answered} rounds");
    assert!(answered > 0);
}

/// `IPC-IO-05`
#[test]
fn frames_of_a_fault_of_ours_are_refused() {
    let (mut channel, _peer) = facing();
    assert_eq!(channel.send(&[]), Err(SendError::Zero));
    assert_eq!(channel.send(&[0; 65]), Err(SendError::Oversized { len: 65, cap: 64 }));
    assert!(!channel.wants_write());
}

fn send_descriptors(socket: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = vec![std::mem::MaybeUninit::uninit(); 256];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    let parts = [std::io::IoSlice::new(bytes)];
    rustix::net::sendmsg(socket, &parts, &mut ancillary, SendFlags::empty()).unwrap();
}

/// `IPC-IO-07`
#[test]
fn a_descriptor_belongs_to_its_frame_whatever_stands_around_it() {
    let (near, far) = pair().unwrap();
    let mut launcher = Control::from_fd(near).unwrap();
    let mut child = Control::from_fd(far).unwrap();
    let (mut here, there) = UnixStream::pair().unwrap();
    launcher.send(b"before", None).unwrap();
    launcher.send(b"with", Some(there.into())).unwrap();
    launcher.send(b"after", None).unwrap();
    assert_eq!(launcher.flush(), Ok(true));

    child.fill(0);
    let mut parcels = Vec::new();
    while let Some((frame, descriptor)) = child.next_frame().unwrap() {
        parcels.push((frame.to_vec(), descriptor));
    }
    let found: Vec<_> = parcels.iter().map(|(frame, fd)| (&frame[..], fd.is_some())).collect();
    assert_eq!(found, [(&b"before"[..], false), (b"with", true), (b"after", false)]);

    let descriptor: OwnedFd = parcels.swap_remove(1).1.unwrap();
    let flags = rustix::io::fcntl_getfd(&descriptor).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    UnixStream::from(descriptor).write_all(b"x").unwrap();
    // The sender's copy is closed too, so this sees the end.
    let mut text = String::new();
    here.read_to_string(&mut text).unwrap();
    assert_eq!(text, "x");
}

/// A way to send more than one.
type Way = dyn Fn(&UnixStream, BorrowedFd<'_>);

/// `IPC-IO-07`
#[test]
fn two_descriptors_drop_the_peer_and_are_closed() {
    let together = |peer: &UnixStream, fd: BorrowedFd<'_>| {
        send_descriptors(peer, &frame(b"x"), &[fd, fd]);
    };
    let many = |peer: &UnixStream, fd: BorrowedFd<'_>| {
        send_descriptors(peer, &frame(b"x"), &[fd; 20]);
    };
    let apart = |peer: &UnixStream, fd: BorrowedFd<'_>| {
        send_descriptors(peer, &[0, 0, 0, 1], &[fd]);
        send_descriptors(peer, b"x", &[fd]);
    };
    let ways: [&Way; 3] = [&together, &many, &apart];
    for way in ways {
        let (near, far) = pair().unwrap();
        let (mut child, peer) = (Control::from_fd(near).unwrap(), UnixStream::from(far));
        let (mut here, there) = UnixStream::pair().unwrap();
        way(&peer, there.as_fd());
        drop(there);
        child.fill(0);
        assert_eq!(child.next_frame().unwrap_err(), Lost::Descriptors);
        assert_eq!(here.read(&mut [0; 1]).unwrap(), 0);
    }
}

/// `IPC-IO-07`
#[test]
fn a_descriptor_on_a_data_channel_is_closed_by_the_kernel() {
    let (mut channel, peer) = facing();
    let (mut here, there) = UnixStream::pair().unwrap();
    send_descriptors(&peer, &frame(b"x"), &[there.as_fd()]);
    drop(there);
    assert_eq!(first(&mut channel), Ok(Some(b"x".to_vec())));
    assert_eq!(here.read(&mut [0; 1]).unwrap(), 0);
}

/// `IPC-IO-05`
#[test]
fn one_fill_takes_a_bounded_number_of_frames() {
    let (mut channel, mut peer) = facing();
    peer.write_all(&frame(b"y").repeat(1000)).unwrap();
    channel.fill(0);
    let mut count = 0;
    while channel.next_frame().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 64);
    assert_eq!(poll(&mut [Interest::read(&channel)], Some(Duration::ZERO)).unwrap(), 1);
}
