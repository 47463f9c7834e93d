use std::path::{Path, PathBuf};

/// What a role may open, beneath which everything else is closed to it.
///
/// Folders must exist when [`confine`](crate::confine) is called. A path for reading that does
/// not exist is left out; a folder for writing that cannot be opened is reported as
/// [`Lack::Folder`](crate::Lack::Folder).
#[derive(Clone, Debug, Default)]
pub struct Paths {
    pub(crate) write: Vec<PathBuf>,
    pub(crate) read: Vec<PathBuf>,
    pub(crate) devices: Vec<PathBuf>,
}

impl Paths {
    /// For `secure-proc`: it writes its vault folder, and reads nothing else but randomness.
    pub fn secure(vault: &Path) -> Self {
        Self { write: vec![vault.to_path_buf()], read: vec![RANDOMNESS.into()], devices: vec![] }
    }

    /// For `net-proc`: it writes its cache folder, and reads how names are resolved.
    pub fn net(cache: &Path) -> Self {
        let mut read: Vec<PathBuf> = RESOLVER.iter().map(PathBuf::from).collect();
        // Network services replace this file by a new one, so the rule must hold the folder that
        // they write to. Only theirs: the file may as well lie in /etc, or anywhere.
        if let Ok(target) = std::fs::canonicalize("/etc/resolv.conf")
            && let Some(folder) = target.parent()
            && folder.starts_with("/run")
            && folder != Path::new("/run")
        {
            read.push(folder.to_path_buf());
        }
        Self { write: vec![cache.to_path_buf()], read, devices: vec![] }
    }

    /// For `ui-proc`: it writes its small folder of settings, if it has one, reads system
    /// libraries, fonts, cursors and what graphics drivers look at, and controls graphics
    /// devices. Reads `HOME`, `XAUTHORITY` and `XDG_RUNTIME_DIR`.
    pub fn ui(settings: Option<&Path>) -> Self {
        let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        for variable in ["XAUTHORITY", "XDG_RUNTIME_DIR"] {
            read.extend(std::env::var_os(variable).map(PathBuf::from));
        }
        if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
            read.extend(HOME.iter().map(|part| home.join(part)));
        }
        let mut devices: Vec<PathBuf> = DEVICES.iter().map(PathBuf::from).collect();
        devices.extend(nvidia_devices());
        Self { write: settings.map(Path::to_path_buf).into_iter().collect(), read, devices }
    }

    /// Also lets the role read `path` and everything beneath it.
    #[must_use]
    pub fn and_read(mut self, path: &Path) -> Self {
        self.read.push(path.to_path_buf());
        self
    }

    /// Also lets the role write files in the folder `path`.
    #[must_use]
    pub fn and_write(mut self, path: &Path) -> Self {
        self.write.push(path.to_path_buf());
        self
    }
}

fn nvidia_devices() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/dev") else {
        return vec![];
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia"))
        .map(|entry| entry.path())
        .collect()
}

/// SQLite seeds its generator there, and would fall back to the clock without a word.
const RANDOMNESS: &str = "/dev/urandom";

const RESOLVER: &[&str] = &[
    RANDOMNESS,
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
];

/// Never all of /etc: a window started by root could read the password file there.
const SYSTEM: &[&str] = &[
    "/etc/X11",
    "/etc/drirc",
    "/etc/egl",
    "/etc/fonts",
    "/etc/glvnd",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/vulkan",
    "/gnu/store",
    "/lib",
    "/lib64",
    "/nix/store",
    "/proc/cpuinfo",
    "/proc/driver/nvidia",
    "/proc/meminfo",
    "/run/opengl-driver",
    "/sys/bus/pci",
    "/sys/class/drm",
    "/sys/dev/char",
    "/sys/devices",
    "/tmp/.X11-unix",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/share",
    "/var/cache/fontconfig",
];

const HOME: &[&str] = &[
    ".Xauthority",
    ".XCompose",
    ".cache/fontconfig",
    ".config/fontconfig",
    ".drirc",
    ".fonts",
    ".icons",
    ".local/share/fonts",
    ".local/share/icons",
];

const DEVICES: &[&str] = &["/dev/dri", "/dev/null", "/dev/udmabuf", "/dev/urandom"];
