//! `cargo xtask bench`: how fast and how small, measured on real processes with real windows.
//!
//! Nothing here judges: a wall clock is no test. Goals stand beside the numbers.

mod disk;
mod load;
mod numbers;
mod report;
mod screen;
mod spent;
mod stage;
mod talk;
mod window;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use harness::{Bins, Display, During, Folder, Trouble, until};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::signals;
use crate::system::{Purpose, ready};
use report::Report;
use screen::Screen;
use stage::Stage;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Fewer samples
    #[arg(long)]
    quick: bool,
    /// One JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Measure the binaries in this folder instead of building them
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// Measure the cost of our layers beside OpenMLS alone instead, in one process without a display
    #[arg(long)]
    mls: bool,
    /// Only the parts whose name contains this: talk, start, memory, window, load
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// This process measures, on the display that it was given, and keeps everything here.
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

/// How many samples are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    /// Messages whose way is measured, with windows and without.
    messages: usize,
    /// Starts of an endpoint.
    starts: usize,
    /// Messages in the conversation whose memory is measured.
    history: usize,
    /// How long an idle endpoint is watched.
    idle: Duration,
    /// Lines of the load.
    lines: usize,
}

/// Builds, opens an invisible display, measures there, and reports.
pub(crate) fn run(wanted: &Wanted) -> Result<(), Trouble> {
    match &wanted.inside {
        None if wanted.mls => beside_openmls(wanted.quick),
        None => beside_a_display(wanted),
        Some(dir) => measure(wanted, dir),
    }
}

fn measure(wanted: &Wanted, dir: &Path) -> Result<(), Trouble> {
    let bins = Bins::in_folder(wanted.bin.as_deref().during("no --bin")?)?;
    let amounts = if wanted.quick { QUICK } else { FULL };
    let wants = |part: &str| wanted.only.as_deref().is_none_or(|only| part.contains(only));
    let mut report = Report::begin();
    report.add(disk::sync(dir, amounts.messages)?);
    let mut stage = Stage::open(&bins, dir)?;
    if wants("talk") {
        note("messages without windows");
        talk::measure(&stage, amounts.messages, &mut report)?;
    }
    if wants("memory") || wants("window") {
        note("filling the conversation");
        load::fill(&stage, amounts.history)?;
    }
    let mut screen = Screen::connect()?;
    stage.close()?;
    if wants("start") {
        note("starts");
        window::starts(&stage, &mut screen, amounts.starts, &mut report)?;
    }
    if wants("memory") || wants("window") {
        note("memory, and doing nothing");
        let alice = stage.show_alice(&mut screen)?;
        load::memory(&stage, &mut report)?;
        load::idle(&stage, &mut screen, alice, amounts.idle, &mut report)?;
        if wants("window") {
            note("messages from window to window");
            let bob = stage.show_bob(&mut screen)?;
            window::talk(&stage, &mut screen, [alice, bob], amounts.messages, &mut report)?;
        }
        stage.close()?;
    }
    if wants("load") {
        note("many messages");
        stage.reopen()?;
        load::throughput(&stage, amounts.lines, &mut report)?;
    }
    stage.end()?;
    report.print(wanted.json);
    Ok(())
}

fn beside_openmls(quick: bool) -> Result<(), Trouble> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["bench", "-p", "mls-core", "--"]).args(quick.then_some("--quick"));
    let status = command.status().during("running cargo bench")?;
    if status.success() { Ok(()) } else { Err(Trouble::new("the measurements failed")) }
}

/// The measuring runs in a process of its own, which gets the display by its environment: this
/// one cannot change its own.
fn beside_a_display(wanted: &Wanted) -> Result<(), Trouble> {
    ready(&[Purpose::Build, Purpose::Window, Purpose::Tests])?;
    let bins = match &wanted.bin {
        Some(dir) => Bins::in_folder(dir)?,
        None => Bins::build(true)?,
    };
    let stop = signals::told_to_stop()?;
    let folder = Folder::new("bench")?;
    let display = Display::start(&folder.path().join("logs"))?;
    let exe = std::env::current_exe().during("finding this program")?;
    let mut command = Command::new(exe);
    command.args(["bench", "--inside"]).arg(folder.path());
    command.arg("--bin").arg(bins.dir());
    command.args(wanted.quick.then_some("--quick"));
    command.args(wanted.json.then_some("--json"));
    command.args(wanted.only.iter().flat_map(|part| ["--only", part]));
    command.env("DISPLAY", display.name());
    command.env("LIBGL_ALWAYS_SOFTWARE", "1");
    command.env_remove("WAYLAND_DISPLAY").process_group(0);
    let mut inside = command.spawn().during("starting the measurements")?;
    finish(&mut inside, &stop)
}

fn finish(inside: &mut Child, stop: &Receiver<()>) -> Result<(), Trouble> {
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(Duration::from_millis(100)) {
        match inside.try_wait().during("waiting for the measurements")? {
            None => {}
            Some(status) if status.success() => return Ok(()),
            Some(_) => return Err(Trouble::new("the measurements failed")),
        }
    }
    let group = i32::try_from(inside.id()).ok().and_then(Pid::from_raw);
    let group = group.during("no process id")?;
    kill_process_group(group, Signal::TERM).during("ending the measurements")?;
    inside.wait().during("waiting for the measurements")?;
    // Endpoints and relay belong to the same group, and end a little later.
    until("the end of the measured processes", Duration::from_secs(8), || {
        Ok(test_kill_process_group(group).is_err().then_some(()))
    })?;
    Err(Trouble::new("stopped"))
}

fn note(part: &str) {
    eprintln!("measuring: {part}");
}

const FULL: Amounts = Amounts {
    messages: 250,
    starts: 15,
    history: 2_000,
    idle: Duration::from_secs(20),
    lines: 5_000,
};

const QUICK: Amounts =
    Amounts { messages: 30, starts: 3, history: 2_000, idle: Duration::from_secs(5), lines: 500 };
