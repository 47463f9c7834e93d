//! A window whose secure process is a script: it answers what the model asks from lists in memory.

use names::{Channel, Device, Name, Number, Org, Origin, Rest, Team, TeamId};
use ui_model::{
    Answer, Ask, ChannelEntry, Confinement, Event, Fingerprint, Health, Link, Me, Member, Millis,
    Offer, Out, Phase, Refusal, Role, Row, Standing, State, Talk, TeamEntry, Words, Zone,
};
use ui_view::Local;

pub(crate) const NOON: u64 = 1_795_262_400_000;
pub(crate) const PASSPHRASE: &str = "correct horse battery";
pub(crate) const ME: u64 = 41;

/// The window and what the script behind it knows.
pub(crate) struct Scene {
    pub(crate) state: State,
    pub(crate) local: Local,
    pub(crate) rows: Vec<(Talk, Row)>,
    pub(crate) teams: Vec<TeamEntry>,
    pub(crate) channels: Vec<ChannelEntry>,
    pub(crate) sent: Vec<(Talk, String)>,
    pub(crate) refuse_next: Option<Refusal>,
    pub(crate) wrong_tries: u64,
    pub(crate) quit: bool,
    pub(crate) confinement: Confinement,
    pub(crate) health: Option<Health>,
    pub(crate) members: Vec<Member>,
    next_number: u64,
}

pub(crate) fn team() -> TeamId {
    TeamId {
        origin: Origin::truncate(0xAC_0001),
        org: Org::truncate(77),
        team: Team::truncate(4_242),
    }
}

pub(crate) fn general() -> Talk {
    Talk::channel(team(), Channel::truncate(300))
}

pub(crate) fn channel(number: u64) -> Talk {
    Talk::channel(team(), Channel::truncate(number))
}

pub(crate) fn name_in(talk: Talk, device: u64, number: u64) -> Name {
    talk.team.name(Rest::Message {
        channel: talk.channel,
        device: Device::truncate(device),
        number: Number::truncate(number),
    })
}

impl Scene {
    /// The secure process has just said what its vault is doing.
    pub(crate) fn new(phase: Phase) -> Self {
        let mut state = State::new(32 * 1_024, Zone::default());
        state.now = Millis(NOON);
        state.device_hint = "laptop".to_owned();
        let entry = |number, name: &str| ChannelEntry {
            id: Channel::truncate(number),
            name: name.to_owned(),
        };
        let mut scene = Self {
            state,
            local: Local::default(),
            rows: Vec::new(),
            teams: vec![TeamEntry { id: team(), name: "Acme Operations".to_owned() }],
            channels: vec![entry(300, "general"), entry(301, "incidents"), entry(302, "relays")],
            sent: Vec::new(),
            refuse_next: None,
            wrong_tries: 0,
            quit: false,
            confinement: Confinement::Full,
            health: None,
            members: vec![
                member(ME, "Alice Moreau", "laptop"),
                member(52, "Bob Okafor", "phone"),
                member(53, "Dai Tanaka", "desk"),
                Member { role: Role::Root, ..member(0, "Admin", "Member tool") },
                Member {
                    reachable: false,
                    heard: Some(Millis(NOON - 7_200_000)),
                    ..member(55, "Bob Okafor", "old laptop")
                },
            ],
            next_number: 0,
        };
        scene.state.hear(Event::Phase(phase));
        scene.answer_all();
        scene
    }

    /// A closed vault with some talk in it.
    pub(crate) fn talking_locked() -> Self {
        let mut scene = Self::new(Phase::Locked);
        scene.write(general(), "Bob Okafor", 52, "Good morning! The relay in Lyon is back. 🎉", 0);
        scene.write(general(), "Bob Okafor", 52, "Everyone there kept talking all night.", 1);
        scene.write(general(), "Alice Moreau", ME, "Good to hear. Any messages lost?", 2);
        scene
    }

    /// An open vault with some talk in it.
    pub(crate) fn talking() -> Self {
        let mut scene = Self::talking_locked();
        scene.unlock();
        scene
    }

    /// Opens the vault anew, so that the window asks for everything again.
    pub(crate) fn unlock_again(&mut self) {
        self.state.hear(Event::Phase(Phase::Locked));
        self.answer_all();
        self.unlock();
    }

    pub(crate) fn unlock(&mut self) {
        self.state.hear(Event::Phase(Phase::Unlocked));
        self.answer_all();
    }

    /// Puts a message into the history without telling the window.
    pub(crate) fn write(
        &mut self,
        talk: Talk,
        from: &str,
        device: u64,
        text: &str,
        minute: u64,
    ) -> Name {
        let name = name_in(talk.trunk(), device, self.next_number);
        self.next_number += 1;
        let row = Row {
            name,
            from: from.to_owned(),
            own: device == ME,
            at: Millis(NOON - 3_600_000 + minute * 60_000),
            standing: Standing::Delivered,
            why: String::new(),
            text: Words::new(text),
            thread: talk.thread,
            replies: 0,
            missing_before: 0,
        };
        self.rows.push((talk.trunk(), row));
        if let Some(root) = talk.thread {
            for (_, row) in self.rows.iter_mut().filter(|(_, row)| row.name == root) {
                row.replies += 1;
            }
        }
        name
    }

    /// Puts a message into the history and tells the window.
    pub(crate) fn receive(&mut self, talk: Talk, from: &str, text: &str) -> Name {
        let name = self.write(talk, from, 52, text, 70);
        self.tell(name);
        if let Some(root) = talk.thread {
            self.tell(root);
        }
        self.answer_all();
        name
    }

    /// Changes a message and tells the window.
    pub(crate) fn change(&mut self, name: Name, change: impl FnOnce(&mut Row)) {
        if let Some((_, row)) = self.rows.iter_mut().find(|(_, row)| row.name == name) {
            change(row);
        }
        self.tell(name);
        self.answer_all();
    }

    fn tell(&mut self, name: Name) {
        let at = self.rows.iter().position(|(_, row)| row.name == name).unwrap();
        let (talk, row) = self.rows[at].clone();
        let above = self.rows[..at].iter().rev().find(|(other, _)| *other == talk);
        let above = above.map(|(_, row)| row.name);
        self.state.hear(Event::Message { team: talk.team, channel: talk.channel, row, above });
    }

    /// Shows one frame.
    pub(crate) fn frame(&mut self, ui: &mut egui::Ui) {
        for intent in ui_view::view(&self.state, &mut self.local, ui) {
            self.state.wish(intent);
            ui.ctx().request_repaint();
        }
        self.answer_all();
    }

    /// Answers everything that the model has asked.
    pub(crate) fn answer_all(&mut self) {
        while let Some(out) = self.state.poll() {
            match out {
                Out::Quit => self.quit = true,
                Out::Ask(ticket, ask) => {
                    let (answer, then) = self.answer(ask);
                    self.state.hear(Event::Answer(ticket, answer));
                    for event in then {
                        self.state.hear(event);
                    }
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask) -> (Answer, Vec<Event>) {
        let unlocked = vec![Event::Phase(Phase::Unlocked)];
        match ask {
            Ask::Create { .. } => {
                self.teams.clear();
                (Answer::Done, unlocked)
            }
            Ask::Unlock(passphrase) if passphrase.reveal() == PASSPHRASE => {
                (Answer::Done, unlocked)
            }
            Ask::Unlock(_) => {
                self.wrong_tries += 1;
                let wait_until = Millis(self.state.now.0 + self.wrong_tries * 1_000);
                (refused("The passphrase is wrong", Some(wait_until)), vec![])
            }
            Ask::Lock => (Answer::Done, vec![Event::Phase(Phase::Locked)]),
            Ask::WhoAmI => {
                let me = Me { name: "Alice Moreau".to_owned(), device: "laptop".to_owned() };
                (Answer::Me(me), vec![])
            }
            Ask::Status => {
                let confinement = self.confinement.clone();
                let link = Link::Online { skew: 0 };
                let teams = self.health.clone().map(|health| (team(), health));
                let teams = teams.into_iter().collect();
                (Answer::Status { confinement, link, joining: vec![], teams }, vec![])
            }
            Ask::Follow => (Answer::Done, vec![]),
            Ask::Teams => (Answer::Teams(self.teams.clone()), vec![]),
            Ask::Channels(_) => (Answer::Channels(self.channels.clone()), vec![]),
            Ask::Devices(_) => (Answer::Devices(self.members.clone()), vec![]),
            Ask::Page { talk, before, limit, .. } => (self.page(talk, before, limit), vec![]),
            Ask::Send { talk, text } => self.take(talk, text.reveal()),
            Ask::ReadLink(link) if link.starts_with("sotto-join:") => {
                let root = Fingerprint([0x5a; 32]);
                let relay = "relay.acme.example:4433".to_owned();
                (Answer::Offer(Offer { team: team(), root, relay }), vec![])
            }
            Ask::ReadLink(_) => (refused("The link is damaged", None), vec![]),
            Ask::Join { .. } => (Answer::Joining(Fingerprint([0xc3; 32])), vec![]),
        }
    }

    fn page(&self, talk: Talk, before: Option<Name>, limit: usize) -> Answer {
        let mut rows: Vec<Row> = self
            .rows
            .iter()
            .filter(|(of, _)| *of == talk.trunk())
            .map(|(_, row)| row.clone())
            .filter(|row| {
                talk.thread.is_none_or(|root| row.name == root || row.thread == Some(root))
            })
            .collect();
        if let Some(end) = rows.iter().position(|row| Some(row.name) == before) {
            rows.truncate(end);
        }
        let start = rows.len().saturating_sub(limit);
        Answer::Page { rows: rows.split_off(start), more: start > 0 }
    }

    fn take(&mut self, talk: Talk, text: &str) -> (Answer, Vec<Event>) {
        if let Some(refusal) = self.refuse_next.take() {
            return (Answer::Refused(refusal), vec![]);
        }
        self.sent.push((talk, text.to_owned()));
        let name = self.write(talk, "Alice Moreau", ME, text, 75);
        let row = self.rows.iter_mut().map(|(_, row)| row).find(|row| row.name == name).unwrap();
        row.standing = Standing::Queued;
        // Not the thread's first message: that one is told again when others answer it.
        (Answer::Sent(row.clone()), vec![])
    }
}

fn member(number: u64, user: &str, name: &str) -> Member {
    Member {
        number: u32::try_from(number).unwrap(),
        user: user.to_owned(),
        name: name.to_owned(),
        own: number == ME,
        role: Role::Member,
        reachable: number > ME,
        heard: None,
        two_faced: false,
    }
}

pub(crate) fn refused(message: &str, wait_until: Option<Millis>) -> Answer {
    Answer::Refused(Refusal { message: message.to_owned(), hint: String::new(), wait_until })
}
