//! What our layers cost beside OpenMLS alone, in one process, sample by sample in turn.
//!
//! `cargo bench -p mls-core -- [--quick]`. Ours: `Endpoint` end to end in memory, rows collected.
//! Bare: the same operation with OpenMLS, its storage in memory and the same cryptography.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a measurement that cannot go on ends"
)]

mod bare;
mod ours;
mod relay;
mod spent;

use bare::Bare;
use ours::{Ours, Steps};
use spent::{Spent, median};

fn main() {
    let quick = std::env::args().any(|word| word == "--quick");
    assert!(mls_core::prepare_threads());
    println!(
        "| members | operation | ours, whole | ours, groups | bare | times bare (processor) |\n\
         |---|---|---|---|---|---|"
    );
    let (mut ours, mut bare) = (Ours::new(), Bare::new());
    for (members, samples) in [(2, 100), (10, 100), (100, 40), (500, 15)] {
        if quick && members > 100 {
            continue;
        }
        let samples = if quick { samples / 5 } else { samples };
        ours.grow(members);
        bare.grow(members);
        assert!(ours.is_sound() && bare.is_sound());
        for (name, len) in [("text of 700 bytes", 700), ("text of 1,000 bytes", 1_000)] {
            let text = "x".repeat(len);
            let runs = (0..samples).map(|_| (ours.text(&text), bare.text(&text)));
            report(members, [&format!("{name}: seal"), &format!("{name}: open")], runs);
        }
        let runs = (0..samples).map(|_| (ours.commit(), bare.commit()));
        report(members, ["commit", "process"], runs);
        if members == 10 {
            let slots = if quick { 50 } else { 500 };
            let (replayed, bare) = (ours.replay(slots), bare.replay(slots));
            line(members, &format!("replay of {slots} slots"), &[replayed], &[bare]);
        }
    }
}

type Pair<T> = (T, T);

/// Two operations that were measured together: the one who does, the one who follows.
fn report(
    members: usize,
    names: [&str; 2],
    runs: impl Iterator<Item = (Pair<Steps>, Pair<Spent>)>,
) {
    let (ours, bare): (Vec<_>, Vec<_>) = runs.unzip();
    let (did, followed): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
    let (bare_did, bare_followed): (Vec<_>, Vec<_>) = bare.into_iter().unzip();
    line(members, names[0], &did, &bare_did);
    line(members, names[1], &followed, &bare_followed);
}

fn line(members: usize, name: &str, ours: &[Steps], bare: &[Spent]) {
    let groups = median(&ours.iter().map(|it| it.groups).collect::<Vec<_>>());
    let all = median(&ours.iter().map(|it| it.all).collect::<Vec<_>>());
    let bare = median(bare);
    let times = |spent: Spent| spent.cpu.as_secs_f64() / bare.cpu.as_secs_f64();
    println!(
        "| {members} | {name} | {} | {} | {} | {:.1} / {:.1} |",
        shown(all),
        shown(groups),
        shown(bare),
        times(all),
        times(groups),
    );
}

/// Wall clock, and processor time in brackets.
fn shown(spent: Spent) -> String {
    let [wall, cpu] = [spent.wall, spent.cpu].map(|time| time.as_secs_f64() * 1e3);
    format!("{wall:.2} ({cpu:.2}) ms")
}
