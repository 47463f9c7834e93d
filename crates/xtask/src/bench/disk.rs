//! How long this disk takes to make a small write durable: both ends of every message wait for it.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::Instant;

use harness::{During, Trouble};

use super::numbers::Samples;
use super::report::Line;

/// Writes a page and waits until it is on the disk, `times` times.
pub(crate) fn sync(dir: &Path, times: usize) -> Result<Line, Trouble> {
    let path = dir.join("sync");
    let mut file = File::create(&path).during("making a file")?;
    let mut samples = Samples::default();
    for _ in 0..times {
        // In place, as a database's log after its first round.
        file.rewind().during("rewinding")?;
        file.write_all(&[7; 4096]).during("writing a page")?;
        let began = Instant::now();
        file.sync_data().during("waiting for the disk")?;
        samples.add_time(began.elapsed());
    }
    std::fs::remove_file(&path).during("removing a file")?;
    Ok(Line::of("this disk: fdatasync of one page", "ms", &samples))
}
