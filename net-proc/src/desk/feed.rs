//! Subscriptions: from the relay into the cache, and from the cache to `secure-proc`.

use std::collections::{BTreeMap, BTreeSet};

use ipc_schema::Bytes;
use ipc_schema_net::{Cursor, FromNet, RevocationBytes};
use names::{Name, Prefix, Rest, TeamId};
use objects::{Object, Receipt, Revocation};
use store_io::{Kept, Put, Store, StoreError};

use crate::cache::{self, Reached};
use crate::desk::Linked;
use crate::translate;

/// Everything that is wanted, and what the relay was asked for because of it.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    wanted: Vec<Wanted>,
    upstream: BTreeMap<u32, Prefix>,
    /// Which of them have delivered all that the relay had.
    caught_up: BTreeSet<u32>,
    next_id: u32,
    /// Teams that a proof was sent for on this link: before it, a subscription is refused.
    proved: BTreeSet<TeamId>,
    /// How many more objects `secure-proc` takes.
    credit: u64,
    /// Teams that the relay says this device was removed from, and what it shows for it.
    revoked: BTreeMap<TeamId, RevocationBytes>,
}

/// A subscription of `secure-proc`.
#[derive(Debug)]
struct Wanted {
    prefix: Prefix,
    team: TeamId,
    /// Everything up to this position of the cache was forwarded.
    position: u64,
    /// Is there something behind it?
    more: bool,
    /// Is it to be told, once nothing is, that the relay had nothing more?
    owes_caught_up: bool,
}

/// A subscription at the relay.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Upstream {
    pub(crate) id: u32,
    pub(crate) prefix: Prefix,
}

impl Feed {
    pub(crate) fn want(&mut self, prefix: Prefix, team: TeamId, position: u64) {
        self.wanted.retain(|wanted| wanted.prefix != prefix);
        let (more, owes_caught_up) = (true, self.has_caught_up(&prefix));
        self.wanted.push(Wanted { prefix, team, position, more, owes_caught_up });
    }

    /// Wants nothing more of a prefix.
    pub(crate) fn leave(&mut self, prefix: Prefix) {
        self.wanted.retain(|wanted| wanted.prefix != prefix);
    }

    /// The relay shows that this device was removed from a team.
    pub(crate) fn revoked(&mut self, revocation: &Revocation) {
        let team = revocation.claim.name().team();
        let wanted = self.wanted.iter().any(|wanted| wanted.team == team);
        if let (true, Ok(bytes)) = (wanted, Bytes::new(revocation.bytes())) {
            self.revoked.insert(team, bytes);
        }
    }

    pub(crate) fn grant(&mut self, more: u32) {
        self.credit = self.credit.saturating_add(u64::from(more));
    }

    pub(crate) fn proved(&mut self, team: TeamId) {
        self.proved.insert(team);
    }

    /// Whoever listens does not know any more what was caught up with: it is told again.
    pub(crate) fn tell_again(&mut self) {
        let prefixes: Vec<Prefix> = self.wanted.iter().map(|wanted| wanted.prefix).collect();
        for prefix in prefixes {
            let owes = self.has_caught_up(&prefix);
            for wanted in self.wanted.iter_mut().filter(|wanted| wanted.prefix == prefix) {
                wanted.owes_caught_up |= owes;
            }
        }
    }

    fn has_caught_up(&self, prefix: &Prefix) -> bool {
        let serves = |(id, upstream): (&u32, &Prefix)| {
            self.caught_up.contains(id) && upstream.includes(prefix)
        };
        self.upstream.iter().any(serves)
    }

    /// The next link starts from nothing.
    pub(crate) fn link_lost(&mut self) {
        self.upstream.clear();
        self.caught_up.clear();
        self.proved.clear();
        for wanted in &mut self.wanted {
            wanted.owes_caught_up = false;
        }
    }

    /// What has to end and to begin at the relay, so that each wanted object comes once: only
    /// prefixes that no other one includes are subscribed to.
    pub(crate) fn upstream_changes(&mut self) -> (Vec<u32>, Vec<Upstream>) {
        let ready = self.wanted.iter().filter(|wanted| self.proved.contains(&wanted.team));
        let ready: BTreeSet<Prefix> = ready.map(|wanted| wanted.prefix).collect();
        let widest = |prefix: &&Prefix| {
            !ready.iter().any(|other| other != *prefix && other.includes(prefix))
        };
        let widest: BTreeSet<Prefix> = ready.iter().filter(widest).copied().collect();
        let needless = |(id, prefix): (&u32, &Prefix)| (!widest.contains(prefix)).then_some(*id);
        let ended: Vec<u32> = self.upstream.iter().filter_map(needless).collect();
        for id in &ended {
            self.upstream.remove(id);
            self.caught_up.remove(id);
        }
        let subscribed: BTreeSet<Prefix> = self.upstream.values().copied().collect();
        let mut begun = Vec::new();
        for prefix in widest.difference(&subscribed).copied() {
            let id = self.next_id;
            self.next_id = self.next_id.wrapping_add(1);
            self.upstream.insert(id, prefix);
            begun.push(Upstream { id, prefix });
        }
        (ended, begun)
    }

    /// The wanted prefixes that a subscription at the relay serves.
    pub(crate) fn served_by(&self, id: u32) -> Vec<Prefix> {
        let Some(upstream) = self.upstream.get(&id) else {
            return Vec::new();
        };
        let wanted = self.wanted.iter().map(|wanted| wanted.prefix);
        wanted.filter(|prefix| upstream.includes(prefix)).collect()
    }

    /// Puts an object that the relay delivered into the cache: each copy that could be the only good
    /// one once.
    pub(crate) fn keep(
        &mut self,
        cache: &mut Store,
        link: &Linked,
        position: u64,
        object: &Object,
        receipt: Option<&Receipt>,
    ) -> Result<(), StoreError> {
        let name = object.name();
        let Some(prefix) = self.upstream.values().find(|prefix| prefix.covers(name)).copied()
        else {
            // On its way when the subscription ended.
            return Ok(());
        };
        let copies = cache.copies(name, &object.entry_hash())?;
        if !copies.iter().any(|kept| stands_for(kept, object, receipt)) {
            let until = cache::until(object);
            cache.put(Put { object, receipt, settled: receipt.is_some(), until })?;
            self.note_more(name);
        }
        cache::set_reached(cache, &link.relay, &prefix, Reached { store: link.store, position })
    }

    /// The relay has delivered all that it had.
    pub(crate) fn caught_up(
        &mut self,
        cache: &mut Store,
        link: &Linked,
        id: u32,
        position: u64,
    ) -> Result<(), StoreError> {
        let Some(prefix) = self.upstream.get(&id).copied() else {
            return Ok(());
        };
        self.caught_up.insert(id);
        for wanted in &mut self.wanted {
            if prefix.includes(&wanted.prefix) {
                wanted.owes_caught_up = true;
            }
        }
        cache::set_reached(cache, &link.relay, &prefix, Reached { store: link.store, position })
    }

    /// What can be forwarded now: in order of the cache, as far as credit goes.
    pub(crate) fn forward(&mut self, cache: &Store) -> Result<Vec<FromNet>, StoreError> {
        let mut told = Vec::new();
        for wanted in &mut self.wanted {
            while wanted.more && self.credit > 0 {
                let most = usize::try_from(self.credit).unwrap_or(usize::MAX).min(PAGE);
                // One more than is forwarded, to know whether there is more.
                let (team, prefix, behind) = (wanted.team, wanted.prefix, wanted.position);
                let page = cache.behind(team, prefix, behind, most.saturating_add(1))?;
                wanted.more = page.len() > most;
                for kept in page.into_iter().take(most) {
                    wanted.position = kept.position;
                    self.credit = self.credit.saturating_sub(1);
                    told.push(FromNet::Arrived {
                        cursor: Cursor { cache: cache.id(), position: kept.position },
                        object: translate::sealed(&kept.object),
                        receipt: kept.receipt.as_ref().map(translate::receipt),
                    });
                }
            }
            if wanted.owes_caught_up && !wanted.more {
                wanted.owes_caught_up = false;
                let prefix = translate::prefix_bits(&wanted.prefix);
                let cursor = Cursor { cache: cache.id(), position: wanted.position };
                told.push(FromNet::CaughtUp { prefix, cursor });
            }
        }
        // What was delivered before the removal comes before it here as well.
        for (team, revocation) in std::mem::take(&mut self.revoked) {
            if self.wanted.iter().any(|wanted| wanted.team == team && wanted.more) {
                self.revoked.insert(team, revocation);
            } else {
                told.push(FromNet::Revoked { revocation });
            }
        }
        Ok(told)
    }

    fn note_more(&mut self, name: Name) {
        for wanted in &mut self.wanted {
            wanted.more |= wanted.prefix.covers(name);
        }
    }
}

/// Has `secure-proc` with `kept` all that it could have with a delivered copy? The hash covers
/// neither the signature nor the presence of the data, and a claim counts with its receipt only: a
/// relay that spoils one copy must not keep out another's.
fn stands_for(kept: &Kept, object: &Object, receipt: Option<&Receipt>) -> bool {
    let claim = matches!(object.name().place().rest, Rest::Slot(_));
    kept.object.signature() == object.signature()
        && (kept.object.data().is_some() || object.data().is_none())
        && (!claim || receipt.is_none() || kept.receipt.as_ref() == receipt)
}

const PAGE: usize = 64;
