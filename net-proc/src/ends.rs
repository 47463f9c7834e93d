//! Threads that wait for local frames: the launcher's end, and the end to `secure-proc`.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use ipc_io::{Caps, Client, ControlReceiver, Receiver, Sender};
use ipc_schema::control::{Class, ToChild};
use ipc_schema_net::{FromNet, ToNet};
use tokio::sync::mpsc;

use crate::shell::Event;

/// Which end to `secure-proc`; a later one makes the earlier ones void.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct EndNumber(pub(crate) u64);

/// An end to `secure-proc`; dropping it closes the end.
#[derive(Debug)]
pub(crate) struct SecureEnd {
    pub(crate) number: EndNumber,
    pub(crate) tell: mpsc::UnboundedSender<FromNet>,
}

/// Listens to the launcher until it is gone.
pub(crate) fn listen_to_launcher(
    mut control: ControlReceiver,
    events: mpsc::Sender<Event>,
) -> io::Result<()> {
    let listen = move || {
        while let Ok((frame, descriptor)) = control.recv() {
            let event = match ipc_schema::decode::<ToChild>(&frame) {
                Ok(ToChild::Attach { class: Class::Secure, .. }) => {
                    descriptor.map_or(Event::Stop, Event::Attach)
                }
                // Nobody else may be handed to us, and a launcher that we do not understand
                // has to start another net-proc.
                Ok(ToChild::Attach { .. } | ToChild::Stop) | Err(_) => Event::Stop,
                Ok(ToChild::Peers { .. }) => continue,
            };
            if events.blocking_send(event).is_err() {
                return;
            }
        }
        // The loop may have ended first.
        let _ = events.blocking_send(Event::Stop);
    };
    thread::Builder::new().name("launcher".to_owned()).spawn(listen).map(drop)
}

/// Takes an end to `secure-proc`, with a thread for each direction.
pub(crate) fn attach(
    number: EndNumber,
    descriptor: OwnedFd,
    events: mpsc::Sender<Event>,
) -> io::Result<SecureEnd> {
    let (receiver, sender) = Client::from_fd(descriptor, Caps::NET)?.split();
    let (tell, to_tell) = mpsc::unbounded_channel();
    let listen = move || listen_to_secure(number, receiver, &events);
    thread::Builder::new().name("from-secure".to_owned()).spawn(listen)?;
    let speak = move || speak_to_secure(sender, to_tell);
    thread::Builder::new().name("to-secure".to_owned()).spawn(speak)?;
    Ok(SecureEnd { number, tell })
}

fn listen_to_secure(number: EndNumber, mut receiver: Receiver, events: &mpsc::Sender<Event>) {
    while let Ok(Some(frame)) = receiver.recv(None) {
        let Ok(message) = ipc_schema::decode::<ToNet>(&frame) else {
            break;
        };
        if events.blocking_send(Event::Secure(number, Box::new(message))).is_err() {
            return;
        }
    }
    // The loop may have ended first.
    let _ = events.blocking_send(Event::SecureGone(number));
}

fn speak_to_secure(mut sender: Sender, mut to_tell: mpsc::UnboundedReceiver<FromNet>) {
    while let Some(message) = to_tell.blocking_recv() {
        let Ok(bytes) = ipc_schema::encode(&message) else {
            break;
        };
        if sender.send(&bytes).is_err() {
            break;
        }
    }
    // The thread that listens sees the end, and reports it.
    sender.close();
}
