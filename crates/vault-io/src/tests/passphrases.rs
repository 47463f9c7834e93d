//! Wrong passphrases, new passphrases.

use super::{CHEAP, RIGHT, fresh, open, open_with, passphrase, put, system_random, value};
use crate::create::create_at_cost;
use crate::keys::{BoxedKey, KeyHold, NoPage};
use crate::passphrase::Cost;
use crate::unlock::unlock_at_cost;
use crate::wrap::Wrap;
use crate::{ChangePassphraseError, CreateError, UnlockError, create, unlock};

const WRONG: &str = "incorrect horse";
const OTHER: &str = "another passphrase";

/// `VAULT-06`
#[test]
fn wrong_tries_are_counted_and_slowed_across_restarts() {
    let (_folder, path, vault) = fresh();
    vault.lock().unwrap();
    // Every unlocking opens the file anew, as after a restart.
    let wrong = |tries, wait_ms| UnlockError::Wrong { tries, wait_ms };
    let soon = |wait_ms| UnlockError::TooSoon { wait_ms };
    let script = [
        (1_000, WRONG, wrong(1, 0)),
        (1_001, WRONG, wrong(2, 0)),
        (1_002, WRONG, wrong(3, 1_000)),
        (1_003, WRONG, soon(999)),
        (1_003, RIGHT, soon(999)),
        (2_002, WRONG, wrong(4, 2_000)),
        (2_003, RIGHT, soon(1_999)),
        // Set back by a second: the wait begins again, and only once.
        (1_002, RIGHT, soon(2_000)),
        (3_001, RIGHT, soon(1)),
        (3_002, WRONG, wrong(5, 4_000)),
    ];
    for (now_ms, text, expected) in script {
        assert_eq!(open_with(&path, text, now_ms).unwrap_err(), expected, "at {now_ms}");
    }
    open_with(&path, RIGHT, 7_002).unwrap().lock().unwrap();
    assert_eq!(open_with(&path, WRONG, 7_003).unwrap_err(), wrong(1, 0));
}

/// `VAULT-06`
#[test]
fn proving_the_passphrase_to_an_open_vault_is_slowed_alike() {
    let (_folder, path, mut vault) = fresh();
    for tries in 1..=3 {
        let refused = vault.check_passphrase(&passphrase(WRONG), 5).unwrap_err();
        let wait_ms = if tries == 3 { 1_000 } else { 0 };
        assert_eq!(refused, UnlockError::Wrong { tries, wait_ms });
    }
    let soon = UnlockError::TooSoon { wait_ms: 1_000 };
    assert_eq!(vault.check_passphrase(&passphrase(RIGHT), 5), Err(soon));
    drop(vault);
    let soon = UnlockError::TooSoon { wait_ms: 999 };
    assert_eq!(open_with(&path, RIGHT, 6).unwrap_err(), soon);
    let mut vault = open_with(&path, RIGHT, 1_005).unwrap();
    assert_eq!(vault.check_passphrase(&passphrase(RIGHT), 5), Ok(()));
}

/// `VAULT-07`
#[test]
fn after_a_change_only_the_new_passphrase_opens() {
    let (_folder, path, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    let change = |vault: &mut crate::Vault<BoxedKey>, old, new| {
        vault.change_passphrase_at_cost(&passphrase(old), &passphrase(new), 0, CHEAP)
    };
    let wrong = UnlockError::Wrong { tries: 1, wait_ms: 0 };
    assert_eq!(change(&mut vault, WRONG, OTHER), Err(ChangePassphraseError::Old(wrong)));
    assert_eq!(
        change(&mut vault, RIGHT, "seven77"),
        Err(ChangePassphraseError::NewTooShort { least: 8 })
    );
    change(&mut vault, RIGHT, OTHER).unwrap();
    vault.lock().unwrap();
    let wrong = UnlockError::Wrong { tries: 1, wait_ms: 0 };
    assert_eq!(open_with(&path, RIGHT, 0).unwrap_err(), wrong);
    assert_eq!(value(&open_with(&path, OTHER, 0).unwrap(), 1, b"a"), Some(b"1".to_vec()));
}

/// `VAULT-07`
#[test]
fn a_short_passphrase_makes_no_vault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    for text in ["", "seven77", "äöüäöüä"] {
        let refused =
            create_at_cost::<BoxedKey>(&path, &passphrase(text), &mut system_random, CHEAP);
        assert_eq!(refused.unwrap_err(), CreateError::PassphraseTooShort { least: 8 });
    }
    assert!(!path.exists());
}

/// `VAULT-07`
#[test]
fn trying_costs_64_mib_and_cheaper_vaults_are_raised_when_they_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let vault = create::<BoxedKey>(&path, &passphrase(RIGHT), &mut system_random).unwrap();
    let today = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };
    assert_eq!(Wrap::read(vault.db()).unwrap().cost, today);
    vault.lock().unwrap();
    unlock::<BoxedKey>(&path, &passphrase(RIGHT), 0).unwrap();

    let (_folder, cheap, mut vault) = fresh();
    vault.commit(&[put(1, b"a", b"1")]).unwrap();
    vault.lock().unwrap();
    let dearer = Cost { memory_kib: 16, passes: 2, lanes: 1 };
    let raised = unlock_at_cost::<BoxedKey>(&cheap, &passphrase(RIGHT), 0, dearer).unwrap();
    assert_eq!(Wrap::read(raised.db()).unwrap().cost, dearer);
    raised.lock().unwrap();
    let again = open(&cheap);
    assert_eq!(Wrap::read(again.db()).unwrap().cost, dearer);
    assert_eq!(value(&again, 1, b"a"), Some(b"1".to_vec()));
}

#[derive(Debug)]
struct Nowhere;

impl KeyHold for Nowhere {
    fn hold(_key: zeroize::Zeroizing<[u8; 32]>) -> Result<Self, NoPage> {
        Err(NoPage)
    }

    fn with<R>(&self, f: impl FnOnce(&[u8; 32]) -> R) -> R {
        f(&[0; 32])
    }
}

/// `VAULT-07`
#[test]
fn no_vault_opens_without_protected_memory_for_its_keys() {
    let (_folder, path, vault) = fresh();
    vault.lock().unwrap();
    let refused = unlock_at_cost::<Nowhere>(&path, &passphrase(RIGHT), 0, CHEAP);
    assert_eq!(refused.unwrap_err(), UnlockError::Memory);
    open(&path);
}
