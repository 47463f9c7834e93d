//! The relay: one input at a time, decided against the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Device, Name, Origin, Rest, TeamId};
use objects::wire::{FromRelay, Refusal, ToRelay};
use objects::{Certificate, Hash, Key, Millis, Object, Proof, RelayProof, Signer, Term};

use crate::broken::Broken;
use crate::check::Verdict;
use crate::face::{DropReason, Fault, Input, Org, Output, Peer};
use crate::gate::{self, Kind, Phase};
use crate::notes;
use crate::quota::Limits;
use crate::session::{Proven, Session};
use crate::shelf::Shelf;
use crate::up::{Forwards, Up};

/// A relay, the origin of some teams, and of others not. Give it inputs with [`Relay::handle`], as
/// many as have come, then call [`Relay::settle`] once, then [`Relay::poll`] until it returns
/// `None`.
#[derive(Debug)]
pub struct Relay<S> {
    pub(crate) shelf: S,
    pub(crate) signer: Signer,
    pub(crate) key: Key,
    pub(crate) parent: Option<Key>,
    /// The keys of the relays below.
    relays: BTreeSet<Key>,
    orgs: BTreeMap<(Origin, names::Org), Key>,
    pub(crate) limits: Limits,
    pub(crate) sessions: BTreeMap<Peer, Session>,
    /// Who subscribed to something in a team.
    pub(crate) audience: BTreeMap<TeamId, BTreeSet<Peer>>,
    /// Certificates of the highest generation that were read before.
    pub(crate) certificates: BTreeMap<(TeamId, Device), Certificate>,
    /// The devices that issue certificates, of teams where that was asked.
    pub(crate) admins: BTreeMap<TeamId, BTreeSet<Device>>,
    /// When a reader's standing ends by itself.
    pub(crate) endings: BTreeSet<(Millis, Peer, TeamId)>,
    /// Who has room and things to catch up with, but was stopped to let others go on.
    pub(crate) hurried: BTreeSet<Peer>,
    /// The terms of teams that were asked for, the newest last.
    pub(crate) terms: BTreeMap<TeamId, Vec<Term>>,
    /// Teams that something is stored of.
    pub(crate) stored_teams: BTreeSet<TeamId>,
    /// These, and those that somebody asked for.
    pub(crate) teams: BTreeSet<TeamId>,
    /// The link to the parent.
    pub(crate) up: Option<Up>,
    pub(crate) forwards: Forwards,
    /// Answers that wait until what they speak of is stored here.
    pub(crate) held: BTreeMap<Name, Vec<(Peer, FromRelay)>>,
    /// Who published what the origin does not have yet.
    pub(crate) awaiting: BTreeMap<(Name, Hash), BTreeSet<Peer>>,
    /// What peers were told about the way to the origin.
    pub(crate) told_reachable: bool,
    pub(crate) sweep_at: Option<Millis>,
    pub(crate) broken: BTreeSet<Broken>,
    undecided: VecDeque<Output>,
    decided: VecDeque<Output>,
}

impl<S: Shelf> Relay<S> {
    /// A relay that signs receipts with `signer` and keeps everything on `shelf`.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn new(
        shelf: S,
        signer: Signer,
        orgs: impl IntoIterator<Item = Org>,
        limits: Limits,
    ) -> Result<Self, Fault> {
        let sweep_at = shelf.next_expiry()?;
        let mut stored_teams = BTreeSet::new();
        for (topic, _) in shelf.notes(notes::TEAMS, &[], usize::MAX)? {
            stored_teams.extend(notes::team_of(&topic));
        }
        Ok(Self {
            key: signer.key(),
            parent: None,
            relays: BTreeSet::new(),
            shelf,
            signer,
            orgs: orgs.into_iter().map(|org| ((org.origin, org.org), org.root)).collect(),
            limits,
            sessions: BTreeMap::new(),
            audience: BTreeMap::new(),
            certificates: BTreeMap::new(),
            admins: BTreeMap::new(),
            endings: BTreeSet::new(),
            hurried: BTreeSet::new(),
            terms: BTreeMap::new(),
            teams: stored_teams.clone(),
            stored_teams,
            up: None,
            forwards: VecDeque::new(),
            held: BTreeMap::new(),
            awaiting: BTreeMap::new(),
            told_reachable: true,
            sweep_at,
            broken: BTreeSet::new(),
            undecided: VecDeque::new(),
            decided: VecDeque::new(),
        })
    }

    /// Makes it a child of the relay with this key: what it stores goes up, and what only the
    /// origin of a team decides is asked there.
    #[must_use]
    pub fn with_parent(mut self, parent: Key) -> Self {
        self.parent = Some(parent);
        self.told_reachable = false;
        self
    }

    /// Lists the keys of the relays that may be its children.
    #[must_use]
    pub fn with_relays(mut self, relays: impl IntoIterator<Item = Key>) -> Self {
        self.relays.extend(relays);
        self
    }

    /// Takes one input at time `now`. What comes of it can be polled after [`Relay::settle`].
    ///
    /// # Errors
    /// When the store is broken; then the relay must not go on.
    pub fn handle(&mut self, now: Millis, input: Input) -> Result<(), Fault> {
        match input {
            Input::Linked { peer, exporter, room } => {
                self.make_room();
                let session = Session::new(exporter, room, &self.limits, now);
                self.sessions.insert(peer, session);
            }
            Input::Heard { peer, frame } => self.heard(now, peer, &frame)?,
            Input::Room { peer, frames } => {
                if let Some(session) = self.sessions.get_mut(&peer) {
                    session.room = session.room.saturating_add(frames);
                }
                self.catch_up(now, peer)?;
            }
            Input::Unlinked { peer } => self.forget(peer),
            Input::UpLinked { exporter } => self.up_linked(now, exporter)?,
            Input::UpHeard { frame } => self.up_heard(now, &frame)?,
            Input::UpUnlinked => self.up_unlinked()?,
            Input::Woken => self.woken(now)?,
        }
        self.pump(now)
    }

    /// Makes everything that was decided durable, and only then lets it be polled: one sync for
    /// all inputs since the last call.
    ///
    /// # Errors
    /// When the store is broken; then nothing of it may be told to anybody.
    pub fn settle(&mut self) -> Result<(), Fault> {
        if !self.breaks(Broken::AnswersUnsynced) {
            self.shelf.commit()?;
        }
        self.decided.append(&mut self.undecided);
        Ok(())
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.decided.pop_front()
    }

    /// When to be woken if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Millis> {
        if !self.hurried.is_empty() {
            return Some(Millis(0));
        }
        let ending = self.endings.first().map(|(at, _, _)| *at);
        [ending, self.sweep_at, self.retry_at()].into_iter().flatten().min()
    }

    /// The store, for those who own it.
    pub fn shelf_mut(&mut self) -> &mut S {
        &mut self.shelf
    }

    /// The store, when the relay has gone.
    pub fn into_shelf(self) -> S {
        self.shelf
    }

    pub(crate) fn root(&self, team: TeamId) -> Option<Key> {
        self.orgs.get(&(team.origin, team.org)).copied()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.undecided.push_back(output);
    }

    pub(crate) fn answer(&mut self, peer: Peer, frame: FromRelay) {
        self.push(Output::Answer { peer, frame: Box::new(frame) });
    }

    pub(crate) fn expel(&mut self, peer: Peer, why: DropReason) {
        self.forget(peer);
        self.push(Output::Drop { peer, why });
    }

    fn heard(&mut self, now: Millis, peer: Peer, frame: &[u8]) -> Result<(), Fault> {
        let Some(session) = self.sessions.get_mut(&peer) else {
            // Frames that were on their way when the peer was expelled.
            return Ok(());
        };
        let Ok(request) = ToRelay::parse(frame) else {
            self.expel(peer, DropReason::Malformed);
            return Ok(());
        };
        if !gate::permits(session.phase, Kind::of(&request)) {
            self.expel(peer, DropReason::NotPermitted);
            return Ok(());
        }
        if !session.related && !session.requests.take(cost_of(&request), now) {
            self.expel(peer, DropReason::TooMuch);
            return Ok(());
        }
        match request {
            ToRelay::Hello { version } => self.greet(now, peer, version),
            ToRelay::Prove(proof) => self.prove(now, peer, &proof),
            ToRelay::Publish { seq, object } => self.publish(now, peer, seq, &object),
            ToRelay::Claim { seq, object } => self.claim(now, peer, seq, &object),
            ToRelay::Subscribe { id, prefix, store, after } => {
                // A cursor behind the end is of a store that was set back since.
                let here = store == self.shelf.id() && after <= self.shelf.newest()?;
                let after = if here { after } else { 0 };
                self.subscribe(now, peer, id, prefix, after)
            }
            ToRelay::Unsubscribe { id } => {
                self.unsubscribe(peer, id);
                Ok(())
            }
            ToRelay::Get { seq, name } => self.get(now, peer, seq, name),
            ToRelay::Relay(proof) => {
                self.relate(peer, &proof);
                Ok(())
            }
        }
    }

    fn greet(&mut self, now: Millis, peer: Peer, version: u16) -> Result<(), Fault> {
        self.tell_upstream();
        let store = self.shelf.id();
        // The other end learns our version before it is dropped for its own.
        self.answer(peer, FromRelay::Welcome { version: VERSION, store, now });
        if version != VERSION {
            self.expel(peer, DropReason::OtherVersion);
        } else if let Some(session) = self.sessions.get_mut(&peer) {
            session.phase = Phase::Greeted;
            let reachable = self.told_reachable;
            self.answer(peer, FromRelay::Upstream { reachable });
        }
        Ok(())
    }

    /// A relay below proves its key: it reads all teams that are served here.
    fn relate(&mut self, peer: Peer, proof: &RelayProof) {
        let listed = self.relays.contains(&proof.key);
        let session = self.sessions.get_mut(&peer);
        match session.filter(|session| listed && proof.holds(&self.key, &session.exporter)) {
            Some(session) => {
                session.related = true;
                self.answer(peer, FromRelay::Related);
            }
            None => self.expel(peer, DropReason::UnknownRelay),
        }
    }

    fn prove(&mut self, now: Millis, peer: Peer, proof: &Proof) -> Result<(), Fault> {
        let most = self.limits.subscriptions;
        let Some(session) = self.sessions.get_mut(&peer) else {
            return Ok(());
        };
        let known = session.proofs.contains_key(&proof.team);
        if session.proofs.len() >= most && !known {
            self.expel(peer, DropReason::TooMuch);
            return Ok(());
        }
        if !proof.holds(&self.key, &session.exporter, now) {
            // No answer says no; what is subscribed stays refused.
            return self.count_refusal(now, peer);
        }
        let Proof { device, log_key, expires, .. } = *proof;
        session.proofs.insert(proof.team, Proven { device, key: log_key, expires });
        self.answer(peer, FromRelay::Proved(*proof));
        self.ask_for(proof.team)?;
        self.restand(now, peer, proof.team)
    }

    fn publish(&mut self, now: Millis, peer: Peer, seq: u32, object: &Object) -> Result<(), Fault> {
        if matches!(object.name().place().rest, Rest::Use(_)) {
            return self.spend(now, peer, seq, object);
        }
        let team = object.name().team();
        let receipt = match self.judge(now, peer, object)? {
            Verdict::Good => {
                let origin = self.is_origin(team)?;
                let receipt = self.store(now, Some(peer), object, origin)?;
                if origin && !matches!(object.name().place().rest, Rest::Certificate { .. }) {
                    self.answer(peer, FromRelay::Stored { seq, receipt });
                    return Ok(());
                }
                // A first term makes its own receipt the origin's, or another one's better.
                self.receipt_of(object)?
            }
            Verdict::Again(receipt) => Some(receipt),
            Verdict::Fork => {
                self.freeze(object.name())?;
                let origin = self.is_origin(team)?;
                self.store(now, Some(peer), object, origin)?;
                return self.refuse(now, peer, seq, Refusal::Forked);
            }
            Verdict::Bad(why) => return self.refuse(now, peer, seq, why),
        };
        if let Some(receipt) = receipt {
            self.answer(peer, FromRelay::Stored { seq, receipt });
            self.await_settling(peer, object)?;
        }
        Ok(())
    }

    pub(crate) fn refuse(
        &mut self,
        now: Millis,
        peer: Peer,
        seq: u32,
        why: Refusal,
    ) -> Result<(), Fault> {
        self.answer(peer, FromRelay::Refused { seq, why });
        match why {
            Refusal::WrongSigner
            | Refusal::Uncertified
            | Refusal::Revoked
            | Refusal::UnknownOrg
            | Refusal::Malformed => self.count_refusal(now, peer),
            // A writer of ours who is behind, or beyond its share, which its bytes are counted for.
            Refusal::Gap { .. }
            | Refusal::WrongPrevious
            | Refusal::Expired
            | Refusal::NameTaken
            | Refusal::Forked
            | Refusal::Quota => Ok(()),
        }
    }

    fn count_refusal(&mut self, now: Millis, peer: Peer) -> Result<(), Fault> {
        if let Some(session) = self.sessions.get_mut(&peer)
            && !session.related
            && !session.refusals.take(1, now)
        {
            self.expel(peer, DropReason::TooMuch);
        }
        Ok(())
    }

    fn woken(&mut self, now: Millis) -> Result<(), Fault> {
        if self.sweep_at.is_some_and(|at| at <= now) {
            self.shelf.sweep(now, SWEPT_AT_ONCE)?;
            self.sweep_at = self.shelf.next_expiry()?;
        }
        while let Some(ending @ (at, peer, team)) = self.endings.first().copied() {
            if at > now {
                break;
            }
            self.endings.remove(&ending);
            self.restand(now, peer, team)?;
        }
        self.retry(now)?;
        for peer in std::mem::take(&mut self.hurried) {
            self.catch_up(now, peer)?;
        }
        Ok(())
    }

    /// Where links are many, strangers who only hold theirs do not keep others out.
    fn make_room(&mut self) {
        if self.sessions.len() < self.limits.sessions {
            return;
        }
        // Peers are numbered in the order in which they came.
        let idle = self.sessions.iter().find(|(_, session)| !session.reads_a_team());
        if let Some(peer) = idle.map(|(peer, _)| *peer) {
            self.expel(peer, DropReason::Crowded);
        }
    }

    fn forget(&mut self, peer: Peer) {
        let Some(session) = self.sessions.remove(&peer) else {
            return;
        };
        for subscription in session.subscriptions.values() {
            self.leave(peer, subscription.team);
        }
        self.endings.retain(|(_, other, _)| *other != peer);
        self.hurried.remove(&peer);
    }
}

/// What a request counts against the share of its session; what is published counts by its bytes.
fn cost_of(request: &ToRelay) -> u64 {
    match request {
        ToRelay::Hello { .. } | ToRelay::Publish { .. } | ToRelay::Claim { .. } => 0,
        ToRelay::Subscribe { .. } | ToRelay::Unsubscribe { .. } | ToRelay::Get { .. } => 1,
        ToRelay::Prove(_) | ToRelay::Relay(_) => 16,
    }
}

pub(crate) const VERSION: u16 = 1;
const SWEPT_AT_ONCE: usize = 512;
