//! The table. `sandbox-probe` of `sandbox-io` knows the probes by these names.

use crate::world::User;

/// How a probe went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// It succeeded.
    Done,
    /// The kernel refused it with this error number.
    Refused(i32),
    /// It was killed by SIGSYS: a security event.
    Killed,
    /// The process ended with this status before it tried.
    Ended(i32),
    /// Something else, for example another signal.
    Odd,
}

/// Which users can do it when they are not confined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Needs {
    Anybody,
    Root,
}

impl Needs {
    pub(crate) fn runs_as(self, user: User) -> bool {
        self == Self::Anybody || user == User::Root
    }
}

pub(crate) struct Row {
    pub(crate) probe: &'static str,
    pub(crate) user: Needs,
    /// Of `secure`, `net`, `ui`.
    pub(crate) answers: [Answer; 3],
}

const fn row(probe: &'static str, answers: [Answer; 3]) -> Row {
    Row { probe, user: Needs::Anybody, answers }
}

/// Only root can do this even without confinement, so only root's run has a control.
const fn root(probe: &'static str, answers: [Answer; 3]) -> Row {
    Row { probe, user: Needs::Root, answers }
}

const YES: Answer = Answer::Done;
const KILL: Answer = Answer::Killed;
/// Landlock, of links: from one folder to another.
const XDEV: Answer = Answer::Refused(18);
/// Not on the list of system calls, or with arguments that are not.
const PERM: Answer = Answer::Refused(1);
/// Landlock.
const ACCES: Answer = Answer::Refused(13);
/// As if the kernel were too old.
const NOSYS: Answer = Answer::Refused(38);
/// No such name in this network namespace.
const CONNREFUSED: Answer = Answer::Refused(111);
/// The page is locked, but root could read it.
const NOT_SECRET: Answer = Answer::Refused(0);

pub(crate) const ROWS: &[Row] = &[
    // Network.
    row("tcp-connect", [PERM, YES, PERM]),
    row("tcp-listen", [PERM, ACCES, PERM]),
    row("tcp-listen-unbound", [PERM, PERM, PERM]),
    row("udp-send", [PERM, YES, PERM]),
    row("inet6-socket", [PERM, YES, PERM]),
    row("unix-connect", [PERM, PERM, YES]),
    row("abstract-connect", [PERM, PERM, CONNREFUSED]),
    row("socket-pair", [PERM, YES, YES]),
    row("datagram-pair", [PERM, PERM, YES]),
    row("netlink-socket", [PERM, PERM, PERM]),
    row("vsock-socket", [PERM, PERM, PERM]),
    root("raw-socket", [PERM, PERM, PERM]),
    root("packet-socket", [PERM, PERM, PERM]),
    // Programs, processes, threads.
    row("exec", [KILL, KILL, KILL]),
    row("exec-at", [KILL, KILL, KILL]),
    row("start-program", [KILL, PERM, PERM]),
    row("fork", [KILL, PERM, PERM]),
    #[cfg(target_arch = "x86_64")]
    row("old-fork", [KILL, PERM, PERM]),
    row("clone-process", [KILL, PERM, PERM]),
    row("clone-user-namespace", [KILL, PERM, PERM]),
    row("clone3", [KILL, NOSYS, NOSYS]),
    row("thread", [KILL, YES, YES]),
    // Files of others.
    row("read-file", [ACCES, ACCES, ACCES]),
    row("write-file", [ACCES, ACCES, ACCES]),
    row("create-file", [ACCES, ACCES, ACCES]),
    row("create-file-in-tmp", [ACCES, ACCES, ACCES]),
    row("list-folder", [ACCES, ACCES, ACCES]),
    row("remove-file", [ACCES, ACCES, ACCES]),
    row("make-folder", [ACCES, ACCES, ACCES]),
    row("move-out", [ACCES, ACCES, ACCES]),
    row("move-in", [ACCES, ACCES, ACCES]),
    row("link-in", [XDEV, PERM, PERM]),
    row("symbolic-link", [PERM, PERM, PERM]),
    row("read-through-link", [ACCES, ACCES, ACCES]),
    row("truncate-file", [PERM, PERM, PERM]),
    row("change-mode", [PERM, PERM, PERM]),
    row("change-owner", [PERM, PERM, PERM]),
    row("make-pipe", [PERM, PERM, PERM]),
    root("make-device", [PERM, PERM, PERM]),
    row("read-user-list", [ACCES, ACCES, ACCES]),
    root("read-password-list", [ACCES, ACCES, ACCES]),
    row("watch-folder", [PERM, PERM, PERM]),
    // Reaching into other processes.
    row("trace", [KILL, KILL, KILL]),
    row("be-traced", [KILL, KILL, KILL]),
    row("read-memory", [KILL, KILL, KILL]),
    row("write-memory", [KILL, KILL, KILL]),
    row("memory-file", [ACCES, ACCES, ACCES]),
    row("environment-file", [ACCES, ACCES, ACCES]),
    row("own-memory-file", [ACCES, ACCES, ACCES]),
    row("open-process", [PERM, PERM, PERM]),
    row("take-descriptor", [KILL, KILL, KILL]),
    row("compare", [KILL, KILL, KILL]),
    row("signal", [PERM, PERM, PERM]),
    row("signal-thread", [PERM, PERM, PERM]),
    row("signal-queue", [PERM, PERM, PERM]),
    row("signal-by-descriptor", [PERM, PERM, PERM]),
    row("limits", [PERM, PERM, PERM]),
    row("priority", [PERM, PERM, PERM]),
    // Executable memory, and memory that others reach.
    row("map-executable", [PERM, PERM, YES]),
    row("make-executable", [PERM, PERM, YES]),
    row("make-executable-by-key", [PERM, PERM, PERM]),
    row("map-executable-file", [PERM, PERM, YES]),
    row("memory-file-descriptor", [PERM, PERM, YES]),
    row("shared-memory", [PERM, PERM, YES]),
    row("read-implies-execute", [KILL, KILL, KILL]),
    // Around the other rules.
    row("io-uring", [KILL, KILL, KILL]),
    row("new-user-namespace", [KILL, KILL, KILL]),
    root("new-network-namespace", [KILL, KILL, KILL]),
    root("enter-namespace", [KILL, KILL, KILL]),
    root("mount", [KILL, KILL, KILL]),
    root("change-root", [KILL, KILL, KILL]),
    root("host-name", [KILL, KILL, KILL]),
    root("open-by-handle", [KILL, KILL, KILL]),
    root("bpf", [KILL, KILL, KILL]),
    row("performance-counter", [KILL, KILL, KILL]),
    row("user-faults", [KILL, KILL, KILL]),
    row("key-ring", [KILL, KILL, KILL]),
    row("add-key", [KILL, KILL, KILL]),
    root("watch-everything", [KILL, KILL, KILL]),
    #[cfg(target_arch = "x86_64")]
    row("old-call-gate", [KILL, KILL, KILL]),
    root("type-into-terminal", [KILL, KILL, KILL]),
    row("semaphore", [PERM, PERM, PERM]),
    row("change-user", [PERM, PERM, PERM]),
    // Undoing the lock-down.
    row("become-dumpable", [KILL, KILL, KILL]),
    row("core-limit", [PERM, PERM, PERM]),
    row("another-filter", [KILL, KILL, KILL]),
    // What everybody needs.
    row("own-store", [YES, YES, YES]),
    row("own-sockets", [YES, YES, YES]),
    row("randomness", [YES, YES, YES]),
    row("key-page", [YES, YES, NOT_SECRET]),
];
