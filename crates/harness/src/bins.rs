//! The binaries of this run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{During, Space, Trouble};

/// The folder with the binaries of this run.
#[derive(Debug, Clone)]
pub struct Bins {
    dir: PathBuf,
    /// The file of the network namespace that they run in, if it is not ours.
    space: Option<PathBuf>,
}

impl Bins {
    /// The binaries beside the running test, built first when `SOTTO_BIN` does not name a folder
    /// where they lie already.
    ///
    /// # Errors
    /// When they cannot be built.
    pub fn of_this_run() -> Result<Self, Trouble> {
        if let Some(dir) = std::env::var_os("SOTTO_BIN") {
            return Self::in_folder(Path::new(&dir));
        }
        let exe = std::env::current_exe().during("finding the running test")?;
        let release = exe.iter().any(|part| part == OsStr::new("release"));
        Self::build(release)
    }

    /// Takes the binaries that lie in a folder.
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn in_folder(dir: &Path) -> Result<Self, Trouble> {
        for name in NAMES {
            if !dir.join(name).is_file() {
                let dir = dir.display();
                return Err(Trouble::new(format!("{name} is not in {dir}; build it first")));
            }
        }
        let dir = dir.canonicalize().during("the folder of the binaries")?;
        Ok(Self { dir, space: None })
    }

    /// Builds all binaries with cargo; its words go to standard error.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(release: bool) -> Result<Self, Trouble> {
        let mut args: Vec<&str> = PACKAGES.iter().flat_map(|it| ["-p", *it]).collect();
        if release {
            args.push("--release");
        }
        Self::build_with(&args)
    }

    /// Builds the whole workspace, tests and all, so that tests and binaries share every
    /// dependency.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build_workspace() -> Result<Self, Trouble> {
        Self::build_with(&["--workspace", "--all-targets"])
    }

    fn build_with(args: &[&str]) -> Result<Self, Trouble> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let out = Command::new(cargo)
            .arg("build")
            .args(args)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace())
            .stderr(Stdio::inherit())
            .output()
            .during("running cargo build")?;
        if !out.status.success() {
            return Err(Trouble::new("the build failed; its errors stand above"));
        }
        let text = String::from_utf8_lossy(&out.stdout);
        let launcher = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
            .find(|path| path.file_name() == Some(OsStr::new("sotto")))
            .during("cargo build named no binary `sotto`")?;
        let dir = launcher.parent().during("the binary lies in no folder")?;
        Self::in_folder(dir)
    }

    /// The same, to be run on a machine of their own.
    #[must_use]
    pub fn inside(&self, space: &Space) -> Self {
        Self { space: Some(space.path()), ..self.clone() }
    }

    /// Where they are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of one.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A command that runs one.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let Some(space) = &self.space else {
            return Command::new(self.path(name));
        };
        // It leaves nothing of itself in the program: the same process, and no descriptor.
        let mut command = Command::new("nsenter");
        let mut net = OsString::from("--net=");
        net.push(space);
        command.arg(net).arg("--").arg(self.path(name));
        command
    }
}

/// The root of the workspace.
#[must_use]
pub(crate) fn workspace() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

const PACKAGES: [&str; 8] =
    ["launcher", "secure-proc", "net-proc", "ui-proc", "cli", "member", "relay", "xtask"];
const NAMES: [&str; 7] =
    ["sotto", "secure-proc", "net-proc", "ui-proc", "sotto-cli", "sotto-member", "sotto-relay"];
