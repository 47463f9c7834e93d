//! What follows from what the person asked for.

use names::{Channel, Name, TeamId};

use crate::{
    Ask, ChannelEntry, Edge, Intent, Join, Out, PAGE, Pages, Phase, State, Talk, WINDOW, Words,
};

impl State {
    /// Takes what the person asked for; call [`State::poll`] until it returns `None` afterwards.
    pub fn wish(&mut self, intent: Intent) {
        let at_the_door =
            matches!(intent, Intent::Create { .. } | Intent::Unlock(_) | Intent::Quit);
        if self.phase != Phase::Unlocked && !at_the_door {
            // A click that was on its way when the vault closed.
            return;
        }
        match intent {
            Intent::Create { name, device, passphrase } => {
                let (name, device) = (name.trim().to_owned(), device.trim().to_owned());
                self.knock(Ask::Create { name, device, passphrase });
            }
            Intent::Unlock(passphrase) => self.knock(Ask::Unlock(passphrase)),
            Intent::Quit => self.out.push_back(Out::Quit),
            Intent::Lock => drop(self.ask(Ask::Lock)),
            Intent::OpenTeam(team) => self.open_team(team),
            Intent::OpenChannel(team, channel) => self.visit(team, channel),
            Intent::StepChannel(by) => self.step_channel(by, false),
            Intent::StepUnread(by) => self.step_channel(by, true),
            Intent::StepHistory(by) => self.step_history(by),
            Intent::OpenThread(name) => self.open_thread(name),
            Intent::CloseThread => self.close_thread(),
            Intent::ToggleThread => match (self.thread, self.last_thread) {
                (Some(_), _) => self.close_thread(),
                (None, Some(root)) => self.open_thread(root),
                (None, None) => {}
            },
            Intent::Draft(talk, words) => self.draft_changed(talk, words),
            Intent::Send(talk) => self.send(talk),
            Intent::ShowOlder(talk) => self.show_older(talk),
            Intent::ShowNewer(talk) => self.show_newer(talk),
            Intent::ShowLatest(talk) => self.show_latest(talk),
            Intent::Watch(watching) => self.watch(watching),
            Intent::BeginJoin => self.join = Some(Join::Entering { trouble: None }),
            Intent::EnterLink(link) => {
                let link: String = link.split_whitespace().collect();
                self.join = Some(Join::Checking { link: link.clone() });
                self.ask(Ask::ReadLink(link));
            }
            Intent::ConfirmJoin => {
                if let Some(Join::Confirming { link, offer, .. }) = self.join.take() {
                    self.ask(Ask::Join { link: link.clone(), root: offer.root });
                    self.join = Some(Join::Publishing { link, offer });
                }
            }
            Intent::LeaveJoin => self.leave_join(),
            Intent::DismissNotice => drop(self.notices.pop_front()),
            Intent::ToggleMembers => self.toggle_members(),
        }
    }

    fn knock(&mut self, ask: Ask) {
        if self.door.busy {
            return;
        }
        self.door.busy = true;
        self.door.trouble = None;
        self.ask(ask);
    }

    pub(crate) fn open_team(&mut self, team: TeamId) {
        let channels = self.channels(team);
        let last = self.last_open.get(&team);
        let known = last.filter(|last| channels.iter().any(|entry| entry.id == **last));
        let first = channels.first().map(|entry| entry.id);
        if let Some(channel) = known.copied().or(first) {
            self.visit(team, channel);
        }
    }

    /// Opens a channel and remembers the way back.
    fn visit(&mut self, team: TeamId, channel: Channel) {
        self.join = None;
        let here = self.open.map(|open| (open.team, open.channel));
        if here == Some((team, channel)) {
            return;
        }
        self.back.extend(here);
        self.forward.clear();
        self.open_channel(team, channel);
    }

    fn open_channel(&mut self, team: TeamId, channel: Channel) {
        let talk = Talk::channel(team, channel);
        let elsewhere = self.open.is_none_or(|open| open.team != team);
        self.open = Some(talk);
        if elsewhere {
            self.ask_members();
        }
        self.last_open.insert(team, channel);
        self.close_thread();
        self.last_thread = None;
        self.trunk = Pages::default();
        self.fresh = self.unread.remove(&(team, channel)).unwrap_or_default();
        self.watching = false;
        self.ask_latest(talk);
    }

    fn step_channel(&mut self, by: i32, unread_only: bool) {
        let Some(open) = self.open else { return };
        let channels = self.channels(open.team);
        let Some(here) = channels.iter().position(|entry| entry.id == open.channel) else {
            return;
        };
        let wanted = |entry: &&ChannelEntry| !unread_only || self.unread(open.team, entry.id) > 0;
        let next = if by > 0 {
            channels.iter().skip(here.saturating_add(1)).find(wanted)
        } else {
            channels.iter().take(here).rev().find(wanted)
        };
        if let Some(channel) = next.map(|entry| entry.id) {
            self.visit(open.team, channel);
        }
    }

    fn step_history(&mut self, by: i32) {
        let Some(open) = self.open else { return };
        let (from, to) = if by < 0 {
            (&mut self.back, &mut self.forward)
        } else {
            (&mut self.forward, &mut self.back)
        };
        let Some((team, channel)) = from.pop() else {
            return;
        };
        to.push((open.team, open.channel));
        self.open_channel(team, channel);
    }

    fn open_thread(&mut self, name: Name) {
        let Some(open) = self.open else { return };
        // Threads do not nest: the thread of a reply is the thread it stands in.
        let root = self.trunk.row(name).and_then(|row| row.thread).unwrap_or(name);
        if self.thread == Some(root) {
            return;
        }
        self.shows_members = false;
        self.members = None;
        self.thread = Some(root);
        self.last_thread = Some(root);
        self.branch = Pages::default();
        self.ask_latest(open.thread(root));
    }

    pub(crate) fn close_thread(&mut self) {
        self.thread = None;
        self.branch = Pages::default();
    }

    fn draft_changed(&mut self, talk: Talk, words: Words) {
        self.send_trouble.remove(&talk);
        if words.reveal().is_empty() {
            self.drafts.remove(&talk);
        } else {
            self.drafts.insert(talk, words);
        }
    }

    fn send(&mut self, talk: Talk) {
        if !self.can_send(talk) {
            return;
        }
        let Some(draft) = self.drafts.remove(&talk) else {
            return;
        };
        self.send_trouble.remove(&talk);
        if self.open == Some(talk.trunk()) {
            self.fresh.clear();
        }
        self.ask(Ask::Send { talk, text: Words::new(draft.reveal().trim()) });
        self.show_latest(talk);
    }

    fn show_older(&mut self, talk: Talk) {
        let loading = self.is_loading(talk);
        let first = self.pages_of(talk).filter(|pages| pages.has_older() && !loading);
        let Some(first) = first.and_then(|pages| pages.rows().first()) else {
            return;
        };
        let before = Some(first.name);
        self.ask(Ask::Page { talk, before, limit: PAGE, edge: Edge::Older });
    }

    fn show_newer(&mut self, talk: Talk) {
        if self.is_loading(talk) {
            return;
        }
        let Some((before, count)) = self.pages_of(talk).and_then(|pages| pages.next_cut()) else {
            return;
        };
        // A little more than was dropped, so that the page reaches back to the window.
        let limit = count.saturating_add(PAGE / 2).min(WINDOW);
        self.ask(Ask::Page { talk, before, limit, edge: Edge::Newer });
    }

    fn show_latest(&mut self, talk: Talk) {
        if self.pages_of(talk).is_some_and(|pages| pages.has_newer()) {
            self.ask_latest(talk);
        }
    }

    pub(crate) fn ask_latest(&mut self, talk: Talk) {
        self.ask(Ask::Page { talk, before: None, limit: PAGE, edge: Edge::Latest });
    }

    fn watch(&mut self, watching: bool) {
        self.watching = watching;
        if let (true, Some(open)) = (watching, self.open) {
            self.unread.remove(&(open.team, open.channel));
            self.trunk.follow();
        }
    }

    /// Back to the teams, if there are any.
    pub(crate) fn leave_join(&mut self) {
        self.join = self.teams.is_empty().then_some(Join::Entering { trouble: None });
    }

    pub(crate) fn pages_of(&mut self, talk: Talk) -> Option<&mut Pages> {
        let open = self.open?;
        if talk == open {
            return Some(&mut self.trunk);
        }
        let root = self.thread?;
        (talk == open.thread(root)).then_some(&mut self.branch)
    }
}
