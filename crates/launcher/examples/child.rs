//! A child that plays a part in the launcher's tests. Its folder holds a file `script`, a line for
//! each of its lives; the last line is for all that follow. It tells on standard error what it
//! sees.
#![expect(
    clippy::unwrap_used,
    reason = "a child that cannot go on has failed, and says so to the test"
)]

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use ipc_io::{Caps, Client, Control, Lost};
use ipc_schema::control::{Class, Confinement, FromChild, ToChild, schema};
use ipc_schema::{SchemaHash, decode, encode};

fn main() {
    let name = std::env::args().next().unwrap();
    let name = name.rsplit('/').next().unwrap().to_owned();
    let folder = PathBuf::from(std::env::args().nth(2).unwrap());
    let rest: Vec<String> = std::env::args().skip(3).collect();
    let variables: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    // In one piece, since several children write to one pipe.
    let say = |text: &str| {
        let line = format!("{name}: {text}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    say(&format!(
        "born {} {rest:?} {variables:?}",
        std::process::id()
    ));

    let control = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let (mut receiver, mut sender) = Control::split(control).unwrap();
    let mut tell = |message: &FromChild| sender.send(&encode(message).unwrap()).unwrap();
    match next_line(&folder).as_str() {
        "refuse" => std::process::exit(70),
        "fail" => std::process::exit(1),
        "foreign" => {
            let (schema, confinement) = (SchemaHash([0; 32]), Confinement::Full);
            tell(&FromChild::Ready {
                schema,
                confinement,
            });
        }
        "nonsense" => sender.send(&[99]).unwrap(),
        "mute" => {
            let confinement = Confinement::Full;
            tell(&FromChild::Ready {
                schema: schema(),
                confinement,
            });
            rustix::net::shutdown(std::io::stdin(), rustix::net::Shutdown::Both).unwrap();
            std::thread::park();
        }
        "close" => {
            let confinement = Confinement::Full;
            tell(&FromChild::Ready {
                schema: schema(),
                confinement,
            });
            tell(&FromChild::Closed);
            return;
        }
        "knock" => {
            // A child that was taken over tries the named door.
            let door = folder.parent().unwrap();
            let answer = ipc_io::ask(door, &ipc_schema::control::Knock::Status);
            say(&format!(
                "knocked {}",
                if answer.is_ok() { "in" } else { "in vain" }
            ));
            let confinement = Confinement::Full;
            tell(&FromChild::Ready {
                schema: schema(),
                confinement,
            });
        }
        _ => {
            let confinement = Confinement::Full;
            tell(&FromChild::Ready {
                schema: schema(),
                confinement,
            });
        }
    }
    let is_deaf = std::fs::exists(folder.join("deaf")).unwrap();
    loop {
        let (frame, end) = match receiver.recv() {
            Ok(parcel) => parcel,
            Err(Lost::Closed) => return,
            Err(lost) => panic!("{lost}"),
        };
        match decode(&frame).unwrap() {
            ToChild::Attach { class, generation } => {
                say(&format!("attached {class:?} {generation}"));
                let mut peer = Client::from_fd(end.unwrap(), Caps::NET).unwrap();
                if matches!(class, Class::CommandLine | Class::MemberTool) {
                    peer.send(b"welcome").unwrap();
                } else {
                    // Whoever is at the other end names itself.
                    // It may be gone already.
                    let _ = peer.send(name.as_bytes());
                    if let Ok(Some(heard)) = peer.recv(None) {
                        say(&format!("hears {}", String::from_utf8_lossy(&heard)));
                    }
                }
                // Ends stay open as long as the process lives.
                std::mem::forget(peer);
            }
            ToChild::Peers {
                net_starts,
                forbidden_calls,
                ..
            } => {
                say(&format!("peers {net_starts} {forbidden_calls}"));
            }
            ToChild::Stop if is_deaf => say("told to stop, and stays"),
            ToChild::Stop => {
                say("told to stop");
                return;
            }
        }
    }
}

/// Takes the first line of the script; the last stays.
fn next_line(folder: &std::path::Path) -> String {
    let path = folder.join("script");
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(&path) {
        file.read_to_string(&mut text).unwrap();
    }
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    if !rest.is_empty() {
        std::fs::File::create(&path)
            .unwrap()
            .write_all(rest.as_bytes())
            .unwrap();
    }
    first.to_owned()
}
