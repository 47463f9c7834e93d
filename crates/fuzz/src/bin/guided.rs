//! One target, guided by coverage (libFuzzer); `SOTTO_FUZZ_TARGET` names it. Run by
//! `cargo xtask fuzz`, which builds it with instrumentation.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sotto_fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let _ = TARGET.get_or_init(chosen).reads(bytes);
});

fn chosen() -> Target {
    let name = std::env::var("SOTTO_FUZZ_TARGET").unwrap_or_default();
    let found = Target::named(&name);
    assert!(found.is_some(), "SOTTO_FUZZ_TARGET names no target: {name:?}");
    found.unwrap_or(sotto_fuzz::TARGETS[0])
}
