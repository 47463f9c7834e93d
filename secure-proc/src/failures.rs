//! What went wrong, for people and for scripts.

use ipc_schema_ui::{ErrorCode, Failure};
use mls_core::{
    AddDeviceError, AddUserError, CreateChannelError, CreateOrgError, CreateTeamError, Fault,
    JoinError, MoveOriginError, NotAdded, NotDone, RefreshError, Removal, RemoveError, SendError,
    SetPolicyError, SetRoleError,
};
use vault_io::{CreateError, UnlockError};

use crate::effect::failure;

pub(crate) fn create(error: &CreateError) -> Failure {
    match error {
        CreateError::Exists => {
            failure(ErrorCode::VaultExists, "there is a vault already", "unlock it instead")
        }
        CreateError::PassphraseTooShort { least } => failure(
            ErrorCode::WeakPassphrase,
            "the passphrase is too short",
            &format!("take at least {least} characters; several random words are best"),
        ),
        CreateError::Memory => store(&error.to_string(), "close other programs, then try again"),
        CreateError::Store(_) => store(&error.to_string(), DISK),
    }
}

pub(crate) fn unlock(error: &UnlockError) -> Failure {
    match error {
        UnlockError::Wrong { tries, wait_ms } => Failure {
            wait: *wait_ms,
            ..failure(
                ErrorCode::WrongPassphrase,
                &format!("the passphrase is wrong ({tries} in a row)"),
                &wait_text(*wait_ms),
            )
        },
        UnlockError::TooSoon { wait_ms } => Failure {
            wait: *wait_ms,
            ..failure(
                ErrorCode::TooSoon,
                "too soon after a wrong passphrase; this one was not looked at",
                &wait_text(*wait_ms),
            )
        },
        UnlockError::NotThere => {
            failure(ErrorCode::NoVault, "there is no vault here yet", "create one first")
        }
        UnlockError::SecondUser => store(&error.to_string(), "end the other program that has it"),
        UnlockError::Unsupported { .. } => store(&error.to_string(), "update Sotto"),
        UnlockError::Memory => store(&error.to_string(), "close other programs, then try again"),
        UnlockError::Store(_) => store(&error.to_string(), DISK),
    }
}

pub(crate) fn send(error: &SendError) -> Failure {
    match error {
        SendError::NoSuchTeam => no_such_team(),
        SendError::NoSuchChannel => no_such_channel(),
        SendError::NoSuchMessage => no_such_message(),
        SendError::BadText => failure(
            ErrorCode::BadText,
            &error.to_string(),
            "shorten it, or send it as several messages",
        ),
        SendError::ReadOnly => failure(
            ErrorCode::ReadOnly,
            &error.to_string(),
            "connect to the relay until everything written before has arrived",
        ),
        SendError::RunOut => failure(
            ErrorCode::RunOut,
            &error.to_string(),
            "write in another channel, or ask your admin to add this device again",
        ),
        SendError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn join(error: &JoinError) -> Failure {
    match error {
        JoinError::AlreadyJoined => failure(
            ErrorCode::AlreadyJoined,
            &error.to_string(),
            "see `sotto-cli teams`, and `sotto-cli status` for the hash of a join that waits",
        ),
        JoinError::OtherRelay => failure(
            ErrorCode::BadLink,
            &error.to_string(),
            "use a data folder of its own for each relay",
        ),
        JoinError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn refresh(error: &RefreshError) -> Failure {
    match error {
        RefreshError::NoSuchTeam => no_such_team(),
        RefreshError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn add(error: &AddDeviceError) -> Failure {
    match error {
        AddDeviceError::NoSuchTeam => no_such_team(),
        AddDeviceError::NotAdmin => not_admin(),
        AddDeviceError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn create_org(error: &CreateOrgError) -> Failure {
    match error {
        CreateOrgError::OrgExists => failure(
            ErrorCode::OrgExists,
            &error.to_string(),
            "see `sotto-member org show`; another organisation needs another data folder",
        ),
        CreateOrgError::BadName => bad_name(),
        CreateOrgError::OtherRelay => failure(
            ErrorCode::BadLink,
            &error.to_string(),
            "use a data folder of its own for each relay",
        ),
        CreateOrgError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn create_team(error: &CreateTeamError) -> Failure {
    match error {
        CreateTeamError::NotAdmin => not_admin(),
        CreateTeamError::BadName => bad_name(),
        CreateTeamError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn create_channel(error: &CreateChannelError) -> Failure {
    match error {
        CreateChannelError::NoSuchTeam => no_such_team(),
        CreateChannelError::NotAdmin => not_admin(),
        CreateChannelError::BadName => bad_name(),
        CreateChannelError::RunOut => {
            failure(ErrorCode::RunOut, &error.to_string(), "make another team")
        }
        CreateChannelError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn add_user(error: &AddUserError) -> Failure {
    match error {
        AddUserError::NoSuchTeam => no_such_team(),
        AddUserError::NotAdmin => no_admin(&error.to_string()),
        AddUserError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn remove(error: &RemoveError, nobody: Failure) -> Failure {
    match error {
        RemoveError::NoSuchTeam => no_such_team(),
        RemoveError::NotAdmin => no_admin(&error.to_string()),
        RemoveError::NoSuchDevice => nobody,
        RemoveError::Protected => not_admin_for(&error.to_string()),
        RemoveError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn set_role(error: &SetRoleError) -> Failure {
    match error {
        SetRoleError::NoSuchTeam => no_such_team(),
        SetRoleError::NotAdmin => not_admin(),
        SetRoleError::NoSuchDevice => no_such_device(),
        SetRoleError::Protected => failure(
            ErrorCode::NotPermitted,
            &error.to_string(),
            "name another device; `sotto-member device list` shows the roles",
        ),
        SetRoleError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn set_policy(error: &SetPolicyError) -> Failure {
    match error {
        SetPolicyError::NoSuchTeam => no_such_team(),
        SetPolicyError::NotAdmin => no_admin(&error.to_string()),
        SetPolicyError::OutOfBounds => {
            failure(ErrorCode::BadPolicy, &error.to_string(), "choose times in between, as in 7d")
        }
        SetPolicyError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn move_origin(error: &MoveOriginError) -> Failure {
    match error {
        MoveOriginError::NotAdmin => not_admin(),
        MoveOriginError::WasOrigin => failure(
            ErrorCode::NotPermitted,
            &error.to_string(),
            "start that relay in a new data folder, which gives it another key",
        ),
        MoveOriginError::Fault(fault) => broken(*fault),
    }
}

pub(crate) fn not_done(error: NotDone) -> Failure {
    let (code, hint) = match error {
        NotDone::NoSuchDevice => (ErrorCode::NoSuchDevice, "see `sotto-cli devices TEAM`"),
        NotDone::NotAdmin => (ErrorCode::NotAdmin, ASK_AN_ADMIN),
        NotDone::NumbersTaken => {
            (ErrorCode::NotAdmin, "let the owner of the organisation do it, with `sotto-member`")
        }
        NotDone::Removed => (ErrorCode::Removed, ASK_AN_ADMIN),
        NotDone::NoKeyPackage => {
            (ErrorCode::NoSuchUser, "give the team's link to that person: `sotto-member team link`")
        }
    };
    failure(code, &error.to_string(), hint)
}

/// A bug of ours, or rows that were changed: the step is not committed.
pub(crate) fn broken(fault: Fault) -> Failure {
    damaged(&fault.to_string())
}

pub(crate) fn damaged(what: &str) -> Failure {
    store(what, "put back a copy of the data folder, or join again with a new one")
}

pub(crate) fn locked() -> Failure {
    failure(ErrorCode::Locked, "the vault is locked", "unlock it first")
}

pub(crate) fn not_permitted() -> Failure {
    failure(ErrorCode::NotPermitted, "this cannot be asked here", "")
}

pub(crate) fn no_such_team() -> Failure {
    failure(ErrorCode::NoSuchTeam, "this device is in no such team", "see `sotto-cli teams`")
}

/// What was said stays readable; nothing else can be done in the team.
pub(crate) fn removed(removal: &Removal) -> Failure {
    let by = if removal.user.is_empty() { "an admin" } else { &removal.user };
    let message = format!("{by} has removed this device from the team; it can only be read");
    failure(ErrorCode::Removed, &message, ASK_AN_ADMIN)
}

pub(crate) fn no_such_device() -> Failure {
    let hint = "see `sotto-cli devices TEAM`";
    failure(ErrorCode::NoSuchDevice, "there is no such device in that team", hint)
}

pub(crate) fn no_such_user() -> Failure {
    let hint = "see `sotto-cli devices TEAM --json` for the keys of its members";
    failure(ErrorCode::NoSuchUser, "nobody with that key is in that team", hint)
}

fn no_admin(message: &str) -> Failure {
    failure(ErrorCode::NotAdmin, message, ASK_AN_ADMIN)
}

fn not_admin_for(message: &str) -> Failure {
    failure(
        ErrorCode::NotAdmin,
        message,
        "use the data folder that `sotto-member org create` made, and `admin remove` first",
    )
}

pub(crate) fn no_such_channel() -> Failure {
    let hint = "see `sotto-cli channels TEAM`";
    failure(ErrorCode::NoSuchChannel, "the team has no such channel", hint)
}

pub(crate) fn no_such_message() -> Failure {
    let hint = "take its name from `sotto-cli read`, in the same channel";
    failure(ErrorCode::NoSuchMessage, "there is no such message here", hint)
}

pub(crate) fn empty_text() -> Failure {
    failure(ErrorCode::BadText, "there is nothing in the message", "write something")
}

pub(crate) fn bad_name() -> Failure {
    failure(
        ErrorCode::BadText,
        "a name is not empty, has no blanks at its ends and no control characters",
        "choose another one, of at most 64 bytes",
    )
}

pub(crate) fn wrong_fingerprint() -> Failure {
    failure(
        ErrorCode::WrongFingerprint,
        "the fingerprint that was confirmed is not the one in the link",
        "compare it with your admin again; the link may have been exchanged by somebody",
    )
}

pub(crate) fn not_admin() -> Failure {
    failure(
        ErrorCode::NotAdmin,
        "this vault does not hold the organisation's root key",
        "use the data folder that `sotto-member org create` made",
    )
}

pub(crate) fn not_added(error: NotAdded) -> Failure {
    let code = match error {
        NotAdded::NoSuchAnnouncement => ErrorCode::NoSuchAnnouncement,
        NotAdded::RelayRefused(_) => ErrorCode::RelayRefused,
        NotAdded::NotAdmin => ErrorCode::NotAdmin,
        NotAdded::OtherTeam | NotAdded::Expired | NotAdded::NumberTaken | NotAdded::Unfit => {
            ErrorCode::UnfitAnnouncement
        }
    };
    failure(code, &error.to_string(), "ask the newcomer for the hash that is shown now")
}

fn store(message: &str, hint: &str) -> Failure {
    Failure { hint: ipc_schema::Text::cut(hint), ..failure(ErrorCode::StoreFailed, message, hint) }
}

fn wait_text(wait_ms: u64) -> String {
    match wait_ms.div_ceil(1000) {
        0 => "try again".into(),
        1 => "try again in a second".into(),
        seconds => format!("try again in {seconds} seconds"),
    }
}

const ASK_AN_ADMIN: &str = "ask an admin of the team, or whoever has the member tool";
const DISK: &str = "free space on the disk of the data folder and see that it can be written";
