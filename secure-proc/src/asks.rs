//! What becomes of each request, once the gate has let it through: what concerns the whole desk.

use std::path::Path;

use ipc_schema::List;
use ipc_schema::control::Class;
use ipc_schema_ui::{
    Answer, ErrorCode, Failure, Label, Passphrase, Request, RequestId, Status, TeamBits,
};
use mls_core::{Endpoint, Entropy};
use objects::Millis;

use crate::answers::{Outcome, name_of};
use crate::desk::{Desk, Home, Until, Waiting};
use crate::effect::{Effect, PeerId, failure, store_failed};
use crate::session::{OpenError, Session};
use crate::{clock, failures, wishes};

impl Desk {
    /// The answer, or `None` when it is owed.
    pub(crate) fn ask(
        &mut self,
        now: Millis,
        peer: PeerId,
        class: Class,
        id: RequestId,
        request: Request,
    ) -> Option<Outcome> {
        if let Some(team) = wishes::team_of(&request) {
            let outcome = self.wish(now, peer, id, team, &request);
            self.drain(now);
            self.judge(&outcome);
            return outcome;
        }
        let outcome = match request {
            Request::Status => Ok(Answer::Status(self.status(class))),
            Request::Create { passphrase, user, device } => {
                self.create(class, &passphrase, &user, &device)
            }
            Request::Unlock { passphrase } => self.unlock(now, class, &passphrase),
            Request::Lock => self.lock(now),
            Request::Follow { scope } => {
                self.follow(peer, scope);
                Ok(Answer::Done)
            }
            Request::Settle => {
                self.waiting.push(Waiting { peer, id, until: Until::Settled });
                return None;
            }
            Request::CreateOrg { .. }
            | Request::ShowOrg
            | Request::CreateTeam { .. }
            | Request::ShowTeamLink { .. }
            | Request::CreateChannel { .. }
            | Request::MoveOrigin { .. } => {
                self.with_session(|session| session.ask_as_admin(now, id, request))
            }
            Request::WhoAmI
            | Request::Teams
            | Request::Channels { .. }
            | Request::Send { .. }
            | Request::Page { .. }
            | Request::ReadLink { .. }
            | Request::Join { .. }
            | Request::Refresh { .. }
            | Request::Devices { .. }
            | Request::AddDevice { .. }
            | Request::AddUser { .. }
            | Request::RemoveDevice { .. }
            | Request::RemoveUser { .. }
            | Request::SetRole { .. }
            | Request::SetPolicy { .. } => {
                self.with_session(|session| session.ask(now, id, request))
            }
        };
        self.drain(now);
        if let Ok(Answer::Sent { row }) = &outcome {
            self.show_sent(row);
        }
        let outcome = Some(outcome);
        self.judge(&outcome);
        outcome
    }

    /// Half of a step may be in memory: none of it may reach the vault.
    fn judge(&mut self, outcome: &Option<Outcome>) {
        if let Some(Err(failure)) = outcome
            && failure.code == ErrorCode::StoreFailed
        {
            self.poisoned = true;
        }
    }

    fn create(
        &mut self,
        class: Class,
        passphrase: &Passphrase,
        user: &Label,
        device: &Label,
    ) -> Outcome {
        let (user, device) = (name_of(user)?, name_of(device)?);
        let passphrase = vault_io::Passphrase::new(passphrase.reveal().to_owned().into());
        let vault = vault_io::create(&self.vault, &passphrase, &mut clock::fill)
            .map_err(|error| failures::create(&error))?;
        let endpoint = Endpoint::create(user, device, Entropy::system(clock::random()))
            .map_err(|_| store_failed())?;
        let mut session = Session::new(vault, endpoint);
        // A vault without an owner would be of no use: both, or neither.
        if session.commit().is_err() {
            let _ = session.vault.lock();
            let _ = std::fs::remove_file(&self.vault);
            return Err(store_failed());
        }
        self.opened(class, session);
        Ok(Answer::Done)
    }

    fn unlock(&mut self, now: Millis, class: Class, passphrase: &Passphrase) -> Outcome {
        let passphrase = vault_io::Passphrase::new(passphrase.reveal().to_owned().into());
        if let Home::Open(session) = &mut self.home {
            session
                .vault
                .check_passphrase(&passphrase, now.0)
                .map_err(|error| failures::unlock(&error))?;
            self.proven.push(class);
            return Ok(Answer::Done);
        }
        let session = open(&self.vault, &passphrase)?;
        self.opened(class, session);
        Ok(Answer::Done)
    }

    fn opened(&mut self, class: Class, session: Session) {
        self.home = Home::Open(Box::new(session));
        self.proven = vec![class];
        self.phase_changed();
        self.brief_net();
    }

    /// Drops every key and every text. What waits for the relay stays in the vault.
    pub(crate) fn lock(&mut self, now: Millis) -> Outcome {
        if !matches!(self.home, Home::Open(_)) {
            return Ok(Answer::Done);
        }
        // What came before it in this step ends as every step does: stored, or undone.
        self.effects = self.settle(now);
        let Home::Open(session) = std::mem::replace(&mut self.home, Home::Locked) else {
            return Ok(Answer::Done);
        };
        self.proven.clear();
        let put_away = session.vault.lock();
        for Waiting { peer, id, .. } in std::mem::take(&mut self.waiting) {
            let locked = failure(ErrorCode::Locked, "the vault was locked", "unlock it first");
            self.effects.push(Effect::answer(peer, id, Err(locked)));
        }
        self.effects.push(Effect::Net(ipc_schema_net::ToNet::Forget));
        self.link = ipc_schema_ui::LinkState::NoRelay;
        self.phase_changed();
        put_away.map(|()| Answer::Done).map_err(|_| store_failed())
    }

    fn with_session(&mut self, ask: impl FnOnce(&mut Session) -> Outcome) -> Outcome {
        match &mut self.home {
            Home::Open(session) => ask(session),
            // The gate has let it through only for an open vault.
            Home::FirstStart | Home::Locked => Err(failures::locked()),
        }
    }

    /// Makes a wish that is answered when its slot is decided; asked again, it makes none. The
    /// outcome, or `None` when it is owed.
    fn wish(
        &mut self,
        now: Millis,
        peer: PeerId,
        id: RequestId,
        team: TeamBits,
        request: &Request,
    ) -> Option<Outcome> {
        let Home::Open(session) = &mut self.home else {
            return Some(Err(failures::locked()));
        };
        match session.wanted.outcome(&session.vault, id.0) {
            Ok(Some(Some(outcome))) => return Some(outcome),
            Ok(Some(None)) => {}
            Ok(None) => {
                let made = session.team(team);
                let made = made.and_then(|team| Ok((team, session.wish(now, team, request)?)));
                match made {
                    Ok((team, parts)) => session.wanted.open(id.0, team, parts),
                    Err(failure) => return Some(Err(failure)),
                }
            }
            Err(_) => return Some(Err(store_failed())),
        }
        self.waiting.push(Waiting { peer, id, until: Until::Decided(id.0) });
        None
    }

    fn status(&self, class: Class) -> Status {
        // Which teams there are is for those who have proven that they may know.
        let may_know = class == Class::Window || self.proven.contains(&class);
        let (teams, joining) = match &self.home {
            Home::Open(session) if may_know => {
                let teams = session.team_statuses().into_iter().map(|(_, status)| status);
                (teams.collect(), session.joining())
            }
            Home::Open(_) | Home::FirstStart | Home::Locked => (Vec::new(), Vec::new()),
        };
        Status {
            phase: self.phase(),
            link: self.link.clone(),
            secure: self.confinement.clone(),
            net: self.others.net.clone(),
            window: self.others.window.clone(),
            forbidden_calls: self.others.forbidden_calls,
            net_starts: self.others.net_starts,
            teams: List::cut(teams),
            joining: List::cut(joining),
        }
    }
}

fn open(path: &Path, passphrase: &vault_io::Passphrase) -> Result<Session, Failure> {
    Session::unlock(path, passphrase).map_err(|error| match error {
        OpenError::Unlock(error) => failures::unlock(&error),
        OpenError::Read(error) => failures::damaged(&error.to_string()),
        OpenError::Load(error) => failures::damaged(&error.to_string()),
        OpenError::Layout => failure(
            ErrorCode::OtherLayout,
            &error.to_string(),
            "open it with that release, or take a new data folder and join again",
        ),
    })
}
