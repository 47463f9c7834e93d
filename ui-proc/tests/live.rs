//! The real window on a real display, confined, with this test as launcher and secure process.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it found by panicking"
)]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use ipc_io::{Caps, Client, Control};
use ipc_schema::control::{self, Class, Confinement, FromChild, ToChild};
use ipc_schema::{List, Text};
use ipc_schema_ui as wire;
use ipc_schema_ui::{Answer, Event, FromSecure, Request, RequestId, ToSecure};

/// A display of its own, ended with the test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed (Debian package xvfb)");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// How many colours the whole screen has.
    fn colours(&self) -> usize {
        let out = Command::new("import")
            .args(["-window", "root", "-format", "%k", "info:"])
            .env("DISPLAY", &self.name)
            .output()
            .expect("import is needed (Debian package imagemagick)");
        String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
    }

    fn tool(&self, args: &[&str]) {
        Screen(self.name.clone()).tool(args);
    }

    fn wait_for_title(&self, title: &str) {
        Screen(self.name.clone()).wait_for_title(title);
    }
}

/// The name of a display, for another thread.
struct Screen(String);

impl Screen {
    /// Runs xdotool there.
    fn tool(&self, args: &[&str]) {
        let status = Command::new("xdotool")
            .args(args)
            .env("DISPLAY", &self.0)
            .stdout(Stdio::null())
            .status()
            .expect("xdotool is needed (Debian package xdotool)");
        assert!(status.success(), "xdotool {args:?}");
    }

    fn wait_for_title(&self, title: &str) {
        let title = format!("^{title}$");
        // Without a window manager nobody gives the keyboard to a window.
        self.tool(&[
            "search",
            "--sync",
            "--onlyvisible",
            "--name",
            &title,
            "windowfocus",
            "--sync",
        ]);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A running `ui-proc` and the launcher's end of its control channel.
struct Window {
    process: Child,
    control: Control,
    generation: u32,
}

impl Window {
    fn open(display: &Display) -> Self {
        Self::open_with(display, &[])
    }

    fn open_with(display: &Display, more: &[&OsStr]) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        let process = clean()
            .args(["--geometry", "900x700+10+10"])
            .args(more)
            .env("DISPLAY", &display.name)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("LD_PRELOAD")
            .stdin(Stdio::from(OwnedFd::from(far)))
            .spawn()
            .unwrap();
        Self { process, control: Control::from_fd(near.into()).unwrap(), generation: 0 }
    }

    fn hear(&mut self) -> FromChild {
        loop {
            if let Some((frame, _)) = self.control.next_frame().unwrap() {
                return ipc_schema::decode(&frame).unwrap();
            }
            let timeout = Some(Duration::from_secs(60));
            let ready = ipc_io::poll(&mut [self.control.interest()], timeout).unwrap();
            assert!(ready > 0, "the window says nothing");
            self.control.fill(ipc_io::now());
        }
    }

    fn tell(&mut self, message: &ToChild, fd: Option<OwnedFd>) {
        self.control.send(&ipc_schema::encode(message).unwrap(), fd).unwrap();
        assert!(self.control.flush().unwrap());
    }

    /// Gives the window a secure process, which is this test.
    fn attach(&mut self) -> Secure {
        let (near, far) = UnixStream::pair().unwrap();
        self.generation += 1;
        let attach = ToChild::Attach { class: Class::Secure, generation: self.generation };
        self.tell(&attach, Some(far.into()));
        let client = Client::from_fd(near.into(), Caps::SECURE_TO_UI).unwrap();
        Secure { client, number: 0 }
    }

    fn end(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

/// The secure process's end of the channel.
struct Secure {
    client: Client,
    number: u8,
}

impl Secure {
    fn hear(&mut self) -> ToSecure {
        let frame = self.client.recv(Some(Duration::from_secs(60))).unwrap();
        ipc_schema::decode(&frame.expect("the window asks nothing")).unwrap()
    }

    fn tell(&mut self, message: &FromSecure) {
        self.client.send(&ipc_schema::encode(message).unwrap()).unwrap();
    }

    fn greet(&mut self, phase: wire::Phase) {
        assert_eq!(self.hear(), ToSecure::Hello { schema: wire::schema() });
        self.tell(&FromSecure::Hello { schema: wire::schema(), phase });
    }

    /// Answers what the window asks until it asks to send something.
    fn answer_until_send(&mut self) -> (RequestId, String) {
        loop {
            let ToSecure::Ask { id, request } = self.hear() else { panic!("a second hello") };
            let answer = match request {
                Request::Send { text, .. } => return (id, text.as_str().to_owned()),
                Request::WhoAmI => Answer::WhoAmI(wire::Names {
                    user: Text::cut("Alice"),
                    device: Text::cut("laptop"),
                    user_key: [0; 32],
                }),
                Request::Status => Answer::Status(status()),
                Request::Teams => Answer::Teams(List::cut(vec![wire::Team {
                    id: TEAM,
                    name: Text::cut("Acme"),
                    removed: None,
                }])),
                Request::Channels { .. } => Answer::Channels(List::cut(vec![wire::Channel {
                    id: 2,
                    name: Text::cut("general"),
                    messages: 0,
                }])),
                Request::Page { .. } => Answer::Page { rows: List::cut(vec![]), more: false },
                Request::Follow { .. } => Answer::Done,
                other => panic!("{other:?}"),
            };
            self.tell(&FromSecure::Answer { id, answer: Ok(answer) });
        }
    }

    fn say(&mut self, text: &str) {
        self.number += 1;
        let row = row(self.number, text, false);
        let event = Event::Message { team: TEAM, channel: 2, row, after: None };
        self.tell(&FromSecure::Event(event));
    }
}

/// `ui-proc` without the descriptors that whoever runs the tests has left open; the launcher
/// leaves none.
fn clean() -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", CLOSE_AND_EXEC, env!("CARGO_BIN_EXE_ui-proc")]);
    command
}

const CLOSE_AND_EXEC: &str = r#"
for fd in /proc/$$/fd/*; do n=${fd##*/}; if [ "$n" -gt 2 ]; then eval "exec $n>&-"; fi; done
exec "$0" "$@"
"#;

const TEAM: wire::TeamBits = wire::TeamBits(1 << 38 | 1 << 20 | 5);

fn row(number: u8, text: &str, own: bool) -> wire::Row {
    let team = names::TeamId {
        origin: names::Origin::truncate(1),
        org: names::Org::truncate(1),
        team: names::Team::truncate(5),
    };
    let name = team.name(names::Rest::Message {
        channel: names::Channel::truncate(2),
        device: names::Device::truncate(if own { 7 } else { 8 }),
        number: names::Number::truncate(number.into()),
    });
    wire::Row {
        name: wire::NameBits(name.bytes()),
        from: Text::cut(if own { "Alice" } else { "Bob" }),
        device: 8,
        own,
        at: 1_795_262_400_000,
        state: wire::State::Queued,
        text: Text::cut(text),
        thread: None,
        replies: 0,
        why: Text::cut(""),
        missing_before: 0,
    }
}

fn status() -> wire::Status {
    wire::Status {
        phase: wire::Phase::Unlocked,
        link: wire::LinkState::Online { skew: 0 },
        secure: Confinement::Full,
        net: Some(Confinement::Full),
        window: Some(Confinement::Full),
        forbidden_calls: 0,
        net_starts: 1,
        teams: List::cut(vec![]),
        joining: List::cut(vec![]),
    }
}

/// `UI-01`, `UI-02`
#[test]
fn a_confined_window_is_painted_takes_keys_and_shows_what_arrives() {
    let display = Display::start();
    let mut window = Window::open(&display);
    let FromChild::Ready { schema, confinement } = window.hear() else {
        panic!("the window was closed")
    };
    assert_eq!(schema, control::schema());
    assert!(!matches!(confinement, Confinement::None(_)), "{confinement:?}");

    let mut secure = window.attach();
    secure.greet(wire::Phase::Unlocked);
    let typist = std::thread::spawn({
        let name = display.name.clone();
        move || {
            let screen = Screen(name);
            screen.wait_for_title("Alice .+ Sotto");
            screen.tool(&["type", "--delay", "20", "hello from the keyboard"]);
            screen.tool(&["key", "Return"]);
        }
    });
    let (id, text) = secure.answer_until_send();
    typist.join().unwrap();
    assert_eq!(text, "hello from the keyboard");
    let sent = Answer::Sent { row: row(0, &text, true) };
    secure.tell(&FromSecure::Answer { id, answer: Ok(sent) });
    assert!(display.colours() > 20, "the window is painted");

    for text in ["good morning", "日本語", "مرحبا", "😀"] {
        secure.say(text);
    }
    // The window is alive after all that: it asks again what it is typed.
    display.tool(&["type", "--delay", "20", "second"]);
    display.tool(&["key", "Return"]);
    assert_eq!(secure.answer_until_send().1, "second");

    window.tell(&ToChild::Stop, None);
    assert_eq!(window.end().code(), Some(0));
}

/// `UI-04`
#[test]
fn a_lost_secure_process_takes_everything_off_the_window_until_the_next_is_unlocked() {
    let display = Display::start();
    let mut window = Window::open(&display);
    window.hear();
    let mut secure = window.attach();
    secure.greet(wire::Phase::Unlocked);
    let typist = std::thread::spawn({
        let name = display.name.clone();
        move || {
            let screen = Screen(name);
            screen.wait_for_title("Alice .+ Sotto");
            screen.tool(&["type", "--delay", "20", "unanswered"]);
            screen.tool(&["key", "Return"]);
        }
    });
    let (id, _) = secure.answer_until_send();
    typist.join().unwrap();
    drop(secure);
    display.wait_for_title("Sotto");

    let mut next = window.attach();
    next.greet(wire::Phase::Locked);
    let ToSecure::Ask { request: Request::Status, .. } = next.hear() else { panic!() };
    next.tell(&FromSecure::Event(Event::Phase(wire::Phase::Unlocked)));
    // The message whose answer was lost comes again under the same number.
    assert_eq!(next.answer_until_send(), (id, "unanswered".to_owned()));

    // The launcher's death ends the window.
    drop(window.control);
    assert_eq!(window.process.wait().unwrap().code(), Some(0));
}

/// `UI-02`, `UI-07`
#[test]
fn a_window_that_its_person_closes_tells_the_launcher_and_keeps_its_settings() {
    let display = Display::start();
    let settings = tempfile::tempdir().unwrap();
    let more = [OsStr::new("--settings"), settings.path().as_os_str()];
    let mut window = Window::open_with(&display, &more);
    window.hear();
    let mut secure = window.attach();
    secure.greet(wire::Phase::Locked);
    let ToSecure::Ask { .. } = secure.hear() else { panic!() };
    display.wait_for_title("Sotto");
    display.tool(&["key", "ctrl+minus"]);
    display.tool(&["key", "ctrl+q"]);
    assert_eq!(window.hear(), FromChild::Closed);
    assert_eq!(window.end().code(), Some(0));
    let kept = std::fs::read_to_string(settings.path().join("window")).unwrap();
    assert_eq!(kept, "geometry=900x700+10+10\nzoom=0.9\n");
}

/// `UI-01`
#[test]
fn an_unexpected_descriptor_ends_it_before_anything_else() {
    let (near, far) = UnixStream::pair().unwrap();
    rustix::io::fcntl_setfd(near.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_ui-proc"))
        .stdin(Stdio::from(OwnedFd::from(far)))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(70));
}
