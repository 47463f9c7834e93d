//! A few seeds in every test run; many of them by `cargo xtask sim`.

use std::process::Command;

use sotto_sim::{Broken, prepare, run, run_broken};

/// `SIM-01`
#[test]
fn a_seed_repeats_itself_in_one_process_and_in_two() {
    prepare();
    let here = run(1);
    assert_eq!(run(1).fingerprint, here.fingerprint);
    assert_ne!(run(2).fingerprint, here.fingerprint);
    let out = Command::new(env!("CARGO_BIN_EXE_sotto-sim"))
        .args(["--from", "1", "--every", "--json"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let fingerprint: String = here.fingerprint[..8].iter().map(|b| format!("{b:02x}")).collect();
    assert!(text.contains(&fingerprint), "{fingerprint} is not in {text}");
}

/// `SIM-02`
#[test]
fn a_few_worlds_come_to_rest_with_nothing_violated() {
    prepare();
    for seed in 0..4 {
        let outcome = run(seed);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
        assert!(outcome.counts.messages > 5, "seed {seed}: {:?}", outcome.counts);
    }
}

/// `SIM-03`
#[test]
fn a_rule_that_nobody_keeps_is_seen() {
    prepare();
    for rule in [
        Broken::Endpoints(mls_core::Broken::MergesAtOnce),
        Broken::Endpoints(mls_core::Broken::ForgetsNumbers),
    ] {
        let seen = (0..4).any(|seed| !run_broken(seed, Some(rule)).violations.is_empty());
        assert!(seen, "{rule:?}");
    }
}
