//! What an endpoint needs when it does nothing, and what it can take.

use std::time::{Duration, Instant};

use harness::{Role, Trouble};

use super::report::{Line, Report};
use super::screen::Screen;
use super::spent::{self, Memory};
use super::stage::{Meter, Stage};
use super::talk::Arrivals;

/// Writes until the conversation has `count` messages.
pub(crate) fn fill(stage: &Stage, count: usize) -> Result<(), Trouble> {
    let there = stage.world.bob.commands().read_all(&stage.world.general())?.len();
    let missing = count.saturating_sub(there);
    if missing > 0 {
        send(stage, missing)?;
    }
    Ok(())
}

/// Reports the memory of Alice's processes.
pub(crate) fn memory(stage: &Stage, report: &mut Report) -> Result<(), Trouble> {
    let mut sum = Memory::default();
    for (name, pid) in stage.processes() {
        let memory = Memory::of(pid)?;
        report.add(Line::one(&format!("memory: PSS of {name}"), "MiB", memory.pss));
        if name.contains("of Alice") && !name.contains(Role::Launcher.key()) {
            sum = sum.plus(memory);
        }
    }
    let what = "memory: PSS of the three processes together";
    report.add(Line::one(what, "MiB", sum.pss).goal(150.0));
    report.add(Line::one("memory: of it libraries of software GL", "MiB", sum.gl));
    report.add(Line::one("memory: of it without a file behind", "MiB", sum.anonymous));
    Ok(())
}

/// Watches Alice doing nothing, with the caret in the composer of a window that has the focus.
pub(crate) fn idle(
    stage: &Stage,
    screen: &mut Screen,
    window: u32,
    time: Duration,
    report: &mut Report,
) -> Result<(), Trouble> {
    screen.focus(window)?;
    // A caret that nobody moves stops blinking.
    screen.quiet(Duration::from_secs(3), Duration::from_secs(40))?;
    let mut before = Vec::new();
    for (name, pid) in stage.processes() {
        before.push((name, pid, spent::processor(pid)?, spent::wakes(pid)?));
    }
    let end = Instant::now() + time;
    let mut frames = 0;
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        frames += screen.quiet(left, left)?;
    }
    let seconds = time.as_secs_f64();
    for (name, pid, used, woken) in before {
        let percent = (spent::processor(pid)? - used) / seconds * 100.0;
        let wakes = spent::wakes(pid)?.saturating_sub(woken) as f64 / seconds;
        report.add(Line::one(&format!("idle: CPU of {name}"), "%", percent).goal(0.0));
        report.add(Line::one(&format!("idle: wake-ups of {name}"), "each s", wakes));
    }
    report.add(Line::one("idle: frames drawn", "", frames as f64));
    Ok(())
}

/// Sends many lines at once and reports how fast they come.
pub(crate) fn throughput(stage: &Stage, lines: usize, report: &mut Report) -> Result<(), Trouble> {
    let meter = Meter::begin(stage)?;
    let (written, arrived) = send(stage, lines)?;
    let rate = |time: Duration| lines as f64 / time.as_secs_f64();
    report.add(Line::one("load: messages durable at Alice", "each s", rate(written)));
    report.add(Line::one("load: messages at Bob", "each s", rate(arrived)));
    meter.end("load", lines, report)
}

/// Sends lines; how long did the sender take, and how long until Bob had the last one?
fn send(stage: &Stage, count: usize) -> Result<(Duration, Duration), Trouble> {
    let arrivals = Arrivals::at(stage.world.bob.data())?;
    let began = Instant::now();
    // Told from the lines of an earlier load.
    let mark = std::process::id().wrapping_add(u32::try_from(count).unwrap_or(u32::MAX));
    let line = |number: usize| {
        format!("Line {number} of load {mark}: the quick brown fox jumps over the lazy dog")
    };
    let text: String = (1..=count).flat_map(|number| [line(number), "\n".to_owned()]).collect();
    let place = stage.world.general();
    stage.world.alice.commands().ask(&["send", &place, "--lines"], &text)?;
    let written = began.elapsed();
    let last = arrivals.of(&line(count))?;
    Ok((written, last.saturating_duration_since(began)))
}
