use std::ffi::OsString;

use crate::Role;

/// The variables that a role keeps, with their values here.
pub(crate) fn kept(role: Role) -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_kept(role, name)).collect()
}

pub(crate) fn is_kept(role: Role, name: &OsString) -> bool {
    let names: &[&str] = match role {
        Role::Secure | Role::Net => &[],
        Role::Ui => KEPT_BY_UI,
    };
    names.iter().any(|kept| name == kept)
}

/// Whether the loader was told to put foreign code into this process before `main`.
pub(crate) fn is_preloaded() -> bool {
    ["LD_PRELOAD", "LD_AUDIT"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Empties the environment except for what the role keeps. The caller has checked that this is
/// the only thread.
pub(crate) fn clear(role: Role) {
    for (name, _) in std::env::vars_os() {
        if !is_kept(role, &name) {
            #[expect(unsafe_code, reason = "the environment can only be changed by unsafe code")]
            // SAFETY: `harden` calls this after it has seen that the process has one thread, so
            // nobody reads the environment meanwhile.
            unsafe {
                std::env::remove_var(name);
            }
        }
    }
}

/// What a window needs to find its display, its session bus, its language and its user's fonts.
const KEPT_BY_UI: &[&str] = &[
    "AT_SPI_BUS_ADDRESS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GALLIUM_DRIVER",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_TIME",
    "LIBGL_ALWAYS_SOFTWARE",
    "TZ",
    "WAYLAND_DISPLAY",
    "WINIT_X11_SCALE_FACTOR",
    "XAUTHORITY",
    "XCURSOR_SIZE",
    "XCURSOR_THEME",
    "XDG_CURRENT_DESKTOP",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
    "XMODIFIERS",
];
