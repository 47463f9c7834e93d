//! Everything the window knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use names::{Channel, Device, Name, Number, TeamId};

use crate::{Ask, Health, Join, Member, Millis, Out, Pages, Talk, Ticket, Words, Zone};

/// The shortest passphrase that a vault is made with, in characters.
pub const PASSPHRASE_MIN: usize = 8;

/// What the vault is doing.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq)]
pub enum Phase {
    /// The secure process has not spoken yet.
    #[default]
    Starting,
    /// There is no vault yet.
    FirstStart,
    /// The vault is closed.
    Locked,
    /// The vault is open.
    Unlocked,
    /// The secure process is gone.
    Gone,
}

/// Which screen is shown.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Screen {
    /// Nothing is known yet.
    Starting,
    /// Set up this device.
    FirstStart,
    /// Enter the passphrase.
    Unlock,
    /// Join a team.
    Join,
    /// Talk.
    Main,
    /// The secure process is gone.
    Gone,
}

/// What went wrong, as a sentence for the person.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Trouble(pub String);

/// The state of the first-start and unlock screens.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub struct Door {
    /// A passphrase is being worked on.
    pub busy: bool,
    /// What was wrong with the last one.
    pub trouble: Option<Trouble>,
    /// The secure process had to be started again.
    pub restarted: bool,
    /// When the next one is looked at.
    pub wait_until: Option<Millis>,
}

/// Whose vault it is.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Me {
    /// The person's name.
    pub name: String,
    /// This device's name.
    pub device: String,
}

/// The link to the relay.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub enum Link {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// A relay is reached.
    Online {
        /// The relay's clock minus ours, in ms.
        skew: i64,
    },
    /// There is no relay to reach before the first team is joined.
    NoRelay,
    /// No relay is reached.
    Offline {
        /// Since when.
        since: Millis,
        /// What is wrong; may be empty.
        why: String,
    },
}

/// How well the processes are confined.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub enum Confinement {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// As designed.
    Full,
    /// Less than designed.
    Reduced(String),
    /// Not at all.
    Absent(String),
}

/// A team in the rail.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct TeamEntry {
    /// Which team.
    pub id: TeamId,
    /// Its name.
    pub name: String,
}

/// A channel in the sidebar.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct ChannelEntry {
    /// Which channel.
    pub id: Channel,
    /// Its name.
    pub name: String,
}

/// Everything the window knows. Changed by [`State::wish`] and [`State::hear`] alone.
#[derive(Debug, Default)]
pub struct State {
    /// What time it is.
    pub now: Millis,
    /// The local time zone.
    pub zone: Zone,
    /// A name for this device to start from.
    pub device_hint: String,
    /// How many bytes a message may have.
    pub text_limit: usize,
    pub(crate) phase: Phase,
    pub(crate) me: Option<Me>,
    pub(crate) door: Door,
    pub(crate) link: Link,
    pub(crate) confinement: Confinement,
    pub(crate) join: Option<Join>,
    pub(crate) teams: Vec<TeamEntry>,
    pub(crate) channels: BTreeMap<TeamId, Vec<ChannelEntry>>,
    pub(crate) open: Option<Talk>,
    pub(crate) last_open: BTreeMap<TeamId, Channel>,
    pub(crate) thread: Option<Name>,
    pub(crate) last_thread: Option<Name>,
    pub(crate) trunk: Pages,
    pub(crate) branch: Pages,
    pub(crate) unread: BTreeMap<(TeamId, Channel), BTreeSet<Name>>,
    pub(crate) fresh: BTreeSet<Name>,
    pub(crate) watching: bool,
    pub(crate) queued: BTreeSet<Name>,
    pub(crate) read_to: BTreeMap<(TeamId, Channel, Device), Number>,
    pub(crate) notices: VecDeque<String>,
    pub(crate) health: BTreeMap<TeamId, Health>,
    pub(crate) shows_members: bool,
    pub(crate) members: Option<(TeamId, Vec<Member>)>,
    pub(crate) drafts: BTreeMap<Talk, Words>,
    pub(crate) send_trouble: BTreeMap<Talk, Trouble>,
    pub(crate) back: Vec<(TeamId, Channel)>,
    pub(crate) forward: Vec<(TeamId, Channel)>,
    pub(crate) asked: BTreeMap<Ticket, Ask>,
    pub(crate) next_ticket: u64,
    pub(crate) out: VecDeque<Out>,
}

impl State {
    /// A window that nothing is known to yet.
    #[must_use]
    pub fn new(text_limit: usize, zone: Zone) -> Self {
        Self { text_limit, zone, ..Self::default() }
    }

    /// Which screen is shown.
    #[must_use]
    pub fn screen(&self) -> Screen {
        match self.phase {
            Phase::Starting => Screen::Starting,
            Phase::FirstStart => Screen::FirstStart,
            Phase::Locked => Screen::Unlock,
            Phase::Unlocked if self.join.is_some() => Screen::Join,
            Phase::Unlocked => Screen::Main,
            Phase::Gone => Screen::Gone,
        }
    }

    /// The window's title.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.me {
            Some(me) if self.phase == Phase::Unlocked => format!("{} – Sotto", me.name),
            _ => "Sotto".to_owned(),
        }
    }

    /// Whose vault it is, once it is open.
    #[must_use]
    pub fn me(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    /// The state of the first-start and unlock screens.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// How long the next passphrase has to wait, in whole seconds; zero if it need not.
    #[must_use]
    pub fn wait_seconds(&self) -> u64 {
        let until = self.door.wait_until.unwrap_or_default();
        until.0.saturating_sub(self.now.0).div_ceil(1_000)
    }

    /// The link to the relay.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How well the processes are confined.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// How far joining has come.
    #[must_use]
    pub fn join(&self) -> Option<&Join> {
        self.join.as_ref()
    }

    /// All teams, in the order of the rail.
    #[must_use]
    pub fn teams(&self) -> &[TeamEntry] {
        &self.teams
    }

    /// The open team.
    #[must_use]
    pub fn team(&self) -> Option<&TeamEntry> {
        let open = self.open?;
        self.teams.iter().find(|team| team.id == open.team)
    }

    /// The channels of a team, in the order of the sidebar.
    #[must_use]
    pub fn channels(&self, team: TeamId) -> &[ChannelEntry] {
        self.channels.get(&team).map_or(&[], Vec::as_slice)
    }

    /// The open channel.
    #[must_use]
    pub fn open(&self) -> Option<Talk> {
        self.open
    }

    /// The name of the open channel.
    #[must_use]
    pub fn channel_name(&self) -> &str {
        let Some(open) = self.open else { return "" };
        let channel = self.channels(open.team).iter().find(|entry| entry.id == open.channel);
        channel.map_or("", |entry| entry.name.as_str())
    }

    /// The message whose thread is open beside the channel.
    #[must_use]
    pub fn thread(&self) -> Option<Name> {
        self.thread
    }

    /// The messages of the open channel.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.trunk
    }

    /// The messages of the open thread.
    #[must_use]
    pub fn thread_pages(&self) -> &Pages {
        &self.branch
    }

    /// The message that begins the open thread.
    #[must_use]
    pub fn thread_root(&self) -> Option<&crate::Row> {
        let root = self.thread?;
        self.trunk.row(root).or_else(|| self.branch.row(root))
    }

    /// Whether a page of this conversation is on its way.
    #[must_use]
    pub fn is_loading(&self, talk: Talk) -> bool {
        self.asked
            .values()
            .any(|ask| matches!(ask, Ask::Page { talk: asked, .. } if *asked == talk))
    }

    /// How many messages of a channel were not seen.
    #[must_use]
    pub fn unread(&self, team: TeamId, channel: Channel) -> usize {
        self.unread.get(&(team, channel)).map_or(0, BTreeSet::len)
    }

    /// How many messages of a team were not seen.
    #[must_use]
    pub fn team_unread(&self, team: TeamId) -> usize {
        self.unread.iter().filter(|((of, _), _)| *of == team).map(|(_, names)| names.len()).sum()
    }

    /// The message above which the "new" line stands.
    #[must_use]
    pub fn new_from(&self) -> Option<Name> {
        let first = self.trunk.rows().iter().find(|row| self.fresh.contains(&row.name));
        first.map(|row| row.name)
    }

    /// Whether the person sees what arrives in the open channel.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.watching
    }

    /// How many own messages wait for the network, as far as this window has seen.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queued.len()
    }

    /// The oldest notice that was not dismissed.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notices.front().map(String::as_str)
    }

    /// What stands in a composer.
    #[must_use]
    pub fn draft(&self, talk: Talk) -> &str {
        self.drafts.get(&talk).map_or("", Words::reveal)
    }

    /// Whether a channel or a thread in it has an unsent text.
    #[must_use]
    pub fn has_draft(&self, team: TeamId, channel: Channel) -> bool {
        let here = |talk: &Talk| talk.team == team && talk.channel == channel;
        self.drafts.iter().any(|(talk, words)| here(talk) && !words.is_blank())
    }

    /// How many bytes the text in a composer has left; negative is too long.
    #[must_use]
    pub fn bytes_left(&self, talk: Talk) -> i64 {
        let used = i64::try_from(self.draft(talk).trim().len()).unwrap_or(i64::MAX);
        i64::try_from(self.text_limit).unwrap_or(i64::MAX).saturating_sub(used)
    }

    /// Whether the composer has something that can be sent.
    #[must_use]
    pub fn can_send(&self, talk: Talk) -> bool {
        !self.draft(talk).trim().is_empty() && self.bytes_left(talk) >= 0
    }

    /// Why the last message was not taken.
    #[must_use]
    pub fn send_trouble(&self, talk: Talk) -> Option<&Trouble> {
        self.send_trouble.get(&talk)
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket = self.next_ticket.wrapping_add(1);
        self.asked.insert(ticket, ask.clone());
        self.out.push_back(Out::Ask(ticket, ask));
        ticket
    }
}
