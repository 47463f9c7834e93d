//! The real binary against a `secure-proc` that this test plays, over the real socket.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use ipc_io::{Caps, Client, Interest, Listener, now, poll, socket_path};
use ipc_schema::control::{Class, Knock};
use ipc_schema::{List, SchemaHash, Text, decode, encode};
use ipc_schema_ui::{
    Answer, Channel, DeviceRow, ErrorCode, Event, Failure, FromSecure, Phase, Request, RequestId,
    Role, Row, Scope, State, Team, TeamBits, ToSecure, Watermark, schema,
};
use serde_json::{Value, json};

const TEAM: TeamBits = TeamBits(9 << 38 | 8 << 20 | 7);

/// A data folder with a door, and the part of `secure-proc` behind it.
struct Stage {
    data: tempfile::TempDir,
    part: Option<JoinHandle<()>>,
}

/// What a part speaks through.
struct Line(Client);

impl Stage {
    /// Lets one command line in and plays `part` to it.
    fn new(part: impl FnOnce(Line) + Send + 'static) -> Self {
        let data = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&socket_path(data.path()).unwrap()).unwrap();
        let part = thread::spawn(move || {
            poll(&mut [Interest::read(&listener)], None).unwrap();
            let mut visitor = listener.accept(now()).unwrap().unwrap();
            let knock = loop {
                match visitor.knock(now()).unwrap() {
                    Some(knock) => break knock,
                    None => poll(&mut [Interest::read(&visitor)], None).unwrap(),
                };
            };
            assert_eq!(knock, Knock::Enter { class: Class::CommandLine });
            part(Line(Client::from_fd(visitor.into_fd().unwrap(), Caps::SECURE_TO_UI).unwrap()));
        });
        Self { data, part: Some(part) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command(self.data.path().to_owned(), arguments)
    }

    /// Runs the command with `input` on its standard input; the part must end well too.
    fn run(mut self, arguments: &[&str], input: &str) -> Output {
        let mut process = self.command(arguments).spawn().unwrap();
        // Whoever does not read its input leaves the pipe early.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let output = process.wait_with_output().unwrap();
        self.part.take().unwrap().join().unwrap();
        output
    }
}

fn command(data: PathBuf, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-cli"));
    command.arg("--data").arg(data).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Line {
    fn greet(&mut self, phase: Phase) {
        let greeting = self.0.recv(None).unwrap().unwrap();
        assert_eq!(decode(&greeting), Ok(ToSecure::Hello { schema: schema() }));
        self.say(&FromSecure::Hello { schema: schema(), phase });
    }

    fn say(&mut self, message: &FromSecure) {
        self.0.send(&encode(message).unwrap()).unwrap();
    }

    /// The next question; `None` when the command is gone.
    fn asked(&mut self) -> Option<(RequestId, Request)> {
        let frame = self.0.recv(None).ok()??;
        let ToSecure::Ask { id, request } = decode(&frame).unwrap() else {
            panic!("a second greeting");
        };
        Some((id, request))
    }

    fn answer(&mut self, id: RequestId, answer: Result<Answer, Failure>) {
        self.say(&FromSecure::Answer { id, answer });
    }

    /// Answers one question, which must be what `answer` expects.
    fn one(&mut self, answer: impl FnOnce(Request) -> Result<Answer, Failure>) {
        let (id, request) = self.asked().unwrap();
        self.answer(id, answer(request));
    }

    /// Answers what finds "friends/general".
    fn find(&mut self) {
        let team = Team { id: TEAM, name: Text::cut("friends"), removed: None };
        self.one(|request| {
            assert_eq!(request, Request::Teams);
            Ok(Answer::Teams(List::cut(vec![team])))
        });
        self.channels();
    }

    fn channels(&mut self) {
        let channel = Channel { id: 700, name: Text::cut("general"), messages: 0 };
        self.one(|request| {
            assert_eq!(request, Request::Channels { team: TEAM });
            Ok(Answer::Channels(List::cut(vec![channel])))
        });
    }
}

fn row(number: u8, text: &str) -> Row {
    let mut name = cli::name_bits("sotto://9/8/7/700/5/0").unwrap();
    name.0[15] = number;
    Row {
        name,
        from: Text::cut("Alice"),
        device: 5,
        own: true,
        at: 0,
        state: State::Queued,
        text: Text::cut(text),
        thread: None,
        replies: 0,
        why: Text::cut(""),
        missing_before: 0,
    }
}

fn failure(code: ErrorCode) -> Failure {
    Failure { code, message: Text::cut("no"), hint: Text::cut("do this"), wait: 0 }
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The exit status and the code of the one object.
fn refusal(output: &Output) -> (i32, String) {
    let objects = objects(output);
    let [object] = objects.as_slice() else {
        panic!("{objects:?}");
    };
    assert!(object["message"].is_string() && object["hint"].is_string());
    (output.status.code().unwrap(), object["error"].as_str().unwrap().to_owned())
}

/// `CLI-02`
#[test]
fn each_kind_of_trouble_has_its_status_and_code() {
    let locked = Stage::new(|mut line| {
        line.greet(Phase::Locked);
        line.one(|_| Err(failure(ErrorCode::Locked)));
    });
    let output = locked.run(&["--json", "teams"], "");
    assert_eq!(refusal(&output), (1, "locked".to_owned()));

    let foreign = Stage::new(|mut line| {
        line.0.recv(None).unwrap();
        line.say(&FromSecure::Hello { schema: SchemaHash([0; 32]), phase: Phase::Locked });
    });
    let output = foreign.run(&["--json", "teams"], "");
    assert_eq!(refusal(&output), (1, "other-version".to_owned()));

    let dying = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        line.asked().unwrap();
    });
    let output = dying.run(&["--json", "teams"], "");
    assert_eq!(refusal(&output), (3, "connection-lost".to_owned()));

    let silent = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        line.asked().unwrap();
        assert_eq!(line.asked(), None);
    });
    let output = silent.run(&["--json", "--timeout", "1", "teams"], "");
    assert_eq!(refusal(&output), (3, "no-answer".to_owned()));

    let nobody = tempfile::tempdir().unwrap();
    let output = command(nobody.path().to_owned(), &["--json", "teams"]).output().unwrap();
    assert_eq!(refusal(&output), (3, "not-running".to_owned()));
    let output = command(nobody.path().to_owned(), &["--json", "read", "x"]).output().unwrap();
    assert_eq!(refusal(&output), (2, "usage".to_owned()));
}

/// `CLI-02`
#[test]
fn people_read_trouble_on_standard_error_with_what_to_do() {
    let locked = Stage::new(|mut line| {
        line.greet(Phase::Locked);
        line.one(|_| Err(failure(ErrorCode::Locked)));
    });
    let output = locked.run(&["teams"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: no\n  do this\n");
    assert!(output.stdout.is_empty());
}

/// `CLI-06`
#[test]
fn the_passphrase_of_standard_input_reaches_the_vault_and_nobody_else() {
    let stage = Stage::new(|mut line| {
        line.greet(Phase::Locked);
        line.one(|request| {
            let Request::Unlock { passphrase } = request else {
                panic!();
            };
            assert_eq!(passphrase.reveal(), "correct horse");
            Ok(Answer::Done)
        });
    });
    let output = stage.run(&["--json", "unlock"], "correct horse\nrest\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(objects(&output), [serde_json::json!({"phase": "unlocked"})]);
    assert!(output.stderr.is_empty());
}

/// `CLI-01`
#[test]
fn a_page_that_was_cut_is_read_to_its_limit_in_order() {
    let stage = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        line.find();
        let mut end = 10;
        for (limit, count) in [(7, 3), (4, 3), (1, 1)] {
            line.one(|request| {
                let before = (end < 10).then(|| row(end, "").name);
                let wanted =
                    Request::Page { team: TEAM, channel: 700, thread: None, before, limit };
                assert_eq!(request, wanted);
                let rows = (end - count..end).map(|number| row(number, "text")).collect();
                end -= count;
                Ok(Answer::Page { rows: List::cut(rows), more: true })
            });
        }
    });
    let output = stage.run(&["--json", "read", "friends/general", "--limit", "7"], "");
    let names: Vec<Value> = objects(&output).iter().map(|object| object["name"].clone()).collect();
    let wanted: Vec<String> = (3..10).map(|n| format!("sotto://9/8/7/700/5/{n}")).collect();
    assert_eq!(names, wanted);
}

/// `CLI-07`
#[test]
fn lines_are_pipelined_in_bounds_and_a_refusal_ends_them() {
    let stage = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        line.find();
        let mut open = Vec::new();
        let mut asked = 0;
        // Answers only when nothing more can come, so the bound is seen to hold.
        while asked < 128 {
            while open.len() < 64 {
                open.push(line.asked().unwrap());
                asked += 1;
            }
            let mut interests = [Interest::read(&line.0)];
            let patience = Some(std::time::Duration::from_millis(20));
            assert_eq!(poll(&mut interests, patience).unwrap(), 0, "a 65th is open");
            for (id, request) in open.drain(..) {
                let Request::Send { text, .. } = request else {
                    panic!();
                };
                let answer = match text.as_str() {
                    "line 100" => Err(failure(ErrorCode::StoreFailed)),
                    text => Ok(Answer::Sent { row: row(0, text) }),
                };
                line.answer(id, answer);
            }
        }
        while let Some((id, _)) = line.asked() {
            asked += 1;
            line.answer(id, Ok(Answer::Sent { row: row(0, "") }));
        }
        assert!(asked <= 192, "{asked}");
    });
    let text: String = (1..1000).map(|number| format!("line {number}\n\n")).collect();
    let output = stage.run(&["--json", "send", "friends/general", "--lines"], &text);
    assert_eq!(output.status.code(), Some(1));
    let objects = objects(&output);
    let (last, sent) = objects.split_last().unwrap();
    assert_eq!(last["error"], "store-failed");
    assert_eq!(last["message"], "line 199: no");
    assert!(sent.len() >= 127);
    assert_eq!(
        sent[5],
        serde_json::json!({
            "line": 11, "name": "sotto://9/8/7/700/5/0", "state": "queued",
        })
    );
}

/// `CLI-08`
#[test]
fn following_shows_messages_then_their_changes_and_ends_with_the_lock() {
    let stage = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        let team = Team { id: TEAM, name: Text::cut("friends"), removed: None };
        let teams = List::cut(vec![team]);
        line.one(|_| Ok(Answer::Teams(teams.clone())));
        // "friends/general" is no team of its own, so both are looked up again.
        line.one(|_| Ok(Answer::Teams(teams)));
        line.channels();
        line.channels();
        line.one(|request| {
            assert_eq!(request, Request::Follow { scope: Scope::Channel(TEAM, 700) });
            Ok(Answer::Done)
        });
        let message = row(3, "hello");
        let channel = 700;
        line.say(&FromSecure::Event(Event::Message {
            team: TEAM,
            channel,
            row: message,
            after: None,
        }));
        for (local, relay, delivered) in [(4, 0, 0), (4, 4, 0), (4, 4, 4)] {
            let mark = Watermark { team: TEAM, channel, local, relay, delivered };
            line.say(&FromSecure::Event(Event::Watermark(mark)));
        }
        let renamed = row(9, "waited");
        let (from, to) = (row(4, "waited").name, renamed.name);
        line.say(&FromSecure::Event(Event::Renamed { team: TEAM, channel, from, to }));
        line.say(&FromSecure::Event(Event::Message {
            team: TEAM,
            channel,
            row: renamed,
            after: None,
        }));
        line.say(&FromSecure::Event(Event::Phase(Phase::Locked)));
    });
    let output = stage.run(&["--json", "follow", "friends/general"], "");
    let objects = objects(&output);
    let shown: Vec<_> = objects.iter().map(|o| (&o["state"], &o["changed"], &o["error"])).collect();
    let (none, yes) = (&Value::Null, &Value::Bool(true));
    let state = |text: &str| Value::String(text.to_owned());
    let (queued, relay, delivered) = (state("queued"), state("relay"), state("delivered"));
    let (local, locked) = (state("local-relay"), state("locked"));
    assert_eq!(
        shown,
        [
            (&queued, none, none),
            (&local, yes, none),
            (&relay, yes, none),
            (&delivered, yes, none),
            (&queued, yes, none),
            (none, none, &locked),
        ]
    );
    let (was, name) = (objects.get(4).unwrap()["was"].clone(), &objects.get(4).unwrap()["name"]);
    assert_eq!(was, cli::name_text(row(4, "").name));
    assert_eq!(*name, cli::name_text(row(9, "").name));
    assert_eq!(output.status.code(), Some(1));
}

fn device(number: u32, user: &str, key: u8) -> DeviceRow {
    DeviceRow {
        number,
        user: Text::cut(user),
        name: Text::cut("laptop"),
        own: false,
        user_key: [key; 32],
        role: Role::Member,
        heard: None,
        reachable: false,
        two_histories: false,
    }
}

/// `CLI-13`
#[test]
fn a_device_and_a_person_are_removed_by_name_and_an_ambiguous_one_is_refused_with_the_list() {
    let two = || {
        let devices = vec![device(7, "Bob", 1), device(8, "Anna", 2), device(9, "Anna", 3)];
        Ok(Answer::Devices(List::cut(devices)))
    };
    let team = || {
        Ok(Answer::Teams(List::cut(vec![Team {
            id: TEAM,
            name: Text::cut("friends"),
            removed: None,
        }])))
    };
    let stage = Stage::new(move |mut line| {
        line.greet(Phase::Unlocked);
        line.one(|_| team());
        line.one(|_| two());
        line.one(|request| {
            assert_eq!(request, Request::RemoveDevice { team: TEAM, device: 7 });
            Ok(Answer::Done)
        });
    });
    let output = stage.run(&["--json", "device", "remove", "friends", "7"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(objects(&output), [json!({"team": "sotto://9/8/7", "device": 7})]);

    let stage = Stage::new(move |mut line| {
        line.greet(Phase::Unlocked);
        line.one(|_| team());
        line.one(|_| two());
        line.one(|request| {
            assert_eq!(request, Request::RemoveUser { team: TEAM, user_key: [1; 32] });
            let (message, hint) = (Text::cut("not an admin"), Text::cut("ask one"));
            Err(Failure { code: ErrorCode::NotAdmin, message, hint, wait: 0 })
        });
    });
    let output = stage.run(&["--json", "user", "remove", "friends", "Bob"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(objects(&output).first().unwrap()["error"], "not-admin");

    let stage = Stage::new(move |mut line| {
        line.greet(Phase::Unlocked);
        line.one(|_| team());
        line.one(|_| two());
    });
    let output = stage.run(&["--json", "user", "remove", "friends", "Anna"], "");
    let trouble = objects(&output).remove(0);
    assert_eq!((output.status.code(), &trouble["error"]), (Some(1), &json!("ambiguous-user")));
    assert!(trouble["hint"].as_str().unwrap().contains(&"03".repeat(32)));
}

/// `CLI-09`
#[test]
fn whoever_stops_reading_ends_the_command_quietly() {
    let mut stage = Stage::new(|mut line| {
        line.greet(Phase::Unlocked);
        line.find();
        let rows: Vec<Row> = (0..200).map(|number| row(number, &"x".repeat(1000))).collect();
        line.one(|_| Ok(Answer::Page { rows: List::cut(rows), more: false }));
    });
    let mut process = stage.command(&["read", "friends/general"]).spawn().unwrap();
    // Nobody reads; what does not fit the pipe fails.
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    stage.part.take().unwrap().join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// `CLI-03`
#[test]
fn joining_without_a_terminal_wants_the_fingerprint() {
    let link = |mut line: Line| {
        line.greet(Phase::Unlocked);
        line.one(|_| {
            let relay = Text::cut("127.0.0.1:4433");
            Ok(Answer::Link { team: TEAM, fingerprint: [3; 32], relay })
        });
        assert_eq!(line.asked(), None);
    };
    let output = Stage::new(link).run(&["--json", "join", "sotto-team:.."], "y\n");
    assert_eq!(refusal(&output), (2, "usage".to_owned()));
    let other = "04".repeat(32);
    let arguments = ["--json", "join", "sotto-team:..", "--fingerprint", &other];
    let output = Stage::new(link).run(&arguments, "");
    assert_eq!(refusal(&output), (1, "wrong-fingerprint".to_owned()));
}
