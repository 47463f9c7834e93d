use std::io;

use crate::{Probe, answer, attempt, call};

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("map-executable", |_| {
        Ok(Box::new(|| map(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC).map(drop)))
    }),
    ("make-executable", |_| {
        Ok(Box::new(|| {
            let page = map(libc::PROT_READ | libc::PROT_WRITE)?;
            let rights = libc::PROT_READ | libc::PROT_EXEC;
            // SAFETY: the page was just mapped and holds nothing.
            answer(unsafe { libc::mprotect(page, PAGE, rights) }).map(drop)
        }))
    }),
    ("make-executable-by-key", |_| {
        Ok(Box::new(|| {
            let page = map(libc::PROT_READ | libc::PROT_WRITE)?.addr();
            let (rights, no_key) = (5, usize::MAX);
            attempt(libc::SYS_pkey_mprotect, [page, PAGE, rights, no_key, 0, 0])
        }))
    }),
    ("map-executable-file", |scene| {
        let path = scene.own()?.join("code");
        std::fs::write(&path, [0xc3; PAGE])?;
        let file = std::fs::File::open(path)?;
        Ok(Box::new(move || {
            use std::os::fd::AsRawFd;

            let rights = libc::PROT_READ | libc::PROT_EXEC;
            // SAFETY: a new private mapping that nobody runs.
            let page = unsafe {
                let null = std::ptr::null_mut();
                libc::mmap(null, PAGE, rights, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
            };
            mapped(page).map(drop)
        }))
    }),
    ("memory-file-descriptor", |_| {
        Ok(Box::new(|| {
            // SAFETY: a live, terminated name.
            answer(unsafe { libc::memfd_create(c"probe".as_ptr(), libc::MFD_CLOEXEC) }).map(drop)
        }))
    }),
    ("shared-memory", |_| {
        Ok(Box::new(|| {
            let segment = call(libc::SYS_shmget, [0, PAGE, 0o600, 0, 0, 0])?;
            let segment = usize::try_from(segment).map_err(io::Error::other)?;
            // Removes it at once.
            attempt(libc::SYS_shmctl, [segment, 0, 0, 0, 0, 0])
        }))
    }),
    ("read-implies-execute", |_| {
        Ok(Box::new(|| attempt(libc::SYS_personality, [0x040_0000, 0, 0, 0, 0, 0])))
    }),
    ("key-page", |_| {
        Ok(Box::new(|| {
            let page = sandbox_io::pages::KeyPage::<32>::new().map_err(io::Error::other)?;
            if page.kind() == sandbox_io::pages::Kind::Secret {
                Ok(())
            } else {
                Err(io::Error::other("the key page can be read by root"))
            }
        }))
    }),
];

fn map(rights: i32) -> io::Result<*mut libc::c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice.
    mapped(unsafe { libc::mmap(std::ptr::null_mut(), PAGE, rights, flags, -1, 0) })
}

fn mapped(page: *mut libc::c_void) -> io::Result<*mut libc::c_void> {
    if page == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(page) }
}

const PAGE: usize = 4096;
