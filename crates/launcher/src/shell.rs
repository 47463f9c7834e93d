//! The loop: one thread that waits for children, visitors, signals and the clock.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ipc_io::{Interest, Listener, Visitor, now, pair, poll};
use ipc_schema::control::{Class, Report, ToChild};

use crate::child::Child;
use crate::house::{House, folder_of};
use crate::part::Part;
use crate::plan::{Input, Notice, Output, Plan};

/// What the three are started with.
#[derive(Debug, Clone)]
pub(crate) struct Wishes {
    pub(crate) relay: Option<String>,
    pub(crate) geometry: Option<String>,
    pub(crate) headless: bool,
    pub(crate) allow_unconfined: bool,
}

/// What this process holds.
pub(crate) struct Shell<'a> {
    house: &'a House,
    wishes: &'a Wishes,
    listener: Listener,
    signals: UnixStream,
    children: BTreeMap<Part, Child>,
    visitors: BTreeMap<u64, Visitor>,
    /// Those that wait for `secure-proc` after their knock; nothing is read from them.
    guests: BTreeMap<u64, Visitor>,
    count: u64,
    say: fn(&Notice, &Report),
}

impl<'a> Shell<'a> {
    /// `signals` becomes readable when somebody wants this process to stop; `say` is told what
    /// people should know.
    pub(crate) fn new(
        house: &'a House,
        wishes: &'a Wishes,
        listener: Listener,
        signals: UnixStream,
        say: fn(&Notice, &Report),
    ) -> Self {
        Self {
            house,
            wishes,
            listener,
            signals,
            children: BTreeMap::new(),
            visitors: BTreeMap::new(),
            guests: BTreeMap::new(),
            count: 0,
            say,
        }
    }

    /// Runs until the plan ends it; gives the exit status.
    ///
    /// # Errors
    /// When waiting itself fails: the children die with this process.
    pub(crate) fn run(&mut self) -> io::Result<u8> {
        let own = std::process::id();
        let schema = ipc_schema::control::schema();
        let mut plan = Plan::new(now(), schema, self.wishes.headless, own);
        loop {
            while let Some(output) = plan.poll() {
                if let Output::Exit(status) = output {
                    return Ok(status);
                }
                if let Some(input) = self.act(output, &plan) {
                    plan.handle(now(), input);
                }
            }
            self.wait(plan.wake_at())?;
            for input in self.news() {
                plan.handle(now(), input);
            }
        }
    }

    fn wait(&self, wake_at: Option<u64>) -> io::Result<()> {
        let leaving = self.visitors.values().map(Visitor::leaves_at);
        let children = self.children.values().filter_map(Child::wake_at);
        let wake_at = wake_at.into_iter().chain(leaving).chain(children).min();
        let timeout = wake_at.map(|at| Duration::from_millis(at.saturating_sub(now())));
        let mut interests = vec![Interest::read(&self.signals)];
        if self.visitors.len() < MOST_VISITORS {
            interests.push(Interest::read(&self.listener));
        }
        interests.extend(self.children.values().flat_map(Child::interests));
        interests.extend(self.visitors.values().map(Interest::read));
        poll(&mut interests, timeout)?;
        Ok(())
    }

    /// Everything that has happened, signals first: a terminal sends them to the children too,
    /// whose deaths are then no surprise.
    fn news(&mut self) -> Vec<Input> {
        let now = now();
        let mut news = Vec::new();
        if matches!(self.signals.read(&mut [0; 64]), Ok(count) if count > 0) {
            news.push(Input::Stop);
        }
        for child in self.children.values_mut() {
            news.extend(child.news(now));
        }
        for input in &news {
            if let Input::Died(part, _) = input {
                self.children.remove(part);
            }
        }
        self.admit(now);
        for visitor in std::mem::take(&mut self.visitors) {
            self.listen_to(now, visitor, &mut news);
        }
        news.push(Input::Tick);
        news
    }

    fn admit(&mut self, now: u64) {
        while self.visitors.len() < MOST_VISITORS {
            let Ok(Some(visitor)) = self.listener.accept(now) else {
                return;
            };
            let is_child = self
                .children
                .values()
                .any(|child| i64::from(child.pid()) == i64::from(visitor.pid()));
            if !is_child {
                self.count = self.count.saturating_add(1);
                self.visitors.insert(self.count, visitor);
            }
        }
    }

    fn listen_to(
        &mut self,
        now: u64,
        (number, mut visitor): (u64, Visitor),
        news: &mut Vec<Input>,
    ) {
        match visitor.knock(now) {
            Ok(None) => {
                self.visitors.insert(number, visitor);
            }
            Ok(Some(knock)) => {
                self.guests.insert(number, visitor);
                news.push(Input::Knocked(number, knock));
            }
            // Dropping it hangs up.
            Err(_) => {}
        }
    }

    fn act(&mut self, output: Output, plan: &Plan) -> Option<Input> {
        match output {
            Output::Start(part) => return Some(self.start(part)),
            Output::Join { part, part_generation, secure_generation } => {
                return self.join(part, part_generation, secure_generation);
            }
            Output::HandOver { visitor, class, generation } => {
                let guest = self.guests.remove(&visitor)?;
                let end = guest.into_fd().ok()?;
                return self.tell(Part::Secure, &ToChild::Attach { class, generation }, Some(end));
            }
            Output::Answer(visitor, report) => {
                let guest = self.guests.remove(&visitor)?;
                // A visitor that is gone misses its answer.
                let _ = guest.answer(&report);
            }
            Output::Refuse(visitor) => {
                self.guests.remove(&visitor);
            }
            Output::Tell(part, message) => return self.tell(part, &message, None),
            Output::Kill(part) => self.children.get_mut(&part)?.kill(),
            Output::Say(notice) => (self.say)(&notice, &plan.report()),
            // The loop has seen it.
            Output::Exit(_) => {}
        }
        None
    }

    fn start(&mut self, part: Part) -> Input {
        let binary = self.house.binaries.join(part.binary());
        match Child::start(part, &binary, &self.arguments(part)) {
            Ok(child) => {
                let pid = child.pid();
                self.children.insert(part, child);
                Input::Started(part, pid)
            }
            Err(error) => {
                complain(format_args!("{} cannot be started: {error}", binary.display()));
                Input::NotStarted(part)
            }
        }
    }

    fn join(&mut self, part: Part, part_generation: u32, secure_generation: u32) -> Option<Input> {
        let Ok((one, other)) = pair() else {
            // Out of descriptors; whoever waits for its end is started again with less around.
            return Some(Input::Astray(part));
        };
        let class = part.class();
        let to_secure = ToChild::Attach { class, generation: part_generation };
        let to_part = ToChild::Attach { class: Class::Secure, generation: secure_generation };
        let failed = self.tell(Part::Secure, &to_secure, Some(one));
        failed.or_else(|| self.tell(part, &to_part, Some(other)))
    }

    fn tell(
        &mut self,
        part: Part,
        message: &ToChild,
        end: Option<std::os::fd::OwnedFd>,
    ) -> Option<Input> {
        let child = self.children.get_mut(&part)?;
        child.tell(message, end).err().map(|_| Input::Astray(part))
    }

    fn arguments(&self, part: Part) -> Vec<OsString> {
        let folder = folder_of(&self.house.data, part).into_os_string();
        let mut arguments = match part {
            Part::Secure => vec!["--vault".into(), folder],
            Part::Net => vec!["--cache".into(), folder],
            Part::Window => vec!["--settings".into(), folder],
        };
        let mut add = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                arguments.extend([name.into(), value.into()]);
            }
        };
        match part {
            Part::Secure => {
                if self.wishes.allow_unconfined {
                    arguments.push("--allow-unconfined".into());
                }
            }
            Part::Net => add("--relay", &self.wishes.relay),
            Part::Window => add("--geometry", &self.wishes.geometry),
        }
        arguments
    }
}

/// Writes a line for people. Nobody may be reading any more, which must not end this process.
pub(crate) fn complain(line: std::fmt::Arguments<'_>) {
    // In one piece, since the children write there too.
    let _ = io::stderr().write_all(format!("sotto: {line}\n").as_bytes());
}

/// A byte can be read from what this gives when somebody asks this process to stop.
pub(crate) fn signals() -> io::Result<UnixStream> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(read)
}

/// Visitors that have not said what they want yet.
const MOST_VISITORS: usize = 16;
