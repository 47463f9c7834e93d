//! The link to the home relay: what lasts as long as it does.

use std::collections::{BTreeMap, BTreeSet};

use names::{Channel, Name, Slot, TeamId};
use objects::{Key, Millis, Proof};

use crate::answered::entry_of;
use crate::moving::Moving;
use crate::{Endpoint, Fault, Notice, Output};

/// What lasts as long as a link.
pub(crate) struct Link {
    pub(crate) relay: Key,
    pub(crate) exporter: [u8; 32],
    /// The relay's clock minus ours.
    pub(crate) ahead: i128,
    /// Does the relay say that it reaches the origin?
    pub(crate) upstream: Option<bool>,
    /// Sent and not answered.
    pub(crate) in_flight: BTreeSet<u64>,
    /// Everything up to here was sent once.
    pub(crate) sent: u64,
    /// The first that waits until the relay has shown that its name is free.
    pub(crate) kept_back: Option<u64>,
    /// The relay has it, and passes it on.
    pub(crate) held: BTreeSet<u64>,
    /// What the relay refused: not sent again before the next link.
    pub(crate) refused: BTreeSet<Hold>,
    /// What the relay did not want yet.
    pub(crate) later: BTreeMap<Hold, Later>,
    pub(crate) caught_up: BTreeSet<TeamId>,
    /// Slots that receipts name and that are not here: since when, and whether people know.
    pub(crate) withheld: BTreeMap<TeamId, (Slot, Millis, bool)>,
    /// Slots and certificates that were asked for.
    pub(crate) sought: BTreeSet<Name>,
    /// Announcements that were asked for.
    pub(crate) asked: BTreeMap<u64, (TeamId, [u8; 32])>,
    pub(crate) next_ask: u64,
    /// Announcements that the relay has not got yet: how long they are waited for.
    pub(crate) awaited: BTreeMap<(TeamId, [u8; 32]), Millis>,
    /// Own entries that were asked for.
    pub(crate) own: BTreeMap<u64, (TeamId, Name)>,
    /// Teams whose origin this relay is to be: what it has of them.
    pub(crate) moving: BTreeMap<TeamId, Moving>,
}

/// What is held back together after a refusal: a log stays in order.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Hold {
    Log(TeamId, Channel),
    Object(u64),
}

/// When something is sent again.
#[derive(Default)]
pub(crate) struct Later {
    /// How often it was put off.
    tries: u32,
    /// `None` when it may be sent again.
    due: Option<Millis>,
    /// The first of a log is on its way again; the others wait for its answer.
    probing: bool,
}

impl Link {
    /// The relay's clock, at a time of ours.
    pub(crate) fn theirs(&self, now: Millis) -> Millis {
        Millis(u64::try_from(i128::from(now.0).saturating_add(self.ahead)).unwrap_or(0))
    }

    /// Until when a proof of now counts, by the relay's clock.
    pub(crate) fn proof_until(&self, now: Millis) -> Millis {
        self.theirs(now).plus(PROOF_LIFE)
    }

    /// Our clock was set back to now, by so much.
    pub(crate) fn set_back(&mut self, now: Millis, back: u64) {
        self.ahead = self.ahead.saturating_add(back.into());
        for later in self.later.values_mut() {
            later.due = later.due.map(|due| now.min(due));
        }
        self.moving.clear();
        for (_, since, _) in self.withheld.values_mut() {
            *since = now.min(*since);
        }
    }

    /// When something is sent again.
    pub(crate) fn again(&self) -> Option<Millis> {
        self.later.values().filter_map(|later| later.due).min()
    }

    /// Is it held back?
    pub(crate) fn holds(&self, hold: &Hold) -> bool {
        self.refused.contains(hold)
            || self.later.get(hold).is_some_and(|later| later.due.is_some() || later.probing)
    }

    /// Something leaves.
    pub(crate) fn sends(&mut self, id: u64, name: Name) {
        self.in_flight.insert(id);
        if let Some(later) = self.later.get_mut(&Hold::of(id, name)) {
            later.probing = true;
        }
    }

    /// What was kept back may leave.
    pub(crate) fn let_leave(&mut self) {
        if let Some(first) = self.kept_back.take() {
            self.sent = self.sent.min(first.saturating_sub(1));
        }
    }

    /// The relay took something: what waited for that may leave.
    pub(crate) fn taken(&mut self, id: u64, name: Name) {
        if self.later.remove(&Hold::of(id, name)).is_some() {
            self.sent = self.sent.min(id.saturating_sub(1));
        }
    }

    /// Lets go what is due by now.
    pub(crate) fn let_go(&mut self, now: Millis) {
        for later in self.later.values_mut() {
            if later.due.is_some_and(|due| due <= now) {
                later.due = None;
                self.sent = 0;
            }
        }
    }
}

impl Hold {
    pub(crate) fn of(id: u64, name: Name) -> Self {
        entry_of(name).map_or(Self::Object(id), |(team, channel, _)| Self::Log(team, channel))
    }
}

impl Endpoint {
    /// There is a link: prove ourselves, and send everything again.
    pub(crate) fn linked(
        &mut self,
        now: Millis,
        relay: Key,
        exporter: [u8; 32],
        theirs: Millis,
    ) -> Result<(), Fault> {
        self.link = None;
        self.shut_guards();
        let Some(pinned) = self.relay() else {
            return Ok(());
        };
        if pinned.key != relay {
            self.outputs.push_back(Output::Notice(Notice::WrongRelay));
            return Ok(());
        }
        self.link = Some(Link {
            relay,
            exporter,
            ahead: i128::from(theirs.0) - i128::from(now.0),
            upstream: None,
            in_flight: BTreeSet::new(),
            sent: 0,
            kept_back: None,
            held: BTreeSet::new(),
            refused: BTreeSet::new(),
            later: BTreeMap::new(),
            caught_up: BTreeSet::new(),
            withheld: BTreeMap::new(),
            sought: BTreeSet::new(),
            asked: BTreeMap::new(),
            next_ask: 1,
            awaited: BTreeMap::new(),
            own: BTreeMap::new(),
            moving: BTreeMap::new(),
        });
        for team in self.subscriptions() {
            self.revive_claim(team)?;
            self.prove(now, team)?;
        }
        Ok(())
    }

    /// Proves our log key of a team to the relay of this link.
    pub(crate) fn prove(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        if let Some(link) = &self.link {
            let expires = link.proof_until(now);
            let Link { relay, exporter, .. } = link;
            let signer = Self::log_signer(&row);
            let proof = Proof::sign(&signer, relay, exporter, team, row.own(), expires);
            self.outputs.push_back(Output::Prove { exporter: *exporter, proof });
        }
        Ok(())
    }

    /// The relay says whether it reaches the origin.
    pub(crate) fn upstream(&mut self, reachable: bool) {
        if let Some(link) = &mut self.link {
            link.upstream = Some(reachable);
            if reachable {
                // What it could not decide before, it can now.
                link.let_go(Millis::NEVER);
            }
        }
    }

    /// Sends something again later: the longer, the more often it was put off, and spread at
    /// random.
    pub(crate) fn try_later(&mut self, now: Millis, id: u64, name: Name) {
        let drawn = self.draw_number();
        let Some(link) = &mut self.link else {
            return;
        };
        let later = link.later.entry(Hold::of(id, name)).or_default();
        // Of a log, all that was on its way comes back at once: that is one try.
        later.probing = false;
        if later.due.is_none() {
            let most = RETRY_MOST.min(RETRY.saturating_mul(1 << later.tries.min(16)));
            later.tries = later.tries.saturating_add(1);
            let half = most / 2;
            later.due = Some(now.plus(half.saturating_add(drawn % half.max(1))).plus(1));
        }
    }
}

const PROOF_LIFE: u64 = 3_600_000;
/// What was put off is sent again after at most so many milliseconds at first, doubled each time.
const RETRY: u64 = 1_000;
const RETRY_MOST: u64 = 60_000;
