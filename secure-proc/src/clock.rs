//! The system's clock and randomness: the only place that asks for them.

use objects::Millis;
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};

/// The wall clock of this machine.
pub(crate) fn now() -> Millis {
    let time = clock_gettime(ClockId::Realtime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Millis(part(time.tv_sec).saturating_mul(1000).saturating_add(part(time.tv_nsec) / 1_000_000))
}

/// The system's generator. A machine that has none must not make keys, so the process ends.
pub(crate) fn random() -> mls_core::Random {
    Box::new(fill)
}

/// Fills `space` with random bytes.
pub(crate) fn fill(space: &mut [u8]) {
    let mut done = 0;
    while let Some(rest) = space.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match getrandom(rest, GetRandomFlags::empty()) {
            Ok(count) => done = done.saturating_add(count),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => std::process::exit(73),
        }
    }
}
