//! Reaching into another process of the same user.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::ExitCode;

use crate::scene::Scene;
use crate::{Attempt, Probe, answer, attempt, call};

/// Prints its process number and the address of eight bytes, and waits until nobody needs it.
pub(crate) fn be_the_victim() -> ExitCode {
    let secret = Box::new(*b"sesame!!");
    // SAFETY: lets same-user processes trace this one where Yama would refuse it.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0) };
    println!("{} {}", std::process::id(), std::ptr::from_ref(&*secret).addr());
    let waited = io::stdout().flush().and_then(|()| io::stdin().read_to_end(&mut Vec::new()));
    drop(std::hint::black_box(secret));
    if waited.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("trace", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || attempt(libc::SYS_ptrace, [SEIZE, victim, 0, 0, 0, 0])))
    }),
    ("be-traced", |_| Ok(Box::new(|| attempt(libc::SYS_ptrace, [0; 6])))),
    ("read-memory", |scene| copy_memory(scene, libc::SYS_process_vm_readv)),
    ("write-memory", |scene| copy_memory(scene, libc::SYS_process_vm_writev)),
    ("memory-file", |scene| {
        let victim = scene.value::<u32>("victim")?;
        let address = scene.value("address")?;
        Ok(Box::new(move || {
            let memory = fs::File::open(format!("/proc/{victim}/mem"))?;
            memory.read_exact_at(&mut [0; 8], address)
        }))
    }),
    ("environment-file", |scene| {
        let victim = scene.value::<u32>("victim")?;
        Ok(Box::new(move || fs::read(format!("/proc/{victim}/environ")).map(drop)))
    }),
    // Writing there would get around memory that cannot be written.
    ("own-memory-file", |_| {
        Ok(Box::new(|| OpenOptions::new().write(true).open("/proc/self/mem").map(drop)))
    }),
    ("open-process", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || attempt(libc::SYS_pidfd_open, [victim, 0, 0, 0, 0, 0])))
    }),
    ("take-descriptor", |scene| {
        let victim = open_process(scene)?;
        Ok(Box::new(move || attempt(libc::SYS_pidfd_getfd, [victim, 0, 0, 0, 0, 0])))
    }),
    ("compare", |scene| {
        let victim = scene.value("victim")?;
        let own = own_number()?;
        Ok(Box::new(move || attempt(libc::SYS_kcmp, [own, victim, 0, 0, 0, 0])))
    }),
    ("signal", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || attempt(libc::SYS_kill, [victim, WINCH, 0, 0, 0, 0])))
    }),
    ("signal-thread", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || attempt(libc::SYS_tgkill, [victim, victim, WINCH, 0, 0, 0])))
    }),
    ("signal-queue", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || {
            // siginfo: signal, error, code -1 (SI_QUEUE).
            let mut info = [0_i32; 32];
            if let Some(code) = info.get_mut(2) {
                *code = -1;
            }
            let info = info.as_ptr().addr();
            attempt(libc::SYS_rt_sigqueueinfo, [victim, WINCH, info, 0, 0, 0])
        }))
    }),
    ("signal-by-descriptor", |scene| {
        let victim = open_process(scene)?;
        Ok(Box::new(move || attempt(libc::SYS_pidfd_send_signal, [victim, WINCH, 0, 0, 0, 0])))
    }),
    ("limits", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || {
            let mut limit = [0_u64; 2];
            let limit = limit.as_mut_ptr().addr();
            attempt(libc::SYS_prlimit64, [victim, NOFILE, 0, limit, 0, 0])
        }))
    }),
    ("priority", |scene| {
        let victim = scene.value("victim")?;
        Ok(Box::new(move || attempt(libc::SYS_setpriority, [0, victim, 1, 0, 0, 0])))
    }),
];

fn copy_memory(scene: &Scene, number: libc::c_long) -> io::Result<Attempt> {
    let victim = scene.value("victim")?;
    let there = [scene.value::<usize>("address")?, 8];
    Ok(Box::new(move || {
        let mut bytes = *b"sesame!!";
        let here = [bytes.as_mut_ptr().addr(), 8];
        let (here, there) = (here.as_ptr().addr(), there.as_ptr().addr());
        attempt(number, [victim, here, 1, there, 1, 0])
    }))
}

fn open_process(scene: &Scene) -> io::Result<usize> {
    let victim = scene.value("victim")?;
    let opened = call(libc::SYS_pidfd_open, [victim, 0, 0, 0, 0, 0])?;
    usize::try_from(opened).map_err(io::Error::other)
}

fn own_number() -> io::Result<usize> {
    // SAFETY: no arguments.
    usize::try_from(answer(unsafe { libc::getpid() })?).map_err(io::Error::other)
}

const SEIZE: usize = 0x4206;
const WINCH: usize = 28;
const NOFILE: usize = 7;
