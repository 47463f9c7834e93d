//! Memory for keys: not in core files, not in swap, zeroed when dropped, between two pages that
//! nobody can touch; where the kernel has `memfd_secret`, not readable by anybody else either,
//! root and the kernel's own copies included.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags};
use zeroize::Zeroize;

/// How well a page is hidden.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `memfd_secret`: no other process can read it, whatever its rights.
    Secret,
    /// Locked memory outside core files: root can still read it. Linux before 5.14, or
    /// `secretmem.enable=0`.
    Locked,
}

/// Why there is no page for a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PageError {
    /// The key has no bytes, or more than the address space.
    #[error("a key page cannot hold {bytes} bytes")]
    Size {
        /// Its length.
        bytes: usize,
    },
    /// The kernel gave no memory; most likely the limit of locked memory (`ulimit -l`) is used up.
    #[error("no locked memory left for a key; raise the limit of locked memory (ulimit -l)")]
    Refused,
}

/// `N` bytes of key material in pages of their own, zero at first.
pub struct KeyPage<const N: usize> {
    pages: Pages,
    kind: Kind,
    bytes: PhantomData<[u8; N]>,
}

impl<const N: usize> KeyPage<N> {
    /// Maps pages for `N` bytes, all zero.
    ///
    /// # Errors
    /// See [`PageError`].
    pub fn new() -> Result<Self, PageError> {
        Self::on(memfd_secret())
    }

    /// Shows the key to `read`.
    pub fn with<T>(&self, read: impl FnOnce(&[u8; N]) -> T) -> T {
        #[expect(unsafe_code, reason = "the mapping is only known to us, not to the compiler")]
        // SAFETY: `start` points to N mapped, initialised bytes that live as long as `self`, and
        // `&self` excludes writers.
        read(unsafe { self.pages.start().cast::<[u8; N]>().as_ref() })
    }

    /// Lets `write` fill or change the key.
    pub fn with_mut<T>(&mut self, write: impl FnOnce(&mut [u8; N]) -> T) -> T {
        #[expect(unsafe_code, reason = "the mapping is only known to us, not to the compiler")]
        // SAFETY: as in `with`, and `&mut self` excludes everybody else.
        write(unsafe { self.pages.start().cast::<[u8; N]>().as_mut() })
    }

    /// How well this key is hidden.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn on(secret: Option<OwnedFd>) -> Result<Self, PageError> {
        let pages = Pages::reserve(N)?;
        let kind = if secret.is_some_and(|fd| pages.map_secret(&fd)) {
            Kind::Secret
        } else if pages.map_locked() {
            Kind::Locked
        } else {
            return Err(PageError::Refused);
        };
        Ok(Self { pages, kind, bytes: PhantomData })
    }
}

impl<const N: usize> Drop for KeyPage<N> {
    fn drop(&mut self) {
        self.with_mut(Zeroize::zeroize);
    }
}

impl<const N: usize> fmt::Debug for KeyPage<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPage(..)")
    }
}

/// A guard page, the pages of a key, a guard page.
struct Pages {
    whole: NonNull<c_void>,
    page: usize,
    /// Without the guards.
    length: usize,
}

impl Pages {
    /// Takes address space that nobody can touch yet.
    fn reserve(bytes: usize) -> Result<Self, PageError> {
        let size = PageError::Size { bytes };
        let page = page_size().ok_or(PageError::Refused)?;
        let length = bytes.checked_next_multiple_of(page).filter(|pages| *pages > 0).ok_or(size)?;
        let total = page.checked_mul(2).and_then(|two| two.checked_add(length)).ok_or(size)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        #[expect(unsafe_code, reason = "mapping memory is unsafe")]
        // SAFETY: the kernel chooses a free range.
        let whole =
            unsafe { rustix::mm::mmap_anonymous(null_mut(), total, ProtFlags::empty(), flags) };
        let whole = whole.ok().and_then(NonNull::new).ok_or(PageError::Refused)?;
        Ok(Self { whole, page, length })
    }

    fn start(&self) -> NonNull<c_void> {
        #[expect(unsafe_code, reason = "moving a pointer is unsafe")]
        // SAFETY: the mapping has at least three pages; this is the second.
        unsafe {
            self.whole.byte_add(self.page)
        }
    }

    fn map_secret(&self, fd: &OwnedFd) -> bool {
        let Ok(length) = u64::try_from(self.length) else {
            return false;
        };
        if rustix::fs::ftruncate(fd, length).is_err() {
            return false;
        }
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        #[expect(unsafe_code, reason = "mapping memory is unsafe")]
        // SAFETY: the range lies inside our own reservation, which nothing else uses.
        unsafe {
            rustix::mm::mmap(self.start().as_ptr(), self.length, rights, flags, fd, 0).is_ok()
        }
    }

    fn map_locked(&self) -> bool {
        let start = self.start().as_ptr();
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        #[expect(unsafe_code, reason = "mapping, locking and advising are unsafe")]
        // SAFETY: the range lies inside our own reservation, which nothing else uses.
        unsafe {
            rustix::mm::mmap_anonymous(start, self.length, rights, flags).is_ok()
                && rustix::mm::mlock(start, self.length).is_ok()
                && rustix::mm::madvise(start, self.length, Advice::LinuxDontDump).is_ok()
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let total = self.page.saturating_mul(2).saturating_add(self.length);
        #[expect(unsafe_code, reason = "unmapping is unsafe")]
        // SAFETY: this is exactly what `reserve` took, and nobody borrows it any more.
        let _ = unsafe { rustix::mm::munmap(self.whole.as_ptr(), total) };
    }
}

#[expect(unsafe_code, reason = "the raw pointer hides that the pages are owned")]
// SAFETY: the pages belong to this value alone and are bound to no thread.
unsafe impl Send for Pages {}

#[expect(unsafe_code, reason = "the raw pointer hides that the pages are owned")]
// SAFETY: a shared borrow only reads.
unsafe impl Sync for Pages {}

fn page_size() -> Option<usize> {
    #[expect(unsafe_code, reason = "calls into the C library are unsafe")]
    // SAFETY: the call only reads a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).ok().filter(|size| size.is_power_of_two())
}

fn memfd_secret() -> Option<OwnedFd> {
    #[expect(unsafe_code, reason = "no safe function for memfd_secret in our dependencies")]
    // SAFETY: the call takes a flag and gives a new descriptor or -1.
    let number = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let number = i32::try_from(number).ok().filter(|number| *number >= 0)?;
    #[expect(unsafe_code, reason = "a raw descriptor becomes an owned one")]
    // SAFETY: the kernel just gave it to us, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(page: &mut KeyPage<32>) -> bool {
        let empty = page.with(|key| *key == [0; 32]);
        page.with_mut(|key| key.fill(7));
        empty && page.with(|key| *key == [7; 32])
    }

    /// `SANDBOX-07`
    #[test]
    fn a_key_page_is_secret_where_the_kernel_can_and_locked_elsewhere() {
        let mut secret = KeyPage::<32>::new().unwrap();
        assert!(memfd_secret().is_some(), "this kernel has no memfd_secret (CONFIG_SECRETMEM)");
        assert_eq!(secret.kind(), Kind::Secret);
        assert!(fill(&mut secret));

        let mut locked = KeyPage::<32>::on(None).unwrap();
        assert_eq!(locked.kind(), Kind::Locked);
        assert!(fill(&mut locked));
    }

    /// `SANDBOX-07`
    #[test]
    fn nobody_reads_a_secret_page_through_proc_and_a_control_page_is_read() {
        use std::os::unix::fs::FileExt;

        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let seen = |page: &KeyPage<32>| {
            let mut copy = [0; 32];
            let address = page.pages.start().addr().get();
            memory.read_exact_at(&mut copy, u64::try_from(address).unwrap()).map(|()| copy)
        };
        let mut locked = KeyPage::<32>::on(None).unwrap();
        assert!(fill(&mut locked));
        assert_eq!(seen(&locked).unwrap(), [7; 32]);

        let mut secret = KeyPage::<32>::new().unwrap();
        assert!(fill(&mut secret));
        assert!(seen(&secret).is_err());
    }

    /// `SANDBOX-07`
    #[test]
    fn both_neighbours_of_a_key_are_closed_and_it_stays_out_of_core_files() {
        let page = KeyPage::<32>::on(None).unwrap();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let rights = |address: usize| {
            maps.lines()
                .find(|line| line.starts_with(&format!("{address:08x}-")))
                .and_then(|line| line.split(' ').nth(1))
                .map(str::to_owned)
        };
        let start = page.pages.start().addr().get();
        assert_eq!(rights(start).as_deref(), Some("rw-p"));
        let key = format!("{start:08x}-");
        let flags = maps.split(&key).nth(1).and_then(|rest| rest.split("VmFlags:").nth(1)).unwrap();
        let flags = flags.lines().next().unwrap();
        assert!(flags.contains(" dd") && flags.contains(" lo"), "{flags}");
        for neighbour in [page.pages.whole.addr().get(), start + page.pages.length] {
            let found = maps.lines().filter_map(|line| {
                let (from, rest) = line.split_once('-')?;
                let (to, rest) = rest.split_once(' ')?;
                let inside = (usize::from_str_radix(from, 16).ok()?
                    ..usize::from_str_radix(to, 16).ok()?)
                    .contains(&neighbour);
                inside.then(|| rest.starts_with("---p"))
            });
            assert!(found.eq([true]), "{neighbour:x}");
        }
    }

    /// `SANDBOX-07`
    #[test]
    fn a_key_page_prints_nothing_and_cannot_be_empty() {
        let mut page = KeyPage::<32>::new().unwrap();
        assert!(fill(&mut page));
        assert_eq!(format!("{page:?}"), "KeyPage(..)");
        assert_eq!(KeyPage::<0>::new().unwrap_err(), PageError::Size { bytes: 0 });
    }

    /// `SANDBOX-07`
    #[test]
    fn a_key_is_zeroed_before_its_page_goes() {
        use std::os::unix::fs::FileExt;

        // The descriptor keeps the memory alive after the page is unmapped.
        let fd = rustix::fs::memfd_create("key", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let copy = std::fs::File::from(fd.try_clone().unwrap());
        let mut page = KeyPage::<32>::on(Some(fd)).unwrap();
        assert!(fill(&mut page));
        let mut bytes = [0; 32];
        copy.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, [7; 32]);
        drop(page);
        copy.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, [0; 32]);
    }
}
