use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};

use crate::scene::c_path;
use crate::{Probe, answer, attempt};

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("read-file", |scene| {
        let path = scene.others("secret")?;
        Ok(Box::new(move || fs::read(path).map(drop)))
    }),
    ("write-file", |scene| {
        let path = scene.others("secret")?;
        Ok(Box::new(move || OpenOptions::new().append(true).open(path)?.write_all(b"!")))
    }),
    ("create-file", |scene| {
        let path = scene.others("new")?;
        Ok(Box::new(move || File::create(path).map(drop)))
    }),
    ("create-file-in-tmp", |scene| {
        let path = format!("/tmp/sandbox-probe-{}", std::process::id());
        let _ = scene;
        Ok(Box::new(move || File::create_new(&path).and_then(|_| fs::remove_file(path))))
    }),
    ("list-folder", |scene| {
        let path = scene.others("")?;
        Ok(Box::new(move || fs::read_dir(path).map(drop)))
    }),
    ("remove-file", |scene| {
        let path = scene.others("doomed")?;
        Ok(Box::new(move || fs::remove_file(path)))
    }),
    ("make-folder", |scene| {
        let path = scene.others("folder")?;
        Ok(Box::new(move || fs::create_dir(path)))
    }),
    ("move-out", |scene| {
        let (from, to) = (scene.own()?.join("mine"), scene.others("moved")?);
        fs::write(&from, "mine")?;
        Ok(Box::new(move || fs::rename(from, to)))
    }),
    ("move-in", |scene| {
        let (from, to) = (scene.others("moveable")?, scene.own()?.join("stolen"));
        Ok(Box::new(move || fs::rename(from, to)))
    }),
    ("link-in", |scene| {
        let (from, to) = (scene.others("secret")?, scene.own()?.join("linked"));
        Ok(Box::new(move || fs::hard_link(from, to)))
    }),
    ("symbolic-link", |scene| {
        let (from, to) = (scene.others("secret")?, scene.own()?.join("symbolic"));
        Ok(Box::new(move || std::os::unix::fs::symlink(from, to)))
    }),
    ("read-through-link", |scene| {
        let link = scene.own()?.join("prepared-link");
        std::os::unix::fs::symlink(scene.others("secret")?, &link)?;
        Ok(Box::new(move || fs::read(link).map(drop)))
    }),
    ("truncate-file", |scene| {
        let path = c_path(scene.others("doomed-too")?)?;
        Ok(Box::new(move || attempt(libc::SYS_truncate, [path.as_ptr().addr(), 0, 0, 0, 0, 0])))
    }),
    ("change-mode", |scene| {
        let path = scene.others("secret")?;
        Ok(Box::new(move || fs::set_permissions(path, fs::Permissions::from_mode(0o644))))
    }),
    ("change-owner", |scene| {
        let path = scene.others("secret")?;
        Ok(Box::new(move || {
            // SAFETY: no arguments and no effects beyond the number.
            let own = unsafe { libc::geteuid() };
            std::os::unix::fs::chown(path, Some(own), None)
        }))
    }),
    ("make-pipe", |scene| {
        let path = c_path(scene.others("pipe")?)?;
        Ok(Box::new(move || {
            // SAFETY: the path is a live, terminated string.
            answer(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }).map(drop)
        }))
    }),
    ("make-device", |scene| {
        let path = c_path(scene.others("device")?)?;
        Ok(Box::new(move || {
            let number = libc::makedev(1, 3);
            // SAFETY: the path is a live, terminated string.
            answer(unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o600, number) }).map(drop)
        }))
    }),
    ("read-user-list", |_| Ok(Box::new(|| fs::read("/etc/passwd").map(drop)))),
    ("read-password-list", |_| Ok(Box::new(|| fs::read("/etc/shadow").map(drop)))),
    ("watch-folder", |scene| {
        let path = c_path(scene.others("")?)?;
        Ok(Box::new(move || {
            // SAFETY: a new descriptor, and a live, terminated string.
            let watch = answer(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?;
            let watch = i32::try_from(watch).map_err(io::Error::other)?;
            // SAFETY: as above.
            answer(unsafe { libc::inotify_add_watch(watch, path.as_ptr(), libc::IN_OPEN) })
                .map(drop)
        }))
    }),
    // What every role must be able to do in its own folder: all that a store does.
    ("own-store", |scene| {
        let folder = scene.own()?;
        Ok(Box::new(move || {
            let path = folder.join("store.db");
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
            file.write_all_at(b"page", 4096)?;
            file.sync_all()?;
            file.sync_data()?;
            file.set_len(32 * 1024)?;
            lock(&file)?;
            share(&file)?;
            let mut page = [0; 4];
            file.read_exact_at(&mut page, 4096)?;
            File::open(&folder)?.sync_all()?;
            let journal = folder.join("store.db-journal");
            fs::write(&journal, "journal")?;
            fs::rename(&journal, folder.join("store.db-old"))?;
            fs::metadata(folder.join("store.db-old"))?;
            fs::remove_file(folder.join("store.db-old"))?;
            fs::remove_file(path)
        }))
    }),
    ("randomness", |_| Ok(Box::new(|| File::open("/dev/urandom")?.read_exact(&mut [0; 16])))),
    ("own-sockets", |_| {
        let (mut near, mut far) = std::os::unix::net::UnixStream::pair()?;
        Ok(Box::new(move || {
            near.set_nonblocking(true)?;
            near.write_all(b"frame")?;
            let mut frame = [0; 5];
            far.read_exact(&mut frame)?;
            let mut poll = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
            // SAFETY: one live entry, as announced.
            answer(unsafe { libc::poll(&raw mut poll, 1, 0) }).map(drop)
        }))
    }),
];

fn lock(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    // SAFETY: an all-zero lock is a valid one; it covers the whole file.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK.try_into().map_err(io::Error::other)?;
    // SAFETY: the lock outlives the call.
    answer(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) }).map(drop)
}

/// The shared memory of a write-ahead log.
fn share(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping of 32 KiB that the file covers; written once and unmapped.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            32 * 1024,
            rights,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        );
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        start.cast::<u8>().write_volatile(1);
        answer(libc::munmap(start, 32 * 1024)).map(drop)
    }
}
