//! Time that was spent, by the clock and by this thread.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What something took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) wall: Duration,
    /// Processor time of this thread: other work on the machine does not move it.
    pub(crate) cpu: Duration,
}

/// Runs `work` and says what it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (start, busy) = (Instant::now(), busy());
    let result = work();
    let cpu = self::busy().saturating_sub(busy);
    (result, Spent { wall: start.elapsed(), cpu })
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// The median of some samples, each kind of time for itself.
pub(crate) fn median(samples: &[Spent]) -> Spent {
    let middle = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let wall = middle(samples.iter().map(|it| it.wall).collect());
    let cpu = middle(samples.iter().map(|it| it.cpu).collect());
    Spent { wall, cpu }
}

fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
