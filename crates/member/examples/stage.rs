//! Plays `sotto` for the tests of the member tool: a door, a locked vault behind it whose
//! passphrase is "right", and a file `ended` in the data folder once it was told to stop.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a part that cannot go on has failed; its first line is what `sotto --json` prints"
)]

use std::path::PathBuf;

use ipc_io::{Caps, Client, Interest, Listener, Visitor, now, poll, socket_path};
use ipc_schema::control::{Knock, Report};
use ipc_schema::{Text, decode, encode};
use ipc_schema_ui::{Answer, ErrorCode, Failure, FromSecure, Phase, Request, ToSecure, schema};

fn main() {
    let data = PathBuf::from(std::env::args().nth(2).unwrap());
    std::fs::create_dir_all(&data).unwrap();
    let listener = Listener::bind(&socket_path(&data).unwrap()).unwrap();
    println!("{{\"launcher\":{}}}", std::process::id());
    loop {
        poll(&mut [Interest::read(&listener)], None).unwrap();
        let mut visitor = listener.accept(now()).unwrap().unwrap();
        match heard(&mut visitor) {
            Knock::Enter { .. } => {
                let end = visitor.into_fd().unwrap();
                talk(Client::from_fd(end, Caps::SECURE_TO_UI).unwrap());
            }
            Knock::Stop => {
                std::fs::write(data.join("ended"), "").unwrap();
                visitor.answer(&report()).unwrap();
                return;
            }
            Knock::Status | Knock::Show => visitor.answer(&report()).unwrap(),
        }
    }
}

fn heard(visitor: &mut Visitor) -> Knock {
    loop {
        if let Some(knock) = visitor.knock(now()).unwrap() {
            return knock;
        }
        poll(&mut [Interest::read(visitor)], None).unwrap();
    }
}

fn talk(mut client: Client) {
    let hello = FromSecure::Hello { schema: schema(), phase: Phase::Locked };
    client.send(&encode(&hello).unwrap()).unwrap();
    while let Ok(Some(frame)) = client.recv(None) {
        let ToSecure::Ask { id, request } = decode(&frame).unwrap() else {
            continue;
        };
        let answer = match request {
            Request::Unlock { passphrase } if passphrase.reveal() == "right" => Ok(Answer::Done),
            Request::Unlock { .. } => Err(Failure {
                code: ErrorCode::WrongPassphrase,
                message: Text::cut("wrong"),
                hint: Text::cut("try again"),
                wait: 0,
            }),
            _ => Ok(Answer::Org {
                name: Text::cut("Acme"),
                origin: 9,
                org: 8,
                root: [2; 32],
                fingerprint: [3; 32],
            }),
        };
        client.send(&encode(&FromSecure::Answer { id, answer }).unwrap()).unwrap();
    }
}

fn report() -> Report {
    Report {
        launcher: std::process::id(),
        secure: None,
        net: None,
        window: None,
        forbidden_calls: 0,
    }
}
