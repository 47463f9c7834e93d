//! seccomp: compiles the tables of [`syscalls`](crate::syscalls) and installs them.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::syscalls::{Call, When, deadly, permitted, unknown};
use crate::{Lack, Role};

/// Installs the three filters, the deadly one last; the flag says whether any is in force.
pub(crate) fn install(role: Role) -> (bool, Vec<Lack>) {
    let Ok(processor) = TargetArch::try_from(std::env::consts::ARCH) else {
        return (false, vec![Lack::Processor]);
    };
    let refused = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    let allow = SeccompAction::Allow;
    // The kernel takes the strictest answer of all filters, and of two refusals the newer one.
    let filters = [
        (permitted(role), allow.clone(), refused(libc::EPERM), Lack::SystemCalls),
        (unknown(role), refused(libc::ENOSYS), allow.clone(), Lack::SystemCalls),
        (deadly(role), SeccompAction::KillProcess, allow, Lack::KillList),
    ];
    let mut lacks = Vec::new();
    let mut installed = false;
    for (calls, listed, others, lack) in filters {
        if calls.is_empty() {
            continue;
        }
        let outcome = compile(&calls, listed, others, processor)
            .and_then(|program| seccompiler::apply_filter(&program));
        match outcome {
            Ok(()) => installed = true,
            Err(_) if lacks.contains(&lack) => {}
            Err(_) => lacks.push(lack),
        }
    }
    (installed, lacks)
}

fn compile(
    calls: &[Call],
    listed: SeccompAction,
    others: SeccompAction,
    processor: TargetArch,
) -> seccompiler::Result<BpfProgram> {
    let mut rules = BTreeMap::new();
    for call in calls {
        let mut rows = Vec::new();
        for row in call.when {
            let conditions: Result<Vec<_>, _> = row.iter().map(condition).collect();
            rows.push(SeccompRule::new(conditions?)?);
        }
        rules.insert(call.number, rows);
    }
    Ok(SeccompFilter::new(rules, others, listed, processor)?.try_into()?)
}

fn condition(when: &When) -> Result<SeccompCondition, seccompiler::BackendError> {
    use SeccompCmpArgLen::{Dword, Qword};
    use SeccompCmpOp::{Eq, MaskedEq, Ne};

    let own = || u64::from(std::process::id());
    match *when {
        When::Int(argument, value) => SeccompCondition::new(argument, Dword, Eq, word(value)),
        When::Bits(argument, mask, value) => {
            SeccompCondition::new(argument, Dword, MaskedEq(word(mask)), word(value))
        }
        When::Null(argument) => SeccompCondition::new(argument, Qword, Eq, 0),
        When::NotNull(argument) => SeccompCondition::new(argument, Qword, Ne, 0),
        When::OwnProcess(argument) => SeccompCondition::new(argument, Dword, Eq, own()),
        When::OtherProcess(argument) => SeccompCondition::new(argument, Dword, Ne, own()),
    }
}

fn word(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 3] = [Role::Secure, Role::Net, Role::Ui];

    /// `SANDBOX-03`
    #[test]
    fn every_table_compiles_and_lists_no_call_twice() {
        let processor = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        for role in ROLES {
            for calls in [permitted(role), deadly(role)] {
                compile(&calls, SeccompAction::Allow, SeccompAction::Trap, processor).unwrap();
                let mut numbers: Vec<_> = calls.iter().map(|call| call.number).collect();
                numbers.sort_unstable();
                numbers.dedup();
                assert_eq!(numbers.len(), calls.len(), "{role:?}");
            }
        }
    }

    /// `SANDBOX-03`
    #[test]
    fn what_is_always_permitted_is_never_deadly() {
        // `seccomp` installs the deadly list and is the one call that it takes away; controls of
        // the window are permitted except for two.
        let both = [libc::SYS_seccomp, libc::SYS_ioctl];
        for role in ROLES {
            let deadly: Vec<_> = deadly(role).iter().map(|call| call.number).collect();
            for call in permitted(role).iter().filter(|call| call.when.is_empty()) {
                assert!(!deadly.contains(&call.number) || both.contains(&call.number));
            }
        }
    }
}
