//! What a process has used, by `/proc`.

use std::fs;

use harness::{During, Trouble};

/// The memory of a process, in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Its proportional share of everything that it maps.
    pub(crate) pss: f64,
    /// Of it: what no file is behind.
    pub(crate) anonymous: f64,
    /// Of it: the libraries of software GL.
    pub(crate) gl: f64,
}

impl Memory {
    /// The memory of a process now.
    pub(crate) fn of(pid: u32) -> Result<Self, Trouble> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps")).during("reading smaps")?;
        Ok(Self::read(&text))
    }

    /// Together with another.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            pss: self.pss + other.pss,
            anonymous: self.anonymous + other.anonymous,
            gl: self.gl + other.gl,
        }
    }

    fn read(smaps: &str) -> Self {
        let mut sum = Self::default();
        let (mut file, mut gl) = (false, false);
        for line in smaps.lines() {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default();
            if let Some(key) = first.strip_suffix(':') {
                let value = words.next().and_then(|word| word.parse::<f64>().ok());
                if let ("Pss", Some(kib)) = (key, value) {
                    let mib = kib / 1024.0;
                    sum.pss += mib;
                    sum.anonymous += if file { 0.0 } else { mib };
                    sum.gl += if gl { mib } else { 0.0 };
                }
            } else {
                // `from-to rights offset device inode path`
                let path = words.nth(4).unwrap_or_default();
                file = path.starts_with('/');
                gl = SOFTWARE_GL.iter().any(|library| path.contains(library));
            }
        }
        sum
    }
}

/// Processor time that a process and its ended threads have used, in seconds.
pub(crate) fn processor(pid: u32) -> Result<f64, Trouble> {
    let ticks = field(pid, USER_TIME)?.saturating_add(field(pid, SYSTEM_TIME)?);
    Ok(ticks as f64 / per_second())
}

/// When a process was started, in seconds since the machine was.
pub(crate) fn born(pid: u32) -> Result<f64, Trouble> {
    Ok(field(pid, START_TIME)? as f64 / per_second())
}

/// How often its threads have been woken.
pub(crate) fn wakes(pid: u32) -> Result<u64, Trouble> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).during("reading its threads")?;
    let mut sum = 0_u64;
    for task in tasks.flatten() {
        // A thread that has just ended wakes nobody.
        let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let count = text.lines().find_map(|it| it.strip_prefix("voluntary_ctxt_switches:"));
        let count = count.and_then(|it| it.trim().parse::<u64>().ok());
        sum = sum.saturating_add(count.unwrap_or_default());
    }
    Ok(sum)
}

/// Seconds since the machine was started.
pub(crate) fn since_boot() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// A field of `/proc/PID/stat`, counted from the state behind the name.
fn field(pid: u32, at: usize) -> Result<u64, Trouble> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).during("reading stat")?;
    let (_, rest) = text.rsplit_once(')').during("stat without a name")?;
    let word = rest.split_whitespace().nth(at).during("stat is short")?;
    word.parse().during("stat has no number there")
}

fn per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START_TIME: usize = 19;
const SOFTWARE_GL: [&str; 7] =
    ["libLLVM", "libgallium", "/dri/", "libGL", "libEGL", "libgbm", "libvulkan"];

#[cfg(test)]
mod tests {
    use super::*;

    /// `XTASK-05`
    #[test]
    fn memory_is_told_apart_by_what_is_mapped() {
        let smaps = "55d0-55d1 r-xp 00000000 fe:00 12   /usr/bin/ui-proc\nSize: 4 kB\n\
            Pss:                2048 kB\nPss_Dirty: 9 kB\n\
            7f00-7f01 rw-p 00000000 00:00 0 \nPss: 1024 kB\n\
            7f02-7f03 rw-p 00000000 00:00 0      [heap]\nPss: 512 kB\n\
            7f04-7f05 r-xp 00000000 fe:00 9  /usr/lib/libLLVM.so.19.1\nPss: 4096 kB\n\
            VmFlags: rd ex\n";
        let memory = Memory::read(smaps);
        assert_eq!([memory.pss, memory.anonymous, memory.gl], [7.5, 1.5, 4.0]);
    }

    /// `XTASK-05`
    #[test]
    fn a_process_knows_its_own_time_and_memory() {
        let pid = std::process::id();
        assert!(Memory::of(pid).unwrap().pss > 0.0);
        assert!(born(pid).unwrap() <= since_boot());
        let before = processor(pid).unwrap();
        assert!(before <= since_boot());
        assert!(wakes(pid).is_ok());
        assert!(processor(u32::MAX).is_err());
    }
}
