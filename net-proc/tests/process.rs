//! The real process in its sandbox, between a `secure-proc` and a relay that are played here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use ipc_io::{Caps, Client, Control, Interest};
use ipc_schema::control::{self, Class, Confinement, FromChild, ToChild};
use ipc_schema::{Bytes, Text};
use ipc_schema_net::{Answer, Cursor, FromNet, LinkLoss, PrefixBits, Standing, ToNet};
use link_io::{CloseReason, Link, LinkKey, Listener, Stream};
use names::{Channel, Device, Number, Org, Origin, Prefix, Rest, Slot, Team, TeamId};
use objects::wire::{FromRelay, SubscriptionStanding, ToRelay};
use objects::{Draft, Hash, Key, Millis, Object, Part, Proof, Receipt, Signer};
use sandbox_io::{Role, child};
use tokio::runtime::Runtime;

/// `net-proc`, and both ends that its launcher holds.
struct Process {
    child: Child,
    launcher: Control,
    secure: Client,
}

impl Process {
    /// Starts it, waits until it is locked down, and greets it as `secure-proc` does.
    fn start(cache: &Path) -> Self {
        let (ours, theirs) = ipc_io::pair().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_net-proc"));
        let arguments = ["--cache".as_ref(), cache.as_os_str()];
        let child = child::spawn(Role::Net, program, &arguments, theirs).unwrap();
        let mut launcher = Control::from_fd(ours).unwrap();
        let FromChild::Ready { schema, confinement } = ready(&mut launcher) else {
            panic!("not ready");
        };
        assert_eq!(schema, control::schema());
        assert!(!matches!(confinement, Confinement::None(_)), "{confinement:?}");
        let secure = attach(&mut launcher);
        let mut process = Self { child, launcher, secure };
        process.greet();
        process
    }

    fn greet(&mut self) {
        let schema = ipc_schema_net::schema();
        self.say(&ToNet::Hello { schema, generation: 3 });
        assert_eq!(self.hear(), FromNet::Hello { schema, generation: 3 });
    }

    fn say(&mut self, message: &ToNet) {
        self.secure.send(&ipc_schema::encode(message).unwrap()).unwrap();
    }

    fn hear(&mut self) -> FromNet {
        let frame = self.secure.recv(Some(Duration::from_secs(30))).unwrap();
        ipc_schema::decode(&frame.unwrap()).unwrap()
    }

    fn use_relay(&mut self, addr: SocketAddr, key: [u8; 32]) {
        self.say(&ToNet::Relay { address: Text::cut(&addr.to_string()), key });
    }

    /// Waits for a link and proves ourselves on it.
    fn prove(&mut self, exporter: [u8; 32], relay: [u8; 32]) -> Proof {
        let signer = Signer::from_seed(&[1; 32]);
        let (device, until) = (Device::truncate(3), Millis(u64::MAX));
        let proof = Proof::sign(&signer, &Key(relay), &exporter, team(), device, until);
        self.say(&ToNet::Prove { exporter, proof: Bytes::new(proof.bytes()).unwrap() });
        proof
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn ready(launcher: &mut Control) -> FromChild {
    loop {
        if let Some((frame, _)) = launcher.next_frame().unwrap() {
            return ipc_schema::decode(&frame).unwrap();
        }
        let count = ipc_io::poll(&mut [Interest::read(launcher)], Some(Duration::from_secs(30)));
        assert!(count.unwrap() > 0, "net-proc does not get ready");
        launcher.fill(ipc_io::now());
    }
}

fn attach(launcher: &mut Control) -> Client {
    let (ours, theirs): (OwnedFd, OwnedFd) = ipc_io::pair().unwrap();
    let attach = ToChild::Attach { class: Class::Secure, generation: 1 };
    launcher.send(&ipc_schema::encode(&attach).unwrap(), Some(theirs)).unwrap();
    assert!(launcher.flush().unwrap());
    Client::from_fd(ours, Caps::NET).unwrap()
}

/// A relay that says what the test wants.
struct Relay {
    runtime: Runtime,
    listener: Listener,
}

/// A greeted link.
struct Greeted {
    link: Link,
    control: Stream,
    delivery: Stream,
}

impl Relay {
    fn start(seed: u8) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let key = LinkKey::from_seed([seed; 32]).unwrap();
        let listener = runtime.block_on(async { Listener::bind(any(), &key).unwrap() });
        Self { runtime, listener }
    }

    fn key(&self) -> [u8; 32] {
        self.listener.key().0
    }

    fn accept(&mut self) -> Greeted {
        let Self { runtime, listener } = self;
        runtime.block_on(async {
            let link = listener.accept().await.unwrap();
            let (mut control, mut delivery) = (None, None);
            for _ in 0..2 {
                match link.accept().await.unwrap() {
                    (link_io::Class::Control, stream) => control = Some(stream),
                    (link_io::Class::Delivery, stream) => delivery = Some(stream),
                }
            }
            let (mut control, delivery) = (control.unwrap(), delivery.unwrap());
            let hello = control.receiver.recv().await.unwrap().unwrap();
            assert_eq!(ToRelay::parse(&hello), Ok(ToRelay::Hello { version: 1 }));
            let welcome = FromRelay::Welcome { version: 1, store: 7, now: Millis(99) };
            control.sender.send(&welcome.bytes()).await.unwrap();
            Greeted { link, control, delivery }
        })
    }

    fn hear(&self, greeted: &mut Greeted) -> ToRelay {
        let frame = self.runtime.block_on(greeted.control.receiver.recv());
        ToRelay::parse(&frame.unwrap().unwrap()).unwrap()
    }

    fn answer(&self, greeted: &mut Greeted, frame: &FromRelay) {
        self.runtime.block_on(greeted.control.sender.send(&frame.bytes())).unwrap();
    }

    fn deliver(&self, greeted: &mut Greeted, position: u64, object: &Object) {
        let frame = FromRelay::Deliver { position, object: object.clone(), receipt: None };
        self.runtime.block_on(greeted.delivery.sender.send(&frame.bytes())).unwrap();
    }
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn team() -> TeamId {
    let (origin, org) = (Origin::truncate(7), Org::truncate(9));
    TeamId { origin, org, team: Team::truncate(1) }
}

fn entry(number: u64) -> Object {
    let (channel, number) = (Channel::truncate(2), Number::truncate(number));
    let name = team().name(Rest::Message { channel, device: Device::truncate(3), number });
    let (created, expires, previous) = (Millis(0), Millis::NEVER, Hash::NONE);
    let draft = Draft { name, created, expires, previous, part: Part::ONLY, data: b"sealed" };
    draft.sign(&Signer::from_seed(&[1; 32])).unwrap()
}

fn prefix() -> PrefixBits {
    let prefix = Prefix::team(team());
    PrefixBits { bits: prefix.bits().to_be_bytes(), len: 78 }
}

fn subscribed(id: u32, after: u64, store: u64) -> ToRelay {
    ToRelay::Subscribe { id, prefix: Prefix::team(team()), store, after }
}

fn arrived(message: &FromNet) -> (u64, Object) {
    match message {
        FromNet::Arrived { cursor, object, .. } => {
            (cursor.position, Object::parse(object.as_slice()).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

/// `NET-03`, `NET-04`, `NET-05`
#[test]
fn objects_and_answers_pass_through_the_sandbox_across_links_and_lives() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(5);
    let mut process = Process::start(folder.path());
    process.use_relay(relay.listener.local_addr(), relay.key());
    process.say(&ToNet::Credit(2));
    process.say(&ToNet::Subscribe { prefix: prefix(), after: Cursor::default() });
    let mut link = relay.accept();
    let exporter = link.link.session_secret().unwrap();
    let linked = FromNet::Linked { relay: relay.key(), exporter, now: 99 };
    assert_eq!(process.hear(), linked);

    let proof = process.prove(exporter, relay.key());
    assert_eq!(relay.hear(&mut link), ToRelay::Prove(proof));
    assert_eq!(relay.hear(&mut link), subscribed(0, 0, 0));
    relay.answer(&mut link, &FromRelay::Proved(proof));
    let standing = SubscriptionStanding::Active;
    relay.answer(&mut link, &FromRelay::Subscribed { id: 0, standing });
    assert!(matches!(process.hear(), FromNet::Proved { .. }));
    let active = FromNet::Standing { prefix: prefix(), standing: Standing::Active };
    assert_eq!(process.hear(), active);

    for (position, number) in [(5, 0), (6, 1), (9, 2)] {
        relay.deliver(&mut link, position, &entry(number));
    }
    assert_eq!(arrived(&process.hear()), (1, entry(0)));
    assert_eq!(arrived(&process.hear()), (2, entry(1)));
    process.say(&ToNet::Credit(100));
    assert_eq!(arrived(&process.hear()), (3, entry(2)));

    let object = Bytes::new(entry(3).bytes()).unwrap();
    process.say(&ToNet::Publish { id: 77, object });
    let ToRelay::Publish { seq, object } = relay.hear(&mut link) else {
        panic!("not published");
    };
    let receipt = Receipt::sign(&Signer::from_seed(&[5; 32]), &object, Slot::ZERO, Millis(1));
    relay.answer(&mut link, &FromRelay::Stored { seq, receipt });
    let answer = Answer::Receipt(Bytes::new(receipt.bytes()).unwrap());
    assert_eq!(process.hear(), FromNet::Answered { id: 77, answer });

    link.link.close(CloseReason::Stopping);
    assert_eq!(process.hear(), FromNet::Unlinked { why: LinkLoss::Unreachable });
    let mut link = relay.accept();
    let again = link.link.session_secret().unwrap();
    assert_ne!(again, exporter);
    assert!(matches!(process.hear(), FromNet::Linked { exporter, .. } if exporter == again));
    process.prove(again, relay.key());
    assert!(matches!(relay.hear(&mut link), ToRelay::Prove(_)));
    assert_eq!(relay.hear(&mut link), subscribed(1, 9, 7));
    relay.deliver(&mut link, 9, &entry(2));
    relay.deliver(&mut link, 12, &entry(4));
    let cursor = match process.hear() {
        FromNet::Arrived { cursor, .. } => cursor,
        other => panic!("{other:?}"),
    };
    assert_eq!(cursor.position, 4);

    process.kill();
    let mut process = Process::start(folder.path());
    process.say(&ToNet::Credit(100));
    let after = Cursor { position: 2, ..cursor };
    process.say(&ToNet::Subscribe { prefix: prefix(), after });
    assert_eq!(arrived(&process.hear()), (3, entry(2)));
    assert_eq!(arrived(&process.hear()), (4, entry(4)));
    drop(process.launcher);
    assert!(process.child.wait().unwrap().success(), "a dead launcher takes it along");
}

/// `NET-03`
#[test]
fn a_relay_with_another_key_and_an_address_without_meaning_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let Relay { runtime, mut listener } = Relay::start(5);
    let addr = listener.local_addr();
    let accepting = runtime.spawn(async move { listener.accept().await.is_some() });
    let mut process = Process::start(folder.path());
    process.use_relay(addr, [6; 32]);
    let why = LinkLoss::WrongKey;
    assert_eq!(process.hear(), FromNet::Unlinked { why });
    assert!(!accepting.is_finished(), "the relay saw a link");
    process.say(&ToNet::Relay { address: Text::cut("nowhere"), key: [6; 32] });
    let why = LinkLoss::BadAddress;
    assert_eq!(process.hear(), FromNet::Unlinked { why });
}

/// `NET-03`
#[test]
fn names_are_resolved_inside_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(5);
    let mut process = Process::start(folder.path());
    let address = format!("localhost:{}", relay.listener.local_addr().port());
    process.say(&ToNet::Relay { address: Text::cut(&address), key: relay.key() });
    let _link = relay.accept();
    loop {
        match process.hear() {
            FromNet::Linked { .. } => break,
            // The name may also stand for an address where nobody listens.
            FromNet::Unlinked { why: LinkLoss::Unreachable } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// `NET-02`
#[test]
fn a_secure_proc_that_breaks_the_rules_is_dropped_and_the_next_one_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path());
    process.secure.send(&[255; 40]).unwrap();
    assert!(process.secure.recv(Some(Duration::from_secs(30))).is_err());
    process.secure = attach(&mut process.launcher);
    process.greet();
    let stop = ipc_schema::encode(&ToChild::Stop).unwrap();
    process.launcher.send(&stop, None).unwrap();
    assert!(process.launcher.flush().unwrap());
    assert!(process.end().success());
}
