//! Parts of the kernel that go around the other rules, and undoing what `harden` did.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use crate::scene::c_path;
use crate::{Probe, answer, attempt, call};

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("io-uring", |_| {
        Ok(Box::new(|| {
            let mut parameters = [0_u64; 15];
            let parameters = parameters.as_mut_ptr().addr();
            attempt(libc::SYS_io_uring_setup, [1, parameters, 0, 0, 0, 0])
        }))
    }),
    ("new-user-namespace", |_| {
        Ok(Box::new(|| attempt(libc::SYS_unshare, [NEWUSER, 0, 0, 0, 0, 0])))
    }),
    ("new-network-namespace", |_| {
        Ok(Box::new(|| attempt(libc::SYS_unshare, [NEWNET, 0, 0, 0, 0, 0])))
    }),
    ("enter-namespace", |_| {
        let namespace = descriptor(File::open("/proc/self/ns/uts")?.into_raw_fd())?;
        Ok(Box::new(move || attempt(libc::SYS_setns, [namespace, 0, 0, 0, 0, 0])))
    }),
    ("mount", |scene| {
        // The mount must not outlive the probe.
        attempt(libc::SYS_unshare, [NEWNS, 0, 0, 0, 0, 0])?;
        let (root, private) = (c"/".as_ptr().addr(), 0x4_4000);
        attempt(libc::SYS_mount, [0, root, 0, private, 0, 0])?;
        let place = c_path(scene.others("")?)?;
        Ok(Box::new(move || {
            let kind = c"tmpfs".as_ptr().addr();
            attempt(libc::SYS_mount, [kind, place.as_ptr().addr(), kind, 0, 0, 0])
        }))
    }),
    ("change-root", |scene| {
        let place = c_path(scene.others("")?)?;
        Ok(Box::new(move || attempt(libc::SYS_chroot, [place.as_ptr().addr(), 0, 0, 0, 0, 0])))
    }),
    ("host-name", |_| {
        // The name must not outlive the probe.
        attempt(libc::SYS_unshare, [NEWUTS, 0, 0, 0, 0, 0])?;
        Ok(Box::new(|| attempt(libc::SYS_sethostname, [c"probe".as_ptr().addr(), 5, 0, 0, 0, 0])))
    }),
    ("open-by-handle", |scene| {
        let path = c_path(scene.others("secret")?)?;
        let mut handle = [0_u32; 34];
        if let Some(room) = handle.first_mut() {
            *room = 128;
        }
        let mut mount = 0_i32;
        let name = path.as_ptr().addr();
        let (address, mount) = (handle.as_mut_ptr().addr(), (&raw mut mount).addr());
        attempt(libc::SYS_name_to_handle_at, [HERE, name, address, mount, 0, 0])?;
        let folder = descriptor(File::open(scene.others("")?)?.into_raw_fd())?;
        Ok(Box::new(move || {
            let address = handle.as_mut_ptr().addr();
            attempt(libc::SYS_open_by_handle_at, [folder, address, 0, 0, 0, 0])
        }))
    }),
    ("bpf", |_| {
        Ok(Box::new(|| {
            // An array map with one entry.
            let mut attributes = [0_u32; 32];
            for (field, value) in attributes.iter_mut().zip([2, 4, 4, 1]) {
                *field = value;
            }
            let address = attributes.as_mut_ptr().addr();
            attempt(libc::SYS_bpf, [0, address, size_of_val(&attributes), 0, 0, 0])
        }))
    }),
    ("performance-counter", |_| {
        Ok(Box::new(|| {
            // Software, 64 bytes, task clock; without the kernel's own part.
            let mut attributes = [0_u64; 8];
            for (field, value) in attributes.iter_mut().zip([1 | (64 << 32), 1, 0, 0, 0, 0x61]) {
                *field = value;
            }
            let address = attributes.as_mut_ptr().addr();
            let every = usize::MAX;
            attempt(libc::SYS_perf_event_open, [address, 0, every, every, 0, 0])
        }))
    }),
    ("user-faults", |_| Ok(Box::new(|| attempt(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0])))),
    ("key-ring", |_| Ok(Box::new(|| attempt(libc::SYS_keyctl, [0, PROCESS_RING, 1, 0, 0, 0])))),
    ("add-key", |_| {
        Ok(Box::new(|| {
            let (kind, name) = (c"user".as_ptr().addr(), c"probe".as_ptr().addr());
            attempt(libc::SYS_add_key, [kind, name, name, 5, PROCESS_RING, 0])
        }))
    }),
    ("watch-everything", |_| Ok(Box::new(|| attempt(libc::SYS_fanotify_init, [0; 6])))),
    ("another-filter", |_| {
        Ok(Box::new(|| {
            let action = libc::SECCOMP_RET_ALLOW;
            let address = (&raw const action).addr();
            attempt(libc::SYS_seccomp, [2, 0, address, 0, 0, 0])
        }))
    }),
    #[cfg(target_arch = "x86_64")]
    ("old-call-gate", |_| {
        Ok(Box::new(|| {
            let result: i64;
            // SAFETY: getpid (20) of the 32-bit interface touches nothing but the named registers.
            unsafe {
                std::arch::asm!(
                    "int 0x80",
                    inlateout("rax") 20_i64 => result,
                    out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                );
            }
            if result > 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(38)) }
        }))
    }),
    ("type-into-terminal", |_| {
        let (keyboard, screen) = terminal()?;
        Ok(Box::new(move || {
            let letter = b'x';
            let address = (&raw const letter).addr();
            let outcome = attempt(libc::SYS_ioctl, [screen, 0x5412, address, 0, 0, 0]);
            drop(keyboard);
            outcome
        }))
    }),
    ("semaphore", |_| {
        Ok(Box::new(|| {
            let set = call(libc::SYS_semget, [0, 1, 0o600, 0, 0, 0])?;
            let set = usize::try_from(set).map_err(io::Error::other)?;
            attempt(libc::SYS_semctl, [set, 0, 0, 0, 0, 0])
        }))
    }),
    ("change-user", |_| {
        let same = usize::MAX;
        Ok(Box::new(move || attempt(libc::SYS_setresuid, [same, same, same, 0, 0, 0])))
    }),
    ("become-dumpable", |_| Ok(Box::new(|| attempt(libc::SYS_prctl, [DUMPABLE, 1, 0, 0, 0, 0])))),
    ("core-limit", |_| {
        Ok(Box::new(|| {
            let mut limit = [0_u64; 2];
            let core = 4;
            attempt(libc::SYS_prlimit64, [0, core, 0, limit.as_mut_ptr().addr(), 0, 0])?;
            let [_, highest] = limit;
            let wanted = [highest, highest];
            attempt(libc::SYS_prlimit64, [0, core, wanted.as_ptr().addr(), 0, 0, 0])
        }))
    }),
];

fn descriptor(number: i32) -> io::Result<usize> {
    usize::try_from(number).map_err(io::Error::other)
}

/// A terminal of our own: the end that a person would sit at, and the end that programs see.
fn terminal() -> io::Result<(File, usize)> {
    let keyboard = File::options().read(true).write(true).open("/dev/ptmx")?;
    let unlocked = 0_i32;
    let address = (&raw const unlocked).addr();
    let end = descriptor(keyboard.as_raw_fd())?;
    attempt(libc::SYS_ioctl, [end, 0x4004_5431, address, 0, 0, 0])?;
    // SAFETY: asks for the other end of a terminal that this function owns.
    let screen = answer(unsafe {
        libc::ioctl(keyboard.as_raw_fd(), 0x5441, libc::O_RDWR | libc::O_NOCTTY)
    })?;
    Ok((keyboard, usize::try_from(screen).map_err(io::Error::other)?))
}

// As the kernel reads them: -100 and -2.
const HERE: usize = usize::MAX - 99;
const PROCESS_RING: usize = usize::MAX - 1;
const NEWNS: usize = 0x2_0000;
const NEWUTS: usize = 0x400_0000;
const NEWUSER: usize = 0x1000_0000;
const NEWNET: usize = 0x4000_0000;
const DUMPABLE: usize = 4;
