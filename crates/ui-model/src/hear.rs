//! What follows from what the secure process said.

use names::{Channel, Name, Rest, TeamId};

use crate::{
    Answer, Ask, ChannelEntry, Door, Edge, Event, Join, Out, Phase, Put, Refusal, Row, Standing,
    State, Talk, TeamEntry, Ticket, Trouble, Words,
};

impl State {
    /// Takes what the secure process said; call [`State::poll`] until it returns `None` afterwards.
    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Phase(phase) => self.phase_is(phase),
            Event::Message { team, channel, row, above } => self.message(team, channel, row, above),
            Event::Watermark { team, channel, local, relay, delivered } => {
                let trunk = Talk::channel(team, channel);
                self.watermark(trunk, local.into(), relay.into(), delivered.into());
            }
            Event::TeamsChanged => self.ask_about_teams(),
            Event::Joined(_) => {
                self.join = None;
                self.ask_about_teams();
            }
            Event::Link(link) => self.link = link,
            Event::Notice(notice) => self.notices.push_back(notice),
            Event::Renamed { team, channel, from, to } => {
                self.renamed(Talk::channel(team, channel), from, to);
            }
            Event::Team(team, health) => self.health_is(team, health),
            Event::Answer(ticket, answer) => self.answered(ticket, answer),
            Event::Gone => {
                self.forget_what_was_read();
                self.phase = Phase::Gone;
                self.door = Door { restarted: true, ..Door::default() };
            }
        }
    }

    fn phase_is(&mut self, phase: Phase) {
        let before = std::mem::replace(&mut self.phase, phase);
        if phase == before {
            return;
        }
        if before == Phase::Unlocked {
            // Locked on purpose: nothing may stay.
            self.asked.clear();
            self.drafts.clear();
        }
        if phase != Phase::Unlocked {
            let restarted = self.door.restarted;
            self.forget_what_was_read();
            self.door.restarted = restarted;
            self.ask(Ask::Status);
            return;
        }
        self.door = Door::default();
        // A message that was on its way when the answer was lost: the same ticket, so that it is
        // not sent twice.
        let again: Vec<_> = self.asked.iter().map(|(at, ask)| (*at, ask.clone())).collect();
        for (ticket, ask) in again {
            if matches!(ask, Ask::Send { .. }) {
                self.out.push_back(Out::Ask(ticket, ask));
            }
        }
        self.ask(Ask::WhoAmI);
        self.ask(Ask::Follow);
        self.ask(Ask::Teams);
        self.ask(Ask::Status);
    }

    /// Drops every text but those that only this window has: drafts and unanswered messages.
    fn forget_what_was_read(&mut self) {
        self.asked.retain(|_, ask| matches!(ask, Ask::Send { .. }));
        *self = Self {
            now: self.now,
            zone: std::mem::take(&mut self.zone),
            device_hint: std::mem::take(&mut self.device_hint),
            text_limit: self.text_limit,
            phase: self.phase,
            confinement: self.confinement.clone(),
            drafts: std::mem::take(&mut self.drafts),
            asked: std::mem::take(&mut self.asked),
            next_ticket: self.next_ticket,
            ..Self::default()
        };
    }

    fn ask_about_teams(&mut self) {
        self.ask(Ask::Teams);
        let known: Vec<TeamId> = self.teams.iter().map(|team| team.id).collect();
        for team in known {
            self.ask(Ask::Channels(team));
        }
    }

    fn message(&mut self, team: TeamId, channel: Channel, row: Row, above: Option<Name>) {
        let trunk = Talk::channel(team, channel);
        let is_open = self.open == Some(trunk);
        self.note_queued(&row);
        if self.note_read(team, channel, &row) && !row.own {
            if !(is_open && self.watching) {
                self.unread.entry((team, channel)).or_default().insert(row.name);
            }
            if is_open && !self.watching {
                self.fresh.insert(row.name);
            }
        }
        if !is_open {
            return;
        }
        let in_open_thread =
            self.thread.is_some_and(|root| row.thread == Some(root) || row.name == root);
        if in_open_thread && self.branch.put(row.clone(), above) == Put::Lost {
            // What stands above it in the channel need not be in the thread.
            self.refresh(Talk { thread: self.thread, ..trunk });
        }
        if self.trunk.put(row, above) == Put::Lost {
            self.refresh(trunk);
        }
    }

    /// Remembers the newest entry of each log; says whether this one is newer.
    fn note_read(&mut self, team: TeamId, channel: Channel, row: &Row) -> bool {
        let Rest::Message { device, number, .. } = row.name.place().rest else {
            return false;
        };
        match self.read_to.get_mut(&(team, channel, device)) {
            Some(known) if *known >= number => false,
            Some(known) => {
                *known = number;
                true
            }
            None => {
                self.read_to.insert((team, channel, device), number);
                // The first word of a log may be that an old message was answered.
                row.replies == 0
            }
        }
    }

    fn note_queued(&mut self, row: &Row) {
        if row.own && row.standing == Standing::Queued {
            self.queued.insert(row.name);
        } else {
            self.queued.remove(&row.name);
        }
    }

    fn refresh(&mut self, talk: Talk) {
        if !self.is_loading(talk) {
            self.ask_latest(talk);
        }
    }

    /// Everything that knows the message by its old name knows it by the new one.
    fn renamed(&mut self, trunk: Talk, from: Name, to: Name) {
        let called = |name: Name| if name == from { to } else { name };
        self.trunk.rename(from, to);
        self.branch.rename(from, to);
        if self.queued.remove(&from) {
            self.queued.insert(to);
        }
        self.thread = self.thread.map(called);
        self.last_thread = self.last_thread.map(called);
        let (old, new) = (trunk.thread(from), trunk.thread(to));
        if let Some(draft) = self.drafts.remove(&old) {
            self.drafts.insert(new, draft);
        }
        if let Some(trouble) = self.send_trouble.remove(&old) {
            self.send_trouble.insert(new, trouble);
        }
        for ask in self.asked.values_mut() {
            if let Ask::Page { talk, .. } | Ask::Send { talk, .. } = ask
                && *talk == old
            {
                *talk = new;
            }
        }
    }

    fn watermark(&mut self, trunk: Talk, local: u64, relay: u64, delivered: u64) {
        let here = |name: Name| {
            let is_message = matches!(name.place().rest, Rest::Message { channel, .. }
                if channel == trunk.channel);
            is_message && name.team() == trunk.team
        };
        let stored = local.max(relay);
        self.queued.retain(|name| !(here(*name) && crate::row::number(*name) < stored));
        let further = |row: &Row| {
            let moves = row.own && here(row.name) && row.standing < Standing::Delivered;
            let number = crate::row::number(row.name);
            let reached = if number < delivered {
                Standing::Delivered
            } else if number < relay {
                Standing::Relay
            } else if number < local {
                Standing::LocalRelay
            } else {
                Standing::Queued
            };
            (moves && reached > row.standing).then_some(reached)
        };
        self.trunk.settle(further);
        self.branch.settle(further);
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer) {
        // An answer to a question from before the vault was closed says nothing any more.
        let Some(ask) = self.asked.remove(&ticket) else {
            return;
        };
        match (ask, answer) {
            (ask, Answer::Refused(refusal)) => self.refused(ask, &refusal),
            (_, Answer::Me(me)) => self.me = Some(me),
            (_, Answer::Status { confinement, link, joining, teams }) => {
                self.confinement = confinement;
                self.link = link;
                self.health.extend(teams);
                if let (Some(hash), true) = (joining.first(), self.teams.is_empty()) {
                    self.join = Some(Join::Waiting { hash: *hash });
                }
            }
            (_, Answer::Teams(teams)) => self.teams_are(teams),
            (Ask::Channels(team), Answer::Channels(channels)) => self.channels_are(team, channels),
            (Ask::Devices(team), Answer::Devices(members)) => self.members_are(team, members),
            (Ask::Page { talk, edge, .. }, Answer::Page { rows, more }) => {
                self.page(talk, edge, rows, more);
            }
            (Ask::Send { talk, .. }, Answer::Sent(row)) => self.sent(talk, row),
            (Ask::ReadLink(link), Answer::Offer(offer)) => {
                self.join = Some(Join::Confirming { link, offer, trouble: None });
            }
            (Ask::Join { .. }, Answer::Done) => {
                self.leave_join();
                self.notices
                    .push_back("This team is reached through another relay now.".to_owned());
            }
            (_, Answer::Joining(hash)) => self.join = Some(Join::Waiting { hash }),
            // Done, or an answer to another question than the one that was asked.
            (
                _,
                Answer::Done
                | Answer::Channels(_)
                | Answer::Devices(_)
                | Answer::Page { .. }
                | Answer::Sent(_)
                | Answer::Offer(_),
            ) => {}
        }
    }

    fn page(&mut self, talk: Talk, edge: Edge, rows: Vec<Row>, more: bool) {
        for row in &rows {
            self.note_queued(row);
            self.note_read(talk.team, talk.channel, row);
        }
        let Some(pages) = self.pages_of(talk) else {
            return;
        };
        match edge {
            Edge::Latest => pages.restart(rows, more),
            Edge::Older => pages.extend_back(rows, more),
            Edge::Newer => pages.extend_forward(rows, more),
        }
    }

    /// The message stands at the end unless the event that says where came first.
    fn sent(&mut self, talk: Talk, row: Row) {
        self.note_queued(&row);
        self.note_read(talk.team, talk.channel, &row);
        for talk in [talk, talk.trunk()] {
            let Some(pages) = self.pages_of(talk) else {
                continue;
            };
            if pages.row(row.name).is_none() && !pages.has_newer() {
                let above = pages.rows().last().map(|last| last.name);
                pages.put(row.clone(), above);
            }
        }
        self.recount_replies();
    }

    /// While the whole thread is held, its first message in the channel says how long it is.
    fn recount_replies(&mut self) {
        let whole = !self.branch.has_older() && !self.branch.has_newer();
        if let (Some(root), true) = (self.thread, whole) {
            let replies = self.branch.rows().iter().filter(|row| row.thread == Some(root)).count();
            self.trunk.set_replies(root, u32::try_from(replies).unwrap_or(u32::MAX));
        }
    }

    fn teams_are(&mut self, teams: Vec<TeamEntry>) {
        let known: Vec<TeamId> = self.teams.iter().map(|team| team.id).collect();
        self.teams = teams;
        let added: Vec<TeamId> = self.teams.iter().map(|team| team.id).collect();
        for team in added.into_iter().filter(|team| !known.contains(team)) {
            self.ask(Ask::Channels(team));
        }
        if self.teams.is_empty() && self.join.is_none() {
            self.join = Some(Join::Entering { trouble: None });
        }
    }

    fn channels_are(&mut self, team: TeamId, channels: Vec<ChannelEntry>) {
        self.channels.insert(team, channels);
        let open_here = self.open.filter(|open| open.team == team);
        let gone = open_here
            .is_some_and(|open| !self.channels(team).iter().any(|entry| entry.id == open.channel));
        if self.open.is_none() || gone {
            let join = self.join.take();
            self.open_team(team);
            self.join = join;
        }
    }

    fn refused(&mut self, ask: Ask, refusal: &Refusal) {
        let trouble = Trouble(refusal.sentence());
        match ask {
            Ask::Create { .. } | Ask::Unlock(_) => {
                self.door.busy = false;
                self.door.trouble = Some(trouble);
                self.door.wait_until = refusal.wait_until;
            }
            Ask::Send { talk, text } => {
                self.send_trouble.insert(talk, trouble);
                // What was typed meanwhile stands below what comes back.
                let typed = self.drafts.remove(&talk).unwrap_or_default();
                let back = if typed.is_blank() {
                    text
                } else {
                    Words::new(format!("{}\n{}", text.reveal(), typed.reveal()))
                };
                self.drafts.insert(talk, back);
            }
            Ask::ReadLink(_) => self.join = Some(Join::Entering { trouble: Some(trouble) }),
            Ask::Join { .. } => {
                if let Some(Join::Publishing { link, offer }) = self.join.take() {
                    self.join = Some(Join::Confirming { link, offer, trouble: Some(trouble) });
                }
            }
            Ask::Lock | Ask::Page { .. } => self.notices.push_back(trouble.0),
            Ask::WhoAmI
            | Ask::Status
            | Ask::Follow
            | Ask::Teams
            | Ask::Channels(_)
            | Ask::Devices(_) => {}
        }
    }
}

impl Refusal {
    /// What a person reads.
    fn sentence(&self) -> String {
        let mut sentence = capitalised(self.message.trim());
        if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?']) {
            sentence.push('.');
        }
        if !self.hint.is_empty() {
            sentence.push(' ');
            sentence.push_str(&capitalised(self.hint.trim()));
            if !sentence.ends_with(['.', '!', '?']) {
                sentence.push('.');
            }
        }
        sentence
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
