//! What people see: how soon a window is there, and how soon a message is in the other one.

use std::time::{Duration, Instant};

use harness::{During, Role, Running, Trouble};

use super::numbers::{Samples, millis};
use super::report::{Line, Report};
use super::screen::{NEWEST, Screen};
use super::stage::{ALICE, Meter, Stage};
use super::{spent, talk};

/// Starts Alice again and again, from the command to the painted unlock screen.
pub(crate) fn starts(
    stage: &Stage,
    screen: &mut Screen,
    count: usize,
    report: &mut Report,
) -> Result<(), Trouble> {
    let logs = stage.world.dir.join("logs");
    let alice = &stage.world.alice;
    let (mut whole, mut own) = (Samples::default(), Samples::default());
    for _ in 0..count {
        let mut command = stage.world.bins.command("sotto");
        command.arg("--data").arg(alice.data()).args(["--geometry", ALICE]);
        let began = Instant::now();
        let mut launcher = Running::start(command, "Alice", &logs)?;
        let window = screen.new_window(LIMIT)?;
        let painted = screen.painted(window, LIMIT)?;
        whole.add_time(painted.saturating_duration_since(began));
        let at = spent::since_boot() - painted.elapsed().as_secs_f64();
        let pid = alice.commands().pid(Role::Window)?.during("ui-proc does not run")?;
        own.add((at - spent::born(pid)?) * 1_000.0);
        launcher.stop(LIMIT)?;
    }
    let what = "start: `sotto` to its painted unlock screen";
    report.add(Line::of(what, "ms", &whole).goal(500.0));
    // The system tells the birth of a process in steps of 10 ms.
    report.add(Line::of("start: of it from the start of ui-proc", "ms", &own));
    Ok(())
}

/// Types messages in Alice's window and waits for the pixels of Bob's.
pub(crate) fn talk(
    stage: &Stage,
    screen: &mut Screen,
    [alice, bob]: [u32; 2],
    count: usize,
    report: &mut Report,
) -> Result<(), Trouble> {
    screen.focus(alice)?;
    let arrivals = talk::Arrivals::at(stage.world.bob.data())?;
    let (mut whole, mut shown) = (Samples::default(), Samples::default());
    let mut frames = 0;
    let meter = Meter::begin(stage)?;
    for number in 0..count {
        let text = format!("window {number}");
        for key in text.chars() {
            screen.press(key)?;
        }
        frames += screen.quiet(STILL, MOST)?;
        let before = screen.pixels(bob, NEWEST)?;
        let pressed = screen.press('\n')?;
        let painted = screen.changed(bob, NEWEST, &before, LIMIT)?;
        whole.add_time(painted.saturating_duration_since(pressed));
        // The text that was typed, and not something else, is what came.
        let arrived = arrivals.of(&text)?;
        shown.add(millis(painted.saturating_duration_since(arrived)));
        frames += screen.quiet(STILL, MOST)?;
    }
    let what = "windows: key in Alice's to painted frame of Bob's";
    report.add(Line::of(what, "ms", &whole).goal(15.0).high_goal(60.0));
    report.add(Line::of("windows: of it Bob's event to his painted frame", "ms", &shown));
    let each = frames as f64 / count as f64;
    report.add(Line::one("windows: frames drawn beside the message's own", "each", each));
    meter.end("windows", count, report)
}

const LIMIT: Duration = Duration::from_secs(30);
/// What goes on drawing for longer is not waited for; the count of frames tells of it.
const MOST: Duration = Duration::from_millis(500);
/// After so long nothing more comes of what was before.
const STILL: Duration = Duration::from_millis(120);
