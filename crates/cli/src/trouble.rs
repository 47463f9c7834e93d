//! What went wrong, for people and for scripts.

use ipc_io::{KnockError, Lost};
use ipc_schema_ui::{ErrorCode, Failure};

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, Eq, PartialEq)]
pub struct Trouble {
    /// For scripts, in kebab case; does not change.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The exit status: 1 refused, 2 usage, 3 not reachable.
    pub status: u8,
}

impl Trouble {
    /// It was refused.
    #[must_use]
    pub fn refused(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: hint.into(), status: 1 }
    }

    /// The line was wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: 2, ..Self::refused("usage", message, hint) }
    }

    /// Something does not answer.
    #[must_use]
    pub fn unreachable(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: 3, ..Self::refused(code, message, hint) }
    }

    /// Something answered that makes no sense here.
    #[must_use]
    pub fn unexpected() -> Self {
        Self::refused(
            "unexpected-answer",
            "the answer does not fit the question",
            "install all binaries of one build of Sotto",
        )
    }

    /// The same, naming in its hint the command of another tool.
    #[must_use]
    pub fn naming(self, command: &str, other: &str) -> Self {
        Self { hint: self.hint.replace(command, other), ..self }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let status = if failure.code == ErrorCode::NotReachable { 3 } else { 1 };
        Self {
            code: kebab(&format!("{:?}", failure.code)),
            message: failure.message.as_str().to_owned(),
            hint: failure.hint.as_str().to_owned(),
            status,
        }
    }
}

impl From<KnockError> for Trouble {
    fn from(error: KnockError) -> Self {
        let message = error.to_string();
        match error {
            KnockError::NotRunning => Self::unreachable(
                "not-running",
                message,
                "start it with `sotto --data DIR`, or `sotto --data DIR --headless`",
            ),
            KnockError::Path(_) | KnockError::Foreign | KnockError::Lost(_) | KnockError::Io(_) => {
                Self::unreachable(
                    "not-reachable",
                    message,
                    "see whether it still runs: `sotto status --data DIR`",
                )
            }
        }
    }
}

impl From<Lost> for Trouble {
    fn from(lost: Lost) -> Self {
        Self::unreachable(
            "connection-lost",
            format!("the connection to secure-proc ended: {lost}"),
            "try again; `sotto status` says whether it had to be restarted, and it is locked then",
        )
    }
}

/// `WrongPassphrase` as `wrong-passphrase`.
fn kebab(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use ipc_schema::Text;

    use super::*;

    fn trouble(code: ErrorCode) -> Trouble {
        let text = |text| Text::cut(text);
        Failure { code, message: text("m"), hint: text("h"), wait: 0 }.into()
    }

    /// `CLI-02`
    #[test]
    fn codes_are_the_schema_s_in_kebab_case_and_decide_the_exit_status() {
        let cases = [
            (ErrorCode::Locked, "locked", 1),
            (ErrorCode::NoVault, "no-vault", 1),
            (ErrorCode::VaultExists, "vault-exists", 1),
            (ErrorCode::WrongPassphrase, "wrong-passphrase", 1),
            (ErrorCode::TooSoon, "too-soon", 1),
            (ErrorCode::WeakPassphrase, "weak-passphrase", 1),
            (ErrorCode::NoSuchTeam, "no-such-team", 1),
            (ErrorCode::NoSuchChannel, "no-such-channel", 1),
            (ErrorCode::NoSuchMessage, "no-such-message", 1),
            (ErrorCode::BadText, "bad-text", 1),
            (ErrorCode::BadLink, "bad-link", 1),
            (ErrorCode::WrongFingerprint, "wrong-fingerprint", 1),
            (ErrorCode::AlreadyJoined, "already-joined", 1),
            (ErrorCode::NoSuchAnnouncement, "no-such-announcement", 1),
            (ErrorCode::UnfitAnnouncement, "unfit-announcement", 1),
            (ErrorCode::NotAdmin, "not-admin", 1),
            (ErrorCode::OrgExists, "org-exists", 1),
            (ErrorCode::NotReachable, "not-reachable", 3),
            (ErrorCode::RelayRefused, "relay-refused", 1),
            (ErrorCode::StoreFailed, "store-failed", 1),
            (ErrorCode::RunOut, "run-out", 1),
            (ErrorCode::NotPermitted, "not-permitted", 1),
            (ErrorCode::NoSuchDevice, "no-such-device", 1),
            (ErrorCode::NoSuchUser, "no-such-user", 1),
            (ErrorCode::ReadOnly, "read-only", 1),
            (ErrorCode::Removed, "removed", 1),
            (ErrorCode::BadPolicy, "bad-policy", 1),
            (ErrorCode::NotDone, "not-done", 1),
            (ErrorCode::OtherLayout, "other-layout", 1),
        ];
        for (code, text, status) in cases {
            let trouble = trouble(code);
            assert_eq!((trouble.code.as_str(), trouble.status), (text, status));
        }
        assert_eq!(Trouble::from(KnockError::NotRunning).status, 3);
        assert_eq!(Trouble::from(Lost::Closed).status, 3);
        assert_eq!(Trouble::usage("", "").status, 2);
    }
}
