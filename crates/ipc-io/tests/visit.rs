//! The named socket and the blocking halves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ipc_io::{
    Caps, Client, Control, Listener, Lost, STALL_MS, Visitor, ask, knock, now, pair, poll,
    socket_path,
};
use ipc_schema::control::{Class, Knock, Report};

fn report() -> Report {
    Report { launcher: 1, secure: None, net: None, window: None, forbidden_calls: 3 }
}

/// Lets the next visitor in and waits for its knock.
fn admit(listener: &Listener) -> (Visitor, Result<Knock, Lost>) {
    poll(&mut [ipc_io::Interest::read(listener)], None).unwrap();
    let mut visitor = listener.accept(now()).unwrap().unwrap();
    loop {
        match visitor.knock(now()) {
            Ok(Some(knock)) => return (visitor, Ok(knock)),
            Ok(None) => {
                poll(&mut [ipc_io::Interest::read(&visitor)], None).unwrap();
            }
            Err(lost) => return (visitor, Err(lost)),
        }
    }
}

fn listen(data: &Path) -> Listener {
    Listener::bind(&socket_path(data).unwrap()).unwrap()
}

/// `IPC-IO-08`
#[test]
fn a_report_is_asked_for_and_given() {
    let data = tempfile::tempdir().unwrap();
    let listener = listen(data.path());
    let path = socket_path(data.path()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let folder = data.path().to_owned();
    let asking = thread::spawn(move || ask(&folder, &Knock::Status).unwrap());
    let (visitor, knock) = admit(&listener);
    assert_eq!(knock, Ok(Knock::Status));
    assert_eq!(visitor.pid(), i32::try_from(std::process::id()).unwrap());
    visitor.answer(&report()).unwrap();
    assert_eq!(asking.join().unwrap(), report());
}

/// `IPC-IO-03`
#[test]
fn what_follows_a_knock_is_left_for_whom_the_connection_is_handed_to() {
    let data = tempfile::tempdir().unwrap();
    let listener = listen(data.path());
    let enter = Knock::Enter { class: Class::CommandLine };
    let mut client = knock(data.path(), &enter).unwrap();
    client.send(b"for secure-proc").unwrap();
    let (visitor, knock) = admit(&listener);
    assert_eq!(knock, Ok(enter));
    let mut secure = Client::from_fd(visitor.into_fd().unwrap(), Caps::SECURE_TO_UI).unwrap();
    assert_eq!(secure.recv(None).unwrap().unwrap().as_slice(), b"for secure-proc");
    secure.send(b"answer").unwrap();
    assert_eq!(client.recv(None).unwrap().unwrap().as_slice(), b"answer");
}

/// `IPC-IO-08`
#[test]
fn a_socket_of_the_dead_is_replaced_and_anything_else_is_not() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("socket");
    // Dropping a standard listener leaves its socket in place, as a killed launcher does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = Listener::bind(&path).unwrap();
    UnixStream::connect(&path).unwrap();
    drop(listener);
    assert!(!path.exists(), "a launcher that ends takes its socket away");

    std::fs::write(&path, "precious").unwrap();
    assert!(Listener::bind(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

/// `IPC-IO-08`
#[test]
fn nobody_at_home_is_said_so() {
    let data = tempfile::tempdir().unwrap();
    let missing = data.path().join("missing");
    for folder in [data.path(), &missing] {
        let error = ask(folder, &Knock::Status).unwrap_err();
        assert!(matches!(error, ipc_io::KnockError::NotRunning), "{error}");
    }
}

/// `IPC-IO-10`
#[test]
fn a_visitor_that_says_nothing_or_nonsense_is_turned_away() {
    let data = tempfile::tempdir().unwrap();
    let listener = listen(data.path());
    let path = socket_path(data.path()).unwrap();
    assert!(listener.accept(0).unwrap().is_none());

    let mut silent = UnixStream::connect(&path).unwrap();
    let mut visitor = listener.accept(1_000).unwrap().unwrap();
    assert_eq!(visitor.leaves_at(), 1_000 + STALL_MS);
    assert_eq!(visitor.knock(1_001), Ok(None));
    silent.write_all(&[0]).unwrap();
    assert_eq!(visitor.knock(1_000 + STALL_MS), Err(Lost::Stalled));

    for (bytes, lost) in [(&[0, 0, 0, 1, 99][..], Lost::Malformed), (&[0, 0], Lost::Truncated)] {
        let mut peer = UnixStream::connect(&path).unwrap();
        peer.write_all(bytes).unwrap();
        drop(peer);
        assert_eq!(admit(&listener).1, Err(lost));
    }
}

/// `IPC-IO-04`
#[test]
fn halves_in_two_threads_meet_their_end() {
    let (near, far) = pair().unwrap();
    let (mut receiver, mut sender) = Client::from_fd(near, Caps::NET).unwrap().split();
    let mut peer = Client::from_fd(far, Caps::NET).unwrap();
    let reading = thread::spawn(move || {
        let mut count = 0;
        loop {
            match receiver.recv(None) {
                Ok(frame) => count += frame.unwrap().len(),
                Err(lost) => return (count, lost),
            }
        }
    });
    for _ in 0..1000 {
        peer.send(&[7; 3]).unwrap();
    }
    sender.send(b"hello").unwrap();
    assert_eq!(peer.recv(Some(Duration::from_secs(60))).unwrap().unwrap().as_slice(), b"hello");
    assert_eq!(peer.recv(Some(Duration::ZERO)), Ok(None));
    drop(peer);
    assert_eq!(reading.join().unwrap(), (3000, Lost::Closed));
    assert_eq!(sender.send(b"late"), Err(Lost::Closed));
}

/// `IPC-IO-05`
#[test]
fn closing_the_sending_half_wakes_the_receiving_half() {
    let (near, _far) = pair().unwrap();
    let (mut receiver, sender) = Client::from_fd(near, Caps::NET).unwrap().split();
    let reading = thread::spawn(move || receiver.recv(None));
    sender.close();
    assert_eq!(reading.join().unwrap(), Err(Lost::Closed));
}

/// `IPC-IO-07`
#[test]
fn halves_of_a_control_channel_pass_descriptors() {
    let (near, far) = pair().unwrap();
    let mut launcher = Control::from_fd(near).unwrap();
    let (mut receiver, mut sender) = Control::split(far).unwrap();
    let (here, there) = pair().unwrap();
    launcher.send(b"attach", Some(there)).unwrap();
    launcher.flush().unwrap();
    let (frame, descriptor) = receiver.recv().unwrap();
    assert_eq!(frame.as_slice(), b"attach");
    let mut child = Client::from_fd(descriptor.unwrap(), Caps::NET).unwrap();
    child.send(b"through").unwrap();
    let mut other = Client::from_fd(here, Caps::NET).unwrap();
    assert_eq!(other.recv(None).unwrap().unwrap().as_slice(), b"through");

    sender.send(b"ready").unwrap();
    poll(&mut [launcher.interest()], None).unwrap();
    launcher.fill(now());
    assert_eq!(launcher.next_frame().unwrap().unwrap().0.as_slice(), b"ready");
    drop(launcher);
    assert_eq!(receiver.recv().unwrap_err(), Lost::Closed);
}
