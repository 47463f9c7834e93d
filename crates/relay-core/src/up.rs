//! The link to the parent: greeting, subscribing, and what is asked of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Name, Prefix, TeamId};
use objects::wire::{FromRelay, Refusal, SlotAnswer, ToRelay};
use objects::{Hash, Millis, Object, RelayProof};

use crate::face::{DropReason, Fault, Output, Peer};
use crate::notes;
use crate::relay::{Relay, VERSION};
use crate::shelf::Shelf;

/// What a child knows of its link to the parent, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Up {
    exporter: [u8; 32],
    phase: Phase,
    /// The identity of the parent's store.
    pub(crate) store: u64,
    /// The parent says that it reaches the origin.
    reachable: bool,
    next: u32,
    pub(crate) open: BTreeMap<u32, Open>,
    /// Objects that were published and not answered.
    pub(crate) in_flight: usize,
    /// What was unsettled up to this position has been published on this link.
    pub(crate) sent: u64,
    /// Subscriptions by number; the newest of a team counts.
    pub(crate) subscriptions: BTreeMap<u32, TeamId>,
    pub(crate) subscribed: BTreeMap<TeamId, u32>,
    /// How far a team had been read in the parent's store when this link subscribed to it.
    pub(crate) read_to: BTreeMap<TeamId, u64>,
    /// Teams that are read again from the beginning; true until that is done.
    pub(crate) again: BTreeMap<TeamId, bool>,
    /// Teams that have to be read again a second time: on the next link.
    pub(crate) once_more: BTreeSet<TeamId>,
    /// Teams that the parent was found to have forgotten something of, on this link.
    pub(crate) forgot: BTreeSet<TeamId>,
    /// The first pieces of blobs that went up a second time on this link.
    pub(crate) resent: BTreeSet<Name>,
    /// Logs whose gap at the parent was filled once on this link.
    pub(crate) refilled: BTreeSet<Prefix>,
    /// When what the parent could not take is published again.
    pub(crate) retry_at: Option<Millis>,
    /// When it has said something, or was asked after it had answered everything.
    patience: Millis,
}

#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Phase {
    Greeting,
    Proving,
    Related,
}

/// What the parent was asked.
#[derive(Debug, Clone)]
pub(crate) enum Open {
    /// To store an object of ours.
    Publish { name: Name, hash: Hash },
    /// What only the origin decides, for a peer.
    Decide(Asked),
    /// An object, for a peer.
    Get { peer: Peer, seq: u32 },
}

/// A question of a peer that only the origin answers.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) peer: Peer,
    pub(crate) seq: u32,
    pub(crate) object: Object,
}

/// Questions that wait until what was stored before them has gone up.
pub(crate) type Forwards = VecDeque<(u64, Asked)>;

impl Up {
    pub(crate) fn new(now: Millis, exporter: [u8; 32]) -> Self {
        Self {
            exporter,
            phase: Phase::Greeting,
            store: 0,
            reachable: false,
            next: 0,
            open: BTreeMap::new(),
            in_flight: 0,
            sent: 0,
            subscriptions: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            read_to: BTreeMap::new(),
            again: BTreeMap::new(),
            once_more: BTreeSet::new(),
            resent: BTreeSet::new(),
            forgot: BTreeSet::new(),
            refilled: BTreeSet::new(),
            retry_at: None,
            patience: now,
        }
    }

    pub(crate) fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    pub(crate) fn ask(&mut self, now: Millis, open: Open) -> u32 {
        if self.open.is_empty() {
            self.patience = now;
        }
        let seq = self.number();
        self.open.insert(seq, open);
        seq
    }

    pub(crate) fn is_related(&self) -> bool {
        self.phase == Phase::Related
    }

    /// When it counts as gone, although its link has not broken yet: whoever waits for its answer
    /// does not wait longer.
    pub(crate) fn silent_at(&self) -> Option<Millis> {
        let asked = self.phase != Phase::Related || !self.open.is_empty();
        asked.then(|| self.patience.plus(ANSWERS_WITHIN))
    }
}

impl<S: Shelf> Relay<S> {
    pub(crate) fn up_linked(&mut self, now: Millis, exporter: [u8; 32]) -> Result<(), Fault> {
        self.up_unlinked()?;
        self.up = Some(Up::new(now, exporter));
        self.send_up(ToRelay::Hello { version: VERSION });
        Ok(())
    }

    pub(crate) fn up_unlinked(&mut self) -> Result<(), Fault> {
        let Some(up) = self.up.take() else {
            return Ok(());
        };
        for open in up.open.into_values() {
            match open {
                Open::Publish { .. } => {}
                Open::Decide(asked) => self.pending(&asked),
                Open::Get { peer, seq } => self.answer(peer, nothing(seq)),
            }
        }
        for (_, asked) in std::mem::take(&mut self.forwards) {
            self.pending(&asked);
        }
        // What the origin decided is true, although it has not come down yet.
        for (_, held) in std::mem::take(&mut self.held) {
            for (peer, frame) in held {
                self.answer(peer, frame);
            }
        }
        self.tell_upstream();
        Ok(())
    }

    pub(crate) fn up_heard(&mut self, now: Millis, bytes: &[u8]) -> Result<(), Fault> {
        let Ok(frame) = FromRelay::parse(bytes) else {
            return self.up_drop(DropReason::Malformed);
        };
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        up.patience = now;
        match (frame, up.phase) {
            (FromRelay::Welcome { version, store, .. }, Phase::Greeting) => {
                if version != VERSION {
                    return self.up_drop(DropReason::OtherVersion);
                }
                let Some(parent) = self.parent else {
                    return Ok(());
                };
                up.store = store;
                up.phase = Phase::Proving;
                let proof = RelayProof::sign(&self.signer, &parent, &up.exporter);
                self.send_up(ToRelay::Relay(proof));
                Ok(())
            }
            (FromRelay::Related, Phase::Proving) => {
                up.phase = Phase::Related;
                for team in self.teams.clone() {
                    self.subscribe_up(team)?;
                    if !self.is_origin(team)? {
                        self.probe(team)?;
                    }
                }
                self.tell_upstream();
                Ok(())
            }
            (FromRelay::Upstream { reachable }, _) => {
                up.reachable = reachable;
                self.tell_upstream();
                Ok(())
            }
            (frame, Phase::Related) => self.answered(now, frame),
            (_, Phase::Greeting | Phase::Proving) => self.up_drop(DropReason::NotPermitted),
        }
    }

    fn answered(&mut self, now: Millis, frame: FromRelay) -> Result<(), Fault> {
        match frame {
            FromRelay::Stored { seq, receipt } => match self.opened(seq) {
                Some(Open::Publish { name, hash }) => {
                    if self.is_origin(name.team())? {
                        return self.is_up(name, &hash);
                    }
                    // A parent that is not the origin says later that the origin has it.
                    let same = (receipt.name, receipt.hash) == (name, hash);
                    let kept = self.shelf.find(name, &hash)?.filter(|kept| kept.settled);
                    if kept.is_some_and(|kept| kept.receipt != receipt) {
                        self.parent_forgot(name.team())?;
                    }
                    if same && self.settles(&receipt)? {
                        self.settled(name, &hash, &receipt)?;
                        let last = notes::named(name, &hash);
                        self.shelf.set_note(&notes::last_up(name.team()), Some(&last))?;
                    }
                    Ok(())
                }
                Some(Open::Decide(Asked { peer, seq, object })) => {
                    self.answer_once_stored(peer, FromRelay::Stored { seq, receipt }, &object)
                }
                Some(Open::Get { .. }) | None => Ok(()),
            },
            FromRelay::Refused { seq, why } => match self.opened(seq) {
                Some(Open::Publish { name, hash }) => self.refused_above(now, name, &hash, why),
                Some(Open::Decide(Asked { peer, seq, .. })) => {
                    self.answer(peer, FromRelay::Refused { seq, why });
                    Ok(())
                }
                Some(Open::Get { .. }) | None => Ok(()),
            },
            FromRelay::Slot { seq, answer } => match self.opened(seq) {
                Some(Open::Decide(asked)) => self.decided_above(&asked, answer),
                Some(Open::Publish { .. } | Open::Get { .. }) | None => Ok(()),
            },
            FromRelay::Found { seq, object, receipt } => {
                if let Some(Open::Get { peer, seq }) = self.opened(seq) {
                    self.answer(peer, FromRelay::Found { seq, object, receipt });
                }
                Ok(())
            }
            FromRelay::Settled { receipt } => {
                if self.settles(&receipt)? {
                    self.settled(receipt.name, &receipt.hash, &receipt)?;
                    let last = notes::named(receipt.name, &receipt.hash);
                    self.shelf.set_note(&notes::last_up(receipt.name.team()), Some(&last))?;
                }
                Ok(())
            }
            FromRelay::Deliver { position, object, receipt } => {
                self.delivered(now, position, &object, receipt.as_ref())
            }
            FromRelay::CaughtUp { id, position } => self.caught_up(id, position),
            FromRelay::Subscribed { .. }
            | FromRelay::Welcome { .. }
            | FromRelay::Proved(_)
            | FromRelay::Upstream { .. }
            | FromRelay::Related
            | FromRelay::Revoked(_) => Ok(()),
        }
    }

    fn opened(&mut self, seq: u32) -> Option<Open> {
        let up = self.up.as_mut()?;
        let open = up.open.remove(&seq)?;
        if matches!(open, Open::Publish { .. }) {
            up.in_flight = up.in_flight.saturating_sub(1);
        }
        Some(open)
    }

    /// How the origin decided a slot, or that the way to it is cut.
    fn decided_above(&mut self, asked: &Asked, answer: SlotAnswer) -> Result<(), Fault> {
        let Asked { peer, seq, object } = asked;
        let won = match &answer {
            SlotAnswer::Won(_) => Some(object.clone()),
            SlotAnswer::Taken { winner, .. } => Some(winner.clone()),
            SlotAnswer::Incomplete => {
                self.send_named_again(object)?;
                None
            }
            SlotAnswer::Gap { .. } | SlotAnswer::Pending => None,
        };
        let frame = FromRelay::Slot { seq: *seq, answer };
        match won {
            Some(decided) => self.answer_once_stored(*peer, frame, &decided),
            None => {
                self.answer(*peer, frame);
                Ok(())
            }
        }
    }

    /// Passes an answer on when what it speaks of has come down: what its receiver does next
    /// builds on it.
    fn answer_once_stored(
        &mut self,
        peer: Peer,
        frame: FromRelay,
        object: &Object,
    ) -> Result<(), Fault> {
        if self.shelf.find(object.name(), &object.entry_hash())?.is_some() {
            self.answer(peer, frame);
        } else {
            self.held.entry(object.name()).or_default().push((peer, frame));
        }
        Ok(())
    }

    /// Something is stored under `name`: lets go what was held until then.
    pub(crate) fn release(&mut self, name: &Name) {
        for (peer, frame) in self.held.remove(name).unwrap_or_default() {
            self.answer(peer, frame);
        }
    }

    /// Asks the origin, as soon as everything that is stored here by now has gone up.
    pub(crate) fn forward(&mut self, asked: Asked) -> Result<(), Fault> {
        // What is decided comes down by subscription.
        self.ask_for(asked.object.name().team())?;
        if self.up.as_ref().is_some_and(Up::is_related) {
            let after = self.shelf.newest()?;
            self.forwards.push_back((after, asked));
        } else {
            self.pending(&asked);
        }
        Ok(())
    }

    pub(crate) fn pending(&mut self, asked: &Asked) {
        let frame = FromRelay::Slot { seq: asked.seq, answer: SlotAnswer::Pending };
        self.answer(asked.peer, frame);
    }

    /// Somebody here wants something of a team.
    pub(crate) fn ask_for(&mut self, team: TeamId) -> Result<(), Fault> {
        if self.root(team).is_none() || self.teams.contains(&team) {
            return Ok(());
        }
        if self.teams.len() >= self.limits.teams && !self.drop_a_team() {
            return Ok(());
        }
        self.teams.insert(team);
        if self.up.as_ref().is_some_and(Up::is_related) {
            self.subscribe_up(team)?;
        }
        Ok(())
    }

    /// Gives up a team that nothing is stored of and nobody subscribes to any more: strangers ask
    /// for teams that there are not. False when there is none.
    fn drop_a_team(&mut self) -> bool {
        let idle =
            |team: &&TeamId| !self.stored_teams.contains(team) && !self.audience.contains_key(team);
        let Some(team) = self.teams.iter().find(idle).copied() else {
            return false;
        };
        self.teams.remove(&team);
        let id = self.up.as_mut().and_then(|up| {
            let id = up.subscribed.remove(&team)?;
            up.subscriptions.remove(&id);
            Some(id)
        });
        if let Some(id) = id {
            self.send_up(ToRelay::Unsubscribe { id });
        }
        true
    }

    pub(crate) fn subscribe_up(&mut self, team: TeamId) -> Result<(), Fault> {
        let cursor = self.shelf.note(&notes::cursor(team))?;
        let (store, after) = cursor.as_deref().and_then(notes::read_pair).unwrap_or((0, 0));
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        if store == up.store {
            up.read_to.insert(team, after);
        }
        let id = up.number();
        up.subscriptions.insert(id, team);
        let before = up.subscribed.insert(team, id);
        if let Some(id) = before {
            self.send_up(ToRelay::Unsubscribe { id });
        }
        self.send_up(ToRelay::Subscribe { id, prefix: Prefix::team(team), store, after });
        Ok(())
    }

    pub(crate) fn up_drop(&mut self, why: DropReason) -> Result<(), Fault> {
        self.push(Output::UpDrop { why });
        self.up_unlinked()
    }

    pub(crate) fn send_up(&mut self, frame: ToRelay) {
        self.push(Output::Up { frame: Box::new(frame) });
    }

    /// Can the origin be reached? An origin, and who has all teams for itself, says yes.
    pub(crate) fn reaches(&mut self) -> bool {
        let up = self.up.as_ref().is_some_and(|up| up.is_related() && up.reachable);
        let own = self.key;
        let of_own = |terms: &Vec<objects::Term>| terms.last().is_some_and(|term| term.key == own);
        let all_own = !self.teams.is_empty()
            && self.teams.iter().all(|team| self.terms.get(team).is_some_and(of_own));
        self.parent.is_none() || up || all_own
    }

    /// Tells all peers when it has changed.
    pub(crate) fn tell_upstream(&mut self) {
        let reachable = self.reaches();
        if reachable == self.told_reachable {
            return;
        }
        self.told_reachable = reachable;
        let greeted = self.sessions.iter().filter(|(_, session)| session.is_greeted());
        let peers: Vec<Peer> = greeted.map(|(peer, _)| *peer).collect();
        for peer in peers {
            self.answer(peer, FromRelay::Upstream { reachable });
        }
    }
}

/// The answer to a question for an object that is not here.
pub(crate) fn nothing(seq: u32) -> FromRelay {
    FromRelay::Found { seq, object: None, receipt: None }
}

/// What the parent says to an object of ours: is there a point in trying again?
pub(crate) fn may_change(why: Refusal) -> bool {
    match why {
        Refusal::Uncertified | Refusal::UnknownOrg | Refusal::Quota | Refusal::Gap { .. } => true,
        Refusal::WrongSigner
        | Refusal::Revoked
        | Refusal::WrongPrevious
        | Refusal::Expired
        | Refusal::NameTaken
        | Refusal::Malformed
        | Refusal::Forked => false,
    }
}

/// A device that asked us waits for five seconds.
const ANSWERS_WITHIN: u64 = 4_000;
