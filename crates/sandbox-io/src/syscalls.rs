//! Which system calls a role may make. Policy as tables; [`filter`](crate::filter) compiles them.

use libc::{c_int, c_long};

use When::{Bits, Int, NotNull, Null, OtherProcess, OwnProcess};

use crate::Role;

/// A system call and when it counts: always if `when` is empty, else if all conditions of one
/// row hold.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) number: c_long,
    pub(crate) when: &'static [&'static [When]],
}

/// A condition on the argument with that number. `int`s are compared by their lower 32 bits, as
/// the kernel reads them; pointers and longs in full.
#[derive(Clone, Copy)]
pub(crate) enum When {
    Int(u8, c_int),
    Bits(u8, c_int, c_int),
    Null(u8),
    NotNull(u8),
    OwnProcess(u8),
    OtherProcess(u8),
}

/// Everything that the role may call.
pub(crate) fn permitted(role: Role) -> Vec<Call> {
    let more: &[&[Call]] = match role {
        Role::Secure => &[SECURE, NO_EXECUTABLE_MEMORY],
        Role::Net => &[NET, THREADS, EVENTS, NO_EXECUTABLE_MEMORY],
        Role::Ui => &[UI, THREADS, EVENTS],
    };
    [COMMON, OLD].iter().chain(more).flat_map(|calls| calls.iter().copied()).collect()
}

/// What ends the process: nothing in our programs calls it, so whoever does has taken it over.
pub(crate) fn deadly(role: Role) -> Vec<Call> {
    let more = match role {
        Role::Secure => NEW_PROCESSES,
        Role::Net | Role::Ui => &[],
    };
    [DEADLY, DEADLY_HERE, more].iter().flat_map(|calls| calls.iter().copied()).collect()
}

/// What is answered as if the kernel were too old, so that the C library takes the older call,
/// whose arguments can be filtered.
pub(crate) fn unknown(role: Role) -> Vec<Call> {
    match role {
        Role::Secure => vec![],
        Role::Net | Role::Ui => vec![any(libc::SYS_clone3)],
    }
}

const fn any(number: c_long) -> Call {
    Call { number, when: &[] }
}

const fn only(number: c_long, when: &'static [&'static [When]]) -> Call {
    Call { number, when }
}

const COMMON: &[Call] = &[
    // Descriptors that are open already.
    any(libc::SYS_read),
    any(libc::SYS_write),
    any(libc::SYS_readv),
    any(libc::SYS_writev),
    any(libc::SYS_pread64),
    any(libc::SYS_pwrite64),
    any(libc::SYS_preadv),
    any(libc::SYS_pwritev),
    any(libc::SYS_lseek),
    any(libc::SYS_close),
    any(libc::SYS_dup),
    any(libc::SYS_dup3),
    any(libc::SYS_pipe2),
    any(libc::SYS_ppoll),
    any(libc::SYS_pselect6),
    only(
        libc::SYS_fcntl,
        &[
            &[Int(1, libc::F_DUPFD)],
            &[Int(1, libc::F_DUPFD_CLOEXEC)],
            &[Int(1, libc::F_GETFD)],
            &[Int(1, libc::F_SETFD)],
            &[Int(1, libc::F_GETFL)],
            &[Int(1, libc::F_SETFL)],
            &[Int(1, libc::F_GETLK)],
            &[Int(1, libc::F_SETLK)],
            &[Int(1, libc::F_SETLKW)],
            &[Int(1, libc::F_OFD_GETLK)],
            &[Int(1, libc::F_OFD_SETLK)],
            &[Int(1, libc::F_ADD_SEALS)],
            &[Int(1, libc::F_GET_SEALS)],
        ],
    ),
    // Files, as far as Landlock lets them be opened.
    any(libc::SYS_openat),
    any(libc::SYS_fstat),
    any(libc::SYS_newfstatat),
    any(libc::SYS_statx),
    any(libc::SYS_statfs),
    any(libc::SYS_fstatfs),
    any(libc::SYS_faccessat),
    any(libc::SYS_faccessat2),
    any(libc::SYS_readlinkat),
    any(libc::SYS_getdents64),
    any(libc::SYS_getcwd),
    any(libc::SYS_unlinkat),
    any(libc::SYS_renameat),
    any(libc::SYS_renameat2),
    any(libc::SYS_mkdirat),
    any(libc::SYS_ftruncate),
    any(libc::SYS_fallocate),
    any(libc::SYS_fadvise64),
    any(libc::SYS_fsync),
    any(libc::SYS_fdatasync),
    any(libc::SYS_fchmod),
    any(libc::SYS_fchown),
    any(libc::SYS_flock),
    any(libc::SYS_umask),
    // Memory.
    any(libc::SYS_munmap),
    any(libc::SYS_mremap),
    any(libc::SYS_madvise),
    any(libc::SYS_msync),
    any(libc::SYS_mlock),
    any(libc::SYS_mlock2),
    any(libc::SYS_munlock),
    any(libc::SYS_brk),
    // The thread itself.
    any(libc::SYS_rt_sigaction),
    any(libc::SYS_rt_sigprocmask),
    any(libc::SYS_rt_sigreturn),
    any(libc::SYS_sigaltstack),
    any(libc::SYS_restart_syscall),
    any(libc::SYS_futex),
    any(libc::SYS_set_robust_list),
    any(libc::SYS_set_tid_address),
    any(libc::SYS_rseq),
    any(libc::SYS_sched_yield),
    any(libc::SYS_sched_getaffinity),
    any(libc::SYS_getcpu),
    any(libc::SYS_exit),
    any(libc::SYS_exit_group),
    only(libc::SYS_tgkill, &[&[OwnProcess(0)]]),
    only(libc::SYS_prlimit64, &[&[Int(0, 0), Null(2)]]),
    only(
        libc::SYS_prctl,
        &[
            &[Int(0, libc::PR_SET_NAME)],
            &[Int(0, libc::PR_GET_NAME)],
            &[Int(0, libc::PR_SET_VMA)],
            &[Int(0, libc::PR_GET_DUMPABLE)],
            &[Int(0, libc::PR_SET_DUMPABLE), Null(1)],
            &[Int(0, libc::PR_GET_NO_NEW_PRIVS)],
            &[Int(0, libc::PR_SET_NO_NEW_PRIVS)],
            &[Int(0, libc::PR_GET_SECCOMP)],
        ],
    ),
    // Installs the last filter; that filter then makes it deadly.
    any(libc::SYS_seccomp),
    // Time, randomness, who am I.
    any(libc::SYS_clock_gettime),
    any(libc::SYS_clock_getres),
    any(libc::SYS_clock_nanosleep),
    any(libc::SYS_nanosleep),
    any(libc::SYS_gettimeofday),
    any(libc::SYS_getrandom),
    any(libc::SYS_getpid),
    any(libc::SYS_getppid),
    any(libc::SYS_gettid),
    any(libc::SYS_getuid),
    any(libc::SYS_geteuid),
    any(libc::SYS_getgid),
    any(libc::SYS_getegid),
    any(libc::SYS_getresuid),
    any(libc::SYS_getresgid),
    any(libc::SYS_uname),
    any(libc::SYS_sysinfo),
    any(libc::SYS_getrusage),
    any(libc::SYS_times),
    // Sockets that are open already.
    any(libc::SYS_recvmsg),
    any(libc::SYS_recvfrom),
    any(libc::SYS_sendmsg),
    any(libc::SYS_shutdown),
    any(libc::SYS_getsockopt),
    any(libc::SYS_getsockname),
    any(libc::SYS_getpeername),
];

const SECURE: &[Call] = &[
    // A new vault appears under its name by a link; Landlock keeps it in its folder.
    any(libc::SYS_linkat),
    only(libc::SYS_sendto, &[&[Null(4)]]),
    only(libc::SYS_setsockopt, &[&[Int(1, libc::SOL_SOCKET)]]),
    only(libc::SYS_ioctl, PLAIN_CONTROLS),
    any(libc::SYS_memfd_secret),
];

const NET: &[Call] = &[
    only(
        libc::SYS_socket,
        &[
            &[Int(0, libc::AF_INET), kind(libc::SOCK_STREAM), Int(2, 0)],
            &[Int(0, libc::AF_INET), kind(libc::SOCK_STREAM), Int(2, libc::IPPROTO_TCP)],
            &[Int(0, libc::AF_INET), kind(libc::SOCK_DGRAM), Int(2, 0)],
            &[Int(0, libc::AF_INET), kind(libc::SOCK_DGRAM), Int(2, libc::IPPROTO_UDP)],
            &[Int(0, libc::AF_INET6), kind(libc::SOCK_STREAM), Int(2, 0)],
            &[Int(0, libc::AF_INET6), kind(libc::SOCK_STREAM), Int(2, libc::IPPROTO_TCP)],
            &[Int(0, libc::AF_INET6), kind(libc::SOCK_DGRAM), Int(2, 0)],
            &[Int(0, libc::AF_INET6), kind(libc::SOCK_DGRAM), Int(2, libc::IPPROTO_UDP)],
        ],
    ),
    // How tokio wakes itself for signals. A stream pair has its peer; a datagram pair could still
    // be sent elsewhere.
    only(libc::SYS_socketpair, &[&[Int(0, libc::AF_UNIX), kind(libc::SOCK_STREAM)]]),
    any(libc::SYS_connect),
    any(libc::SYS_bind),
    any(libc::SYS_sendto),
    any(libc::SYS_setsockopt),
    only(libc::SYS_ioctl, PLAIN_CONTROLS),
    any(libc::SYS_memfd_secret),
];

const UI: &[Call] = &[
    only(libc::SYS_socket, &[&[Int(0, libc::AF_UNIX)]]),
    only(libc::SYS_socketpair, &[&[Int(0, libc::AF_UNIX)]]),
    any(libc::SYS_connect),
    any(libc::SYS_sendto),
    any(libc::SYS_setsockopt),
    // Graphics drivers have hundreds of device controls; Landlock keeps them to their devices.
    any(libc::SYS_ioctl),
    // Shader compilers and software rasterisers write code and run it.
    any(libc::SYS_mmap),
    any(libc::SYS_mprotect),
    any(libc::SYS_memfd_create),
    any(libc::SYS_shmget),
    any(libc::SYS_shmat),
    any(libc::SYS_shmdt),
    any(libc::SYS_shmctl),
    any(libc::SYS_sched_setaffinity),
    any(libc::SYS_sched_getparam),
    any(libc::SYS_sched_getscheduler),
    any(libc::SYS_sched_get_priority_max),
    any(libc::SYS_sched_get_priority_min),
    // Mesa compares its own descriptors.
    only(libc::SYS_kcmp, &[&[OwnProcess(0), OwnProcess(1)]]),
];

const THREADS: &[Call] = &[
    only(libc::SYS_clone, &[&[Bits(0, libc::CLONE_THREAD | NEW_NAMESPACES, libc::CLONE_THREAD)]]),
    any(libc::SYS_membarrier),
];

const EVENTS: &[Call] = &[
    any(libc::SYS_epoll_create1),
    any(libc::SYS_epoll_ctl),
    any(libc::SYS_epoll_pwait),
    any(libc::SYS_epoll_pwait2),
    any(libc::SYS_eventfd2),
    any(libc::SYS_timerfd_create),
    any(libc::SYS_timerfd_settime),
    any(libc::SYS_timerfd_gettime),
    any(libc::SYS_sendmmsg),
    any(libc::SYS_recvmmsg),
];

const NO_EXECUTABLE_MEMORY: &[Call] = &[
    only(libc::SYS_mmap, &[&[Bits(2, libc::PROT_EXEC, 0)]]),
    only(libc::SYS_mprotect, &[&[Bits(2, libc::PROT_EXEC, 0)]]),
];

const PLAIN_CONTROLS: &[&[When]] =
    &[&[Int(1, FIONBIO)], &[Int(1, FIOCLEX)], &[Int(1, FIONREAD)], &[Int(1, TCGETS)]];

// The C library types request numbers differently for each system; the kernel reads an int.
const FIONBIO: c_int = 0x5421;
const FIOCLEX: c_int = 0x5451;
const FIONREAD: c_int = 0x541b;
const TCGETS: c_int = 0x5401;
const TIOCSTI: c_int = 0x5412;
const TIOCLINUX: c_int = 0x541c;

const fn kind(kind: c_int) -> When {
    Bits(1, 0xf, kind)
}

const NEW_NAMESPACES: c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Deadly where not even a thread may start.
#[cfg(target_arch = "x86_64")]
const NEW_PROCESSES: &[Call] =
    &[any(libc::SYS_clone), any(libc::SYS_clone3), any(libc::SYS_fork), any(libc::SYS_vfork)];

#[cfg(not(target_arch = "x86_64"))]
const NEW_PROCESSES: &[Call] = &[any(libc::SYS_clone), any(libc::SYS_clone3)];

const DEADLY: &[Call] = &[
    any(libc::SYS_execve),
    any(libc::SYS_execveat),
    // Reaching into other processes.
    any(libc::SYS_ptrace),
    any(libc::SYS_process_vm_readv),
    any(libc::SYS_process_vm_writev),
    any(libc::SYS_pidfd_getfd),
    only(libc::SYS_kcmp, &[&[OtherProcess(0)], &[OtherProcess(1)]]),
    // Large parts of the kernel that go around the other rules.
    any(libc::SYS_io_uring_setup),
    any(libc::SYS_io_uring_enter),
    any(libc::SYS_io_uring_register),
    any(libc::SYS_bpf),
    any(libc::SYS_perf_event_open),
    any(libc::SYS_userfaultfd),
    any(libc::SYS_keyctl),
    any(libc::SYS_add_key),
    any(libc::SYS_request_key),
    any(libc::SYS_open_by_handle_at),
    any(libc::SYS_fanotify_init),
    any(libc::SYS_seccomp),
    // Changing the world that Landlock's rules were written for.
    any(libc::SYS_unshare),
    any(libc::SYS_setns),
    any(libc::SYS_mount),
    any(libc::SYS_umount2),
    any(libc::SYS_pivot_root),
    any(libc::SYS_chroot),
    any(libc::SYS_move_mount),
    any(libc::SYS_open_tree),
    any(libc::SYS_fsopen),
    any(libc::SYS_fsconfig),
    any(libc::SYS_fsmount),
    any(libc::SYS_fspick),
    any(libc::SYS_mount_setattr),
    // The machine.
    any(libc::SYS_init_module),
    any(libc::SYS_finit_module),
    any(libc::SYS_delete_module),
    any(libc::SYS_kexec_load),
    any(libc::SYS_reboot),
    any(libc::SYS_swapon),
    any(libc::SYS_swapoff),
    any(libc::SYS_acct),
    any(libc::SYS_clock_settime),
    any(libc::SYS_settimeofday),
    any(libc::SYS_sethostname),
    any(libc::SYS_setdomainname),
    // Undoing step 1.
    any(libc::SYS_personality),
    only(
        libc::SYS_prctl,
        &[
            &[Int(0, libc::PR_SET_DUMPABLE), NotNull(1)],
            &[Int(0, libc::PR_SET_PTRACER)],
            &[Int(0, libc::PR_SET_MM)],
        ],
    ),
    // Typing into somebody's terminal.
    only(libc::SYS_ioctl, &[&[Int(1, TIOCSTI)], &[Int(1, TIOCLINUX)]]),
];

/// Calls of one processor family: what newer families left out.
#[cfg(target_arch = "x86_64")]
const OLD: &[Call] = &[
    any(libc::SYS_open),
    any(libc::SYS_stat),
    any(libc::SYS_lstat),
    any(libc::SYS_access),
    any(libc::SYS_readlink),
    any(libc::SYS_unlink),
    any(libc::SYS_rename),
    any(libc::SYS_mkdir),
    any(libc::SYS_poll),
    any(libc::SYS_select),
    any(libc::SYS_epoll_wait),
    any(libc::SYS_dup2),
    any(libc::SYS_pipe),
    any(libc::SYS_time),
    any(libc::SYS_getrlimit),
];

#[cfg(not(target_arch = "x86_64"))]
const OLD: &[Call] = &[];

#[cfg(target_arch = "x86_64")]
const DEADLY_HERE: &[Call] = &[
    any(libc::SYS_iopl),
    any(libc::SYS_ioperm),
    any(libc::SYS_modify_ldt),
    any(libc::SYS_kexec_file_load),
];

#[cfg(not(target_arch = "x86_64"))]
const DEADLY_HERE: &[Call] = &[];
