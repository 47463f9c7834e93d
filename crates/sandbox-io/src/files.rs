//! Landlock: which files, TCP ports, signals and abstract sockets a role reaches.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::{Lack, Paths, Role};

/// Installs the rules and says what is missing; the flag says whether anything is in force.
pub(crate) fn restrict(role: Role, paths: &Paths, abstract_sockets: Abstract) -> (bool, Vec<Lack>) {
    let mut lacks = Vec::new();
    let Ok(status) = install(role, paths, abstract_sockets, &mut lacks) else {
        lacks.push(Lack::LandlockRefused);
        return (false, lacks);
    };
    match status.landlock {
        LandlockStatus::NotEnabled => lacks.push(Lack::LandlockSwitchedOff),
        LandlockStatus::NotImplemented => lacks.push(Lack::LandlockAbsent),
        LandlockStatus::Available { effective_abi, .. } => lacks.extend(missing(effective_abi)),
    }
    (status.ruleset != RulesetStatus::NotEnforced, lacks)
}

/// Whether Landlock shall close the abstract namespace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Abstract {
    Closed,
    Open,
}

fn install(
    role: Role,
    paths: &Paths,
    abstract_sockets: Abstract,
    lacks: &mut Vec<Lack>,
) -> Result<landlock::RestrictionStatus, RulesetError> {
    let scopes = match abstract_sockets {
        Abstract::Closed => Scope::AbstractUnixSocket | Scope::Signal,
        Abstract::Open => Scope::Signal.into(),
    };
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(tcp_refused(role))?
        .scope(scopes)?
        .create()?;
    for (list, rights) in [(&paths.read, READ), (&paths.devices, DEVICE)] {
        for path in list {
            if let Ok(beneath) = open(path, rights()) {
                rules = rules.add_rule(beneath)?;
            }
        }
    }
    for path in &paths.write {
        match open(path, WRITE()) {
            Ok(beneath) => rules = rules.add_rule(beneath)?,
            Err(_) => lacks.push(Lack::Folder),
        }
    }
    rules.restrict_self()
}

fn tcp_refused(role: Role) -> BitFlags<AccessNet> {
    match role {
        Role::Secure | Role::Ui => AccessNet::BindTcp | AccessNet::ConnectTcp,
        Role::Net => AccessNet::BindTcp.into(),
    }
}

fn missing(abi: ABI) -> Vec<Lack> {
    [
        (ABI::V3, Lack::TruncateRules),
        (ABI::V4, Lack::TcpRules),
        (ABI::V5, Lack::DeviceRules),
        (ABI::V6, Lack::Scopes),
    ]
    .into_iter()
    .filter(|(needed, _)| abi < *needed)
    .map(|(_, lack)| lack)
    .collect()
}

fn open(
    path: &std::path::Path,
    rights: BitFlags<AccessFs>,
) -> Result<PathBeneath<PathFd>, landlock::PathFdError> {
    let folder = path.is_dir();
    let parent = PathFd::new(path)?;
    // The kernel refuses rules that give a plain file the rights of a folder.
    let rights = if folder { rights } else { rights & AccessFs::from_file(ABI::V5) };
    Ok(PathBeneath::new(parent, rights))
}

const READ: fn() -> BitFlags<AccessFs> = || AccessFs::ReadFile | AccessFs::ReadDir;

const DEVICE: fn() -> BitFlags<AccessFs> =
    || AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::IoctlDev;

/// Plain files in one folder: what a store, its journal and its shared memory need.
const WRITE: fn() -> BitFlags<AccessFs> = || {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::RemoveFile
        | AccessFs::MakeReg
        | AccessFs::Truncate
};

#[cfg(test)]
mod tests {
    use super::*;

    /// `SANDBOX-05`
    #[test]
    fn an_older_kernel_is_reported_part_by_part() {
        assert_eq!(missing(ABI::V7), []);
        assert_eq!(missing(ABI::V5), [Lack::Scopes]);
        assert_eq!(
            missing(ABI::V1),
            [Lack::TruncateRules, Lack::TcpRules, Lack::DeviceRules, Lack::Scopes]
        );
    }
}
