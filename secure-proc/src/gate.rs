//! Which peer may ask what, in which phase, how often: one table per class, to be read aloud.

use ipc_schema::control::Class;
use ipc_schema_ui::{Phase, Request};

use Demand::{OpenVault, Proven};
use Kind as K;
use Times::{Any, PerMinute};

/// What a request is, without its contents.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Kind {
    Create,
    Unlock,
    Lock,
    Status,
    WhoAmI,
    Teams,
    Channels,
    Send,
    Page,
    Follow,
    ReadLink,
    Join,
    Refresh,
    CreateOrg,
    ShowOrg,
    CreateTeam,
    ShowTeamLink,
    CreateChannel,
    AddDevice,
    Devices,
    Settle,
    AddUser,
    RemoveDevice,
    RemoveUser,
    SetRole,
    SetPolicy,
    MoveOrigin,
}

/// How often, by one peer.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Times {
    /// As often as it likes; what is in flight is bounded by its queue.
    Any,
    /// So often in any minute.
    PerMinute(u32),
}

/// What must be so before the request is looked at.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Demand {
    /// Nothing.
    Nothing,
    /// There is no vault yet.
    NoVault,
    /// There is a vault, open or not.
    AVault,
    /// The vault is open.
    OpenVault,
    /// The vault is open, and this class of peer has proven the passphrase since.
    Proven,
}

/// The decision about one request.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Go on.
    Permitted,
    /// Not now; the peer may ask again later.
    NotInThisPhase,
    /// Never, or too often: the peer is dropped.
    Drop,
}

/// Counts what one peer asks.
#[derive(Debug)]
pub(crate) struct Gate {
    class: Class,
    minute: u64,
    counts: std::collections::BTreeMap<Kind, u32>,
}

impl Gate {
    pub(crate) fn new(class: Class) -> Self {
        Self { class, minute: 0, counts: std::collections::BTreeMap::new() }
    }

    /// May the peer ask this at `now` (ms)? `proven`: has its class proven the passphrase?
    pub(crate) fn admit(&mut self, now: u64, phase: Phase, proven: bool, kind: Kind) -> Verdict {
        let row = permitted(self.class).iter().find(|(permitted, ..)| *permitted == kind);
        let Some((_, demand, times)) = row else {
            return Verdict::Drop;
        };
        let minute = now / 60_000;
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        if let PerMinute(most) = times
            && *count > *most
        {
            return Verdict::Drop;
        }
        let fits = match demand {
            Demand::Nothing => true,
            Demand::NoVault => phase == Phase::FirstStart,
            Demand::AVault => phase != Phase::FirstStart,
            OpenVault => phase == Phase::Unlocked,
            Proven => phase == Phase::Unlocked && proven,
        };
        if fits { Verdict::Permitted } else { Verdict::NotInThisPhase }
    }
}

impl Kind {
    pub(crate) fn of(request: &Request) -> Self {
        match request {
            Request::Create { .. } => K::Create,
            Request::Unlock { .. } => K::Unlock,
            Request::Lock => K::Lock,
            Request::Status => K::Status,
            Request::WhoAmI => K::WhoAmI,
            Request::Teams => K::Teams,
            Request::Channels { .. } => K::Channels,
            Request::Send { .. } => K::Send,
            Request::Page { .. } => K::Page,
            Request::Follow { .. } => K::Follow,
            Request::ReadLink { .. } => K::ReadLink,
            Request::Join { .. } => K::Join,
            Request::Refresh { .. } => K::Refresh,
            Request::CreateOrg { .. } => K::CreateOrg,
            Request::ShowOrg => K::ShowOrg,
            Request::CreateTeam { .. } => K::CreateTeam,
            Request::ShowTeamLink { .. } => K::ShowTeamLink,
            Request::CreateChannel { .. } => K::CreateChannel,
            Request::AddDevice { .. } => K::AddDevice,
            Request::Devices { .. } => K::Devices,
            Request::Settle => K::Settle,
            Request::AddUser { .. } => K::AddUser,
            Request::RemoveDevice { .. } => K::RemoveDevice,
            Request::RemoveUser { .. } => K::RemoveUser,
            Request::SetRole { .. } => K::SetRole,
            Request::SetPolicy { .. } => K::SetPolicy,
            Request::MoveOrigin { .. } => K::MoveOrigin,
        }
    }
}

fn permitted(class: Class) -> &'static [(Kind, Demand, Times)] {
    match class {
        Class::Window => WINDOW,
        Class::CommandLine => COMMAND_LINE,
        Class::MemberTool => MEMBER_TOOL,
        // Neither asks for anything: they have channels of their own.
        Class::Net | Class::Secure => &[],
    }
}

/// The window came with the launcher's own hands, so an open vault is proof enough.
const WINDOW: &[(Kind, Demand, Times)] = &[
    (K::Create, Demand::NoVault, PerMinute(10)),
    (K::Unlock, Demand::AVault, PerMinute(30)),
    (K::Lock, OpenVault, Any),
    (K::Status, Demand::Nothing, Any),
    (K::WhoAmI, OpenVault, Any),
    (K::Teams, OpenVault, Any),
    (K::Channels, OpenVault, Any),
    (K::Send, OpenVault, Any),
    (K::Page, OpenVault, Any),
    (K::Follow, OpenVault, Any),
    (K::ReadLink, OpenVault, Any),
    (K::Join, OpenVault, PerMinute(10)),
    (K::Devices, OpenVault, Any),
];

const COMMAND_LINE: &[(Kind, Demand, Times)] = &[
    (K::Create, Demand::NoVault, PerMinute(10)),
    (K::Unlock, Demand::AVault, PerMinute(30)),
    (K::Lock, OpenVault, Any),
    (K::Status, Demand::Nothing, Any),
    (K::WhoAmI, Proven, Any),
    (K::Teams, Proven, Any),
    (K::Channels, Proven, Any),
    (K::Send, Proven, Any),
    (K::Page, Proven, Any),
    (K::Follow, Proven, Any),
    (K::ReadLink, Proven, Any),
    (K::Join, Proven, PerMinute(10)),
    (K::Refresh, Proven, Any),
    (K::AddDevice, Proven, PerMinute(600)),
    (K::AddUser, Proven, PerMinute(600)),
    (K::RemoveDevice, Proven, PerMinute(600)),
    (K::RemoveUser, Proven, PerMinute(600)),
    (K::Devices, Proven, Any),
    (K::Settle, Proven, Any),
];

const MEMBER_TOOL: &[(Kind, Demand, Times)] = &[
    (K::Create, Demand::NoVault, PerMinute(10)),
    (K::Unlock, Demand::AVault, PerMinute(30)),
    (K::Lock, OpenVault, Any),
    (K::Status, Demand::Nothing, Any),
    (K::WhoAmI, Proven, Any),
    (K::Teams, Proven, Any),
    (K::Channels, Proven, Any),
    (K::CreateOrg, Proven, PerMinute(10)),
    (K::ShowOrg, Proven, Any),
    (K::CreateTeam, Proven, PerMinute(60)),
    (K::ShowTeamLink, Proven, Any),
    (K::CreateChannel, Proven, PerMinute(60)),
    (K::MoveOrigin, Proven, PerMinute(10)),
    (K::AddDevice, Proven, PerMinute(600)),
    (K::AddUser, Proven, PerMinute(600)),
    (K::RemoveDevice, Proven, PerMinute(600)),
    (K::RemoveUser, Proven, PerMinute(600)),
    (K::SetRole, Proven, PerMinute(600)),
    (K::SetPolicy, Proven, PerMinute(60)),
    (K::Devices, Proven, Any),
    (K::Settle, Proven, Any),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(class: Class, phase: Phase, proven: bool, kind: Kind) -> Verdict {
        Gate::new(class).admit(0, phase, proven, kind)
    }

    /// `SECURE-03`
    #[test]
    fn what_is_not_in_the_table_of_a_class_drops_the_peer() {
        for (class, kind) in [
            (Class::Window, K::CreateOrg),
            (Class::Window, K::AddDevice),
            (Class::Window, K::RemoveUser),
            (Class::CommandLine, K::CreateTeam),
            (Class::CommandLine, K::SetRole),
            (Class::CommandLine, K::SetPolicy),
            (Class::CommandLine, K::MoveOrigin),
            (Class::MemberTool, K::Send),
            (Class::MemberTool, K::Page),
            (Class::Net, K::Status),
            (Class::Secure, K::Status),
        ] {
            assert_eq!(
                ask(class, Phase::Unlocked, true, kind),
                Verdict::Drop,
                "{class:?} {kind:?}"
            );
        }
    }

    /// `SECURE-03`
    #[test]
    fn a_locked_vault_answers_status_and_unlock_alone() {
        for class in [Class::Window, Class::CommandLine, Class::MemberTool] {
            for &(kind, ..) in permitted(class) {
                let verdict = ask(class, Phase::Locked, true, kind);
                let open = matches!(kind, K::Status | K::Unlock);
                assert_eq!(verdict == Verdict::Permitted, open, "{class:?} {kind:?}");
            }
        }
    }

    /// `SECURE-04`
    #[test]
    fn a_command_line_proves_the_passphrase_although_the_window_has() {
        for (proven, verdict) in [(false, Verdict::NotInThisPhase), (true, Verdict::Permitted)] {
            assert_eq!(ask(Class::CommandLine, Phase::Unlocked, proven, K::Page), verdict);
        }
        assert_eq!(ask(Class::Window, Phase::Unlocked, false, K::Page), Verdict::Permitted);
    }

    /// `SECURE-03`
    #[test]
    fn a_peer_that_guesses_on_and_on_is_dropped() {
        let mut gate = Gate::new(Class::CommandLine);
        let mut verdicts = (0..31).map(|_| gate.admit(5, Phase::Locked, false, K::Unlock));
        assert!(verdicts.by_ref().take(30).all(|verdict| verdict == Verdict::Permitted));
        assert_eq!(verdicts.next(), Some(Verdict::Drop));
        drop(verdicts);
        assert_eq!(gate.admit(60_005, Phase::Locked, false, K::Unlock), Verdict::Permitted);
    }
}
