//! Wishes: they wait here until a commit of ours, or of somebody else, has made them true.

use names::{Generation, Rest, TeamId};
use objects::{Announcement, Claim, Millis, Object};

use crate::rows::Table;
use crate::state::{ClaimRow, IntentRow, Purpose, Stage, TeamRow, stored_object, team_key};
use crate::wish::{ADMIN, Intent};
use crate::{Endpoint, Fault, NotAdded, NotDone, Policy};

/// Why a leaf cannot be renewed.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum RefreshError {
    /// This device is not in that team.
    #[error("this device is not in that team")]
    NoSuchTeam,
    /// A bug or a broken store.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Endpoint {
    /// Wishes to renew our own leaf (RFC 9420 §12.1.2).
    ///
    /// # Errors
    /// As [`RefreshError`] says; then nothing has changed.
    pub fn refresh(&mut self, now: Millis, team: TeamId) -> Result<(), RefreshError> {
        self.member_of(team)?.ok_or(RefreshError::NoSuchTeam)?;
        self.wish_refresh(team, now)?;
        self.settle(now)?;
        Ok(())
    }

    /// Claims the next slot, if there is a wish and nothing stands against it.
    pub(crate) fn drive(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        self.plan_refresh(now, team)?;
        self.tidy(team)?;
        if let Some(row) = self.team(team)?.filter(|row| row.stage == Stage::Member) {
            self.seek(now, team, &row)?;
        }
        if !self.may_claim(team)? || self.quiet(team) > now {
            return Ok(());
        }
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let mut due = Vec::new();
        let mut asking = false;
        for (intent, wish) in self.wishes(team)? {
            if wish.welcoming || self.wished_for(&wish) > now {
                continue;
            }
            match intent {
                Intent::Add(hash) if wish.announcement.is_empty() => {
                    match self.sought_until(team, &intent) {
                        None => {
                            self.ask(team, hash);
                            asking = true;
                        }
                        Some(until) if now < until => {}
                        Some(_) => self.not_added(team, hash, NotAdded::NoSuchAnnouncement),
                    }
                }
                Intent::User(_) => {}
                Intent::Add(_)
                | Intent::Refresh
                | Intent::Remove(_)
                | Intent::Policy
                | Intent::Role(_)
                | Intent::Readd(_) => due.push((intent, wish)),
            }
        }
        // Those who come together are added with one commit.
        if asking || due.is_empty() {
            return Ok(());
        }
        self.claim_next(now, team, row, due)
    }

    /// Takes out the wishes that have come true, whoever did it, and those that never will.
    fn tidy(&mut self, team: TeamId) -> Result<(), Fault> {
        let Some(row) = self.team(team)?.filter(|row| row.stage == Stage::Member) else {
            return Ok(());
        };
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let underway = claim.map(|claim| claim.wishes).unwrap_or_default();
        for (intent, wish) in self.wishes(team)? {
            // What the wish says now may be what still holds before that slot is decided.
            if wish.welcoming || underway.iter().any(|key| key[..] == intent.key(team)) {
                continue;
            }
            if let Some(result) = self.outcome(team, &row, &intent, &wish)? {
                match (intent, result, Self::announcement_of(&wish)?) {
                    (Intent::Add(hash), Ok(()), Some(newcomer)) => {
                        self.added(team, hash, newcomer.device);
                    }
                    (Intent::Add(hash), _, _) => self.not_added(team, hash, NotAdded::NotAdmin),
                    _ => self.wished(team, &intent, result)?,
                }
            }
        }
        Ok(())
    }

    /// What has become of a wish; `None` while it waits.
    fn outcome(
        &self,
        team: TeamId,
        row: &TeamRow,
        intent: &Intent,
        wish: &IntentRow,
    ) -> Result<Option<Result<(), NotDone>>, Fault> {
        let done = match *intent {
            Intent::Refresh | Intent::User(_) => return Ok(None),
            Intent::Add(_) => match Self::announcement_of(wish)? {
                None => false,
                Some(newcomer) => {
                    let leaf = self.leaf(team, newcomer.device)?;
                    leaf.is_some_and(|leaf| leaf.log_key == newcomer.log_key)
                }
            },
            Intent::Readd(device) => self.replacement(team, row, device, wish)?.is_none(),
            Intent::Remove(device) => self.leaf(team, device)?.is_none(),
            Intent::Policy => self.policy(team) == Policy::read(&wish.value),
            Intent::Role(device) => {
                if self.leaf(team, device)?.is_none() {
                    return Ok(Some(Err(NotDone::NoSuchDevice)));
                }
                self.is_named_admin(team, device)? == (wish.value == ADMIN)
            }
        };
        if done {
            return Ok(Some(Ok(())));
        }
        let may = matches!(intent, Intent::Readd(_)) || self.issuer(team, row)?.is_some();
        Ok((!may).then_some(Err(NotDone::NotAdmin)))
    }

    pub(crate) fn announcement_of(wish: &IntentRow) -> Result<Option<Announcement>, Fault> {
        if wish.announcement.is_empty() {
            return Ok(None);
        }
        let object = stored_object(&wish.announcement)?;
        let announcement = Announcement::parse(object.data().unwrap_or_default());
        announcement.map(Some).map_err(|_| Fault::Row)
    }

    fn may_claim(&self, team: TeamId) -> Result<bool, Fault> {
        let Some(row) = self.team(team)? else {
            return Ok(false);
        };
        Ok(self.is_open(team, &row) && self.slot_is_free(team, &row)?)
    }

    /// Could the next slot be claimed from here, as far as is known?
    pub(crate) fn slot_is_free(&self, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        let caught_up = self.link.as_ref().is_some_and(|link| link.caught_up.contains(&team));
        let claiming = self.rows().has(Table::Claim, &team_key(team));
        let ordered = self.origin(team)?.is_some() && !self.two_histories(team)?;
        Ok(caught_up && !claiming && ordered && self.next_claim(team, row)?.is_none())
    }

    /// When a wish is due that could be claimed then, or the own leaf is to be renewed.
    pub(crate) fn wish_due(&self, team: TeamId) -> Option<Millis> {
        let renewal = self.renewal(team).ok().flatten();
        let link = self.link.as_ref()?;
        if link.asked.values().any(|(of, _)| *of == team) || !self.may_claim(team).unwrap_or(false)
        {
            return renewal;
        }
        let wishes = self.wishes(team).ok()?.into_iter();
        let due = wishes.filter(|(_, wish)| !wish.welcoming).map(|(intent, wish)| {
            let sought = self.sought_until(team, &intent).filter(|_| wish.announcement.is_empty());
            // After a clock that was set back, what is sought may be due before the wish itself.
            self.wished_for(&wish).max(sought.unwrap_or(Millis(0)))
        });
        due.min().map(|due| due.max(self.quiet(team))).into_iter().chain(renewal).min()
    }

    /// Everything that a claim needs is at the relay: the claim itself is next.
    pub(crate) fn queue_claim(&mut self, team: TeamId) -> Result<(), Fault> {
        if self.waiting(team, |row| row.purpose == Purpose::Needed)? > 0 {
            return Ok(());
        }
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        if let Some(mut claim) = claim.filter(|claim| !claim.queued) {
            (claim.queued, claim.left) = (true, true);
            self.rows().put(Table::Claim, &team_key(team), &claim)?;
            self.queue(&stored_object(&claim.object)?, Purpose::Claim)?;
        }
        Ok(())
    }

    /// A claim that is neither on its way nor decided here is sent again, or given up when it does
    /// not stand on our newest slot.
    pub(crate) fn revive_claim(&mut self, team: TeamId) -> Result<(), Fault> {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        let (Some(claim), Some(row)) = (claim, self.team(team)?) else {
            return Ok(());
        };
        let object = stored_object(&claim.object)?;
        let (head, hash) = row.head();
        let next = head.next().map(|slot| team.name(Rest::Slot(slot)));
        if next != Some(object.name()) || object.previous() != hash {
            return self.lost(team);
        }
        if claim.queued && self.underway.id(object.name()).is_none() {
            return self.queue(&object, Purpose::Claim);
        }
        Ok(())
    }

    /// The relay misses something that a claim needs: all of it again.
    pub(crate) fn queue_needed(&mut self, team: TeamId) -> Result<(), Fault> {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        if let Some(mut claim) = claim {
            claim.queued = false;
            self.rows().put(Table::Claim, &team_key(team), &claim)?;
            for needed in &claim.needed {
                self.queue(&stored_object(needed)?, Purpose::Needed)?;
            }
        }
        Ok(())
    }

    /// Has our claim been on its way to the origin?
    pub(crate) fn claim_left(&self, team: TeamId) -> Result<bool, Fault> {
        let claim: Option<ClaimRow> = self.rows().get(Table::Claim, &team_key(team))?;
        Ok(claim.is_some_and(|claim| claim.left))
    }

    /// The name of a certificate of our claim is taken by another admin's: the claim, which has
    /// not left, is made anew with the generation behind it.
    pub(crate) fn certificate_taken(
        &mut self,
        team: TeamId,
        generation: Generation,
        certificate: &Object,
    ) -> Result<(), Fault> {
        for (intent, mut wish) in self.wishes(team)? {
            if wish.certificate == certificate.bytes() {
                wish.certificate.clear();
                wish.generation = generation.value().saturating_add(1);
                self.put_wish(team, &intent, &wish)?;
            }
        }
        self.lost(team)
    }

    /// Our claim has lost its slot: what it wished is claimed again later.
    pub(crate) fn lost(&mut self, team: TeamId) -> Result<(), Fault> {
        self.rows().remove(Table::Claim, &team_key(team));
        self.unqueue(team, |purpose| matches!(purpose, Purpose::Needed | Purpose::Claim))?;
        let Some(group) = self.groups.get_mut(&team) else {
            return Ok(());
        };
        group.clear_pending_commit(&self.provider.rows).map_err(|_| Fault::Mls)
    }

    /// Our claim has won its slot: its newcomers are welcomed, and its wishes are done.
    pub(crate) fn won(
        &mut self,
        now: Millis,
        team: TeamId,
        claim: &ClaimRow,
        object: &Object,
    ) -> Result<(), Fault> {
        self.rows().remove(Table::Claim, &team_key(team));
        self.unqueue(team, |purpose| purpose == Purpose::Claim)?;
        let row = self.team(team)?.ok_or(Fault::Row)?;
        let parsed = Claim::parse(object.data().unwrap_or_default()).map_err(|_| Fault::Row)?;
        for hash in &parsed.welcomed {
            let mut by = team;
            if let Some(mut wish) = self.wish(team, &Intent::Add(*hash))? {
                by = Self::announcement_of(&wish)?.ok_or(Fault::Row)?.team;
                wish.welcoming = true;
                self.put_wish(team, &Intent::Add(*hash), &wish)?;
            }
            self.point(now, &row, by, *hash, object)?;
        }
        let refreshed = claim.wishes.iter().any(|key| Intent::read(key) == Some(Intent::Refresh));
        if refreshed {
            self.renewed(now, team)?;
            self.wished(team, &Intent::Refresh, Ok(()))?;
        }
        Ok(())
    }

    /// We were removed: nothing that we wished can come true.
    pub(crate) fn give_up(&mut self, team: TeamId) -> Result<(), Fault> {
        for (intent, _) in self.wishes(team)? {
            if let Intent::Add(hash) = intent {
                self.not_added(team, hash, NotAdded::NotAdmin);
            } else {
                self.wished(team, &intent, Err(NotDone::Removed))?;
            }
        }
        Ok(())
    }
}
