//! Golden bytes between `secure-proc` and windows or command lines.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../../tests/support/golden.rs"]
mod golden;

use golden::Golden;
use ipc_schema::control::Confinement;
use ipc_schema::{CAP_FROM_UI, CAP_TO_UI, List, SchemaHash, Secret, Text, encode};
use ipc_schema_ui::{
    Answer, Channel, DeviceRow, ErrorCode, Event, Failure, FromSecure, Joining, LinkState,
    MAX_BODY, NameBits, Names, Phase, Policy, Proof, Removed, Request, RequestId, Role, Row, Scope,
    Standing, State, Status, Team, TeamBits, TeamStatus, ToSecure, Watermark, schema,
};

const TEAM: TeamBits = TeamBits(9 << 38 | 8 << 20 | 7);
const NAME: NameBits = NameBits([5; 16]);
const PHASES: [Phase; 3] = [Phase::FirstStart, Phase::Locked, Phase::Unlocked];
const STATES: [State; 6] = [
    State::Queued,
    State::LocalRelay,
    State::Relay,
    State::Delivered,
    State::Failed,
    State::Undecryptable,
];
const STANDINGS: [Standing; 7] = [
    Standing::Member,
    Standing::Waiting,
    Standing::Stalled { slot: 70_000 },
    Standing::Rejoining,
    Standing::ReadOnly,
    Standing::TwoHistories,
    Standing::Removed,
];
const ROLES: [Role; 3] = [Role::Root, Role::Admin, Role::Member];
const POLICY: Policy = Policy { max_offline_send: 604_800_000, refresh_every: 604_800_000 };
const CODES: [ErrorCode; 29] = [
    ErrorCode::Locked,
    ErrorCode::NoVault,
    ErrorCode::VaultExists,
    ErrorCode::WrongPassphrase,
    ErrorCode::TooSoon,
    ErrorCode::WeakPassphrase,
    ErrorCode::NoSuchTeam,
    ErrorCode::NoSuchChannel,
    ErrorCode::NoSuchMessage,
    ErrorCode::BadText,
    ErrorCode::BadLink,
    ErrorCode::WrongFingerprint,
    ErrorCode::AlreadyJoined,
    ErrorCode::NoSuchAnnouncement,
    ErrorCode::UnfitAnnouncement,
    ErrorCode::NotAdmin,
    ErrorCode::OrgExists,
    ErrorCode::NotReachable,
    ErrorCode::RelayRefused,
    ErrorCode::StoreFailed,
    ErrorCode::RunOut,
    ErrorCode::NotPermitted,
    ErrorCode::NoSuchDevice,
    ErrorCode::NoSuchUser,
    ErrorCode::ReadOnly,
    ErrorCode::Removed,
    ErrorCode::BadPolicy,
    ErrorCode::NotDone,
    ErrorCode::OtherLayout,
];

fn text<const MOST: usize>(text: &str) -> Text<MOST> {
    Text::new(text).unwrap()
}

fn passphrase() -> Secret<1024> {
    Secret::new("correct horse".to_owned()).unwrap()
}

fn row() -> Row {
    Row {
        name: NAME,
        from: text("Bob"),
        device: 70_000,
        own: false,
        at: 1_795_269_959_999,
        state: State::Relay,
        text: text("grüß dich"),
        thread: Some(NameBits([6; 16])),
        replies: 2,
        why: text(""),
        missing_before: 1,
    }
}

fn removed() -> Removed {
    Removed { at: 1_795_269_959_999, by: text("Anna") }
}

fn team() -> Team {
    Team { id: TEAM, name: text("friends"), removed: Some(removed()) }
}

fn proofs() -> Vec<Proof> {
    vec![Proof::Origin { slot: 6 }, Proof::Device { device: 70_000, user: text("Bob"), name: NAME }]
}

fn team_status() -> TeamStatus {
    TeamStatus {
        id: TEAM,
        name: text("friends"),
        epoch: 5,
        slot: 6,
        devices: 3,
        queued: 1,
        wishes: 0,
        standing: Standing::Stalled { slot: 7 },
        origin: Some(false),
        paused: true,
        reachable: List::new(vec![70_000]).unwrap(),
        unsettled: 2,
        offline_since: Some(1_795_269_959_999),
        proofs: List::new(proofs()).unwrap(),
        policy: POLICY,
        removed: None,
    }
}

fn status() -> Status {
    Status {
        phase: Phase::Unlocked,
        link: LinkState::Online { skew: -3 },
        secure: Confinement::Full,
        net: Some(Confinement::Reduced(text("old kernel"))),
        window: None,
        forbidden_calls: 0,
        net_starts: 1,
        teams: List::new(vec![team_status()]).unwrap(),
        joining: List::new(vec![Joining { team: TEAM, hash: [4; 32] }]).unwrap(),
    }
}

fn requests() -> Vec<Request> {
    let (team, link) = (TEAM, text("sotto-team:9/8/7#.."));
    vec![
        Request::Create { passphrase: passphrase(), user: text("Bob"), device: text("laptop") },
        Request::Unlock { passphrase: passphrase() },
        Request::Lock,
        Request::Status,
        Request::WhoAmI,
        Request::Teams,
        Request::Channels { team },
        Request::Send { team, channel: 700, text: text("hi"), reply_to: Some(NAME) },
        Request::Page { team, channel: 700, thread: None, before: Some(NAME), limit: 400 },
        Request::Follow { scope: Scope::Channel(TEAM, 700) },
        Request::ReadLink { link: Text::clone(&link) },
        Request::Join { link, fingerprint: [3; 32] },
        Request::Refresh { team },
        Request::CreateOrg { name: text("Acme"), relay: text("relay:4433"), relay_key: [2; 32] },
        Request::ShowOrg,
        Request::CreateTeam { name: text("friends") },
        Request::ShowTeamLink { team },
        Request::CreateChannel { team, name: text("general") },
        Request::AddDevice { team, hash: [4; 32] },
        Request::Devices { team },
        Request::Settle,
        Request::AddUser { team, user_key: [1; 32] },
        Request::RemoveDevice { team, device: 70_000 },
        Request::RemoveUser { team, user_key: [1; 32] },
        Request::SetRole { team, device: 70_000, admin: true },
        Request::SetPolicy { team, max_offline_send: Some(604_800_000), refresh_every: None },
        Request::MoveOrigin { relay: text("relay:4434"), relay_key: [2; 32] },
    ]
}

fn answers() -> Vec<Answer> {
    vec![
        Answer::Done,
        Answer::Status(status()),
        Answer::WhoAmI(Names { user: text("Bob"), device: text("laptop"), user_key: [1; 32] }),
        Answer::Teams(List::new(vec![team()]).unwrap()),
        Answer::Channels(
            List::new(vec![Channel { id: 700, name: text("general"), messages: 2 }]).unwrap(),
        ),
        Answer::Sent { row: row() },
        Answer::Page { rows: List::new(vec![row()]).unwrap(), more: true },
        Answer::Link { team: TEAM, fingerprint: [3; 32], relay: text("relay:4433") },
        Answer::Joining(Joining { team: TEAM, hash: [4; 32] }),
        Answer::Org { name: text("Acme"), origin: 9, org: 8, root: [2; 32], fingerprint: [3; 32] },
        Answer::TeamLink { team: TEAM, link: text("sotto-team:9/8/7#..") },
        Answer::Devices(
            List::new(vec![DeviceRow {
                number: 70_000,
                user: text("Bob"),
                name: text("laptop"),
                own: true,
                user_key: [1; 32],
                role: Role::Admin,
                heard: Some(1_795_269_959_999),
                reachable: true,
                two_histories: false,
            }])
            .unwrap(),
        ),
    ]
}

fn events() -> Vec<Event> {
    vec![
        Event::Phase(Phase::Locked),
        Event::Message { team: TEAM, channel: 700, row: row(), after: Some(NAME) },
        Event::Watermark(Watermark {
            team: TEAM,
            channel: 700,
            local: 301,
            relay: 300,
            delivered: 2,
        }),
        Event::TeamsChanged,
        Event::Link(LinkState::NoRelay),
        Event::Joined { team: TEAM },
        Event::Notice(text("the origin showed two histories")),
        Event::Renamed { team: TEAM, channel: 700, from: NAME, to: NameBits([6; 16]) },
        Event::Team(team_status()),
    ]
}

fn failure() -> Failure {
    Failure { code: ErrorCode::TooSoon, message: text("too soon"), hint: text("wait"), wait: 4_000 }
}

/// `IPC-SCHEMA-UI-01`
#[test]
fn every_variant_has_its_golden_bytes() {
    let mut golden = Golden::new(env!("CARGO_MANIFEST_DIR"), "ui");
    golden.variants("Phase", &PHASES);
    golden.variants("State", &STATES);
    golden.variants("ErrorCode", &CODES);
    golden.variants("Standing", &STANDINGS);
    golden.variants("Role", &ROLES);
    golden.variants("Proof", &proofs());
    golden.one("Policy", &POLICY);
    golden.variants("Scope", &[Scope::All, Scope::Team(TEAM), Scope::Channel(TEAM, 700)]);
    golden.variants(
        "LinkState",
        &[
            LinkState::NoRelay,
            LinkState::Online { skew: i64::MIN },
            LinkState::Offline { since: 1_795_269_959_999, why: text("refused") },
        ],
    );
    golden.variants("Request", &requests());
    golden.variants("Answer", &answers());
    golden.variants("Event", &events());
    golden.one("Failure", &failure());
    let id = RequestId([1; 16]);
    golden.variants(
        "ToSecure",
        &[
            ToSecure::Hello { schema: SchemaHash([7; 32]) },
            ToSecure::Ask { id, request: Request::Lock },
        ],
    );
    golden.variants(
        "FromSecure",
        &[
            FromSecure::Hello { schema: SchemaHash([7; 32]), phase: Phase::Locked },
            FromSecure::Answer { id, answer: Ok(Answer::Done) },
            FromSecure::Event(Event::TeamsChanged),
        ],
    );
    golden.one("FromSecure", &FromSecure::Answer { id, answer: Err(failure()) });
    golden.compare();
}

/// `IPC-SCHEMA-UI-02`
#[test]
fn the_largest_messages_fit_their_caps() {
    let id = RequestId([255; 16]);
    let longest = Text::<MAX_BODY>::new("x".repeat(MAX_BODY)).unwrap();
    let request = Request::Send {
        team: TeamBits(u64::MAX),
        channel: u16::MAX,
        text: longest.clone(),
        reply_to: Some(NAME),
    };
    assert!(encode(&ToSecure::Ask { id, request }).unwrap().len() <= CAP_FROM_UI);

    let most = Text::<64>::new("x".repeat(64)).unwrap();
    let device = DeviceRow {
        number: u32::MAX,
        user: most.clone(),
        name: most.clone(),
        own: true,
        user_key: [255; 32],
        role: Role::Member,
        heard: Some(u64::MAX),
        reachable: true,
        two_histories: true,
    };
    let devices = Answer::Devices(List::new(vec![device; 1024]).unwrap());
    let proof = Proof::Device { device: u32::MAX, user: most.clone(), name: NAME };
    let team = TeamStatus {
        id: TeamBits(u64::MAX),
        name: most.clone(),
        epoch: u64::MAX,
        slot: u32::MAX,
        devices: u32::MAX,
        queued: u32::MAX,
        wishes: u32::MAX,
        standing: Standing::Stalled { slot: u32::MAX },
        origin: Some(true),
        paused: true,
        reachable: List::new(vec![u32::MAX; 256]).unwrap(),
        unsettled: u32::MAX,
        offline_since: Some(u64::MAX),
        proofs: List::new(vec![proof; 8]).unwrap(),
        policy: Policy { max_offline_send: u64::MAX, refresh_every: u64::MAX },
        removed: Some(Removed { at: u64::MAX, by: most.clone() }),
    };
    let teams = List::new(vec![team; 64]).unwrap();
    let status = Answer::Status(Status { teams, ..status() });
    let channel = Channel { id: u16::MAX, name: most, messages: u32::MAX };
    let channels = Answer::Channels(List::new(vec![channel; 256]).unwrap());
    let sent = Answer::Sent { row: Row { text: longest, ..row() } };
    for answer in [devices, channels, sent, status] {
        let message = FromSecure::Answer { id, answer: Ok(answer) };
        assert!(encode(&message).unwrap().len() <= CAP_TO_UI);
    }
}

/// `IPC-SCHEMA-UI-03`
#[test]
fn nothing_of_a_message_or_passphrase_is_printed_in_a_log() {
    let request = format!("{:?}", requests());
    let event = format!("{:?}", events());
    for text in ["correct horse", "laptop", "hi\"", "Acme"] {
        assert!(!request.contains(text), "{text}");
    }
    assert!(!event.contains("grüß"));
}

/// `IPC-SCHEMA-UI-04`
#[test]
fn the_schema_is_not_that_of_the_other_packages() {
    assert_ne!(schema(), ipc_schema::control::schema());
}
