//! What the machine must have beside Rust: named, installed where that is allowed.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::{During, Trouble};

/// What a package is needed for.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To build anything.
    Build,
    /// To open a window.
    Window,
    /// To run the tests.
    Tests,
}

/// How to see that a package is there, whoever installed it.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// A program in one of the folders of `PATH`.
    Program(&'static str),
    /// A shared library that the loader knows.
    Library(&'static str),
    /// A file or folder.
    File(&'static str),
}

/// Sees to it that everything for these purposes is there.
///
/// # Errors
/// When something is missing and may not be installed: the words have the line to run.
pub(crate) fn ready(purposes: &[Purpose]) -> Result<(), Trouble> {
    let missing = missing(purposes);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().copied().collect();
    let line = names.join(" ");
    eprintln!("missing system packages: {line}");
    let Some(mut words) = installer() else {
        return Err(Trouble::new(format!(
            "install them first, then run this again:\n  sudo apt-get install {line}"
        )));
    };
    eprintln!("installing them with apt");
    // Package lists may be old or absent; when they cannot be renewed the installation will say so.
    let _ = apt(&words, &["update", "-q"]);
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive"].map(str::to_owned));
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    let installed = apt(&words, &[&install[..], &names].concat())?;
    if !installed {
        return Err(Trouble::new(format!("apt could not install: {line}")));
    }
    Ok(())
}

/// Is there a display to open a window on?
///
/// # Errors
/// When there is none: the words have the two ways on.
pub(crate) fn display() -> Result<(), Trouble> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("DISPLAY") || set("WAYLAND_DISPLAY") {
        return Ok(());
    }
    Err(Trouble::new(
        "there is no display here. Without windows:\n  cargo xtask demo --headless\n\
         or on an invisible display:\n  xvfb-run -a -s '-screen 0 1600x900x24' cargo xtask demo",
    ))
}

fn missing(purposes: &[Purpose]) -> BTreeSet<&'static str> {
    let libraries = output("ldconfig", &["-p"]).or_else(|| output("/sbin/ldconfig", &["-p"]));
    let libraries = libraries.unwrap_or_default();
    let there = |sign| match sign {
        Sign::Program(name) => on_path(name),
        Sign::Library(name) => libraries.contains(name),
        Sign::File(path) => Path::new(path).exists(),
    };
    PACKAGES
        .iter()
        .filter(|(purpose, _, sign)| purposes.contains(purpose) && !there(*sign))
        .map(|(_, package, _)| *package)
        .collect()
}

/// The words that stand before an apt command that may install: none as root, `sudo -n` where
/// that asks for no password, nothing at all elsewhere.
fn installer() -> Option<Vec<String>> {
    if !on_path("apt-get") {
        return None;
    }
    if rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    let asked = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let may = asked.is_ok_and(|status| status.success());
    may.then(|| vec!["sudo".to_owned(), "-n".to_owned()])
}

fn apt(before: &[String], args: &[&str]) -> Result<bool, Trouble> {
    let mut words = before.iter().map(String::as_str).chain(["apt-get"]);
    let program = words.next().during("no program")?;
    let mut command = Command::new(program);
    command.args(words).args(args).stdin(Stdio::null());
    if !std::io::stderr().is_terminal() {
        command.stdout(Stdio::null());
    }
    let status = command.status().during("running apt-get")?;
    Ok(status.success())
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(Into::into);
    std::env::split_paths(&path).chain(system).any(|folder| folder.join(program).is_file())
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Purpose, Debian package, and what it brings.
const PACKAGES: &[(Purpose, &str, Sign)] = &[
    (Purpose::Build, "gcc", Sign::Program("cc")),
    (Purpose::Build, "libc6-dev", Sign::File("/usr/include/stdlib.h")),
    (Purpose::Window, "libgl1", Sign::Library("libGL.so.1")),
    (Purpose::Window, "libegl1", Sign::Library("libEGL.so.1")),
    (Purpose::Window, "libgl1-mesa-dri", Sign::Library("libGLX_mesa.so.0")),
    (Purpose::Window, "libglx-mesa0", Sign::Library("libGLX_mesa.so.0")),
    (Purpose::Window, "libegl-mesa0", Sign::Library("libEGL_mesa.so.0")),
    (Purpose::Window, "libx11-6", Sign::Library("libX11.so.6")),
    (Purpose::Window, "libx11-xcb1", Sign::Library("libX11-xcb.so.1")),
    (Purpose::Window, "libxcursor1", Sign::Library("libXcursor.so.1")),
    (Purpose::Window, "libxi6", Sign::Library("libXi.so.6")),
    (Purpose::Window, "libxrandr2", Sign::Library("libXrandr.so.2")),
    (Purpose::Window, "libxkbcommon0", Sign::Library("libxkbcommon.so.0")),
    (Purpose::Window, "libxkbcommon-x11-0", Sign::Library("libxkbcommon-x11.so.0")),
    (Purpose::Window, "libfontconfig1", Sign::Library("libfontconfig.so.1")),
    (Purpose::Window, "fontconfig-config", Sign::File("/etc/fonts/fonts.conf")),
    (Purpose::Tests, "xvfb", Sign::Program("Xvfb")),
    (Purpose::Tests, "xdotool", Sign::Program("xdotool")),
    (Purpose::Tests, "strace", Sign::Program("strace")),
    (Purpose::Tests, "iproute2", Sign::Program("ip")),
    (Purpose::Tests, "libvulkan1", Sign::Library("libvulkan.so.1")),
    (Purpose::Tests, "mesa-vulkan-drivers", Sign::File("/usr/share/vulkan/icd.d")),
    (Purpose::Tests, "fonts-noto-core", Sign::File("/usr/share/fonts/truetype/noto")),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `XTASK-02`
    #[test]
    fn a_program_on_the_path_is_found_and_another_is_not() {
        assert!(on_path("sh"));
        assert!(!on_path("no-such-program-anywhere"));
    }
}
