//! Who is here, what they ask, and what a step tells them. No descriptors, no waiting.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipc_schema::control::{Class, Confinement};
use ipc_schema_net::{FromNet, LinkLoss, ToNet};
use ipc_schema_ui::{Event, FromSecure, LinkState, Phase, RequestId, Scope, ToSecure};
use mls_core::Input;
use names::TeamId;
use objects::{Key, Millis};

use crate::effect::{Effect, PeerId, failure};
use crate::gate::{Gate, Kind, Verdict};
use crate::session::{Session, StepError};
use crate::standing::Told;
use crate::translate;

/// The whole of `secure-proc` between its descriptors.
pub(crate) struct Desk {
    pub(crate) vault: PathBuf,
    pub(crate) home: Home,
    pub(crate) confinement: Confinement,
    pub(crate) others: Others,
    pub(crate) link: LinkState,
    pub(crate) effects: Vec<Effect>,
    pub(crate) waiting: Vec<Waiting>,
    /// Which classes have proven the passphrase since the vault was opened.
    pub(crate) proven: Vec<Class>,
    /// The vault could not be read in this step: it must not be committed.
    pub(crate) poisoned: bool,
    guests: BTreeMap<PeerId, Guest>,
    net: Option<u32>,
    arrived: u32,
    /// When what was deleted is wiped from the vault's log, if nothing else happens before.
    tidy_at: Option<Millis>,
    pub(crate) told: Told,
}

/// The vault.
pub(crate) enum Home {
    /// There is none.
    FirstStart,
    /// It is locked.
    Locked,
    /// It is open.
    Open(Box<Session>),
}

/// How the other processes are, as the launcher says.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) net: Option<Confinement>,
    pub(crate) window: Option<Confinement>,
    pub(crate) net_starts: u32,
    pub(crate) forbidden_calls: u32,
}

/// A window or command line.
struct Guest {
    class: Class,
    gate: Gate,
    greeted: bool,
    follows: Option<Scope>,
}

/// An answer that is owed.
pub(crate) struct Waiting {
    pub(crate) peer: PeerId,
    pub(crate) id: RequestId,
    pub(crate) until: Until,
}

/// What an answer waits for.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Until {
    /// The slot of the request with this number is decided.
    Decided([u8; 16]),
    /// Nothing waits for the relay.
    Settled,
}

impl Desk {
    pub(crate) fn new(vault: PathBuf, confinement: Confinement) -> Self {
        let home = if vault_io::exists(&vault) { Home::Locked } else { Home::FirstStart };
        Self {
            vault,
            home,
            confinement,
            others: Others::default(),
            link: LinkState::NoRelay,
            effects: Vec::new(),
            waiting: Vec::new(),
            proven: Vec::new(),
            poisoned: false,
            guests: BTreeMap::new(),
            net: None,
            arrived: 0,
            tidy_at: None,
            told: Told::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.home {
            Home::FirstStart => Phase::FirstStart,
            Home::Locked => Phase::Locked,
            Home::Open(_) => Phase::Unlocked,
        }
    }

    /// A window or command line came in.
    pub(crate) fn enter(&mut self, peer: PeerId, class: Class) {
        let gate = Gate::new(class);
        self.guests.insert(peer, Guest { class, gate, greeted: false, follows: None });
        let hello = FromSecure::Hello { schema: ipc_schema_ui::schema(), phase: self.phase() };
        self.effects.push(Effect::Tell(peer, hello));
    }

    /// It is gone. What it asked for goes on.
    pub(crate) fn leave(&mut self, peer: PeerId) {
        self.guests.remove(&peer);
        self.waiting.retain(|waiting| waiting.peer != peer);
    }

    /// A frame of a window or command line. Anything that it may not say ends the connection.
    pub(crate) fn hear(&mut self, now: Millis, peer: PeerId, frame: &[u8]) {
        let phase = self.phase();
        let Some(guest) = self.guests.get_mut(&peer) else {
            return;
        };
        let Ok(message) = ipc_schema::decode::<ToSecure>(frame) else {
            return self.part(peer);
        };
        let (id, request) = match message {
            ToSecure::Hello { schema } if schema == ipc_schema_ui::schema() && !guest.greeted => {
                guest.greeted = true;
                return;
            }
            ToSecure::Ask { id, request } if guest.greeted => (id, request),
            ToSecure::Hello { .. } | ToSecure::Ask { .. } => return self.part(peer),
        };
        let class = guest.class;
        let proven = self.proven.contains(&class);
        match guest.gate.admit(now.0, phase, proven, Kind::of(&request)) {
            Verdict::Drop => self.part(peer),
            Verdict::NotInThisPhase => {
                let failure = not_now(phase, class, proven);
                self.effects.push(Effect::answer(peer, id, Err(failure)));
            }
            Verdict::Permitted => {
                if let Some(answer) = self.ask(now, peer, class, id, request) {
                    self.effects.push(Effect::answer(peer, id, answer));
                }
            }
        }
    }

    pub(crate) fn follow(&mut self, peer: PeerId, scope: Scope) {
        if let Some(guest) = self.guests.get_mut(&peer) {
            guest.follows = Some(scope);
            // Whoever begins to follow wants to know how everything stands.
            self.told.forget();
        }
    }

    /// Does anybody follow what happens?
    pub(crate) fn is_followed(&self) -> bool {
        self.guests.values().any(|guest| guest.follows.is_some())
    }

    /// A new life of `net-proc`: it knows nothing yet.
    pub(crate) fn net_came(&mut self, now: Millis, generation: u32) {
        self.net_went(now);
        self.net = Some(generation);
        self.arrived = 0;
        let schema = ipc_schema_net::schema();
        self.effects.push(Effect::Net(ToNet::Hello { schema, generation }));
        self.brief_net();
    }

    /// `net-proc` is gone.
    pub(crate) fn net_went(&mut self, now: Millis) {
        if self.net.take().is_some() {
            self.effects.retain(|effect| !matches!(effect, Effect::Net(_)));
            self.feed(now, Input::Unlinked);
            self.link_changed(now, Err("the network process is starting again"));
        }
    }

    /// A frame of `net-proc`. `false`: it said what it may not, and is to be dropped.
    pub(crate) fn hear_net(&mut self, now: Millis, frame: &[u8]) -> bool {
        let Ok(message) = ipc_schema::decode::<FromNet>(frame) else {
            return false;
        };
        match message {
            FromNet::Hello { schema, generation } => {
                return schema == ipc_schema_net::schema() && Some(generation) == self.net;
            }
            FromNet::Linked { relay, exporter, now: theirs } => {
                self.link_changed(now, Ok(theirs));
                self.feed(now, Input::Linked { relay: Key(relay), exporter, now: Millis(theirs) });
            }
            FromNet::Unlinked { why } => {
                self.feed(now, Input::Unlinked);
                self.link_changed(now, Err(loss_text(why)));
            }
            // What a refusal means is in the proof that comes with it.
            FromNet::Proved { .. } | FromNet::Standing { .. } => {}
            FromNet::Answered { id, answer } => {
                let Ok(answer) = translate::answer(answer) else {
                    return false;
                };
                self.feed(now, Input::Answered { id, answer });
            }
            FromNet::Arrived { cursor, object, receipt } => {
                self.arrived = self.arrived.saturating_add(1);
                let (Ok(object), Ok(receipt)) = (
                    translate::object(&object),
                    receipt.as_ref().map(translate::receipt).transpose(),
                ) else {
                    return false;
                };
                let team = object.name().team();
                self.feed(now, Input::Arrived { object, receipt });
                if let Home::Open(session) = &mut self.home {
                    session.move_cursor(team, cursor);
                }
            }
            FromNet::CaughtUp { prefix, .. } => {
                if let Some(team) = translate::team_of_prefix(prefix) {
                    self.feed(now, Input::CaughtUp { team });
                }
            }
            FromNet::Settled { receipt } => {
                let Ok(receipt) = translate::receipt(&receipt) else {
                    return false;
                };
                self.feed(now, Input::Settled { receipt });
            }
            FromNet::Revoked { revocation } => {
                let Ok(revocation) = translate::revocation(&revocation) else {
                    return false;
                };
                self.feed(now, Input::Revoked { revocation: Box::new(revocation) });
            }
            FromNet::Upstream { reachable } => self.feed(now, Input::Upstream { reachable }),
            FromNet::Found { id, object, receipt } => {
                let (Ok(object), Ok(receipt)) = (
                    object.as_ref().map(translate::object).transpose(),
                    receipt.as_ref().map(translate::receipt).transpose(),
                ) else {
                    return false;
                };
                self.feed(now, Input::Found { id, object, receipt });
            }
        }
        true
    }

    /// Whatever time has brought.
    pub(crate) fn tick(&mut self, now: Millis) {
        let due = match &self.home {
            Home::Open(session) => session.endpoint.wake_at(),
            Home::FirstStart | Home::Locked => None,
        };
        if due.is_some_and(|at| at <= now) {
            self.feed(now, Input::Tick);
        }
        if self.tidy_at.is_some_and(|at| at <= now) {
            self.tidy_at = None;
            if let Home::Open(session) = &mut self.home {
                // When it fails, the next step's wiping tries again.
                let _ = session.vault.checkpoint();
            }
        }
    }

    /// When to be called again if nothing comes.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        let due = match &self.home {
            Home::Open(session) => session.endpoint.wake_at(),
            Home::FirstStart | Home::Locked => None,
        };
        due.into_iter().chain(self.tidy_at).chain(self.told.due()).min()
    }

    /// Is there something to say that no step has ended yet?
    pub(crate) fn owes(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Ends the step: one transaction, and then what may leave because of it.
    pub(crate) fn settle(&mut self, now: Millis) -> Vec<Effect> {
        self.settle_waiting();
        let arrived = std::mem::take(&mut self.arrived);
        let poisoned = std::mem::take(&mut self.poisoned);
        let committed = match &mut self.home {
            Home::Open(_) if poisoned => Err(StepError::Unread),
            Home::Open(session) => session.commit(),
            Home::FirstStart | Home::Locked => Ok(()),
        };
        let mut effects = std::mem::take(&mut self.effects);
        if let Err(error) = committed {
            effects = effects.into_iter().filter_map(Effect::undone).collect();
            self.fail(now, &error);
            effects.append(&mut self.effects);
        }
        self.tell_standings(now);
        effects.append(&mut self.effects);
        self.tidy_at = match &self.home {
            Home::Open(session) if session.vault.has_unsettled() => {
                self.tidy_at.or(Some(now.plus(TIDY_AFTER_MS)))
            }
            Home::Open(_) | Home::FirstStart | Home::Locked => None,
        };
        if arrived > 0 && self.net.is_some() {
            effects.push(Effect::Net(ToNet::Credit(arrived)));
        }
        effects
    }

    /// Gives the endpoint something from outside, and takes what comes of it.
    pub(crate) fn feed(&mut self, now: Millis, input: Input) {
        let Home::Open(session) = &mut self.home else {
            return;
        };
        if let Err(fault) = session.endpoint.handle(now, input) {
            eprintln!("secure-proc: {fault}");
            self.poisoned = true;
        }
        self.drain(now);
    }

    /// Tells `net-proc` what it needs for the open vault.
    pub(crate) fn brief_net(&mut self) {
        let (Home::Open(session), Some(_)) = (&self.home, self.net) else {
            return;
        };
        if let Some(relay) = session.endpoint.relay() {
            let address = ipc_schema::Text::cut(&relay.address);
            self.effects.push(Effect::Net(ToNet::Relay { address, key: relay.key.0 }));
        }
        self.effects.push(Effect::Net(ToNet::Credit(CREDIT)));
        for team in session.endpoint.subscriptions() {
            let subscribe = translate::subscribe(team, session.cursor(team));
            self.effects.push(Effect::Net(subscribe));
        }
        for (team, path) in session.endpoint.path_subscriptions() {
            self.effects.push(Effect::Net(translate::subscribe_path(team, path)));
        }
    }

    /// Says an event to everybody who follows what it is about.
    pub(crate) fn announce(&mut self, about: Option<(TeamId, Option<u16>)>, event: &Event) {
        for (peer, guest) in &self.guests {
            if guest.follows.is_some_and(|scope| covers(scope, about)) {
                self.effects.push(Effect::event(*peer, event.clone()));
            }
        }
    }

    /// Says the phase to everybody. Whoever followed a vault that is locked now follows no more.
    pub(crate) fn phase_changed(&mut self) {
        let phase = self.phase();
        for (peer, guest) in &mut self.guests {
            if phase != Phase::Unlocked {
                guest.follows = None;
            }
            self.effects.push(Effect::event(*peer, Event::Phase(phase)));
        }
    }

    fn part(&mut self, peer: PeerId) {
        self.leave(peer);
        self.effects.push(Effect::Drop(peer));
    }

    fn link_changed(&mut self, now: Millis, link: Result<u64, &str>) {
        self.link = match link {
            Ok(theirs) => {
                let skew = i128::from(theirs) - i128::from(now.0);
                LinkState::Online { skew: i64::try_from(skew).unwrap_or(i64::MAX) }
            }
            Err(why) => {
                let since = match self.link {
                    LinkState::Offline { since, .. } => since,
                    LinkState::NoRelay | LinkState::Online { .. } => now.0,
                };
                LinkState::Offline { since, why: ipc_schema::Text::cut(why) }
            }
        };
        self.announce(None, &Event::Link(self.link.clone()));
    }

    fn settle_waiting(&mut self) {
        let Home::Open(session) = &self.home else {
            return;
        };
        let settled = session.endpoint.is_settled();
        if !settled {
            return;
        }
        self.answer_waiting(Until::Settled, &Ok(ipc_schema_ui::Answer::Done));
    }

    /// A step came to nothing: everything is loaded again from the vault, or it is locked.
    fn fail(&mut self, now: Millis, error: &StepError) {
        eprintln!("secure-proc: a step failed and was undone: {error}");
        for Waiting { peer, id, .. } in std::mem::take(&mut self.waiting) {
            let failed = crate::effect::store_failed();
            self.effects.push(Effect::answer(peer, id, Err(failed)));
        }
        let Home::Open(session) = std::mem::replace(&mut self.home, Home::Locked) else {
            return;
        };
        match session.reload() {
            Ok(session) => {
                self.home = Home::Open(Box::new(session));
                let text = "the last step could not be stored and was undone; is the disk full?";
                self.announce(None, &Event::Notice(ipc_schema::Text::cut(text)));
            }
            Err(error) => {
                eprintln!("secure-proc: the vault is locked: {error}");
                self.proven.clear();
                self.phase_changed();
            }
        }
        // What net-proc was told before is not what the vault says now.
        if let Some(generation) = self.net {
            self.effects.push(Effect::Net(ToNet::Forget));
            self.net = Some(generation);
            self.link_changed(now, Err("starting again after a failed step"));
            self.brief_net();
        }
    }
}

fn covers(scope: Scope, about: Option<(TeamId, Option<u16>)>) -> bool {
    match (scope, about) {
        (Scope::All, _) | (_, None) => true,
        (Scope::Team(team), Some((of, _))) => team == translate::team_bits(of),
        (Scope::Channel(team, channel), Some((of, in_channel))) => {
            team == translate::team_bits(of) && in_channel.is_none_or(|of| of == channel)
        }
    }
}

fn not_now(phase: Phase, class: Class, proven: bool) -> ipc_schema_ui::Failure {
    use ipc_schema_ui::ErrorCode;
    match phase {
        Phase::FirstStart => failure(
            ErrorCode::NoVault,
            "there is no vault here yet",
            "create one first: `sotto-cli create`, or the window",
        ),
        Phase::Locked => {
            failure(ErrorCode::Locked, "the vault is locked", "unlock it first: `sotto-cli unlock`")
        }
        Phase::Unlocked if class != Class::Window && !proven => failure(
            ErrorCode::Locked,
            "the vault is open, but the command line has not proven the passphrase",
            "run `sotto-cli unlock` once",
        ),
        Phase::Unlocked => {
            failure(ErrorCode::VaultExists, "there is a vault already", "unlock it instead")
        }
    }
}

fn loss_text(why: LinkLoss) -> &'static str {
    match why {
        LinkLoss::Unreachable => "the relay cannot be reached",
        LinkLoss::WrongKey => "something else answers at the relay's address",
        LinkLoss::OtherVersion => "the relay speaks another version; update it or Sotto",
        LinkLoss::BadAddress => "the relay's address means nothing here",
    }
}

/// Deleted secrets stay in the vault's log for so long at most, in ms.
const TIDY_AFTER_MS: u64 = 5_000;
/// So many objects may be on their way from `net-proc`.
const CREDIT: u32 = 256;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wish_tests;
