//! The desk over a real vault, without descriptors.

use ipc_schema::Text;
use ipc_schema_ui::{Answer, ErrorCode, Failure, NameBits, Passphrase, Request, TeamBits};
use tempfile::TempDir;

use super::*;
use crate::page_key::PageKey;

pub(super) struct World {
    _folder: TempDir,
    pub(super) desk: Desk,
    asked: u8,
}

pub(super) const WINDOW: PeerId = 1;
pub(super) const MEMBER: PeerId = 2;
pub(super) const COMMAND_LINE: PeerId = 3;
pub(super) const NOW: Millis = Millis(1_800_000_000_000);

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = Desk::new(folder.path().join("vault.db"), Confinement::Full);
        let classes = [Class::Window, Class::MemberTool, Class::CommandLine];
        for (peer, class) in (1..).zip(classes) {
            desk.enter(peer, class);
            let hello = ToSecure::Hello { schema: ipc_schema_ui::schema() };
            desk.hear(NOW, peer, &ipc_schema::encode(&hello).expect("bytes"));
        }
        desk.settle(NOW);
        Self { _folder: folder, desk, asked: 0 }
    }

    pub(super) fn say(&mut self, peer: PeerId, id: RequestId, request: Request) {
        let ask = ToSecure::Ask { id, request };
        self.desk.hear(NOW, peer, &ipc_schema::encode(&ask).expect("bytes"));
    }

    pub(super) fn settle(&mut self, id: RequestId) -> Result<Answer, Failure> {
        let answered = self.desk.settle(NOW).into_iter().find_map(|effect| match effect {
            Effect::Tell(_, FromSecure::Answer { id: of, answer }) if of == id => Some(answer),
            Effect::Tell(..) | Effect::Net(_) | Effect::Drop(_) => None,
        });
        answered.expect("an answer")
    }

    pub(super) fn ask_as(
        &mut self,
        id: RequestId,
        peer: PeerId,
        request: Request,
    ) -> Result<Answer, Failure> {
        self.say(peer, id, request);
        self.settle(id)
    }

    pub(super) fn ask(&mut self, peer: PeerId, request: Request) -> Result<Answer, Failure> {
        self.asked += 1;
        self.ask_as(RequestId([self.asked; 16]), peer, request)
    }

    /// A vault with an organisation, a team and its channel.
    pub(super) fn with_team() -> (Self, TeamBits, u16) {
        let mut world = Self::new();
        let create = Request::Create {
            passphrase: passphrase("a long passphrase"),
            user: Text::cut("Admin"),
            device: Text::cut("desk"),
        };
        assert_eq!(world.ask(MEMBER, create), Ok(Answer::Done));
        let org = Request::CreateOrg {
            name: Text::cut("Acme"),
            relay: Text::cut("127.0.0.1:9"),
            relay_key: [7; 32],
        };
        assert!(matches!(world.ask(MEMBER, org), Ok(Answer::Org { .. })));
        let made = world.ask(MEMBER, Request::CreateTeam { name: Text::cut("Team") });
        let Ok(Answer::TeamLink { team, .. }) = made else { panic!("{made:?}") };
        let channels = world.ask(MEMBER, Request::Channels { team });
        let Ok(Answer::Channels(channels)) = channels else { panic!("{channels:?}") };
        let channel = channels.as_slice().first().expect("general").id;
        (world, team, channel)
    }

    pub(super) fn texts(&mut self, team: TeamBits, channel: u16) -> Vec<(NameBits, String)> {
        let page = Request::Page { team, channel, thread: None, before: None, limit: 50 };
        let Ok(Answer::Page { rows, .. }) = self.ask(WINDOW, page) else { panic!("a page") };
        let shown = |row: &ipc_schema_ui::Row| (row.name, row.text.as_str().to_owned());
        rows.as_slice().iter().map(shown).collect()
    }
}

pub(super) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).expect("short enough")
}

fn send(team: TeamBits, channel: u16, text: &str) -> Request {
    Request::Send { team, channel, text: Text::cut(text), reply_to: None }
}

/// `SECURE-05`
#[test]
fn a_lost_answer_never_sends_twice() {
    let (mut world, team, channel) = World::with_team();
    let id = RequestId([200; 16]);
    let Ok(Answer::Sent { row }) = world.ask_as(id, WINDOW, send(team, channel, "once")) else {
        panic!("sent")
    };
    for _ in 0..3 {
        let again = world.ask_as(id, WINDOW, send(team, channel, "once"));
        assert!(matches!(again, Ok(Answer::Sent { row: same }) if same.name == row.name));
    }
    assert_eq!(world.texts(team, channel), [(row.name, "once".to_owned())]);
}

/// `SECURE-02`
#[test]
fn a_step_that_cannot_be_stored_is_undone_and_everything_goes_on_from_the_vault() {
    let (mut world, team, channel) = World::with_team();
    world.ask(WINDOW, send(team, channel, "kept")).expect("sent");
    let id = RequestId([201; 16]);
    world.say(WINDOW, id, send(team, channel, "lost"));
    world.desk.poisoned = true;
    assert_eq!(world.settle(id).map_err(|failure| failure.code), Err(ErrorCode::StoreFailed));
    let texts = |world: &mut World| -> Vec<String> {
        world.texts(team, channel).into_iter().map(|(_, text)| text).collect()
    };
    assert_eq!(texts(&mut world), ["kept"]);
    // The same number may be asked again: nothing of the first try is there.
    assert!(matches!(
        world.ask_as(id, WINDOW, send(team, channel, "lost")),
        Ok(Answer::Sent { .. })
    ));
    assert_eq!(texts(&mut world), ["kept", "lost"]);
}

/// `SECURE-02`
#[test]
fn a_lock_in_a_step_that_cannot_be_stored_lets_nothing_of_it_out() {
    let (mut world, team, channel) = World::with_team();
    world.ask(WINDOW, send(team, channel, "kept")).expect("sent");
    let (sent, locked) = (RequestId([202; 16]), RequestId([203; 16]));
    world.say(WINDOW, sent, send(team, channel, "lost"));
    world.desk.poisoned = true;
    world.say(COMMAND_LINE, locked, Request::Lock);
    let effects = world.desk.settle(NOW);
    let answer = |id: RequestId| {
        effects.iter().find_map(|effect| match effect {
            Effect::Tell(_, FromSecure::Answer { id: of, answer }) if *of == id => {
                Some(answer.clone().map(drop).map_err(|failure| failure.code))
            }
            Effect::Tell(..) | Effect::Net(_) | Effect::Drop(_) => None,
        })
    };
    assert_eq!(answer(sent), Some(Err(ErrorCode::StoreFailed)));
    assert_eq!(answer(locked), Some(Ok(())));
    let message = |effect: &Effect| {
        matches!(effect, Effect::Tell(_, FromSecure::Event(Event::Message { .. })))
    };
    assert!(!effects.iter().any(message));
    assert_eq!(world.desk.phase(), Phase::Locked);
    let unlock = Request::Unlock { passphrase: passphrase("a long passphrase") };
    assert_eq!(world.ask(WINDOW, unlock), Ok(Answer::Done));
    let texts = world.texts(team, channel);
    assert_eq!(texts.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), ["kept"]);
}

/// `SECURE-01`
#[test]
fn what_came_before_a_lock_in_the_same_step_is_stored() {
    let (mut world, team, channel) = World::with_team();
    let sent = RequestId([204; 16]);
    world.say(WINDOW, sent, send(team, channel, "in time"));
    world.say(COMMAND_LINE, RequestId([205; 16]), Request::Lock);
    assert!(matches!(world.settle(sent), Ok(Answer::Sent { .. })));
    let unlock = Request::Unlock { passphrase: passphrase("a long passphrase") };
    assert_eq!(world.ask(WINDOW, unlock), Ok(Answer::Done));
    assert_eq!(world.texts(team, channel).len(), 1);
}

/// `SECURE-04`
#[test]
fn who_has_proven_nothing_is_not_told_which_teams_there_are() {
    let (mut world, _, _) = World::with_team();
    let mut teams = |peer: PeerId| match world.ask(peer, Request::Status) {
        Ok(Answer::Status(status)) => status.teams.as_slice().len(),
        other => panic!("{other:?}"),
    };
    assert_eq!([teams(WINDOW), teams(MEMBER), teams(COMMAND_LINE)], [1, 1, 0]);
}

/// `SECURE-04`
#[test]
fn each_class_of_command_line_proves_the_passphrase_until_the_vault_is_locked() {
    let (mut world, _, _) = World::with_team();
    let refused = Err(ErrorCode::Locked);
    let code = |answer: Result<Answer, Failure>| answer.map(drop).map_err(|failure| failure.code);
    assert_eq!(code(world.ask(COMMAND_LINE, Request::Teams)), refused);
    let wrong = Request::Unlock { passphrase: passphrase("not this one") };
    assert_eq!(code(world.ask(COMMAND_LINE, wrong)), Err(ErrorCode::WrongPassphrase));
    assert_eq!(code(world.ask(COMMAND_LINE, Request::Teams)), refused);
    let right = Request::Unlock { passphrase: passphrase("a long passphrase") };
    assert_eq!(code(world.ask(COMMAND_LINE, right.clone())), Ok(()));
    assert_eq!(code(world.ask(COMMAND_LINE, Request::Teams)), Ok(()));
    assert_eq!(code(world.ask(COMMAND_LINE, Request::Lock)), Ok(()));
    assert_eq!(code(world.ask(WINDOW, right)), Ok(()));
    assert_eq!(code(world.ask(WINDOW, Request::Teams)), Ok(()));
    assert_eq!(code(world.ask(COMMAND_LINE, Request::Teams)), refused);
}

/// `SECURE-03`
#[test]
fn a_peer_that_says_what_it_may_not_is_dropped_and_the_others_stay() {
    let (mut world, _, _) = World::with_team();
    for garbage in [&b""[..], b"\xff\xff", &[0; 40]] {
        world.desk.enter(9, Class::CommandLine);
        world.desk.hear(NOW, 9, garbage);
        assert!(world.desk.settle(NOW).iter().any(|effect| matches!(effect, Effect::Drop(9))));
    }
    let org = Request::ShowOrg;
    world.say(WINDOW, RequestId([1; 16]), org);
    assert!(world.desk.settle(NOW).iter().any(|effect| matches!(effect, Effect::Drop(WINDOW))));
    assert!(matches!(world.ask(MEMBER, Request::ShowOrg), Ok(Answer::Org { .. })));
}

/// `SECURE-12`
#[test]
fn a_vault_in_another_layout_is_refused_and_left_alone() {
    let (mut world, team, channel) = World::with_team();
    world.ask(WINDOW, send(team, channel, "kept")).expect("sent");
    let set = |world: &mut World, value: Option<Vec<u8>>| {
        let Home::Open(session) = &mut world.desk.home else { panic!("an open vault") };
        let value = value.map(Into::into);
        let change = vault_io::Change { table: crate::record::LAYOUT, key: Vec::new(), value };
        session.vault.commit(&[change]).expect("a step");
        assert_eq!(world.ask(WINDOW, Request::Lock), Ok(Answer::Done));
    };
    let unlock = || Request::Unlock { passphrase: passphrase("a long passphrase") };
    for other in [None, Some(vec![1]), Some(vec![3]), Some(vec![])] {
        set(&mut world, other);
        let refused = world.ask(WINDOW, unlock()).expect_err("another layout");
        assert_eq!(refused.code, ErrorCode::OtherLayout);
        assert!(refused.message.as_str().contains("another release of Sotto"));
        assert_eq!(world.desk.phase(), Phase::Locked);
        // Nothing was lost: with the right number everything is there.
        let path = world.desk.vault.clone();
        let right = vault_io::Passphrase::new("a long passphrase".to_owned().into());
        let mut vault = vault_io::unlock::<PageKey>(&path, &right, NOW.0).expect("the passphrase");
        let value = Some(vec![crate::record::THIS_LAYOUT].into());
        let change = vault_io::Change { table: crate::record::LAYOUT, key: Vec::new(), value };
        vault.commit(&[change]).expect("a step");
        vault.lock().expect("a lock");
        assert_eq!(world.ask(WINDOW, unlock()), Ok(Answer::Done));
        assert_eq!(world.texts(team, channel).len(), 1);
    }
}

#[test]
fn a_thread_is_one_level_deep_and_a_reply_stands_below_its_message() {
    let (mut world, team, channel) = World::with_team();
    let reply =
        |text: &str, to| Request::Send { team, channel, text: Text::cut(text), reply_to: Some(to) };
    let sent = |answer| match answer {
        Ok(Answer::Sent { row }) => row,
        other => panic!("{other:?}"),
    };
    let root = sent(world.ask(WINDOW, send(team, channel, "question")));
    let first = sent(world.ask(WINDOW, reply("answer", root.name)));
    let second = sent(world.ask(WINDOW, reply("to the answer", first.name)));
    assert_eq!((first.thread, second.thread), (Some(root.name), Some(root.name)));
    let page = Request::Page { team, channel, thread: Some(root.name), before: None, limit: 9 };
    let Ok(Answer::Page { rows, more: false }) = world.ask(WINDOW, page) else { panic!("a page") };
    let texts: Vec<&str> = rows.as_slice().iter().map(|row| row.text.as_str()).collect();
    assert_eq!(texts, ["question", "answer", "to the answer"]);
    assert_eq!(rows.as_slice().first().map(|row| row.replies), Some(2));
}
