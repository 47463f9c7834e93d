//! What a probe finds around it: a folder of its own, files of others, listeners, a victim.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::table::Answer;

pub(crate) const ROLES: [&str; 3] = ["secure", "net", "ui"];

/// As whom the probes run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum User {
    /// We are root, and so are they.
    Root,
    /// We are root; they are `nobody`.
    Nobody,
    /// We are not root, and they are who we are.
    Ourselves,
}

/// Root tests both halves. Anybody else tests one and says so; in CI that is a failure, because
/// there the other half runs as root.
pub(crate) fn users() -> Vec<User> {
    if rustix::process::geteuid().is_root() {
        return vec![User::Root, User::Nobody];
    }
    assert!(std::env::var_os("CI").is_none(), "not run: needs root");
    println!("not run: needs root");
    vec![User::Ourselves]
}

/// One user's scene; everything goes when it is dropped.
pub(crate) struct World {
    user: User,
    folder: TempDir,
    program: PathBuf,
    arguments: Vec<String>,
    victim: Process,
    _listeners: (TcpListener, UdpSocket, UnixListener, UnixListener),
}

impl World {
    pub(crate) fn new(user: User) -> Self {
        let folder = tempfile::Builder::new().prefix("sotto-privilege-").tempdir().unwrap();
        let base = folder.path();
        open_up(base);
        // The folder of the build may be closed to `nobody`.
        let program = base.join("sandbox-probe");
        // Another program copies: a child of a parallel test could inherit our descriptor for
        // writing, and nobody can start a file that is being written.
        let copied = Command::new("cp").arg(probe_program()).arg(&program).status();
        assert!(copied.unwrap().success(), "the probe cannot be copied");

        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(base.join("socket")).unwrap();
        open_up(&base.join("socket"));
        let name = format!("{}-abstract", base.display());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let hidden = UnixListener::bind_addr(&address).unwrap();

        let mut victim = Process::start(command(user, &program).arg("victim"));
        let line = victim.line();
        let (number, address) = line.split_once(' ').expect("the victim says where it is");
        assert_eq!(number, victim.number().to_string());
        let arguments = vec![
            format!("address={address}"),
            format!("tcp={}", tcp.local_addr().unwrap().port()),
            format!("udp={}", udp.local_addr().unwrap().port()),
            format!("unix={}", base.join("socket").display()),
            format!("abstract={name}"),
        ];
        Self { user, program, arguments, victim, _listeners: (tcp, udp, unix, hidden), folder }
    }

    /// Runs one probe as `role` in fresh folders.
    pub(crate) fn probe(&self, role: &str, probe: &str) -> Answer {
        self.probe_against(role, probe, self.victim.number())
    }

    pub(crate) fn probe_against(&self, role: &str, probe: &str, victim: u32) -> Answer {
        let (_scene, mut command) = self.command(role, probe, victim);
        answer(&command.stdin(Stdio::null()).output().unwrap(), role, probe)
    }

    /// What the role reports about its own confinement.
    pub(crate) fn level(&self, role: &str) -> String {
        let (_scene, mut command) = self.command(role, "environment", self.victim.number());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("level ")).unwrap_or("no level").to_owned()
    }

    /// Starts a process that locks itself down and then waits until it is dropped.
    pub(crate) fn wait_locked_down(&self, role: &str) -> Process {
        let (scene, mut command) = self.command(role, "wait", self.victim.number());
        let mut process = Process::start(&mut command);
        assert!(process.line().starts_with("level "));
        assert_eq!(process.line(), "ready");
        process.scene = Some(scene);
        process
    }

    pub(crate) fn command(&self, role: &str, probe: &str, victim: u32) -> (TempDir, Command) {
        let scene = self.scene();
        let mut command = command(self.user, &self.program);
        // Whoever started the test may have left descriptors open, which must not reach the probe.
        command.arg("cleanly").arg(&self.program);
        command.args([role, probe]).args(&self.arguments).arg(format!("victim={victim}"));
        for name in ["own", "others"] {
            command.arg(format!("{name}={}", scene.path().join(name).display()));
        }
        (scene, command)
    }

    /// The same command with a redirection, which needs a shell where there is no unsafe code.
    pub(crate) fn shell(&self, inner: &Command, redirection: &str) -> Command {
        let mut shell = command(self.user, &self.program);
        shell.args(["cleanly", "/bin/sh", "-c"]);
        shell.arg(format!("exec \"$@\" {redirection}")).arg("sh").args(inner.get_args().skip(1));
        shell
    }

    fn scene(&self) -> TempDir {
        let scene = tempfile::tempdir_in(self.folder.path()).unwrap();
        open_up(scene.path());
        for folder in ["own", "others"] {
            fs::create_dir(scene.path().join(folder)).unwrap();
        }
        for file in ["secret", "doomed", "doomed-too", "moveable"] {
            fs::write(scene.path().join("others").join(file), "secret").unwrap();
        }
        for path in ["own", "others", "others/secret", "others/doomed", "others/doomed-too"] {
            self.give(&scene.path().join(path));
        }
        self.give(&scene.path().join("others/moveable"));
        scene
    }

    fn give(&self, path: &Path) {
        if self.user == User::Nobody {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

/// A process of the scene; ends when it is dropped.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    scene: Option<TempDir>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, scene: None }
    }

    pub(crate) fn number(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Everything it still says, until all who hold its output are gone.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A file of its folder under `/proc`.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.number())).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn answer(output: &Output, role: &str, probe: &str) -> Answer {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    if output.status.signal() == Some(SIGSYS) {
        return Answer::Killed;
    }
    match output.status.code() {
        Some(0) if last == "done" => Answer::Done,
        Some(0) => match last.strip_prefix("refused ").map(str::parse) {
            Some(Ok(number)) => Answer::Refused(number),
            _ => Answer::Odd,
        },
        Some(status) => {
            println!("{role} {probe}: {text}{}", String::from_utf8_lossy(&output.stderr));
            Answer::Ended(status)
        }
        None => Answer::Odd,
    }
}

fn command(user: User, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if user == User::Nobody {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn open_up(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
}

/// Builds the probe, which is an example of `sandbox-io` and so never part of the product.
fn probe_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let profile = own.parent().and_then(Path::parent).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--package", "sandbox-io", "--example", "sandbox-probe"])
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "sandbox-probe does not build");
        profile.join("examples/sandbox-probe")
    })
}

const NOBODY: u32 = 65534;
const SIGSYS: i32 = 31;
