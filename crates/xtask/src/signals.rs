//! Being told to stop.

use std::sync::mpsc::{Receiver, channel};

use harness::{During, Trouble};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Gives a word for every SIGTERM and SIGINT from now on.
pub(crate) fn told_to_stop() -> Result<Receiver<()>, Trouble> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).during("listening for signals")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // Nobody listens any more when the end has begun already.
            let _ = sender.send(());
        }
    });
    Ok(receiver)
}
