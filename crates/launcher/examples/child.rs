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

use ipc_io::{Caps, Client, Control, ControlReceiver, ControlSender};
use ipc_schema::control::{Class, Confinement, FromChild, Knock, ToChild, schema};
use ipc_schema::{SchemaHash, decode, encode};

/// One life of a child.
struct Actor {
    name: String,
    folder: PathBuf,
    receiver: ControlReceiver,
    sender: ControlSender,
}

fn main() {
    let name = std::env::args().next().unwrap();
    let name = name.rsplit('/').next().unwrap().to_owned();
    let folder = PathBuf::from(std::env::args().nth(2).unwrap());
    let control = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let (receiver, sender) = Control::split(control).unwrap();
    let mut actor = Actor { name, folder, receiver, sender };
    let rest: Vec<String> = std::env::args().skip(3).collect();
    let variables: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    actor.say(&format!("born {} {rest:?} {variables:?}", std::process::id()));
    actor.begin();
    actor.go_on();
}

impl Actor {
    fn say(&self, text: &str) {
        // In one piece, since several children write to one pipe.
        let line = format!("{}: {text}\n", self.name);
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }

    fn tell(&mut self, message: &FromChild) {
        self.sender.send(&encode(message).unwrap()).unwrap();
    }

    fn ready(&mut self, schema: SchemaHash) {
        self.tell(&FromChild::Ready { schema, confinement: Confinement::Full });
    }

    fn begin(&mut self) {
        match next_line(&self.folder).as_str() {
            "refuse" => std::process::exit(70),
            "fail" => std::process::exit(1),
            "foreign" => self.ready(SchemaHash([0; 32])),
            "nonsense" => self.sender.send(&[99]).unwrap(),
            "mute" => {
                self.ready(schema());
                rustix::net::shutdown(std::io::stdin(), rustix::net::Shutdown::Both).unwrap();
                std::thread::park();
            }
            "close" => {
                self.ready(schema());
                self.tell(&FromChild::Closed);
                std::process::exit(0);
            }
            "knock" => {
                // A child that was taken over tries the named door.
                let answer = ipc_io::ask(self.folder.parent().unwrap(), &Knock::Status);
                self.say(if answer.is_ok() { "knocked in" } else { "knocked in vain" });
                self.ready(schema());
            }
            _ => self.ready(schema()),
        }
    }

    fn go_on(&mut self) {
        let is_deaf = std::fs::exists(self.folder.join("deaf")).unwrap();
        // When the launcher is gone, so is this.
        while let Ok((frame, end)) = self.receiver.recv() {
            match decode(&frame).unwrap() {
                ToChild::Attach { class, generation } => {
                    self.say(&format!("attached {class:?} {generation}"));
                    self.greet(class, Client::from_fd(end.unwrap(), Caps::NET).unwrap());
                }
                ToChild::Peers { net_starts, forbidden_calls, .. } => {
                    self.say(&format!("peers {net_starts} {forbidden_calls}"));
                }
                ToChild::Stop if is_deaf => self.say("told to stop, and stays"),
                ToChild::Stop => {
                    self.say("told to stop");
                    return;
                }
            }
        }
    }

    /// Whoever is at the other end names itself; it may be gone already.
    fn greet(&self, class: Class, mut peer: Client) {
        if matches!(class, Class::CommandLine | Class::MemberTool) {
            let _ = peer.send(b"welcome");
        } else if peer.send(self.name.as_bytes()).is_ok()
            && let Ok(Some(heard)) = peer.recv(None)
        {
            self.say(&format!("hears {}", String::from_utf8_lossy(&heard)));
        }
        // Ends stay open as long as the process lives.
        std::mem::forget(peer);
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
        std::fs::File::create(&path).unwrap().write_all(rest.as_bytes()).unwrap();
    }
    first.to_owned()
}
