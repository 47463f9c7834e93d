//! Requests that wait for a slot, and what followers hear of how a team stands.

use ipc_schema::Text;
use ipc_schema_ui::{
    Answer, ErrorCode, Event, Failure, Policy, Request, RequestId, Role, Scope, Standing, Status,
    TeamBits, TeamStatus,
};

use super::tests::{COMMAND_LINE, MEMBER, NOW, WINDOW, World, passphrase};
use super::*;
use crate::failures;
use crate::wanted::Part;

const WEEK: u64 = 7 * 86_400_000;

fn policy(team: TeamBits, hours: u64) -> Request {
    Request::SetPolicy { team, max_offline_send: Some(hours * 3_600_000), refresh_every: None }
}

/// Asks and ends the step; what was answered to whom.
fn ask(
    world: &mut World,
    id: u8,
    peer: PeerId,
    request: Request,
) -> Vec<(PeerId, Result<Answer, ErrorCode>)> {
    world.say(peer, RequestId([id; 16]), request);
    answers(world.desk.settle(NOW))
}

fn answers(effects: Vec<Effect>) -> Vec<(PeerId, Result<Answer, ErrorCode>)> {
    let answer = |effect| match effect {
        Effect::Tell(peer, FromSecure::Answer { answer, .. }) => {
            Some((peer, answer.map_err(|failure: Failure| failure.code)))
        }
        Effect::Tell(..) | Effect::Net(_) | Effect::Drop(_) => None,
    };
    effects.into_iter().filter_map(answer).collect()
}

fn status(world: &mut World) -> TeamStatus {
    let Ok(Answer::Status(Status { teams, .. })) = world.ask(WINDOW, Request::Status) else {
        panic!("a status")
    };
    teams.as_slice().first().expect("a team").clone()
}

fn decide(world: &mut World, part: Part, result: Result<(), Failure>) {
    let Home::Open(session) = &world.desk.home else { panic!("an open vault") };
    let team = session.endpoint.subscriptions().remove(0);
    world.desk.decided(team, part, result);
}

/// `SECURE-11`
#[test]
fn a_wish_is_made_once_and_answered_whenever_it_is_decided() {
    let (mut world, team, _) = World::with_team();
    let before = status(&mut world).wishes;
    for _ in 0..2 {
        assert_eq!(ask(&mut world, 200, MEMBER, policy(team, 5)), []);
    }
    assert_eq!(status(&mut world).wishes, before + 1);
    // Whoever waits hears of the lock; the wish stays.
    let locked = Err(ErrorCode::Locked);
    let told = ask(&mut world, 201, WINDOW, Request::Lock);
    assert_eq!(told, [(MEMBER, locked.clone()), (MEMBER, locked), (WINDOW, Ok(Answer::Done))]);
    let unlock = Request::Unlock { passphrase: passphrase("a long passphrase") };
    assert_eq!(ask(&mut world, 202, MEMBER, unlock), [(MEMBER, Ok(Answer::Done))]);
    assert_eq!(ask(&mut world, 200, MEMBER, policy(team, 5)), []);
    assert_eq!(status(&mut world).wishes, before + 1);
    decide(&mut world, Part::Policy, Ok(()));
    assert_eq!(answers(world.desk.settle(NOW)), [(MEMBER, Ok(Answer::Done))]);
    // Asked once more, after everything was read from the vault again.
    world.desk.poisoned = true;
    world.desk.settle(NOW);
    let again = ask(&mut world, 200, MEMBER, policy(team, 5));
    assert_eq!(again, [(MEMBER, Ok(Answer::Done))]);
}

/// `SECURE-11`
#[test]
fn what_never_comes_true_is_told_and_a_wish_of_several_parts_waits_for_all_of_them() {
    let (mut world, team, _) = World::with_team();
    assert_eq!(ask(&mut world, 200, MEMBER, policy(team, 5)), []);
    decide(&mut world, Part::Policy, Err(failures::not_done(mls_core::NotDone::NotAdmin)));
    let not_admin = Err(ErrorCode::NotAdmin);
    assert_eq!(answers(world.desk.settle(NOW)), [(MEMBER, not_admin.clone())]);
    assert_eq!(ask(&mut world, 200, MEMBER, policy(team, 5)), [(MEMBER, not_admin.clone())]);

    let Home::Open(session) = &mut world.desk.home else { panic!("an open vault") };
    let whole = session.endpoint.subscriptions().remove(0);
    session.wanted.open([9; 16], whole, vec![Part::Remove(7), Part::Remove(8)]);
    let waiting = Waiting { peer: MEMBER, id: RequestId([9; 16]), until: Until::Decided([9; 16]) };
    world.desk.waiting.push(waiting);
    let gone = failures::not_done(mls_core::NotDone::NoSuchDevice);
    decide(&mut world, Part::Remove(8), Err(gone));
    assert_eq!(answers(world.desk.settle(NOW)), []);
    decide(&mut world, Part::Remove(9), Ok(()));
    decide(&mut world, Part::Remove(7), Ok(()));
    let outcome = [(MEMBER, Err(ErrorCode::NoSuchDevice))];
    assert_eq!(answers(world.desk.settle(NOW)), outcome);
}

/// `SECURE-13`
#[test]
fn what_cannot_be_wished_is_refused_at_once_and_leaves_nothing() {
    let (mut world, team, _) = World::with_team();
    let before = status(&mut world).wishes;
    let (device, user_key) = (70_000, [1; 32]);
    let elsewhere = TeamBits(team.0 ^ 1);
    let cases = [
        (Request::RemoveDevice { team, device }, ErrorCode::NoSuchDevice),
        (Request::RemoveDevice { team, device: u32::MAX }, ErrorCode::NoSuchDevice),
        (Request::RemoveDevice { team, device: 0 }, ErrorCode::NotAdmin),
        (Request::RemoveUser { team, user_key }, ErrorCode::NoSuchUser),
        (Request::SetRole { team, device, admin: true }, ErrorCode::NoSuchDevice),
        (Request::SetRole { team, device: 0, admin: false }, ErrorCode::NotPermitted),
        (policy(team, 0), ErrorCode::BadPolicy),
        (policy(team, u64::MAX / 3_600_000), ErrorCode::BadPolicy),
        (policy(elsewhere, 5), ErrorCode::NoSuchTeam),
        (Request::RemoveUser { team: elsewhere, user_key }, ErrorCode::NoSuchTeam),
        (Request::AddUser { team: elsewhere, user_key }, ErrorCode::NoSuchTeam),
    ];
    for (request, code) in cases {
        let text = format!("{request:?}");
        assert_eq!(ask(&mut world, 200, MEMBER, request), [(MEMBER, Err(code))], "{text}");
    }
    assert_eq!(status(&mut world).wishes, before);
}

/// `SECURE-13`
#[test]
fn only_the_vault_with_the_root_key_moves_the_origin() {
    let mut world = World::new();
    let create = Request::Create {
        passphrase: passphrase("a long passphrase"),
        user: Text::cut("Bob"),
        device: Text::cut("laptop"),
    };
    assert_eq!(world.ask(MEMBER, create), Ok(Answer::Done));
    let relay = || Request::MoveOrigin { relay: Text::cut("127.0.0.1:8"), relay_key: [8; 32] };
    assert_eq!(ask(&mut world, 200, MEMBER, relay()), [(MEMBER, Err(ErrorCode::NotAdmin))]);
    let (mut world, ..) = World::with_team();
    assert_eq!(ask(&mut world, 200, MEMBER, relay()), [(MEMBER, Ok(Answer::Done))]);
    world.say(COMMAND_LINE, RequestId([201; 16]), relay());
    let dropped = |effect: &Effect| matches!(effect, Effect::Drop(COMMAND_LINE));
    assert!(world.desk.settle(NOW).iter().any(dropped));
}

/// `SECURE-14`
#[test]
fn followers_hear_how_a_team_stands_at_once_then_when_it_changes_and_not_too_often() {
    let (mut world, team, _) = World::with_team();
    let told = |world: &mut World, now: Millis| -> Vec<(PeerId, u32)> {
        world.desk.tick(now);
        let said = |effect| match effect {
            Effect::Tell(peer, FromSecure::Event(Event::Team(status))) => {
                assert_eq!(status.id, team);
                assert_eq!(status.standing, Standing::Member);
                let Policy { max_offline_send, .. } = status.policy;
                assert_eq!(max_offline_send, WEEK);
                Some((peer, status.wishes))
            }
            Effect::Tell(..) | Effect::Net(_) | Effect::Drop(_) => None,
        };
        world.desk.settle(now).into_iter().filter_map(said).collect()
    };
    assert_eq!(told(&mut world, NOW), [], "nobody follows");
    let follow = Request::Follow { scope: Scope::Team(team) };
    world.say(WINDOW, RequestId([200; 16]), follow);
    let [(WINDOW, wishes)] = told(&mut world, NOW)[..] else { panic!("one is told") };
    world.say(MEMBER, RequestId([201; 16]), policy(team, 5));
    assert_eq!(told(&mut world, NOW.plus(1)), [], "too soon");
    let again = world.desk.wake_at().expect("a time");
    assert_eq!(told(&mut world, again), [(WINDOW, wishes + 1)]);
    assert_eq!(told(&mut world, again.plus(1_000)), []);
    let devices = world.ask(MEMBER, Request::Devices { team });
    let Ok(Answer::Devices(devices)) = devices else { panic!("{devices:?}") };
    let roles: Vec<Role> = devices.as_slice().iter().map(|row| row.role).collect();
    assert_eq!(roles, [Role::Root]);
}
