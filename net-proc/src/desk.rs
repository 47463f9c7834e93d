//! Where everything is decided: between `secure-proc`, the cache and the relay.

mod asks;
mod feed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use ipc_schema_net::{FromNet, LinkLoss, ToNet, schema};
use names::Name;
use objects::wire::{FromRelay, SubscriptionStanding, ToRelay};
use objects::{Millis, Object, Proof};
use store_io::{Store, StoreError};

use crate::desk::asks::{Ask, Asks};
use crate::desk::feed::{Feed, Upstream};
use crate::translate;

/// What happens to `net-proc`.
#[derive(Debug)]
pub(crate) enum Input {
    /// A new `secure-proc`, or a new end to it.
    Attached,
    /// It said something.
    Heard(ToNet),
    /// It is gone.
    Detached,
    /// A link was made and greeted.
    Linked(Linked),
    /// The relay said something on the link that is up.
    Relayed(Box<FromRelay>),
    /// There is no link, or none any more.
    Unlinked(LinkLoss),
    /// Some time has passed.
    Woken,
}

/// A link that is up.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Linked {
    /// The relay's key.
    pub(crate) relay: [u8; 32],
    /// The TLS exporter.
    pub(crate) exporter: [u8; 32],
    /// The identity of the relay's store.
    pub(crate) store: u64,
    /// The relay's clock.
    pub(crate) now: Millis,
}

/// What is to be done.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Output {
    /// Say something to `secure-proc`.
    Tell(FromNet),
    /// Close its end: it broke the rules, or speaks another schema.
    Detach,
    /// Keep a link with this relay and no other.
    Connect { address: String, key: [u8; 32] },
    /// Keep no link.
    Disconnect,
    /// Say something to the relay on the link that is up.
    Send(Box<ToRelay>),
}

/// Call [`Desk::handle`] for what has come, [`Desk::settle`] once, then [`Desk::poll`] until it
/// gives nothing more.
#[derive(Debug)]
pub(crate) struct Desk {
    cache: Store,
    /// Goes before the address that `secure-proc` names.
    address: Option<String>,
    phase: Phase,
    relay: Option<(String, [u8; 32])>,
    link: Option<Linked>,
    /// When it was made, by our clock.
    linked_at: Millis,
    /// When the proofs on it are half spent.
    renew_at: Option<Millis>,
    /// Subscriptions that the relay refuses on it.
    refused: BTreeSet<u32>,
    /// What was last said of a missing link.
    told: Option<LinkLoss>,
    asks: Asks,
    feed: Feed,
    unsettled: VecDeque<Output>,
    settled: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Phase {
    Alone,
    Attached,
    Greeted,
}

impl Desk {
    pub(crate) fn new(cache: Store, address: Option<String>) -> Self {
        Self {
            cache,
            address,
            phase: Phase::Alone,
            relay: None,
            link: None,
            linked_at: Millis::default(),
            renew_at: None,
            refused: BTreeSet::new(),
            told: None,
            asks: Asks::default(),
            feed: Feed::default(),
            unsettled: VecDeque::new(),
            settled: VecDeque::new(),
        }
    }

    /// Takes one input.
    ///
    /// # Errors
    /// When the cache fails; then the process has to end.
    pub(crate) fn handle(&mut self, now: Millis, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Attached => {
                self.forget();
                self.phase = Phase::Attached;
            }
            Input::Detached => {
                self.forget();
                self.phase = Phase::Alone;
            }
            Input::Heard(message) => self.heard(now, message)?,
            Input::Linked(linked) => self.linked(now, linked),
            Input::Relayed(frame) => self.relayed(*frame)?,
            Input::Unlinked(why) => self.unlinked(why),
            Input::Woken => self.woken(now)?,
        }
        Ok(())
    }

    /// Commits what was cached, forwards what may be forwarded, and lets it be polled.
    ///
    /// # Errors
    /// When the cache fails; then the process has to end.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        if self.phase == Phase::Greeted {
            let told = self.feed.forward(&self.cache)?;
            self.unsettled.extend(told.into_iter().map(Output::Tell));
        }
        self.cache.commit()?;
        self.settled.append(&mut self.unsettled);
        Ok(())
    }

    /// When to be woken if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.link.and(self.renew_at)
    }

    /// The next thing to do, if any.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.settled.pop_front()
    }

    fn heard(&mut self, now: Millis, message: ToNet) -> Result<(), StoreError> {
        match (self.phase, message) {
            (Phase::Alone, _) => {}
            (Phase::Attached, ToNet::Hello { schema: theirs, generation }) => {
                if theirs != schema() {
                    self.detach();
                    return Ok(());
                }
                self.phase = Phase::Greeted;
                self.tell(FromNet::Hello { schema: theirs, generation });
            }
            (Phase::Greeted, message) => self.asked(now, message)?,
            (Phase::Attached, _) => self.detach(),
        }
        Ok(())
    }

    fn asked(&mut self, now: Millis, message: ToNet) -> Result<(), StoreError> {
        match message {
            ToNet::Hello { .. } => self.detach(),
            ToNet::Relay { address, key } => self.use_relay(now, address.as_str(), key),
            ToNet::Prove { exporter, proof } => self.prove(now, exporter, proof.as_slice())?,
            ToNet::Publish { id, object } => {
                self.ask(Ask::Answer(id), object.as_slice(), |seq, object| ToRelay::Publish {
                    seq,
                    object,
                });
            }
            ToNet::Claim { id, object } => {
                self.ask(Ask::Answer(id), object.as_slice(), |seq, object| ToRelay::Claim {
                    seq,
                    object,
                });
            }
            ToNet::Subscribe { prefix, after } => {
                let within = translate::prefix(prefix).map(|prefix| (prefix, prefix.one_team()));
                let Some((prefix, Some(team))) = within else {
                    self.detach();
                    return Ok(());
                };
                let same = after.cache == self.cache.id();
                let position = if same { after.position } else { 0 };
                self.feed.want(prefix, team, position);
                self.subscribe_upstream()?;
            }
            ToNet::Unsubscribe { prefix } => {
                if let Some(prefix) = translate::prefix(prefix) {
                    self.feed.leave(prefix);
                    self.subscribe_upstream()?;
                }
            }
            ToNet::Get { id, name } => match Name::from_bytes(name.0) {
                Ok(name) if self.link.is_some() => {
                    let seq = self.asks.add(Ask::Found(id));
                    self.send(ToRelay::Get { seq, name });
                }
                // Without a link it is asked again after the next one, as everything is.
                Ok(_) => {}
                Err(_) => self.detach(),
            },
            ToNet::Credit(more) => self.feed.grant(more),
            ToNet::Forget => self.forget(),
        }
        Ok(())
    }

    fn use_relay(&mut self, now: Millis, address: &str, key: [u8; 32]) {
        let address = self.address.clone().unwrap_or_else(|| address.to_owned());
        let relay = Some((address.clone(), key));
        if self.relay != relay {
            self.relay = relay;
            self.link = None;
            self.told = None;
            self.push(Output::Connect { address, key });
        } else {
            // Asked anew by somebody who does not know that there is a link.
            self.tell_linked(now);
        }
    }

    fn prove(&mut self, now: Millis, exporter: [u8; 32], bytes: &[u8]) -> Result<(), StoreError> {
        let Ok(proof) = Proof::parse(bytes) else {
            self.detach();
            return Ok(());
        };
        // A proof for a link that has gone meanwhile is worth nothing on this one.
        let link = self.link.filter(|link| link.exporter == exporter);
        let Some(link) = link else {
            return Ok(());
        };
        let life = proof.expires.0.saturating_sub(self.theirs(now, &link).0);
        let half = now.plus(life.checked_div(2).unwrap_or(0));
        self.renew_at = Some(self.renew_at.map_or(half, |at| at.min(half)));
        self.send(ToRelay::Prove(proof));
        self.feed.proved(proof.team);
        self.subscribe_upstream()
    }

    fn ask(&mut self, ask: Ask, bytes: &[u8], frame: impl Fn(u32, Object) -> ToRelay) {
        let Ok(object) = Object::parse(bytes) else {
            return self.detach();
        };
        // Without a link it is asked again after the next one: the outbox is not ours.
        if self.link.is_some() {
            let seq = self.asks.add(ask);
            self.send(frame(seq, object));
        }
    }

    fn linked(&mut self, now: Millis, linked: Linked) {
        self.link = Some(linked);
        self.refused.clear();
        self.linked_at = now;
        self.told = None;
        self.asks.forget();
        self.feed.link_lost();
        self.tell_linked(now);
    }

    /// Tells of the link that is up, if there is one, and asks for proofs by it.
    fn tell_linked(&mut self, now: Millis) {
        let Some(link) = self.link else {
            return;
        };
        self.renew_at = None;
        self.feed.tell_again();
        let Linked { relay, exporter, .. } = link;
        let now = self.theirs(now, &link).0;
        self.tell(FromNet::Linked { relay, exporter, now });
    }

    /// The relay's clock, as far as ours has gone since the link was made.
    fn theirs(&self, now: Millis, link: &Linked) -> Millis {
        link.now.plus(now.0.saturating_sub(self.linked_at.0))
    }

    fn woken(&mut self, now: Millis) -> Result<(), StoreError> {
        if self.renew_at.is_some_and(|at| at <= now) {
            if self.refused.is_empty() {
                self.tell_linked(now);
            } else {
                self.link_anew();
            }
        }
        self.cache.sweep(now, SWEPT_AT_ONCE)
    }

    /// The relay's clock may have been set: only a new greeting tells by which one it counts proofs.
    fn link_anew(&mut self) {
        self.link = None;
        self.renew_at = None;
        self.asks.forget();
        self.feed.link_lost();
        if let Some((address, key)) = self.relay.clone() {
            self.push(Output::Connect { address, key });
        }
    }

    fn unlinked(&mut self, why: LinkLoss) {
        self.link = None;
        self.asks.forget();
        self.feed.link_lost();
        if self.told != Some(why) {
            self.told = Some(why);
            self.tell(FromNet::Unlinked { why });
        }
    }

    fn relayed(&mut self, frame: FromRelay) -> Result<(), StoreError> {
        let Some(link) = self.link else {
            return Ok(());
        };
        match frame {
            // Once per link, and it was taken before the link counted as up.
            FromRelay::Welcome { .. } => {}
            FromRelay::Proved(proof) => {
                if let Ok(proof) = ipc_schema::Bytes::new(proof.bytes()) {
                    self.tell(FromNet::Proved { proof });
                }
            }
            FromRelay::Stored { .. }
            | FromRelay::Refused { .. }
            | FromRelay::Slot { .. }
            | FromRelay::Found { .. } => {
                if let Some(answered) = self.asks.answered(frame) {
                    self.tell(answered);
                }
            }
            FromRelay::Subscribed { id, standing } => {
                if standing == SubscriptionStanding::Refused {
                    self.refused.insert(id);
                } else {
                    self.refused.remove(&id);
                }
                for prefix in self.feed.served_by(id) {
                    let prefix = translate::prefix_bits(&prefix);
                    let standing = translate::standing(standing);
                    self.tell(FromNet::Standing { prefix, standing });
                }
            }
            FromRelay::CaughtUp { id, position } => {
                self.feed.caught_up(&mut self.cache, &link, id, position)?;
            }
            FromRelay::Settled { receipt } => {
                self.tell(FromNet::Settled { receipt: translate::receipt(&receipt) });
            }
            FromRelay::Upstream { reachable } => self.tell(FromNet::Upstream { reachable }),
            FromRelay::Revoked(revocation) => self.feed.revoked(&revocation),
            FromRelay::Related => {}
            FromRelay::Deliver { position, object, receipt } => {
                self.feed.keep(&mut self.cache, &link, position, &object, receipt.as_ref())?;
            }
        }
        Ok(())
    }

    /// Subscribes at the relay to what is wanted and not subscribed to yet.
    fn subscribe_upstream(&mut self) -> Result<(), StoreError> {
        let Some(link) = self.link else {
            return Ok(());
        };
        let (ended, begun) = self.feed.upstream_changes();
        for id in ended {
            self.send(ToRelay::Unsubscribe { id });
        }
        for Upstream { id, prefix } in begun {
            let reached = crate::cache::reached(&self.cache, &link.relay, &prefix)?;
            let (store, after) = (reached.store, reached.position);
            self.send(ToRelay::Subscribe { id, prefix, store, after });
        }
        Ok(())
    }

    /// Everything but the cache: the vault is locked, or another `secure-proc` begins.
    fn forget(&mut self) {
        self.feed = Feed::default();
        self.asks.forget();
        self.link = None;
        self.told = None;
        if self.relay.take().is_some() {
            self.push(Output::Disconnect);
        }
    }

    fn detach(&mut self) {
        self.forget();
        self.phase = Phase::Alone;
        self.push(Output::Detach);
    }

    fn tell(&mut self, message: FromNet) {
        if self.phase == Phase::Greeted {
            self.push(Output::Tell(message));
        }
    }

    fn send(&mut self, frame: ToRelay) {
        self.push(Output::Send(Box::new(frame)));
    }

    fn push(&mut self, output: Output) {
        self.unsettled.push_back(output);
    }
}

const SWEPT_AT_ONCE: usize = 4096;
