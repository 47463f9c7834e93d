//! What to start, stop, join and say: decided without touching anything.

use std::collections::VecDeque;

use ipc_schema::SchemaHash;
use ipc_schema::control::{Class, Confinement, Knock, Life, Report, ToChild};

use crate::part::{Death, PARTS, Part};
use crate::stage::{Fate, Stage};

/// What has happened.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Input {
    /// A child was started, as this process.
    Started(Part, u32),
    /// A child could not be started.
    NotStarted(Part),
    /// A child has locked itself down.
    Ready(Part, SchemaHash, Confinement),
    /// A child said that it was closed by its user, or asked to stop.
    Closed(Part),
    /// A child broke the rules of its control channel.
    Astray(Part),
    /// A child is dead.
    Died(Part, Death),
    /// A visitor, counted by the shell, said something.
    Knocked(u64, Knock),
    /// Somebody asked this process to stop.
    Stop,
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Output {
    /// Start a child.
    Start(Part),
    /// Make a connected pair and send one end to `secure-proc`, one to the part.
    Join {
        /// The part.
        part: Part,
        /// How often the part was started.
        part_generation: u32,
        /// How often `secure-proc` was started.
        secure_generation: u32,
    },
    /// Hand a visitor's connection to `secure-proc`.
    HandOver {
        /// The visitor.
        visitor: u64,
        /// What it came as.
        class: Class,
        /// Counts such visitors.
        generation: u32,
    },
    /// Answer a visitor.
    Answer(u64, Report),
    /// Hang up on a visitor.
    Refuse(u64),
    /// Tell a child something.
    Tell(Part, ToChild),
    /// Kill a child.
    Kill(Part),
    /// Say something to whoever reads the terminal.
    Say(Notice),
    /// End, with this status.
    Exit(u8),
}

/// What is said on the terminal.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(crate) enum Notice {
    /// A child called what it must not: somebody may have taken it over.
    Forbidden(Part),
    /// A child died and is started again after so many ms.
    Restarts(Part, Death, u64),
    /// A child died for good.
    GaveUp(Part, Death),
    /// A child is not confined as it should be.
    Unconfined(Part, Confinement),
    /// A child is from another build.
    OtherVersion(Part),
    /// A child could not be started.
    NotStarted(Part),
    /// A child broke the rules of its control channel.
    Astray(Part),
    /// Everything is up.
    Up,
}

/// Decides for the three children.
#[derive(Debug)]
pub(crate) struct Plan {
    schema: SchemaHash,
    headless: bool,
    launcher: u32,
    secure: Stage,
    net: Stage,
    window: Stage,
    entered: u32,
    forbidden_calls: u32,
    waiting: VecDeque<(u64, Class)>,
    stopping: Option<Stopping>,
    is_up: bool,
    told: Option<ToChild>,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy)]
struct Stopping {
    kill_at: Option<u64>,
    status: u8,
}

impl Plan {
    /// Starts `secure-proc`, `net-proc`, and unless `headless` the window. `schema` is the one
    /// that all of them must have; `launcher` is our own process.
    #[must_use]
    pub(crate) fn new(now: u64, schema: SchemaHash, headless: bool, launcher: u32) -> Self {
        let mut plan = Self {
            schema,
            headless,
            launcher,
            secure: Stage::default(),
            net: Stage::default(),
            window: Stage::default(),
            entered: 0,
            forbidden_calls: 0,
            waiting: VecDeque::new(),
            stopping: None,
            is_up: false,
            told: None,
            outputs: VecDeque::new(),
        };
        plan.start(now, Part::Secure);
        plan.start(now, Part::Net);
        if !headless {
            plan.start(now, Part::Window);
        }
        plan
    }

    /// Takes one input at time `now` (ms); call [`Plan::poll`] until `None` afterwards.
    pub(crate) fn handle(&mut self, now: u64, input: Input) {
        match input {
            Input::Started(part, pid) => self.stage(part).started(pid),
            Input::NotStarted(part) => {
                self.stage(part).gone();
                self.say(Notice::NotStarted(part));
                self.stop(now, 1);
            }
            Input::Ready(part, schema, confinement) => self.ready(now, part, schema, confinement),
            Input::Closed(part) => self.closed(now, part),
            Input::Astray(part) => {
                self.say(Notice::Astray(part));
                self.outputs.push_back(Output::Kill(part));
            }
            Input::Died(part, death) => self.died(now, part, death),
            Input::Knocked(visitor, knock) => self.knocked(now, visitor, &knock),
            Input::Stop => self.stop(now, 0),
            Input::Tick => {}
        }
        self.tick(now);
        self.tell_peers();
    }

    /// The next thing to do, if any.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to be called again if nothing happens before.
    #[must_use]
    pub(crate) fn wake_at(&self) -> Option<u64> {
        let stages = [&self.secure, &self.net, &self.window];
        let due = stages.into_iter().filter_map(Stage::due_at);
        due.chain(self.stopping.and_then(|stopping| stopping.kill_at)).min()
    }

    /// How the processes are.
    #[must_use]
    pub(crate) fn report(&self) -> Report {
        Report {
            launcher: self.launcher,
            secure: self.secure.life(),
            net: self.net.life(),
            window: self.window.life(),
            forbidden_calls: self.forbidden_calls,
        }
    }

    fn ready(&mut self, now: u64, part: Part, schema: SchemaHash, confinement: Confinement) {
        if self.stopping.is_some() {
            return;
        }
        if schema != self.schema {
            self.say(Notice::OtherVersion(part));
            return self.stop(now, 1);
        }
        if confinement != Confinement::Full {
            self.say(Notice::Unconfined(part, confinement.clone()));
        }
        self.stage(part).ready(confinement);
        let parts = if part == Part::Secure { &[Part::Net, Part::Window][..] } else { &[part] };
        for part in parts {
            self.join(*part);
        }
        if self.secure.is_ready() {
            for (visitor, class) in std::mem::take(&mut self.waiting) {
                self.hand_over(visitor, class);
            }
        }
        let all = [&self.secure, &self.net].into_iter().all(Stage::is_ready)
            && (self.headless || self.window.is_ready());
        if all && !std::mem::replace(&mut self.is_up, true) {
            self.say(Notice::Up);
        }
    }

    fn join(&mut self, part: Part) {
        let secure_generation = self.secure.starts();
        let stage = self.stage(part);
        let part_generation = stage.starts();
        if stage.is_ready() && self.secure.is_ready() {
            let join = Output::Join { part, part_generation, secure_generation };
            self.outputs.push_back(join);
        }
    }

    fn closed(&mut self, now: u64, part: Part) {
        self.stage(part).closed();
        match part {
            Part::Window if self.headless => {}
            Part::Window | Part::Secure => self.stop(now, 0),
            Part::Net => {}
        }
    }

    fn died(&mut self, now: u64, part: Part, death: Death) {
        if death == Death::Signal(FORBIDDEN) {
            self.forbidden_calls = self.forbidden_calls.saturating_add(1);
            self.say(Notice::Forbidden(part));
        }
        let is_stopping = self.stopping.is_some();
        match self.stage(part).died(now, death, is_stopping) {
            Fate::Over if part == Part::Window && !self.headless => self.stop(now, 0),
            Fate::Over => {}
            Fate::Again { after } => self.say(Notice::Restarts(part, death, after)),
            Fate::GivenUp => {
                self.say(Notice::GaveUp(part, death));
                if part != Part::Window {
                    self.stop(now, 1);
                }
            }
        }
    }

    fn knocked(&mut self, now: u64, visitor: u64, knock: &Knock) {
        match knock {
            Knock::Enter { class: class @ (Class::CommandLine | Class::MemberTool) } => {
                if self.stopping.is_some() || self.waiting.len() >= MOST_WAITING {
                    self.outputs.push_back(Output::Refuse(visitor));
                } else if self.secure.is_ready() {
                    self.hand_over(visitor, *class);
                } else {
                    self.waiting.push_back((visitor, *class));
                }
            }
            Knock::Enter { class: Class::Secure | Class::Net | Class::Window } => {
                self.outputs.push_back(Output::Refuse(visitor));
            }
            Knock::Status => self.answer(visitor),
            Knock::Show => {
                if self.stopping.is_none() && !self.window.is_alive() {
                    self.start(now, Part::Window);
                }
                self.answer(visitor);
            }
            Knock::Stop => {
                self.answer(visitor);
                self.stop(now, 0);
            }
        }
    }

    fn hand_over(&mut self, visitor: u64, class: Class) {
        self.entered = self.entered.saturating_add(1);
        let generation = self.entered;
        self.outputs.push_back(Output::HandOver { visitor, class, generation });
    }

    fn answer(&mut self, visitor: u64) {
        let report = self.report();
        self.outputs.push_back(Output::Answer(visitor, report));
    }

    fn start(&mut self, now: u64, part: Part) {
        self.stage(part).start(now);
        self.outputs.push_back(Output::Start(part));
    }

    fn stop(&mut self, now: u64, status: u8) {
        if self.stopping.is_some() {
            return;
        }
        let kill_at = Some(now.saturating_add(PATIENCE_MS));
        self.stopping = Some(Stopping { kill_at, status });
        for part in PARTS {
            let stage = self.stage(part);
            stage.cancel();
            if stage.is_alive() {
                self.outputs.push_back(Output::Tell(part, ToChild::Stop));
            }
        }
        for (visitor, _) in std::mem::take(&mut self.waiting) {
            self.outputs.push_back(Output::Refuse(visitor));
        }
    }

    fn tick(&mut self, now: u64) {
        let Some(mut stopping) = self.stopping else {
            for part in PARTS {
                if self.stage(part).due_at().is_some_and(|due| now >= due) {
                    self.start(now, part);
                }
            }
            return;
        };
        let alive: Vec<Part> =
            PARTS.into_iter().filter(|part| self.stage(*part).is_alive()).collect();
        if alive.is_empty() {
            self.outputs.push_back(Output::Exit(stopping.status));
        } else if stopping.kill_at.is_some_and(|at| now >= at) {
            stopping.kill_at = None;
            self.stopping = Some(stopping);
            self.outputs.extend(alive.into_iter().map(Output::Kill));
        }
    }

    /// Tells `secure-proc` how the others are, when that has changed.
    fn tell_peers(&mut self) {
        if !self.secure.is_ready() || self.stopping.is_some() {
            self.told = None;
            return;
        }
        let confinement = |stage: &Stage| stage.life().and_then(|life: Life| life.confinement);
        let peers = ToChild::Peers {
            net: confinement(&self.net),
            window: confinement(&self.window),
            net_starts: self.net.starts(),
            forbidden_calls: self.forbidden_calls,
        };
        if self.told.as_ref() != Some(&peers) {
            self.told = Some(peers.clone());
            self.outputs.push_back(Output::Tell(Part::Secure, peers));
        }
    }

    fn say(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Say(notice));
    }

    fn stage(&mut self, part: Part) -> &mut Stage {
        match part {
            Part::Secure => &mut self.secure,
            Part::Net => &mut self.net,
            Part::Window => &mut self.window,
        }
    }
}

/// SIGSYS: what the filter of system calls kills with.
const FORBIDDEN: i32 = rustix::process::Signal::SYS.as_raw();
/// How long the children have to finish, in ms.
const PATIENCE_MS: u64 = 3_000;
/// Visitors that wait for `secure-proc` to be ready.
const MOST_WAITING: usize = 16;

#[cfg(test)]
mod tests;
