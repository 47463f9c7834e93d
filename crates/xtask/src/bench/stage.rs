//! A relay, Alice and Bob, with and without windows as a measurement wants them.

use std::path::Path;
use std::time::Duration;

use harness::{Bins, Endpoint, Role, Shape, Trouble, World};

use super::report::{Line, Report};
use super::screen::Screen;
use super::spent;

/// Everybody who is measured.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The people and their relay.
    pub(crate) world: World,
}

/// Processor time of all processes since it began.
#[derive(Debug)]
pub(crate) struct Meter(Vec<(String, u32, f64)>);

impl Stage {
    /// Makes everybody, without windows.
    pub(crate) fn open(bins: &Bins, dir: &Path) -> Result<Self, Trouble> {
        let shapes = [Shape::Headless, Shape::Headless];
        let world = World::start(bins, &dir.join("world"), shapes)?;
        Ok(Self { world })
    }

    /// Ends both endpoints; the relay stays.
    pub(crate) fn close(&mut self) -> Result<(), Trouble> {
        self.world.alice.stop()?;
        self.world.bob.stop()
    }

    /// Starts and unlocks both without windows.
    pub(crate) fn reopen(&mut self) -> Result<(), Trouble> {
        self.shape("Alice", Shape::Headless);
        self.shape("Bob", Shape::Headless);
        for person in [&mut self.world.alice, &mut self.world.bob] {
            person.start()?;
            person.unlock()?;
        }
        Ok(())
    }

    /// Starts Alice with her window, and opens her conversation in it.
    pub(crate) fn show_alice(&mut self, screen: &mut Screen) -> Result<u32, Trouble> {
        self.shape("Alice", window(ALICE));
        shown(&mut self.world.alice, screen)
    }

    /// Starts Bob with his window beside hers, and opens his conversation in it.
    pub(crate) fn show_bob(&mut self, screen: &mut Screen) -> Result<u32, Trouble> {
        self.shape("Bob", window(BOB));
        shown(&mut self.world.bob, screen)
    }

    /// Ends everything.
    pub(crate) fn end(&mut self) -> Result<(), Trouble> {
        self.world.stop()
    }

    /// The processes that run now, with names for people.
    pub(crate) fn processes(&self) -> Vec<(String, u32)> {
        let mut all = Vec::new();
        for (name, person) in [("Alice", &self.world.alice), ("Bob", &self.world.bob)] {
            for role in [Role::Secure, Role::Net, Role::Window, Role::Launcher] {
                // Whoever does not run now is not measured.
                if let Ok(Some(pid)) = person.commands().pid(role) {
                    all.push((format!("{} of {name}", role.key()), pid));
                }
            }
        }
        all.extend(self.world.relay.pid().map(|pid| ("relay".to_owned(), pid)));
        all
    }

    fn shape(&mut self, name: &str, shape: Shape) {
        let logs = self.world.dir.join("logs");
        let bins = self.world.bins.clone();
        let person = if name == "Bob" { &mut self.world.bob } else { &mut self.world.alice };
        let (data, passphrase) = (person.data().to_owned(), person.passphrase().to_owned());
        *person = Endpoint::new(&bins, name, &data, &logs, &passphrase).shaped(shape);
    }
}

impl Meter {
    /// Begins to count.
    pub(crate) fn begin(stage: &Stage) -> Result<Self, Trouble> {
        let mut all = Vec::new();
        for (name, pid) in stage.processes() {
            all.push((name, pid, spent::processor(pid)?));
        }
        Ok(Self(all))
    }

    /// Reports what each process has used, in milliseconds for each of `count` things.
    pub(crate) fn end(&self, what: &str, count: usize, report: &mut Report) -> Result<(), Trouble> {
        for (name, pid, before) in &self.0 {
            let used = spent::processor(*pid)? - before;
            let each = used * 1_000.0 / count as f64;
            report.add(Line::one(&format!("{what}: CPU of {name}"), "ms each", each));
        }
        Ok(())
    }
}

fn shown(person: &mut Endpoint, screen: &mut Screen) -> Result<u32, Trouble> {
    person.start()?;
    let window = screen.new_window(LIMIT)?;
    person.unlock()?;
    screen.painted(window, LIMIT)?;
    screen.quiet(Duration::from_millis(700), LIMIT)?;
    Ok(window)
}

fn window(geometry: &str) -> Shape {
    Shape::Window { geometry: geometry.to_owned(), display: None }
}

/// Where the windows are: side by side.
pub(crate) const ALICE: &str = "790x860+0+0";
const BOB: &str = "790x860+800+0";
const LIMIT: Duration = Duration::from_secs(30);
