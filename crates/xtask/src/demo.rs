//! `cargo xtask demo`: everything that a newcomer would type by hand (the top README has the
//! steps), done in one go.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use harness::{Bins, During, Folder, Shape, Trouble, World};

use crate::system::{Purpose, display, ready};
use crate::{feed, signals};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) headless: bool,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) feed: Option<PathBuf>,
    pub(crate) release: bool,
}

/// Builds, starts, shows, and runs until it is told to stop.
pub(crate) fn run(wanted: &Wanted) -> Result<(), Trouble> {
    let lines = wanted.feed.as_deref().map(feed::lines).transpose()?;
    if wanted.headless {
        ready(&[Purpose::Build])?;
    } else {
        display()?;
        ready(&[Purpose::Build, Purpose::Window])?;
    }
    let bins = match std::env::var_os("SOTTO_BIN") {
        Some(dir) => Bins::in_folder(dir.as_ref())?,
        None => Bins::build(wanted.release)?,
    };
    let stop = signals::told_to_stop()?;
    // Without --dir everything is gone afterwards, so the folder must outlive the world.
    let folder = match wanted.dir {
        Some(_) => None,
        None => Some(Folder::new("demo")?),
    };
    let given = wanted.dir.as_deref();
    let dir = given.or(folder.as_ref().map(Folder::path)).during("no folder")?;
    let began = Instant::now();
    let mut world = World::start(&bins, dir, shapes(wanted.headless))?;
    let took = began.elapsed().as_secs_f32();
    say(&world.describe()?.to_string())?;
    say(&explained(&world, took, wanted.headless))?;
    if let Some(lines) = lines {
        feed::run(&world, &lines, &stop)?;
    }
    wait(&mut world, &stop)?;
    world.stop()
}

fn wait(world: &mut World, stop: &Receiver<()>) -> Result<(), Trouble> {
    loop {
        match stop.recv_timeout(Duration::from_millis(250)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                if world.left()? {
                    eprintln!("an endpoint has ended, so the demonstration ends");
                    return Ok(());
                }
            }
        }
    }
}

/// Side by side on a screen of 1,600 by 900 or more.
fn shapes(headless: bool) -> [Shape; 2] {
    if headless {
        return [Shape::Headless, Shape::Headless];
    }
    ["790x860+0+0", "790x860+800+0"]
        .map(|geometry| Shape::Window { geometry: geometry.to_owned(), display: None })
}

fn explained(world: &World, took: f32, headless: bool) -> String {
    let cli = world.bins.path("sotto-cli");
    let cli = cli.display();
    let (alice, bob) = (world.alice.data().display(), world.bob.data().display());
    let place = world.general();
    let ready = if headless { "no windows" } else { "two windows, side by side" };
    format!(
        "\nReady after {took:.1} s: a relay, Alice and Bob ({ready}). This is a demonstration: the\n\
         passphrases above stand in {dir}/demo.json; nobody should keep real ones so.\n\n\
         Listen as Bob:   {cli} --data {bob} follow '{place}'\n\
         Write as Alice:  {cli} --data {alice} send '{place}' 'Hello, Bob'\n\
         Read as Bob:     {cli} --data {bob} read '{place}'\n\n\
         Ctrl+C ends it.",
        dir = world.dir.display(),
    )
}

fn say(text: &str) -> Result<(), Trouble> {
    println!("{text}");
    // Whoever reads the first line through a pipe waits for it.
    std::io::stdout().flush().during("writing to standard output")
}
