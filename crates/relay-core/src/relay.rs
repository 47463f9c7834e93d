//! The relay: one input at a time, decided against the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Device, Origin, Slot, TeamId};
use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{Certificate, Key, Millis, Object, Proof, Receipt, Signer};

use crate::check::Verdict;
use crate::gate::{self, Kind, Phase};
use crate::quota::Limits;
use crate::session::{Proven, Session};
use crate::shelf::{Shelf, ShelfFault};

/// One link, numbered by the shell; a number is never used twice.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub struct Peer(pub u64);

/// An organisation that this relay serves.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Org {
    /// The root relay of its tree.
    pub origin: Origin,
    /// Its number there.
    pub org: names::Org,
    /// The key that certifies its writers and admins.
    pub root: Key,
}

/// What happens to a relay.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Input {
    /// A peer has linked.
    Linked {
        /// Which.
        peer: Peer,
        /// The TLS exporter of the link.
        exporter: [u8; 32],
        /// How many frames its delivery stream takes now.
        room: usize,
    },
    /// A frame came on the control stream.
    Heard {
        /// From whom.
        peer: Peer,
        /// Its bytes.
        frame: Vec<u8>,
    },
    /// The delivery stream takes so many frames more.
    Room {
        /// Whose.
        peer: Peer,
        /// How many.
        frames: usize,
    },
    /// The link is gone.
    Unlinked {
        /// Whose.
        peer: Peer,
    },
    /// The time of [`Relay::wake_at`] has come.
    Woken,
}

/// What a relay wants done.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Output {
    /// Send a frame on the control stream.
    Answer {
        /// To whom.
        peer: Peer,
        /// The frame.
        frame: Box<FromRelay>,
    },
    /// Send the same bytes on the delivery streams of all these; each takes one frame of room.
    Deliver {
        /// To whom.
        peers: Vec<Peer>,
        /// The bytes of the frame.
        frame: Vec<u8>,
    },
    /// Close the link.
    Drop {
        /// Whose.
        peer: Peer,
        /// Why.
        why: DropReason,
    },
}

/// Why a relay wants to be rid of a peer.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum DropReason {
    /// Its frame is in no known layout.
    #[error("a frame in no known layout")]
    Malformed,
    /// Its frame does not belong there.
    #[error("a frame that is not permitted there")]
    NotPermitted,
    /// It speaks another version.
    #[error("another version of the protocol")]
    OtherVersion,
    /// It was refused too often, or wants too many things at once.
    #[error("too many refused or open requests")]
    TooMuch,
}

/// The relay cannot go on.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The store is broken.
    #[error(transparent)]
    Store(#[from] ShelfFault),
}

/// A relay that is the origin of its organisations. Give it inputs with [`Relay::handle`], as many
/// as have come, then call [`Relay::settle`] once, then [`Relay::poll`] until it returns `None`.
#[derive(Debug)]
pub struct Relay<S> {
    pub(crate) shelf: S,
    signer: Signer,
    key: Key,
    orgs: BTreeMap<(Origin, names::Org), Key>,
    pub(crate) limits: Limits,
    pub(crate) sessions: BTreeMap<Peer, Session>,
    /// Who subscribed to something in a team.
    pub(crate) audience: BTreeMap<TeamId, BTreeSet<Peer>>,
    /// Certificates of the highest generation that were read before.
    pub(crate) certificates: BTreeMap<(TeamId, Device), Certificate>,
    /// When a reader's standing ends by itself.
    pub(crate) endings: BTreeSet<(Millis, Peer, TeamId)>,
    /// Who has room and things to catch up with, but was stopped to let others go on.
    pub(crate) hurried: BTreeSet<Peer>,
    sweep_at: Option<Millis>,
    unsettled: VecDeque<Output>,
    settled: VecDeque<Output>,
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
        Ok(Self {
            key: signer.key(),
            shelf,
            signer,
            orgs: orgs.into_iter().map(|org| ((org.origin, org.org), org.root)).collect(),
            limits,
            sessions: BTreeMap::new(),
            audience: BTreeMap::new(),
            certificates: BTreeMap::new(),
            endings: BTreeSet::new(),
            hurried: BTreeSet::new(),
            sweep_at,
            unsettled: VecDeque::new(),
            settled: VecDeque::new(),
        })
    }

    /// Takes one input at time `now`. What comes of it can be polled after [`Relay::settle`].
    ///
    /// # Errors
    /// When the store is broken; then the relay must not go on.
    pub fn handle(&mut self, now: Millis, input: Input) -> Result<(), Fault> {
        match input {
            Input::Linked { peer, exporter, room } => {
                let session = Session::new(exporter, room, &self.limits, now);
                self.sessions.insert(peer, session);
                Ok(())
            }
            Input::Heard { peer, frame } => self.heard(now, peer, &frame),
            Input::Room { peer, frames } => {
                if let Some(session) = self.sessions.get_mut(&peer) {
                    session.room = session.room.saturating_add(frames);
                }
                self.catch_up(now, peer)
            }
            Input::Unlinked { peer } => {
                self.forget(peer);
                Ok(())
            }
            Input::Woken => self.woken(now),
        }
    }

    /// Makes everything that was decided durable, and only then lets it be polled: one sync for
    /// all inputs since the last call.
    ///
    /// # Errors
    /// When the store is broken; then nothing of it may be told to anybody.
    pub fn settle(&mut self) -> Result<(), Fault> {
        self.shelf.commit()?;
        self.settled.append(&mut self.unsettled);
        Ok(())
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.settled.pop_front()
    }

    /// When to be woken if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Millis> {
        if !self.hurried.is_empty() {
            return Some(Millis(0));
        }
        let ending = self.endings.first().map(|(at, _, _)| *at);
        [ending, self.sweep_at].into_iter().flatten().min()
    }

    /// The store, for those who own it.
    pub fn shelf_mut(&mut self) -> &mut S {
        &mut self.shelf
    }

    pub(crate) fn root(&self, team: TeamId) -> Option<Key> {
        self.orgs.get(&(team.origin, team.org)).copied()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.unsettled.push_back(output);
    }

    pub(crate) fn answer(&mut self, peer: Peer, frame: FromRelay) {
        self.push(Output::Answer { peer, frame: Box::new(frame) });
    }

    pub(crate) fn expel(&mut self, peer: Peer, why: DropReason) {
        self.forget(peer);
        self.push(Output::Drop { peer, why });
    }

    /// The last decided slot of a team.
    pub(crate) fn head(&self, team: TeamId) -> Result<Option<(Slot, objects::Hash)>, Fault> {
        let Some(kept) = self.shelf.last(names::Prefix::team_path(team, SLOT_PATH))? else {
            return Ok(None);
        };
        let names::Rest::Slot(slot) = kept.object.name().place().rest else {
            return Ok(None);
        };
        Ok(Some((slot, kept.object.entry_hash())))
    }

    /// Stores an object that was found good, tells those who listen, and gives the receipt.
    pub(crate) fn store(
        &mut self,
        now: Millis,
        from: Peer,
        object: &Object,
    ) -> Result<Receipt, Fault> {
        let place = object.name().place();
        let head = if let names::Rest::Slot(slot) = place.rest {
            slot
        } else {
            self.head(place.team)?.map_or(Slot::ZERO, |(slot, _)| slot)
        };
        let receipt = Receipt::sign(&self.signer, object, head, now);
        let position = self.shelf.put(object, &receipt)?;
        if object.expires() != Millis::NEVER {
            let expires = object.expires();
            self.sweep_at = Some(self.sweep_at.map_or(expires, |at| at.min(expires)));
        }
        self.deliver_live(from, position, object, &receipt);
        if let names::Rest::Certificate { device, .. } = place.rest {
            self.certificates.remove(&(place.team, device));
            self.certified(now, place.team, device)?;
        }
        Ok(receipt)
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
        match request {
            ToRelay::Hello { version } => self.greet(now, peer, version),
            ToRelay::Prove(proof) => self.prove(now, peer, &proof),
            ToRelay::Publish { seq, object } => self.publish(now, peer, seq, &object),
            ToRelay::Claim { seq, object } => self.claim(now, peer, seq, &object),
            ToRelay::Subscribe { id, prefix, store, after } => {
                let after = if store == self.shelf.id() { after } else { 0 };
                self.subscribe(now, peer, id, prefix, after)
            }
            ToRelay::Unsubscribe { id } => {
                self.unsubscribe(peer, id);
                Ok(())
            }
            ToRelay::Get { seq, name } => self.get(now, peer, seq, name),
            ToRelay::Relay(_) => Ok(()),
        }
    }

    fn greet(&mut self, now: Millis, peer: Peer, version: u16) -> Result<(), Fault> {
        let store = self.shelf.id();
        // The other end learns our version before it is dropped for its own.
        self.answer(peer, FromRelay::Welcome { version: VERSION, store, now });
        if version != VERSION {
            self.expel(peer, DropReason::OtherVersion);
        } else if let Some(session) = self.sessions.get_mut(&peer) {
            session.phase = Phase::Greeted;
        }
        Ok(())
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
        self.restand(now, peer, proof.team)
    }

    fn publish(&mut self, now: Millis, peer: Peer, seq: u32, object: &Object) -> Result<(), Fault> {
        match self.judge(now, peer, object)? {
            Verdict::Good => {
                let receipt = self.store(now, peer, object)?;
                self.answer(peer, FromRelay::Stored { seq, receipt });
                Ok(())
            }
            Verdict::Again(receipt) => {
                self.answer(peer, FromRelay::Stored { seq, receipt });
                Ok(())
            }
            Verdict::Bad(why) => self.refuse(now, peer, seq, why),
        }
    }

    fn claim(&mut self, now: Millis, peer: Peer, seq: u32, object: &Object) -> Result<(), Fault> {
        let answer = match self.decide(now, peer, object)? {
            Err(why) => return self.refuse(now, peer, seq, why),
            Ok(None) => SlotAnswer::Won(self.store(now, peer, object)?),
            Ok(Some(answer)) => answer,
        };
        self.answer(peer, FromRelay::Slot { seq, answer });
        Ok(())
    }

    fn refuse(&mut self, now: Millis, peer: Peer, seq: u32, why: Refusal) -> Result<(), Fault> {
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
        for peer in std::mem::take(&mut self.hurried) {
            self.catch_up(now, peer)?;
        }
        Ok(())
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

const VERSION: u16 = 1;
const SLOT_PATH: u8 = 4;
const SWEPT_AT_ONCE: usize = 512;
