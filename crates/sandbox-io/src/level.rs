use std::fmt;

/// How far [`confine`](crate::confine) got.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Level {
    /// Everything that the role's row of the confinement table asks for is in force.
    Full,
    /// Something is in force, and these parts are missing.
    Reduced(Vec<Lack>),
    /// Neither Landlock nor seccomp is in force.
    None(Vec<Lack>),
}

impl Level {
    /// What is missing; empty for [`Level::Full`].
    pub fn lacks(&self) -> &[Lack] {
        match self {
            Self::Full => &[],
            Self::Reduced(lacks) | Self::None(lacks) => lacks,
        }
    }

    pub(crate) fn judge(landlock: bool, system_calls: bool, lacks: Vec<Lack>) -> Self {
        if !landlock && !system_calls {
            Self::None(lacks)
        } else if lacks.is_empty() {
            Self::Full
        } else {
            Self::Reduced(lacks)
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Reduced(_) => "reduced",
            Self::None(_) => "none",
        })?;
        for (place, lack) in self.lacks().iter().enumerate() {
            f.write_str(if place == 0 { ": " } else { "; " })?;
            lack.fmt(f)?;
        }
        Ok(())
    }
}

/// A part of the confinement that is not in force, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lack {
    /// The kernel was built without Landlock.
    LandlockAbsent,
    /// The kernel has Landlock, but it was not switched on at boot (`lsm=`).
    LandlockSwitchedOff,
    /// The kernel has Landlock and refused our rules.
    LandlockRefused,
    /// Landlock cannot stop truncating files (kernel older than 6.2).
    TruncateRules,
    /// Landlock cannot stop TCP (kernel older than 6.7); seccomp still does, where the role has
    /// no internet sockets.
    TcpRules,
    /// Landlock cannot stop device controls (kernel older than 6.10).
    DeviceRules,
    /// Landlock cannot stop signals and abstract sockets (kernel older than 6.12).
    Scopes,
    /// The window could not be given a network namespace of its own, and the X11 library insists
    /// on trying the abstract socket first, so abstract sockets stay reachable.
    AbstractSockets,
    /// A folder that the role may write could not be opened, so it may not write there.
    Folder,
    /// Capabilities could not be dropped.
    Capabilities,
    /// There is no list of system calls for this processor.
    Processor,
    /// The kernel refused the list of permitted system calls.
    SystemCalls,
    /// The kernel refused the list of system calls that kill.
    KillList,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LandlockAbsent => {
                "the kernel was built without Landlock (CONFIG_SECURITY_LANDLOCK)"
            }
            Self::LandlockSwitchedOff => {
                "Landlock is not switched on; add it to the kernel's lsm= parameter"
            }
            Self::LandlockRefused => "the kernel refused the Landlock rules",
            Self::TruncateRules => "Landlock cannot refuse truncation before Linux 6.2",
            Self::TcpRules => "Landlock cannot refuse TCP before Linux 6.7",
            Self::DeviceRules => "Landlock cannot refuse device controls before Linux 6.10",
            Self::Scopes => "Landlock cannot refuse signals and abstract sockets before Linux 6.12",
            Self::AbstractSockets => {
                "no user and network namespace for the window, so abstract sockets stay reachable"
            }
            Self::Folder => {
                "a folder of this process could not be opened, so it stays closed to it"
            }
            Self::Capabilities => "capabilities could not be dropped",
            Self::Processor => "there is no list of system calls for this processor",
            Self::SystemCalls => {
                "the kernel refused the list of permitted system calls (CONFIG_SECCOMP_FILTER)"
            }
            Self::KillList => {
                "the kernel refused the list of deadly system calls (CONFIG_SECCOMP_FILTER)"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SANDBOX-05`
    #[test]
    fn a_level_names_everything_that_is_missing() {
        let cases = [
            (Level::judge(true, true, vec![]), "full"),
            (
                Level::judge(true, true, vec![Lack::TcpRules]),
                "reduced: Landlock cannot refuse TCP before Linux 6.7",
            ),
            (
                Level::judge(false, false, vec![Lack::LandlockAbsent, Lack::Processor]),
                "none: the kernel was built without Landlock (CONFIG_SECURITY_LANDLOCK); there is \
                 no list of system calls for this processor",
            ),
        ];
        for (level, text) in cases {
            assert_eq!(level.to_string(), text);
        }
        assert!(matches!(Level::judge(false, true, vec![Lack::LandlockAbsent]), Level::Reduced(_)));
    }
}
